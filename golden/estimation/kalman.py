"""Kalman filter and smoother of the free membrane, all segments side by side.

Exact as long as the threshold is out of reach; the states near it belong to :mod:`.grid`.
Source: Rauch, Tung & Striebel, AIAA Journal 3, 1445 (1965).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .noisy import Step
from .segments import Segments

__all__ = ["Filtered", "Moments", "forward", "smooth"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

REACH = 6.0
"""Standard deviations at which the threshold counts as out of reach: 1e-9 lies beyond."""


@dataclass(frozen=True, eq=False)
class Filtered:
    """Means and variances before and after each observation, ``(steps + 2, n)``.

    ``near`` is the first state that the threshold concerns, ``length + 1`` at most where the
    segment ends with a spike; where it concerns none, ``length + 2``. ``log_likelihood`` sums
    the states before ``near``, ``(n,)``.
    """

    mean: Array
    variance: Array
    predicted: Array
    spread: Array
    near: Index
    log_likelihood: Array


@dataclass(frozen=True, eq=False)
class Moments:
    """Expectations of the complete data given the observations, each ``(n,)``.

    With ``d`` the noise of a step: number of steps, sums of ``d``, ``d`` times the state before,
    ``d`` times input, ``d^2``; ``d`` of the first step from reset; number of observations and
    sum of their squared errors; and ``edge``, the derivative by the threshold.
    """

    n: Array
    d: Array
    dv: Array
    dx: Array
    dd: Array
    first: Array
    seen: Array
    error: Array
    edge: Array

    @staticmethod
    def zeros(n: int) -> Moments:
        """Nothing seen yet."""
        return Moments(*np.zeros((9, n)))

    def add(self, rows: Index, other: Moments) -> None:
        """Add what ``other`` saw of the segments ``rows``."""
        for field in fields(self):
            getattr(self, field.name)[rows] += getattr(other, field.name)


def forward(seg: Segments, c: Step) -> Filtered:
    """Filter every segment, the threshold left out of account."""
    shape = seg.y.shape
    mean, variance, predicted, spread = np.zeros((4, *shape))
    mean[0] = np.where(seg.known, c.v_reset, seg.y[0])
    variance[0] = np.where(seg.known, 0.0, c.s**2)
    seen = np.isfinite(seg.y)
    y = np.where(seen, seg.y, 0.0)
    drive = c.b + c.g * seg.x
    noise = np.where(seen, c.s**2, np.inf)
    for t, n in enumerate(seg.running.tolist()):
        if t == 0 or n == 0:
            continue
        m = c.a * mean[t - 1, :n] + drive[t, :n]
        p = c.a**2 * variance[t - 1, :n] + c.q**2
        gain = p / (p + noise[t, :n])
        predicted[t, :n], spread[t, :n] = m, p
        mean[t, :n] = m + gain * (y[t, :n] - m)
        variance[t, :n] = p * (1 - gain)
    return Filtered(
        mean,
        variance,
        predicted,
        spread,
        *_before_threshold(seg, c, (mean, variance, predicted, spread), seen),
    )


def _before_threshold(
    seg: Segments, c: Step, moments: tuple[Array, ...], seen: NDArray[np.bool_]
) -> tuple[Index, Array]:
    mean, variance, predicted, spread = moments
    t = np.arange(seg.y.shape[0])[:, None]
    inside = (t >= 1) & (t <= seg.length)
    near = (c.v_th - predicted < REACH * np.sqrt(spread)) & inside
    # A potential that an observation lifted: the step after it is the first one concerned.
    lifted = (c.v_th - mean < REACH * np.sqrt(variance)) & (t <= seg.length)
    near[1:] |= lifted[:-1] & inside[1:]
    first = np.where(near.any(0), near.argmax(0), seg.length + 2)
    first = np.where(seg.fired, np.minimum(first, seg.length + 1), first)
    total = spread + c.s**2
    error = np.where(seen, seg.y - predicted, 0.0)
    use = inside & seen & (t < first)
    terms = -0.5 * (np.log(2 * np.pi * np.where(use, total, 1.0)) + error**2 / total)
    return first.astype(np.int64), np.where(use, terms, 0.0).sum(0)


def smooth(
    seg: Segments, c: Step, f: Filtered, mean: Array, variance: Array
) -> tuple[Array, Array, Moments]:
    """Smooth the states before ``near``, given mean and variance of the last of them, ``(n,)``.

    Returns smoothed means and variances, ``(steps + 2, n)``, 0 from ``near`` on, and the
    expectations that belong to those states.
    """
    last = np.minimum(f.near - 1, seg.length)
    order = np.argsort(-last, kind="stable")
    back = np.argsort(order)
    fm, fv, fp, fs = (x[:, order] for x in (f.mean, f.variance, f.predicted, f.spread))
    gain = np.zeros(fm.shape)
    np.divide(c.a * fv[:-1], fs[1:], out=gain[1:], where=fs[1:] > 0)
    m, p = np.zeros((2, *fm.shape))
    columns = np.arange(seg.n)
    m[last[order], columns], p[last[order], columns] = mean[order], variance[order]
    running = np.searchsorted(-last[order], -np.arange(fm.shape[0]), side="right")
    for t in range(int(last.max(initial=0)), 0, -1):
        k = running[t]
        m[t - 1, :k] = fm[t - 1, :k] + gain[t, :k] * (m[t, :k] - fp[t, :k])
        p[t - 1, :k] = fv[t - 1, :k] + gain[t, :k] ** 2 * (p[t, :k] - fs[t, :k])
    m, p, gain = m[:, back], p[:, back], gain[:, back]
    return m, p, _moments(seg, c, last, (m, p, gain))


def _moments(seg: Segments, c: Step, last: Index, smoothed: tuple[Array, Array, Array]) -> Moments:
    m, p, gain = smoothed
    t = np.arange(m.shape[0])[:, None]
    into = ((t >= 1) & (t <= last))[1:]
    cross = gain[1:] * p[1:]
    d = np.where(into, m[1:] - c.a * m[:-1] - c.b - c.g * seg.x[1:], 0.0)
    spread = p[1:] + c.a**2 * p[:-1] - 2 * c.a * cross
    seen = np.isfinite(seg.y) & (t <= last)
    error = np.where(seen, (np.where(seen, seg.y, 0.0) - m) ** 2 + p, 0.0)
    return Moments(
        n=into.sum(0).astype(np.float64),
        d=d.sum(0),
        dv=np.where(into, d * m[:-1] + cross - c.a * p[:-1], 0.0).sum(0),
        dx=(d * seg.x[1:]).sum(0),
        dd=np.where(into, d**2 + spread, 0.0).sum(0),
        first=np.where(seg.known, d[0], 0.0),
        seen=seen.sum(0).astype(np.float64),
        error=error.sum(0),
        edge=np.zeros(seg.n),
    )
