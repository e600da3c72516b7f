"""What the stream components promise, as circuits that watch them.

Each watch holds the component, monitors with state of their own, and outputs: ``given`` (what
the surroundings must do) and one output for each promise, 1 while it is kept. A reset may come
in any clock; it resets monitors and component together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import z3
from amaranth.back import rtlil
from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..aer import delay_depth, event_layout
from ..core import Core
from ..laned import LanedCore
from .induction import Outcome, prove_invariants
from .links import core_links, fork_links, held_links, laned_links, merge_links
from .smt import Circuit, Source

__all__ = [
    "Watch",
    "prove_watch",
    "watch_core",
    "watch_delay",
    "watch_fork",
    "watch_merge",
    "watch_queue",
    "watch_tick_only",
]

Promises = dict[str, Value]
Build = Callable[["Watch", Module], Promises]
Linked = Callable[[Mapping[str, z3.BitVecRef]], dict[str, z3.BoolRef]]


class Watch(wiring.Component):
    """A component under watch; its ports are driven from outside, freely.

    Each source keeps an event until it is taken and, where ``lines`` are given, sends none from
    a line beyond them.
    """

    def __init__(
        self,
        dut: wiring.Component,
        build: Build,
        promises: tuple[str, ...],
        links: Linked,
        lines: tuple[int, ...] = (),
    ) -> None:
        self.dut, self.build, self.promises, self.links = dut, build, promises, links
        self.lines = lines
        self.sources = _streams(dut, "source")
        self.sinks = _streams(dut, "sink")
        members = {"given": Out(1), "pick": In(1)}
        for name in self.sources:
            width = Shape.cast(getattr(dut, name).payload.shape()).width
            members |= {f"{name}_valid": In(1), f"{name}_payload": In(unsigned(width))}
        members |= {f"{name}_ready": In(1) for name in self.sinks}
        super().__init__(members | {name: Out(1) for name in promises})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = self.dut
        patient = []
        for name in self.sources:
            s = getattr(self.dut, name)
            m.d.comb += [
                s.valid.eq(getattr(self, f"{name}_valid")),
                s.payload.as_value().eq(getattr(self, f"{name}_payload")),
            ]
            patient.append(stays(m, s, name))
        for name, n in zip(self.sources, self.lines, strict=False):
            event = getattr(self.dut, name)
            patient.append(~event.valid | event.payload.tick | (event.payload.address < n))
        m.d.comb += [getattr(self.dut, n).ready.eq(getattr(self, f"{n}_ready")) for n in self.sinks]
        m.d.comb += self.given.eq(Cat(patient).all())
        kept = self.build(self, m)
        for name in self.sinks:
            kept[f"{name}_stays"] = stays(m, getattr(self.dut, name), name)
        assert tuple(kept) == self.promises, tuple(kept)
        m.d.comb += [getattr(self, name).eq(value) for name, value in kept.items()]
        return m

    def source(self) -> Source:
        """The watch as a text for Yosys."""
        return Source(rtlil.convert(self, name="watch", emit_src=False), "watch", True)


def prove_watch(watch: Watch, circuit: Circuit, depth: int, timeout: float) -> Outcome:
    """Whether the watched component keeps its promises; ``circuit`` is that of the watch."""
    s = circuit.signals
    promises = {name: s[name] == 1 for name in watch.promises}
    links = watch.links(s)
    return prove_invariants(circuit, s["given"] == 1, promises, links, depth=depth, timeout=timeout)


def stays(m: Module, s: stream.Interface, name: str) -> Value:
    """Once valid, an event stays as it is until ready."""
    waited, kept = (
        Signal(name=f"{name}_waited"),
        Signal.like(s.payload.as_value(), name=f"{name}_kept"),
    )
    m.d.sync += [waited.eq(s.valid & ~s.ready), kept.eq(s.payload.as_value())]
    return ~waited | (s.valid & (s.payload.as_value() == kept))


def _streams(dut: wiring.Component, kind: str) -> list[str]:
    """Names of the streams that begin with ``kind``, ``sink_2`` before ``sink_10``."""
    return sorted(
        (n for n in dut.signature.members if n.startswith(kind)), key=lambda n: (len(n), n)
    )


def _passes(s: stream.Interface) -> Value:
    return s.valid & s.ready


def watch_fork(dut: wiring.Component) -> Watch:
    """Each sink gets each event once, in order: before the source moves on, never twice."""
    sinks = _streams(dut, "sink")

    def build(watch: Watch, m: Module) -> Promises:
        source = dut.source
        kept: Promises = {}
        for name in sinks:
            sink, had = getattr(dut, name), Signal(name=f"{name}_had")
            m.d.sync += had.eq(~_passes(source) & (had | _passes(sink)))
            same = sink.payload.as_value() == source.payload.as_value()
            kept[f"{name}_true"] = ~sink.valid | (source.valid & same)
            kept[f"{name}_once"] = ~(_passes(sink) & had)
            kept[f"{name}_all"] = ~_passes(source) | had | _passes(sink)
        return kept

    names = [f"{n}_{what}" for n in sinks for what in ("true", "once", "all")]
    promises = (*names, *(f"{n}_stays" for n in sinks))
    return Watch(dut, build, promises, lambda s: fork_links(s, len(sinks)))


def watch_tick_only(dut: wiring.Component) -> Watch:
    """Ticks pass one for one, spikes vanish and never wait."""

    def build(watch: Watch, m: Module) -> Promises:
        source, sink = dut.source, dut.sink
        tick = source.payload.tick
        return {
            "ticks_pass": (_passes(source) & tick) == _passes(sink),
            "only_ticks": ~sink.valid | sink.payload.tick,
            "spikes_never_wait": ~source.valid | tick | source.ready,
        }

    promises = ("ticks_pass", "only_ticks", "spikes_never_wait", "sink_stays")
    return Watch(dut, build, promises, lambda s: {})


def watch_merge(dut: wiring.Component, sizes: tuple[int, ...]) -> Watch:
    """Each spike passes once with its row; one tick goes out when each source has given one."""
    first = [sum(sizes[:k]) for k in range(len(sizes))]

    def build(watch: Watch, m: Module) -> Promises:
        sources = [getattr(dut, f"source_{k}") for k in range(len(sizes))]
        sink = dut.sink
        taken = Cat(_passes(s) for s in sources)
        ticks = Cat(_passes(s) & s.payload.tick for s in sources)
        ended, after = Signal(len(sizes), name="ended_by"), Signal(len(sizes), name="ended_after")
        m.d.comb += after.eq(ended | ticks)
        m.d.sync += ended.eq(Mux(after.all(), 0, after))
        rows = Cat(
            _passes(s)
            & ~s.payload.tick
            & _passes(sink)
            & ~sink.payload.tick
            & (sink.payload.address == s.payload.address + first[k])
            for k, s in enumerate(sources)
        )
        return {
            "one_at_a_time": (taken & (taken - 1)[: len(sizes)]) == 0,
            "spikes_pass": (taken & ~ticks) == rows,
            "spikes_only_from_sources": ~_passes(sink) | sink.payload.tick | rows.any(),
            "tick_after_all": (_passes(sink) & sink.payload.tick) == after.all(),
            "ended_wait": (taken & ended) == 0,
        }

    names = ("one_at_a_time", "spikes_pass", "spikes_only_from_sources", "tick_after_all")
    promises = (*names, "ended_wait", "sink_stays")
    return Watch(dut, build, promises, lambda s: merge_links(s, sizes), sizes)


def watch_delay(dut: wiring.Component, n: int, steps: int = 1) -> Watch:
    """First its ticks, then all that came, in order and unchanged; room for its whole steps."""
    return _watch_held(dut, n, steps, delay_depth(n, steps))


def watch_queue(dut: wiring.Component, n: int) -> Watch:
    """All that came, in order and unchanged; room for a whole step."""
    return _watch_held(dut, n, 0, n + 1)


def _watch_held(dut: wiring.Component, n: int, steps: int, depth: int) -> Watch:
    """A queue of ``depth`` events, after ``steps`` ticks of its own.

    One event that came in, whichever ``pick`` chooses, is followed to its exit: as all are
    alike to the queue, what holds of it holds of each.
    """
    width = Shape.cast(event_layout(n)).width
    most = depth + steps

    def build(watch: Watch, m: Module) -> Promises:
        source, sink = dut.source, dut.sink
        inside = Signal(range(most + 1), init=steps, name="inside")  # its ticks, from reset on
        began, slow = Signal(range(steps + 2), name="began"), Signal(name="slow")
        refused = Signal(name="refused")
        m.d.sync += [
            inside.eq(inside + _passes(source) - _passes(sink)),
            began.eq(began + (_passes(sink) & (began != steps))),
            slow.eq((inside != 0) & ~sink.valid),
            refused.eq(~source.ready),
        ]
        follow, ahead = Signal(name="follow"), Signal(range(most + 1), name="ahead")
        event = Signal(width, name="followed")
        arrives = Signal(name="arrives")
        m.d.comb += arrives.eq(follow & (ahead == 0) & sink.valid)
        with m.If(follow & _passes(sink)):
            m.d.sync += [ahead.eq(ahead - 1), follow.eq(ahead != 0)]
        with m.If(~follow & watch.pick & _passes(source)):
            m.d.sync += [
                follow.eq(1),
                event.eq(source.payload.as_value()),
                ahead.eq(inside - _passes(sink)),
            ]
        own = steps - began
        return {
            "tick_first": (began == steps) | (sink.valid & sink.payload.tick),
            "arrives_unchanged": ~arrives | (sink.payload.as_value() == event),
            "nothing_new": ~sink.valid | (inside != 0),
            "is_not_stuck": ~slow | sink.valid,
            "never_too_many": inside <= most,
            # A full memory passes an event on to the register behind it within a clock.
            "room_for_a_step": source.ready | (inside >= depth - 1 + own),
            "room_is_used": source.ready | ~refused | (inside >= depth + own),
            "follows_inside": ~follow | (ahead < inside),
        }

    names = ("tick_first", "arrives_unchanged", "nothing_new", "is_not_stuck", "never_too_many")
    promises = (*names, "room_for_a_step", "room_is_used", "follows_inside", "sink_stays")
    return Watch(dut, build, promises, lambda s: held_links(s, depth, steps))


def watch_core(dut: Core | LanedCore) -> Watch:
    """A tick for a tick; spikes in ascending order, each neuron at most once a step."""
    n = dut.contract.n

    def build(watch: Watch, m: Module) -> Promises:
        source, sink = dut.source, dut.sink
        busy, sent = Signal(name="busy"), Signal(range(n + 1), name="sent")
        tick = sink.payload.tick
        with m.If(_passes(source) & source.payload.tick):
            m.d.sync += busy.eq(1)
        with m.If(_passes(sink)):
            m.d.sync += sent.eq(Mux(tick, 0, sink.payload.address + 1))
            with m.If(tick):
                m.d.sync += busy.eq(0)
        spike = sink.valid & ~tick
        return {
            "nothing_unasked": ~sink.valid | busy,
            "waits_for_its_step": ~_passes(source) | ~busy,
            "ascending": ~spike | (sink.payload.address >= sent),
            "known_neuron": ~spike | (sink.payload.address < n),
        }

    promises = ("nothing_unasked", "waits_for_its_step", "ascending", "known_neuron", "sink_stays")
    if isinstance(dut, LanedCore):
        return Watch(dut, build, promises, lambda s: laned_links(s, n, dut.lanes))
    return Watch(dut, build, promises, lambda s: core_links(s, n))
