"""Baseline: regression on the sample before, averages triggered by the spikes.

The step ``v[k] = a v[k-1] + b + g x[k]`` is regressed with the sample two steps before as the
instrument for the one before, whose measurement noise would otherwise pull ``a`` towards 0
(Soderstrom & Stoica, "Instrumental Variable Methods for System Identification" (1983)). The
samples at reset give ``v_reset`` by their mean and the measurement noise by their spread; what
the residuals have beyond it is intrinsic. The threshold is the average, over spikes, of the
middle between the last sample before and the potential predicted for the spike itself.

It knows nothing of the censoring at the threshold: its estimates are biased where noise decides
when the neuron fires, and that bias is what the likelihood removes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import require
from .noisy import Noisy
from .samples import Samples

__all__ = ["Baseline", "baseline", "starting_point"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

FEW = 8
"""Samples at reset up to which their spread is no estimate of the measurement noise."""
ZERO = 1e-6
"""Noise below this share of the recording's spread is rounding, if only to single precision."""


@dataclass(frozen=True, eq=False)
class Baseline:
    """Estimates in the scale of the samples.

    Parameters
    ----------
    values
        ``tau_mem``, ``r``, ``v_leak``, ``v_th``, ``v_reset``, ``sigma_v``, ``sigma_y``; ``nan``
        where the recording does not determine one, ``(7,)``.
    covariance
        Theirs, ``(7, 7)``; the groups (time constant, resistance, rest), threshold, reset and
        noises are taken as independent.
    """

    values: Array
    covariance: Array

    @property
    def noiseless(self) -> bool:
        """Whether the residuals are rounding."""
        return not bool((self.values[5:] > ZERO).any())


@dataclass(frozen=True, eq=False)
class _Measured:
    """Coefficients ``a, b, g``, and values with variances, in the scale of the samples."""

    solution: Array
    covariance: Array
    residual: Array
    v_th: tuple[float, float]
    v_reset: tuple[float, float]
    noise: tuple[Array, Array]  # variances of a step and of a measurement, and theirs
    resets: int  # samples at reset


