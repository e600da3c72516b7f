"""The logic of a cell that looks at every event: the interface that the event unit wraps."""

from __future__ import annotations

from functools import singledispatch
from typing import cast

from amaranth.hdl import Shape, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...golden.cell import Cell
from ...golden.platforms.events import EventCell
from ..cell import numbers_layout, state_layout, word_shape

__all__ = ["as_stored", "count_shape", "event_logic", "event_ports"]


@singledispatch
def event_logic(cell: EventCell) -> wiring.Component:
    """Logic of ``cell``, combinational, with the members of :func:`event_ports`."""
    raise NotImplementedError(f"no logic for {type(cell).__name__}")


def as_stored(cell: EventCell) -> Cell:
    """``cell`` for what only asks for words, numbers and start, which both kinds have."""
    return cast(Cell, cell)


def count_shape(cell: EventCell) -> Shape:
    """How often a neuron may fire in a step."""
    fired = cell.words.get("fired")
    return unsigned(1) if fired is None else word_shape(fired)


def _stored(cell: EventCell) -> data.StructLayout:
    return state_layout(as_stored(cell))


def event_ports(cell: EventCell) -> dict[str, wiring.Member]:
    """Members of an event cell's logic.

    With ``tick`` the step ends, and ``count`` says how often the neuron fired in it; without,
    ``weight`` arrives.
    """
    return {
        "state": In(_stored(cell)),
        "numbers": In(numbers_layout(as_stored(cell))),
        "weight": In(word_shape(cell.weight)),
        "tick": In(1),
        "after": Out(_stored(cell)),
        "count": Out(count_shape(cell)),
    }
