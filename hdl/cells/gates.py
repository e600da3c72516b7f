"""Gates of :mod:`lifstone.golden.cells.gates` as logic."""

from __future__ import annotations

from functools import singledispatch

from amaranth.hdl import Module, Mux, Shape, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...golden.cells.gates import BoltzmannGate, ChannelGate, EdgeGate
from ...golden.fixed import Rounding
from ..cell import layout_of
from ..fixed import named, shift_right
from .curve import CurveTable

__all__ = ["BoltzmannLogic", "EdgeLogic", "gate_logic"]


@singledispatch
def gate_logic(gate: ChannelGate, u: Shape) -> wiring.Component:
    """Logic of a gate: ``u``, ``x``, ``numbers`` in; ``after``, ``opened`` out; ``clocks``."""
    raise NotImplementedError(f"no logic for {type(gate).__name__}")


def _ports(gate: ChannelGate, u: Shape) -> dict[str, wiring.Member]:
    return {
        "u": In(u),
        "x": In(unsigned(gate.word.width)),
        "numbers": In(layout_of(gate.numbers)),
        "after": Out(unsigned(gate.word.width)),
        "opened": Out(unsigned(gate.conductance_bits)),
    }


@gate_logic.register(BoltzmannGate)
class BoltzmannLogic(wiring.Component):
    """Table, multiplication, multiplication, with a register behind each."""

    clocks = CurveTable.clocks + 2

    def __init__(self, gate: BoltzmannGate, u: Shape) -> None:
        self.gate = gate
        super().__init__(_ports(gate, u))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g = self.gate
        at = named(m, "at", self.u - self.numbers.shift)
        m.submodules.steady = steady = CurveTable(g.steady, at.shape())
        m.submodules.move = move = CurveTable(g.move, at.shape())
        m.d.comb += [steady.argument.eq(at), move.argument.eq(at)]
        way = named(m, "way", (steady.value - self.x) * move.value)
        gone = shift_right(way, g.move.fraction, Rounding.NEAREST)
        after = Signal(signed(g.width + 2), name="moved", reset_less=True)
        m.d.sync += after.eq(self.x + gone)
        opened = named(m, "product", self.numbers.g_max * after[: g.width])
        kept = Signal(self.opened.shape(), name="kept", reset_less=True)
        m.d.sync += kept.eq(shift_right(opened, g.width, Rounding.NEAREST))
        m.d.comb += [self.after.eq(after[: g.width]), self.opened.eq(kept)]
        return m


@gate_logic.register(EdgeGate)
class EdgeLogic(wiring.Component):
    """A comparison and two multiplications behind it."""

    clocks = 1

    def __init__(self, gate: EdgeGate, u: Shape) -> None:
        self.gate = gate
        super().__init__(_ports(gate, u))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g, one = self.gate, self.gate.word.high
        above = named(m, "above", self.u > g.edge)
        left = named(m, "left", Mux(above, self.x, one - self.x)[: g.width])
        keep = Signal(range((1 << g.fraction) + 1), name="keep")
        m.d.comb += keep.eq(Mux(above, g.keep_above, g.keep_below))
        kept = shift_right(named(m, "product", left * keep), g.fraction, Rounding.NEAREST)
        opened = shift_right(self.numbers.g_max * self.x, g.width, Rounding.NEAREST)
        after = Signal(unsigned(g.width), name="moved", reset_less=True)
        out = Signal(self.opened.shape(), name="kept", reset_less=True)
        m.d.sync += [after.eq(Mux(above, kept, one - kept)), out.eq(Mux(above, opened, 0))]
        m.d.comb += [self.after.eq(after), self.opened.eq(out)]
        return m
