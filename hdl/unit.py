"""A population of any cell as hardware: one cell's logic, all states in block RAM.

::

            +--------+     +--------------+     +-------+
    events->| weight |---->| accumulators |---->|       |--> spikes, trace
            | memory |     | (a sum a     |  +->| logic |--+
            +--------+     |  receptor)   |  |  |       |  |
            +-----------+  +--------------+  |  +-------+  |
            | parameter |--------------------+             |
            | memory    |                    +- state RAM <+
            +-----------+

A spike adds its row of weights to the sums of a receptor, one weight a clock, and a row more
for each further projection of its input. A tick starts the sweep: two clocks a neuron, as
many more as the logic takes, and one for each spike that is sent. After reset, a sweep
writes the initial state into the memories.
"""

from __future__ import annotations

from enum import Enum

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..golden.unit import UnitContract
from .aer import event_stream
from .cell import cell_logic, numbers_layout, state_layout, totals_layout
from .fixed import named
from .unit_layout import (
    index_bits,
    parameter_image,
    parameter_layout,
    passes_of,
    source_sizes,
    unit_trace_members,
    values_of,
    weight_image,
    weight_shape,
)

__all__ = ["Unit", "parameter_image", "parameter_layout"]


class Phase(Enum):
    """What a unit is doing."""

    CLEAR = 0
    """after reset: write the initial state"""
    ACCEPT = 1
    """wait for an event"""
    ADD = 2
    """add rows of weights to the sums"""
    READ = 3
    WAIT = 4
    FIRE = 5
    """the clocks of a neuron"""
    SEND = 6
    """offer its spike"""
    END = 7
    """offer the tick"""


