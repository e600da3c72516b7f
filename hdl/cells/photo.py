"""Logic of :class:`lifstone.golden.cells.photo.PhotoCell`: a matrix of the light level.

The coefficients of the level are read from a memory, all multiplications of a step are made at
once, and the membrane follows.
"""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, memory, wiring

from ...golden.cells.photo import LIGHT, PhotoCell
from ...golden.fixed import Rounding
from ..cell import cell_logic, cell_ports
from ..fixed import named, shift_right
from .membrane import MembraneLogic, join_membrane

__all__ = ["PhotoLogic"]


@cell_logic.register(PhotoCell)
class PhotoLogic(wiring.Component):
    """Members of :func:`~..cell.cell_ports`."""

    clocks = 2 + MembraneLogic.clocks

    def __init__(self, cell: PhotoCell) -> None:
        self.cell = cell
        super().__init__(cell_ports(cell))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.cell
        p = [self.state[name] for name in c.occupancies]
        table = self._coefficients(m)
        loads = named(m, "load", sum(table[f"open_{i}"] * p[i] for i in range(len(p))))
        a = Signal(unsigned(c.load_bits), name="opened", reset_less=True)
        m.d.sync += a.eq(shift_right(loads, c.width, Rounding.NEAREST))
        left: Value = Const(c.one, signed(c.width + 1))
        for j, name in enumerate(c.occupancies[:-1]):
            to_j = named(m, f"to_{j}", sum(table[f"hop_{j}_{i}"] * p[i] for i in range(len(p))))
            moved = named(m, f"moved_{j}", shift_right(to_j, c.fraction, Rounding.NEAREST))
            kept = Signal(unsigned(c.width), name=f"{name}_new", reset_less=True)
            m.d.sync += kept.eq(Mux(moved > c.one, c.one, moved[: c.width]))
            m.d.comb += self.after[name].eq(kept)
            left = left - kept
        rest = named(m, "rest", left)
        m.d.comb += self.after[c.occupancies[-1]].eq(Mux(rest < 0, 0, rest[: c.width]))
        join_membrane(m, self, c.membrane, [(a, self.numbers.reversal)])
        return m

    def _coefficients(self, m: Module) -> Signal:
        """Those of the light level, a clock after it stands still."""
        c, states = self.cell, range(self.cell.dark.size)
        rows = []
        for level in range(c.hop.shape[0]):
            row = {f"open_{i}": int(c.opened[level, i]) for i in states}
            row |= {f"hop_{j}_{i}": int(c.hop[level, j, i]) for j in states[:-1] for i in states}
            rows.append(row)
        widths = {k: max(1, *(row[k].bit_length() for row in rows)) for k in rows[0]}
        layout = data.StructLayout({k: unsigned(w) for k, w in widths.items()})
        m.submodules.coefficients = table = memory.Memory(shape=layout, depth=len(rows), init=rows)
        reader = table.read_port()
        level, last = self.totals[LIGHT], len(rows) - 1
        if last + 1 < 1 << len(level):  # else every number has its level
            level = Mux(level > last, last, level)
        m.d.comb += [reader.en.eq(1), reader.addr.eq(level)]
        word = Signal(layout, name="row")
        m.d.comb += word.eq(reader.data)
        return word
