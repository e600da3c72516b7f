r"""A cell with a light-gated channel in integers: occupancies follow one matrix a light level.

The channel does not feel the potential. With ``p`` the occupancies, words of ``width`` bits
behind the point, and for the level of this step the coefficients ``open`` (of the middle of
the step) and ``hop`` (of the whole step), both with ``fraction`` bits::

    a    = round(sum_i open[i] p[i] / 2^width)
    p'_j = round(sum_i hop[j, i] p[i] / 2^fraction)    for every state but the last
    p'_m = one - sum of the others                     none is lost to rounding

clipped to what a word holds; then the step of :mod:`.membrane` under ``a``. The level is the
sum of weights at the receptor ``light``, and the last level beyond.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cell import State, Word
from ..errors import InvalidValue, require
from ..fixed import Ints, Rounding, shift_right
from .membrane import Membrane, membrane_step

__all__ = ["PhotoCell"]

LIGHT = "light"


@dataclass(frozen=True, eq=False)
class PhotoCell:
    """Membranes with a photocycle of ``m`` states.

    Parameters
    ----------
    membrane
        The membranes.
    width, fraction
        Bits of an occupancy and of a coefficient behind the point, 4 to 24.
    hop
        Transitions of a step, int64 ``(levels, m, m)``, columns from, 0 to ``2^fraction``.
    opened
        Conductance of each state, int64 ``(levels, m)``, as the membrane's, 0 or more.
    dark
        First occupancies, int64 ``(m,)``; they add up to the largest word.
    reversal
        In units of ``u``, int64 ``(n,)``.

    Raises
    ------
    InvalidValue
        Naming the field, its value and what is allowed.
    """

    membrane: Membrane
    width: int
    fraction: int
    hop: Ints
    opened: Ints
    dark: Ints
    reversal: Ints

    def __post_init__(self) -> None:
        for name in ("width", "fraction"):
            require(4 <= getattr(self, name) <= 24, name, getattr(self, name), "4 to 24 bits")
        m, levels = self.dark.size, self.hop.shape[0]
        require(m >= 2, "dark", m, "two states or more")
        require(2 <= levels <= 16, "hop", levels, "2 to 16 levels")
        require(self.hop.shape == (levels, m, m), "hop", list(self.hop.shape), "(levels, m, m)")
        require(self.opened.shape == (levels, m), "opened", list(self.opened.shape), "(levels, m)")
        ranges = {"hop": 1 << self.fraction, "opened": (1 << 28) - 1, "dark": self.one}
        for name, most in ranges.items():
            a = getattr(self, name)
            for value in a[(a < 0) | (a > most)]:
                raise InvalidValue(name, int(value), f"0 to {most}")
        total = int(self.dark.sum())
        require(total == self.one, "dark", total, f"a sum of {self.one}")
        shape = self.reversal.shape
        require(shape == (self.n,), "reversal", list(shape), f"{self.n} values")
        for j in np.flatnonzero(np.abs(self.reversal) >= 1 << 30):
            raise InvalidValue(f"reversal[{j}]", int(self.reversal[j]), "below 2^30")
        # What is left of the drive meets the share, 17 bits, and both must fit 62.
        reach = max(self.membrane.width, int(np.abs(self.reversal).max()).bit_length())
        most = min(60 - reach, 38 - reach + self.membrane.fraction)
        require(self.load_bits <= most, "opened", int(self.opened.max()), f"{most} bits together")

    @property
    def one(self) -> int:
        """All channels: the largest word."""
        return (1 << self.width) - 1

    @property
    def load_bits(self) -> int:
        """Bits of the largest conductance."""
        return max(1, int(self.opened.sum(axis=1).max()).bit_length())

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.membrane.n

    @property
    def occupancies(self) -> list[str]:
        """Names of the occupancies' words."""
        return [f"p{k}" for k in range(self.dark.size)]

    @property
    def words(self) -> Mapping[str, Word]:
        """``u``, ``p0`` and so on, ``hold`` if refractory."""
        out = {"u": self.membrane.word, **{p: Word(self.width, False) for p in self.occupancies}}
        last = self.membrane.hold_word
        return {**out, **({"hold": last} if last else {})}

    @property
    def receptors(self) -> Mapping[str, Word]:
        """``light``, unsigned, wide enough for all levels."""
        return {LIGHT: Word((self.hop.shape[0] - 1).bit_length(), False)}

    @property
    def numbers(self) -> Mapping[str, Ints]:
        """Those of the membrane, and the reversal."""
        return {**self.membrane.numbers, "reversal": self.reversal}

    def start(self) -> dict[str, Ints]:
        """At rest in the dark."""
        first = self.membrane.start()
        dark = {p: np.full(self.n, v) for p, v in zip(self.occupancies, self.dark, strict=True)}
        known = {**first, **dark}
        return {name: known[name].astype(np.int64) for name in self.words}

    def step(self, state: State, totals: State) -> tuple[dict[str, Ints], NDArray[np.bool_]]:
        """State after a step, and who fired; see the module."""
        level = np.minimum(totals[LIGHT], self.hop.shape[0] - 1)
        p = [state[name] for name in self.occupancies]
        loads = sum(self.opened[level, i] * p[i] for i in range(len(p)))
        a = shift_right(np.asarray(loads), self.width, Rounding.NEAREST)
        new: dict[str, Ints] = {}
        left = np.full_like(p[0], self.one)
        for j, name in enumerate(self.occupancies[:-1]):
            to_j = sum(self.hop[level, j, i] * p[i] for i in range(len(p)))
            moved = shift_right(np.asarray(to_j), self.fraction, Rounding.NEAREST)
            new[name] = np.minimum(moved, self.one)
            left = left - new[name]
        new[self.occupancies[-1]] = np.maximum(left, 0)
        after, spikes = membrane_step(
            self.membrane, state["u"], state.get("hold"), [(a, self.reversal)]
        )
        new |= after
        return {name: new[name] for name in self.words}, spikes
