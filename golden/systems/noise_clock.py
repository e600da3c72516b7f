"""The noisy neuron as a network layer runs it: one normal number and one comparison a step."""

from __future__ import annotations

import numpy as np

from .. import discrete
from ..lif import Lif
from ..noise.clocked import clocked, clocked_rate_first_order, step_noise
from ..noise.membrane import NoisyMembrane
from .system import Check

__all__ = ["check_clock", "layer_counts"]


def layer_counts(
    m: NoisyMembrane, dt: float, neurons: int, steps: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Rate in hertz of :mod:`lifstone.golden.discrete` under noise, and its standard error.

    The first fifth of the steps is left out.
    """
    lif = Lif(m.tau_mem, v_th=m.v_th, v_reset=m.v_reset, t_ref=m.t_ref, n=neurons)
    c = discrete.discretise(lif, dt)
    state = discrete.initial_state(lif)
    noise = step_noise(m, dt) / c.g_x
    counts = np.zeros(neurons)
    since = steps // 5
    for k in range(steps):
        state, fired = discrete.step(lif, c, state, m.mu + noise * rng.standard_normal(neurons))
        if k >= since:
            counts += fired
    each = counts / ((steps - since) * dt)
    return float(each.mean()), float(each.std(ddof=1) / np.sqrt(neurons))


def check_clock(
    m: NoisyMembrane, dt: float, neurons: int, rng: np.random.Generator
) -> tuple[Check, ...]:
    """The layer against the clocked neuron's integral equation, and that against first order."""
    exact = clocked(m, dt)
    steps = int(np.ceil(100.0 * m.tau_mem / dt))
    rate, error = layer_counts(m, dt, neurons, min(steps, 20_000), rng)
    return (
        Check.sigma(
            "rate of the network layer",
            rate,
            exact.rate,
            error,
            4.0,
            "Hz",
            "integral equation of the clocked neuron",
            "4 standard errors: one run in 16,000 would differ by more",
        ),
        Check.relative(
            "rate on the clock to first order",
            clocked_rate_first_order(m, dt),
            exact.rate,
            dt / m.tau_mem + dt * exact.rate,
            "Hz",
            "integral equation of the clocked neuron",
            "the next order: dt over tau_mem, and dt over the interval",
        ),
    )
