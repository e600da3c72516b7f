"""A population that looks at every event as hardware: one neuron's logic, states in block RAM.

::

            +--------+       +-------+
    events->| weight |------>|       |--> spikes, trace
            | memory |  +--->| logic |--+
            +--------+  |    +-------+  |
                        +-- state RAM <-+

A spike goes past all neurons, one a clock: state and weight are read in one clock, and what
the logic makes of them is written in the next. A tick starts the sweep that ends the step: two
clocks a neuron, and one more for each spike that is sent. A neuron that fired several times
sends its address as often.
"""

from __future__ import annotations

from enum import Enum

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ...golden.platforms.event_unit import EventContract
from ..aer import address_shape, event_stream
from ..cell import numbers_layout, state_layout, word_shape
from ..fixed import named
from ..unit import parameter_image, parameter_layout
from .event_logic import as_stored, count_shape, event_logic

__all__ = ["EventUnit", "event_trace_members", "event_weight_image"]


class Phase(Enum):
    """What an event unit is doing."""

    CLEAR = 0
    """after reset: write the initial state"""
    ACCEPT = 1
    """wait for an event, and begin with it"""
    PASS = 2
    """let a spike go past the other neurons"""
    READ = 3
    END = 4
    """the two clocks of a neuron at the end of a step"""
    SEND = 5
    """offer its spikes"""
    TICK = 6
    """offer the tick"""


def event_weight_image(contract: EventContract) -> list[int]:
    """Weight memory, ``2**ceil(log2 n)`` words a row, one row a line; two's complement."""
    n, mask = contract.cell.n, (1 << contract.cell.weight.width) - 1
    stride = 1 << address_shape(n).width
    words: list[int] = []
    for column in contract.weight.T:
        words += [int(w) & mask for w in column] + [0] * (stride - n)
    return words


def event_trace_members(contract: EventContract) -> dict[str, Shape]:
    """What a trace beat shows: the state after the step, and how often the neuron fired in it."""
    cell = contract.cell
    words = {k: word_shape(w) for k, w in cell.words.items()}
    return {"index": address_shape(cell.n), **words, "spike": count_shape(cell)}


