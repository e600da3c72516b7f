"""A reply as it is built: stuffed in place, kept so that it can be sent again."""

from __future__ import annotations

from amaranth.hdl import Array, Const, Module, Mux, Signal, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..fixed import named
from .receive import CRC

__all__ = ["ReplyBuffer"]


class ReplyBuffer(wiring.Component):
    """Takes the bytes of a frame, adds its CRC, and sends it.

    Stuffing needs the distance to the next zero before the bytes that lie between: each block
    keeps a byte free, which is written when the block ends.

    Parameters
    ----------
    refusal
        A fixed reply, stuffed and with its delimiter.

    Members
    -------
    open : In(1)
        A new frame begins.
    put : In(1), value : In(8)
        A byte of it, one a clock.
    finish : In(1)
        It is complete: add the CRC and send it; not in the clock of a ``put``.
    again : In(1)
        Send what was finished last.
    refuse : In(1)
        Send the refusal; the buffer stays as it is.
    busy : Out(1)
        From ``finish`` or ``again`` until the last byte has left.
    sink : Out(stream of bytes)
    """

    def __init__(self, refusal: bytes) -> None:
        self.refusal = refusal
        super().__init__(
            {
                "open": In(1),
                "put": In(1),
                "value": In(8),
                "finish": In(1),
                "again": In(1),
                "refuse": In(1),
                "busy": Out(1),
                "sink": Out(stream.Signature(unsigned(8))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.buffer = buffer = memory.Memory(shape=unsigned(8), depth=256, init=[])
        self._write, self._read = buffer.write_port(), buffer.read_port()
        m.submodules.crc = crc = CRC(8).create()
        self._end, self._free = Signal(8, name="length"), Signal(8, name="block")
        own = Signal(name="own")  # a byte of the CRC
        check = Signal(8, name="check")
        m.d.comb += [
            crc.start.eq(self.open),
            crc.data.eq(self.value),
            crc.valid.eq(self.put),
        ]
        with m.If(self.open):
            m.d.sync += [self._end.eq(1), self._free.eq(0)]
        self._stuff(m, named(m, "stores", self.put | own), Mux(own, check, self.value))
        with m.FSM(name="phase"):
            with m.State("BUILD"):
                with m.If(self.finish):
                    m.next = "CRC_HIGH"
                with m.Elif(self.again):
                    m.next = "ASK"
                with m.Elif(self.refuse):
                    m.next = "REFUSE"
            with m.State("CRC_HIGH"):
                m.d.comb += [own.eq(1), check.eq(crc.crc[8:]), self.busy.eq(1)]
                m.next = "CRC_LOW"
            with m.State("CRC_LOW"):
                m.d.comb += [own.eq(1), check.eq(crc.crc[:8]), self.busy.eq(1)]
                m.next = "CLOSE"
            with m.State("CLOSE"):
                self._close(m)
                m.d.comb += self.busy.eq(1)
                m.next = "ASK"
            self._send(m)
        return m

    def _stuff(self, m: Module, stores: Signal, byte: Signal) -> None:
        with m.If(stores):
            m.d.sync += self._end.eq(self._end + 1)
            with m.If(byte == 0):
                self._close(m)
                m.d.sync += self._free.eq(self._end)
            with m.Else():
                m.d.comb += [
                    self._write.addr.eq(self._end),
                    self._write.data.eq(byte),
                    self._write.en.eq(1),
                ]

    def _close(self, m: Module) -> None:
        m.d.comb += [
            self._write.addr.eq(self._free),
            self._write.data.eq(self._end - self._free),
            self._write.en.eq(1),
        ]

    def _send(self, m: Module) -> None:
        """Byte after byte, then the delimiter."""
        at = Signal(8, name="at")
        m.d.comb += self._read.addr.eq(at)
        last = named(m, "last", at == self._end)
        with m.State("ASK"):
            m.d.comb += self.busy.eq(1)
            m.next = "OFFER"
        with m.State("OFFER"):
            m.d.comb += [
                self.busy.eq(1),
                self.sink.valid.eq(1),
                self.sink.payload.eq(Mux(last, 0, self._read.data)),
            ]
            with m.If(self.sink.ready):
                m.d.sync += at.eq(Mux(last, 0, at + 1))
                m.next = "ASK"
                with m.If(last):
                    m.next = "BUILD"
        with m.State("REFUSE"):
            fixed = Array(Const(byte, 8) for byte in self.refusal)
            m.d.comb += [self.busy.eq(1), self.sink.valid.eq(1), self.sink.payload.eq(fixed[at])]
            with m.If(self.sink.ready):
                m.d.sync += at.eq(at + 1)
                with m.If(at == len(self.refusal) - 1):
                    m.d.sync += at.eq(0)
                    m.next = "BUILD"
