r"""What integer learning rules share: traces, words of weights, and how a change is rounded.

A *trace* counts spikes and forgets: a spike adds ``bump``, and after each step ``factor /
2^fraction`` of it is left, rounded down, so that every trace ends at 0::

    seen(x) = min(x + bump [spike], 2^width - 1),    x' = floor(seen(x) factor / 2^fraction)

A *change* of a weight is a whole number ``delta`` shifted right by ``rate_shift``. What the
shift drops is rounded at random or to nearest::

    w' = clip(w + ((delta + offset) >> rate_shift), low, high)

Where rounding is random, ``offset`` is the low ``rate_shift`` bits of the step's draw
(:mod:`..lfsr`), rotated left by the synapse's place in its row or column: the mean change is
``delta / 2^rate_shift`` exactly, however small. With nearest, ``offset`` is a half, and a change
below a half is lost. Synapses whose places differ by 32 share their offset in a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import require
from ..fixed import Ints
from ..lfsr import WORD, turn

__all__ = ["TraceWord", "Update", "WeightWord"]


@dataclass(frozen=True)
class TraceWord:
    """A trace of ``width`` bits, 1 to 20; see the module."""

    width: int
    bump: int
    factor: int
    fraction: int

    def __post_init__(self) -> None:
        require(1 <= self.width <= 20, "trace.width", self.width, "1 to 20 bits")
        require(1 <= self.bump <= self.top, "trace.bump", self.bump, f"1 to {self.top}")
        require(1 <= self.fraction <= 20, "trace.fraction", self.fraction, "1 to 20 bits")
        most = (1 << self.fraction) - 1
        require(0 <= self.factor <= most, "trace.factor", self.factor, f"0 to {most}")

    @property
    def top(self) -> int:
        """Greatest value."""
        return (1 << self.width) - 1

    def seen(self, trace: Ints, spikes: Ints) -> Ints:
        """The trace with this step's spikes, 0 or 1."""
        return np.asarray(np.minimum(trace + self.bump * spikes, self.top), dtype=np.int64)

    def after(self, seen: Ints) -> Ints:
        """What the next step finds of :meth:`seen`."""
        return (seen * self.factor) >> self.fraction


@dataclass(frozen=True)
class WeightWord:
    """A plastic weight: ``width`` bits, two's complement, kept within ``low`` to ``high``.

    A neuron feels ``sign (w >> fine)``: the last ``fine`` bits only remember small changes.
    """

    width: int
    fine: int
    low: int
    high: int
    sign: int = 1

    def __post_init__(self) -> None:
        require(2 <= self.width <= 32, "weight.width", self.width, "2 to 32 bits")
        require(0 <= self.fine < self.width, "weight.fine", self.fine, f"0 to {self.width - 1}")
        half = 1 << (self.width - 1)
        require(-half <= self.low, "weight.low", self.low, f"at least {-half}")
        require(self.low < self.high, "weight.low", self.low, f"below high, {self.high}")
        require(self.high < half, "weight.high", self.high, f"below {half}")
        require(self.sign in (-1, 1), "weight.sign", self.sign, "1 or -1")

    def felt(self, weight: Ints) -> Ints:
        """What a spike brings."""
        return self.sign * (weight >> self.fine)


@dataclass(frozen=True)
class Update:
    """Learning rate ``2^-rate_shift``, 0 to 31, and how what it drops is rounded."""

    rate_shift: int
    stochastic: bool = True

    def __post_init__(self) -> None:
        require(0 <= self.rate_shift <= 31, "rate_shift", self.rate_shift, "0 to 31")

    def offsets(self, draw: Ints, places: int) -> Ints:
        """Offset of each of ``places`` synapses in a row or column, ``(..., places)``."""
        mask = (1 << self.rate_shift) - 1
        if not self.stochastic:
            half = np.int64((mask + 1) >> 1)
            return np.broadcast_to(half, (*np.shape(draw), places))
        turns = np.arange(places) % WORD
        return turn(np.asarray(draw)[..., np.newaxis], turns) & mask

    def moved(self, word: WeightWord, weight: Ints, delta: Ints, offset: Ints) -> Ints:
        """The weight after a change; arrays broadcast."""
        change = (delta + offset) >> self.rate_shift
        return np.clip(weight + change, word.low, word.high)
