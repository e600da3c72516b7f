"""A population that learns, as hardware: :mod:`lifstone.golden.learning.plastic`.

::

             +--------------+      +------+      +-----+      +-----+
    events ->| weight memory|--+-->| sums |----->| Leak|-reg->| Fire|--> spikes, trace
             +--------------+  |   +------+      +-----+      +-----+
                    ^          |                                 |
                    |          v                                 v
                    |     +---------+    traces x of lines    traces y, s of neurons,
                    +-----| synapse |<---- and whether <------ psi, level
                          +---------+      they spoke

A spike on a plastic line goes through its row of weights, a clock a neuron: they are added up
and, under the inhibitory rule, changed. A tick starts the sweep: four clocks a neuron, and then
its column of weights, a clock a line, where the rule changes it. Then the traces of the lines
decay, a clock a line, and the tick leaves. Reset writes the initial state, weights included.
"""

from __future__ import annotations

from enum import Enum

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..golden.learning.plastic import PlasticContract
from ..golden.learning.three_factor_integer import Signal as Third
from ..golden.learning.three_factor_integer import ThreeFactorInteger
from ..golden.lfsr import seeds
from .aer import event_stream
from .fixed import named
from .lfsr import Register
from .plastic_memory import PlasticMemory, index_bits, neuron_words, plastic_traces
from .plastic_neuron import PlasticNeuron
from .plastic_synapse import synapse_of, trace_after, trace_seen
from .step import acc_shape

__all__ = ["PlasticCore"]


class Phase(Enum):
    """What the core is doing."""

    CLEAR = 0
    """after reset: the neurons"""
    WIPE = 1
    """after reset: the synapses and lines"""
    ACCEPT = 2
    ROW = 3
    SETTLE = 4
    """until the last synapse of a row, or of reset, is written"""
    READ = 5
    LEAK = 6
    FIRE = 7
    MARK = 8
    """traces, pseudo-derivative and signal of the neuron"""
    COLUMN = 9
    DRAIN = 10
    """until the last synapse of a column is written"""
    SEND = 11
    LINES = 12
    """the traces of the lines"""
    END = 13


