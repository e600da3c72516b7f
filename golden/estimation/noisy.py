"""The noisy neuron as it is recorded: seven parameters, and the coefficients of one step.

The membrane of :mod:`lifstone.golden.lif` with white noise on its drive, sampled once a step::

    v[k] = a v[k-1] + b + g x[k] + q e[k]          e, n independent, standard normal
    v[k] > v_th:  spike, v[k] <- v_reset, held for t_ref
    y[k] = v[k] + sigma_y n[k]

with ``a = exp(-dt / tau_mem)``, ``b = (1 - a) v_leak``, ``g = (1 - a) r`` and
``q^2 = (1 - a^2) sigma_v^2``: ``sigma_v`` is the standard deviation that the potential would have
without a threshold, whatever the step. The sampled Ornstein-Uhlenbeck process is exact
(Gillespie, Phys. Rev. E 54, 2084 (1996)); the threshold is looked at once a step.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..discrete import discretise
from ..errors import require
from ..lif import Lif

__all__ = ["NAMES", "POSITIVE", "Noisy", "Step"]

Array = NDArray[np.float64]

NAMES = ("tau_mem", "r", "v_leak", "v_th", "v_reset", "sigma_v", "sigma_y")
POSITIVE = np.array([True, False, False, False, False, True, True])
"""Which parameters are above 0: they are estimated by their logarithm."""


@dataclass(frozen=True)
class Step:
    """Coefficients of one step; ``s`` is ``sigma_y``."""

    a: float
    b: float
    g: float
    q: float
    s: float
    v_th: float
    v_reset: float


@dataclass(frozen=True)
class Noisy:
    """A neuron with intrinsic and measurement noise, SI units.

    Parameters
    ----------
    tau_mem, r, v_leak, v_th, v_reset
        As in :class:`~lifstone.golden.Lif`; ``v_th = inf`` never fires.
    sigma_v
        Standard deviation of the potential without threshold, volts: intrinsic noise.
    sigma_y
        Standard deviation of the measurement noise, volts.

    Raises
    ------
    InvalidValue
        For a time constant or noise not above 0, or a value that is not finite.
    """

    tau_mem: float
    r: float
    v_leak: float
    v_th: float
    v_reset: float
    sigma_v: float
    sigma_y: float

    def __post_init__(self) -> None:
        for name, positive in zip(NAMES, POSITIVE, strict=True):
            value = getattr(self, name)
            good = np.isfinite(value) or (name == "v_th" and value == np.inf)
            require(good, name, value, "a finite number")
            if positive:
                require(value > 0, name, value, "a number above 0")
        require(self.v_reset < self.v_th, "v_reset", self.v_reset, f"below v_th = {self.v_th:g} V")

    def lif(self, t_ref: float = 0.0, n: int = 1) -> Lif:
        """The neuron without its noise, ``n`` times."""
        return Lif(
            tau_mem=self.tau_mem,
            r=self.r,
            v_leak=self.v_leak,
            v_th=self.v_th,
            v_reset=self.v_reset,
            t_ref=t_ref,
            n=n,
        )

    def step(self, dt: float) -> Step:
        """Coefficients of a step of ``dt`` seconds."""
        c = discretise(self.lif(), dt)
        # expm1 keeps the digits where a step is far below the time constant.
        rest = -np.expm1(-dt / self.tau_mem)
        q = self.sigma_v * np.sqrt(-np.expm1(-2 * dt / self.tau_mem))
        return Step(
            float(c.a_mem[0]),
            float(rest * self.v_leak),
            float(c.g_x[0]),
            float(q),
            self.sigma_y,
            self.v_th,
            self.v_reset,
        )

    def vector(self) -> Array:
        """The parameters in the order of ``NAMES``, those above 0 by their logarithm, ``(7,)``."""
        values = np.array([getattr(self, f.name) for f in fields(self)])
        return np.where(POSITIVE, np.log(np.where(POSITIVE, values, 1.0)), values)

    @staticmethod
    def of(vector: Array) -> Noisy:
        """The inverse of :meth:`vector`."""
        values = np.where(POSITIVE, np.exp(np.where(POSITIVE, vector, 0.0)), vector)
        return Noisy(*(float(v) for v in values))

    def jacobian(self, dt: float) -> Array:
        """Derivative of ``(a, b, g, ln q, ln s, v_th, v_reset)`` by :meth:`vector`, ``(7, 7)``."""
        c = self.step(dt)
        a_tau = c.a * dt / self.tau_mem
        rest = -np.expm1(-dt / self.tau_mem)
        out = np.zeros((7, 7))
        out[0, 0] = a_tau
        out[1, 0], out[1, 2] = -self.v_leak * a_tau, rest
        out[2, 0], out[2, 1] = -self.r * a_tau, rest
        out[3, 0], out[3, 5] = -c.a * a_tau / -np.expm1(-2 * dt / self.tau_mem), 1.0
        out[4, 6] = out[5, 3] = out[6, 4] = 1.0
        return out
