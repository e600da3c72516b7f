"""A population of neurons in integers, whatever its model: the interface of the core family.

A :class:`Cell` is a specification: words of state, numbers of each neuron, weighted sums that
arrive (one a *receptor*), and one pure :meth:`Cell.step` on int64 arrays. The RTL of a cell
equals it bit for bit. :class:`~lifstone.golden.contract.Contract` states the current-based
neuron; cells state all others: conductances with reversal potentials, gated channels, noise,
the arithmetic of other platforms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import InvalidValue, require
from .fixed import Ints

__all__ = ["Cell", "CellTrace", "State", "Word", "check_words", "run_cell"]

State = Mapping[str, Ints]
"""Word of each name, arrays that end in the neuron axis; leading axes are batches."""

MAX_WORD = 63


@dataclass(frozen=True)
class Word:
    """Shape of a stored or arriving number: ``width`` bits, two's complement if ``signed``."""

    width: int
    signed: bool = True

    def __post_init__(self) -> None:
        require(1 <= self.width <= MAX_WORD, "width", self.width, f"1 to {MAX_WORD} bits")

    @property
    def low(self) -> int:
        """Least value."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Greatest value."""
        return (1 << (self.width - self.signed)) - 1


class Cell(Protocol):
    """A population of ``n`` neurons; frozen, and validated at construction."""

    @property
    def n(self) -> int:
        """Number of neurons."""

    @property
    def words(self) -> Mapping[str, Word]:
        """Stored state in the order in which memory packs it, lowest first; ``hold`` last.

        The first is the one that people look at, the membrane's.
        """

    @property
    def receptors(self) -> Mapping[str, Word]:
        """Sums of weights that a step takes, each with its accumulator's word."""

    @property
    def numbers(self) -> Mapping[str, Ints]:
        """Parameters that the step reads, one integer a neuron, ``(n,)``."""

    def start(self) -> dict[str, Ints]:
        """State before the first step, ``(n,)`` each."""

    def step(self, state: State, totals: State) -> tuple[dict[str, Ints], NDArray[np.bool_]]:
        """State after a step, and who fired; ``totals`` has a sum for every receptor."""


@dataclass(frozen=True, eq=False)
class CellTrace:
    """State after each step and the spikes of that step, ``(steps, ..., n)``."""

    state: dict[str, Ints]
    spikes: NDArray[np.bool_]


def run_cell(cell: Cell, totals: State, steps: int | None = None) -> CellTrace:
    """Step after step from :meth:`Cell.start`.

    Parameters
    ----------
    totals
        By receptor the sums of weights, ``(steps, ..., n)``.
    steps
        Needed only for a cell without receptors.

    Raises
    ------
    InvalidValue
        For a receptor that is missing, or a sum outside its word.
    """
    arrays = {k: np.asarray(v) for k, v in totals.items()}
    for name in cell.receptors:
        require(name in arrays, "totals", sorted(arrays), f"an array for {name}")
    check_words("totals", arrays, cell.receptors)
    lead = next((a.shape[:-1] for a in arrays.values()), (int(steps or 0),))
    state = {k: np.broadcast_to(v, (*lead[1:], cell.n)).copy() for k, v in cell.start().items()}
    out = {k: np.zeros((*lead, cell.n), dtype=np.int64) for k in cell.words}
    spikes = np.zeros((*lead, cell.n), dtype=np.bool_)
    for k in range(lead[0]):
        state, spikes[k] = cell.step(state, {name: a[k] for name, a in arrays.items()})
        for name, row in out.items():
            row[k] = state[name]
    return CellTrace(out, spikes)


def check_words(field: str, values: State, words: Mapping[str, Word]) -> None:
    """Refuse names without a word, and numbers outside theirs.

    Raises
    ------
    InvalidValue
        Naming the first number that is out of range.
    """
    for name, value in values.items():
        require(name in words, f"{field}.{name}", name, ", ".join(words) or "nothing")
        a, word = np.asarray(value), words[name]
        require(np.issubdtype(a.dtype, np.integer), f"{field}.{name}", str(a.dtype), "integers")
        for at in np.argwhere((a < word.low) | (a > word.high)):
            where = ", ".join(str(k) for k in at)
            allowed = f"{word.low} to {word.high}"
            raise InvalidValue(f"{field}.{name}[{where}]", int(a[tuple(at)]), allowed)
