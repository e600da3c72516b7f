"""System 4 on the other bodies: each makes the recordings that the estimator reads."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..analog.silicon_measure import leak_curve
from ..golden.cell import CellTrace
from ..golden.cells.noise import NoisyLif
from ..golden.estimation import Recording, fit
from ..golden.noise.integer_chain import realised, white_cell
from ..golden.noise.membrane import NoisyMembrane
from ..golden.systems import Check
from ..golden.unit import UnitContract, run_unit
from ..hdl.cells import noise as _noise  # noqa: F401
from ..hdl.unit_top import generate_unit
from ..sim.calibration import record
from ..sim.calibration_study import BASE, BENCH
from ..sim.rtl.bulk import BulkRtl
from ..sim.rtl.unit import judge_unit
from .cell import Outcome, from_checks, from_verdict, joined

__all__ = ["network", "rtl", "spice"]

DT, STEPS, NEURONS, SEED = 1e-3, 6000, 4, 3
MEMBRANE = NoisyMembrane(tau_mem=20e-3, mu=1.1, sigma=0.25, v_th=1.0, v_reset=0.0, t_ref=2e-3)
STIMULUS = "intrinsic noise alone, 4 neurons, 6 s"
SIGMAS = "four standard errors that the estimator itself gives"


@cache
def _cell() -> NoisyLif:
    return white_cell(MEMBRANE, DT, NEURONS, seed=SEED, per_sigma=256)


@cache
def _expected() -> CellTrace:
    return run_unit(_unit(), {}, STEPS)


def _unit() -> UnitContract:
    return UnitContract(_cell(), {}, (), "recorded")


def network(system: str) -> Outcome:
    """Estimates from recordings of the clocked integer neuron."""
    assert system == "estimation"
    trace = _expected()
    return from_checks(_checks(trace.state["u"], trace.spikes), STIMULUS, SEED)


def rtl(system: str) -> Outcome:
    """The RTL's recordings are those of the integers, bit for bit; the estimates from them."""
    assert system == "estimation"
    run = BulkRtl(generate_unit(_unit(), trace=True)).run({}, STEPS)
    verdict = judge_unit(_unit(), {}, _expected(), run)
    exact = from_verdict(verdict, STIMULUS, seed=SEED)
    if not verdict.agrees:
        return exact
    got = run.cells["recorded"]
    fitted = from_checks(_checks(got.state["u"], got.spikes), STIMULUS, SEED)
    return exact if fitted.status == "within" else joined([exact, fitted])


def _checks(u: NDArray[np.int64], spikes: NDArray[np.bool_]) -> list[Check]:
    """Time constant, rest, threshold and noise of every neuron against what it was made of."""
    base, truth = _cell().base, realised(_cell(), DT)
    out = []
    for j in range(NEURONS):
        v = u[:, j] * base.lsb[j] + base.v_rest[j]
        found = fit(Recording(v, DT, None, np.flatnonzero(spikes[:, j]), t_ref=truth.t_ref))
        wanted = {
            "tau_mem": (truth.tau_mem, "s"),
            "v_leak": (truth.mu, "V"),
            "v_th": (truth.v_th, "V"),
            "sigma_v": (truth.sigma / 2**0.5, "V"),
        }
        for name, (value, unit) in wanted.items():
            e = found[name]
            out.append(
                Check.sigma(f"{name} of neuron {j}", e.value, value, e.error, 4.0, unit,
                            "what the neuron was made of", SIGMAS)
            )  # fmt: skip
    return out


def spice(system: str) -> Outcome:
    """Estimates from a noisy recording of the neuron of transistors."""
    assert system == "estimation"
    found = fit(record(BASE, BENCH, SEED))
    curve = leak_curve(BASE)
    wanted = {"tau_mem": (BASE.c / curve.g_m, "s"), "v_leak": (curve.rest, "V")}
    checks = [
        Check.sigma(name, found[name].value, value, found[name].error, 4.0, unit,
                    "leak curve of the circuit without noise", SIGMAS)
        for name, (value, unit) in wanted.items()
    ]  # fmt: skip
    return from_checks(checks, f"{BENCH.samples} noisy samples under a random current", SEED)