def baseline(s: Samples) -> Baseline:
    """Estimate all that the recording determines.

    Raises
    ------
    InvalidValue
        If the potential does not decay between spikes, or too few steps lie between them.
    """
    m = _measure(s)
    a, b, g = m.solution.tolist()
    require(0 < a < 1, "v", f"a factor of {a:.6g} a step", "a potential that decays between spikes")
    gain = g / (1 - a) if s.driven else np.nan
    values = np.array(
        [-s.dt / np.log(a), gain, b / (1 - a), m.v_th[0], m.v_reset[0], *np.sqrt(m.noise[0])]
    )
    values[5] /= np.sqrt(1 - a * a)
    gradient = np.array(
        [
            [s.dt / (a * np.log(a) ** 2), 0.0, 0.0],
            [g / (1 - a) ** 2, 0.0, 1 / (1 - a)],
            [b / (1 - a) ** 2, 1 / (1 - a), 0.0],
        ]
    )
    covariance = np.zeros((7, 7))
    covariance[:3, :3] = gradient @ m.covariance @ gradient.T
    covariance[3, 3], covariance[4, 4] = m.v_th[1], m.v_reset[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = m.noise[1] / (4 * m.noise[0])
    spread[~np.isfinite(spread)] = np.nan
    covariance[5, 5], covariance[6, 6] = spread[0] / (1 - a * a), spread[1]
    unknown = np.isnan(values)
    covariance[unknown, :] = covariance[:, unknown] = np.nan
    return Baseline(values, covariance)


def starting_point(s: Samples) -> Noisy:
    """A sane point to climb from, whatever the regression gave.

    Noise may have it say that the potential hardly decays; from there the climb would end at an
    integrator without leak. A time constant of at most two intervals is as good a start.
    """
    m = _measure(s)
    longest = s.y.size if s.spikes.size < 2 else 2 * float(np.diff(s.spikes).mean())
    a, b, g = m.solution.tolist()
    if not 0.05 <= a <= np.exp(-1 / longest):
        a = float(np.clip(a, 0.05, np.exp(-1 / longest)))
        b, g = _drive(s, _held(s), a)
    v_reset = float(np.nanmin(s.y)) if np.isnan(m.v_reset[0]) else m.v_reset[0]
    v_th = np.inf if np.isnan(m.v_th[0]) else max(m.v_th[0], v_reset + 0.1)
    total = float(np.std(m.residual)) + 1e-12
    # Samples at reset show the measurement noise well, residuals alone do not.
    least = 1e-3 if m.resets > FEW else 0.2
    q, sigma_y = np.maximum(np.sqrt(m.noise[0]), [0.3 * total, least * total]).tolist()
    rest = 1 - a
    sigma_v = q / np.sqrt(1 - a * a)
    return Noisy(-s.dt / np.log(a), g / rest, b / rest, v_th, v_reset, sigma_v, sigma_y)


def _measure(s: Samples) -> _Measured:
    held = _held(s)
    solution, covariance, residual, at = _regress(s, held)
    nothing = (np.nan, np.nan)
    v_th, v_reset = nothing, nothing
    resets = s.y[held & np.isfinite(s.y)]
    if s.certain.size:
        v_th = _threshold(s, held, solution, float(np.std(residual)))
        if resets.size:
            error = resets.var(ddof=1) / resets.size if resets.size > 1 else np.nan
            v_reset = (float(resets.mean()), float(error))
    noise = _noises(s, held, solution, residual, at)
    return _Measured(solution, covariance, residual, v_th, v_reset, noise, int(resets.size))


def _held(s: Samples) -> NDArray[np.bool_]:
    """Samples at reset: a spike's own and those while the membrane is held."""
    at = s.certain[:, None] + np.arange(s.hold + 1)
    out = np.zeros(s.y.size, dtype=np.bool_)
    out[at[at < s.y.size]] = True
    return out


def _regress(s: Samples, held: NDArray[np.bool_]) -> tuple[Array, Array, Array, Index]:
    """Coefficients, their covariance, residuals, and the samples these belong to."""
    k = _quiet(s, held)
    columns = 3 if s.driven else 2
    require(k.size > columns, "v", f"{k.size} quiet steps", f"more than {columns} quiet steps")
    ones = np.ones(k.size)
    design = np.column_stack([s.y[k - 1], ones, s.x[k]])[:, :columns]
    instrument = np.column_stack([s.y[k - 2], ones, s.x[k]])[:, :columns]
    matrix = instrument.T @ design
    rank = np.linalg.matrix_rank(matrix / k.size, tol=1e-10)
    require(rank == columns, "v", f"rank {rank}", "a recording that determines tau_mem")
    solution = np.linalg.solve(matrix, instrument.T @ s.y[k])
    residual = s.y[k] - design @ solution
    # Measurement noise makes neighbouring residuals depend: one lag in the sandwich.
    flow = instrument * residual[:, None]
    neighbours = np.flatnonzero(np.diff(k) == 1)
    lag = flow[neighbours + 1].T @ flow[neighbours]
    meat = flow.T @ flow
    if np.linalg.eigvalsh(meat + lag + lag.T)[0] > 0:
        meat = meat + lag + lag.T
    inverse = np.linalg.inv(matrix)
    covariance = np.zeros((3, 3))
    covariance[:columns, :columns] = inverse @ meat @ inverse.T
    full = np.zeros(3)
    full[:columns] = solution
    return full, covariance, residual, k


def _quiet(s: Samples, held: NDArray[np.bool_]) -> Index:
    """Samples of a free step whose two predecessors belong to it, too."""
    # A spike between the first and the last of the three, certain or not, forbids them.
    y, fired = np.where(held, np.nan, s.y), np.zeros(s.y.size, dtype=np.bool_)
    for first, last in s.windows.tolist():
        fired[first : last + 1] = True
        y[first : last + 1] = np.nan
    k = np.arange(2, s.y.size)
    use = np.isfinite(y[k]) & np.isfinite(s.y[k - 1]) & np.isfinite(s.y[k - 2]) & ~fired[k - 1]
    return np.asarray(k[use], dtype=np.int64)


def _drive(s: Samples, held: NDArray[np.bool_], a: float) -> tuple[float, float]:
    """The ``b`` and ``g`` that go with a given ``a``."""
    k = _quiet(s, held)
    moved = s.y[k] - a * s.y[k - 1]
    if not s.driven:
        return float(moved.mean()), 0.0
    g = float(np.cov(s.x[k], moved)[0, 1] / np.var(s.x[k], ddof=1))
    return float(moved.mean() - g * s.x[k].mean()), g


def _threshold(s: Samples, held: NDArray[np.bool_], c: Array, spread: float) -> tuple[float, float]:
    """Threshold and its variance.

    Without noise it lies between the highest potential without a spike and the lowest predicted
    with one, anywhere: the variance is that of a uniform distribution whose ends are off by a
    step's ``spread``. Noise turns the two round: then the average over spikes is taken.
    """
    at = s.certain[s.certain > 0]
    predicted = c[0] * s.y[at - 1] + c[1] + c[2] * s.x[at]
    known = np.isfinite(predicted)
    quiet = s.y[~held & np.isfinite(s.y)]
    low = float(quiet.max(initial=-np.inf))
    if not known.any() or not quiet.size:
        return (low if quiet.size else np.nan), np.nan
    high = float(predicted[known].min())
    if low < high:
        return (low + high) / 2, (high - low) ** 2 / 12 + spread**2
    middle = 0.5 * (s.y[at - 1] + predicted)[known]
    variance = middle.var(ddof=1) / middle.size if middle.size > 1 else np.nan
    return float(middle.mean()), float(variance)


def _noises(
    s: Samples, held: NDArray[np.bool_], solution: Array, residual: Array, at: Index
) -> tuple[Array, Array]:
    """Variances of the noise of a step and of a measurement, at least 0, and their variances."""
    a = float(np.clip(solution[0], 1e-6, 1 - 1e-9))
    total = float(residual @ residual) / max(residual.size - 3, 1)
    resets = s.y[held & np.isfinite(s.y)]
    if resets.size > FEW:
        measured = float(resets.var(ddof=1))
        spread = 2 * measured**2 / (resets.size - 1)
    else:
        # Neighbouring residuals share one measurement: their covariance is -a sigma_y^2.
        pairs = np.flatnonzero(np.diff(at) == 1)
        together = float(residual[pairs + 1] @ residual[pairs]) / max(pairs.size, 1)
        measured = max(-together / a, 0.0)
        spread = total**2 / max(pairs.size, 1) / a**2
    q2 = max(total - (1 + a * a) * measured, 0.0)
    q2_spread = 2 * total**2 / residual.size + (1 + a * a) ** 2 * spread
    return np.array([q2, measured]), np.array([q2_spread, spread])
