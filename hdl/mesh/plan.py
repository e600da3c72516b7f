"""Which neurons live on which tile of a mesh, and who sends to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

import numpy as np

from ...golden.contract import Contract, Decay
from ...golden.errors import require
from ...golden.network_contract import IntConnection, NetworkContract
from .route import Position

__all__ = ["MeshPlan", "Part", "plan_mesh", "split_contract"]

IO: Position = (0, 0)
"""The tile at which inputs come in and outputs leave."""
MOST = 64


@dataclass(frozen=True)
class Part:
    """Neurons ``first`` to ``first + n - 1`` of ``population``, on ``tile``."""

    population: str
    first: int
    n: int
    tile: Position


@dataclass(frozen=True, eq=False)
class MeshPlan:
    """A network over the tiles of a mesh.

    Parameters
    ----------
    contract
        The network as it was.
    split
        The same network, each part a population of its own.
    columns, rows
        Tiles.
    parts
        By name in ``split``.
    """

    contract: NetworkContract
    split: NetworkContract
    columns: int
    rows: int
    parts: Mapping[str, Part]

    def parts_of(self, population: str) -> list[str]:
        """Names of the parts of a population, in the order of its neurons."""
        return [name for name, p in self.parts.items() if p.population == population]


def plan_mesh(
    contract: NetworkContract, columns: int, rows: int, largest: int | None = None
) -> MeshPlan:
    """Cut populations that are too large for a tile, and deal the parts to the tiles.

    Parts go to the tiles in the order in which a step evaluates them, to the tile that has the
    fewest neurons so far; of several such to the first, row by row.

    Parameters
    ----------
    largest
        Neurons that a part may have; by default an equal share of all neurons for each tile.

    Raises
    ------
    InvalidValue
        For a mesh without tiles or with more than 64 a side, or a part without neurons.
    """
    for field, count in (("columns", columns), ("rows", rows)):
        require(1 <= count <= MOST, f"mesh.{field}", count, f"1 to {MOST}")
    total = sum(c.n for c in contract.populations.values())
    share = -(-total // (columns * rows)) if largest is None else largest
    require(share >= 1, "mesh.largest", share, "at least 1 neuron")
    split, cuts = split_contract(contract, share)
    tiles = [(x, y) for y in range(rows) for x in range(columns)]
    filled = dict.fromkeys(tiles, 0)
    parts = {}
    for name in split.order:
        tile = min(tiles, key=lambda t: filled[t])
        filled[tile] += split.populations[name].n
        population, first = cuts[name]
        parts[name] = Part(population, first, split.populations[name].n, tile)
    ordered = {name: parts[name] for name in split.populations}
    return MeshPlan(contract, split, columns, rows, ordered)


def split_contract(
    contract: NetworkContract, largest: int
) -> tuple[NetworkContract, dict[str, tuple[str, int]]]:
    """The same neurons in populations of at most ``largest``.

    A step of a neuron does not depend on its neighbours, so that both compute the same numbers.

    Returns
    -------
    The contract, and by name of a part its population and its first neuron.
    """
    taken = {*contract.inputs, *contract.populations}
    cuts: dict[str, tuple[str, int]] = {}
    pieces: dict[str, list[tuple[str, slice]]] = {name: [(name, slice(None))] for name in taken}
    for name, c in contract.populations.items():
        if c.n <= largest:
            cuts[name] = (name, 0)
            continue
        count = -(-c.n // largest)
        edges = [k * c.n // count for k in range(count + 1)]
        pieces[name] = []
        for k, (first, end) in enumerate(pairwise(edges)):
            part = f"{name}.{k}"
            while part in taken:
                part += "_"
            taken.add(part)
            cuts[part] = (name, first)
            pieces[name].append((part, slice(first, end)))
    populations = {
        part: _sliced(c, where)
        for name, c in contract.populations.items()
        for part, where in pieces[name]
    }
    connections = tuple(
        IntConnection(pre, post, np.ascontiguousarray(c.weight[rows, columns]), c.delay)
        for c in contract.connections
        for post, rows in pieces[c.post]
        for pre, columns in pieces[c.pre]
    )
    outputs = tuple(part for name in contract.outputs for part, _ in pieces[name])
    return NetworkContract(contract.inputs, populations, connections, outputs), cuts


def _sliced(c: Contract, where: slice) -> Contract:
    """Some neurons of a population."""
    values = {f.name: getattr(c, f.name) for f in fields(c)}
    cut: dict[str, Any] = {"n": len(c.u_init[where])}
    for name, value in values.items():
        if isinstance(value, np.ndarray):
            cut[name] = value[where]
        elif isinstance(value, Decay) and value.coefficient is not None:
            cut[name] = replace(value, coefficient=value.coefficient[where])
    return replace(c, **cut)
