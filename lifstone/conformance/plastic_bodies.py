"""Systems 9 and 15 on the core that learns: weights in integers, and the RTL's every word."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from ..golden import Difference, Status, Verdict
from ..golden.cell import CellTrace
from ..golden.learning.plastic_body import PlasticBody, plastic_body
from ..golden.systems import find_system
from ..sim.rtl.bulk import BulkRtl
from ..sim.rtl.plastic import plastic_design, plastic_reference, plastic_run
from .cell import Outcome, from_checks, from_verdict

__all__ = ["network", "rtl"]

RTL_STEPS = 400

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


def _compared(expected: dict[str, CellTrace], got: dict[str, CellTrace]) -> Verdict:
    compared, best = 0, None
    for population, trace in expected.items():
        words = {**trace.state, "spike": trace.spikes.astype(np.int64)}
        others = {**got[population].state, "spike": got[population].spikes.astype(np.int64)}
        for name, value in words.items():
            compared += value.size
            parted = np.argwhere(value != others[name])
            if parted.size:
                k, sample, j = (int(x) for x in parted[0])
                at = (k, sample, j)
                found = Difference(
                    k, population, j, name, float(value[at]), float(others[name][at]), sample
                )
                best = found if best is None or k < best.step else best
    verdict = Verdict("rtl", "contract", Status.EXACT, compared, 0.0, None, "words")
    if best is None:
        return verdict
    return replace(verdict, status=Status.DEVIATES, difference=best, figure=None)
