"""What the mesh promises, as circuits that watch it: nothing lost, no deadlock, no starvation.

Where a tile always takes what reaches it, which :mod:`~..mesh.tile` sees to, some event moves in
every clock in which the mesh holds any. Every event is a step closer to its tile after each move,
so that none stays for ever.
"""

from __future__ import annotations

from amaranth.back import rtlil
from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..mesh.route import Direction, Position
from ..mesh.router import Choice, Fabric
from .induction import Outcome, prove_invariants
from .smt import Source, circuits
from .streams import stays

__all__ = ["ChoiceWatch", "FabricWatch", "prove_mesh"]

TAG = data.StructLayout({"tag": unsigned(1)})
"""What events carry here: whether they are counted."""


class ChoiceWatch(wiring.Component):
    """A choice with free sources.

    Promises
    --------
    one_at_a_time, passes_unchanged, sink_stays
        Each event passes once, as it is, and stays while it waits.
    fair
        While a source waits, no other is served twice.
    in_turn, holds
        How the registers belong together; the rest is proved with these.
    """

    promises = ("one_at_a_time", "passes_unchanged", "sink_stays", "fair", "in_turn", "holds")

    def __init__(self, dut: Choice, layout: data.StructLayout) -> None:
        self.dut = dut
        width = Shape.cast(layout).width
        members = {"given": Out(1), "ready": In(1)}
        for k in range(dut.count):
            members |= {f"valid_{k}": In(1), f"payload_{k}": In(unsigned(width))}
        super().__init__(members | {name: Out(1) for name in self.promises})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        self._sources = [getattr(dut, f"source_{k}") for k in range(dut.count)]
        given = []
        for k, s in enumerate(self._sources):
            m.d.comb += [
                s.valid.eq(getattr(self, f"valid_{k}")),
                s.payload.as_value().eq(getattr(self, f"payload_{k}")),
            ]
            given.append(stays(m, s, f"source_{k}"))
        sink, out = dut.sink, dut.sink.payload.as_value()
        taken = Cat(s.valid & s.ready for s in self._sources)
        same = Cat(s.valid & s.ready & (s.payload.as_value() == out) for s in self._sources)
        m.d.comb += [
            sink.ready.eq(self.ready),
            self.given.eq(Cat(given).all()),
            self.one_at_a_time.eq((taken & (taken - 1)[: dut.count]) == 0),
            self.passes_unchanged.eq((taken == same) & (taken.any() == (sink.valid & sink.ready))),
            self.sink_stays.eq(stays(m, sink, "sink")),
        ]
        self._fairness(m, taken)
        self._hold(m)
        return m

    def _fairness(self, m: Module, taken: Value) -> None:
        """Who was served while a source waited comes after it now."""
        dut = self.dut
        fair, turn = [], [dut.served < dut.count]
        for k, s in enumerate(self._sources):
            others = Signal(dut.count, name=f"others_{k}")
            m.d.sync += others.eq(Mux(s.valid & ~s.ready, others | taken, 0))
            fair.append((others & taken) == 0)
            for j in range(dut.count):
                turn.append(~others[j] | self._before(k, j))
                held = dut.waited & others.any() & (dut.kept == j)
                turn.append(~held | self._before(j, k) | Const(j == k))
        m.d.comb += [self.fair.eq(Cat(fair).all()), self.in_turn.eq(Cat(turn).all())]

    def _before(self, k: int, j: int) -> Value:
        """Whether source ``k`` comes before source ``j`` after the one that was served last."""
        n = self.dut.count
        turns = [(k - r - 1) % n < (j - r - 1) % n for r in range(n)]
        return Array(Const(int(t)) for t in turns)[self.dut.served]

    def _hold(self, m: Module) -> None:
        """What waits at the sink is the event of the source that is kept."""
        dut = self.dut
        waited, event = Signal(name="waits"), Signal.like(dut.sink.payload.as_value(), name="event")
        m.d.sync += [
            waited.eq(dut.sink.valid & ~dut.sink.ready),
            event.eq(dut.sink.payload.as_value()),
        ]
        good = [dut.waited == waited]
        for k, s in enumerate(self._sources):
            before, held = Signal(name=f"before_{k}"), Signal.like(event, name=f"held_{k}")
            m.d.sync += [before.eq(s.valid & ~s.ready), held.eq(s.payload.as_value())]
            good.append(~waited | (dut.kept != k) | (before & (held == event)))
        m.d.comb += self.holds.eq(Cat(good).all() & (dut.kept < dut.count))


