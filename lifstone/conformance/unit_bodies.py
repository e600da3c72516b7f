"""Systems 1, 2, 3, 6, 7 and 8 on integer cells: the clocked network body, and its RTL."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from ..golden.cell import CellTrace
from ..golden.cells.body import IntegerBody, integer_body
from ..golden.systems import find_system
from ..golden.unit import run_unit
from ..hdl.cells import conductance as _conductance  # noqa: F401
from ..hdl.cells import noise as _noise  # noqa: F401
from ..hdl.cells import photo as _photo  # noqa: F401
from ..hdl.unit_top import generate_unit
from ..sim.rtl.bulk import BulkRtl
from ..sim.rtl.unit import judge_unit
from .cell import Outcome, Overlay, from_checks, from_verdict

__all__ = ["network", "rtl"]

RTL_STEPS = 4000
"""The first steps of a run that the RTL repeats; the soak runs far more."""

_body = cache(integer_body)


@cache
def _trace(system: str) -> CellTrace:
    body: IntegerBody = _body(system)
    return run_unit(body.unit, body.inputs, body.steps)


def network(system: str) -> Outcome:
    """Figures of the integer cells against the float model."""
    body = _body(system)
    return from_checks(body.checks(_trace(system)), find_system(system).stimulus)


def rtl(system: str) -> Outcome:
    """Every word of every step against the integer cells."""
    body = _body(system)
    steps = min(RTL_STEPS, body.steps)
    inputs = {name: a[:steps] for name, a in body.inputs.items()}
    expected = run_unit(body.unit, inputs, steps)
    run = BulkRtl(generate_unit(body.unit, trace=True)).run(inputs, steps)
    verdict = judge_unit(body.unit, inputs, expected, run)
    stimulus = f"first {steps} steps of: {find_system(system).stimulus}"
    name = next(iter(expected.state))
    j = verdict.difference.neuron if verdict.difference is not None else 0
    got = run.cells[body.unit.name].state[name].reshape(steps, -1, body.unit.cell.n)
    pair = [a.reshape(steps, -1, body.unit.cell.n)[:, 0, j] for a in (expected.state[name], got)]
    x, wanted, found = (np.asarray(a, dtype=np.float64) for a in (np.arange(steps), *pair))
    return replace(from_verdict(verdict, stimulus), overlay=Overlay("step", name, x, wanted, found))
