"""Directed and random inputs for a core, in segments that each begin with a reset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...golden import Contract, Trace
from ...golden.contract import IntState, initial_state, step
from ...golden.fixed import Ints, limits
from .user_core import Plan

__all__ = ["Segment", "input_range", "segments", "trace_of"]


@dataclass(frozen=True, eq=False)
class Segment:
    """Inputs ``(steps, n)`` after a reset, what the contract makes of them, and their aim.

    ``first`` is the number of its first step in the whole run.
    """

    name: str
    aim: str
    first: int
    inputs: Ints
    expected: Trace


def input_range(contract: Contract, bits: int, signed: bool) -> tuple[int, int]:
    """Least and largest sum of weights that both the port and the contract hold."""
    low, high = limits(bits) if signed else (0, (1 << bits) - 1)
    least, most = limits(contract.acc_width)
    return max(low, least), min(high, most)


def trace_of(contract: Contract, inputs: Ints) -> Trace:
    """The contract's run from its initial state; arrays ``(steps, n)``."""
    state = initial_state(contract)
    u, i = np.zeros(inputs.shape, np.int64), np.zeros(inputs.shape, np.int64)
    spikes = np.zeros(inputs.shape, np.bool_)
    for k, x in enumerate(inputs):
        state, spikes[k] = step(contract, state, x)
        u[k], i[k] = state.u, state.i
    return Trace(u, i, spikes)


def segments(contract: Contract, low: int, high: int, plan: Plan) -> list[Segment]:
    """All segments of a plan, ``plan.steps`` steps together."""
    rng = np.random.default_rng(plan.seed)
    kinds: list[tuple[str, str, float, Callable[[int], Ints]]] = [
        ("silence", "the bias and the leak of the initial state", 0.02, _silence(contract)),
        ("impulses", "the leak, and how it rounds", 0.1, _impulses(contract, low, high, rng)),
        ("threshold", "potentials at the threshold itself", 0.2, _probes(contract, low, high, rng)),
        ("rails", "the ends of the words", 0.1, _rails(contract, low, high, rng)),
        ("bursts", "reset and refractory steps", 0.1, _bursts(contract, low, high, rng)),
        ("random", "all of it, at several scales", 0.0, _random(contract, low, high, rng)),
    ]
    out: list[Segment] = []
    first = 0
    for name, aim, share, make in kinds:
        steps = int(share * plan.steps) if share else plan.steps - first
        inputs = np.clip(make(steps), low, high)
        out.append(Segment(name, aim, first, inputs, trace_of(contract, inputs)))
        first += steps
    return out


def _scale(contract: Contract) -> Ints:
    """The threshold, or half of the range, in units of the input; at least 1."""
    top = contract.threshold
    level = np.full(contract.n, limits(contract.width)[1] // 2) if top is None else np.abs(top)
    return np.asarray(np.maximum(level >> contract.weight_shift, 1))


def _silence(c: Contract) -> Callable[[int], Ints]:
    return lambda steps: np.zeros((steps, c.n), np.int64)


def _impulses(c: Contract, low: int, high: int, rng: np.random.Generator) -> Callable[[int], Ints]:
    def make(steps: int) -> Ints:
        size = rng.uniform(-1.2, 1.2, (steps, c.n)) * _scale(c)
        out = np.clip(np.rint(size).astype(np.int64), low, high)
        out[rng.random((steps, c.n)) > 0.08] = 0
        return out

    return make


def _probes(c: Contract, low: int, high: int, rng: np.random.Generator) -> Callable[[int], Ints]:
    """Inputs that bring the potential to one below, to, or one above the threshold."""
    blank = replace(c, threshold=None)
    goal = np.full(c.n, limits(c.width)[1] // 2) if c.threshold is None else c.threshold

    def make(steps: int) -> Ints:
        out = np.zeros((steps, c.n), np.int64)
        state = initial_state(c)
        for k in range(steps):
            alone = step(blank, IntState(state.u, state.i, np.zeros_like(state.hold)), out[k])[0].u
            wanted = (goal + rng.integers(-1, 2, c.n) - alone) >> c.weight_shift
            out[k] = np.where(rng.random(c.n) < 0.7, np.clip(wanted, low, high), 0)
            state, _ = step(c, state, out[k])
        return out

    return make


def _rails(c: Contract, low: int, high: int, rng: np.random.Generator) -> Callable[[int], Ints]:
    def make(steps: int) -> Ints:
        return _blocks(steps, c.n, np.array([low, high, low, high, 0]), 40, rng)

    return make


def _bursts(c: Contract, low: int, high: int, rng: np.random.Generator) -> Callable[[int], Ints]:
    scale = int(_scale(c).max())
    top = int(c.hold.max()) + 12

    def make(steps: int) -> Ints:
        levels = np.clip([scale // 3, scale, 2 * scale + 1, scale + 1, 0, -scale], low, high)
        return _blocks(steps, c.n, levels, min(top, 200), rng)

    return make


def _random(c: Contract, low: int, high: int, rng: np.random.Generator) -> Callable[[int], Ints]:
    def make(steps: int) -> Ints:
        scale = float(_scale(c).max())
        factors = np.array([0.02, 0.1, 0.5, 2.0]) * scale
        size = np.append(factors, max(abs(low), abs(high)))[rng.integers(0, 5, steps // 64 + 1)]
        lift = rng.uniform(-0.3, 0.6, steps // 64 + 1)
        spread = np.repeat(size, 64)[:steps, None]
        centre = np.repeat(size * lift, 64)[:steps, None]
        values = centre + spread * rng.uniform(-1, 1, (steps, c.n))
        return np.clip(np.rint(values), low, high).astype(np.int64)

    return make


def _blocks(
    steps: int, n: int, levels: NDArray[np.int64], longest: int, rng: np.random.Generator
) -> Ints:
    """A level of ``levels`` at a time, for 1 to ``longest`` steps, neuron by neuron."""
    out = np.zeros((steps, n), np.int64)
    for j in range(n):
        k = 0
        while k < steps:
            length = int(rng.integers(1, longest + 1))
            out[k : k + length, j] = levels[rng.integers(0, len(levels))]
            k += length
    return out
