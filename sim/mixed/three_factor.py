"""System 15 in lock-step: eligibility traces and a teacher as RTL, an analog neuron.

Eight lines carry one of two cues in trials of 80 steps; a teacher fires in trials of the first.
The neuron learns to answer that cue and to be silent at the other. The pseudo-derivative is that
of a relay: an eligibility forms where the analog neuron fires after its inputs.
"""

from __future__ import annotations

import numpy as np

from ...analog import from_lif
from ...golden import Lif
from ...golden.learning.integer_update import TraceWord, Update, WeightWord
from ...golden.learning.plastic import PlasticContract
from ...golden.learning.three_factor_integer import Mark, Signal, ThreeFactorInteger
from .halves import RELAY, Lockstep, relay

__all__ = ["TRIAL", "cues", "make"]

DT = 1e-3
LSB = 2.0**-15
LINES, TRIAL, CUE = 8, 80, 60
START = 0.15
"""Weights at the beginning, thresholds."""


def cues(steps: int, seed: int) -> list[int]:
    """The cue of each trial, 0 (taught) or 1."""
    rng = np.random.default_rng([seed, 0])
    return [int(c) for c in rng.integers(2, size=-(-steps // TRIAL))]


def make(steps: int = 2400, seed: int = 1) -> Lockstep:
    """Thirty trials unless told otherwise."""
    decay = round(float(np.exp(-DT / 20e-3)) * 4096)
    trace = TraceWord(15, 512, decay, 12)
    rule = ThreeFactorInteger(
        Mark.PSEUDO, Signal.TEACHER, trace, trace, trace, mark_shift=8, e_width=20,
        e_factor=round(float(np.exp(-DT / 20e-3)) * 256), e_fraction=8, update=Update(12),
        psi_top=255, psi_shift=6,
    )  # fmt: skip
    high = round(1.0 / LSB)
    weights = np.full((1, LINES), round(START / LSB), dtype=np.int64)
    contract = PlasticContract(
        relay(), weights, WeightWord(24, 6, -high, high), rule,
        np.array([[RELAY]], dtype=np.int64), seed,
    )  # fmt: skip
    rng = np.random.default_rng([seed, 1])
    plastic, signal = np.zeros((steps, LINES), np.uint8), np.zeros((steps, 1), np.uint8)
    for trial, cue in enumerate(cues(steps, seed)):
        on = slice(trial * TRIAL, min(trial * TRIAL + CUE, steps))
        count, first = on.stop - on.start, cue * LINES // 2
        plastic[on, first : first + LINES // 2] = rng.random((count, LINES // 2)) < 0.06
        signal[on, 0] = (rng.random(count) < 0.08) & (cue == 0)
    background = np.where(rng.random(steps) < 0.1, 0.3, 0.0)
    lif = Lif(tau_mem=20e-3, tau_syn=5e-3, t_ref=3e-3, r=20.0)
    return Lockstep(contract, lif, from_lif(lif), background, plastic, signal, LSB, DT)
