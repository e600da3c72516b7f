r"""The noisy neuron on a clock: what a network layer or a circuit with noise a step must show.

Each step adds one normal number, and threshold is looked at once a step::

    v' = a v + (1 - a) mu + s N(0, 1),   a = exp(-dt / tau_mem),   s = sigma sqrt((1 - a^2) / 2)

The step itself is exact; what differs from the membrane in continuous time is that excursions
between two looks go unseen. The number ``n(y)`` of steps to threshold obeys an integral equation
with a normal kernel, ``<n>(y) = 1 + integral_{y' < y_th} K(y, y') <n>(y') dy'``, solved here by
Gauss-Legendre quadrature to rounding: mean and spread without Monte Carlo. To first order in
``sqrt(dt)`` it is Siegert's rate with threshold raised by ``0.5826`` standard deviations of a
step.

Sources: Siegmund, "Sequential Analysis" (1985), chapter X; Broadie, Glasserman & Kou, Math.
Finance 7, 325 (1997) for the constant ``-zeta(1/2) / sqrt(2 pi)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import require
from .membrane import NoisyMembrane
from .siegert import rate_between

__all__ = ["OVERSHOOT", "Clocked", "clocked", "clocked_rate_first_order", "step_noise"]

Array = NDArray[np.float64]
OVERSHOOT = 1.4603545088095868 / float(np.sqrt(2.0 * np.pi))
"""``-zeta(1/2) / sqrt(2 pi)``, 0.5826: mean overshoot of a random walk in steps' deviations."""
MOST_NODES = 3000


@dataclass(frozen=True)
class Clocked:
    """Intervals of the clocked neuron: ``mean`` in seconds, ``cv``, ``rate`` in hertz."""

    mean: float
    cv: float
    rate: float


def _step(m: NoisyMembrane, dt: float) -> float:
    require(np.isfinite(dt) and dt > 0, "dt", dt, "greater than 0, in seconds")
    return dt / m.tau_mem


def step_noise(m: NoisyMembrane, dt: float) -> float:
    """``s``, the standard deviation in volts of what a step of ``dt`` seconds adds."""
    return float(m.sigma * np.sqrt(-0.5 * np.expm1(-2.0 * _step(m, dt))))


def clocked(m: NoisyMembrane, dt: float) -> Clocked:
    """Mean interval, its coefficient of variation and the rate, exact to rounding.

    The refractory period is rounded to whole steps, as :mod:`lifstone.golden.discrete` does.

    Raises
    ------
    InvalidValue
        For a step not above 0, or so short (below about 1e-5 of ``tau_mem``) that the integral
        equation would need more than 3000 nodes.
    """
    h = _step(m, dt)
    fall, spread = float(np.exp(-h)), step_noise(m, dt) / m.sigma
    low = -float(np.hypot(min(m.y_reset, 0.0), 6.5)) - 2.0 * spread
    panels = int(np.ceil((m.y_th - low) / (2.0 * spread)))
    allowed = f"longer steps: this one needs {10 * panels:,} nodes of {MOST_NODES:,}"
    require(10 * panels <= MOST_NODES, "dt", dt, allowed)
    roots, weights = np.polynomial.legendre.leggauss(10)
    width = (m.y_th - low) / panels
    y = (low + width * (np.arange(panels)[:, np.newaxis] + 0.5 * (roots + 1.0))).ravel()
    weight = np.tile(weights, panels) * width / 2.0

    def kernel(start: Array) -> Array:
        distance = (y - fall * start[:, np.newaxis]) / spread
        return np.asarray(
            weight * np.exp(-0.5 * distance**2) / (spread * np.sqrt(2.0 * np.pi)), np.float64
        )

    inside = kernel(y)
    system = np.eye(y.size) - inside
    first = np.linalg.solve(system, np.ones(y.size))
    # <n^2>(y) = 1 + 2 K<n> + K<n^2>, and K<n> = <n> - 1.
    second = np.linalg.solve(system, 2.0 * first - 1.0)
    begin = kernel(np.array([m.y_reset]))[0]
    steps = 1.0 + float(begin @ first)
    square = 2.0 * steps - 1.0 + float(begin @ second)
    total = steps + float(np.round(m.t_ref / dt))
    cv = max(square - steps**2, 0.0) ** 0.5 / total
    return Clocked(total * dt, cv, 1.0 / (total * dt))


def clocked_rate_first_order(m: NoisyMembrane, dt: float) -> float:
    """Rate in hertz to first order in ``sqrt(dt / tau_mem)``, for any ``dt`` short against it."""
    shift = OVERSHOOT * float(np.sqrt(_step(m, dt)))
    return float(rate_between(m, m.y_reset, m.y_th + shift))
