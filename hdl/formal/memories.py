"""That a core takes the right words through its memories: one neuron and one row, whichever.

Each memory is replaced by one that keeps a single word, at an address that is fixed but free;
what it answers elsewhere may be anything. What holds of that word then holds of every word of
the real memory, whatever its size. The step's two halves are cut out: they are functions, so
that all that counts is what they are given and where their answer goes (that they are the
contract's step is proved by itself, :mod:`.step`).
"""

from __future__ import annotations

from collections.abc import Mapping

import z3
from amaranth.back import rtlil
from amaranth.hdl import Module, Mux, Shape, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...golden.contract import Contract
from ..core import Core, Phase
from ..step import leaked_bits, parameters, state_layout
from .induction import Outcome, prove_invariants
from .smt import Circuit, Source

__all__ = ["PROMISES", "MemoryWatch", "prove_memories"]

Signals = Mapping[str, z3.BitVecRef]

PROMISES = ("begins", "adds", "keeps", "forgets", "steps", "sends")
NOTHING, OUR_ROW, OTHER_ROW, TICK = range(4)
"""What the core took last."""


class MemoryWatch(wiring.Component):
    """A core, and notes on the watched neuron and row.

    Members
    -------
    seen_state, seen_sum : In
        The neuron's stored words after this clock.
    ours : In(1)
        Whether the event at the source is a spike of the watched row.
    neuron : In
        The watched neuron.
    any_leaked, any_after, any_spike : In
        What the halves of the step answer for this neuron, step by step.
    kind, state_then, sum_then : Out
        What the core took last, and the neuron's words at that time.
    leaked_of, after_of, spike_of : Out
        What the halves of the step answer in this step.
    sent : Out(1)
        Whether the neuron's spike of this step has been sent.
    """

    def __init__(self, core: Core) -> None:
        c = self.contract = core.contract
        self.core = core
        state = unsigned(state_layout(c).size)
        leaked = unsigned(leaked_bits(c))
        total = unsigned(c.acc_width)
        streams = {
            "source_valid": In(1),
            "source_payload": In(unsigned(Shape.cast(core.source.payload.shape()).width)),
            "sink_ready": In(1),
        }
        super().__init__(
            {
                **streams,
                "seen_state": In(state),
                "seen_sum": In(total),
                "ours": In(1),
                "neuron": In(core.sink.payload.address.shape()),
                "any_leaked": In(leaked),
                "any_after": In(state),
                "any_spike": In(1),
                "kind": Out(2),
                "state_then": Out(state),
                "sum_then": Out(total),
                "leaked_of": Out(leaked),
                "after_of": Out(state),
                "spike_of": Out(1),
                "sent": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = self.core
        m.d.comb += [
            dut.source.valid.eq(self.source_valid),
            dut.source.payload.as_value().eq(self.source_payload),
            dut.sink.ready.eq(self.sink_ready),
        ]
        tick = dut.source.payload.tick
        with m.If(dut.source.valid & dut.source.ready):
            m.d.sync += [
                self.kind.eq(Mux(tick, TICK, Mux(self.ours, OUR_ROW, OTHER_ROW))),
                self.state_then.eq(self.seen_state),
                self.sum_then.eq(self.seen_sum),
            ]
            with m.If(tick):
                m.d.sync += [
                    self.leaked_of.eq(self.any_leaked),
                    self.after_of.eq(self.any_after),
                    self.spike_of.eq(self.any_spike),
                    self.sent.eq(0),
                ]
        out = dut.sink.payload
        with m.If(dut.sink.valid & dut.sink.ready & ~out.tick & (out.address == self.neuron)):
            m.d.sync += self.sent.eq(1)
        return m

    def source(self) -> Source:
        """The watch as a text for Yosys, its memories watched and its step cut out."""
        text = rtlil.convert(self, name="watch", emit_src=False)
        return Source(text, "watch", True, cut=("watch.dut.leak", "watch.dut.fire"))


def prove_memories(watch: MemoryWatch, circuit: Circuit, depth: int, timeout: float) -> Outcome:
    """Whether the core keeps :data:`PROMISES`; ``circuit`` is that of the watch.

    begins
        After a reset the neuron has its initial state and no sum.
    adds
        A spike of the watched row adds its weight to the neuron's sum.
    keeps
        While spikes come, the state stays.
    forgets
        After a step the sum is zero.
    steps
        After a step the state is what the step makes of the state, the sum and the neuron's
        parameters as they were at the tick.
    sends
        With the tick that ends the step, the neuron's spike has been sent if and only if it fires.
    """
    w = _Words(watch.contract, circuit.signals)
    assumed = z3.And(*w.given())
    return prove_invariants(circuit, assumed, w.promises(), w.links(), depth=depth, timeout=timeout)


class _Words:
    """Terms of the watched words, and conditions on them."""

    def __init__(self, c: Contract, signals: Signals) -> None:
        self.c, self.s = c, signals
        s = signals
        self.j = s["dut.sum_memory.at"]
        self.word, self.state = s["dut.sum_memory.word"], s["dut.state_memory.word"]
        self.rom = "dut.parameter_memory.word" in s
        self.p = s["dut.parameter_memory.word"] if self.rom else None
        at = s["dut.weight_memory.at"]
        self.row = z3.Extract(at.size() - 1, self.j.size(), at)
        self.column = z3.Extract(self.j.size() - 1, 0, at)
        weight = s["dut.weight_memory.word"]
        self.weight = z3.SignExt(c.acc_width - weight.size(), weight)
        self.index, self.phase, self.kind = s["dut.index"], s["dut.phase"], s["kind"]

    def numbers(self) -> z3.BitVecRef:
        """The watched neuron's parameters, as the step's halves take them."""
        pieces, at = [], 0
        for p in parameters(self.c):
            if p.uniform:
                pieces.append(z3.BitVecVal(p.values[0], p.shape.width))
            else:
                assert self.p is not None
                pieces.append(z3.Extract(at + p.shape.width - 1, at, self.p))
                at += p.shape.width
        return z3.Concat(*reversed(pieces)) if len(pieces) > 1 else pieces[0]

    def initial(self) -> z3.BitVecRef:
        """State after reset."""
        at = 0
        for p in parameters(self.c):
            if p.name == "u_init":
                break
            at += p.shape.width
        field = z3.Extract(at + p.shape.width - 1, at, self.numbers())
        more = self.c.width - p.shape.width
        u = z3.SignExt(more, field) if p.shape.signed else z3.ZeroExt(more, field)
        return z3.ZeroExt(self.state.size() - u.size(), u) if more >= 0 else field

    def given(self) -> list[z3.BoolRef]:
        """The ties of the notes to the core, and that the halves of the step are functions."""
        s, n = self.s, self.c.n
        event = s["source_payload"]
        row = z3.Extract(event.size() - 1, 1, event)
        wide = max(row.size(), self.row.size())
        ours = z3.ZeroExt(wide - row.size(), row) == z3.ZeroExt(wide - self.row.size(), self.row)
        now = [s["dut.state_memory.at"] == self.j, self.column == self.j, z3.ULE(self.j, n - 1)]
        if self.rom:
            now.append(s["dut.parameter_memory.at"] == self.j)
        leak = z3.And(
            s["dut.leak.state"] == s["state_then"],
            s["dut.leak.total"] == s["sum_then"],
            s["dut.leak.numbers"] == self.numbers(),
        )
        fire = z3.And(
            s["dut.fire.state"] == s["state_then"],
            s["dut.fire.leaked"] == s["leaked_of"],
            s["dut.fire.numbers"] == self.numbers(),
        )
        answers = z3.And(s["dut.fire.after"] == s["after_of"], s["dut.fire.spike"] == s["spike_of"])
        stepping = self.kind == TICK
        return [
            *now,
            (s["ours"] == 1) == ours,
            s["neuron"] == self.j,
            s["seen_state"] == s["dut.state_memory.following"],
            s["seen_sum"] == s["dut.sum_memory.following"],
            z3.Implies(z3.And(stepping, leak), s["dut.leak.leaked"] == s["leaked_of"]),
            z3.Implies(z3.And(stepping, fire), answers),
        ]

    def promises(self) -> dict[str, z3.BoolRef]:
        """What holds whenever the core is ready for an event, and when it sends its tick."""
        s = self.s
        ready = s["dut.source__ready"] == 1
        total, state = s["seen_sum"], s["seen_state"]
        spikes = z3.Or(self.kind == OUR_ROW, self.kind == OTHER_ROW)
        ends = z3.And(s["dut.sink__valid"] == 1, z3.Extract(0, 0, s["dut.sink__payload"]) == 1)

        def when(*conditions: z3.BoolRef) -> z3.BoolRef:
            return z3.Implies(z3.And(ready, *conditions[:-1]), conditions[-1])

        begun = z3.And(state == self.initial(), total == 0)
        return {
            "begins": when(self.kind == NOTHING, begun),
            "adds": when(self.kind == OUR_ROW, total == s["sum_then"] + self.weight),
            "keeps": when(spikes, state == s["state_then"]),
            "forgets": when(self.kind == TICK, total == 0),
            "steps": when(self.kind == TICK, state == s["after_of"]),
            "sends": z3.Implies(ends, s["sent"] == s["spike_of"]),
        }

    def links(self) -> dict[str, z3.BoolRef]:
        """How far each phase has come with the watched neuron; proved, not assumed."""
        s, n, phase, kind = self.s, self.c.n, self.phase, self.kind
        is_ = {p.name: phase == p.value for p in Phase}
        j, index, pending = self.j, self.index, s["dut.pending"] == 1
        done = z3.And(self.state == s["after_of"], self.word == 0)
        waits = z3.And(self.state == s["state_then"], self.word == s["sum_then"])
        known = [s["dut.parameter_memory.answer"] == self.p] if self.rom else []
        here = j == index
        passed = z3.Or(
            z3.And(z3.Or(is_["READ"], is_["LEAK"], is_["FIRE"]), z3.ULT(j, index)),
            z3.And(is_["SEND"], z3.ULE(j, index)),
            is_["END"],
            is_["ACCEPT"],
        )
        spikes = z3.Or(kind == OUR_ROW, kind == OTHER_ROW)
        wide = max(s["dut.row"].size(), self.row.size())
        same = z3.ZeroExt(wide - s["dut.row"].size(), s["dut.row"]) == z3.ZeroExt(
            wide - self.row.size(), self.row
        )
        before, written = s["sum_then"], s["dut.written"]
        after = before + self.weight
        adding = z3.And(
            self.word == before,
            s["dut.sum_memory.answer"] == before,
            self._weight_read() == self.weight,
        )
        added = z3.If(
            pending,
            z3.If(j == written, adding, self.word == z3.If(z3.ULT(j, written), after, before)),
            self.word == after,
        )
        fired = z3.And(is_["SEND"], here)
        return {
            "link_index": z3.ULE(index, n - 1),
            "link_rests": z3.Implies(z3.Or(is_["ACCEPT"], is_["END"]), index == 0),
            "link_clears": z3.Implies(is_["CLEAR"], kind == NOTHING),
            "link_adds": z3.Implies(is_["ADD"], z3.And(spikes, pending, index == written + 1)),
            "link_row": z3.Implies(is_["ADD"], (kind == OUR_ROW) == same),
            "link_sweeps": z3.Implies(z3.UGE(phase, Phase.READ.value), kind == TICK),
            "link_pending": z3.Implies(pending, z3.And(spikes, z3.ULE(phase, Phase.ADD.value))),
            "link_last": z3.Implies(z3.And(pending, is_["ACCEPT"]), written == n - 1),
            "link_asked": z3.Implies(
                z3.And(is_["CLEAR"], s["dut.clear_asked"] == 1, here), z3.And(*known, True)
            ),
            "link_begun": z3.Implies(
                z3.And(kind == NOTHING, z3.Or(is_["ACCEPT"], z3.ULT(j, index))),
                z3.And(self.state == self.initial(), self.word == 0),
            ),
            "link_none": z3.Implies(kind == NOTHING, z3.ULE(phase, Phase.ACCEPT.value)),
            "link_spikes": z3.Implies(spikes, z3.Or(is_["ACCEPT"], is_["ADD"])),
            "link_added": z3.Implies(kind == OUR_ROW, added),
            "link_kept": z3.Implies(spikes, self.state == s["state_then"]),
            "link_swept": z3.Implies(kind == TICK, z3.If(passed, done, waits)),
            "link_leak": z3.Implies(
                z3.And(is_["LEAK"], here),
                z3.And(
                    s["dut.state_memory.answer"] == s["state_then"],
                    s["dut.sum_memory.answer"] == s["sum_then"],
                    *known,
                ),
            ),
            "link_fire": z3.Implies(
                z3.And(is_["FIRE"], here),
                z3.And(
                    s["dut.state_memory.answer"] == s["state_then"],
                    s["dut.leaked"] == s["leaked_of"],
                    *known,
                ),
            ),
            "link_fires": z3.Implies(fired, s["spike_of"] == 1),
            "link_sent": z3.Implies(
                kind == TICK,
                z3.If(z3.And(passed, z3.Not(fired)), s["sent"] == s["spike_of"], s["sent"] == 0),
            ),
        }

    def _weight_read(self) -> z3.BitVecRef:
        read = self.s["dut.weight_memory.answer"]
        return z3.SignExt(self.c.acc_width - read.size(), read)
