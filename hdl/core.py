"""A population as hardware: one neuron circuit, all states in block RAM.

::

            +--------+     +--------------+     +-----+      +-----+
    events->| weight |---->| accumulators |---->| Leak|-reg->| Fire|--> spikes, trace
            | memory |     |    (RAM)     |  +->|     |      |     |--+
            +--------+     +--------------+  |  +-----+      +-----+  |
                                             +------ state RAM <------+

A spike adds its row of weights to the accumulators, one weight a clock. A tick starts the
sweep: three clocks a neuron (read, leak, fire) and one more for each spike that is sent.
After reset, a sweep writes the initial state into the memories.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..golden.contract import Contract
from ..golden.errors import InvalidValue, require
from ..golden.fixed import Ints, limits
from .aer import address_shape, event_stream
from .fixed import named
from .step import Fire, Leak, acc_shape, parameters, state_layout
from .weights import Store, address_bits, weight_load_stream, weight_port

__all__ = ["Core", "pack_parameters", "pack_weights", "trace_members"]


class Phase(Enum):
    """What a core is doing."""

    CLEAR = 0
    """after reset: write the initial state"""
    ACCEPT = 1
    """wait for an event"""
    ADD = 2
    """add a spike's row of weights to the sums"""
    READ = 3
    LEAK = 4
    FIRE = 5
    """three clocks of a neuron"""
    SEND = 6
    """offer its spike"""
    END = 7
    """offer the tick"""


def pack_weights(contract: Contract, matrices: Sequence[Ints]) -> list[int]:
    """Weight memory, ``2**ceil(log2 n)`` words a row, one row a source line.

    ``matrices`` have shape ``(n, n_pre)``; words are two's complement.

    Raises
    ------
    InvalidValue
        For a weight that does not fit its word.
    """
    stride = 1 << _index_bits(contract)
    mask = (1 << contract.weight_width) - 1
    low, high = limits(contract.weight_width)
    words: list[int] = []
    for matrix in matrices:
        for j, k in np.argwhere((matrix < low) | (matrix > high)):
            raise InvalidValue(f"weight[{j}, {k}]", int(matrix[j, k]), f"{low} to {high}")
        for column in matrix.T:
            words += [int(w) & mask for w in column] + [0] * (stride - contract.n)
    return words


def pack_parameters(contract: Contract) -> list[int]:
    """Words of the parameter memory: those parameters that are not uniform."""
    varying = [p for p in parameters(contract) if not p.uniform]
    words = []
    for j in range(contract.n):
        word, at = 0, 0
        for p in varying:
            word |= (p.values[j] & ((1 << p.shape.width) - 1)) << at
            at += p.shape.width
        words.append(word)
    return words


def trace_members(contract: Contract) -> dict[str, Shape]:
    """What a trace beat shows: the state of one neuron after its step."""
    members = {"index": address_shape(contract.n), "u": signed(contract.width)}
    if contract.has_synapse:
        members["i"] = signed(contract.syn_width)
    return {**members, "spike": unsigned(1)}


def load_member(contract: Contract, rows: int, loadable: bool) -> dict[str, wiring.Member]:
    """The member ``load`` of a core with ``rows`` rows of weights, if it has one."""
    if not loadable:
        return {}
    bits = address_bits(contract.n, rows)
    return {"load": In(weight_load_stream(bits, contract.weight_width))}


def _index_bits(contract: Contract) -> int:
    return max(1, (contract.n - 1).bit_length())


