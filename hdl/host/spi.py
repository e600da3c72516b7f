"""Bytes over SPI, mode 0, most significant bit first; the device is the peripheral.

The lines are sampled by the design's clock, which must be at least eight times the SPI's. A
byte that neither side has to send is 0, which between frames means nothing: the controller
reads by sending zeros.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from ..fixed import named

__all__ = ["SpiPeripheral"]


class SpiPeripheral(wiring.Component):
    """Bytes in and out at once.

    Members
    -------
    sck, cs_n, mosi : In(1)
    miso : Out(1)
    sink : Out(stream of bytes)
        What came in; a byte that is not taken at once is lost.
    source : In(stream of bytes)
        What goes out; a byte is taken when its first bit is.
    """

    def __init__(self) -> None:
        byte = stream.Signature(unsigned(8))
        super().__init__(
            {
                "sck": In(1),
                "cs_n": In(1, init=1),
                "mosi": In(1),
                "miso": Out(1),
                "sink": Out(byte),
                "source": In(byte),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sck, off, mosi = (
            Signal(name="clock_line"),
            Signal(init=1, name="off"),
            Signal(name="data_line"),
        )
        m.submodules.clock_in = FFSynchronizer(self.sck, sck)
        m.submodules.select_in = FFSynchronizer(self.cs_n, off, init=1)
        m.submodules.data_in = FFSynchronizer(self.mosi, mosi)
        before, was_off = Signal(name="clock_before"), Signal(init=1, name="was_off")
        m.d.sync += [before.eq(sck), was_off.eq(off)]
        rises = named(m, "rises", ~off & ~was_off & sck & ~before)
        falls = named(m, "falls", ~off & ~was_off & ~sck & before)
        bits, shift_in = Signal(3, name="bits"), Signal(7, name="shift_in")
        shift_out, loaded = Signal(8, name="shift_out"), Signal(name="loaded")
        # Only what the first clock edge confirms is taken: the controller may stop here.
        begins = named(m, "begins", (~off & was_off) | (falls & (bits == 0)))
        with m.If(begins):
            m.d.sync += [
                shift_out.eq(Mux(self.source.valid, self.source.payload, 0)),
                loaded.eq(self.source.valid),
            ]
        with m.Elif(falls):
            m.d.sync += shift_out.eq(Cat(0, shift_out[:7]))
        m.d.comb += [
            self.miso.eq(shift_out[7]),
            self.source.ready.eq(rises & (bits == 0) & loaded),
            self.sink.payload.eq(Cat(mosi, shift_in)),
            self.sink.valid.eq(rises & (bits == 7)),
        ]
        with m.If(rises):
            m.d.sync += [bits.eq(bits + 1), shift_in.eq(Cat(mosi, shift_in[:6]))]
        with m.If(off):
            m.d.sync += bits.eq(0)
        return m
