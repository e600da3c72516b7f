"""How far two trains of spikes are apart: by filtered trains, by cost of edits, by rate.

Times and constants share one unit, seconds or steps; the distances of van Rossum and of Victor
and Purpura have none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InvalidValue, require

__all__ = ["rate_difference", "van_rossum", "victor_purpura"]

Array = NDArray[np.float64]


def van_rossum(a: ArrayLike, b: ArrayLike, tau: float) -> float:
    """Distance of two trains, each spike replaced by an exponential that decays with ``tau``.

    ``D^2 = 1/tau int (f - g)^2 dt`` with ``f(t) = sum exp(-(t - t_i)/tau)`` over the spikes
    before ``t``. One spike without partner counts ``D^2 = 1/2``; one moved by ``d`` counts
    ``1 - exp(-|d|/tau)``. The integral of every product of two exponentials is known, so the
    result is exact; it takes ``n log n`` time.

    Source: van Rossum, "A novel spike distance", Neural Computation 13, 751-763 (2001).

    Parameters
    ----------
    a, b
        Spike times in any order, ``(spikes,)``.
    tau
        Time constant, > 0.

    Raises
    ------
    InvalidValue
        For times that are not finite numbers, or a ``tau`` not above 0.
    """
    require(np.isfinite(tau) and tau > 0, "tau", tau, "a finite number greater than 0")
    times = np.concatenate((_times("a", a), _times("b", b)))
    sign = np.ones(times.size)
    sign[np.size(a) :] = -1.0
    at, where = np.unique(times, return_inverse=True)
    # Spikes at one time cancel exactly, so equal trains are 0 apart and not 1e-8.
    weight = np.zeros(at.size)
    np.add.at(weight, where, sign)
    kept = weight != 0
    at, weight = at[kept], weight[kept]
    squared, before = float((weight**2).sum()), 0.0
    for k in range(1, at.size):
        before = (before + weight[k - 1]) * float(np.exp(-(at[k] - at[k - 1]) / tau))
        squared += 2.0 * weight[k] * before
    return float(np.sqrt(max(squared, 0.0) / 2.0))


def victor_purpura(a: ArrayLike, b: ArrayLike, cost: float) -> float:
    """Least cost of turning ``a`` into ``b``: 1 to add or delete a spike, ``cost |d|`` to move one.

    With ``cost`` 0 it is the difference of the counts; a move farther than ``2 / cost`` is never
    worth it. Takes time as the product of the counts.

    Source: Victor & Purpura, "Nature and precision of temporal coding in visual cortex: a
    metric-space analysis", Journal of Neurophysiology 76, 1310-1326 (1996), D^spike.

    Parameters
    ----------
    a, b
        Spike times in any order, ``(spikes,)``.
    cost
        Of moving a spike by one unit of time, >= 0.

    Raises
    ------
    InvalidValue
        For times that are not finite numbers, or a ``cost`` below 0.
    """
    require(np.isfinite(cost) and cost >= 0, "cost", cost, "a finite number of at least 0")
    first, second = np.sort(_times("a", a)), np.sort(_times("b", b))
    column = np.arange(second.size + 1, dtype=np.float64)
    row = column.copy()
    for t in first:
        best = row + 1.0
        best[1:] = np.minimum(best[1:], row[:-1] + cost * np.abs(second - t))
        # Adding spikes of b one after the other: a running minimum along the row.
        row = column + np.minimum.accumulate(best - column)
    return float(row[-1])


def rate_difference(a: ArrayLike, b: ArrayLike, duration: float) -> float:
    """Spikes in a unit of time that ``b`` has more than ``a``, over ``duration``.

    Raises
    ------
    InvalidValue
        For times that are not finite numbers, or a ``duration`` not above 0.
    """
    require(np.isfinite(duration) and duration > 0, "duration", duration, "a number greater than 0")
    return (_times("b", b).size - _times("a", a).size) / duration


def _times(name: str, values: ArrayLike) -> Array:
    times = np.asarray(values, dtype=np.float64)
    require(times.ndim == 1, name, list(times.shape), "one line of spike times")
    for k in np.flatnonzero(~np.isfinite(times)):
        raise InvalidValue(f"{name}[{k}]", float(times[k]), "finite numbers")
    return times