class PlasticCore(wiring.Component):
    """Time-multiplexed neurons with weights that learn.

    Parameters
    ----------
    contract
        What the population computes.
    show
        Goes through every column in every step, so that the trace shows every weight; without,
        the inhibitory rule visits those of neurons that fired.

    Members
    -------
    source : In(event_stream(all lines))
        Plastic lines, then fixed ones, then those of the signal.
    sink : Out(event_stream(n))
        Spikes in ascending order, then the tick.
    neurons, synapses, lines : Out
        Beats of :func:`~.plastic_memory.plastic_traces`, each with ``<kind>_valid``.
    """

    def __init__(self, contract: PlasticContract, *, show: bool = False) -> None:
        self.contract, self.show = contract, show
        rule = contract.rule
        self.three = rule if isinstance(rule, ThreeFactorInteger) else None
        self.teacher = self.three is not None and self.three.signal is Third.TEACHER
        members: dict[str, wiring.Member] = {
            "source": In(event_stream(sum(contract.sizes.values()))),
            "sink": Out(event_stream(contract.n)),
        }
        for kind, fields in plastic_traces(contract).items():
            members[f"{kind}_valid"] = Out(1)
            members[kind] = Out(data.StructLayout(fields))
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.contract
        self._index = Signal(index_bits(c.n), name="index")
        self._column = Signal(index_bits(c.lines), name="column")
        self._line = Signal.like(self.source.payload.address, name="line", reset_less=True)
        self._phase = Signal(Phase, name="phase")
        self._last_index = named(m, "last_index", self._index == c.n - 1)
        self._last_column = named(m, "last_column", self._column == c.lines - 1)
        self._plastic = Signal(name="plastic", reset_less=True)
        in_row = self._phase == Phase.ROW
        row = Mux(in_row, self._line[: index_bits(c.lines)], self._column)
        self._mem = PlasticMemory(m, c, self._index, self._column, row, self._line)
        self._issue = named(m, "issue", in_row | (self._phase == Phase.COLUMN))
        self._in_row = in_row
        self._neuron(m)
        self._synapse(m)
        self._adder(m)
        self._line_traces(m)
        with m.Switch(self._phase):
            self._clear(m)
            self._accept(m)
            self._sweep(m)
            self._finish(m)
        return m

    def _go(self, m: Module, phase: Phase) -> None:
        m.d.sync += self._phase.eq(phase)

    def _count(self, m: Module) -> None:
        m.d.sync += self._index.eq(Mux(self._last_index, 0, self._index + 1))

    def _count_column(self, m: Module) -> None:
        m.d.sync += self._column.eq(Mux(self._last_column, 0, self._column + 1))

    def _neuron(self, m: Module) -> None:
        mem, phase = self._mem, self._phase
        m.submodules.neuron = neuron = PlasticNeuron(self.contract)
        self._told = Signal(2, name="signal_heard")
        self._ended = named(m, "step_done", (phase == Phase.END) & self.sink.ready)
        with m.If(self._ended):
            m.d.sync += self._told.eq(0)
        m.d.comb += [neuron.values[k].eq(v) for k, v in mem.numbers.items()]
        m.d.comb += [
            neuron.stored.eq(mem.state[0].data),
            neuron.gathered.eq(mem.sums[0].data),
            neuron.told.eq(mem.taught[0].data if self.teacher else self._told),
            neuron.fire.eq(phase == Phase.FIRE),
            neuron.mark.eq(phase == Phase.MARK),
            neuron.ended.eq(self._ended),
        ]
        self._unit, self._spike = neuron, neuron.spike

    def _synapse(self, m: Module) -> None:
        """Reads enter the pipeline a clock later, and are written where they came from."""
        mem = self._mem
        m.submodules.synapse = synapse = synapse_of(self.contract)
        m.submodules.generator = generator = Register()
        s0, s1 = (int(a[0]) for a in seeds(1, self.contract.seed))
        streams = [Signal(32, init=s0, name="stream_0"), Signal(32, init=s1, name="stream_1")]
        m.d.comb += [generator.s0.eq(streams[0]), generator.s1.eq(streams[1])]
        with m.If(self._ended):
            m.d.sync += [streams[0].eq(generator.next_s0), streams[1].eq(generator.next_s1)]
        first = Mux(self._in_row, self._index, self._column) == 0
        turned = Signal(32, name="turned", reset_less=True)
        with m.If(self._issue):
            m.d.sync += turned.eq(Mux(first, generator.word, turned.rotate_left(1)))
        changes = self._issue & (
            ~self._in_row | (self._plastic if self.three is None else Const(0))
        )
        # The pass is over before another kind of pass begins, so one flag says which it is.
        row = Signal(name="row", reset_less=True)
        with m.If(self._issue):
            m.d.sync += row.eq(self._in_row)
        m.d.comb += [
            synapse.weight.eq(mem.weight[0].data),
            synapse.x.eq(mem.x[0].data),
            synapse.heard.eq(mem.heard[0].data),
            synapse.y.eq(Mux(row, mem.state[0].data.y, self._unit.y_old)),
            synapse.post.eq(self._spike),
            synapse.row.eq(row),
            synapse.turned.eq(turned),
        ]
        live, place, write = [changes], [mem.place], mem.weight[1]
        for k in range(synapse.stages + 1):
            live.append(Signal(name=f"live_{k}"))
            place.append(Signal.like(mem.place, name=f"place_{k}", reset_less=True))
            m.d.sync += [live[-1].eq(live[-2]), place[-1].eq(place[-2])]
        self._busy = named(m, "busy", sum(live[1:-1], live[-1]) != 0)
        m.d.comb += [
            write.addr.eq(place[-1]), write.data.eq(synapse.weight_after), write.en.eq(live[-1])
        ]  # fmt: skip
        show = self.synapses
        beat = Signal.like(show.index, name="synapse_beat")
        m.d.comb += [
            self.synapses_valid.eq(live[-1] & ~row),
            show.index.eq(beat),
            show.weight.eq(synapse.weight_after),
            show.spike.eq(self._spike),
        ]
        with m.If(self.synapses_valid):
            end = self.contract.n * self.contract.lines - 1
            m.d.sync += beat.eq(Mux(beat == end, 0, beat + 1))
        if self.three is not None:
            write = mem.eligibility[1]
            m.d.comb += [
                synapse.eligibility.eq(mem.eligibility[0].data),
                synapse.psi.eq(self._unit.psi),
                synapse.level.eq(self._unit.level),
                write.addr.eq(place[-1]),
                write.data.eq(synapse.eligibility_after),
                write.en.eq(live[-1]),
                show.eligibility.eq(synapse.eligibility_after),
            ]

    def _adder(self, m: Module) -> None:
        """Sums of a row: read in one clock, written in the next."""
        weight, mem = self.contract.weight, self._mem
        adding = Signal(name="adding")
        into = Signal.like(self._index, name="into", reset_less=True)
        m.d.sync += [adding.eq(self._in_row), into.eq(self._index)]
        felt = mem.weight[0].data >> weight.fine
        brought = Mux(self._plastic, felt if weight.sign > 0 else -felt, mem.fixed)
        total = Signal(acc_shape(self.contract.neurons), name="row_sum")
        m.d.comb += total.eq(mem.sums[0].data + brought)
        self._adding = adding
        with m.If(adding):
            m.d.comb += [mem.sums[1].addr.eq(into), mem.sums[1].data.eq(total)]
            m.d.comb += mem.sums[1].en.eq(1)

    def _line_traces(self, m: Module) -> None:
        """Traces of the lines, a clock after they were read in ``LINES``."""
        mem, word = self._mem, self.contract.traces["x"]
        live = Signal(name="line_live")
        where = Signal.like(self._column, name="line_place", reset_less=True)
        m.d.sync += [live.eq(self._phase == Phase.LINES), where.eq(self._column)]
        seen = named(m, "x_seen", trace_seen(word, mem.x[0].data, mem.heard[0].data))
        m.d.comb += [
            self.lines_valid.eq(live),
            self.lines.index.eq(where),
            self.lines.x.eq(trace_after(word, seen)),
            self.lines.spike.eq(mem.heard[0].data),
        ]
        with m.If(live):
            m.d.comb += [
                mem.x[1].addr.eq(where),
                mem.x[1].data.eq(self.lines.x),
                mem.x[1].en.eq(1),
                mem.heard[1].addr.eq(where),
                mem.heard[1].en.eq(1),
            ]
        self._lines_live = live

    def _clear(self, m: Module) -> None:
        """The initial state; memories of what lies there answer a clock late."""
        mem = self._mem
        asked = Signal(name="asked")
        with m.Case(Phase.CLEAR):
            m.d.sync += asked.eq(~asked)
            with m.If(asked):
                m.d.comb += [
                    mem.state[1].addr.eq(self._index),
                    mem.state[1].data.u.eq(mem.numbers["u_init"]),
                    mem.state[1].en.eq(1),
                    mem.sums[1].addr.eq(self._index),
                    mem.sums[1].en.eq(1),
                ]
                if self.teacher:
                    m.d.comb += [mem.taught[1].addr.eq(self._index), mem.taught[1].en.eq(1)]
                self._count(m)
                with m.If(self._last_index):
                    self._go(m, Phase.WIPE)
        with m.Case(Phase.WIPE):
            m.d.sync += asked.eq(~asked)
            with m.If(asked):
                synapses = [(mem.weight[1], mem.start)]
                if self.three is not None:
                    synapses.append((mem.eligibility[1], Const(0)))
                for port, word in synapses:
                    m.d.comb += [port.addr.eq(mem.place), port.data.eq(word), port.en.eq(1)]
                lines = [mem.x[1], mem.heard[1]]
                m.d.comb += [port.addr.eq(self._column) for port in lines]
                m.d.comb += [port.en.eq(1) for port in lines]
                m.d.comb += [port.data.eq(0) for port in lines]
                self._count(m)
                with m.If(self._last_index):
                    self._count_column(m)
                    with m.If(self._last_column):
                        self._go(m, Phase.SETTLE)

    def _accept(self, m: Module) -> None:
        """Take an event: its row, or a flag of the signal's line."""
        c, event = self.contract, self.source.payload
        signal = c.lines + c.fixed.shape[1]
        with m.Case(Phase.ACCEPT):
            plastic = named(m, "asks_plastic", event.address < c.lines)
            m.d.comb += self.source.ready.eq(1)
            m.d.sync += [self._line.eq(event.address), self._plastic.eq(plastic)]
            with m.If(self.source.valid & event.tick):
                self._go(m, Phase.READ)
            with m.Elif(self.source.valid & (event.address < signal)):
                with m.If(plastic):
                    write = self._mem.heard[1]
                    m.d.comb += [write.addr.eq(event.address), write.data.eq(1), write.en.eq(1)]
                self._go(m, Phase.ROW)
            if self.three is not None:
                with m.Elif(self.source.valid):
                    which = (event.address - signal)[: index_bits(self.three.lines(c.n))]
                    if self.teacher:
                        write = self._mem.taught[1]
                        m.d.comb += [write.addr.eq(which), write.data.eq(1), write.en.eq(1)]
                    else:
                        m.d.sync += self._told.bit_select(which, 1).eq(1)
        with m.Case(Phase.ROW):
            self._count(m)
            with m.If(self._last_index):
                self._go(m, Phase.SETTLE)
        with m.Case(Phase.SETTLE), m.If(~self._busy & ~self._adding):
            self._go(m, Phase.ACCEPT)

    def _sweep(self, m: Module) -> None:
        mem = self._mem
        with m.Case(Phase.READ):
            self._go(m, Phase.LEAK)
        with m.Case(Phase.LEAK):
            self._go(m, Phase.FIRE)
        with m.Case(Phase.FIRE):
            self._go(m, Phase.MARK)
        with m.Case(Phase.MARK):
            after = self._unit.after
            m.d.comb += [mem.state[1].addr.eq(self._index), mem.state[1].en.eq(1)]
            m.d.comb += mem.state[1].data.eq(after)
            m.d.comb += [mem.sums[1].addr.eq(self._index), mem.sums[1].en.eq(1)]
            if self.teacher:
                m.d.comb += [mem.taught[1].addr.eq(self._index), mem.taught[1].en.eq(1)]
            m.d.comb += [self.neurons_valid.eq(1), self.neurons.index.eq(self._index)]
            m.d.comb += self.neurons.spike.eq(self._spike)
            shown = [k for k in neuron_words(self.contract) if k != "hold"]
            m.d.comb += [self.neurons[k].eq(after[k]) for k in shown]
            always = self.show or self.three is not None
            with m.If(Const(1) if always else self._spike):
                self._go(m, Phase.COLUMN)
            with m.Else():
                self._advance(m)
        with m.Case(Phase.COLUMN):
            self._count_column(m)
            with m.If(self._last_column):
                self._go(m, Phase.DRAIN)
        with m.Case(Phase.DRAIN), m.If(~self._busy):
            with m.If(self._spike):
                self._go(m, Phase.SEND)
            with m.Else():
                self._advance(m)
        with m.Case(Phase.SEND):
            m.d.comb += [self.sink.valid.eq(1), self.sink.payload.address.eq(self._index)]
            with m.If(self.sink.ready):
                self._advance(m)

    def _advance(self, m: Module) -> None:
        self._count(m)
        with m.If(self._last_index):
            self._go(m, Phase.LINES)
        with m.Else():
            self._go(m, Phase.READ)

    def _finish(self, m: Module) -> None:
        with m.Case(Phase.LINES):
            self._count_column(m)
            with m.If(self._last_column):
                self._go(m, Phase.END)
        with m.Case(Phase.END):
            m.d.comb += [self.sink.valid.eq(1), self.sink.payload.tick.eq(1)]
            with m.If(self.sink.ready):
                self._go(m, Phase.ACCEPT)
