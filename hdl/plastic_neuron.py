"""The neuron of a plastic core: the contract's step, its traces, and what its synapses need."""

from __future__ import annotations

from collections.abc import Iterable

from amaranth.hdl import Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..golden.learning.plastic import PlasticContract
from ..golden.learning.three_factor_integer import Mark, ThreeFactorInteger
from ..golden.learning.three_factor_integer import Signal as Third
from .fixed import named
from .plastic_memory import neuron_words
from .plastic_synapse import level_shape, trace_after, trace_seen
from .step import Fire, Leak, acc_shape, parameters, state_layout

__all__ = ["PlasticNeuron"]


class PlasticNeuron(wiring.Component):
    """A neuron in three clocks: leak, ``fire``, ``mark``; its inputs stand still meanwhile.

    Members
    -------
    stored, values, gathered : In
        What is stored, the parameters, the sum of weights.
    told : In
        Of the signal's lines that concern the neuron, which had a spike: its teacher's, or both
        of the reward.
    fire, mark, ended : In
        High in the second and third clock, and when the step has ended.
    after : Out
        What to store, right in the clock of ``mark``.
    spike : Out
        From the clock of ``mark`` on; so are, a clock later, the others.
    y_old, psi, level : Out
        The neuron's trace before the step; the pseudo-derivative and the signal of three factors.
    """

    def __init__(self, contract: PlasticContract) -> None:
        self.contract = contract
        rule = contract.rule
        self.three = rule if isinstance(rule, ThreeFactorInteger) else None
        c = contract.neurons
        layout = data.StructLayout(neuron_words(contract))
        numbers = data.StructLayout({p.name: p.shape for p in parameters(c)})
        members: dict[str, wiring.Member] = {
            "stored": In(layout),
            "values": In(numbers),
            "gathered": In(acc_shape(c)),
            "told": In(2),
            "fire": In(1),
            "mark": In(1),
            "ended": In(1),
            "after": Out(layout),
            "spike": Out(1),
            "y_old": Out(unsigned(contract.traces["y"].width)),
        }
        if self.three is not None:
            members |= {"psi": Out(8), "level": Out(level_shape(self.three))}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.contract.neurons
        m.submodules.leak = leak = Leak(c)
        m.submodules.fire_step = fire = Fire(c)
        leaked = Signal.like(leak.leaked, name="leaked", reset_less=True)
        stepped = Signal(state_layout(c), name="stepped", reset_less=True)
        names = [name for name, _ in state_layout(c)]
        for part in (leak, fire):
            m.d.comb += part.numbers.eq(self.values)
            m.d.comb += [part.state[k].eq(self.stored[k]) for k in names]
        m.d.comb += [leak.total.eq(self.gathered), fire.leaked.eq(leaked)]
        m.d.sync += leaked.eq(leak.leaked)
        with m.If(self.fire):
            m.d.sync += [stepped.eq(fire.after), self.spike.eq(fire.spike)]
        word = self.contract.traces["y"]
        seen = named(m, "y_seen", trace_seen(word, self.stored.y, self.spike))
        m.d.comb += [self.after[k].eq(stepped[k]) for k in names]
        m.d.comb += self.after.y.eq(trace_after(word, seen))
        with m.If(self.mark):
            m.d.sync += self.y_old.eq(self.stored.y)
        if self.three is not None:
            level = self._level(m, self.three, seen)
            with m.If(self.mark):
                m.d.sync += [self.level.eq(level), *self._psi(m, self.three, stepped.u)]
        return m

    def _level(self, m: Module, rule: ThreeFactorInteger, y_seen: Value) -> Value:
        """The third factor; traces of a reward lie here, those of teachers with the neurons."""
        if rule.signal is Third.TEACHER:
            s_seen = named(m, "s_seen", trace_seen(rule.s, self.stored.s, self.told[0]))
            m.d.comb += self.after.s.eq(trace_after(rule.s, s_seen))
            return s_seen - y_seen
        both = []
        for k in range(2):
            s = Signal(rule.s.width, name=f"s_{k}")
            seen = named(m, f"s_{k}_seen", trace_seen(rule.s, s, self.told[k]))
            with m.If(self.ended):
                m.d.sync += s.eq(trace_after(rule.s, seen))
            both.append(seen)
        return both[0] - both[1]

    def _psi(self, m: Module, rule: ThreeFactorInteger, u: Value) -> Iterable[object]:
        if rule.mark is not Mark.PSEUDO:
            return ()
        top = Const(rule.psi_top, 8)
        fall = named(m, "fall", (self.values.threshold - u) >> rule.psi_shift)
        ramp = Mux(fall > rule.psi_top, 0, Mux(fall < 0, top, (top - fall)[:8]))
        free = self.stored.hold == 0 if "hold" in neuron_words(self.contract) else Const(1)
        return (self.psi.eq(Mux(self.spike, top, Mux(free, ramp, 0))),)
