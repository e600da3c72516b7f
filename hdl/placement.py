"""Which memories a network needs, and what each is made of on a device.

Sizes follow from contract and lanes. What becomes of a memory that nobody asked anything for is
what Yosys makes of it: it compares the cost of blocks with that of logic. The rules below are
those of its ``memory_libmap`` for the two families, checked against it shape by shape
(``docs/mapping.md``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from amaranth.hdl import Shape

from ..golden.contract import Contract
from ..golden.errors import require
from ..golden.quantise import NetworkContract
from .aer import delay_depth, event_layout
from .devices import RAM, SPRAM, Device, device_of
from .lane import parameter_bits, state_bits
from .lanes import Lanes, groups_of, lanes_of
from .network import input_sizes, sources_of
from .spram import WORD_BITS
from .weights import Store, Stores, spram_blocks, stores_of

__all__ = ["Memory", "Placed", "Placement", "memories_of", "place", "placed_as"]


@dataclass(frozen=True)
class Memory:
    """A memory of a population.

    Parameters
    ----------
    population, role
        Whose it is; ``weight``, ``state``, ``sum``, ``parameter``, ``delay`` or ``queue``.
    width, depth
        Bits of a word that are not constant, and words.
    fixed
        Whether it is only read.
    """

    population: str
    role: str
    width: int
    depth: int
    fixed: bool = False

    @property
    def bits(self) -> int:
        """Bits in all."""
        return self.width * self.depth


@dataclass(frozen=True)
class Placed:
    """A memory, what it is made of, and how many blocks of that kind it takes."""

    memory: Memory
    store: Store
    blocks: int


@dataclass(frozen=True)
class Placement:
    """The memories of a network on a device."""

    device: Device
    memories: tuple[Placed, ...]

    @property
    def stores(self) -> dict[str, Store]:
        """Store of each population's weights, as generator and build take them.

        ``auto`` where the synthesiser finds the same by itself.
        """
        out = {}
        for placed in self.memories:
            m = placed.memory
            if m.role == "weight":
                same = placed.store is placed_as(m, self.device.family).store
                out[m.population] = Store.AUTO if same else placed.store
        return out

    def blocks(self, store: Store) -> int:
        """Blocks of one kind."""
        return sum(p.blocks for p in self.memories if p.store is store)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        rows = [
            {
                "population": p.memory.population,
                "memory": p.memory.role,
                "words": p.memory.depth,
                "width": p.memory.width,
                "bits": p.memory.bits,
                "store": str(p.store),
                "blocks": p.blocks,
            }
            for p in self.memories
        ]
        return {"device": self.device.name, "memories": rows}


def memories_of(
    contract: NetworkContract, lanes: Lanes = 1, loadable: bool = False
) -> list[Memory]:
    """Every memory of a network; with ``loadable`` weights can be written at run time."""
    out: list[Memory] = []
    sizes = {**input_sizes(contract), **{n: c.n for n, c in contract.populations.items()}}
    fed = {c.pre for c in contract.connections}
    for name, count in lanes_of(contract, lanes).items():
        c = contract.populations[name]
        groups = groups_of(c.n, count)
        rows = sum(sizes[k.pre] for k in contract.into(name))
        if rows:
            stride = 1 << max(1, (c.n - 1).bit_length())
            width = count * c.weight_width if loadable else _varying(contract, name, count)
            out.append(Memory(name, "weight", width, rows * stride // count, not loadable))
        out.append(Memory(name, "state", state_bits(c) * count, groups))
        out.append(Memory(name, "sum", c.acc_width * count, groups))
        if parameter_bits(c):
            out.append(Memory(name, "parameter", parameter_bits(c) * count, groups, True))
        out += [
            Memory(name, "delay", _event_bits(sizes[s.pre]), delay_depth(sizes[s.pre], s.delay) - 1)
            for s in sources_of(contract, name)
            if s.delay
        ]
        if count > 1 and name in fed:
            out.append(Memory(name, "queue", _event_bits(c.n), c.n))
    return out


def _event_bits(n: int) -> int:
    return int(Shape.cast(event_layout(n)).width)


def _varying(contract: NetworkContract, name: str, lanes: int) -> int:
    """Columns of the weight memory that are not the same in all words."""
    c: Contract = contract.populations[name]
    weights = np.concatenate([k.weight for k in contract.into(name)], axis=1)
    padded = c.n != 1 << max(1, (c.n - 1).bit_length())
    total = 0
    for lane in range(lanes):
        words = weights[lane::lanes] & ((1 << c.weight_width) - 1)
        ever = int(np.bitwise_or.reduce(words, axis=None))
        always = 0 if padded else int(np.bitwise_and.reduce(words, axis=None))
        total += (ever & ~always).bit_count()
    return total


_BLOCKS = {
    "ice40": ((256, 16), (512, 8), (1024, 4), (2048, 2)),
    "ecp5": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
}
"""Words and bits of a block's word, by the ways in which a block can be used."""
_BLOCK_COST = {"ice40": 64.0, "ecp5": 128.0}
_CHOICE_COST = 0.55
"""Of choosing a bit among blocks that lie behind each other, for each block but the first."""
_FIXED_COST = 1 / 16
"""Of a bit of a memory that is only read, in lookup tables."""


