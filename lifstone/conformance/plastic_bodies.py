"""Systems 9 and 15 on the core that learns: weights in integers, and the RTL's every word."""

from __future__ import annotations

from functools import cache

from ..golden import Status, Verdict
from ..golden.cell import CellTrace
from ..golden.learning.plastic_body import PlasticBody, plastic_body
from ..golden.systems import find_system
from ..sim.mixed.lockstep import judge_analog, judge_digital, run_lockstep
from ..sim.rtl.bulk import BulkRtl
from ..sim.rtl.plastic import plastic_design, plastic_reference, plastic_run
from ..sim.rtl.unit import compare_words
from .cell import Outcome, from_checks, from_verdict, joined

__all__ = ["network", "rtl", "spice"]

RTL_STEPS = 400
LOCKSTEP_STEPS = {"istdp": 600, "eprop": 1200}
LOCKSTEP_TOLERANCE = 1e-4

_body = cache(plastic_body)


def network(system: str) -> Outcome:
    """Weights and spikes of the integer rule against float theory."""
    body: PlasticBody = _body(system)
    return from_checks(body.checks(*body.run()), find_system(system).stimulus)


def rtl(system: str) -> Outcome:
    """Every word of neurons, synapses and lines of every step against the contract."""
    body = _body(system)
    inputs = {k: a[:RTL_STEPS, :2] for k, a in body.inputs.items()}
    steps = len(next(iter(inputs.values())))
    expected = plastic_reference(body.contract, inputs)
    got = plastic_run(BulkRtl(plastic_design(body.contract)), inputs)
    stimulus = f"first {steps} steps, two samples, of: {find_system(system).stimulus}"
    return from_verdict(_compared(expected, got), stimulus)


def spice(system: str) -> Outcome:
    """Mixed signal: the rule as RTL and an analog neuron, in lock-step under cocotb."""
    steps = LOCKSTEP_STEPS[system]
    run = run_lockstep(system, steps)
    stimulus = f"{steps} steps in lock-step: RTL on Icarus, neuron in ngspice"
    analog = judge_analog(run, LOCKSTEP_TOLERANCE)
    if analog.compared == 0:
        raise RuntimeError("the analog neuron never fired: nothing was compared")
    reason = "a tenth of a step: below it a spike is reported in its own step"
    return joined(
        [
            from_verdict(judge_digital(run), stimulus, because="every weight of every step"),
            from_verdict(analog, stimulus, because=reason),
        ]
    )


def _compared(expected: dict[str, CellTrace], got: dict[str, CellTrace]) -> Verdict:
    """One verdict of all populations: the earliest difference, or how many words agree."""
    found = [compare_words(name, trace, got[name]) for name, trace in expected.items()]
    parted = [v for v in found if v.difference is not None]
    if parted:
        return min(parted, key=lambda v: v.difference.step if v.difference else 0)
    compared = sum(v.compared for v in found)
    return Verdict("rtl", "contract", Status.EXACT, compared, 0.0, None, "words")
