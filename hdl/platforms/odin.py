"""ODIN's and tinyODIN's neuron as logic, see :mod:`lifstone.golden.platforms.odin`."""

from __future__ import annotations

from amaranth.hdl import Module, Mux
from amaranth.lib import wiring

from ...golden.platforms.events import OdinEvents
from ..fixed import named
from .event_logic import event_logic, event_ports

__all__ = ["OdinLogic"]


@event_logic.register(OdinEvents)
class OdinLogic(wiring.Component):
    """One event, or the end of a step; members as ``event_ports`` has them."""

    def __init__(self, cell: OdinEvents) -> None:
        self.rails = cell.population.rails
        super().__init__(event_ports(cell))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        s, p = self.state, self.numbers
        low, high = self.rails
        total = named(m, "v_sum", s.v + self.weight)
        received = Mux(total > high, high, Mux(total < low, low, total))
        up, down = named(m, "lowered", s.v - p.leak), named(m, "raised", s.v + p.leak)
        leaked = Mux(s.v > 0, Mux(up > 0, up, 0), Mux(down < 0, down, 0))
        v = named(m, "v_next", Mux(self.tick, leaked, received))
        spike = named(m, "spike", v >= p.threshold)
        fired = named(m, "fired_now", s.fired + spike)
        m.d.comb += [
            self.after.v.eq(Mux(spike, 0, v)),
            self.after.fired.eq(Mux(self.tick, 0, fired)),
            self.count.eq(fired),
        ]
        return m
