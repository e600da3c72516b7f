"""Maximum of the likelihood, its curvature, and the threshold where there is no bell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidValue
from .baseline import starting_point
from .climb import Peak, Scores, climb, information
from .likelihood import evaluate, nodes_for
from .noisy import NAMES, Noisy
from .samples import Samples
from .segments import Segments
from .threshold import Edge, integrate, is_bell

__all__ = ["SMALLEST", "Maximum", "maximise"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

SMALLEST = 0.02
"""Noise of a step below this share of what the samples show is none: no grid resolves it."""
SMALLEST_MEASURED = 1e-3
"""The same for measurement noise, which the samples at reset show by themselves."""
SHARP = 0.05
"""Measurement noise, over that of a step, below which the threshold is an edge from the start."""
OUT_OF_REACH = 1e6
"""A threshold, in units of the recording's spread, that no potential concerns."""
V_TH, SIGMA_V, SIGMA_Y = (NAMES.index(name) for name in ("v_th", "sigma_v", "sigma_y"))


@dataclass(frozen=True, eq=False)
class Maximum:
    """Estimates and covariance in the scale of the samples; see :class:`.Fit`."""

    vector: Array
    covariance: Array
    log_likelihood: float
    edge: Edge | None
    converged: bool
    notes: tuple[str, ...]


def maximise(s: Samples) -> Maximum:
    """Climb to the maximum, take its curvature, integrate the threshold where that says little."""
    seg, start = s.segments(), starting_point(s)
    c = start.step(s.dt)
    fired = bool(seg.fired.any())
    found = _attempt(s, seg, start, sharp=fired and c.s < SHARP * c.q)
    if fired and found.edge is None and np.isnan(found.covariance[0, 0]):
        # Where the threshold is nearly an edge, its curvature may spoil all.
        found = _attempt(s, seg, start, sharp=True)
    return found


def _attempt(s: Samples, seg: Segments, start: Noisy, sharp: bool) -> Maximum:
    """With ``sharp`` the threshold does not take part in the climb."""
    fired, theta = bool(seg.fired.any()), start.vector()
    known = np.array([True, s.driven, True, fired, bool(s.spikes.size), True, True])
    free = known.copy()
    if sharp:
        # The likelihood grows up to an edge: no climb ends there, and no other parameter minds.
        free[V_TH] = False
        theta[V_TH] = _highest_quiet(s) + start.step(s.dt).q / s.spikes.size
    elif not fired:
        theta[V_TH] = OUT_OF_REACH
    peak, scores = _search(s, seg, start, theta, free)
    info = information(scores, peak.theta, peak.settled, peak.metric)
    vector, covariance = peak.theta.copy(), np.full((7, 7), np.nan)
    flat = not _positive(info)
    if not flat:
        found = np.linalg.inv(info)
        covariance[np.ix_(peak.settled, peak.settled)] = found
        vector[peak.settled] += found @ peak.score[peak.settled]
    edge = _edge(scores, peak, sharp, info, covariance) if fired and not flat else None
    if edge is not None:
        vector[V_TH] = edge.mean
        covariance[V_TH, peak.settled] = covariance[peak.settled, V_TH] = 0.0
        covariance[V_TH, V_TH] = edge.deviation**2
    vector[~known] = np.nan
    notes = _notes(peak, flat)
    return Maximum(vector, covariance, peak.log_likelihood, edge, peak.converged, notes)


def _notes(peak: Peak, flat: bool) -> tuple[str, ...]:
    out = []
    if peak.resting[SIGMA_Y]:
        out.append("no measurement noise seen: sigma_y is an upper bound")
    if peak.resting[SIGMA_V]:
        out.append("no intrinsic noise seen: sigma_v is an upper bound")
    if not peak.converged:
        out.append("the search did not reach a maximum: errors are not to be trusted")
    if flat:
        out.append("the likelihood is flat in some direction: no standard errors")
    return tuple(out)


def _highest_quiet(s: Samples) -> float:
    """The highest potential of a sample that did not fire."""
    y = s.y.copy()
    for first, last in s.windows.tolist():
        y[first : last + 1] = np.nan
    return float(np.nanmax(y))


def _positive(info: Array) -> bool:
    """Whether a matrix is positive definite beyond rounding, whatever the parameters' units."""
    scale = np.sqrt(np.abs(np.diag(info))) + 1e-300
    return bool(np.linalg.eigvalsh(info / np.outer(scale, scale))[0] > 1e-9)


def _edge(scores: Scores, peak: Peak, sharp: bool, info: Array, covariance: Array) -> Edge | None:
    """Distribution of the threshold, the other parameters at the maximum; none where a bell."""

    def value(v_th: float) -> float:
        theta = peak.theta.copy()
        theta[V_TH] = v_th
        return scores(theta)[0]

    centre = float(peak.theta[V_TH])
    if sharp:
        return integrate(value, centre, 0.1 * abs(centre))
    at = int(np.flatnonzero(np.flatnonzero(peak.settled) == V_TH)[0])
    alone = float(1 / info[at, at])
    if is_bell(value, peak.log_likelihood, centre, np.sqrt(alone)):
        return None
    # What the doubt about the other parameters adds to that with them at the maximum.
    more = max(float(covariance[V_TH, V_TH]) - alone, 0.0)
    found = integrate(value, centre, np.sqrt(alone))
    return None if found is None else found.widened(more)


def _search(
    s: Samples, seg: Segments, start: Noisy, theta: Array, free: Flags
) -> tuple[Peak, Scores]:
    """Climb, again with more nodes where the maximum needs more than the start did."""
    c = start.step(s.dt)
    shown = np.hypot(c.q, np.sqrt(2.0) * c.s)
    lower = np.full(7, -np.inf)
    lower[SIGMA_V] = np.log(SMALLEST * shown * start.sigma_v / c.q)
    lower[SIGMA_Y] = np.log(SMALLEST_MEASURED * shown)
    nodes = nodes_for(seg, start, s.dt)
    while True:
        scores = _scores(s, seg, nodes)
        peak = climb(scores, theta, free, lower)
        needed = nodes_for(seg, Noisy.of(peak.theta), s.dt)
        if needed <= nodes:
            return peak, scores
        nodes, theta = needed, peak.theta


def _scores(s: Samples, seg: Segments, nodes: int) -> Scores:
    def scores(theta: Array) -> tuple[float, Array]:
        try:
            found = evaluate(seg, Noisy.of(theta), s.dt, nodes)
        except InvalidValue:
            return -np.inf, np.zeros((seg.n, 7))
        total = float(found.log_likelihood.sum())
        if not (np.isfinite(total) and np.isfinite(found.score).all()):
            return -np.inf, np.zeros(found.score.shape)
        return total, found.score

    return scores