class Core(wiring.Component):
    """Time-multiplexed neurons of one population.

    Parameters
    ----------
    contract
        What the population computes.
    matrices
        Integer weights of each source, ``(n, n_pre)``; may be empty for a source of ticks.
    store
        What the weight memory is made of.
    loadable
        Whether weights can be written at run time; always where they lie in SPRAM.

    Members
    -------
    source : In(event_stream(rows))
        Input spikes by row of the weight memory.
    sink : Out(event_stream(n))
        Spikes in ascending order, then the tick.
    trace : Out
        ``valid`` and the fields of :func:`trace_members`, one beat a neuron and step.
    load : In(weight_load_stream)
        Weights by their place in :func:`pack_weights`; only if ``loadable``.
    """

    def __init__(
        self,
        contract: Contract,
        matrices: Sequence[Ints],
        rows: int,
        *,
        store: Store = Store.AUTO,
        loadable: bool = False,
    ) -> None:
        known = sum(m.shape[1] for m in matrices)
        require(known <= rows, "rows", rows, f"at least {known}")
        self.contract = contract
        self.matrices = list(matrices)
        self.rows = rows
        self.store, self.loadable = store, loadable or store is Store.SPRAM
        trace = data.StructLayout(trace_members(contract))
        super().__init__(
            {
                "source": In(event_stream(rows)),
                "sink": Out(event_stream(contract.n)),
                "trace_valid": Out(1),
                "trace": Out(trace),
                **load_member(contract, known, self.loadable),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.contract
        self._index = Signal(_index_bits(c), name="index")
        self._last = named(m, "last", self._index == c.n - 1)
        self._next = Signal(_index_bits(c), name="following_index")
        if c.n > 1:
            m.d.comb += self._next.eq(Mux(self._last, 0, self._index + 1))
        self._phase = Signal(Phase, name="phase")
        self._memories(m)
        self._parameter(m)
        self._datapath(m)
        self._adder(m)
        with m.Switch(self._phase):
            self._clear(m)
            self._accept(m)
            self._sweep(m)
        return m

    def _go(self, m: Module, phase: Phase) -> None:
        m.d.sync += self._phase.eq(phase)

    def _memories(self, m: Module) -> None:
        c = self.contract
        m.submodules.state_memory = states = memory.Memory(
            shape=state_layout(c), depth=c.n, init=[]
        )
        m.submodules.sum_memory = sums = memory.Memory(shape=acc_shape(c), depth=c.n, init=[])
        state_write = states.write_port()
        sum_write = sums.write_port()
        # With one neuron the next read meets the write of the same word.
        through = c.n == 1
        state_read = states.read_port(transparent_for=[state_write] if through else [])
        sum_read = sums.read_port(transparent_for=[sum_write] if through else [])
        # A read port reads unless told otherwise; these must keep what they read.
        m.d.comb += [state_read.en.eq(0), sum_read.en.eq(0)]
        self._weight_r = weight_port(m, self, c.weight_width, 1, self._weight_words())
        self._state_w, self._state_r = state_write, state_read
        self._acc_w, self._acc_r = sum_write, sum_read

    def _weight_words(self) -> list[int]:
        return pack_weights(self.contract, self.matrices) or [0]

    def _parameter(self, m: Module) -> None:
        """Constants, and a read-only memory for what differs between neurons."""
        self._values: dict[str, object] = {
            p.name: Const(p.values[0], p.shape) for p in parameters(self.contract) if p.uniform
        }
        varying = [p for p in parameters(self.contract) if not p.uniform]
        self._rom_r = None
        if varying:
            layout = data.StructLayout({p.name: p.shape for p in varying})
            width = Shape.cast(layout).width
            init = pack_parameters(self.contract)
            m.submodules.parameter_memory = rom = memory.Memory(
                shape=unsigned(width), depth=self.contract.n, init=init
            )
            parameter_read = rom.read_port()
            m.d.comb += parameter_read.en.eq(0)
            word = Signal(layout, name="varying")
            m.d.comb += word.as_value().eq(parameter_read.data)
            self._rom_r = parameter_read
            self._values.update({p.name: word[p.name] for p in varying})

    def _datapath(self, m: Module) -> None:
        c = self.contract
        m.submodules.leak = leak = Leak(c)
        m.submodules.fire = fire = Fire(c)
        self._fire = fire
        leaked = Signal.like(leak.leaked, name="leaked", reset_less=True)
        m.d.sync += leaked.eq(leak.leaked)
        numbers = Signal(leak.numbers.shape(), name="numbers")
        m.d.comb += [numbers[k].eq(v) for k, v in self._values.items()]
        for part in (leak, fire):
            m.d.comb += [part.state.eq(self._state_r.data), part.numbers.eq(numbers)]
        m.d.comb += [fire.leaked.eq(leaked), leak.total.eq(self._acc_r.data)]
        m.d.comb += [
            self.trace.index.eq(self._index),
            self.trace.u.eq(fire.after.u),
            self.trace.spike.eq(fire.spike),
        ]
        if c.has_synapse:
            m.d.comb += self.trace.i.eq(fire.after.i)
        asked = self.source.valid & ~self.source.payload.tick & (self._phase == Phase.ACCEPT)
        reading = asked | (self._phase == Phase.ADD)
        m.d.comb += self._weight_r.en.eq(reading if self.loadable else 1)

    def _read(self, m: Module, index: object) -> None:
        """Ask the memories for a neuron; they answer in the next clock."""
        m.d.comb += [
            self._state_r.addr.eq(index),
            self._state_r.en.eq(1),
            self._acc_r.addr.eq(index),
            self._acc_r.en.eq(1),
        ]
        if self._rom_r is not None:
            m.d.comb += [self._rom_r.addr.eq(index), self._rom_r.en.eq(1)]

    def _clear(self, m: Module) -> None:
        """Write the initial state; the parameter memory answers one clock late."""
        asked = Signal(name="clear_asked")
        with m.Case(Phase.CLEAR):
            self._read(m, self._index)
            m.d.sync += asked.eq(1)
            with m.If(asked):
                m.d.comb += [
                    self._state_w.addr.eq(self._index),
                    self._state_w.data.u.eq(self._values["u_init"]),
                    self._state_w.en.eq(1),
                    self._acc_w.addr.eq(self._index),
                    self._acc_w.en.eq(1),
                ]
                m.d.sync += [self._index.eq(self._next), asked.eq(0)]
                with m.If(self._last):
                    self._go(m, Phase.ACCEPT)

    def _adder(self, m: Module) -> None:
        """Write the sum of what was read in the clock before, where ``pending``."""
        self._pending = pending = Signal(name="pending")
        written = Signal.like(self._index, name="written", reset_less=True)
        total = Signal(acc_shape(self.contract), name="row_sum")
        m.d.comb += total.eq(self._acc_r.data + self._weight_r.data.as_signed())
        with m.If(pending):
            m.d.comb += [
                self._acc_w.addr.eq(written),
                self._acc_w.data.eq(total),
                self._acc_w.en.eq(1),
            ]
        m.d.sync += [pending.eq(0), written.eq(self._target(m))]

    def _target(self, m: Module) -> Value:
        """Whose sum is read while a spike is added."""
        return self._index

    def _accept(self, m: Module) -> None:
        """Add the weights of each spike: read a word in one clock, write it in the next."""
        event = self.source.payload
        row = Signal.like(event.address, name="row", reset_less=True)
        with m.Case(Phase.ACCEPT):
            m.d.comb += [
                self.source.ready.eq(1),
                self._weight_r.addr.eq(Cat(self._index, event.address)),
            ]
            self._read(m, self._index)
            m.d.sync += row.eq(event.address)
            with m.If(self.source.valid & event.tick):
                self._go(m, Phase.READ)
            with m.Elif(self.source.valid):
                m.d.sync += self._pending.eq(1)
                if self.contract.n > 1:
                    m.d.sync += self._index.eq(self._next)
                    self._go(m, Phase.ADD)
        if self.contract.n > 1:
            with m.Case(Phase.ADD):
                m.d.comb += self._weight_r.addr.eq(Cat(self._index, row))
                self._read(m, self._index)
                m.d.sync += [self._pending.eq(1), self._index.eq(self._next)]
                with m.If(self._last):
                    self._go(m, Phase.ACCEPT)

    def _sweep(self, m: Module) -> None:
        fire = self._fire
        with m.Case(Phase.READ):
            self._read(m, self._index)
            self._go(m, Phase.LEAK)
        with m.Case(Phase.LEAK):
            self._go(m, Phase.FIRE)
        with m.Case(Phase.FIRE):
            m.d.comb += [
                self._state_w.addr.eq(self._index),
                self._state_w.data.eq(fire.after),
                self._state_w.en.eq(1),
                self._acc_w.addr.eq(self._index),
                self._acc_w.en.eq(1),
                self.trace_valid.eq(1),
            ]
            with m.If(fire.spike):
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
