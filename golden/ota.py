"""The operational transconductance amplifier in weak inversion, and the neuron it makes.

``I = I_b tanh(v / (2 n U_T))`` for a differential pair of slope factor ``n``; for small ``v``
a conductance ``g_m = I_b / (2 n U_T)``, so that a capacitor ``C`` to it leaks with
``tau = C / g_m``. Source: Mead, "Analog VLSI and Neural Systems" (1989), equations 5.8 to
5.10; Liu et al., "Event-Based Neuromorphic Systems" (2015), section 7.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InvalidValue

__all__ = ["bias_for_tau", "current", "g_m", "linear_error", "tau", "thermal_voltage"]

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


def g_m(i_bias: ArrayLike, n_slope: ArrayLike = 1.3, temperature: ArrayLike = 300.15) -> Array:
    """Small-signal transconductance in siemens of a bias in amperes."""
    slope = 2.0 * _positive("n_slope", n_slope) * thermal_voltage(temperature)
    return np.asarray(_positive("i_bias", i_bias) / slope)


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
    slope = 2.0 * _positive("n_slope", n_slope) * thermal_voltage(temperature)
    return np.asarray(slope * _positive("c", c) / _positive("tau", wanted))


def linear_error(v: ArrayLike, n_slope: ArrayLike = 1.3, temperature: ArrayLike = 300.15) -> Array:
    """Relative lack of current against ``g_m v``: ``1 - tanh(x) / x``, ``x = v / (2 n U_T)``."""
    slope = 2.0 * _positive("n_slope", n_slope) * thermal_voltage(temperature)
    x = np.abs(np.asarray(v, dtype=np.float64)) / slope
    out = np.zeros(np.broadcast(x).shape)
    # Below 1e-4 the quotient loses its digits; the series has them.
    small = x < 1e-4
    out[...] = np.where(small, x**2 / 3.0, 1.0 - np.tanh(x) / np.where(small, 1.0, x))
    return out
