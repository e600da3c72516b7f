"""A curve of :mod:`lifstone.golden.cells.curve` as logic: a memory of pieces, a multiplier."""

from __future__ import annotations

from amaranth.hdl import Module, Shape, Signal, signed, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ...golden.cells.curve import Curve
from ...golden.fixed import Rounding
from ..fixed import named, shift_right

__all__ = ["CurveTable", "shape_of"]


def shape_of(low: int, high: int) -> Shape:
    """The narrowest word for ``low`` to ``high``."""
    if low >= 0:
        return unsigned(max(1, high.bit_length()))
    return signed(max((~low).bit_length(), max(high, 0).bit_length()) + 1)


class CurveTable(wiring.Component):
    """Value of a curve, right two clocks after its argument stands still.

    Parameters
    ----------
    curve
        The table.
    argument
        Shape of the argument.

    Members
    -------
    argument : In
    value : Out
    """

    clocks = 2

    def __init__(self, curve: Curve, argument: Shape) -> None:
        self.curve = curve
        low, high = int(curve.knots.min()), int(curve.knots.max())
        self.kept = shape_of(low, high)
        super().__init__({"argument": In(argument), "value": Out(self.kept)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.curve
        rises = [int(b - a) for a, b in zip(c.knots[:-1], c.knots[1:], strict=True)]
        rise = shape_of(min(rises), max(rises))
        layout = data.StructLayout({"base": self.kept, "rise": rise})
        init = [{"base": int(k), "rise": r} for k, r in zip(c.knots[:-1], rises, strict=True)]
        m.submodules.pieces = pieces = memory.Memory(shape=layout, depth=c.pieces, init=init)
        reader = pieces.read_port()
        bits = c.bits + (c.pieces - 1).bit_length()
        offset = named(m, "offset", self.argument - c.low)
        at = Signal(bits, name="at")
        with m.If(offset < 0):
            m.d.comb += at.eq(0)
        with m.Elif(offset > (c.pieces << c.bits) - 1):
            m.d.comb += at.eq((c.pieces << c.bits) - 1)
        with m.Else():
            m.d.comb += at.eq(offset)
        m.d.comb += [reader.en.eq(1), reader.addr.eq(at >> c.bits)]
        piece = Signal(layout, name="piece")
        m.d.comb += piece.eq(reader.data)
        part = named(m, "part", piece.rise * at[: c.bits]) if c.bits else piece.rise * 0
        kept = Signal(self.kept, name="kept", reset_less=True)
        m.d.sync += kept.eq(piece.base + shift_right(part, c.bits, Rounding.NEAREST))
        m.d.comb += self.value.eq(kept)
        return m