class EventUnit(wiring.Component):
    """Time-multiplexed neurons of one population.

    Members
    -------
    source : In(event_stream(lines))
        Input spikes.
    sink : Out(event_stream(n))
        Spikes in ascending order, repeated where a neuron fired repeatedly, then the tick.
    trace : Out
        ``trace_valid`` and the fields of :func:`event_trace_members`, one beat a neuron and step.
    """

    def __init__(self, contract: EventContract) -> None:
        self.contract = contract
        self.cell = contract.cell
        super().__init__(
            {
                "source": In(event_stream(contract.lines)),
                "sink": Out(event_stream(contract.cell.n)),
                "trace_valid": Out(1),
                "trace": Out(data.StructLayout(event_trace_members(contract))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        n = self.cell.n
        self._index = Signal(address_shape(n), name="index")
        self._last = named(m, "last", self._index == n - 1)
        self._next = Signal.like(self._index, name="following_index")
        if n > 1:
            m.d.comb += self._next.eq(Mux(self._last, 0, self._index + 1))
        self._phase = Signal(Phase, name="phase")
        self._memories(m)
        self._logic(m)
        with m.Switch(self._phase):
            self._clear(m)
            self._accept(m)
            self._sweep(m)
        return m

    def _memories(self, m: Module) -> None:
        n, stored = self.cell.n, as_stored(self.cell)
        m.submodules.state_memory = states = memory.Memory(
            shape=state_layout(stored), depth=n, init=[]
        )
        self._write = states.write_port()
        # With one neuron the next read meets the write of the same word.
        self._state = states.read_port(transparent_for=[self._write] if n == 1 else [])
        words = event_weight_image(self.contract)
        m.submodules.weight_memory = weights = memory.Memory(
            shape=unsigned(self.cell.weight.width), depth=len(words), init=words
        )
        self._weight = weights.read_port()
        self._readers = [self._state]
        self._parameters: dict[str, Value] = {}
        image, layout = parameter_image(stored), parameter_layout(stored)
        if image:
            width = unsigned(Shape.cast(layout).width)
            m.submodules.parameter_memory = rom = memory.Memory(shape=width, depth=n, init=image)
            reader = rom.read_port()
            word = Signal(layout, name="varying")
            m.d.comb += word.as_value().eq(reader.data)
            self._parameters = {k: word[k] for k in dict(layout)}
            self._readers.append(reader)
        # A read port reads unless told otherwise; these must keep what they read.
        m.d.comb += [self._weight.en.eq(1), *(reader.en.eq(0) for reader in self._readers)]

    def _logic(self, m: Module) -> None:
        m.submodules.step = self._step = logic = event_logic(self.cell)
        weight = self._weight.data
        m.d.comb += [
            logic.state.eq(self._state.data),
            logic.weight.eq(weight.as_signed() if self.cell.weight.signed else weight),
            self.trace.index.eq(self._index),
            self.trace.spike.eq(logic.count),
        ]
        for name, field in dict(numbers_layout(as_stored(self.cell))).items():
            value = self._value(name, int(self.cell.numbers[name][0]), field.shape)
            m.d.comb += logic.numbers[name].eq(value)
        for word in self.cell.words:
            shown = logic.count if word == "fired" else logic.after[word]
            m.d.comb += self.trace[word].eq(shown)
        # What was read in the clock before, where ``pending``.
        self._pending = pending = Signal(name="pending")
        written = Signal.like(self._index, name="written", reset_less=True)
        with m.If(pending):
            self._store(m, written)
        m.d.sync += [pending.eq(0), written.eq(self._index)]

    def _store(self, m: Module, index: Value) -> None:
        m.d.comb += [
            self._write.addr.eq(index),
            self._write.data.eq(self._step.after),
            self._write.en.eq(1),
        ]

    def _value(self, name: str, uniform: int, shape: Shape) -> Value:
        """A parameter: a constant where all neurons have the same."""
        return self._parameters.get(name, Const(uniform, shape))

    def _read(self, m: Module, row: Value) -> None:
        """Ask the memories for a neuron; they answer in the next clock."""
        m.d.comb += self._weight.addr.eq(Cat(self._index, row))
        for reader in self._readers:
            m.d.comb += [reader.addr.eq(self._index), reader.en.eq(1)]

    def _clear(self, m: Module) -> None:
        """Write the initial state; the parameter memory answers one clock late."""
        asked = Signal(name="clear_asked")
        start = self.cell.start()
        with m.Case(Phase.CLEAR):
            self._read(m, Const(0, 1))
            m.d.sync += asked.eq(1)
            with m.If(asked):
                for word, field in dict(state_layout(as_stored(self.cell))).items():
                    value = self._value(f"start_{word}", int(start[word][0]), field.shape)
                    m.d.comb += self._write.data[word].eq(value)
                m.d.comb += [self._write.addr.eq(self._index), self._write.en.eq(1)]
                m.d.sync += [self._index.eq(self._next), asked.eq(0)]
                with m.If(self._last):
                    m.d.sync += self._phase.eq(Phase.ACCEPT)

    def _accept(self, m: Module) -> None:
        event = self.source.payload
        row = Signal.like(event.address, name="row", reset_less=True)
        with m.Case(Phase.ACCEPT):
            m.d.comb += self.source.ready.eq(1)
            self._read(m, event.address)
            m.d.sync += row.eq(event.address)
            with m.If(self.source.valid & event.tick):
                m.d.sync += self._phase.eq(Phase.READ)
            with m.Elif(self.source.valid):
                m.d.sync += [self._pending.eq(1), self._index.eq(self._next)]
                if self.cell.n > 1:
                    m.d.sync += self._phase.eq(Phase.PASS)
        with m.Case(Phase.PASS):
            self._read(m, row)
            m.d.sync += [self._pending.eq(1), self._index.eq(self._next)]
            with m.If(self._last):
                m.d.sync += self._phase.eq(Phase.ACCEPT)

    def _sweep(self, m: Module) -> None:
        left = Signal(count_shape(self.cell), name="left", reset_less=True)
        with m.Case(Phase.READ):
            self._read(m, Const(0, 1))
            m.d.sync += self._phase.eq(Phase.END)
        with m.Case(Phase.END):
            self._store(m, self._index)
            m.d.comb += [self._step.tick.eq(1), self.trace_valid.eq(1)]
            m.d.sync += left.eq(self._step.count)
            with m.If(self._step.count != 0):
                m.d.sync += self._phase.eq(Phase.SEND)
            with m.Else():
                self._advance(m)
        with m.Case(Phase.SEND):
            m.d.comb += [self.sink.valid.eq(1), self.sink.payload.address.eq(self._index)]
            with m.If(self.sink.ready):
                m.d.sync += left.eq(left - 1)
                with m.If(left == 1):
                    self._advance(m)
        with m.Case(Phase.TICK):
            m.d.comb += [self.sink.valid.eq(1), self.sink.payload.tick.eq(1)]
            with m.If(self.sink.ready):
                m.d.sync += self._phase.eq(Phase.ACCEPT)

    def _advance(self, m: Module) -> None:
        m.d.sync += [
            self._index.eq(self._next),
            self._phase.eq(Mux(self._last, Phase.TICK, Phase.READ)),
        ]
