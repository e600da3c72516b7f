"""The membrane driven by white noise, an Ornstein-Uhlenbeck process with threshold.

::

    tau_mem dv/dt = mu - v + sigma sqrt(tau_mem) xi(t),   <xi(t) xi(t')> = delta(t - t')

Without threshold ``v`` has the standard deviation ``sigma / sqrt(2)``. Source: Brunel, J.
Comput. Neurosci. 8, 183 (2000), equations 4 to 6 for the diffusion approximation; Gerstner
et al., "Neuronal Dynamics" (2014), chapter 8.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ..errors import require
from ..lif import Lif

__all__ = ["NoisyMembrane", "diffusion_limit", "sigma_of_current_noise"]


@dataclass(frozen=True)
class NoisyMembrane:
    """One LIF neuron under a constant mean drive and white noise.

    Parameters
    ----------
    tau_mem
        Membrane time constant, seconds, > 0.
    mu
        Mean of the free potential, volts: ``v_leak + r i``.
    sigma
        Noise amplitude, volts, > 0; the free potential has variance ``sigma^2 / 2``.
    v_th, v_reset
        Threshold and reset potential, volts; ``v_reset < v_th``.
    t_ref
        Refractory period, seconds, >= 0; the membrane is held at reset.

    Raises
    ------
    InvalidValue
        Naming the field, its value and what is allowed.
    """

    tau_mem: float
    mu: float
    sigma: float
    v_th: float = 1.0
    v_reset: float = 0.0
    t_ref: float = 0.0

    def __post_init__(self) -> None:
        for name in ("tau_mem", "mu", "sigma", "v_th", "v_reset", "t_ref"):
            value = getattr(self, name)
            numeric = isinstance(value, int | float | np.integer | np.floating)
            require(numeric and bool(np.isfinite(value)), name, value, "a finite number")
            object.__setattr__(self, name, float(value))
        for name in ("tau_mem", "sigma"):
            require(getattr(self, name) > 0, name, getattr(self, name), "greater than 0")
        require(self.t_ref >= 0, "t_ref", self.t_ref, "0 or greater")
        require(self.v_reset < self.v_th, "v_reset", self.v_reset, f"below v_th = {self.v_th:g}")

    @property
    def y_th(self) -> float:
        """Threshold in units of the noise, ``(v_th - mu) / sigma``."""
        return (self.v_th - self.mu) / self.sigma

    @property
    def y_reset(self) -> float:
        """Reset in units of the noise, ``(v_reset - mu) / sigma``."""
        return (self.v_reset - self.mu) / self.sigma

    def driven(self, mu: float, sigma: float | None = None) -> NoisyMembrane:
        """The same membrane under another drive."""
        return replace(self, mu=mu, sigma=self.sigma if sigma is None else sigma)

    @staticmethod
    def from_lif(lif: Lif, current: float, sigma: float) -> NoisyMembrane:
        """One LIF neuron with a mean ``current`` in amperes and ``sigma`` in volts.

        Raises
        ------
        InvalidValue
            For several neurons, a synapse, no leak or no threshold.
        """
        require(lif.n == 1, "n", lif.n, "1: take one neuron with Lif.neuron(j)")
        require(lif.tau_syn is None, "tau_syn", lif.tau_syn, "None: the noise is white")
        return NoisyMembrane(
            float(lif.tau_mem[0]),
            float(lif.v_leak[0] + lif.r[0] * current),
            sigma,
            float(lif.v_th[0]),
            float(lif.v_reset[0]),
            float(lif.t_ref[0]),
        )


def diffusion_limit(
    tau_mem: float, weights: ArrayLike, rates: ArrayLike, v_leak: float = 0.0
) -> tuple[float, float]:
    """``mu`` and ``sigma`` in volts of many small Poisson inputs.

    Input ``j`` moves the potential by ``weights[j]`` volts a spike, at ``rates[j]`` hertz:
    ``mu = v_leak + tau_mem sum w nu`` and ``sigma^2 = tau_mem sum w^2 nu``.
    """
    w, nu = np.asarray(weights, np.float64), np.asarray(rates, np.float64)
    require(w.shape == nu.shape, "rates", list(nu.shape), f"the shape of weights, {list(w.shape)}")
    require(bool(np.isfinite(w).all()), "weights", weights, "finite numbers")
    require(bool(((nu >= 0) & np.isfinite(nu)).all()), "rates", rates, "0 or greater")
    require(np.isfinite(tau_mem) and tau_mem > 0, "tau_mem", tau_mem, "greater than 0")
    return v_leak + tau_mem * float(np.sum(w * nu)), float(np.sqrt(tau_mem * np.sum(w**2 * nu)))


def sigma_of_current_noise(r: float, tau_mem: float, density: float) -> float:
    """``sigma`` in volts of white current noise of one-sided ``density`` in A^2/Hz.

    One-sided densities, over positive frequencies, are what circuit simulators and data
    sheets give: ``sigma^2 = r^2 density / (2 tau_mem)``.
    """
    require(np.isfinite(r) and r > 0, "r", r, "greater than 0")
    require(np.isfinite(tau_mem) and tau_mem > 0, "tau_mem", tau_mem, "greater than 0")
    require(np.isfinite(density) and density >= 0, "density", density, "0 or greater")
    return float(r * np.sqrt(density / (2.0 * tau_mem)))
