"""Cells of the platforms drawn at random, their weights, and states at their corners."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lifstone.golden import Lif
from lifstone.golden.cell import Word
from lifstone.golden.platforms.cells import LoihiCell, SpinnakerCell, TrueNorthCell
from lifstone.golden.platforms.events import OdinEvents, TrueNorthEvents
from lifstone.golden.platforms.loihi import LoihiPopulation
from lifstone.golden.platforms.odin import OdinPopulation
from lifstone.golden.platforms.spinnaker import SpinnakerPopulation
from lifstone.golden.platforms.truenorth import ResetMode, TrueNorthPopulation


def corners(rng: np.random.Generator, word: Word, n: int) -> np.ndarray:
    """Extremes, what lies around zero, and values of every size."""
    fixed = np.array([word.low, word.high, 0, 1, -1, word.low + 1, word.high - 1])
    size = 2.0 ** rng.uniform(0, word.width - word.signed, n)
    drawn = (size * rng.choice([-1, 1], n)).astype(np.int64)
    return np.where(rng.random(n) < 0.25, rng.choice(fixed, n), drawn).clip(word.low, word.high)


def states(rng: np.random.Generator, words: Mapping[str, Word], n: int) -> dict[str, np.ndarray]:
    return {name: corners(rng, word, n) for name, word in words.items()}


def loihi(rng: np.random.Generator, n: int, *, wide: bool = False) -> LoihiCell:
    """With ``wide`` decays and rails from everywhere; else neurons that fire now and then."""
    if wide:
        p = LoihiPopulation(
            n, rng.integers(0, 4096, n), rng.integers(0, 4097, n), rng.integers(0, 1 << 17, n) << 6,
            rng.integers(-4095, 4096, n) << 7, -int(rng.integers(1, 2**23)),
            int(rng.integers(1, 2**23)), rng.integers(1, 64, n),
        )  # fmt: skip
    else:
        p = LoihiPopulation(
            n, rng.integers(300, 2000, n), rng.integers(100, 900, n), 4000 << 6,
            rng.integers(-100, 100, n) << 6, refract_delay=rng.integers(1, 4, n),
        )  # fmt: skip
    return LoihiCell(p)


def spinnaker(
    rng: np.random.Generator, n: int, *, synapse: bool = True, hold: int = 2
) -> SpinnakerCell:
    lif = Lif(
        tau_mem=rng.uniform(5e-3, 40e-3, n), v_leak=rng.uniform(-0.07, -0.06, n), v_th=-0.05,
        v_reset=rng.uniform(-0.08, -0.055, n), t_ref=hold * 1e-3,
        tau_syn=rng.uniform(1e-3, 8e-3, n) if synapse else None, n=n,
    )  # fmt: skip
    return SpinnakerCell(SpinnakerPopulation(lif, 1e-3), acc_width=34)


def truenorth_population(rng: np.random.Generator, n: int, **flags: object) -> TrueNorthPopulation:
    alpha = flags.pop("alpha", rng.integers(20, 400, n))
    return TrueNorthPopulation(
        n,
        alpha,
        **{
            "leak": rng.integers(-40, 40, n), "beta": rng.integers(0, 400, n), "mask": 15,
            "reset_value": -7, "seed": int(rng.integers(1, 60000)), **flags,
        },
    )  # fmt: skip


def truenorth(rng: np.random.Generator, n: int, **flags: object) -> TrueNorthCell:
    return TrueNorthCell(truenorth_population(rng, n, **flags))


def truenorth_events(
    rng: np.random.Generator, n: int, lines: int, **flags: object
) -> TrueNorthEvents:
    """A stochastic synapse moves the potential by one: low thresholds, little leak."""
    low = {"alpha": rng.integers(3, 9, n), "leak": rng.integers(-20, 20, n), "mask": 3}
    population = truenorth_population(rng, n, stochastic_synapses=True, **{**low, **flags})
    return TrueNorthEvents(population, lines)


def odin(rng: np.random.Generator, n: int, lines: int, tiny: bool = True) -> OdinEvents:
    """Thresholds of one to three weights: a neuron fires several times in a step."""
    return OdinEvents(OdinPopulation(n, rng.integers(1, 20, n), rng.integers(0, 4, n), tiny), lines)


def truenorth_flags() -> list[dict[str, object]]:
    """Every reset mode with each of the other options on and off."""
    names = ("leak_reversal", "negative_saturates", "stochastic_leak")
    return [
        {"reset": mode, **{name: bool(k >> bit & 1) for bit, name in enumerate(names)}}
        for mode in ResetMode
        for k in range(8)
    ]
