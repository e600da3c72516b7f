"""A network as registers on a Wishbone bus (B4, classic cycles, 32 bits, words addressed).

Accesses answer one clock after the request. What a queue has no room for, or an address that
is not there, answers ``err`` and changes nothing.
"""

from __future__ import annotations

from enum import IntEnum

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..fixed import named
from .frames import TICK, Identity
from .port import COUNTED, NetworkPort, weight_places

__all__ = ["MAGIC", "Register", "WishboneNetwork"]

MAGIC = 0x4C494653
"""``LIFS``."""


class Register(IntEnum):
    """Word addresses; the meaning of their bits."""

    MAGIC = 0
    """read: :data:`MAGIC`"""
    LINES = 1
    """read: lines of the inputs in bits 31:16, of the outputs in 15:0"""
    STATUS = 2
    """read: words that the input queue takes in bits 31:16, that the output queue holds in 15:0"""
    CONTROL = 3
    """write: bit 0 clears states and queues; read: bit 0 whether a load still waits"""
    EVENT = 4
    """write: bit 16 a tick, or bits 15:0 the address of a spike; err without room"""
    SPIKE = 5
    """read: bit 31 whether there was one, bit 16 a tick, bits 15:0 an address; takes it"""
    PLACE = 6
    """read, write: population in bits 31:24, address of a weight in 23:0"""
    WEIGHT = 7
    """write: a weight for the place, which then counts up; err while the last one waits"""
    TICKS_IN = 8
    SPIKES_IN = 9
    TICKS_OUT = 10
    SPIKES_OUT = 11
    """read: events that passed the queues, each wraps"""
    HASH = 16
    """read, to 23: SHA-256 of the contract of the build, most significant word first"""


class WishboneNetwork(wiring.Component):
    """The bus side of a :class:`~.port.NetworkPort`.

    Members
    -------
    wb_cyc, wb_stb, wb_we : In(1)
    wb_adr : In(5), wb_dat_w : In(32)
    wb_dat_r : Out(32), wb_ack, wb_err : Out(1)
    """

    def __init__(self, port: NetworkPort) -> None:
        self.port = port
        self.identity = Identity.of(port.contract)
        super().__init__(
            {
                "wb_cyc": In(1),
                "wb_stb": In(1),
                "wb_we": In(1),
                "wb_adr": In(5),
                "wb_dat_w": In(32),
                "wb_dat_r": Out(32),
                "wb_ack": Out(1),
                "wb_err": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.port = port = self.port
        asked = named(m, "asked", self.wb_cyc & self.wb_stb & ~self.wb_ack & ~self.wb_err)
        writes = named(m, "writes", asked & self.wb_we)
        reads = named(m, "reads", asked & ~self.wb_we)
        self._place, self._waits = Signal(32, name="place"), Signal(name="load_waits")
        good = Signal(name="good")
        m.d.sync += [self.wb_ack.eq(asked & good), self.wb_err.eq(asked & ~good)]
        values = named(m, "value", Array(self._values())[self.wb_adr])
        with m.If(reads):
            m.d.sync += self.wb_dat_r.eq(values)
        m.d.comb += [
            good.eq(~self.wb_we),
            port.answers.ready.eq(reads & (self.wb_adr == Register.SPIKE)),
        ]
        with m.Switch(self.wb_adr):
            with m.Case(Register.CONTROL):
                m.d.comb += [good.eq(1), port.clear.eq(writes & self.wb_dat_w[0])]
            with m.Case(Register.EVENT):
                self._event(m, writes, good)
            with m.Case(Register.PLACE):
                with m.If(self.wb_we):
                    m.d.comb += good.eq(~self._waits)
                with m.If(writes & ~self._waits):
                    m.d.sync += self._place.eq(self.wb_dat_w)
            with m.Case(*range(12, Register.HASH), *range(Register.HASH + 8, 32)):
                m.d.comb += good.eq(0)
        self._load(m, writes, good)
        return m

    def _values(self) -> list[Value]:
        """What each address reads as."""
        port, waiting = self.port, self.port.answers
        none = Const(0, 32)
        spike = Mux(
            waiting.payload == TICK,
            Const(1 << 31 | 1 << 16, 32),
            Cat(waiting.payload, Const(1 << 15, 16)),
        )
        values = [none] * 32
        values[Register.MAGIC] = Const(MAGIC, 32)
        values[Register.LINES] = Const(self.identity.inputs << 16 | self.identity.outputs, 32)
        values[Register.STATUS] = Cat(port.level | Const(0, 16), port.room | Const(0, 16))
        values[Register.CONTROL] = Cat(self._waits, Const(0, 31))
        values[Register.SPIKE] = Mux(waiting.valid, spike, none)
        values[Register.PLACE] = self._place
        for k, name in enumerate(COUNTED):
            values[Register.TICKS_IN + k] = getattr(port, name)
        digest = bytes.fromhex(self.identity.contract_sha256)
        for k in range(8):
            word = int.from_bytes(digest[4 * k : 4 * k + 4], "big")
            values[Register.HASH + k] = Const(word, 32)
        return values

    def _event(self, m: Module, writes: Value, good: Signal) -> None:
        words, into = self.port.words, self.wb_dat_w
        known = into[16] | (into[:16] < self.identity.inputs)
        m.d.comb += [
            words.payload.eq(Mux(into[16], TICK, into[:16])),
            words.valid.eq(writes & known),
        ]
        with m.If(self.wb_we):
            m.d.comb += good.eq(words.ready & known)

    def _load(self, m: Module, writes: Value, good: Signal) -> None:
        """A weight waits in a register until its memory takes it."""
        load, weight = self.port.load, Signal(32, name="weight")
        _, places = weight_places(m, self.identity, self._place[24:])
        free = named(m, "free", ~self._waits & (self._place[:24] < places))
        m.d.comb += [
            load.valid.eq(self._waits),
            load.payload.population.eq(self._place[24:]),
            load.payload.address.eq(self._place[:24]),
            load.payload.data.eq(weight),
        ]
        with m.If(self._waits & load.ready):
            m.d.sync += [self._waits.eq(0), self._place.eq(self._place + 1)]
        with m.If((self.wb_adr == Register.WEIGHT) & self.wb_we):
            m.d.comb += good.eq(free)
            with m.If(writes & free):
                m.d.sync += [self._waits.eq(1), weight.eq(self.wb_dat_w)]