class FabricWatch(wiring.Component):
    """A mesh whose tiles send what they like and take all that comes; one event is tagged.

    Promises
    --------
    moves
        An event moves in this clock, unless there is none.
    arrives
        What reaches a tile is for that tile.
    one_copy
        The tagged event is in exactly one buffer from the clock after it went in until it comes
        out: as any may be tagged, none is lost, and none comes twice.
    on_its_way, holds
        Each event is in a buffer that lies on its way, and each choice keeps to an event that is
        there; the rest is proved with these.
    """

    promises = ("moves", "arrives", "one_copy", "on_its_way", "holds")

    def __init__(self, dut: Fabric) -> None:
        self.dut = dut
        width = Shape.cast(dut.layout).width
        members = {"given": Out(1)}
        for x, y in dut.routers:
            members |= {f"valid_{x}_{y}": In(1), f"payload_{x}_{y}": In(unsigned(width))}
        super().__init__(members | {name: Out(1) for name in self.promises})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        hops = [(r.here, d, hop) for r in dut.routers.values() for d, hop in r.hops.items()]
        slots = [
            (here, d, valid, word)
            for here, d, hop in hops
            for valid, word in ((hop.sink.valid, hop.sink.payload), (hop.full, hop.behind))
        ]
        choices = [c for r in dut.routers.values() for c in r.choices.values()]
        moving = Cat(hop.sink.valid & hop.sink.ready for _, _, hop in hops)
        lawful = [~v | _on_its_way(here, d, word, dut) for here, d, v, word in slots]
        order = [~hop.full | hop.sink.valid for _, _, hop in hops]
        holds = [~c.waited | ((c.asking >> c.kept)[0] & (c.kept < c.count)) for c in choices]
        holds += [c.served < c.count for c in choices]
        m.d.comb += [
            self.moves.eq(moving.any() | ~Cat(v for _, _, v, _ in slots).any()),
            self.on_its_way.eq(Cat(lawful + order).all()),
            self.holds.eq(Cat(holds).all()),
        ]
        self._tiles(m, Cat(valid & word.load.tag for _, _, valid, word in slots))
        return m

    def _tiles(self, m: Module, held: Value) -> None:
        """What goes in and comes out; ``held``: which buffers hold the tagged event."""
        dut = self.dut
        given, arrives, into, out = [], [], [], []
        for x, y in dut.routers:
            inject, eject = getattr(dut, f"inject_{x}_{y}"), getattr(dut, f"eject_{x}_{y}")
            m.d.comb += [
                inject.valid.eq(getattr(self, f"valid_{x}_{y}")),
                inject.payload.as_value().eq(getattr(self, f"payload_{x}_{y}")),
                eject.ready.eq(1),
            ]
            there = inject.payload
            inside = (there.x < dut.columns) & (there.y < dut.rows)
            given += [stays(m, inject, f"inject_{x}_{y}"), ~inject.valid | inside]
            arrives.append(~eject.valid | ((eject.payload.x == x) & (eject.payload.y == y)))
            into.append(inject.valid & inject.payload.load.tag)
            out.append(eject.valid & eject.payload.load.tag)
        offered = Cat(into)
        enters = Cat(
            tag & getattr(dut, f"inject_{x}_{y}").ready
            for tag, (x, y) in zip(into, dut.routers, strict=True)
        )
        gone_in, gone_out = Signal(name="gone_in"), Signal(name="gone_out")
        m.d.sync += [
            gone_in.eq(gone_in | enters.any()),
            gone_out.eq(gone_out | Cat(out).any()),
        ]
        single = (offered & (offered - 1)[: len(offered)]) == 0
        given += [single, ~gone_in | ~offered.any()]
        m.d.comb += [
            self.given.eq(Cat(given).all()),
            self.arrives.eq(Cat(arrives).all()),
            self.one_copy.eq(
                ((held & (held - 1)[: len(held)]) == 0)
                & (held.any() == (gone_in & ~gone_out))
                & (gone_in | ~gone_out)
            ),
        ]


def _on_its_way(here: Position, moving: Direction, there: data.View, dut: Fabric) -> Value:
    """Whether an event that came moving in a direction may be here, by dimension order."""
    x, y = here
    lawful = {
        Direction.LOCAL: Const(1),
        Direction.EAST: there.x >= x,
        Direction.WEST: there.x <= x,
        Direction.SOUTH: (there.x == x) & (there.y >= y),
        Direction.NORTH: (there.x == x) & (there.y <= y),
    }
    return (there.x < dut.columns) & (there.y < dut.rows) & lawful[moving]


def prove_mesh(watch: ChoiceWatch | FabricWatch, depth: int, timeout: float) -> Outcome:
    """Whether a watched mesh, or choice, keeps its promises in every clock of every run."""
    text = rtlil.convert(watch, name="watch", emit_src=False)
    (circuit,) = circuits([Source(text, "watch", True)])
    s = circuit.signals
    promises = {name: s[name] == 1 for name in watch.promises}
    return prove_invariants(circuit, s["given"] == 1, promises, {}, depth=depth, timeout=timeout)
