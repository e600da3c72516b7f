"""The logic of a cell's step: the interface that the unit core wraps.

A cell of ``golden`` finds its logic by type: :func:`cell_logic` is a single-dispatch function,
and each module of ``hdl`` that realises a cell registers itself there, with
``@cell_logic.register(ThatCell)`` above the class of its logic.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Protocol

import numpy as np
from amaranth.hdl import Fragment, Shape, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..golden.cell import Cell, Word
from ..golden.fixed import Ints

__all__ = [
    "CellLogic",
    "cell_logic",
    "cell_ports",
    "clocks_of",
    "layout_of",
    "numbers_layout",
    "state_layout",
    "totals_layout",
    "word_shape",
]


class CellLogic(Protocol):
    """A :class:`~amaranth.lib.wiring.Component` with the members of :func:`cell_ports`.

    ``clocks`` is how many clocks after its inputs stand still ``after`` and ``spike`` are
    right: 0 for plain combinational logic. The core holds the inputs for that long, so
    pipeline registers need no enable and no reset.
    """

    clocks: int
    state: data.View[data.StructLayout]
    numbers: data.View[data.StructLayout]
    totals: data.View[data.StructLayout]
    after: data.View[data.StructLayout]


@singledispatch
def cell_logic(cell: Cell) -> wiring.Component:
    """Logic of ``cell``'s step, see :class:`CellLogic`."""
    raise NotImplementedError(f"no logic for {type(cell).__name__}")


def clocks_of(cell: Cell) -> int:
    """Clocks that the logic of ``cell`` takes."""
    logic = cell_logic(cell)
    # Amaranth warns of a component that nobody elaborates; this one serves the question alone.
    Fragment.get(logic, None)
    return int(logic.clocks)


def word_shape(word: Word) -> Shape:
    """Amaranth's shape of a word."""
    return signed(word.width) if word.signed else unsigned(word.width)


def state_layout(cell: Cell) -> data.StructLayout:
    """Stored state of a neuron, lowest word first."""
    return data.StructLayout({k: word_shape(w) for k, w in cell.words.items()})


def totals_layout(cell: Cell) -> data.StructLayout:
    """Sums of weights of a neuron, one a receptor."""
    return data.StructLayout({k: word_shape(w) for k, w in cell.receptors.items()})


def numbers_layout(cell: Cell) -> data.StructLayout:
    """Parameters of a neuron, each as wide as its widest value."""
    return layout_of(cell.numbers)


def layout_of(numbers: Mapping[str, Ints]) -> data.StructLayout:
    """A field for each of ``numbers``, as wide as its widest value."""
    shapes: dict[str, Shape] = {}
    for name, values in numbers.items():
        low, high = int(np.min(values)), int(np.max(values))
        bits = max((~low).bit_length() if low < 0 else 0, max(high, 0).bit_length(), 1)
        shapes[name] = signed(bits + 1) if low < 0 else unsigned(bits)
    return data.StructLayout(shapes)


def cell_ports(cell: Cell) -> dict[str, wiring.Member]:
    """Members of a cell's logic: ``state``, ``numbers``, ``totals`` in, the others out."""
    return {
        "state": In(state_layout(cell)),
        "numbers": In(numbers_layout(cell)),
        "totals": In(totals_layout(cell)),
        "after": Out(state_layout(cell)),
        "spike": Out(1),
    }
