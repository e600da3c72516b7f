"""Logic of :class:`lifstone.golden.cells.conductance.ConductanceCell`.

::

    totals, g --> decay --reg--> sum, clip --reg--+--> MembraneLogic --> after, spike
    u, x -------> gate ---------------------------+
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import wiring

from ...golden.cells.conductance import ConductanceCell, Synapse
from ...golden.fixed import Rounding
from ..cell import cell_logic, cell_ports, word_shape
from ..fixed import named, shift_right
from .gates import gate_logic
from .membrane import MembraneLogic, join_membrane

__all__ = ["ConductanceLogic"]


@cell_logic.register(ConductanceCell)
class ConductanceLogic(wiring.Component):
    """Members of :func:`~..cell.cell_ports`."""

    def __init__(self, cell: ConductanceCell) -> None:
        self.cell = cell
        self.parts = [gate_logic(g, word_shape(cell.membrane.word)) for g in cell.gates]
        first = max([2 for _ in cell.synapses] + [int(p.clocks) for p in self.parts], default=0)
        self.clocks = first + MembraneLogic.clocks
        super().__init__(cell_ports(cell))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        cell = self.cell
        loads: list[tuple[Value, Value]] = []
        for s in cell.synapses:
            g = self._synapse(m, s)
            m.d.comb += self.after[s.name].eq(g)
            loads.append((g if s.sign > 0 else -g, self.numbers[f"{s.name}_reversal"]))
        for gate, part in zip(cell.gates, self.parts, strict=True):
            m.submodules[f"gate_{gate.name}"] = part
            m.d.comb += [part.u.eq(self.state.u), part.x.eq(self.state[gate.name])]
            m.d.comb += [part.numbers[k].eq(self.numbers[f"{gate.name}_{k}"]) for k in gate.numbers]
            m.d.comb += self.after[gate.name].eq(part.after)
            loads.append((part.opened, self.numbers[f"{gate.name}_reversal"]))
        join_membrane(m, self, cell.membrane, loads)
        return m

    def _synapse(self, m: Module, s: Synapse) -> Signal:
        """The conductance after the step: a register behind the product, one behind the sum."""
        g: Value = self.state[s.name]
        if s.decay.shift is not None:
            decayed = g - shift_right(g, s.decay.shift, Rounding.NEAREST)
        else:
            factor = self.numbers[f"{s.name}_decay"]
            product = Signal((g * factor).shape(), name=f"{s.name}_product", reset_less=True)
            m.d.sync += product.eq(g * factor)
            decayed = shift_right(product, s.decay.fraction, Rounding.NEAREST)
        total = named(m, f"{s.name}_sum", decayed + self.totals[s.name])
        high = s.word.high
        kept = Signal(unsigned(s.width), name=f"{s.name}_new", reset_less=True)
        m.d.sync += kept.eq(Mux(total < 0, 0, Mux(total > high, high, total[: s.width])))
        return kept
