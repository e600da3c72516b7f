r"""Time courses of synapses as cascades of first-order filters.

One presynaptic spike starts a course of unit area::

    exponential   k(t) = exp(-t / tau) / tau                               one stage
    alpha         k(t) = t exp(-t / tau) / tau^2                           two equal stages
    double        k(t) = (exp(-t / decay) - exp(-t / rise)) / (decay - rise)   two stages

and a membrane behind a current synapse is one more stage. A cascade with rates
``1 / tau_1, ..., 1 / tau_m`` answers an impulse by their product times the divided difference
of the exponential (:mod:`.divided`), which keeps its digits when time constants meet, where
the sum of exponentials (:func:`sum_of_exponentials`) loses them. It is also the corner entry
of ``expm(M t)``, ``M`` bidiagonal; over one step that matrix is the step of the network and
of the hardware. Sources: Rall, J. Neurophysiol. 30, 1138 (1967), for
the alpha function; Destexhe, Mainen & Sejnowski in Koch & Segev, "Methods in Neuronal
Modeling" (1998), chapter 1, for both; Rotter & Diesmann, Biol. Cybern. 81, 381 (1999), for
the exact step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import expm

from .divided import exponential_difference
from .errors import InvalidValue, require
from .synapse import peak_time

__all__ = [
    "Kernel",
    "Shape",
    "alpha_response",
    "cascade",
    "matrix",
    "receive",
    "step",
    "sum_of_exponentials",
    "transition",
]

Array = NDArray[np.float64]


class Shape(StrEnum):
    """The course of a synapse."""

    EXPONENTIAL = "exponential"
    ALPHA = "alpha"
    DOUBLE = "double"


@dataclass(frozen=True)
class Kernel:
    """A course of unit area.

    Parameters
    ----------
    shape
        See :class:`Shape`.
    tau
        Decay in seconds, above 0; for an alpha function also its time to peak.
    rise
        Rise in seconds, above 0 and below ``tau``; used by the double exponential only.
    """

    shape: Shape
    tau: float
    rise: float = 0.0

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "shape", Shape(self.shape))
        except ValueError:
            raise InvalidValue("shape", self.shape, ", ".join(Shape)) from None
        require(bool(np.isfinite(self.tau)) and self.tau > 0, "tau", self.tau, "greater than 0")
        if self.shape is Shape.DOUBLE:
            good = 0 < self.rise < self.tau
            require(good, "rise", self.rise, f"above 0 and below tau = {self.tau:g} s")

    @property
    def taus(self) -> tuple[float, ...]:
        """The stages, in seconds."""
        if self.shape is Shape.EXPONENTIAL:
            return (self.tau,)
        return (self.tau, self.tau) if self.shape is Shape.ALPHA else (self.rise, self.tau)

    @property
    def peak_time(self) -> float:
        """Seconds from the spike to the peak."""
        return 0.0 if self.shape is Shape.EXPONENTIAL else peak_time(*self.taus)

    @cached_property
    def peak(self) -> float:
        """Height of the unit-area course, 1/s."""
        if self.shape is Shape.EXPONENTIAL:
            return 1.0 / self.tau
        return float(self(self.peak_time))

    def __call__(self, t: ArrayLike) -> Array:
        """``k(t)`` in 1/s, 0 before the spike."""
        return cascade(self.taus, t)

    def integral(self, t: ArrayLike) -> Array:
        """Area up to ``t``, from 0 to 1."""
        return cascade((*self.taus, np.inf), t)


def _gains(taus: Sequence[float]) -> tuple[Array, Array]:
    """Rates and input gains of the stages, 1/s; an infinite time constant only integrates."""
    for k, tau in enumerate(taus):
        require(tau > 0, f"tau[{k}]", tau, "greater than 0")
    rates = 1.0 / np.asarray(taus, dtype=np.float64)
    return rates, np.where(rates > 0, rates, 1.0)


def matrix(taus: Sequence[float]) -> Array:
    """``M`` of the cascade, ``(m, m)`` in 1/s.

    Raises
    ------
    InvalidValue
        For a time constant that is not above 0.
    """
    rates, gains = _gains(taus)
    return np.asarray(np.diag(-rates) + np.diag(gains[1:], -1))


def cascade(taus: Sequence[float], t: ArrayLike) -> Array:
    """Output of the last stage ``t`` seconds after a unit impulse into the first.

    In 1/s, of unit area, shape of ``t``; 0 before the impulse. With an infinite time constant
    among the stages it is the area so far. In closed form, a divided difference.
    """
    at = np.asarray(t, dtype=np.float64)
    rates, gains = _gains(taus)
    out = float(np.prod(gains)) * exponential_difference(rates, np.maximum(at, 0.0))
    after = at >= 0 if len(taus) == 1 else at > 0
    return np.asarray(np.where(after, out, 0.0))


def sum_of_exponentials(taus: Sequence[float]) -> Array:
    """Coefficients ``c_k`` in 1/s of ``sum_k c_k exp(-t / tau_k)``, the cascade of other taus.

    ``c_k = tau_k^(m - 2) / prod_(j != k) (tau_k - tau_j)``, by partial fractions.

    Raises
    ------
    InvalidValue
        If two time constants are closer than one in 10^3: the sum then cancels.
    """
    values = np.asarray(taus, dtype=np.float64)
    out = np.empty(values.size)
    for k, tau in enumerate(values):
        apart = tau - np.delete(values, k)
        near = bool((np.abs(apart) < 1e-3 * tau).any())
        require(not near, "taus", list(taus), "time constants that differ by a thousandth or more")
        out[k] = tau ** (values.size - 2) / np.prod(apart)
    return out


def alpha_response(tau: float, tau_mem: float, t: ArrayLike) -> Array:
    """The membrane behind an alpha-function current, 1/s, for ``tau_mem`` other than ``tau``.

    With ``d = 1 / tau - 1 / tau_mem``: ``(exp(-t / tau_mem) - (1 + d t) exp(-t / tau)) /
    (tau^2 tau_mem d^2)``.
    """
    near = abs(tau - tau_mem) < 1e-3 * tau
    require(not near, "tau_mem", tau_mem, f"other than tau = {tau:g} s by a thousandth or more")
    at = np.maximum(np.asarray(t, dtype=np.float64), 0.0)
    d = 1.0 / tau - 1.0 / tau_mem
    rest = np.exp(-at / tau_mem) - (1.0 + d * at) * np.exp(-at / tau)
    return np.asarray(rest / (tau**2 * tau_mem * d**2))


def transition(taus: Sequence[float], dt: float) -> Array:
    """``expm(M dt)``: what :func:`step` multiplies with, ``(m, m)``, lower triangular."""
    require(np.isfinite(dt) and dt > 0, "dt", dt, "a finite number greater than 0, in seconds")
    return np.asarray(expm(matrix(taus) * dt))


def receive(stages: Array, taus: Sequence[float], weight: ArrayLike) -> Array:
    """Add spikes of area ``weight`` to the first stage of ``stages``, ``(..., m)``."""
    out = stages.copy()
    out[..., 0] += np.asarray(weight) / taus[0]
    return out


def step(hop: Array, stages: Array) -> Array:
    """The stages ``(..., m)`` one step later; the last one is the course itself."""
    return np.asarray(stages @ hop.T)
