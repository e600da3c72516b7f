"""Verdicts and traces of several samples: taken apart, put in a row, and named again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .case import Case
from .golden import Difference, Trace, Verdict

__all__ = ["flat", "in_sample", "lift", "merge", "of_sample", "one", "placed"]

Traces = Mapping[str, Trace]


def merge(found: Sequence[Verdict]) -> Verdict:
    """One verdict over all samples: the first that deviates, or the largest figure."""
    compared = sum(v.compared for v in found)
    bad = [v for v in found if not v.agrees]
    if not bad:
        figure = max((v.figure for v in found if v.figure is not None), default=None)
        tolerance = max((v.tolerance for v in found if v.tolerance is not None), default=None)
        return replace(found[0], compared=compared, figure=figure, tolerance=tolerance)
    first = bad[0]
    counted = first.unit == "spikes"
    figure = float(sum(v.figure or 0.0 for v in bad if v.unit == "spikes"))
    return replace(first, compared=compared, figure=figure if counted else first.figure)


def of_sample(verdict: Verdict, k: int, case: Case) -> Verdict:
    """Name the sample in a difference, where there are several."""
    if verdict.difference is None or case.stimulus.samples == 1:
        return verdict
    return replace(verdict, difference=replace(verdict.difference, sample=k))


def one(traces: Traces, k: int) -> dict[str, Trace]:
    """Traces ``(steps, n)`` of sample ``k``."""
    return {n: Trace(t.v[:, k], t.i[:, k], t.spikes[:, k]) for n, t in traces.items()}


def lift(traces: Traces) -> dict[str, Trace]:
    """Traces ``(steps, n)`` as those of a single sample, ``(steps, 1, n)``."""
    return {n: Trace(t.v[:, None], t.i[:, None], t.spikes[:, None]) for n, t in traces.items()}


def flat(traces: Traces) -> dict[str, Trace]:
    """Samples one after the other, ``(samples * steps, n)``."""

    def rows(a: Any) -> Any:
        return np.swapaxes(a, 0, 1).reshape(-1, a.shape[-1])

    return {n: Trace(rows(t.v), rows(t.i), rows(t.spikes)) for n, t in traces.items()}


def in_sample(difference: Difference, case: Case) -> Difference:
    """Undo :func:`flat` for the place of a difference."""
    sample, step = divmod(difference.step, case.stimulus.steps)
    several = case.stimulus.samples > 1
    return replace(difference, step=step, sample=sample if several else None)


def placed(verdict: Verdict, case: Case) -> Verdict:
    """The same verdict on flat traces, its difference in its own sample."""
    if verdict.difference is None:
        return verdict
    return replace(verdict, difference=in_sample(verdict.difference, case))
