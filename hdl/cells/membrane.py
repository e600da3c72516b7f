"""The step of :mod:`lifstone.golden.cells.membrane` as logic.

::

    loads, u --> x --> phi (table, two registers) --+--> * --reg--> + --> compare, reset
             \\-> products --reg--> drive --reg-----+               u
"""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Const, Module, Mux, Shape, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...golden.cells.membrane import GUARD, Membrane
from ...golden.fixed import Rounding
from ..cell import layout_of, word_shape
from ..fixed import named, saturate, shift_right
from .curve import CurveTable

__all__ = ["MembraneLogic", "join_membrane"]


class MembraneLogic(wiring.Component):
    """Right three clocks after its inputs stand still.

    Parameters
    ----------
    membrane
        What it computes.
    loads
        Shapes of each conductance and its reversal.

    Members
    -------
    u, hold : In
        Words before the step; ``hold`` only if refractory.
    numbers : In
        Those of the membrane.
    a_0, e_0, a_1, ... : In
        Conductances and reversals.
    after_u, after_hold, spike : Out
    """

    clocks = 3

    def __init__(self, membrane: Membrane, loads: Sequence[tuple[Shape, Shape]]) -> None:
        self.membrane = membrane
        self.count = len(loads)
        members: dict[str, wiring.Member] = {
            "u": In(word_shape(membrane.word)),
            "numbers": In(layout_of(membrane.numbers)),
            "after_u": Out(word_shape(membrane.word)),
            "spike": Out(1),
        }
        if membrane.hold_word is not None:
            shape = word_shape(membrane.hold_word)
            members |= {"hold": In(shape), "after_hold": Out(shape)}
        for k, (a, e) in enumerate(loads):
            members |= {f"a_{k}": In(a), f"e_{k}": In(e)}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c, n = self.membrane, self.numbers
        x: Value = n.leak
        drive: Value = n.current - self._kept(m, "leaking", n.leak * self.u)
        for k in range(self.count):
            a, e = getattr(self, f"a_{k}"), getattr(self, f"e_{k}")
            x = x + a
            drive = drive + self._kept(m, f"driving_{k}", a * (e - self.u))
        x = named(m, "x", x)
        m.submodules.phi = phi = CurveTable(c.phi, x.shape())
        m.d.comb += phi.argument.eq(x)
        coarse = self._kept(m, "coarse", shift_right(drive, c.fraction - GUARD, Rounding.NEAREST))
        product = named(m, "product", coarse * phi.value)
        moved = shift_right(product, GUARD + c.phi.fraction, Rounding.NEAREST)
        step = self._kept(m, "moved", moved)
        grown = named(m, "grown", saturate(named(m, "u_sum", self.u + step), c.width))
        refractory = c.hold_word is not None
        free: Value = named(m, "free", self.hold == 0) if refractory else Const(1, unsigned(1))
        m.d.comb += [
            self.spike.eq(free & (grown > n.threshold)),
            self.after_u.eq(Mux(self.spike, n.u_reset, Mux(free, grown, self.u))),
        ]
        if refractory:
            left = Mux(free, 0, self.hold - 1)
            m.d.comb += self.after_hold.eq(Mux(self.spike, n.hold, left))
        return m

    def _kept(self, m: Module, name: str, value: Value) -> Signal:
        """``value`` one clock later."""
        signal = Signal(value.shape(), name=name, reset_less=True)
        m.d.sync += signal.eq(value)
        return signal


def join_membrane(
    m: Module,
    logic: wiring.Component,
    membrane: Membrane,
    loads: Sequence[tuple[Value, Value]],
) -> None:
    """Put a membrane behind ``loads``, between the ports of a cell's ``logic``."""
    shapes = [(a.shape(), e.shape()) for a, e in loads]
    m.submodules.membrane = part = MembraneLogic(membrane, shapes)
    for k, (a, e) in enumerate(loads):
        m.d.comb += [getattr(part, f"a_{k}").eq(a), getattr(part, f"e_{k}").eq(e)]
    m.d.comb += [part.numbers[k].eq(logic.numbers[k]) for k in membrane.numbers]
    m.d.comb += [
        part.u.eq(logic.state.u),
        logic.after.u.eq(part.after_u),
        logic.spike.eq(part.spike),
    ]
    if membrane.hold_word is not None:
        m.d.comb += [part.hold.eq(logic.state.hold), logic.after.hold.eq(part.after_hold)]
