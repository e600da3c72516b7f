"""The body of a frame as words of one to four bytes."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["WordReader"]


class WordReader(wiring.Component):
    """Reads bytes from a memory and hands on whole words.

    Members
    -------
    start : In(1)
        Begin with the byte at ``first``, up to before ``beyond``; words of ``size`` bytes.
    first, beyond, size : In(8, 8, 3)
        Taken with ``start``.
    address : Out(8), data : In(8)
        Of the memory, which answers a clock later.
    words : Out(stream of 32 bits)
        The first byte is the most significant.
    finished : Out(1)
        No whole word is left.
    torn : Out(1)
        With ``finished``: bytes were left that make no word.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "first": In(8),
                "beyond": In(8),
                "size": In(3),
                "address": Out(8),
                "data": In(8),
                "words": Out(stream.Signature(unsigned(32))),
                "finished": Out(1),
                "torn": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        end, size, got = Signal(8, name="stop"), Signal(3, name="bytes"), Signal(3, name="got")
        word = self.words.payload
        asked = Signal(name="asked")
        m.d.comb += [
            self.words.valid.eq((got == size) & (size != 0)),
            self.finished.eq(~self.words.valid & (self.address == end) & ~asked),
            self.torn.eq(got != 0),
        ]
        with m.If(self.start):
            m.d.sync += [
                self.address.eq(self.first),
                end.eq(self.beyond),
                size.eq(self.size),
                got.eq(0),
                asked.eq(0),
                word.eq(0),
            ]
        with m.Elif(self.words.valid), m.If(self.words.ready):
            m.d.sync += [got.eq(0), word.eq(0)]
        with m.Elif(asked):
            m.d.sync += [word.eq(Cat(self.data, word[:24])), got.eq(got + 1), asked.eq(0)]
            m.d.sync += self.address.eq(self.address + 1)
        with m.Elif(self.address != end):
            m.d.sync += asked.eq(1)
        return m
