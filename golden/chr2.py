r"""Channelrhodopsin-2 in three and in four states.

Three states, closed to open to desensitised and back::

    C --a--> O --d--> D --r--> C

Four states, two closed and two open, of which the second pair passes less current::

    C1 --a1--> O1 --f--> O2 <--a2-- C2
    C1 <--d1-- O1 <--b-- O2 --d2--> C2 --r--> C1

The conductance is ``g_max (O1 + gamma O2)``. Light enters through the photon flux ``phi``::

    a  = k_a H(phi, p),   r = r0 + k_r H(phi, q)                       (three states)
    a1 = k1 H(phi, p),    f = f0 + k_f H(phi, q)                       (four states)
    a2 = k2 H(phi, p),    b = b0 + k_b H(phi, q)
    H(phi, n) = phi^n / (phi^n + phi_m^n)

Under constant light both are linear Markov chains, see :mod:`.markov`. Sources: Nikolic et
al., Photochem. Photobiol. 85, 400 (2009), for the photocycles; Evans, Jarvis, Schultz &
Nikolic, Front. Neuroinform. 10, 8 (2016), for the dependence on light; the defaults are the
ChR2 values that come with their software PyRhO. Nagel et al., PNAS 100, 13940 (2003), for the
peak, the plateau and the reversal near 0 V.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from . import markov
from .errors import InvalidValue, require
from .gating import hill

__all__ = ["FourState", "Kinetics", "Peak", "ThreeState", "peak", "photon_flux", "recovery"]

Array = NDArray[np.float64]
PLANCK = 6.62607015e-34
LIGHT = 299792458.0


class Kinetics(Protocol):
    """What both photocycles offer."""

    @property
    def dark(self) -> Array:
        """Occupancies after a long darkness."""

    @property
    def weights(self) -> Array:
        """Relative conductance of each state."""

    def generator(self, flux: float) -> Array:
        """``Q`` under a photon flux in 1/(m^2 s)."""

    def plateau(self, flux: float) -> float:
        """Open fraction under constant light, in closed form."""


def photon_flux(irradiance: ArrayLike, wavelength: float) -> Array:
    """Photons a square metre and second of ``irradiance`` W/m^2 at ``wavelength`` metres."""
    require(wavelength > 0, "wavelength", wavelength, "greater than 0, in metres")
    e = np.asarray(irradiance, dtype=np.float64)
    bad = ~(np.isfinite(e) & (e >= 0))
    if bad.any():
        raise InvalidValue("irradiance", float(e[bad].flat[0]), "0 W/m^2 or greater")
    return np.asarray(e * wavelength / (PLANCK * LIGHT))


@dataclass(frozen=True)
class ThreeState:
    """Closed, open, desensitised; rates in 1/s, flux in 1/(m^2 s)."""

    k_a: float = 5e3
    k_r: float = 100.0
    d: float = 104.0
    r0: float = 0.2
    phi_m: float = 5e23
    p: float = 0.8
    q: float = 0.25

    def __post_init__(self) -> None:
        _positive(self, free=("k_r",))

    @property
    def dark(self) -> Array:
        """All closed."""
        return np.array([1.0, 0.0, 0.0])

    @property
    def weights(self) -> Array:
        """Only the open state conducts."""
        return np.array([0.0, 1.0, 0.0])

    def rates(self, flux: float) -> tuple[float, float, float]:
        """``a``, ``d`` and ``r``."""
        a = self.k_a * float(hill(flux, self.phi_m, self.p))
        return a, self.d, self.r0 + self.k_r * float(hill(flux, self.phi_m, self.q))

    def generator(self, flux: float) -> Array:
        """``Q`` in the order C, O, D."""
        a, d, r = self.rates(flux)
        return markov.generator(3, {(0, 1): a, (1, 2): d, (2, 0): r})

    def plateau(self, flux: float) -> float:
        """``a r / (a d + a r + d r)``."""
        a, d, r = self.rates(flux)
        return a * r / (a * d + a * r + d * r)

    def peak_time(self, flux: float) -> float:
        """Seconds from light onset in the dark-adapted state to the largest current.

        ``dO/dt = a exp(-s t) (cosh(k t) - (a + d - r) / (2 k) sinh(k t))`` with ``s`` half the
        sum of the rates and ``k^2 = s^2 - (a d + a r + d r)``, which may be negative; the zero
        is an inverse hyperbolic or trigonometric tangent. Infinite where the current rises
        all the way, for ``a + d <= r`` and real ``k``.
        """
        a, d, r = self.rates(flux)
        lag, square = a + d - r, (a + d + r) ** 2 / 4 - (a * d + a * r + d * r)
        k = abs(square) ** 0.5
        if square < 0:
            return float(np.arctan2(2 * k, lag) / k)
        if a == 0 or lag <= 2 * k:
            return float("inf")
        return float(np.arctanh(2 * k / lag) / k) if k else 2.0 / lag


@dataclass(frozen=True)
class FourState:
    """Two closed and two open states; rates in 1/s, flux in 1/(m^2 s)."""

    k1: float = 4150.0
    k2: float = 868.0
    f0: float = 37.3
    k_f: float = 58.1
    b0: float = 16.1
    k_b: float = 63.0
    d1: float = 105.0
    d2: float = 13.8
    r: float = 0.33
    gamma: float = 0.00742
    phi_m: float = 2.33e23
    p: float = 0.833
    q: float = 1.94

    def __post_init__(self) -> None:
        _positive(self, free=("k_f", "k_b", "gamma"))
        require(self.gamma <= 1, "gamma", self.gamma, "0 to 1")

    @property
    def dark(self) -> Array:
        """All in the first closed state."""
        return np.array([1.0, 0.0, 0.0, 0.0])

    @property
    def weights(self) -> Array:
        """The second open state conducts ``gamma`` of the first."""
        return np.array([0.0, 1.0, self.gamma, 0.0])

    def rates(self, flux: float) -> dict[tuple[int, int], float]:
        """By ``(from, to)`` in the order C1, O1, O2, C2."""
        excited = float(hill(flux, self.phi_m, self.p))
        moved = float(hill(flux, self.phi_m, self.q))
        return {
            (0, 1): self.k1 * excited,
            (1, 0): self.d1,
            (1, 2): self.f0 + self.k_f * moved,
            (2, 1): self.b0 + self.k_b * moved,
            (2, 3): self.d2,
            (3, 2): self.k2 * excited,
            (3, 0): self.r,
        }

    def generator(self, flux: float) -> Array:
        """``Q`` in the order C1, O1, O2, C2."""
        return markov.generator(4, self.rates(flux))

    def steady(self, flux: float) -> Array:
        """Occupancies under constant light: sums of the spanning trees of the cycle.

        The Markov chain tree theorem; Leighton & Rivest, IEEE Trans. Inf. Theory 32, 733 (1986).
        """
        k = self.rates(flux)
        a1, d1, f, b = k[0, 1], k[1, 0], k[1, 2], k[2, 1]
        d2, a2, r = k[2, 3], k[3, 2], k[3, 0]
        trees = np.array(
            [
                f * d2 * r + d1 * d2 * r + b * d1 * r + a2 * b * d1,
                a1 * (d2 * r + b * r + b * a2),
                a1 * f * (r + a2),
                a1 * f * d2,
            ]
        )
        return np.asarray(trees / trees.sum())

    def plateau(self, flux: float) -> float:
        """``O1 + gamma O2`` of :meth:`steady`."""
        return float(self.weights @ self.steady(flux))


@dataclass(frozen=True)
class Peak:
    """The largest open fraction after light onset, and when, in seconds."""

    time: float
    value: float


def peak(kinetics: Kinetics, flux: float, start: ArrayLike | None = None) -> Peak:
    """The first maximum of the open fraction after onset of constant light.

    ``start`` are the occupancies at onset, dark-adapted unless given. The derivative
    ``weights Q expm(Q t) start`` is known in closed form; its zero is found by Brent's method.
    Where the current only rises, time is infinite and the value that of the plateau.
    """
    q, w = kinetics.generator(flux), kinetics.weights
    p = kinetics.dark if start is None else np.asarray(start, dtype=np.float64)
    slow = 1.0 / np.sort(np.abs(np.linalg.eigvals(q)))[1]
    fast = 1.0 / np.abs(np.diag(q)).max()

    def slope(t: float | Array) -> Array:
        return np.asarray(markov.relax(q, p, t) @ (w @ q))

    grid = np.concatenate([[0.0], np.geomspace(1e-3 * fast, 30 * slow, 400)])
    # Near the plateau the slope is rounding; only what exceeds it falls.
    falling = np.flatnonzero(slope(grid) < -1e-13 / fast)
    if falling.size == 0:
        return Peak(float("inf"), kinetics.plateau(flux))
    k = max(int(falling[0]), 1)
    before = float(grid[k - 1])
    if float(slope(before)) <= 0:
        return Peak(before, float(w @ markov.relax(q, p, before)))
    at = float(brentq(lambda t: float(slope(t)), grid[k - 1], grid[k], xtol=1e-16, rtol=1e-14))
    return Peak(at, float(w @ markov.relax(q, p, at)))


def recovery(kinetics: Kinetics, flux: float, flash: float, pauses: ArrayLike) -> Array:
    """The peak after each dark pause, ``(n,)`` seconds, against that of the pulse before it.

    The first pulse lasts ``flash`` seconds and finds the channel dark-adapted.
    """
    first = peak(kinetics, flux)
    after = markov.relax(kinetics.generator(flux), kinetics.dark, flash)
    rested = markov.relax(kinetics.generator(0.0), after, pauses)
    return np.array([peak(kinetics, flux, p).value for p in rested]) / first.value


def _positive(kinetics: ThreeState | FourState, free: tuple[str, ...]) -> None:
    """Every constant is above 0, those in ``free`` may be 0."""
    for f in fields(kinetics):
        value = getattr(kinetics, f.name)
        good = bool(np.isfinite(value)) and (value >= 0 if f.name in free else value > 0)
        require(good, f.name, value, "0 or greater" if f.name in free else "greater than 0")
