"""Weights from the flash of the board into SPRAM, before the network takes its first event.

The image lies in the flash behind the bitstream, at :data:`OFFSET`: four bytes :data:`MAGIC`;
the weights of each population in SPRAM, in the order of the contract, line by line and neuron by
neuron, one byte each up to eight bits, else two with the low one first; CRC-16/IBM-3740 of all
that, high byte first. An image that is not right is read again until it is.

The flash is asked as every SPI flash understands (JEDEC JESD216): AB wakes it, 03 and three bytes
of address read on and on; mode 0.
"""

from __future__ import annotations

import binascii
from collections.abc import Collection, Sequence
from enum import Enum

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out

from ..golden.errors import require
from ..golden.quantise import NetworkContract
from .fixed import named
from .lanes import Lanes
from .network import NetworkTop, sources_of
from .weights import Store, Stores, address_bits, load_stream, loads

__all__ = ["MAGIC", "OFFSET", "BootedNetwork", "FlashLoader", "flash_image", "with_image"]

MAGIC = b"LIFW"
OFFSET = 1 << 17
"""Where the image begins; a bitstream of an UP5K ends before it."""
FASTEST = 12e6
"""The SPI clock stays below this, hertz; each flash reads at that."""
WAKE = 50e-6
"""Seconds that a flash takes to wake up, at most."""


def _weight_bytes(width: int) -> int:
    return 1 if width <= 8 else 2


def flash_image(contract: NetworkContract, populations: Collection[str]) -> bytes:
    """The image with the weights of ``populations``."""
    body = bytearray(MAGIC)
    for name, c in contract.populations.items():
        if name in populations:
            size = _weight_bytes(c.weight_width)
            kind = "<i1" if size == 1 else "<i2"
            body += loads(contract, [name])[:, 2].astype(kind).tobytes()
    return bytes(body) + binascii.crc_hqx(body, 0xFFFF).to_bytes(2, "big")


def with_image(bitstream: bytes, image: bytes) -> bytes:
    """What is written to the flash: the bitstream, and the image where the design looks for it.

    Raises
    ------
    InvalidValue
        For a bitstream that reaches into the image.
    """
    require(len(bitstream) <= OFFSET, "bitstream", len(bitstream), f"at most {OFFSET:,} bytes")
    return bitstream.ljust(OFFSET, b"\xff") + image


class Phase(Enum):
    """What the loader is doing."""

    WAKE = 0
    """send AB"""
    REST = 1
    """wait until the flash is awake"""
    ASK = 2
    """send 03 and the address"""
    HEAD = 3
    """the first bytes of the image"""
    WEIGHTS = 4
    CHECK = 5
    """two bytes of CRC"""
    DONE = 6


