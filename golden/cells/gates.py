r"""Gates of channels in integers: a word ``x``, and the conductance that it leaves open.

:class:`BoltzmannGate` is the gate of :mod:`..gating` with both curves from tables::

    x' = x + round((steady(u - shift) - x) move(u - shift) / 2^move.fraction)
    a  = round(g_max x' / 2^width)

:class:`EdgeGate` is the inactivation of the T current in :mod:`..relay`, with ``1`` the largest
word::

    a  = round(g_max x / 2^width) where u > edge, else 0
    x' = round(x keep_above / 2^f) where u > edge, else 1 - round((1 - x) keep_below / 2^f)

Both take ``u`` before the step, each in the order of its float model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..cell import Word
from ..errors import InvalidValue, require
from ..fixed import Ints, Rounding, shift_right
from .curve import Curve

__all__ = ["BoltzmannGate", "ChannelGate", "EdgeGate"]


class ChannelGate(Protocol):
    """What a cell asks of a gate; arrays are int64 ``(n,)``."""

    @property
    def name(self) -> str:
        """Of its word."""

    @property
    def reversal(self) -> Ints:
        """Of its channel, in units of ``u``."""

    @property
    def x_init(self) -> Ints:
        """First word."""

    @property
    def word(self) -> Word:
        """Of ``x``."""

    @property
    def conductance_bits(self) -> int:
        """Bits of its largest conductance."""

    @property
    def numbers(self) -> Mapping[str, Ints]:
        """What it reads of each neuron."""

    def advance(self, u: Ints, x: Ints) -> tuple[Ints, Ints]:
        """``x`` after a step, and the conductance of the step."""


@dataclass(frozen=True, eq=False)
class _Channel:
    """Name, bits of ``x``, conductance with all open, reversal, first word."""

    name: str
    width: int
    g_max: Ints
    reversal: Ints
    x_init: Ints

    def __post_init__(self) -> None:
        require(self.name.isidentifier(), "name", self.name, "an identifier")
        require(4 <= self.width <= 28, f"{self.name}.width", self.width, "4 to 28 bits")
        shape = self.reversal.shape
        for name, low, high in (
            ("g_max", 0, (1 << 28) - 1),
            ("reversal", -(1 << 32), 1 << 32),
            ("x_init", 0, self.word.high),
        ):
            a = getattr(self, name)
            require(a.shape == shape, f"{self.name}.{name}", list(a.shape), str(list(shape)))
            for j in np.flatnonzero((a < low) | (a > high)):
                raise InvalidValue(f"{self.name}.{name}[{j}]", int(a[j]), f"{low} to {high}")

    @property
    def word(self) -> Word:
        """Of ``x``: all of its bits lie behind the point."""
        return Word(self.width, False)

    @property
    def conductance_bits(self) -> int:
        """Bits of the largest conductance."""
        return max(1, int(self.g_max.max()).bit_length())

    def _open(self, x: Ints) -> Ints:
        return shift_right(self.g_max * x, self.width, Rounding.NEAREST)


@dataclass(frozen=True, eq=False)
class BoltzmannGate(_Channel):
    """A gate that relaxes to a Boltzmann curve; see the module.

    Parameters
    ----------
    steady
        Where it settles, ``fraction`` equal to ``width``.
    move
        The share of the way that it goes in a step.
    shift
        Units of ``u`` by which both curves are moved, ``(n,)``.
    """

    steady: Curve
    move: Curve
    shift: Ints

    def __post_init__(self) -> None:
        super().__post_init__()
        same = self.steady.fraction == self.width
        require(same, f"{self.name}.steady.fraction", self.steady.fraction, f"{self.width}")
        for curve, top in ((self.steady, self.word.high), (self.move, 1 << self.move.fraction)):
            good = int(curve.knots.min()) >= 0 and int(curve.knots.max()) <= top
            require(good, f"{self.name} curve", [curve.knots.min(), curve.knots.max()],
                    f"0 to {top}")  # fmt: skip
        good = self.shift.shape == self.reversal.shape
        require(good, f"{self.name}.shift", list(self.shift.shape), str(self.reversal.shape))

    @property
    def numbers(self) -> Mapping[str, Ints]:
        """Conductance, reversal and shift."""
        return {"g_max": self.g_max, "reversal": self.reversal, "shift": self.shift}

    def advance(self, u: Ints, x: Ints) -> tuple[Ints, Ints]:
        """``x`` after a step, and the conductance that it then leaves open."""
        at = u - self.shift
        way = (self.steady(at) - x) * self.move(at)
        after = x + shift_right(way, self.move.fraction, Rounding.NEAREST)
        return after, self._open(after)


@dataclass(frozen=True, eq=False)
class EdgeGate(_Channel):
    """A gate that closes above an edge and opens below it; see the module.

    Parameters
    ----------
    edge
        In units of ``u``.
    keep_above, keep_below
        Coefficients of decay, 0 to ``2^fraction``.
    """

    edge: int
    keep_above: int
    keep_below: int
    fraction: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require(1 <= self.fraction <= 28, f"{self.name}.fraction", self.fraction, "1 to 28 bits")
        for name in ("keep_above", "keep_below"):
            value, top = getattr(self, name), 1 << self.fraction
            require(0 <= value <= top, f"{self.name}.{name}", value, f"0 to {top}")

    @property
    def numbers(self) -> Mapping[str, Ints]:
        """Conductance and reversal."""
        return {"g_max": self.g_max, "reversal": self.reversal}

    def advance(self, u: Ints, x: Ints) -> tuple[Ints, Ints]:
        """``x`` after a step, and the conductance that it left open before."""
        above = u > self.edge
        opened = np.where(above, self._open(x), 0)
        kept = np.where(above, x * self.keep_above, (self.word.high - x) * self.keep_below)
        kept = shift_right(kept, self.fraction, Rounding.NEAREST)
        return np.where(above, kept, self.word.high - kept), opened
