"""Where the weights of a population lie, and how they are written at run time.

A population's weights have addresses that do not depend on lanes or on the kind of memory:
``row * 2**ceil(log2 n) + neuron``, the place in :func:`~.core.pack_weights`; rows count through
the sources of the population as its manifest lists them. A *load* is one weight: population by
its index in the contract, address, and two's complement. Loads are a stream: each waits, valid
and unchanged, until it is ready. A memory with a port of its own for writing takes a load at
once; SPRAM takes it in a clock in which the core reads no weight. A spike adds the weights that
lie in the memory at that time, so that whoever loads between two steps sees both steps exact.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, Value, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..golden.contract import Contract
from ..golden.errors import InvalidValue, require
from ..golden.fixed import Ints
from ..golden.quantise import NetworkContract
from .fixed import named
from .spram import BLOCKS, WORD_BITS, WORDS, spram_block

__all__ = [
    "Store",
    "Stores",
    "WeightMemory",
    "address_bits",
    "check_blocks",
    "load_fields",
    "load_stream",
    "loads",
    "spram_blocks",
    "stores_of",
    "weight_load_stream",
    "weight_port",
]


class Store(StrEnum):
    """What a weight memory is made of."""

    AUTO = "auto"
    """what the synthesiser takes for it"""
    BLOCK = "block"
    """block RAM"""
    DISTRIBUTED = "distributed"
    """lookup tables"""
    SPRAM = "spram"
    """single-port RAM of the iCE40 UltraPlus; empty after configuration, so always loaded"""


Stores = Store | str | Mapping[str, Store | str]
"""Store of every population's weights, or of each by name; ``auto`` for those not named."""


def stores_of(contract: NetworkContract, stores: Stores) -> dict[str, Store]:
    """Store of each population's weights.

    Raises
    ------
    InvalidValue
        For an unknown population or store.
    """
    every: dict[str, Store] = dict.fromkeys(contract.populations, Store.AUTO)
    given = dict(stores) if isinstance(stores, Mapping) else dict.fromkeys(every, stores)
    for name, store in given.items():
        require(name in every, "stores", name, f"populations {', '.join(every)}")
        require(store in list(Store), f"{name}.store", store, ", ".join(Store))
    return every | {name: Store(store) for name, store in given.items()}


def weight_load_stream(address_bits: int, weight_width: int) -> stream.Signature:
    """Loads of one population: ``address`` and ``data``."""
    layout = {"address": unsigned(address_bits), "data": unsigned(weight_width)}
    return stream.Signature(data.StructLayout(layout))


def load_fields(contract: NetworkContract) -> dict[str, Shape]:
    """A load of a network: ``population``, ``address`` and ``data``.

    A weight narrower than the widest takes the low bits of ``data``; a load for a population
    that cannot be loaded is taken and ignored.
    """
    count = len(contract.populations)
    return {
        "population": unsigned(max(1, (count - 1).bit_length())),
        "address": unsigned(
            max(address_bits(c.n, _rows(contract, k)) for k, c in contract.populations.items())
        ),
        "data": unsigned(max(c.weight_width for c in contract.populations.values())),
    }


def load_stream(contract: NetworkContract) -> stream.Signature:
    """Loads of a network; see :func:`load_fields`."""
    return stream.Signature(data.StructLayout(load_fields(contract)))


def _rows(contract: NetworkContract, name: str) -> int:
    return sum(contract.size(c.pre) for c in contract.connections if c.post == name)


def _index_bits(n: int) -> int:
    """Bits of a neuron's index in a weight's address."""
    return max(1, (n - 1).bit_length())


def address_bits(n: int, rows: int) -> int:
    """Bits of the address of a weight of ``n`` neurons with ``rows`` lines before them."""
    return _index_bits(n) + max(1, (rows - 1).bit_length())


