"""A compiled core on segments of stimulus: spikes and potentials, step by step."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...golden import Trace
from ...golden.fixed import Ints
from .user_core import Plan, UserCore
from .user_core_build import Built
from .user_core_stimulus import Segment, input_range

__all__ = ["Answer", "Bench"]

LONGEST_WAIT = 3
"""Idle clocks in a row, at most."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What was seen of a step: spikes ``(steps, n)``, and the potential as the port shows it."""

    spikes: NDArray[np.bool_]
    v: Ints | None

    def differs(self, other: Answer) -> NDArray[np.bool_]:
        """Where the two differ in anything, ``(steps, n)``."""
        bad: NDArray[np.bool_] = self.spikes != other.spikes
        if self.v is not None and other.v is not None:
            bad = bad | (self.v != other.v)
        return bad


@dataclass(frozen=True, eq=False)
class Bench:
    """A core, compiled, and how it is driven."""

    core: UserCore
    built: Built
    plan: Plan

    @property
    def range(self) -> tuple[int, int]:
        """Least and largest input."""
        signed = self.core.ports.input_signed
        return input_range(self.core.contract, self.built.bits["input"], signed)

    def seen(self, trace: Trace) -> Answer:
        """What of a contract's trace the ports show."""
        if not self.core.ports.membrane:
            return Answer(trace.spikes, None)
        fraction, wanted = self.core.contract.fraction, self.core.ports.membrane_fraction
        more = 0 if wanted is None else wanted - fraction
        u: Ints = np.asarray(trace.v, dtype=np.int64)
        return Answer(trace.spikes, u << more if more >= 0 else u >> -more)

    def run(
        self,
        segments: Sequence[Segment],
        *,
        latency: int | None = None,
        idle: float | None = None,
        coverage_file: Path | None = None,
    ) -> list[Answer] | None:
        """The core's answers by segment, or ``None`` if it stopped the simulation.

        ``latency`` and ``idle`` take the place of the core's and the plan's.
        """
        core, n = self.core, self.core.contract.n
        inputs = np.ascontiguousarray(np.concatenate([s.inputs for s in segments]).reshape(-1))
        count = inputs.size
        starts = np.zeros(count, np.uint8)
        starts[[s.first * n for s in segments]] = 1
        noise, waits = self._idle(count, self.plan.idle if idle is None else idle)
        spikes, v, at = np.zeros(count, np.uint8), np.zeros(count, np.int64), np.zeros(count, "i8")
        code = self.built.library.core_run(
            *(
                ctypes.c_int64(value)
                for value in (
                    count,
                    n,
                    core.latency if latency is None else latency,
                    core.interval,
                    core.reset_clocks,
                )
            ),
            ctypes.c_uint64((1 << self.built.bits["input"]) - 1),
            *(a.ctypes.data_as(ctypes.c_void_p) for a in (inputs, noise, waits, starts)),
            *(a.ctypes.data_as(ctypes.c_void_p) for a in (spikes, v, at)),
            None if coverage_file is None else str(coverage_file).encode(),
        )
        if code:
            return None
        cuts = [s.first for s in segments[1:]]
        fired = np.split(spikes.reshape(-1, n).astype(np.bool_), cuts)
        states = np.split(self._signed(v).reshape(-1, n), cuts)
        shown = bool(core.ports.membrane)
        return [Answer(a, b if shown else None) for a, b in zip(fired, states, strict=True)]

    def _idle(self, count: int, share: float) -> tuple[Ints, NDArray[np.uint8]]:
        """Clocks without ``enable`` before each input, and what the input port shows there."""
        rng = np.random.default_rng([self.plan.seed, 1])
        low, high = self.range
        noise = rng.integers(low, high + 1, count)
        waits = rng.integers(1, LONGEST_WAIT + 1, count) * (rng.random(count) < share)
        return noise, (waits if self.core.ports.enable else 0 * waits).astype(np.uint8)

    def _signed(self, v: Ints) -> Ints:
        bits = self.built.bits.get("membrane", 32)
        return v - ((v >> (bits - 1)) << bits)
