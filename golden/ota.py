"""The operational transconductance amplifier in weak inversion, and the neuron it makes.

``I = I_b tanh(v / (2 n U_T))`` for a differential pair of slope factor ``n``; for small ``v``
a conductance ``g_m = I_b / (2 n U_T)``, so that a capacitor ``C`` to it leaks with
``tau = C / g_m``. Source: Mead, "Analog VLSI and Neural Systems" (1989), equations 5.8 to
5.10; Liu et al., "Event-Based Neuromorphic Systems" (2015), section 7.2.

Beyond the linear range the leak saturates at ``I_b``: an input above that never balances, and
the neuron fires whatever its threshold. :func:`period` is the exact interval there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from .errors import InvalidValue, require

__all__ = [
    "bias_for_tau",
    "current",
    "g_m",
    "linear_error",
    "linear_range",
    "period",
    "slope_voltage",
    "tau",
    "thermal_voltage",
]

Array = NDArray[np.float64]
BOLTZMANN = 1.380649e-23
CHARGE = 1.602176634e-19


def _positive(name: str, value: ArrayLike) -> Array:
    a = np.asarray(value, dtype=np.float64)
    bad = ~(np.isfinite(a) & (a > 0))
    if bad.any():
        raise InvalidValue(name, float(np.atleast_1d(a)[np.atleast_1d(bad)][0]), "greater than 0")
    return a


def thermal_voltage(temperature: ArrayLike) -> Array:
    """``U_T = k T / q`` in volts, ``temperature`` in kelvin."""
    return np.asarray(BOLTZMANN * _positive("temperature", temperature) / CHARGE)


def slope_voltage(n_slope: ArrayLike = 1.3, temperature: ArrayLike = 300.15) -> Array:
    """``2 n U_T`` in volts: the input at which the tangent of the curve reaches ``I_b``."""
    return np.asarray(2.0 * _positive("n_slope", n_slope) * thermal_voltage(temperature))


def g_m(i_bias: ArrayLike, n_slope: ArrayLike = 1.3, temperature: ArrayLike = 300.15) -> Array:
    """Small-signal transconductance in siemens of a bias in amperes."""
    return np.asarray(_positive("i_bias", i_bias) / slope_voltage(n_slope, temperature))


def current(
    v: ArrayLike, i_bias: ArrayLike, n_slope: ArrayLike = 1.3, temperature: ArrayLike = 300.15
) -> Array:
    """Output current in amperes for a differential input ``v`` in volts."""
    gain = g_m(i_bias, n_slope, temperature)
    bias = np.asarray(i_bias, dtype=np.float64)
    return np.asarray(bias * np.tanh(gain * np.asarray(v, dtype=np.float64) / bias))


def tau(
    c: ArrayLike, i_bias: ArrayLike, n_slope: ArrayLike = 1.3, temperature: ArrayLike = 300.15
) -> Array:
    """``C / g_m`` in seconds."""
    return np.asarray(_positive("c", c) / g_m(i_bias, n_slope, temperature))


def bias_for_tau(
    wanted: ArrayLike, c: ArrayLike, n_slope: ArrayLike = 1.3, temperature: ArrayLike = 300.15
) -> Array:
    """The bias in amperes that makes ``tau`` equal ``wanted`` seconds."""
    slope = slope_voltage(n_slope, temperature)
    return np.asarray(slope * _positive("c", c) / _positive("tau", wanted))


def linear_error(v: ArrayLike, n_slope: ArrayLike = 1.3, temperature: ArrayLike = 300.15) -> Array:
    """Relative lack of current against ``g_m v``: ``1 - tanh(x) / x``, ``x = v / (2 n U_T)``."""
    x = np.abs(np.asarray(v, dtype=np.float64)) / slope_voltage(n_slope, temperature)
    out = np.zeros(np.broadcast(x).shape)
    # Below 1e-4 the quotient loses its digits; the series has them.
    small = x < 1e-4
    out[...] = np.where(small, x**2 / 3.0, 1.0 - np.tanh(x) / np.where(small, 1.0, x))
    return out


def linear_range(error: float = 0.01, n_slope: float = 1.3, temperature: float = 300.15) -> float:
    """The volts from rest at which :func:`linear_error` reaches ``error``."""
    require(0 < error < 0.9, "error", error, "above 0 and below 0.9")
    slope = float(slope_voltage(n_slope, temperature))

    def excess(v: float) -> float:
        return float(linear_error(v, n_slope, temperature)) - error

    return float(brentq(excess, 0.0, slope / (1.0 - error), xtol=1e-15 * slope))


def period(
    i_in: ArrayLike,
    *,
    c: float,
    i_bias: float,
    v_th: float,
    v_reset: float = 0.0,
    v_leak: float = 0.0,
    n_slope: float = 1.3,
    temperature: float = 300.15,
) -> Array:
    """Seconds from reset to threshold under each constant current ``i_in`` in amperes.

    The time in which ``c dv/dt = i_in - i_bias tanh(u)`` with ``u = (v - v_leak) / (2 n U_T)``
    goes from ``v_reset`` to ``v_th``; infinite where the leak balances the input before. With
    ``a = i_in / i_bias`` and ``w = exp(2 u)`` the integral of ``du / (a - tanh u)`` is

        (u + ln((a - 1) w + a + 1) / (a - 1)) / (a + 1),

    by partial fractions in ``w`` (own derivation; the tests integrate numerically). For small
    ``u`` it becomes the logarithm of :mod:`lifstone.golden.fi`. A refractory period is not
    included.

    Raises
    ------
    InvalidValue
        For values that are not finite, ``v_reset`` not below ``v_th``, or potentials more
        than 150 times ``2 n U_T`` from rest.
    """
    slope = float(slope_voltage(n_slope, temperature))
    low, high = (v_reset - v_leak) / slope, (v_th - v_leak) / slope
    require(v_reset < v_th, "v_reset", v_reset, f"below v_th = {v_th:g}")
    for name, value, u in (("v_reset", v_reset, low), ("v_th", v_th, high)):
        require(abs(u) <= 150, name, value, f"within {150 * slope:g} V of v_leak")
    time = float(tau(c, i_bias, n_slope, temperature))
    given = np.asarray(i_in, dtype=np.float64)
    require(bool(np.isfinite(given).all()), "i_in", i_in, "finite numbers")
    a = given / float(i_bias)
    out = np.full(a.shape, np.inf)
    on = a > np.tanh(high)
    excess = a[on] - 1.0
    # The difference of the two logarithms without cancellation at a = 1 and far above it.
    growth = np.expm1(2.0 * (high - low)) / (excess + (excess + 2.0) * np.exp(-2.0 * low))
    near = np.abs(excess) * np.maximum(growth, 1.0) < 1e-12
    logs = np.where(near, growth, np.log1p(excess * growth) / np.where(near, 1.0, excess))
    out[on] = time * (high - low + logs) / (excess + 2.0)
    return out
