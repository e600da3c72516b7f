"""Parameters of a LIF neuron from a recording of its potential: least squares baseline.

Between spikes the sampled membrane obeys ``v[k] = a v[k-1] + g x[k] + b`` exactly (see
:mod:`lifstone.golden.discrete`), so ordinary least squares gives ``a``, ``g``, ``b`` and
with them ``tau_mem = -dt / ln a``, ``r = g / (1 - a)`` and ``v_leak = b / (1 - a)``; their
standard errors follow by the delta method. The threshold lies between the highest potential
without a spike and the lowest predicted potential with one. While a refractory membrane is
held, its potential stays what the spike left it at; such samples are left out. Measurement
noise biases ``a`` towards 0 and hides the hold: this baseline is for clean recordings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InvalidValue, require

__all__ = ["Estimate", "RecordingFit", "fit_recording"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A value and its standard error; ``nan`` where the recording does not determine it."""

    value: float
    error: float


UNKNOWN = Estimate(float("nan"), float("nan"))


@dataclass(frozen=True)
class RecordingFit:
    """Estimates in SI units; ``residual`` is the root mean square error of a step in volts."""

    tau_mem: Estimate
    r: Estimate
    v_leak: Estimate
    v_th: Estimate
    v_reset: Estimate
    spikes: int
    samples: int
    residual: float


def fit_recording(
    v: ArrayLike, dt: float, x: ArrayLike | None = None, spikes: ArrayLike | None = None
) -> RecordingFit:
    """Fit ``v`` (volts, one sample per ``dt`` seconds, after each step).

    Parameters
    ----------
    v, x, spikes
        Potential, input current (0 unless given) and spikes (none unless given), each ``(n,)``.

    Raises
    ------
    InvalidValue
        For a recording that is too short, not finite, constant, or does not decay.
    """
    require(np.isfinite(dt) and dt > 0, "dt", dt, "a finite number greater than 0, in seconds")
    potential = _column("v", v, None)
    n = potential.size
    require(n >= 8, "v", f"{n} samples", "at least 8 samples")
    require(np.ptp(potential) > 0, "v", "a constant", "a recording that moves")
    current = np.zeros(n) if x is None else _column("x", x, n)
    fired = np.zeros(n, bool) if spikes is None else _column("spikes", spikes, n) != 0
    quiet = np.flatnonzero(~(fired | _held(potential, fired))[1:]) + 1
    columns = [potential[quiet - 1], np.ones(quiet.size)]
    driven = bool(np.ptp(current) > 0)
    if driven:
        columns.append(current[quiet])
    design = np.column_stack(columns)
    require(quiet.size > design.shape[1], "v", f"{quiet.size} quiet steps", "more steps")
    solved, _, rank, _ = np.linalg.lstsq(design, potential[quiet], rcond=None)
    solution = np.asarray(solved, dtype=np.float64)
    require(rank == design.shape[1], "v", f"rank {rank}", "a recording that determines tau")
    residual = potential[quiet] - design @ solution
    variance = float(residual @ residual) / (quiet.size - design.shape[1])
    covariance = np.asarray(variance * np.linalg.inv(design.T @ design), dtype=np.float64)
    a = float(solution[0])
    require(0 < a < 1, "v", f"a factor of {a:.6g} a step", "a potential that decays between spikes")
    tau_gradient = np.array([dt / (a * np.log(a) ** 2)])
    tau = _delta(-dt / np.log(a), tau_gradient, covariance[:1, :1])
    # A constant current cannot be told from a shifted rest.
    leak = _ratio(solution, covariance, 1, a) if driven or current[0] == 0 else UNKNOWN
    gain = _ratio(solution, covariance, 2, a) if driven else UNKNOWN
    spread = float(np.sqrt(variance))
    v_th, v_reset = _threshold(potential, current, fired, solution, spread)
    return RecordingFit(tau, gain, leak, v_th, v_reset, int(fired.sum()), n, spread)


def _held(v: Array, fired: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Samples after a spike at which the potential has not moved since."""
    out = np.zeros(v.size, dtype=np.bool_)
    for k in range(1, v.size):
        out[k] = (fired[k - 1] or out[k - 1]) and not fired[k] and v[k] == v[k - 1]
    return out


def _column(name: str, value: ArrayLike, size: int | None) -> Array:
    out = np.asarray(value, dtype=np.float64)
    wanted = "one dimension" if size is None else f"{size} values"
    require(out.ndim == 1 and size in (None, out.size), name, list(out.shape), wanted)
    for k in np.flatnonzero(~np.isfinite(out)):
        raise InvalidValue(f"{name}[{k}]", float(out[k]), "finite numbers")
    return out


def _delta(value: float, gradient: Array, covariance: Array) -> Estimate:
    return Estimate(float(value), max(float(gradient @ covariance @ gradient), 0.0) ** 0.5)


def _ratio(solution: Array, covariance: Array, column: int, a: float) -> Estimate:
    """``solution[column] / (1 - a)`` with its error."""
    value = solution[column] / (1 - a)
    chosen = np.ix_([0, column], [0, column])
    return _delta(value, np.array([value / (1 - a), 1 / (1 - a)]), covariance[chosen])


def _threshold(
    v: Array, x: Array, fired: NDArray[np.bool_], c: Array, spread: float
) -> tuple[Estimate, Estimate]:
    """Threshold bracket (uniform within it, its ends off by a step's noise), and mean reset."""
    at = np.flatnonzero(fired)
    if at.size == 0:
        return UNKNOWN, UNKNOWN
    inner = at[at > 0]
    drive = c[2] * x if c.size > 2 else np.zeros(v.size)
    predicted = c[0] * v[inner - 1] + c[1] + drive[inner]
    low = float(v[~fired].max())
    high = float(predicted.min()) if inner.size else low
    # Noise may turn the bracket round: a spike whose predicted potential was lower.
    half = abs(high - low) / 2
    reset = v[at]
    error = float(reset.std(ddof=1) / np.sqrt(reset.size)) if reset.size > 1 else float("nan")
    v_th = Estimate((low + high) / 2, float(np.hypot(half / 3.0**0.5, spread)))
    return v_th, Estimate(float(reset.mean()), error)
