"""The threshold where its likelihood is no bell: an edge on one side, a slope on the other.

With little measurement noise the highest potential that did not fire is a hard lower bound of
the threshold, and the spikes pull down towards it with a slope: the likelihood is near an
exponential, its maximum sits on the edge, and its curvature tells nothing. There the likelihood
itself is integrated (a flat prior): mean, standard deviation and quantiles. For an exponential
likelihood the quantiles are exact confidence limits, because the distance of the threshold from
the edge, over its mean, has the same distribution whatever the threshold.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Edge", "integrate", "is_bell"]

Array = NDArray[np.float64]

DEPTH = 12.0
"""Fall of the log-likelihood to which it is integrated."""
POINTS = 6
"""Values of the threshold on either side to begin with."""
REFINED = 40
"""Values added at most where the likelihood changes."""
FINE = 1e-2
"""Share of the whole that an interval may be in doubt of."""


@dataclass(frozen=True, eq=False)
class Edge:
    """Distribution function ``cumulative`` of the threshold at ``values``, each ``(n,)``."""

    values: Array
    cumulative: Array

    @property
    def mean(self) -> float:
        """Expectation."""
        middle = 0.5 * (self.values[1:] + self.values[:-1])
        return float(middle @ np.diff(self.cumulative))

    @property
    def deviation(self) -> float:
        """Standard deviation."""
        middle = 0.5 * (self.values[1:] + self.values[:-1]) - self.mean
        return float(np.sqrt(middle**2 @ np.diff(self.cumulative)))

    def quantile(self, share: float) -> float:
        """The value that the threshold lies below with that probability."""
        return float(np.interp(share, self.cumulative, self.values))

    def widened(self, variance: float) -> Edge:
        """With an independent ``variance`` added, by stretching."""
        factor = np.sqrt(1 + variance / self.deviation**2)
        return Edge(self.mean + factor * (self.values - self.mean), self.cumulative)

    def moved(self, scale: float, shift: float) -> Edge:
        """In other units."""
        return Edge(self.values * scale + shift, self.cumulative)


def is_bell(value: Callable[[float], float], top: float, centre: float, deviation: float) -> bool:
    """Whether two deviations off ``centre`` the log-likelihood is near 2 below its ``top``."""
    falls = [top - value(centre + side * deviation) for side in (-2.0, 2.0)]
    return all(1.0 < fall < 4.0 for fall in falls)


def integrate(value: Callable[[float], float], centre: float, scale: float) -> Edge | None:
    """The likelihood ``exp(value)`` around ``centre`` as a distribution; ``scale`` is a guess.

    ``None`` where it is no number around there.
    """
    known = {centre: value(centre)}

    def at(v_th: float) -> float:
        return known.setdefault(v_th, value(v_th))

    for side in (-1.0, 1.0):
        reach = _reach(at, known, centre, side * scale)
        for k in range(1, POINTS):
            at(centre + reach * k / POINTS)
    _refine(at, known)
    values = np.array(sorted(known))
    logs = np.array([known[v] for v in values.tolist()])
    inside = logs > logs.max() - 3 * DEPTH
    if inside.sum() < 3:
        return None
    values, logs = values[inside], logs[inside]
    parts = [np.linspace(a, b, 40) for a, b in itertools.pairwise(values.tolist())]
    fine = np.unique(np.concatenate(parts))
    density = np.exp(np.interp(fine, values, logs) - logs.max())
    mass = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(fine))])
    return Edge(fine, mass / mass[-1])


def _refine(at: Callable[[float], float], known: dict[float, float]) -> None:
    """Halve the intervals across which the likelihood changes most, the edge above all."""
    for _ in range(REFINED):
        values = np.array(sorted(known))
        logs = np.array([known[v] for v in values.tolist()])
        density = np.exp(np.clip(logs - logs.max(), -700.0, 0.0))
        # What a straight line may be off by: the change times the width.
        doubt = np.abs(np.diff(density)) * np.diff(values)
        k = int(np.argmax(doubt))
        if doubt[k] < FINE * float(0.5 * (density[1:] + density[:-1]) @ np.diff(values)):
            return
        at(float(0.5 * (values[k] + values[k + 1])))


def _reach(
    at: Callable[[float], float], known: dict[float, float], centre: float, step: float
) -> float:
    """Distance, within a factor of two, at which the log-likelihood has fallen by ``DEPTH``."""

    def fallen(distance: float) -> bool:
        found = at(centre + distance)
        return not found > max(known.values()) - DEPTH

    for _ in range(60):
        if fallen(step):
            break
        step *= 2
    for _ in range(60):
        if not fallen(step / 2):
            break
        step /= 2
    return step
