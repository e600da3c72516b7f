"""System 11 on the other bodies: the platforms' arithmetic as cells, as RTL, and accelerated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..golden import Difference, Lif, Status, Verdict
from ..golden.cell import CellTrace
from ..golden.platforms.event_unit import EventContract, run_events
from ..golden.platforms.profile import PlatformNetwork, Projection, run_platform
from ..golden.unit import UnitContract, run_unit
from ..sim.rtl.soak import soak
from ..sim.rtl.soak_cases.platforms import CASES, CONTRACTS
from ..sim.spice import verify_spice
from .cell import Outcome, from_verdict, joined

__all__ = ["network", "rtl", "spice"]

STEPS, SEED = 200, 1
UPDATES = 1e5
STIMULUS = "random and directed spikes, 64 neurons of each platform"
ACCELERATION = 1000.0


def network(system: str) -> Outcome:
    """Each platform's cells against the plain scalar reading of its population."""
    assert system == "platforms"
    return joined([_against_profile(name) for name in CONTRACTS])


def _against_profile(name: str) -> Outcome:
    contract = CONTRACTS[name]()
    rng = np.random.default_rng(SEED)
    lines = contract.lines if isinstance(contract, EventContract) else contract.inputs["x"]
    spikes = (rng.random((STEPS, lines)) < 0.3).astype(np.uint8)
    if isinstance(contract, EventContract):
        trace, weight = run_events(contract, {contract.source: spikes}), contract.weight
    else:
        assert isinstance(contract, UnitContract)
        trace, weight = run_unit(contract, {"x": spikes}), contract.projections[0].weight
    population = getattr(contract.cell, "population")  # noqa: B009  -- of every cell here
    plain = run_platform(
        PlatformNetwork({"x": lines}, {"p": population}, (Projection("x", "p", weight, 0),)),
        {"x": spikes},
    )["p"]
    return from_verdict(_compared(name, plain.spikes > 0, trace), STIMULUS, seed=SEED)


def _compared(name: str, wanted: NDArray[np.bool_], trace: CellTrace) -> Verdict:
    got = trace.spikes
    parted = np.argwhere(got != wanted)
    if not wanted.any():
        raise RuntimeError(f"{name} fired nowhere: nothing was compared")
    if not parted.size:
        return Verdict("network", "profile", Status.EXACT, wanted.size, 0.0, None, "spikes")
    k, j = (int(x) for x in parted[0])
    where = Difference(k, name, j, "spike", float(wanted[k, j]), float(got[k, j]))
    return Verdict("network", "profile", Status.DEVIATES, wanted.size, None, None, "spikes", where)


def rtl(system: str) -> Outcome:
    """Every word of every platform's core against its cells."""
    assert system == "platforms"
    out = []
    for case in CASES:
        found = soak(case, UPDATES, optimise=False)
        status = Status.DEVIATES if found.deviation else Status.EXACT
        verdict = Verdict(
            "rtl", "contract", status, found.updates, 0.0, None, "words",
            reason=f"{case.name}: {found.deviation}" if found.deviation else "",
        )  # fmt: skip
        out.append(from_verdict(verdict, STIMULUS, seed=SEED))
    return joined(out)


def spice(system: str) -> Outcome:
    """The accelerated analog body: time constants a thousandth of those of biology."""
    assert system == "platforms"
    dt = 1e-3 / ACCELERATION
    lif = Lif(tau_mem=10e-3 / ACCELERATION, v_th=1.0, t_ref=2e-3 / ACCELERATION)
    x = np.repeat(np.random.default_rng(SEED).uniform(0.5, 3.0, 60), 5)
    verdict = verify_spice(lif, x, dt, dt / 10)
    reason = "a tenth of an accelerated step of 1 us"
    return from_verdict(verdict, "steps of current, 0.3 ms at x1000", seed=SEED, because=reason)
