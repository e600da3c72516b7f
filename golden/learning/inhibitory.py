r"""Inhibitory plasticity: an inhibitory synapse that brings its neuron to a target rate.

Vogels, Sprekeler, Zenke, Clopath & Gerstner, Science 334, 1569 (2011), equations S3 to S5 of
the supplement: both sides leave a trace that decays with ``tau``; near coincidences in either
order strengthen the synapse, and every presynaptic spike weakens it a little::

    at a presynaptic spike:   w <- w + eta (y - alpha)
    at a postsynaptic spike:  w <- w + eta x

Independent trains of rates ``nu_pre`` and ``nu_post`` make the weight drift by::

    dw/dt = eta nu_pre (2 tau nu_post - alpha)

so that it rests where ``nu_post = alpha / (2 tau)``, the target. On a grid of ``dt`` the traces
used are those of earlier steps, and ``2 tau`` becomes ``2 dt d / (1 - d)`` with
``d = exp(-dt / tau)``; ``alpha`` here is made from that, so the target is exact on every grid.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import require

__all__ = ["InhibitoryRule", "PairTraces", "drift", "start", "step"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class InhibitoryRule:
    """``eta`` is the change of a weight by one coincidence, in the weight's unit; ``tau`` seconds.

    ``target`` is in hertz; weights stay within 0 to ``w_max``.
    """

    eta: float
    tau: float
    target: float
    w_max: float

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            good = bool(np.isfinite(value)) and value > 0
            require(good, f.name, value, "a finite number above 0")

    def window(self, dt: float) -> float:
        """Area of both halves of the window in seconds, on a grid of ``dt``; ``2 tau`` without."""
        d = float(np.exp(-dt / self.tau))
        return 2.0 * dt * d / (1.0 - d)

    def alpha(self, dt: float) -> float:
        """What a presynaptic spike takes away, in units of ``eta``."""
        return self.target * self.window(dt)


@dataclass(frozen=True, eq=False)
class PairTraces:
    """``x`` of presynaptic ``(..., n_pre)``, ``y`` of postsynaptic spikes ``(..., n_post)``."""

    x: Array
    y: Array


def start(n_post: int, n_pre: int, batch: tuple[int, ...] = ()) -> PairTraces:
    """Traces before the first spike."""
    return PairTraces(np.zeros((*batch, n_pre)), np.zeros((*batch, n_post)))


def step(
    rule: InhibitoryRule, now: PairTraces, weight: Array, pre: Array, post: Array, dt: float
) -> tuple[PairTraces, Array]:
    """Traces and weights ``(..., n_post, n_pre)`` after the spikes of one step of ``dt``."""
    d = np.exp(-dt / rule.tau)
    x, y = now.x * d, now.y * d
    by_pre = pre[..., None, :] * (y[..., :, None] - rule.alpha(dt))
    by_post = post[..., :, None] * x[..., None, :]
    moved = np.clip(weight + rule.eta * (by_pre + by_post), 0.0, rule.w_max)
    return PairTraces(x + pre, y + post), moved


def drift(rule: InhibitoryRule, nu_pre: ArrayLike, nu_post: ArrayLike, dt: float) -> Array:
    """Mean change of a weight a second for independent trains of these rates in hertz."""
    a, b = np.asarray(nu_pre, dtype=np.float64), np.asarray(nu_post, dtype=np.float64)
    return np.asarray(rule.eta * a * rule.window(dt) * (b - rule.target))