def placed_as(memory: Memory, family: str, store: Store = Store.AUTO) -> Placed:
    """``memory`` in ``store``; ``auto`` is what Yosys takes for it."""
    blocks = _block_count(memory, family)
    if store is Store.BLOCK:
        return Placed(memory, store, blocks)
    if store is Store.DISTRIBUTED:
        return Placed(memory, store, 0)
    if _logic_cost(memory, family) <= blocks * _BLOCK_COST[family] or not memory.bits:
        return Placed(memory, Store.DISTRIBUTED, 0)
    return Placed(memory, Store.BLOCK, blocks)


def _block_count(memory: Memory, family: str) -> int:
    """Blocks of the way that costs least; columns left over may lie in another way."""
    ways = _BLOCKS[family]

    def cost(columns: int, way: tuple[int, int]) -> tuple[float, int]:
        rows = math.ceil(memory.depth / way[0])
        blocks = math.ceil(columns / way[1]) * rows
        return blocks * _BLOCK_COST[family] + columns * (rows - 1) * _CHOICE_COST, blocks

    found = [cost(memory.width, way) for way in ways]
    for way in ways:
        left = memory.width % way[1]
        if 0 < left < memory.width:
            whole, rest = cost(memory.width - left, way), min(cost(left, w) for w in ways)
            found.append((whole[0] + rest[0], whole[1] + rest[1]))
    return min(found)[1]


def _logic_cost(memory: Memory, family: str) -> float:
    if memory.fixed:
        return memory.bits * _FIXED_COST - 2.0  # as below: a block needs some logic, too
    if family == "ice40":
        return memory.bits - 8.0  # a flip-flop a bit
    cells = math.ceil(memory.width / 4) * math.ceil(memory.depth / 16)
    return 4.0 * cells + 0.25 * memory.width * (math.ceil(memory.depth / 16) - 1)


def place(
    contract: NetworkContract,
    board: str,
    lanes: Lanes = 1,
    asked: Stores = Store.AUTO,
    loadable: bool = False,
    *,
    move: bool = True,
) -> Placement:
    """A place for every memory on the device of ``board``.

    ``asked`` says what weights are made of. Those it leaves open go where Yosys puts them, until
    the block RAM is full: then, with ``move``, the largest go into SPRAM where a device has it.

    Raises
    ------
    InvalidValue
        For an unknown board or population, or a kind of memory that the device lacks.
    """
    device = device_of(board)
    stores = stores_of(contract, asked)
    for name, store in stores.items():
        has = store is not Store.SPRAM or device.available[SPRAM] > 0
        require(has, f"{name}.store", str(store), f"auto, block or distributed on {board}")
    parallel = lanes_of(contract, lanes)
    placed = [
        _in_spram(contract, m, parallel) if _is(m, stores, Store.SPRAM) else
        placed_as(m, device.family, stores[m.population] if m.role == "weight" else Store.AUTO)
        for m in memories_of(contract, parallel, loadable)
    ]  # fmt: skip
    plan = Placement(device, tuple(placed))
    spare = move and device.available[SPRAM] > 0
    return _relieved(contract, plan, parallel, stores) if spare else plan


def _is(memory: Memory, stores: Mapping[str, Store], store: Store) -> bool:
    return memory.role == "weight" and stores[memory.population] is store


def _in_spram(contract: NetworkContract, memory: Memory, lanes: Mapping[str, int]) -> Placed:
    c, count = contract.populations[memory.population], lanes[memory.population]
    rows = sum(contract.size(k.pre) for k in contract.into(memory.population))
    whole = replace(memory, width=c.weight_width * count, fixed=False)
    return Placed(whole, Store.SPRAM, spram_blocks(c, rows, count))


def _relieved(
    contract: NetworkContract,
    plan: Placement,
    lanes: Mapping[str, int],
    stores: Mapping[str, Store],
) -> Placement:
    """``plan`` with weights moved to SPRAM, the largest first, until the block RAM holds the rest.

    What fits nowhere stays where it is.
    """
    placed = list(plan.memories)
    order = sorted(range(len(placed)), key=lambda k: -placed[k].blocks)
    for k in order:
        now = replace(plan, memories=tuple(placed))
        if now.blocks(Store.BLOCK) <= plan.device.available[RAM]:
            break
        m = placed[k].memory
        narrow = contract.populations[m.population].weight_width <= WORD_BITS
        if not narrow or not _is(m, stores, Store.AUTO) or placed[k].store is not Store.BLOCK:
            continue
        moved = _in_spram(contract, m, lanes)
        if now.blocks(Store.SPRAM) + moved.blocks <= plan.device.available[SPRAM]:
            placed[k] = moved
    return replace(plan, memories=tuple(placed))
