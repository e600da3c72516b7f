r"""Gates of ion channels: where they settle, how fast, and their exact step.

A gate ``x`` between 0 and 1 relaxes to a Boltzmann curve of the potential with a time constant
that depends on it too, as a barrier crossed in both directions has it::

    dx/dt = (x_inf(v) - x) / tau(v)
    x_inf(v) = 1 / (1 + exp((v_half - v) / slope))
    tau(v) = tau_min + 1 / (rate_a exp(-v / slope_a) + rate_b exp(v / slope_b))

``slope`` is negative for a gate that opens on hyperpolarisation. Ligands act by a Hill curve
``c^n / (c^n + half^n)``, temperature by the free energy of opening. Sources: Hille, "Ion
Channels of Excitable Membranes" (2001), chapters 3 and 19; Voets et al., Nature 430, 748
(2004), for temperature and voltage in one free energy.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from .errors import InvalidValue, require

__all__ = ["FARADAY", "GAS", "Gate", "boltzmann", "gate_step", "hill", "thermal_half"]

Array = NDArray[np.float64]
GAS = 8.31446261815324
"""Molar gas constant, J / (mol K)."""
FARADAY = 96485.33212331001
"""Charge of a mole of electrons, C / mol."""


def boltzmann(v: ArrayLike, v_half: ArrayLike, slope: ArrayLike) -> Array:
    """Open fraction at potential ``v``: half of it at ``v_half``; all in volts, broadcast.

    Raises
    ------
    InvalidValue
        If a ``slope`` is 0 or not finite.
    """
    k = np.asarray(slope, dtype=np.float64)
    bad = ~(np.isfinite(k) & (k != 0))
    if bad.any():
        raise InvalidValue("slope", float(k[bad][0]), "finite and not 0, in volts")
    return np.asarray(expit((np.asarray(v) - np.asarray(v_half)) / k))


def hill(dose: ArrayLike, half: float, exponent: float) -> Array:
    """Bound fraction at a ``dose`` of 0 or more, in the unit of ``half``.

    Raises
    ------
    InvalidValue
        For a negative dose, or a ``half`` or ``exponent`` that is not above 0.
    """
    require(half > 0, "half", half, "greater than 0")
    require(exponent > 0, "exponent", exponent, "greater than 0")
    c = np.asarray(dose, dtype=np.float64)
    bad = ~(np.isfinite(c) & (c >= 0))
    if bad.any():
        raise InvalidValue("dose", float(c[bad][0]), "0 or greater")
    # The ratio is taken first, so that the power is of a pure number near 1.
    with np.errstate(divide="ignore"):
        return np.asarray(expit(exponent * np.log(c / half)))


def thermal_half(
    temperature: ArrayLike, enthalpy: float, entropy: float, charge: float
) -> tuple[Array, Array]:
    """``v_half`` and ``slope`` in volts of a gate whose opening costs free energy.

    ``dG = enthalpy - temperature entropy - charge F v`` joules a mole, open with probability
    ``1 / (1 + exp(dG / R T))``: a Boltzmann curve with ``v_half = (enthalpy - T entropy) /
    (charge F)`` and ``slope = R T / (charge F)``. ``temperature`` in kelvin, ``entropy`` in
    J / (mol K). Source: Voets et al., Nature 430, 748 (2004).

    Raises
    ------
    InvalidValue
        For a temperature or gating charge that is not above 0.
    """
    require(charge > 0, "charge", charge, "greater than 0")
    t = np.asarray(temperature, dtype=np.float64)
    bad = ~(np.isfinite(t) & (t > 0))
    if bad.any():
        raise InvalidValue("temperature", float(t[bad][0]), "greater than 0, in kelvin")
    work = charge * FARADAY
    return np.asarray((enthalpy - t * entropy) / work), np.asarray(GAS * t / work)


@dataclass(frozen=True)
class Gate:
    """One gate; potentials in volts, times in seconds, rates in 1/s.

    Parameters
    ----------
    v_half, slope
        Of the Boltzmann curve; a negative slope opens on hyperpolarisation.
    rate_a, slope_a, rate_b, slope_b
        Of the time constant, all above 0: ``tau`` falls on either side of its peak.
    tau_min
        What it falls to, 0 or more.

    Raises
    ------
    InvalidValue
        Naming the field, its value and what is allowed.
    """

    v_half: float
    slope: float
    rate_a: float
    slope_a: float
    rate_b: float
    slope_b: float
    tau_min: float = 0.0

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            require(bool(np.isfinite(value)), f.name, value, "a finite number")
        require(self.slope != 0, "slope", self.slope, "not 0")
        for name in ("rate_a", "slope_a", "rate_b", "slope_b"):
            require(getattr(self, name) > 0, name, getattr(self, name), "greater than 0")
        require(self.tau_min >= 0, "tau_min", self.tau_min, "0 or greater")

    def steady(self, v: ArrayLike, shift: ArrayLike = 0.0) -> Array:
        """Where the gate settles at potential ``v``, its curve moved by ``shift`` volts."""
        return boltzmann(np.asarray(v) - np.asarray(shift), self.v_half, self.slope)

    def tau(self, v: ArrayLike, shift: ArrayLike = 0.0) -> Array:
        """Time constant in seconds, moved along with the curve."""
        at = np.asarray(v, dtype=np.float64) - np.asarray(shift)
        a = self.rate_a * np.exp(-at / self.slope_a)
        b = self.rate_b * np.exp(at / self.slope_b)
        return np.asarray(self.tau_min + 1.0 / (a + b))


def gate_step(x: Array, x_inf: ArrayLike, tau: ArrayLike, dt: float | Array) -> Array:
    """The gate ``dt`` seconds later, exact where the potential is held over the step."""
    target = np.asarray(x_inf)
    return np.asarray(target + (x - target) * np.exp(-dt / np.asarray(tau)))
