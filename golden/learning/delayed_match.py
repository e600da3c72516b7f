"""Delayed match: did two pulses, one after the other, come on the same channel?

The task needs memory. Each pulse is a burst of random spikes on one of two groups of input
lines; a pause follows each, and the answer is read in the last pause. Without recurrence or
slow states nothing is left of the first pulse by then. The answer is an exclusive-or of the two
channels, so no single pulse tells anything.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..lif import Lif
from .bptt import Adaptation, Layer
from .loss import cross_entropy

__all__ = ["DT", "LINES", "PAUSE", "STEPS", "draw", "judge", "layers", "read"]

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
DT = 1e-3
PULSE, PAUSE, LINES = 6, 8, 8
STEPS = 2 * (PULSE + PAUSE)
DENSITY = 0.6


def draw(rng: np.random.Generator, count: int) -> tuple[Array, Labels]:
    """Spikes ``(steps, count, lines)`` and 1 where both pulses shared their channel."""
    channel = rng.integers(0, 2, (2, count))
    x = np.zeros((STEPS, count, LINES))
    half = LINES // 2
    for pulse in range(2):
        start = pulse * (PULSE + PAUSE)
        drawn = rng.random((PULSE, count, half)) < DENSITY
        for side in range(2):
            chosen = channel[pulse] == side
            x[start : start + PULSE, chosen, side * half : (side + 1) * half] = drawn[:, chosen]
    return x, (channel[0] == channel[1]).astype(np.int64)


def layers(
    rng: np.random.Generator,
    hidden: int,
    tau_mem: float,
    tau_syn: float | None = None,
    adaptation: Adaptation | None = None,
) -> list[Layer]:
    """A recurrent layer and a readout of two leaky integrators, with random weights."""
    neurons = Lif(tau_mem=tau_mem, r=5.0, v_th=1.0, tau_syn=tau_syn, n=hidden)
    readout = Lif(tau_mem=tau_mem, r=5.0, v_th=np.inf, n=2)
    return [
        Layer(
            neurons,
            rng.normal(0.3, 1.5, (hidden, LINES)) / LINES**0.5,
            np.zeros(hidden),
            rng.normal(0.0, 0.7, (hidden, hidden)) / hidden**0.5,
            adaptation,
        ),
        Layer(readout, rng.normal(0.0, 1.0, (2, hidden)) / hidden**0.5, np.zeros(2)),
    ]


def read(v: Array) -> Array:
    """Scores ``(batch, 2)``: the readout's potential, averaged over the last pause."""
    return np.asarray(v[-PAUSE:].mean(axis=0))


def judge(v: Array, labels: Labels) -> tuple[float, float, Array]:
    """Mean loss and accuracy of the readout ``v`` ``(steps, batch, 2)``, and its derivative."""
    score = read(v)
    loss, d_score = cross_entropy(score, labels)
    right = float((score.argmax(axis=1) == labels).mean())
    d_v = np.zeros_like(v)
    d_v[-PAUSE:] = d_score / PAUSE
    return loss, right, d_v
