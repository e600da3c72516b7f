"""A population as hardware with parallel lanes: latency falls as area grows.

Neuron ``j`` lives in lane ``j % lanes`` of group ``j // lanes``. A word of each memory holds a
group, one number for each lane::

            +--------+ word +--------------+     +------+      +------+
    events->| weight |=====>| accumulators |====>| Leak |=reg=>| Fire |==> spikes by lane --+
            | memory |      |    (RAM)     |  +=>| each |      | each |==+                  |
            +--------+      +--------------+  |  | lane |      | lane |  |     one a clock, |
                                              |  +------+      +------+  |  ascending <-----+
                                              +======== state RAM <======+

A spike adds its row of weights, one group a clock: ask for the weights, then for the sums, then
write, each a clock after the other. A tick starts the sweep, a pipeline of three
stages (read, leak, fire) that takes a group a clock and halts while the spikes of a group
leave. With ``trace`` it also halts while the states of a group are shown, one a clock; nothing
else depends on ``trace``.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..golden.contract import Contract
from ..golden.errors import require
from ..golden.fixed import Ints
from .aer import event_stream
from .core import load_member, trace_members
from .fixed import named
from .lane import Lane, parameter_bits, state_bits
from .lanes import check_lanes, groups_of, parameter_words, weight_words
from .step import acc_shape, state_layout
from .weights import Store, weight_port

__all__ = ["LanedCore"]


class Phase(Enum):
    """What a core is doing."""

    CLEAR = 0
    """after reset: write the initial state"""
    ACCEPT = 1
    """wait for an event"""
    ADD = 2
    """add a spike's row of weights to the sums"""
    SWEEP = 3
    """read, leak and fire, a group a clock; offer its spikes; at last offer the tick"""
    SHOW = 4
    """trace the group that fired, a neuron a clock"""


