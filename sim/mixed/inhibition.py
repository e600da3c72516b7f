"""System 9 in lock-step: the plasticity rule as RTL, the neuron as capacitor and OTA."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...analog import from_lif
from ...golden.learning.inhibitory_integer import quantise_rule
from ...golden.learning.integer_update import WeightWord
from ...golden.learning.plastic import PlasticContract
from ...golden.systems.istdp import CHANNELS, Parameters
from .halves import RELAY, Lockstep, relay

__all__ = ["make"]

LSB = 2.0**-17
FINE = 6
EXCITATORY = 10


def make(steps: int = 600, seed: int = 3, start: float = 0.0) -> Lockstep:
    """Excitation of eight channels whose rates fluctuate, and their inhibitory lines.

    ``start`` is the inhibitory weight at the beginning, in thresholds.
    """
    p = replace(Parameters(), seed=seed)
    lif = p.neurons(1)
    rule = quantise_rule(p.rule(), p.dt, LSB)
    word = WeightWord(24, FINE, 0, round(p.rule().w_max / LSB), -1)
    weights = np.full((1, CHANNELS), round(start / LSB), dtype=np.int64)
    contract = PlasticContract(
        relay(), weights, word, rule, np.array([[RELAY]], dtype=np.int64), seed
    )
    rng = np.random.default_rng([seed, 7])
    profile = 0.035 + 0.05 * np.exp(-((np.arange(CHANNELS) - 3.5) ** 2) / 5.0)
    slow, signal = float(np.exp(-p.dt / 50e-3)), np.zeros(CHANNELS)
    background, plastic = np.zeros(steps), np.zeros((steps, CHANNELS), np.uint8)
    for k in range(steps):
        signal = slow * signal + np.sqrt(1 - slow**2) * rng.normal(size=CHANNELS)
        rate = np.clip(20.0 + 14.0 * signal, 0.0, None) * p.dt
        background[k] = float(rng.binomial(EXCITATORY, np.minimum(rate, 1.0)) @ profile)
        plastic[k] = rng.random(CHANNELS) < 2.0 * rate
    none = np.zeros((steps, 0), np.uint8)
    return Lockstep(contract, lif, from_lif(lif), background, plastic, none, -LSB, p.dt)
