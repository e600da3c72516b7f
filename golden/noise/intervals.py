"""Interval statistics of any spike train, with standard errors.

The trains may come from a simulation, a clocked circuit or a transient analysis: only times
are asked for. Errors are those of independent intervals, by the delta method from the
intervals' own moments up to the fourth; ``serial`` tells whether independence holds.

A recording of fixed length leaves out the interval that its end cuts, more often a long one:
the mean is low by about ``mean cv^2 / duration`` of itself. Take a fixed number of intervals, a
recording of thousands, or the rate from counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import kstwo

from ..errors import InvalidValue, require

__all__ = ["IntervalStatistics", "interval_statistics", "intervals", "kolmogorov"]

Array = NDArray[np.float64]
_TRAIN = (np.ndarray, list, tuple)


@dataclass(frozen=True)
class IntervalStatistics:
    """Mean interval in seconds, its coefficient of variation, the rate ``1 / mean`` in hertz,
    and the correlation of neighbours (0 for a renewal process), each with a standard error."""

    count: int
    mean: float
    mean_error: float
    cv: float
    cv_error: float
    rate: float
    rate_error: float
    serial: float
    serial_error: float


def intervals(trains: Sequence[ArrayLike] | ArrayLike) -> list[Array]:
    """Intervals of one train of ascending spike times in seconds, or of several.

    Raises
    ------
    InvalidValue
        For times that are not finite or do not ascend.
    """
    several = isinstance(trains, list | tuple) and any(isinstance(t, _TRAIN) for t in trains)
    given: list[Any] = list(trains) if several else [trains]  # type: ignore[arg-type]
    out = []
    for number, train in enumerate(given):
        times = np.asarray(train, dtype=np.float64)
        require(times.ndim == 1, f"trains[{number}]", list(times.shape), "one dimension")
        for bad in np.flatnonzero(~np.isfinite(times)):
            raise InvalidValue(f"trains[{number}][{bad}]", float(times[bad]), "finite numbers")
        steps = np.diff(times)
        for bad in np.flatnonzero(steps <= 0):
            value = float(times[bad + 1])
            raise InvalidValue(f"trains[{number}][{bad + 1}]", value, "later than the one before")
        out.append(steps)
    return out


def interval_statistics(gaps: Sequence[Array] | Array) -> IntervalStatistics:
    """Statistics of intervals in seconds, pooled over trains (as :func:`intervals` gives them).

    Raises
    ------
    InvalidValue
        For fewer than 8 intervals, or intervals not above 0.
    """
    trains = [gaps] if isinstance(gaps, np.ndarray) else list(gaps)
    pooled = np.concatenate([np.ravel(g) for g in trains]) if trains else np.zeros(0)
    n = pooled.size
    require(n >= 8, "intervals", f"{n} intervals", "at least 8 intervals")
    for bad in np.flatnonzero(~(np.isfinite(pooled) & (pooled > 0))):
        raise InvalidValue(f"intervals[{bad}]", float(pooled[bad]), "greater than 0, in seconds")
    mean = float(pooled.mean())
    centred = pooled - mean
    variance = float(centred @ centred) / (n - 1)
    third, fourth = float(np.mean(centred**3)), float(np.mean(centred**4))
    cv = variance**0.5 / mean
    mean_error = (variance / n) ** 0.5
    spread = 0.0
    if variance > 0:
        # Delta method for s / m, from var m, var s^2 and their covariance.
        spread = (fourth - variance**2) / (4 * variance * mean**2)
        spread += variance**2 / mean**4 - third / mean**3
    left = np.concatenate([np.ravel(g)[:-1] for g in trains]) - mean
    right = np.concatenate([np.ravel(g)[1:] for g in trains]) - mean
    pairs = left.size
    serial = float(left @ right) / (pairs * variance) if pairs and variance > 0 else float("nan")
    serial_error = pairs**-0.5 if pairs else float("nan")
    return IntervalStatistics(
        n,
        mean,
        mean_error,
        cv,
        max(spread / n, 0.0) ** 0.5,
        1.0 / mean,
        mean_error / mean**2,
        serial,
        serial_error,
    )


def kolmogorov(samples: ArrayLike, cumulative: ArrayLike) -> tuple[float, float]:
    """Kolmogorov-Smirnov distance of samples from a distribution, and its p-value.

    Parameters
    ----------
    samples, cumulative
        ``(n,)``, and the distribution function at each of them.
    """
    x = np.ravel(np.asarray(samples, dtype=np.float64))
    f = np.ravel(np.asarray(cumulative, dtype=np.float64))
    require(x.size == f.size, "cumulative", f.size, f"{x.size} values, one a sample")
    require(x.size >= 8, "samples", f"{x.size} samples", "at least 8 samples")
    f = f[np.argsort(x)]
    step = np.arange(x.size + 1) / x.size
    distance = float(max(np.max(step[1:] - f), np.max(f - step[:-1])))
    return distance, float(kstwo.sf(distance, x.size))
