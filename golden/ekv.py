r"""The MOS transistor from weak to strong inversion in one equation.

Voltages are from the bulk. With the pinch-off voltage ``v_p = (v_g - v_t) / n`` and the specific
current ``I_s = 2 n beta U_T^2``::

    I = I_s [F((v_p - v_s) / U_T) - F((v_p - v_d) / U_T)] (1 + early |v_d - v_s|),
    F(x) = ln^2(1 + exp(x / 2))

Source: Enz, Krummenacher & Vittoz, Analog Integrated Circuits and Signal Processing 8, 83
(1995). In weak inversion ``F(x) -> exp(x)``. ``early``, the slope of saturation, is an addition of
the first order. The p-channel transistor is the same with all signs turned.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InvalidValue, require
from .ota import thermal_voltage

__all__ = ["REFERENCE", "Mos", "drain_current", "inversion", "specific_current"]

Array = NDArray[np.float64]
REFERENCE = 300.15
"""Kelvin at which a transistor's numbers hold."""


@dataclass(frozen=True)
class Mos:
    """A transistor of width over length 1 at 300.15 K.

    Parameters
    ----------
    v_t
        Threshold, volts, above 0 for both polarities.
    n_slope
        Slope factor.
    beta
        Transconductance parameter ``mu C_ox``, A/V^2.
    early
        Share of current a volt of drain, times metres of length: ``early / l`` a volt.
    v_t_drift
        Volts a kelvin that the threshold falls.
    beta_power
        ``beta`` goes with the absolute temperature to minus this.
    """

    v_t: float
    n_slope: float
    beta: float
    early: float = 0.0
    v_t_drift: float = 1e-3
    beta_power: float = 1.5

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            low = 0.0 if f.name in ("early", "v_t_drift", "beta_power") else 1e-12
            require(low <= value < 1e3, f.name, value, f"{low:g} to 1000")
        require(self.n_slope >= 1, "n_slope", self.n_slope, "1 or greater")

    def at(self, temperature: float) -> Mos:
        """The same transistor at another temperature in kelvin."""
        rise = temperature / REFERENCE
        return replace(
            self,
            v_t=self.v_t - self.v_t_drift * (temperature - REFERENCE),
            beta=self.beta * rise**-self.beta_power,
        )


def specific_current(
    mos: Mos, w: ArrayLike, length: ArrayLike, temperature: float = REFERENCE
) -> Array:
    """``2 n beta (W / L) U_T^2`` in amperes: far below it a transistor is in weak inversion."""
    hot = mos.at(temperature)
    ratio = np.asarray(w, np.float64) / np.asarray(length, np.float64)
    bad = ~(np.isfinite(ratio) & (ratio > 0))
    if bad.any():
        raise InvalidValue("w / l", float(np.atleast_1d(ratio)[np.atleast_1d(bad)][0]), "above 0")
    return np.asarray(2.0 * hot.n_slope * hot.beta * ratio * thermal_voltage(temperature) ** 2)


def inversion(x: ArrayLike) -> Array:
    """``ln^2(1 + exp(x / 2))``, without overflow."""
    return np.asarray(np.logaddexp(0.0, np.asarray(x, np.float64) / 2.0) ** 2)


def drain_current(
    mos: Mos,
    v_g: ArrayLike,
    v_d: ArrayLike,
    v_s: ArrayLike = 0.0,
    *,
    w: float,
    length: float,
    temperature: float = REFERENCE,
) -> Array:
    """Amperes from drain to source; voltages from the bulk, arguments broadcast."""
    hot = mos.at(temperature)
    u_t = thermal_voltage(temperature)
    gate, drain, source = (np.asarray(v, np.float64) for v in (v_g, v_d, v_s))
    v_p = (gate - hot.v_t) / hot.n_slope
    forward, reverse = inversion((v_p - source) / u_t), inversion((v_p - drain) / u_t)
    slope = 1.0 + hot.early / length * np.abs(drain - source)
    return np.asarray(specific_current(mos, w, length, temperature) * (forward - reverse) * slope)
