r"""Reward-modulated plasticity: spike timing marks a synapse, a later reward changes it.

Izhikevich, Cerebral Cortex 17, 2443 (2007), equations 1 and 2; Fremaux & Gerstner, Frontiers
in Neural Circuits 9, 85 (2016), section 3. With traces ``x`` of presynaptic and ``y`` of
postsynaptic spikes, an eligibility ``c`` and a reward ``r``::

    dx/dt = -x / tau_plus + sum of presynaptic spikes
    dy/dt = -y / tau_minus + sum of postsynaptic spikes
    dc/dt = -c / tau_c + a_plus x (at postsynaptic spikes) - a_minus y (at presynaptic spikes)
    dw/dt = r c

Between events all decay exponentially, so the step is exact; in one step presynaptic spikes
come first, then postsynaptic ones, and both use the traces of earlier steps.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..errors import require

__all__ = ["RewardRule", "Traces", "pair_change", "start", "step"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RewardRule:
    """Time constants in seconds (> 0) and amplitudes of both halves of the window."""

    tau_plus: float = 20e-3
    tau_minus: float = 20e-3
    tau_c: float = 200e-3
    a_plus: float = 1.0
    a_minus: float = 1.0

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            require(bool(np.isfinite(value)), f.name, value, "a finite number")
            if f.name.startswith("tau"):
                require(value > 0, f.name, value, "above 0")


@dataclass(frozen=True, eq=False)
class Traces:
    """``x`` ``(..., n_pre)``, ``y`` ``(..., n_post)``, ``c`` ``(..., n_post, n_pre)``."""

    x: Array
    y: Array
    c: Array


def start(n_post: int, n_pre: int, batch: tuple[int, ...] = ()) -> Traces:
    """Traces before the first spike."""
    return Traces(
        np.zeros((*batch, n_pre)), np.zeros((*batch, n_post)), np.zeros((*batch, n_post, n_pre))
    )


def step(rule: RewardRule, now: Traces, pre: Array, post: Array, dt: float) -> Traces:
    """Traces ``dt`` seconds later, after the spikes ``pre`` and ``post`` of that moment."""
    x = now.x * np.exp(-dt / rule.tau_plus)
    y = now.y * np.exp(-dt / rule.tau_minus)
    marked = rule.a_plus * post[..., :, None] * x[..., None, :]
    marked = marked - rule.a_minus * pre[..., None, :] * y[..., :, None]
    c = now.c * np.exp(-dt / rule.tau_c) + marked
    return Traces(x + pre, y + post, c)


def pair_change(rule: RewardRule, delay: float, wait: float, reward: float = 1.0) -> float:
    """Closed form of the change by one pair of spikes and one later pulse of reward.

    ``delay`` seconds from the presynaptic to the postsynaptic spike (negative: the other
    way round), ``wait`` seconds from the later of them to a reward of area ``reward``.
    """
    if delay >= 0:
        window = rule.a_plus * np.exp(-delay / rule.tau_plus)
    else:
        window = -rule.a_minus * np.exp(delay / rule.tau_minus)
    return float(reward * window * np.exp(-wait / rule.tau_c))
