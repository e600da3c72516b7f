"""Populations that learn, drawn at random: each rule, mark and signal, narrow words and wide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lifstone.golden.learning.inhibitory_integer import InhibitoryInteger
from lifstone.golden.learning.integer_update import TraceWord, Update, WeightWord
from lifstone.golden.learning.plastic import PlasticContract
from lifstone.golden.learning.three_factor_integer import Mark, Signal, ThreeFactorInteger
from tests.hdl.contracts import options, random_contract

KINDS = ("inhibitory", *(f"{mark}_{signal}" for mark in Mark for signal in Signal))
CHOICES = [o for o in options() if o[4] is not None]


def random_trace(rng: np.random.Generator) -> TraceWord:
    """A trace that saturates soon, or one that does not."""
    width, fraction = int(rng.integers(3, 13)), int(rng.integers(2, 11))
    top, full = (1 << width) - 1, 1 << fraction
    bump = int(rng.integers(max(1, top // 8), top, endpoint=True))
    return TraceWord(width, bump, int(rng.integers(full // 2, full)), fraction)


def random_plastic(rng: np.random.Generator, kind: str, n: int, lines: int) -> PlasticContract:
    """A population of ``n`` neurons with ``lines`` plastic lines of a rule of ``KINDS``."""
    width = int(rng.integers(6, 15))
    fine, half = int(rng.integers(0, width - 4)), 1 << (width - 1)
    update = Update(int(rng.integers(0, 12)), bool(rng.random() < 0.7))
    fixed = rng.integers(-8, 9, (n, int(rng.integers(0, 4))))
    rule: InhibitoryInteger | ThreeFactorInteger
    if kind == "inhibitory":
        trace = random_trace(rng)
        rule = InhibitoryInteger(trace, int(rng.integers(0, trace.top // 2 + 1)), update)
        word = WeightWord(width, fine, 0, int(rng.integers(half // 2, half)), -1)
        fixed = rng.integers(0, 40, (n, 5))
    else:
        mark, signal = kind.split("_")
        fraction = int(rng.integers(2, 9))
        rule = ThreeFactorInteger(
            Mark(mark),
            Signal(signal),
            *(random_trace(rng) for _ in range(3)),
            mark_shift=int(rng.integers(0, 9)),
            e_width=int(rng.integers(5, 19)),
            e_factor=int(rng.integers(1 << (fraction - 1), 1 << fraction)),
            e_fraction=fraction,
            update=update,
            psi_top=int(rng.integers(1, 256)),
            psi_shift=int(rng.integers(0, 6)),
            a_plus=int(rng.integers(1, 256)),
            a_minus=int(rng.integers(1, 256)),
        )
        word = WeightWord(width, fine, -int(rng.integers(1, half)), int(rng.integers(1, half)))
    uniform = rng.random() < 0.3
    start = rng.integers(word.low, word.high, (1 if uniform else n, 1 if uniform else lines))
    start = np.broadcast_to(start, (n, lines)).copy()
    neurons = random_contract(rng, n, CHOICES[int(rng.integers(len(CHOICES)))])
    # No sum leaves the accumulator, and thresholds are near what a spike brings.
    low = rng.integers(1, 12, n)
    still = {"weight_shift": 0, "bias": rng.integers(-2, 3, n)}
    neurons = replace(neurons, acc_width=24, threshold=low, u_reset=-low, **still)
    return PlasticContract(neurons, start, word, rule, fixed, int(rng.integers(1000)))


def stimulus(
    rng: np.random.Generator, c: PlasticContract, steps: int, samples: int
) -> dict[str, np.ndarray]:
    """Spikes whose rates differ from sample to sample; the first is silent, the second full."""
    out = {}
    for name, lines in c.sizes.items():
        rate = 2.0 ** -rng.uniform(0, 6, (1, samples, 1))
        spikes = (rng.random((steps, samples, lines)) < rate).astype(np.uint8)
        spikes[:, :1], spikes[:, 1:2] = 0, 1
        out[name] = spikes
    return out