class FlashLoader(wiring.Component):
    """Reads the image and offers its weights as loads.

    Parameters
    ----------
    contract, populations
        As for :func:`flash_image`; at least one population.
    clock
        Frequency that it runs at, hertz.

    Members
    -------
    cs, sck, copi : Out(1)
        To the flash; ``cs`` is high where the flash is chosen.
    cipo : In(1)
    load : Out(load_stream(contract))
    done : Out(1)
        The weights are in their place.
    bad : Out(1)
        An image was wrong, and is being read again.
    """

    def __init__(
        self, contract: NetworkContract, populations: Collection[str], clock: float
    ) -> None:
        names = [name for name in contract.populations if name in populations]
        require(len(names) > 0, "populations", list(populations), "at least one to load")
        self.contract, self.names = contract, names
        self.half = max(1, -int(-clock // (2 * FASTEST)))
        self.rest = max(2, int(clock * WAKE))
        super().__init__(
            {
                "cs": Out(1),
                "sck": Out(1),
                "copi": Out(1),
                "cipo": In(1),
                "load": Out(load_stream(contract)),
                "done": Out(1),
                "bad": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._phase = Signal(Phase, name="phase")
        self._step = Signal(range(max(self.rest, 4)), name="step")
        self._following = Signal.like(self._step, name="following_step")
        m.d.comb += self._following.eq(self._step + 1)
        self._flaw = Signal(name="flaw")
        self._engine(m)
        m.submodules.check = check = catalog.CRC16_IBM_3740(8).create()
        m.d.comb += [
            check.start.eq(self._phase == Phase.ASK),
            check.data.eq(self._byte),
            check.valid.eq(self._over & ~check.start),
        ]
        self._place(m)
        step = self._step
        awake = named(m, "awake", step == self.rest - 1)
        fourth = named(m, "fourth", step == 3)
        checking = named(m, "checking", step < 2)
        good = named(m, "good", check.match_detected & ~self._flaw)
        asked = Const(0x03000000 | OFFSET, 32)
        words = Array(asked[24 - 8 * k : 32 - 8 * k] for k in range(4))
        question = named(m, "question", words[step[:2]])
        magic = named(m, "magic", Array(Const(byte, 8) for byte in MAGIC)[step[:2]])
        parts = self._loads(m)
        with m.Switch(self._phase):
            with m.Case(Phase.WAKE):
                m.d.comb += [self.cs.eq(1), self._wanted.eq(1), self._out.eq(0xAB)]
                m.d.sync += self._flaw.eq(0)
                with m.If(self._over):
                    self._go(m, Phase.REST)
            with m.Case(Phase.REST):
                self._count(m, awake, Phase.ASK)
            with m.Case(Phase.ASK):
                m.d.comb += [self.cs.eq(1), self._wanted.eq(1), self._out.eq(question)]
                with m.If(self._over):
                    self._count(m, fourth, Phase.HEAD)
            with m.Case(Phase.HEAD):
                m.d.comb += [self.cs.eq(1), self._wanted.eq(1)]
                with m.If(self._over):
                    with m.If(self._byte != magic):
                        m.d.sync += self._flaw.eq(1)
                    self._count(m, fourth, Phase.WEIGHTS)
            with m.Case(Phase.WEIGHTS):
                self._weights(m, parts)
            with m.Case(Phase.CHECK):
                m.d.comb += self.cs.eq(1)
                with m.If(checking):
                    m.d.comb += self._wanted.eq(1)
                    with m.If(self._over):
                        m.d.sync += self._step.eq(self._following)
                with m.Else():
                    self._judge(m, good)
            with m.Case(Phase.DONE):
                m.d.comb += self.done.eq(1)
        return m

    def _go(self, m: Module, phase: Phase) -> None:
        m.d.sync += [self._phase.eq(phase), self._step.eq(0)]

    def _count(self, m: Module, last: Value, following: Phase) -> None:
        m.d.sync += self._step.eq(self._following)
        with m.If(last):
            self._go(m, following)

    def _judge(self, m: Module, good: Value) -> None:
        with m.If(good):
            m.d.sync += self.bad.eq(0)
            self._go(m, Phase.DONE)
        with m.Else():
            m.d.sync += self.bad.eq(1)
            self._go(m, Phase.WAKE)

    def _engine(self, m: Module) -> None:
        """A byte each way where one is ``wanted``; ``over`` for a clock when ``byte`` is there."""
        self._wanted = Signal(name="wanted")
        self._out = Signal(8, name="byte_out")
        self._over = Signal(name="over")
        self._byte = shift = Signal(8, name="shifted")
        bits = Signal(range(9), name="bits")
        sampled = Signal(name="sampled")
        turn = Signal(range(self.half), name="turn")
        m.d.sync += self._over.eq(0)
        m.d.comb += self.copi.eq(shift[7])
        begins = named(m, "begins", self._wanted & ~self._over)
        turns = named(m, "turns", turn == self.half - 1)
        with m.If(named(m, "idle", bits == 0)), m.If(begins):
            m.d.sync += [shift.eq(self._out), bits.eq(8)]
        with m.Elif(~turns):
            m.d.sync += turn.eq(turn + 1)
        with m.Else():
            m.d.sync += turn.eq(0)
            with m.If(self.sck):
                m.d.sync += [
                    self.sck.eq(0),
                    shift.eq(Cat(sampled, shift[:7])),
                    bits.eq(bits - 1),
                    self._over.eq(bits == 1),
                ]
            with m.Else():
                m.d.sync += [self.sck.eq(1), sampled.eq(self.cipo)]

    def _place(self, m: Module) -> None:
        """Where the weight goes whose bytes come next."""
        sizes = [self._size(name) for name in self.names]
        self._which = which = Signal(range(len(sizes)), name="which")
        self._neuron = Signal(range(max(n for n, _ in sizes)), name="neuron")
        self._row = Signal(range(max(rows for _, rows in sizes)), name="row")
        order = list(self.contract.populations)

        def pick(name: str, values: Sequence[ValueLike]) -> Signal:
            """The value of the population whose turn it is."""
            cast = [Value.cast(v) for v in values]
            return named(m, name, cast[0] if len(cast) == 1 else Array(cast)[which])

        widths = [self.contract.populations[name].weight_width for name in self.names]
        places = [(self._row << (address_bits(n, 1) - 1)) | self._neuron for n, _ in sizes]
        self._wide = pick("two_bytes", [Const(_weight_bytes(w) == 2, 1) for w in widths])
        top = pick("top_neuron", [n - 1 for n, _ in sizes])
        bottom = pick("bottom_row", [rows - 1 for _, rows in sizes])
        self._last_neuron = named(m, "last_neuron", self._neuron == top)
        self._last_row = named(m, "last_row", self._row == bottom)
        self._last = named(m, "last_population", which == len(sizes) - 1)
        self._where = pick("place", places)
        self._index = pick("index", [order.index(k) for k in self.names])

    def _size(self, name: str) -> tuple[int, int]:
        """Neurons, and lines before them."""
        rows = sum(
            self.contract.size(s.pre)
            for s in sources_of(self.contract, name)
            if s.connection is not None
        )
        return self.contract.populations[name].n, rows

    def _loads(self, m: Module) -> tuple[Signal, Signal, Signal, Signal, Signal]:
        """The load that a weight becomes: low byte, second byte, full, whole, taken."""
        low = Signal(8, name="low_byte")
        second, full = Signal(name="second"), Signal(name="full")
        value = named(m, "value", Mux(self._wide, Cat(low, self._byte), self._byte))
        whole = named(m, "whole", second | ~self._wide)
        taken = named(m, "taken", full & self.load.ready)
        m.d.comb += self.load.valid.eq(full)
        fields = {"population": self._index, "address": self._where, "data": value}
        layout = self.load.payload.shape()
        # In one piece: a part that is constant would have a process that nothing wakes.
        parts = [Cat(v, Const(0, 32))[: layout[k].width] for k, v in fields.items()]
        m.d.comb += Value.cast(self.load.payload).eq(Cat(parts))
        return low, second, full, whole, taken

    def _weights(self, m: Module, parts: tuple[Signal, Signal, Signal, Signal, Signal]) -> None:
        low, second, full, whole, taken = parts
        m.d.comb += [self.cs.eq(1), self._wanted.eq(~full)]
        with m.If(self._over):
            m.d.sync += [second.eq(~whole), full.eq(whole)]
            with m.If(~second):
                m.d.sync += low.eq(self._byte)
        with m.If(taken):
            m.d.sync += [full.eq(0), self._neuron.eq(self._neuron + 1)]
            with m.If(self._last_neuron):
                m.d.sync += [self._neuron.eq(0), self._row.eq(self._row + 1)]
                with m.If(self._last_row):
                    m.d.sync += [self._row.eq(0), self._which.eq(self._which + 1)]
                    with m.If(self._last):
                        m.d.sync += self._which.eq(0)
                        self._go(m, Phase.CHECK)


class BootedNetwork(wiring.Component):
    """A network that loads its weights in SPRAM from the flash, then takes events.

    Parameters
    ----------
    contract, trace, lanes, stores, loadable
        As for :class:`~.network.NetworkTop`.
    clock
        Frequency that it runs at, hertz.

    Members
    -------
    ...
        Those of :class:`~.network.NetworkTop`; neither events nor loads are taken before the
        weights are there.
    flash_cs, flash_clk, flash_copi, flash_cipo, booted, bad_image
        As for :class:`FlashLoader`.
    """

    def __init__(
        self,
        contract: NetworkContract,
        clock: float,
        *,
        trace: bool = False,
        lanes: Lanes = 1,
        stores: Stores,
        loadable: bool = False,
    ) -> None:
        self.network = net = NetworkTop(
            contract, trace=trace, lanes=lanes, stores=stores, loadable=loadable
        )
        self.populations = [name for name, s in net.stores.items() if s is Store.SPRAM]
        self.loader = FlashLoader(contract, self.populations, clock)
        self.input_names, self.population_names = net.input_names, net.population_names
        flash = {f"flash_{k}": Out(1) for k in ("cs", "clk", "copi")}
        status = {"booted": Out(1), "bad_image": Out(1)}
        members = dict(net.signature.members.items())
        super().__init__({**members, **flash, "flash_cipo": In(1), **status})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.network = net = self.network
        m.submodules.loader = loader = self.loader
        done = loader.done
        for name, member in net.signature.members.items():
            mine, its = getattr(self, name), getattr(net, name)
            closed = name.startswith("in_") and name.endswith(("_valid", "_ready"))
            if name.startswith("load_"):
                continue
            left, right = (mine, its) if member.flow is Out else (its, mine)
            m.d.comb += left.eq(right & done if closed else right)
        for name in ("population", "address", "data"):
            given = getattr(self, f"load_{name}")
            stored = getattr(loader.load.payload, name)
            m.d.comb += getattr(net, f"load_{name}").eq(Mux(done, given, stored))
        m.d.comb += [
            net.load_valid.eq(Mux(done, self.load_valid, loader.load.valid)),
            loader.load.ready.eq(net.load_ready),
            self.load_ready.eq(net.load_ready & done),
            self.flash_cs.eq(loader.cs),
            self.flash_clk.eq(loader.sck),
            self.flash_copi.eq(loader.copi),
            loader.cipo.eq(self.flash_cipo),
            self.booted.eq(done),
            self.bad_image.eq(loader.bad),
        ]
        return m
