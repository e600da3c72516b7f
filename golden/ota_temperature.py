r"""The time constant over temperature, and the bias that holds it.

``tau = 2 n C U_T / I_b``: under a constant bias ``tau`` is proportional to the absolute
temperature, 1/300 a kelvin at 300 K. A bias proportional to ``U_T`` takes the temperature out::

    I_b = U_T ln(K) / R,    tau = 2 n R C / ln(K)

with ``K`` the ratio of two transistors in weak inversion and ``R`` the resistor between their
sources. What is left is the drift of ``R`` and of ``n``. Source: Vittoz & Fellrath, IEEE J.
Solid-State Circuits 12, 224 (1977), for weak inversion and the reference.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import ota
from .errors import InvalidValue

__all__ = ["drift", "ptat_bias", "resistance_for_tau"]

Array = NDArray[np.float64]
REFERENCE = 300.15


def _logarithm(ratio: ArrayLike) -> Array:
    k = np.asarray(ratio, dtype=np.float64)
    if not (np.isfinite(k) & (k > 1)).all():
        raise InvalidValue("ratio", ratio, "greater than 1")
    return np.log(k)


def ptat_bias(
    temperature: ArrayLike, resistance: float, ratio: ArrayLike = 8.0, resistor_drift: float = 0.0
) -> Array:
    """``U_T ln(ratio) / R`` in amperes at each temperature in kelvin.

    ``resistance`` in ohms holds at 300.15 K and drifts by ``resistor_drift`` of it a kelvin.

    Raises
    ------
    InvalidValue
        For a ratio not above 1, or a resistance not above 0 at every temperature.
    """
    u_t = ota.thermal_voltage(temperature)
    t = np.asarray(temperature, dtype=np.float64)
    r = np.asarray(resistance * (1.0 + resistor_drift * (t - REFERENCE)))
    if not (np.isfinite(r) & (r > 0)).all():
        raise InvalidValue("resistance", float(np.min(r)), "above 0 at every temperature")
    return np.asarray(u_t * _logarithm(ratio) / r)


def resistance_for_tau(
    wanted: ArrayLike, c: ArrayLike, ratio: ArrayLike = 8.0, n_slope: ArrayLike = 1.3
) -> Array:
    """The resistor in ohms whose :func:`ptat_bias` makes ``tau`` equal ``wanted`` seconds."""
    bias = ota.bias_for_tau(wanted, c, n_slope, REFERENCE)
    return np.asarray(ota.thermal_voltage(REFERENCE) * _logarithm(ratio) / bias)


def drift(tau: ArrayLike, temperature: ArrayLike) -> Array:
    """``d ln tau / dT`` per kelvin of a sampled curve, ``(n,)``, second order in the spacing."""
    x, y = np.asarray(temperature, np.float64), np.asarray(tau, np.float64)
    if x.ndim != 1 or x.shape != y.shape or x.size < 3 or not (np.diff(x) > 0).all():
        raise InvalidValue("temperature", list(x.shape), "three or more ascending, as many as tau")
    return np.asarray(np.gradient(np.log(y), x, edge_order=2))
