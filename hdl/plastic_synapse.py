"""What a plastic synapse becomes: the rules of :mod:`lifstone.golden.learning` as pipelines.

A synapse a clock enters, and leaves ``stages`` clocks later. What belongs to the neuron
(``y``, ``post``, ``psi``, ``level``) stands still until the last has left, except ``y`` where
``row`` is set: there each synapse is of another neuron.
"""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..golden.fixed import Rounding
from ..golden.learning.inhibitory_integer import InhibitoryInteger
from ..golden.learning.integer_update import TraceWord, Update, WeightWord
from ..golden.learning.plastic import PlasticContract
from ..golden.learning.three_factor_integer import Mark, ThreeFactorInteger
from .fixed import named, saturate, shift_right

__all__ = ["InhibitorySynapse", "ThreeFactorSynapse", "level_shape", "synapse_of", "trace_after",
           "trace_seen"]  # fmt: skip


def trace_seen(word: TraceWord, trace: Value, spike: Value) -> Value:
    """:meth:`~.TraceWord.seen`."""
    total = trace + Mux(spike, Const(word.bump, word.width), 0)
    return Mux(total > word.top, Const(word.top, word.width), total[: word.width])


def trace_after(word: TraceWord, seen: Value) -> Value:
    """:meth:`~.TraceWord.after`."""
    return ((seen * word.factor) >> word.fraction)[: word.width]


def level_shape(rule: ThreeFactorInteger) -> Shape:
    """Shape of the third factor."""
    return signed(max(rule.s.width, rule.y.width) + 1)


def _offset(update: Update, turned: Value) -> Value:
    """What is added before the shift, from the step's draw as it is turned for this synapse."""
    if not update.stochastic:
        return Const((1 << update.rate_shift) >> 1)
    return turned[: update.rate_shift] if update.rate_shift else Const(0)


def _clipped(m: Module, word: WeightWord, weight: Value, change: Value) -> Value:
    total = named(m, "weight_sum", weight + change)
    low, high = (Const(v, signed(word.width)) for v in (word.low, word.high))
    return Mux(total > word.high, high, Mux(total < word.low, low, total))


def _ports(c: PlasticContract) -> dict[str, wiring.Member]:
    weight = signed(c.weight.width)
    return {
        "weight": In(weight),
        "x": In(unsigned(c.traces["x"].width)),
        "y": In(unsigned(c.traces["y"].width)),
        "heard": In(1),
        "post": In(1),
        "row": In(1),
        "turned": In(32),
        "weight_after": Out(weight),
    }


class InhibitorySynapse(wiring.Component):
    """The step of :mod:`lifstone.golden.learning.inhibitory_integer` for one synapse.

    Members
    -------
    weight, x, heard : In
        Of the synapse, and of its line.
    y, post : In
        Trace of its neuron, and whether this fired.
    row : In
        A presynaptic change; otherwise a postsynaptic one, if the neuron fired.
    turned : In
        The step's draw, rotated for this place.
    weight_after : Out
    """

    stages = 1

    def __init__(self, contract: PlasticContract) -> None:
        assert isinstance(contract.rule, InhibitoryInteger)
        self.contract, self.rule = contract, contract.rule
        super().__init__(_ports(contract))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rule, word = self.rule, self.contract.weight
        delta = named(m, "delta", Mux(self.row, self.y - rule.alpha, self.x))
        total = delta + _offset(rule.update, self.turned)
        kept = Signal(total.shape(), name="shifted", reset_less=True)
        weight = Signal(signed(word.width), name="weight_1", reset_less=True)
        moves = Signal(name="moves", reset_less=True)
        m.d.sync += [kept.eq(total), weight.eq(self.weight), moves.eq(self.row | self.post)]
        moved = _clipped(m, word, weight, kept >> rule.update.rate_shift)
        m.d.comb += self.weight_after.eq(Mux(moves, moved, weight))
        return m


class ThreeFactorSynapse(wiring.Component):
    """The step of :mod:`lifstone.golden.learning.three_factor_integer` for one synapse.

    Members
    -------
    weight, x, heard, y, post, row, turned, weight_after
        As for :class:`InhibitorySynapse`; ``row`` is not used.
    eligibility, eligibility_after : In, Out
        Of the synapse.
    psi, level : In
        Pseudo-derivative of the neuron, and its signal.
    """

    stages = 3

    def __init__(self, contract: PlasticContract) -> None:
        assert isinstance(contract.rule, ThreeFactorInteger)
        self.contract, self.rule = contract, contract.rule
        e = signed(self.rule.e_width)
        more = {"eligibility": In(e), "eligibility_after": Out(e)}
        factors = {"psi": In(8), "level": In(level_shape(self.rule))}
        super().__init__({**_ports(contract), **more, **factors})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rule, word = self.rule, self.contract.weight

        def later(name: str, value: Value) -> Signal:
            register = Signal(value.shape(), name=name, reset_less=True)
            m.d.sync += register.eq(value)
            return register

        offset: Value = _offset(rule.update, self.turned)
        weight: Value = self.weight
        mark = later("mark", self._mark(m))
        kept = later("kept", self.eligibility * rule.e_factor)
        offset, weight = later("offset_1", offset), later("weight_1", weight)
        # Towards zero and down are one for what is never negative.
        towards = Rounding.ZERO if mark.shape().signed else Rounding.FLOOR
        brought = shift_right(mark, rule.mark_shift, towards)
        total = named(m, "e_sum", shift_right(kept, rule.e_fraction, Rounding.ZERO) + brought)
        e = later("e_2", saturate(total, rule.e_width))
        offset, weight = later("offset_2", offset), later("weight_2", weight)
        change = later("change", self.level * e + offset)
        weight = later("weight_3", weight)
        m.d.comb += [
            self.eligibility_after.eq(later("e_3", e)),
            self.weight_after.eq(_clipped(m, word, weight, change >> rule.update.rate_shift)),
        ]
        return m

    def _mark(self, m: Module) -> Value:
        rule = self.rule
        if rule.mark is Mark.PSEUDO:
            return self.psi * named(m, "x_seen", trace_seen(rule.x, self.x, self.heard))
        up = Mux(self.post, self.x * rule.a_plus, 0)
        return up - Mux(self.heard, self.y * rule.a_minus, 0)


def synapse_of(contract: PlasticContract) -> InhibitorySynapse | ThreeFactorSynapse:
    """The pipeline of a contract's rule."""
    if isinstance(contract.rule, InhibitoryInteger):
        return InhibitorySynapse(contract)
    return ThreeFactorSynapse(contract)
