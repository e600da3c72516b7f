"""Bytes to frames: unstuffs, stores and checks; only a whole frame is ever looked at."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out

from ..fixed import named
from .frames import MAX_FRAME

__all__ = ["CRC", "FrameReceiver"]

CRC = catalog.CRC16_IBM_3740


class FrameReceiver(wiring.Component):
    """One frame at a time, kept while ``locked``.

    Members
    -------
    source : In(stream of bytes)
        Always ready; a byte that comes while ``locked`` spoils its frame.
    locked : In(1)
        Somebody works on the frame in the buffer.
    good, broken : Out(1)
        For one clock: the buffer holds a frame that passed its check; one failed it.
    dropped : Out(1)
        For one clock: a frame was lost because it came while ``locked``.
    number, command : Out(8)
        Sequence number and command of the good frame.
    length : Out(8)
        Bytes of its body.
    address : In(8)
        Of a byte of the body.
    data : Out(8)
        That byte, a clock later.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "source": In(stream.Signature(unsigned(8))),
                "locked": In(1),
                "good": Out(1),
                "broken": Out(1),
                "dropped": Out(1),
                "number": Out(8),
                "command": Out(8),
                "length": Out(8),
                "address": In(8),
                "data": Out(8),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crc = crc = CRC(8).create()
        byte, take = self.source.payload, self.source.valid
        # Bytes of the block that are still to come, and bytes of the frame that came.
        left, count = Signal(8, name="left"), Signal(8, name="count")
        begun, bad = Signal(name="begun"), Signal(name="bad")
        ends = named(m, "ends", take & (byte == 0))
        code = named(m, "code", take & (byte != 0) & (left == 0))
        # The zero that a block stands for comes with the code of the next one.
        more = named(m, "more", (take & (byte != 0) & (left != 0)) | (code & begun))
        value = named(m, "value", Mux(code, 0, byte))
        full = named(m, "full", count == MAX_FRAME)
        passed = named(m, "passed", ~bad & (left == 0) & (count >= 4) & crc.match_detected)
        m.d.comb += [
            self.source.ready.eq(1),
            crc.data.eq(value),
            crc.valid.eq(more),
            crc.start.eq(ends),
            self.good.eq(ends & begun & passed & ~self.locked),
            self.broken.eq(ends & begun & ~passed & ~self.locked),
            self.dropped.eq(ends & begun & self.locked),
        ]
        with m.If(code):
            m.d.sync += [left.eq(byte - 1), begun.eq(1)]
        with m.If(more):
            m.d.sync += count.eq(Mux(full, count, count + 1))
            with m.If(~code):
                m.d.sync += left.eq(left - 1)
        with m.If((more & full) | (code & (byte == 0xFF)) | (take & self.locked)):
            m.d.sync += bad.eq(1)
        with m.If(ends):
            m.d.sync += [left.eq(0), count.eq(0), begun.eq(0), bad.eq(0)]
            with m.If(begun & passed & ~self.locked):
                m.d.sync += self.length.eq(count - 4)
        self._store(m, named(m, "stores", more & ~full & ~self.locked), value, count)
        return m

    def _store(self, m: Module, stores: Signal, value: Signal, count: Signal) -> None:
        """The header goes into registers, so that the body begins at address 0."""
        m.submodules.buffer = buffer = memory.Memory(shape=unsigned(8), depth=256, init=[])
        write, read = buffer.write_port(), buffer.read_port()
        m.d.comb += [
            write.addr.eq(count - 2),
            write.data.eq(value),
            write.en.eq(stores & (count >= 2)),
            read.addr.eq(self.address),
            self.data.eq(read.data),
        ]
        with m.If(stores & (count == 0)):
            m.d.sync += self.number.eq(value)
        with m.If(stores & (count == 1)):
            m.d.sync += self.command.eq(value)
