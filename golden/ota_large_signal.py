r"""Decay of a capacitor through the transconductor, from slewing to exponential.

``C dv/dt = -I_b tanh(v / V)`` with ``V = 2 n U_T`` and ``tau = C V / I_b`` has the solution::

    sinh(v(t) / V) = sinh(v(0) / V) exp(-t / tau)

(separate the variables; own derivation). Far above ``V`` the potential falls on a line of slope
``I_b / C``, the slew rate; far below it decays with ``tau``. Sines are kept as logarithms, so
that no step is too large. Potentials are measured from where the transconductor leaks to. The
time under a constant current is :func:`lifstone.golden.ota.period`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import ota
from .errors import InvalidValue

__all__ = ["decay", "decay_time", "exponential_decay", "slew_decay", "slew_rate"]

Array = NDArray[np.float64]


def _finite(name: str, value: ArrayLike) -> Array:
    a = np.asarray(value, dtype=np.float64)
    for bad in np.flatnonzero(~np.isfinite(a)):
        raise InvalidValue(f"{name}[{bad}]", float(a.flat[bad]), "finite numbers")
    return a


def _log_sinh(x: Array) -> Array:
    """``ln sinh x`` for ``x >= 0``; ``-inf`` at 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(x + np.log(-np.expm1(-2.0 * x)) - np.log(2.0))


def _asinh_exp(logarithm: Array) -> Array:
    """``asinh(exp(l))`` without overflow: beyond 20 it is ``l + ln 2`` to 1e-18."""
    return np.where(
        logarithm > 20.0, logarithm + np.log(2.0), np.arcsinh(np.exp(np.minimum(logarithm, 20.0)))
    )


def decay(
    v_start: ArrayLike,
    t: ArrayLike,
    c: ArrayLike,
    i_bias: ArrayLike,
    n_slope: ArrayLike = 1.3,
    temperature: ArrayLike = 300.15,
) -> Array:
    """Potential in volts ``t`` seconds after ``v_start`` volts; arguments broadcast.

    Raises
    ------
    InvalidValue
        For a capacitance, bias, slope factor or temperature not above 0, a negative time, or
        values that are not finite.
    """
    slope = ota.slope_voltage(n_slope, temperature)
    seconds = _finite("t", t)
    if (seconds < 0).any():
        raise InvalidValue("t", float(seconds.min()), "0 or greater, in seconds")
    start = _finite("v_start", v_start)
    fall = seconds / ota.tau(c, i_bias, n_slope, temperature)
    left = _asinh_exp(_log_sinh(np.abs(start) / slope) - fall)
    return np.asarray(np.sign(start) * slope * left)


def decay_time(
    v_start: ArrayLike,
    v_end: ArrayLike,
    c: ArrayLike,
    i_bias: ArrayLike,
    n_slope: ArrayLike = 1.3,
    temperature: ArrayLike = 300.15,
) -> Array:
    """Seconds from ``v_start`` down to ``v_end``: ``tau ln(sinh(v_start/V) / sinh(v_end/V))``.

    Raises
    ------
    InvalidValue
        Unless ``v_end`` is on the same side of 0 as ``v_start``, and nearer.
    """
    slope = ota.slope_voltage(n_slope, temperature)
    start, end = np.broadcast_arrays(_finite("v_start", v_start), _finite("v_end", v_end))
    for bad in np.flatnonzero(~((start * end > 0) & (np.abs(end) <= np.abs(start)))):
        allowed = f"between 0 (excluded) and v_start = {start.flat[bad]:g} V"
        raise InvalidValue(f"v_end[{bad}]", float(end.flat[bad]), allowed)
    logs = _log_sinh(np.abs(start) / slope) - _log_sinh(np.abs(end) / slope)
    return np.asarray(ota.tau(c, i_bias, n_slope, temperature) * logs)


def slew_rate(c: ArrayLike, i_bias: ArrayLike) -> Array:
    """The fastest fall in volts a second, ``I_b / C``."""
    # tau and V share n U_T: their quotient has none.
    return np.asarray(ota.slope_voltage() / ota.tau(c, i_bias))


def slew_decay(v_start: ArrayLike, t: ArrayLike, c: ArrayLike, i_bias: ArrayLike) -> Array:
    """The line on which a large potential falls, and 0 from where it reaches 0.

    Short of the exact decay by ``V ln((1 - exp(-2 v_start/V)) / (1 - exp(-2 v/V)))``.
    """
    start = _finite("v_start", v_start)
    fallen = np.abs(start) - slew_rate(c, i_bias) * _finite("t", t)
    return np.asarray(np.sign(start) * np.maximum(fallen, 0.0))


def exponential_decay(
    v_start: ArrayLike,
    t: ArrayLike,
    c: ArrayLike,
    i_bias: ArrayLike,
    n_slope: ArrayLike = 1.3,
    temperature: ArrayLike = 300.15,
) -> Array:
    """The small-signal limit ``v_start exp(-t / tau)``.

    The exact decay is above it by ``(v_start/V)^2 (1 - exp(-2 t / tau)) / 6`` of itself, to
    leading order.
    """
    fall = _finite("t", t) / ota.tau(c, i_bias, n_slope, temperature)
    return np.asarray(_finite("v_start", v_start) * np.exp(-fall))
