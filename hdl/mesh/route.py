"""The way of an event through the mesh, and why no ring of waiting events can form.

Dimension order: first along x, then along y. A channel is the buffer behind a link; an event in
it waits for the next channel of its way. Where these waits form no ring, the event at the end of
a chain of waits can always go on, so that no deadlock exists (Dally & Seitz, "Deadlock-free
message routing in multiprocessor interconnection networks", IEEE Trans. Computers C-36(5), 1987).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from graphlib import CycleError, TopologicalSorter

__all__ = [
    "Channel",
    "Direction",
    "Position",
    "dependencies",
    "neighbour",
    "ring_of",
    "route",
    "turns",
    "way",
]

Position = tuple[int, int]
"""Column and row."""


class Direction(IntEnum):
    """Where an event leaves a router; ``LOCAL`` is its own tile."""

    LOCAL = 0
    EAST = 1
    WEST = 2
    NORTH = 3
    SOUTH = 4


STEP = {
    Direction.EAST: (1, 0),
    Direction.WEST: (-1, 0),
    Direction.NORTH: (0, -1),
    Direction.SOUTH: (0, 1),
}
Channel = tuple[Position, Direction]
"""The buffer behind the link that leaves a router in a direction; ``LOCAL``: the tile's queue."""
Route = Callable[[Position, Position], Direction]


def route(here: Position, there: Position) -> Direction:
    """Where an event for ``there`` leaves the router at ``here``."""
    if there[0] != here[0]:
        return Direction.EAST if there[0] > here[0] else Direction.WEST
    if there[1] != here[1]:
        return Direction.SOUTH if there[1] > here[1] else Direction.NORTH
    return Direction.LOCAL


def turns(into: Direction) -> tuple[Direction, ...]:
    """Where an event may leave that came moving in direction ``into``, or from the own tile."""
    if into is Direction.LOCAL:
        return tuple(Direction)
    if into in (Direction.EAST, Direction.WEST):
        return (Direction.LOCAL, into, Direction.NORTH, Direction.SOUTH)
    return (Direction.LOCAL, into)


def neighbour(here: Position, direction: Direction) -> Position:
    """The tile that lies in a direction."""
    dx, dy = STEP[direction]
    return here[0] + dx, here[1] + dy


def way(here: Position, there: Position, step: Route = route) -> Iterator[Channel]:
    """The channels of an event from tile to tile, the queue of the last tile included."""
    while True:
        direction = step(here, there)
        yield here, direction
        if direction is Direction.LOCAL:
            return
        here = neighbour(here, direction)


def dependencies(
    columns: int, rows: int, step: Route = route
) -> Mapping[Channel, frozenset[Channel]]:
    """For each channel those for which an event in it may wait, from the ways of all pairs."""
    tiles = list(itertools.product(range(columns), range(rows)))
    waits: dict[Channel, set[Channel]] = defaultdict(set)
    for source, sink in itertools.product(tiles, tiles):
        for held, wanted in itertools.pairwise(way(source, sink, step)):
            waits[held].add(wanted)
    return {channel: frozenset(w) for channel, w in waits.items()}


def ring_of(waits: Mapping[Channel, frozenset[Channel]]) -> list[Channel]:
    """A ring of channels that wait for each other; empty if there is none."""
    try:
        list(TopologicalSorter(waits).static_order())
    except CycleError as error:
        return list(error.args[1])
    return []