class LanedCore(wiring.Component):
    """Neurons of one population, ``lanes`` of them at once.

    Parameters
    ----------
    contract, matrices, rows, store, loadable
        As for :class:`~.core.Core`.
    lanes
        A power of two from 2 to the number of neurons.
    trace
        Whether states are shown; a step then takes ``n`` clocks more.

    Members
    -------
    source, sink, trace_valid, trace, load
        As for :class:`~.core.Core`; the trace is silent without ``trace``.
    """

    def __init__(
        self,
        contract: Contract,
        matrices: Sequence[Ints],
        rows: int,
        lanes: int,
        *,
        trace: bool = False,
        store: Store = Store.AUTO,
        loadable: bool = False,
    ) -> None:
        known = sum(m.shape[1] for m in matrices)
        require(known <= rows, "rows", rows, f"at least {known}")
        check_lanes("lanes", lanes, contract.n)
        require(lanes >= 2, "lanes", lanes, "at least 2: Core has one")
        self.contract, self.matrices = contract, list(matrices)
        self.lanes, self.groups = lanes, groups_of(contract.n, lanes)
        self.traced = trace
        self.store, self.loadable = store, loadable or store is Store.SPRAM
        self._filled = contract.n - (self.groups - 1) * lanes
        beat = data.StructLayout(trace_members(contract))
        super().__init__(
            {
                "source": In(event_stream(rows)),
                "sink": Out(event_stream(contract.n)),
                "trace_valid": Out(1),
                "trace": Out(beat),
                **load_member(contract, known, self.loadable),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._group = self._group_signal("group")
        self._last = named(m, "last", self._group == self.groups - 1)
        self._next = self._group_signal("following_group")
        if self.groups > 1:
            m.d.comb += self._next.eq(Mux(self._last, 0, self._group + 1))
        self._phase = Signal(Phase, name="phase")
        self._memories(m)
        self._parameters(m)
        self._datapath(m)
        self._adder(m)
        self._stages(m)
        self._leaving(m)
        if self.traced:
            self._tracer(m)
        with m.Switch(self._phase):
            self._clear(m)
            self._accept(m)
            self._sweep(m)
            self._show(m)
        return m

    def _group_signal(self, name: str) -> Signal:
        return Signal(max(1, (self.groups - 1).bit_length()), name=name)

    def _go(self, m: Module, phase: Phase) -> None:
        m.d.sync += self._phase.eq(phase)

    def _part(self, word: Value, lane: int) -> Value:
        """What belongs to ``lane`` in a word of all lanes."""
        width = len(word) // self.lanes
        return word[lane * width : (lane + 1) * width]

    def _memories(self, m: Module) -> None:
        c, lanes = self.contract, self.lanes
        m.submodules.state_memory = states = memory.Memory(
            shape=unsigned(state_bits(c) * lanes), depth=self.groups, init=[]
        )
        m.submodules.sum_memory = sums = memory.Memory(
            shape=unsigned(c.acc_width * lanes), depth=self.groups, init=[]
        )
        state_write = states.write_port()
        sum_write = sums.write_port()
        # With one group the next spike reads the word that is being written.
        through = [sum_write] if self.groups == 1 else []
        state_read = states.read_port()
        sum_read = sums.read_port(transparent_for=through)
        # A read port reads unless told otherwise; these must keep what they read.
        m.d.comb += [state_read.en.eq(0), sum_read.en.eq(0)]
        words = weight_words(c, self.matrices, lanes) or [0]
        self._weight_r = weight_port(m, self, c.weight_width, lanes, words)
        self._state_w, self._state_r = state_write, state_read
        self._acc_w, self._acc_r = sum_write, sum_read

    def _parameters(self, m: Module) -> None:
        """A read-only memory for the parameters that differ between neurons."""
        self._rom_r = None
        width = parameter_bits(self.contract)
        if width:
            m.submodules.parameter_memory = rom = memory.Memory(
                shape=unsigned(width * self.lanes),
                depth=self.groups,
                init=parameter_words(self.contract, width, self.lanes),
            )
            parameter_read = rom.read_port()
            m.d.comb += parameter_read.en.eq(0)
            self._rom_r = parameter_read

    def _datapath(self, m: Module) -> None:
        lanes = [Lane(self.contract) for _ in range(self.lanes)]
        self._move = Signal(name="move")
        for k, lane in enumerate(lanes):
            m.submodules[f"lane_{k}"] = lane
            m.d.comb += [
                lane.move.eq(self._move),
                lane.state.eq(self._part(self._state_r.data, k)),
                lane.total.eq(self._part(self._acc_r.data, k).as_signed()),
            ]
            if self._rom_r is not None:
                m.d.comb += lane.varying.eq(self._part(self._rom_r.data, k))
        self._initial = Cat(lane.first for lane in lanes)
        self._after = named(m, "after", Cat(lane.after for lane in lanes))
        self._spikes = Cat(lane.spike for lane in lanes)
        asked = self.source.valid & ~self.source.payload.tick & (self._phase == Phase.ACCEPT)
        reading = asked | (self._phase == Phase.ADD)
        m.d.comb += self._weight_r.en.eq(reading if self.loadable else 1)

    def _read(self, m: Module) -> None:
        """Ask the memories for a group; they answer in the next clock."""
        ports = [self._state_r, self._acc_r, *([self._rom_r] if self._rom_r is not None else [])]
        for port in ports:
            m.d.comb += [port.addr.eq(self._group), port.en.eq(1)]

    def _write(self, m: Module, group: Value, states: Value) -> None:
        """Store states; their sums begin again at zero."""
        m.d.comb += [
            self._state_w.addr.eq(group),
            self._state_w.data.eq(states),
            self._state_w.en.eq(1),
            self._acc_w.addr.eq(group),
            self._acc_w.en.eq(1),
        ]

    def _clear(self, m: Module) -> None:
        """Write the initial state; the parameter memory answers one clock late."""
        asked = Signal(name="clear_asked")
        with m.Case(Phase.CLEAR):
            self._read(m)
            m.d.sync += asked.eq(1)
            with m.If(asked):
                self._write(m, self._group, self._initial)
                m.d.sync += [self._group.eq(self._next), asked.eq(0)]
                with m.If(self._last):
                    self._go(m, Phase.ACCEPT)

    def _adder(self, m: Module) -> None:
        """Add what the weight memory answers, in two stages; a tick comes a clock later still."""
        self._pending, adding = Signal(name="pending"), Signal(name="adding")
        asked = self._group_signal("asked_group")
        written = self._group_signal("written_group")
        weights = Signal.like(self._weight_r.data, name="weights", reset_less=True)
        sums = []
        for k in range(self.lanes):
            total = Signal(acc_shape(self.contract), name=f"row_sum_{k}")
            old = self._part(self._acc_r.data, k).as_signed()
            m.d.comb += total.eq(old + self._part(weights, k).as_signed())
            sums.append(total)
        with m.If(self._pending):
            m.d.comb += [self._acc_r.addr.eq(asked), self._acc_r.en.eq(1)]
        with m.If(adding):
            m.d.comb += [
                self._acc_w.addr.eq(written),
                self._acc_w.data.eq(Cat(sums)),
                self._acc_w.en.eq(1),
            ]
        m.d.sync += [
            self._pending.eq(0),
            adding.eq(self._pending),
            weights.eq(self._weight_r.data),
            asked.eq(self._group),
            written.eq(asked),
        ]

    def _weights(self, m: Module, row: Value) -> None:
        rows = Cat(self._group, row) if self.groups > 1 else row
        m.d.comb += self._weight_r.addr.eq(rows)

    def _accept(self, m: Module) -> None:
        """Ask for the weights of each spike, a word a clock."""
        event = self.source.payload
        row = Signal.like(event.address, name="row", reset_less=True)
        with m.Case(Phase.ACCEPT):
            m.d.comb += self.source.ready.eq(1)
            self._weights(m, event.address)
            m.d.sync += row.eq(event.address)
            with m.If(self.source.valid & event.tick):
                m.d.sync += self._reading.eq(1)
                self._go(m, Phase.SWEEP)
            with m.Elif(self.source.valid):
                m.d.sync += self._pending.eq(1)
                if self.groups > 1:
                    m.d.sync += self._group.eq(self._next)
                    self._go(m, Phase.ADD)
        if self.groups > 1:
            with m.Case(Phase.ADD):
                self._weights(m, row)
                m.d.sync += [self._pending.eq(1), self._group.eq(self._next)]
                with m.If(self._last):
                    self._go(m, Phase.ACCEPT)

    def _stages(self, m: Module) -> None:
        """What the stages of the sweep hold: read, leak, fire."""
        self._reading = Signal(name="reading")
        self._leaking, self._firing = Signal(name="leaking"), Signal(name="firing")
        self._leak_group = self._group_signal("leak_group")
        self._fire_group = self._group_signal("fire_group")
        self._fire_last = named(m, "fire_last", self._fire_group == self.groups - 1)
        # The lanes of the last group that no neuron fills never fire.
        mask = (1 << self._filled) - 1
        every = (1 << self.lanes) - 1
        self._spikes = named(m, "spikes", self._spikes & Mux(self._fire_last, mask, every))

    def _sweep(self, m: Module) -> None:
        """The stages move where no spike waits; what fired is looked at a clock later."""
        with m.Case(Phase.SWEEP):
            with m.If(self._waiting.any()):
                m.d.comb += self.sink.valid.eq(1)
                m.d.comb += self.sink.payload.address.eq(self._neuron(self._sent))
                with m.If(self.sink.ready):
                    m.d.sync += self._waiting.eq(self._rest)
            with m.Elif(self._finished):
                m.d.comb += [self.sink.valid.eq(1), self.sink.payload.tick.eq(1)]
                with m.If(self.sink.ready):
                    m.d.sync += self._finished.eq(0)
                    self._go(m, Phase.ACCEPT)
            with m.Else():
                self._advance(m)

    def _advance(self, m: Module) -> None:
        m.d.comb += self._move.eq(1)
        m.d.sync += [
            self._leaking.eq(self._reading),
            self._firing.eq(self._leaking),
            self._leak_group.eq(self._group),
            self._fire_group.eq(self._leak_group),
        ]
        with m.If(self._reading):
            self._read(m)
            m.d.sync += [self._group.eq(self._next), self._reading.eq(~self._last)]
        with m.If(self._firing):
            self._write(m, self._fire_group, self._after)
            m.d.sync += [
                self._fired.eq(self._fire_group),
                self._waiting.eq(self._spikes),
                self._finished.eq(self._fire_last),
            ]
            if self.traced:
                self._go(m, Phase.SHOW)

    def _leaving(self, m: Module) -> None:
        """Spikes of the group that fired and still wait to be sent; the lowest goes first."""
        self._waiting = Signal(self.lanes, name="waiting")
        self._fired = self._group_signal("fired_group")
        self._finished = Signal(name="finished")
        self._sent = Signal(range(self.lanes), name="sent_lane")
        for k in reversed(range(self.lanes)):
            with m.If(self._waiting[k]):
                m.d.comb += self._sent.eq(k)
        self._rest = named(m, "rest", self._waiting & (self._waiting - 1)[: self.lanes])

    def _neuron(self, lane: Value) -> Value:
        return Cat(lane, self._fired) if self.groups > 1 else lane

    def _tracer(self, m: Module) -> None:
        """The states of the group that fired, and the lane that is shown."""
        c = self.contract
        self._lane = lane = Signal(range(self.lanes), name="shown_lane")
        states = Signal.like(self._after, name="shown_states", reset_less=True)
        state = Signal(state_layout(c), name="shown")
        top = Mux(self._finished, self._filled - 1, self.lanes - 1)
        self._shown_all = named(m, "shown_all", lane == top)
        with m.If(self._phase == Phase.SWEEP):
            m.d.sync += states.eq(self._after)
        m.d.comb += [
            state.as_value().eq(Array(self._part(states, k) for k in range(self.lanes))[lane]),
            self.trace.index.eq(self._neuron(lane)),
            self.trace.u.eq(state.u),
            self.trace.spike.eq(Array(self._waiting)[lane]),
        ]
        if c.has_synapse:
            m.d.comb += self.trace.i.eq(state.i)

    def _show(self, m: Module) -> None:
        """Trace beats of the group that fired, in ascending order."""
        if not self.traced:
            return
        with m.Case(Phase.SHOW):
            m.d.comb += self.trace_valid.eq(1)
            m.d.sync += self._lane.eq(self._lane + 1)
            with m.If(self._shown_all):
                m.d.sync += self._lane.eq(0)
                self._go(m, Phase.SWEEP)
