"""SpiNNaker's closed-form step as logic, see :mod:`lifstone.golden.platforms.spinnaker`."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Value
from amaranth.lib import wiring

from ...golden.platforms.cells import SpinnakerCell
from ...golden.platforms.spinnaker import DECAY_FRACTION, WIDTH
from ..cell import cell_logic, cell_ports
from ..fixed import clocked, named, saturate

__all__ = ["SpinnakerLogic"]


@cell_logic.register(SpinnakerCell)
class SpinnakerLogic(wiring.Component):
    """One step, registers around its products; members as ``cell_ports`` has them."""

    clocks = 2

    def __init__(self, cell: SpinnakerCell) -> None:
        self.cell = cell
        super().__init__(cell_ports(cell))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        s, p, words = self.state, self.numbers, self.cell.words
        held = s.i if "i" in words else Const(0, 1)
        i = named(m, "i_next", saturate(held + self.totals.input, WIDTH))
        alpha = named(m, "alpha", saturate(i + p.v_leak, WIDTH))
        gap = clocked(m, "gap", saturate(alpha - s.v, WIDTH))
        left = clocked(m, "left", _times(gap, p.keep_mem))
        moved = named(m, "moved", saturate(alpha - left, WIDTH))
        free: Value = named(m, "free", s.hold == 0) if "hold" in words else Const(1)
        v = named(m, "v_next", Mux(free, moved, s.v))
        m.d.comb += [
            self.spike.eq(free & (v >= p.v_th)),
            self.after.v.eq(Mux(self.spike, p.v_reset, v)),
        ]
        if "i" in words:
            late = clocked(m, "i_late", i)
            m.d.comb += self.after.i.eq(clocked(m, "i_kept", _times(late, p.keep_syn)))
        if "hold" in words:
            counted = Mux(free, 0, (s.hold - 1)[: len(s.hold)])
            m.d.comb += self.after.hold.eq(Mux(self.spike, p.hold, counted))
        return m


def _times(x: Value, factor: Value) -> Value:
    """Product with a fraction of 32 bits, towards minus infinity."""
    return (x * factor) >> DECAY_FRACTION
