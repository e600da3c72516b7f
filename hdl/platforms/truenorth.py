"""TrueNorth's neuron as logic, see :mod:`lifstone.golden.platforms.truenorth`."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Value
from amaranth.lib import data, wiring

from ...golden.platforms.cells import TrueNorthCell
from ...golden.platforms.events import TrueNorthEvents
from ...golden.platforms.truenorth import TAPS, WIDTH, ResetMode, TrueNorthPopulation
from ..cell import cell_logic, cell_ports
from ..fixed import named, saturate
from .event_logic import event_logic, event_ports

__all__ = ["TrueNorthEventLogic", "TrueNorthLogic"]


@cell_logic.register(TrueNorthCell)
class TrueNorthLogic(wiring.Component):
    """A step on the sum of weights; members as :func:`~lifstone.hdl.cell.cell_ports` has them."""

    clocks = 0

    def __init__(self, cell: TrueNorthCell) -> None:
        self.population = cell.population
        super().__init__(cell_ports(cell))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        total = named(m, "v_total", saturate(self.state.v + self.totals.input, WIDTH))
        v, draw, spike = _end(m, self.population, self.numbers, total, self.state.draw)
        m.d.comb += [self.after.v.eq(v), self.after.draw.eq(draw), self.spike.eq(spike)]
        return m


@event_logic.register(TrueNorthEvents)
class TrueNorthEventLogic(wiring.Component):
    """An event of a stochastic synapse, or the end of a step; members as ``event_ports``."""

    def __init__(self, cell: TrueNorthEvents) -> None:
        self.population = cell.population
        super().__init__(event_ports(cell))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        s = self.state
        drawn = named(m, "drawn", _next(s.draw))
        chance = _chance(m, "synapse", self.weight, drawn)
        received = named(m, "received", saturate(s.v + chance, WIDTH))
        v, draw, spike = _end(m, self.population, self.numbers, s.v, s.draw)
        m.d.comb += [
            self.after.v.eq(Mux(self.tick, v, received)),
            self.after.draw.eq(Mux(self.tick, draw, drawn)),
            self.count.eq(spike & self.tick),
        ]
        return m


def _next(word: Value) -> Value:
    """Next word of the register: :func:`~lifstone.golden.platforms.truenorth.galois16`."""
    return Cat(word[1:], Const(0, 1)) ^ Mux(word[0], TAPS, 0)


def _chance(m: Module, name: str, value: Value, draw: Value) -> Value:
    """The sign of ``value`` where eight bits of the draw are below its magnitude."""
    negative = value < 0
    size = named(m, f"{name}_size", Mux(negative, -value, value)[: len(value)])
    hit = named(m, f"{name}_hit", draw[:8] < size)
    return Mux(hit, Mux(negative, Const(-1), Const(1)), Const(0))


def _end(
    m: Module, p: TrueNorthPopulation, numbers: data.View[data.StructLayout], v: Value, draw: Value
) -> tuple[Value, Value, Value]:
    """Leak and threshold: potential, register, spike."""
    leak = numbers.leak
    if p.stochastic_leak:
        draw = named(m, "leak_draw", _next(draw))
        leak = named(m, "leak_step", _chance(m, "leak", leak, draw))
    down = named(m, "leaks_down", leak < 0)
    omega = Mux(v < 0, -leak, leak) if p.leak_reversal else leak
    moved = named(m, "moved", saturate(v + omega, WIDTH))
    if p.leak_reversal:
        # A leak towards 0 stops there.
        crossed = (v == 0) | ((v > 0) & (moved < 0)) | ((v < 0) & (moved > 0))
        moved = named(m, "stopped", Mux(down & crossed, 0, moved))
    draw = named(m, "threshold_draw", _next(draw))
    eta = draw & p.mask
    high = named(m, "high", numbers.alpha + eta)
    low = named(m, "low", numbers.beta + eta)
    spike = named(m, "crossed_high", moved >= high)
    if p.negative_saturates:
        under, bottom = moved < -numbers.beta, -numbers.beta
    else:
        under, bottom = moved < -low, _left(p, -p.reset_value, moved + low, moved)
    up = _left(p, p.reset_value, moved - high, moved)
    after = named(m, "v_after", Mux(spike, up, Mux(under, bottom, moved)))
    return after, draw, spike


def _left(p: TrueNorthPopulation, normal: int, linear: Value, none: Value) -> Value:
    """What a crossing leaves, by the reset mode."""
    if p.reset is ResetMode.NORMAL:
        return Const(normal)
    return linear if p.reset is ResetMode.LINEAR else none
