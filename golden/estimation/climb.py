"""Uphill to the maximum of a log-likelihood whose score is known: quasi-Newton, step by step.

The information of the segments' scores (Berndt, Hall, Hall & Hausman, Ann. Econ. Soc. Meas. 3,
653 (1974)) is the first metric; the BFGS formula improves it from the scores met on the way.
A step is halved until the likelihood grows, and a parameter at its lower bound that wants below
it rests there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Peak", "climb", "information"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Scores = Callable[[Array], tuple[float, Array]]
"""From parameters to the log-likelihood and the scores, ``(segments, parameters)``."""

CLOSE = 1e-5
"""Squared distance from the maximum, in standard errors, at which the climb ends."""
LONGEST = 4.0
"""Longest step in standard errors."""
APART = 0.02
"""Difference for the information, in standard errors."""


@dataclass(frozen=True, eq=False)
class Peak:
    """Where the climb ended.

    ``resting`` are the parameters at their lower bound, ``settled`` the free ones that are not;
    ``metric`` is a rough information of these.
    """

    theta: Array
    log_likelihood: float
    score: Array
    metric: Array
    resting: Flags
    settled: Flags
    converged: bool
    evaluations: int


def information(scores: Scores, theta: Array, free: Flags, metric: Array) -> Array:
    """Observed information of the free parameters by differences of the score, ``(f, f)``.

    The differences are taken where ``metric``, a rough information ``(f, f)``, is the identity:
    parameters that are nearly exchangeable would otherwise cancel each other's digits.
    """
    index = np.flatnonzero(free)
    base = scores(theta)[1].sum(0)[index]
    root = np.linalg.cholesky(metric)
    frame = np.linalg.inv(root).T
    out = np.zeros((index.size, index.size))
    for row in range(index.size):
        moved = theta.copy()
        moved[index] += APART * frame[:, row]
        out[row] = frame.T @ (base - scores(moved)[1].sum(0)[index]) / APART
    return np.asarray(root @ (0.5 * (out + out.T)) @ root.T)


def climb(scores: Scores, theta: Array, free: Flags, lower: Array, most: int = 80) -> Peak:
    """Maximise from ``theta`` over the ``free`` parameters, each at least ``lower``."""
    theta = np.maximum(theta, lower)
    value, each = scores(theta)
    score = each.sum(0)
    metric = _first_metric(scores, theta, free, each)
    count, converged = 1, False
    for _ in range(most):
        resting = free & (theta <= lower) & (score < 0)
        move = free & ~resting
        step = _step(metric, score, move)
        if float(score[move] @ step[move]) < CLOSE:
            converged = True
            break
        found = _uphill(scores, theta, lower, (value, score), step)
        count += found[0]
        if found[1] is None:
            break
        new, new_value, new_score = found[1]
        _improve(metric, new - theta, score - new_score)
        theta, value, score = new, new_value, new_score
    resting = free & (theta <= lower) & (score < 0)
    settled = free & ~resting
    rough = metric[np.ix_(settled, settled)]
    return Peak(theta, value, score, rough, resting, settled, converged, count)


def _first_metric(scores: Scores, theta: Array, free: Flags, each: Array) -> Array:
    n = int(free.sum())
    full = np.eye(theta.size)
    if each.shape[0] >= 4 * n:
        part = each[:, free].T @ each[:, free]
    else:
        part = information(scores, theta, free, np.eye(n) / 0.02**2)
    values, vectors = np.linalg.eigh(part)
    values = np.maximum(np.abs(values), 1e-9 * np.abs(values).max(initial=1e-300))
    full[np.ix_(free, free)] = (vectors * values) @ vectors.T
    return full


def _step(metric: Array, score: Array, move: Flags) -> Array:
    """Newton's step, no longer than ``LONGEST``."""
    step = np.zeros(score.size)
    step[move] = np.linalg.solve(metric[np.ix_(move, move)], score[move])
    length = np.sqrt(max(float(score[move] @ step[move]), 0.0))
    return step if length <= LONGEST else step * (LONGEST / length)


def _uphill(
    scores: Scores, theta: Array, lower: Array, here: tuple[float, Array], step: Array
) -> tuple[int, tuple[Array, float, Array] | None]:
    """Halve the step until the likelihood grows by a tenth of what its slope promises."""
    value, score = here
    for k in range(30):
        new = np.maximum(theta + step * 0.5**k, lower)
        new_value, each = scores(new)
        if new_value >= value + 1e-4 * float(score @ (new - theta)) and np.isfinite(new_value):
            return k + 1, (new, new_value, each.sum(0))
    return 30, None


def _improve(metric: Array, s: Array, y: Array) -> None:
    """BFGS update of the metric in place, where the curvature met is that of a maximum."""
    bend = float(s @ y)
    along = metric @ s
    size = float(s @ along)
    if bend > 0.05 * size > 0:
        metric += np.outer(y, y) / bend - np.outer(along, along) / size
