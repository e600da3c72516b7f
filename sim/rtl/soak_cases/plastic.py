"""Populations that learn: an update is a neuron, a synapse or a line in a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from ....golden import Connection, Lif, Network, Widths, quantise
from ....golden.learning.inhibitory_integer import InhibitoryInteger
from ....golden.learning.integer_update import TraceWord, Update, WeightWord
from ....golden.learning.plastic import PlasticContract
from ....golden.learning.three_factor_integer import Mark, Signal, ThreeFactorInteger
from ....hdl.plastic_top import generate_plastic
from ..plastic import plastic_reference
from ..soak_case import Case, Made, patterns

__all__ = ["CASES"]

N, LINES, FIXED = 16, 32, 4
TRACE = TraceWord(14, 512, 3899, 12)


def _contract(rule: InhibitoryInteger | ThreeFactorInteger, seed: int) -> PlasticContract:
    rng = np.random.default_rng(seed)
    inhibits = isinstance(rule, InhibitoryInteger)
    lif = Lif(tau_mem=rng.uniform(5e-3, 30e-3, N), v_reset=-0.1, n=N, tau_syn=3e-3, t_ref=2e-3)
    net = Network(
        1e-3, {"x": LINES}, {"p": lif},
        (Connection("x", "p", rng.normal(1.0, 2.0, (N, LINES))),), ("p",),
    )  # fmt: skip
    contract = quantise(net, Widths(state=16, weight=10, fraction=10)).contract
    word = WeightWord(16, 7, 0 if inhibits else -30000, 30000, -1 if inhibits else 1)
    fixed = rng.integers(100, 400, (N, FIXED)) if inhibits else np.zeros((N, 0), np.int64)
    start = rng.integers(word.low // 2, word.high // 2, (N, LINES))
    neurons = replace(contract.populations["p"], acc_width=16)
    return PlasticContract(neurons, start, word, rule, fixed, seed)


def _three(mark: Mark, signal: Signal) -> ThreeFactorInteger:
    return ThreeFactorInteger(
        mark, signal, TRACE, TRACE, TRACE,
        mark_shift=9, e_width=16, e_factor=243, e_fraction=8, update=Update(14),
        psi_top=63, psi_shift=4, a_plus=40, a_minus=44,
    )  # fmt: skip


def _some(rng: np.random.Generator, sizes: Mapping[str, int], steps: int, samples: int) -> Made:
    """Some of many patterns: a chunk of a large core has few samples, and not only silent ones."""
    return {k: a[:, -samples:] for k, a in patterns(rng, sizes, steps, samples + 16).items()}


def _case(name: str, rule: InhibitoryInteger | ThreeFactorInteger, seed: int) -> Case:
    make: Callable[[], PlasticContract] = cache(lambda: _contract(rule, seed))
    return Case(
        name,
        lambda: generate_plastic(make(), trace=True),
        lambda: N + N * LINES + LINES,
        lambda: make().sizes,
        lambda spikes, steps: plastic_reference(make(), spikes),
        lambda spikes, traces, difference: "",
        _some,
        bare=lambda: generate_plastic(make()),
    )


CASES = (
    _case("plastic_inhibitory", InhibitoryInteger(TRACE, 240, Update(5)), 1),
    _case("plastic_eprop", _three(Mark.PSEUDO, Signal.TEACHER), 2),
    _case("plastic_reward", _three(Mark.PAIR, Signal.REWARD), 3),
)
