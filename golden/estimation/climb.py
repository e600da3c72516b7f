"""Uphill to the maximum of a log-likelihood whose score is known: quasi-Newton, step by step.

The information of the segments' scores (Berndt, Hall, Hall & Hausman, Ann. Econ. Soc. Meas. 3,
653 (1974)) is the first metric; the BFGS formula improves it from the scores met on the way, and
the observed information replaces it where it leads astray.
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
MISLED = 4
"""Trials of a step beyond which the metric is thrown away for the observed information."""
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
    root = _root(metric)
    frame = np.linalg.inv(root).T
    out = np.zeros((index.size, index.size))
    for row in range(index.size):
        moved = theta.copy()
        moved[index] += APART * frame[:, row]
        out[row] = frame.T @ (base - scores(moved)[1].sum(0)[index]) / APART
    return np.asarray(root @ (0.5 * (out + out.T)) @ root.T)


def _root(metric: Array) -> Array:
    """A square root of a symmetric matrix made positive, ``(f, f)``."""
    values, vectors = np.linalg.eigh(metric)
    floor = 1e-9 * float(np.abs(values).max(initial=0.0)) + 1e-300
    return np.asarray(vectors * np.sqrt(np.maximum(np.abs(values), floor)))


def climb(scores: Scores, theta: Array, free: Flags, lower: Array, most: int = 80) -> Peak:
    """Maximise from ``theta`` over the ``free`` parameters, each at least ``lower``."""
    theta = np.maximum(theta, lower)
    value, each = scores(theta)
    score = each.sum(0)
    metric = _first_metric(scores, theta, free, each)
    count, converged = 1, False
    for _ in range(most if np.isfinite(value) else 0):
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
        if found[0] > MISLED:
            metric = _positive(information(scores, new, free, _part(metric, free)), free)
        else:
            _improve(metric, new - theta, score - new_score)
        theta, value, score = new, new_value, new_score
    resting = free & (theta <= lower) & (score < 0)
    settled = free & ~resting
    return Peak(theta, value, score, _part(metric, settled), resting, settled, converged, count)


def _first_metric(scores: Scores, theta: Array, free: Flags, each: Array) -> Array:
    n = int(free.sum())
    if each.shape[0] >= 4 * n:
        return _positive(each[:, free].T @ each[:, free], free)
    return _positive(information(scores, theta, free, np.eye(n) / 0.02**2), free)


def _positive(part: Array, free: Flags) -> Array:
    """All of the metric, from that of the ``free`` parameters, made positive."""
    full, root = np.eye(free.size), _root(part)
    full[np.ix_(free, free)] = root @ root.T
    return full


def _part(metric: Array, flags: Flags) -> Array:
    return np.asarray(metric[np.ix_(flags, flags)])


def _step(metric: Array, score: Array, move: Flags) -> Array:
    """Newton's step, no longer than ``LONGEST``."""
    step = np.zeros(score.size)
    step[move] = np.linalg.solve(_part(metric, move), score[move])
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
