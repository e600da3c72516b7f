r"""White noise of the transconductor in weak inversion, and what the capacitor keeps of it.

A saturated transistor in weak inversion that carries ``I`` has the shot noise ``2 q I``
(one-sided, A^2/Hz). A pair with tail current ``I_b`` and the mirror above it have, at an input
``v`` and with ``x = v / (2 n U_T)``:

* pair: ``2 q I_b sech(x)^2``; the ideal tail lets each transistor's noise through in part;
* tail: ``2 q I_b tanh(x)^2``; at balance its noise is common to both sides and cancels;
* mirror: ``2 q I_b (1 + tanh x)``, two transistors that carry the first side's current.

Pair and tail add up to ``2 q I_b`` at any input. At balance the total is ``N q I_b`` with
``N = 4`` transistors of ``I_b / 2`` each, or ``N = 2`` without the mirror. Against a conductor
of the same ``g_m``, ``4 k T g_m``, this is the noise factor ``N n / 2``, and a capacitor has the
variance::

    v_rms^2 = (N n / 2) k T / C

The pair alone with ``n = 1`` is a conductor in equilibrium: factor 1. Not included: flicker
noise, and transistors driven out of weak inversion.

Sources: Sarpeshkar, Delbrueck & Mead, IEEE Circuits and Devices 9(6), 23 (1993) for shot noise
and its equality with thermal noise; Sarpeshkar, Lyon & Mead, Analog Integr. Circuits Signal
Process. 13, 123 (1997) for ``N q I_b``. The dependence on ``v`` is an own derivation (current
division between the two source conductances).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import polygamma

from . import ota

__all__ = [
    "current_density",
    "large_signal_variance",
    "noise_factor",
    "noise_sigma",
    "sources",
    "variance",
    "voltage_density",
]

Array = NDArray[np.float64]


def sources(mirror: bool = True) -> int:
    """``N``: transistors of ``I_b / 2`` whose noise reaches the output at balance."""
    return 4 if mirror else 2


def current_density(
    v: ArrayLike,
    i_bias: ArrayLike,
    n_slope: ArrayLike = 1.3,
    temperature: ArrayLike = 300.15,
    mirror: bool = True,
) -> Array:
    """One-sided density of the output current's noise in A^2/Hz at an input of ``v`` volts."""
    bias = ota.g_m(i_bias, n_slope, temperature) * ota.slope_voltage(n_slope, temperature)
    share = ota.current(v, i_bias, n_slope, temperature) / bias
    return np.asarray(2.0 * ota.CHARGE * bias * (1.0 + mirror * (1.0 + share)))


def noise_factor(n_slope: ArrayLike = 1.3, mirror: bool = True) -> Array:
    """Density at balance over ``4 k T g_m``: ``N n / 2``."""
    # n as V / (2 U_T), so that it is checked.
    n = ota.slope_voltage(n_slope) / (2.0 * ota.thermal_voltage(300.15))
    return np.asarray(sources(mirror) * n / 2.0)


def voltage_density(
    frequency: ArrayLike,
    c: ArrayLike,
    i_bias: ArrayLike,
    n_slope: ArrayLike = 1.3,
    temperature: ArrayLike = 300.15,
    mirror: bool = True,
) -> Array:
    """One-sided density in V^2/Hz on a capacitor that leaks through the transconductor."""
    gain = ota.g_m(i_bias, n_slope, temperature)
    turn = 2.0 * np.pi * np.asarray(frequency, dtype=np.float64)
    turn = turn * ota.tau(c, i_bias, n_slope, temperature)
    white = current_density(0.0, i_bias, n_slope, temperature, mirror)
    return np.asarray(white / gain**2 / (1.0 + turn**2))


def variance(
    c: ArrayLike, n_slope: ArrayLike = 1.3, temperature: ArrayLike = 300.15, mirror: bool = True
) -> Array:
    """``(N n / 2) k T / C`` in V^2, the integral of :func:`voltage_density`; no bias in it."""
    # The integral is S / (4 g_m C) = S / (4 g_m^2 tau); the bias cancels, so any will do.
    gain = ota.g_m(1.0, n_slope, temperature)
    white = current_density(0.0, 1.0, n_slope, temperature, mirror)
    return np.asarray(white / (4.0 * gain**2 * ota.tau(c, 1.0, n_slope, temperature)))


def large_signal_variance(
    c: ArrayLike, n_slope: ArrayLike = 1.3, temperature: ArrayLike = 300.15, mirror: bool = True
) -> Array:
    """The same without linearising: ``V^2 psi'(m / 2) / 2``, ``m = 4 C V / (N q)``.

    With white noise of the density at balance the potential has the stationary density
    ``cosh(v / V)^-m``. ``m`` counts electrons; the variance lies above the linear one by ``1 / m``
    to leading order. ``psi'`` is the trigamma function. Own derivation (zero flux).
    """
    slope = ota.slope_voltage(n_slope, temperature)
    m = slope**2 / variance(c, n_slope, temperature, mirror)
    return np.asarray(slope**2 * polygamma(1, m / 2.0) / 2.0)


def noise_sigma(
    c: ArrayLike, n_slope: ArrayLike = 1.3, temperature: ArrayLike = 300.15, mirror: bool = True
) -> Array:
    """``sigma`` in volts of :class:`lifstone.golden.noise.membrane.NoisyMembrane`: its free
    variance is ``sigma^2 / 2``."""
    return np.asarray(np.sqrt(2.0 * variance(c, n_slope, temperature, mirror)))
