"""Systems that are networks of LIF neurons: network layer, RTL and SPICE, as ``verify`` has it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..api import verify
from ..golden import Lif, Status
from ..golden.fi import rate
from ..golden.systems import Check
from ..sim.simulate import Simulator
from ..stimulus import Stimulus
from ..verdicts import Role, Row
from .cell import Outcome, from_checks, from_verdict, joined
from .networks import Subject, subject

__all__ = ["network", "rtl", "spice"]

SPICE_SAMPLES = 2


def network(system: str) -> Outcome:
    """The network layer against golden, float and integer; for the F-I curve, its rates too."""
    made = subject(system)
    outcomes = _rows(made, "network")
    if system == "fi":
        outcomes.append(from_checks(_rates(made), made.stimulus))
    return joined(outcomes)


def rtl(system: str) -> Outcome:
    """The RTL against the contract, every state of every step."""
    return joined(_rows(subject(system), "rtl"))


def spice(system: str) -> Outcome:
    """Chosen neurons as capacitor and OTA against the event-driven solution."""
    made = subject(system)
    steps = min(made.steps, made.spice_steps)
    shorter = {k: a[:steps, :SPICE_SAMPLES] for k, a in made.spikes.items()}
    what = f"first {steps} steps of: {made.stimulus}"
    part = replace(made, spikes=shorter, steps=steps, stimulus=what)
    outcome = joined(_rows(part, "spice"))
    if outcome.status is not Status.WITHIN:
        return outcome
    reason = "one step of the network: below it the spike falls into the same step"
    return replace(outcome, because=reason)


def _rows(made: Subject, body: str) -> list[Outcome]:
    samples = next((a.shape[1] for a in made.spikes.values()), 1)
    given = Stimulus(dict(made.spikes), made.steps, made.stimulus, samples)
    result = verify(made.network, given, bodies=(body,), neurons=made.neurons)
    rows: list[Row] = [
        r for r in result.rows if r.role is Role.CONFORMANCE and r.verdict.body.startswith(body)
    ]
    if not any(r.verdict.compared for r in rows):
        raise RuntimeError(f"the {body} body compared nothing: the stimulus is too weak")
    return [
        from_verdict(
            r.verdict, made.stimulus, seed=made.seed,
            because="rounding of float64" if "relative" in r.verdict.unit else "",
        )
        for r in rows
    ]  # fmt: skip


def _rates(made: Subject) -> list[Check]:
    """Rates of the network layer over the closed form, each with the bound of the grid."""
    net = made.network
    trace = Simulator(net).run({}, made.steps)["p"]
    counted = trace.spikes.reshape(made.steps, -1)
    lif: Lif = net.populations["p"]
    out = []
    for j in (10, 20, 40):
        at = np.flatnonzero(counted[:, j])
        found = float((at.size - 1) / ((at[-1] - at[0]) * net.dt))
        exact = float(rate(lif.neuron(j), float(net.bias["p"][j])))
        out.append(
            Check.relative(
                f"rate at current {j}", found, exact, 2 * net.dt * exact, "Hz", "closed form",
                "an interval ends with its step, and a refractory period is whole steps",
            )
        )  # fmt: skip
    return out