class Unit(wiring.Component):
    """Time-multiplexed neurons of one population.

    Members
    -------
    source : In(event_stream(lines))
        Spikes by line, as :func:`source_sizes` orders them.
    sink : Out(event_stream(n))
        Spikes in ascending order, then the tick.
    trace : Out
        ``trace_valid`` and the fields of :func:`unit_trace_members`, one beat a neuron and step.
    """

    def __init__(self, contract: UnitContract) -> None:
        self.contract = contract
        self.cell = cell = contract.cell
        self.passes = passes_of(contract)
        self.lines = sum(source_sizes(contract).values())
        super().__init__(
            {
                "source": In(event_stream(self.lines)),
                "sink": Out(event_stream(cell.n)),
                "trace_valid": Out(1),
                "trace": Out(data.StructLayout(unit_trace_members(cell))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._index = Signal(index_bits(self.cell), name="index")
        self._last = named(m, "last", self._index == self.cell.n - 1)
        self._next = Signal(index_bits(self.cell), name="following_index")
        if self.cell.n > 1:
            m.d.comb += self._next.eq(Mux(self._last, 0, self._index + 1))
        self._memories(m)
        self._logic(m)
        self._adder(m)
        self._phase = Signal(Phase, name="phase")
        with m.Switch(self._phase):
            self._clear(m)
            self._accept(m)
            self._sweep(m)
        return m

    def _go(self, m: Module, phase: Phase) -> None:
        m.d.sync += self._phase.eq(phase)

    def _memories(self, m: Module) -> None:
        cell, n = self.cell, self.cell.n
        states = memory.Memory(shape=state_layout(cell), depth=n, init=[])
        m.submodules.state_memory = states
        self._state_w = states.write_port()
        # With one neuron the next read meets the write of the same word.
        self._state_r = states.read_port(transparent_for=[self._state_w] if n == 1 else [])
        # A read port reads unless told otherwise; these must keep what they read.
        self._readers = [self._state_r]
        self._sums_w = self._sums_r = None
        if self.passes:
            sums = memory.Memory(shape=totals_layout(cell), depth=n, init=[])
            m.submodules.sum_memory = sums
            self._sums_w = sums.write_port()
            self._sums_r = sums.read_port(transparent_for=[self._sums_w] if n == 1 else [])
            words, shape = weight_image(self.contract), unsigned(weight_shape(self.contract).width)
            weights = memory.Memory(shape=shape, depth=len(words), init=words)
            m.submodules.weight_memory = weights
            self._weight_r = weights.read_port()
            m.d.comb += self._weight_r.en.eq(1)
            self._readers.append(self._sums_r)
        image = parameter_image(cell)
        self._parameters: dict[str, Value] = {}
        if image:
            layout = parameter_layout(cell)
            width = Shape.cast(layout).width
            rom = memory.Memory(shape=unsigned(width), depth=n, init=image)
            m.submodules.parameter_memory = rom
            parameter_read = rom.read_port()
            word = Signal(layout, name="varying")
            m.d.comb += word.as_value().eq(parameter_read.data)
            self._parameters = {k: word[k] for k in dict(layout)}
            self._readers.append(parameter_read)
        m.d.comb += [reader.en.eq(0) for reader in self._readers]

    def _value(self, name: str, shape: Shape) -> Value:
        """A parameter: a constant where all neurons have the same."""
        if name in self._parameters:
            return self._parameters[name]
        return Const(int(values_of(self.cell)[name][0]), shape)

    def _logic(self, m: Module) -> None:
        cell = self.cell
        m.submodules.step = self._step = logic = cell_logic(cell)
        m.d.comb += logic.state.eq(self._state_r.data)
        if self._sums_r is not None:
            m.d.comb += logic.totals.eq(self._sums_r.data)
        for name, field in dict(numbers_layout(cell)).items():
            m.d.comb += logic.numbers[name].eq(self._value(name, field.shape))
        m.d.comb += [self.trace.index.eq(self._index), self.trace.spike.eq(logic.spike)]
        m.d.comb += [self.trace[word].eq(logic.after[word]) for word in cell.words]

    def _read(self, m: Module, index: Value) -> None:
        """Ask the memories for a neuron; they answer in the next clock."""
        for reader in self._readers:
            m.d.comb += [reader.addr.eq(index), reader.en.eq(1)]

    def _clear(self, m: Module) -> None:
        """Write the initial state; the parameter memory answers one clock late."""
        asked = Signal(name="clear_asked")
        with m.Case(Phase.CLEAR):
            self._read(m, self._index)
            m.d.sync += asked.eq(1)
            with m.If(asked):
                for word, field in dict(state_layout(self.cell)).items():
                    start = self._value(f"start_{word}", field.shape)
                    m.d.comb += self._state_w.data[word].eq(start)
                m.d.comb += [self._state_w.addr.eq(self._index), self._state_w.en.eq(1)]
                self._erase(m)
                m.d.sync += [self._index.eq(self._next), asked.eq(0)]
                with m.If(self._last):
                    self._go(m, Phase.ACCEPT)

    def _erase(self, m: Module) -> None:
        """The sums of a neuron begin anew; unassigned, the data is 0."""
        if self._sums_w is not None:
            m.d.comb += [self._sums_w.addr.eq(self._index), self._sums_w.en.eq(1)]

    def _adder(self, m: Module) -> None:
        """Write the sum of what was read in the clock before, where ``pending``."""
        if self._sums_r is None or self._sums_w is None:
            return
        receptors = list(self.cell.receptors)
        self._pending = pending = Signal(name="pending")
        self._into = into = Signal(range(len(receptors)), name="into", reset_less=True)
        written = Signal.like(self._index, name="written", reset_less=True)
        weight = named(m, "weight", _as(weight_shape(self.contract), self._weight_r.data))
        with m.If(pending):
            m.d.comb += [self._sums_w.addr.eq(written), self._sums_w.en.eq(1)]
            for k, receptor in enumerate(receptors):
                old = self._sums_r.data[receptor]
                added = Mux(into == k, weight, 0) if len(receptors) > 1 else weight
                m.d.comb += self._sums_w.data[receptor].eq(old + added)
        m.d.sync += [pending.eq(0), written.eq(self._index)]

    def _accept(self, m: Module) -> None:
        """Add the rows of each spike: read a word in one clock, write it in the next."""
        event = self.source.payload
        if not self.passes:
            with m.Case(Phase.ACCEPT):
                m.d.comb += self.source.ready.eq(1)
                with m.If(self.source.valid & event.tick):
                    self._go(m, Phase.READ)
            return
        rows = sum(p.lines for p in self.passes)
        # Of the row that is read in this clock, and of the last one.
        row, kept_row = Signal(range(rows), name="row"), Signal(range(rows), name="kept_row")
        part = Signal(range(len(self.passes)), name="part")
        kept_part = Signal.like(part, name="kept_part")
        m.d.comb += self._weight_r.addr.eq(Cat(self._index, row))
        m.d.sync += [kept_row.eq(row), kept_part.eq(part)]
        with m.Case(Phase.ACCEPT):
            m.d.comb += [self.source.ready.eq(1), row.eq(event.address)]
            later = {p.follow for p in self.passes}
            for k, p in enumerate(self.passes):
                # The first one is what ``part`` is by itself.
                if k not in later and k > 0:
                    with m.If(event.address >= p.first):
                        m.d.comb += part.eq(k)
            self._read(m, self._index)
            with m.If(self.source.valid & event.tick):
                self._go(m, Phase.READ)
            with m.Elif(self.source.valid):
                self._add(m, row, part, kept_row, kept_part)
        with m.Case(Phase.ADD):
            m.d.comb += [row.eq(kept_row), part.eq(kept_part)]
            self._read(m, self._index)
            self._add(m, row, part, kept_row, kept_part)

    def _add(
        self, m: Module, row: Signal, part: Signal, next_row: Signal, next_part: Signal
    ) -> None:
        receptors = list(self.cell.receptors)
        m.d.sync += [self._pending.eq(1), self._index.eq(self._next)]
        with m.If(~self._last):
            self._go(m, Phase.ADD)
        with m.Else():
            self._go(m, Phase.ACCEPT)
        with m.Switch(part):
            for k, p in enumerate(self.passes):
                with m.Case(k):
                    m.d.sync += self._into.eq(receptors.index(p.receptor))
                    if p.follow is not None:
                        jump = self.passes[p.follow].first - p.first
                        with m.If(self._last):
                            m.d.sync += [next_row.eq(row + jump), next_part.eq(p.follow)]
                            self._go(m, Phase.ADD)

    def _sweep(self, m: Module) -> None:
        clocks = int(self._step.clocks)
        with m.Case(Phase.READ):
            self._read(m, self._index)
            self._go(m, Phase.WAIT if clocks else Phase.FIRE)
        if clocks:
            waited = Signal(range(clocks), name="waited")
            with m.Case(Phase.WAIT):
                m.d.sync += waited.eq(waited + 1)
                with m.If(waited == clocks - 1):
                    m.d.sync += waited.eq(0)
                    self._go(m, Phase.FIRE)
        with m.Case(Phase.FIRE):
            m.d.comb += [
                self._state_w.addr.eq(self._index),
                self._state_w.data.eq(self._step.after),
                self._state_w.en.eq(1),
                self.trace_valid.eq(1),
            ]
            self._erase(m)
            with m.If(self._step.spike):
                self._go(m, Phase.SEND)
            with m.Else():
                self._advance(m)
        with m.Case(Phase.SEND):
            m.d.comb += [self.sink.valid.eq(1), self.sink.payload.address.eq(self._index)]
            with m.If(self.sink.ready):
                self._advance(m)
        with m.Case(Phase.END):
            m.d.comb += [self.sink.valid.eq(1), self.sink.payload.tick.eq(1)]
            with m.If(self.sink.ready):
                self._go(m, Phase.ACCEPT)

    def _advance(self, m: Module) -> None:
        m.d.sync += self._index.eq(self._next)
        with m.If(self._last):
            self._go(m, Phase.END)
        with m.Else():
            self._go(m, Phase.READ)


def _as(shape: Shape, value: Value) -> Value:
    return value.as_signed() if shape.signed else value