def loads(contract: NetworkContract, populations: Collection[str] | None = None) -> Ints:
    """Every weight as a load, ``(weights, 3)``: population, address, value with its sign.

    In the order of the contract's populations, or of those named, by ascending address.
    """
    out = [np.zeros((0, 3), dtype=np.int64)]
    for index, (name, c) in enumerate(contract.populations.items()):
        matrices = [k.weight for k in contract.connections if k.post == name]
        if (populations is not None and name not in populations) or not matrices:
            continue
        weights = np.concatenate(matrices, axis=1).T
        row, neuron = np.indices(weights.shape)
        address = (row << _index_bits(c.n)) | neuron
        which = np.full_like(address, index)
        out.append(np.stack([which, address, weights], axis=-1).reshape(-1, 3))
    return np.concatenate(out)


def _slot_bits(width: int) -> int:
    """Bits that a weight takes in a word of SPRAM, whose writes are by four bits."""
    return next(b for b in (4, 8, WORD_BITS) if width <= b)


def spram_blocks(contract: Contract, rows: int, lanes: int) -> int:
    """Blocks of SPRAM for ``rows`` rows of weights read by ``lanes`` at once.

    Raises
    ------
    InvalidValue
        For weights wider than a word.
    """
    width = contract.weight_width
    require(width <= WORD_BITS, "weight_width", width, f"at most {WORD_BITS} for SPRAM")
    in_word = WORD_BITS // _slot_bits(width)
    at_once = max(lanes, in_word)
    words = -(-(rows << _index_bits(contract.n)) // at_once)
    return (at_once // in_word) * -(-words // WORDS)


class WeightMemory(wiring.Component):
    """Weights that can be written, in block RAM or SPRAM.

    Parameters
    ----------
    width
        Bits of a weight.
    lanes
        Weights of a word that is read, a power of two; the first lies lowest.
    words
        The words; SPRAM begins without them.
    store
        Kind of memory.

    Members
    -------
    addr : In
        Of a word.
    en : In(1)
        Read in this clock.
    data : Out(width * lanes)
        What was read in the clock before, if one was.
    load : In(weight_load_stream)
        Loads by address of a weight.
    """

    def __init__(self, width: int, lanes: int, words: Sequence[int], store: Store) -> None:
        self.width, self.lanes, self.words, self.store = width, lanes, list(words), store
        bits = max(1, (len(words) - 1).bit_length())
        self._lane_bits = lanes.bit_length() - 1
        super().__init__(
            {
                "addr": In(unsigned(bits)),
                "en": In(1),
                "data": Out(unsigned(width * lanes)),
                "load": In(weight_load_stream(bits + self._lane_bits, width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self.store is Store.SPRAM:
            self._spram(m)
        else:
            self._two_ports(m)
        return m

    def _two_ports(self, m: Module) -> None:
        """A memory with a port for each: a load never waits."""
        m.submodules.words = words = plain_memory(self.width, self.lanes, self.words, self.store)
        read = words.read_port()
        write = words.write_port(granularity=self.width if self.lanes > 1 else None)
        where = self.load.payload.address
        m.d.comb += [
            read.addr.eq(self.addr),
            read.en.eq(self.en),
            self.data.eq(read.data),
            self.load.ready.eq(1),
            write.addr.eq(where[self._lane_bits :]),
            write.data.eq(self.load.payload.data.replicate(self.lanes)),
            write.en.eq(self.load.valid << where[: self._lane_bits]),
        ]

    def _spram(self, m: Module) -> None:
        """Columns of blocks side by side where a word is too wide, stacks where it is too deep."""
        slot = _slot_bits(self.width)
        slots = WORD_BITS // slot
        slot_bits = slots.bit_length() - 1
        columns = max(1, self.lanes // slots)
        # Where a word of the block holds several of ours, these lie in its slots in turn.
        fold_bits = max(0, slot_bits - self._lane_bits)
        stacks = -(-len(self.words) // (WORDS << fold_bits))
        asked = self.addr >> fold_bits
        # Zeros above, so that even a tiny memory has every field of an address.
        where = Cat(self.load.payload.address, Const(0, slot_bits))
        above = max(slot_bits, self._lane_bits)
        place = named(m, "place", Mux(self.en, asked, where >> above))
        column = where[slot_bits:above]
        write = named(m, "write", self.load.valid & ~self.en)
        m.d.comb += self.load.ready.eq(~self.en)
        nibbles = slot // 4
        masks = [((1 << nibbles) - 1) << (k * nibbles) for k in range(slots)]
        mask = named(m, "slot_mask", Array(Const(v, 4) for v in masks)[where[:slot_bits]])
        into = Signal(slot, name="into")
        m.d.comb += into.eq(self.load.payload.data)
        answers = []
        for stack in range(stacks):
            here: Value = Mux(stacks > 1, place[14:] == stack, 1)
            out = []
            for k in range(columns):
                chosen = write & (column == k) if columns > 1 else write
                block = spram_block(
                    m,
                    f"block_{stack}_{k}",
                    place[:14],
                    select=here & (self.en | chosen),
                    write=write,
                    mask=mask,
                    into=into.replicate(slots),
                )
                out.append(block)
            answers.append(Cat(out))
        word = self._late(m, "stack", place[14:], answers)
        width = slot * min(slots, self.lanes)
        parts = [word[k * width : (k + 1) * width] for k in range(1 << fold_bits)]
        if fold_bits:
            word = self._late(m, "fold", self.addr[:fold_bits], parts)
        lanes = [word[k * slot : k * slot + self.width] for k in range(self.lanes)]
        m.d.comb += self.data.eq(Cat(lanes))

    def _late(self, m: Module, name: str, choice: Value, values: Sequence[Value]) -> Value:
        """That of ``values`` which the clock before chose."""
        if len(values) == 1:
            return values[0]
        chosen = Signal(range(len(values)), name=f"{name}_read", reset_less=True)
        m.d.sync += chosen.eq(choice)
        return named(m, f"{name}_word", Array(values)[chosen])


class Loaded(Protocol):
    """A core whose weights may lie in a memory that can be written."""

    store: Store
    loadable: bool
    load: Any


def weight_port(m: Module, core: Loaded, width: int, lanes: int, words: Sequence[int]) -> Any:
    """The weight memory of a core, joined to its loads: ``addr``, ``en`` and ``data``."""
    if not core.loadable:
        m.submodules.weight_memory = plain = plain_memory(width, lanes, words, core.store)
        weight_read = plain.read_port()
        return weight_read  # noqa: RET504, its signals take that name
    m.submodules.weight_memory = weights = WeightMemory(width, lanes, words, core.store)
    m.d.comb += [
        weights.load.valid.eq(core.load.valid),
        weights.load.payload.address.eq(core.load.payload.address),
        weights.load.payload.data.eq(core.load.payload.data),
        core.load.ready.eq(weights.load.ready),
    ]
    return weights


_STYLES = {Store.BLOCK: "block", Store.DISTRIBUTED: "distributed"}


def plain_memory(width: int, lanes: int, words: Sequence[int], store: Store) -> memory.Memory:
    """A memory of words of one weight a lane, that the synthesiser places as ``store`` asks."""
    attrs = {"ram_style": _STYLES[store]} if store in _STYLES else None
    return memory.Memory(shape=unsigned(width * lanes), depth=len(words), init=words, attrs=attrs)


def check_blocks(contract: NetworkContract, lanes: Mapping[str, int], stores: Stores) -> int:
    """Blocks of SPRAM that a network takes.

    Raises
    ------
    InvalidValue
        If there are more than a device has.
    """
    chosen = stores_of(contract, stores)
    each = {
        name: spram_blocks(contract.populations[name], _rows(contract, name), lanes[name])
        for name, store in chosen.items()
        if store is Store.SPRAM
    }
    total = sum(each.values())
    if total > BLOCKS:
        needs = ", ".join(f"{name} {count}" for name, count in each.items())
        raise InvalidValue("stores.spram", f"{total} blocks ({needs})", f"at most {BLOCKS} blocks")
    return total
