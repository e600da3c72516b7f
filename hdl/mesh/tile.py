"""What lies between a core and its router: senders, receivers, and the barrier of a step.

Every queue of a receiver holds all that its source can send before the receiver has ended its
step, so that events leave the mesh as soon as they reach their tile. The barrier keeps it so: no
input begins a step before every part of the network has ended the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Array, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..aer import Delay, Queue, event_stream
from ..fixed import named
from .route import Position

__all__ = ["Barrier", "Gate", "Goal", "Receive", "Room", "Send", "Series"]


@dataclass(frozen=True)
class Goal:
    """Where events go: a receiver of a tile, by its number; perhaps ticks alone."""

    tile: Position
    port: int
    ticks_only: bool = False


class Send(wiring.Component):
    """Sends each event to each goal in turn.

    Members
    -------
    source : In(event_stream(n))
    sink : Out(stream of packets)
    ended : Out(1)
        Changes when a tick has gone to all goals.
    """

    def __init__(self, n: int, goals: Sequence[Goal], packet: data.StructLayout) -> None:
        # Those that want ticks alone come last: a spike stops before them.
        self.goals = sorted(goals, key=lambda g: g.ticks_only)
        members = {"source": In(event_stream(n)), "sink": Out(stream.Signature(packet))}
        super().__init__({**members, "ended": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        event, sink = self.source.payload, self.sink
        every, spikes = len(self.goals), sum(not g.ticks_only for g in self.goals)
        at = Signal(range(max(2, every)), name="goal")
        last = named(m, "last", at == Mux(event.tick, max(every, 1) - 1, max(spikes, 1) - 1))
        sends = named(m, "sends", Mux(event.tick, Const(every > 0), Const(spikes > 0)))
        goal = self.goals or [Goal((0, 0), 0)]
        m.d.comb += [
            sink.valid.eq(self.source.valid & sends),
            sink.payload.x.eq(Array(Const(g.tile[0], 8) for g in goal)[at]),
            sink.payload.y.eq(Array(Const(g.tile[1], 8) for g in goal)[at]),
            sink.payload.load.port.eq(Array(Const(g.port, 16) for g in goal)[at]),
            sink.payload.load.tick.eq(event.tick),
            sink.payload.load.address.eq(Mux(event.tick, 0, event.address)),
            self.source.ready.eq(Mux(sends, sink.ready & last, 1)),
        ]
        with m.If(sink.valid & sink.ready):
            m.d.sync += at.eq(Mux(last, 0, at + 1))
        with m.If(self.source.valid & self.source.ready & event.tick):
            m.d.sync += self.ended.eq(~self.ended)
        return m


class Receive(wiring.Component):
    """Hands each packet to the receiver that it names.

    Members
    -------
    source : In(stream of packets)
    sink_0, sink_1, ... : Out(event_stream(sizes[k]))
    """

    def __init__(self, sizes: Sequence[int], packet: data.StructLayout) -> None:
        self.sizes = tuple(sizes)
        sinks = {f"sink_{k}": Out(event_stream(n)) for k, n in enumerate(self.sizes)}
        super().__init__({"source": In(stream.Signature(packet)), **sinks})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        load = self.source.payload.load
        if not self.sizes:  # nobody sends here
            m.d.comb += self.source.ready.eq(1)
        for k in range(len(self.sizes)):
            sink = getattr(self, f"sink_{k}")
            mine = named(m, f"for_{k}", load.port == k)
            m.d.comb += [
                sink.valid.eq(self.source.valid & mine),
                sink.payload.tick.eq(load.tick),
                sink.payload.address.eq(load.address),
            ]
            with m.If(mine):
                m.d.comb += self.source.ready.eq(sink.ready)
        return m


class Room(wiring.Component):
    """Holds what a source sends until its receiver has ended the step, and delays it.

    Members
    -------
    source : In(event_stream(n))
    sink : Out(event_stream(n))
    """

    def __init__(self, n: int, delay: int) -> None:
        self.n, self.delay = n, delay
        super().__init__({"source": In(event_stream(n)), "sink": Out(event_stream(n))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.queue = queue = Queue(self.n)
        wiring.connect(m, wiring.flipped(self.source), queue.source)
        last = queue
        if self.delay:
            # The source is up to so many steps ahead of what is taken here, and one more.
            m.submodules.delay = last = Delay(self.n, self.delay)
            wiring.connect(m, queue.sink, last.source)
        wiring.connect(m, last.sink, wiring.flipped(self.sink))
        return m


class Series(wiring.Component):
    """The parts of a population as one stream: the step of the first part, then of the next.

    Members
    -------
    source_0, source_1, ... : In(event_stream(sizes[k]))
    sink : Out(event_stream(sum(sizes)))
    ended : Out(1)
        Changes when a tick has left.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = tuple(sizes)
        members = {f"source_{k}": In(event_stream(n)) for k, n in enumerate(self.sizes)}
        members |= {"sink": Out(event_stream(sum(self.sizes))), "ended": Out(1)}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = len(self.sizes)
        part = Signal(range(max(2, count)), name="part")
        sources = [getattr(self, f"source_{k}") for k in range(count)]
        first = [sum(self.sizes[:k]) for k in range(count)]
        last = named(m, "last", part == count - 1)
        tick = named(m, "tick", Array(s.payload.tick for s in sources)[part])
        offered = named(m, "offered", Array(s.valid for s in sources)[part])
        address = Array(s.payload.address + f for s, f in zip(sources, first, strict=True))[part]
        # The tick of a part that is not the last goes no further.
        passes = named(m, "passes", ~tick | last)
        done = named(m, "done", offered & (self.sink.ready | ~passes))
        m.d.comb += [
            self.sink.valid.eq(offered & passes),
            self.sink.payload.tick.eq(tick),
            self.sink.payload.address.eq(Mux(tick, 0, address)),
        ]
        for k, s in enumerate(sources):
            m.d.comb += s.ready.eq((self.sink.ready | ~passes) & (part == k))
        with m.If(done & tick):
            m.d.sync += part.eq(Mux(last, 0, part + 1))
            with m.If(last):
                m.d.sync += self.ended.eq(~self.ended)
        return m


class Barrier(wiring.Component):
    """Whether all parts, and all inputs, have ended the same step.

    Members
    -------
    ended : In(count)
        Of each; it changes with each step.
    even, odd : Out(1)
        All have ended an even, an odd number of steps.
    """

    def __init__(self, count: int) -> None:
        super().__init__({"ended": In(count), "even": Out(1, init=1), "odd": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.sync += [self.even.eq(self.ended == 0), self.odd.eq(self.ended.all())]
        return m


class Gate(wiring.Component):
    """Closes behind the tick of an input until the step has ended everywhere.

    Members
    -------
    source : In(event_stream(n)), sink : Out(event_stream(n))
    ended : Out(1)
        Changes when a tick has passed.
    even, odd : In(1)
        Of the :class:`Barrier`.
    """

    def __init__(self, n: int) -> None:
        events = event_stream(n)
        members = {"source": In(events), "sink": Out(events), "ended": Out(1)}
        super().__init__({**members, "even": In(1), "odd": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        source, sink = self.source, self.sink
        closed = Signal(name="closed")
        m.d.comb += [
            sink.payload.eq(source.payload),
            sink.valid.eq(source.valid & ~closed),
            source.ready.eq(sink.ready & ~closed),
        ]
        with m.If(closed):
            m.d.sync += closed.eq(~Mux(self.ended, self.odd, self.even))
        with m.Elif(source.valid & sink.ready & source.payload.tick):
            m.d.sync += [closed.eq(1), self.ended.eq(~self.ended)]
        return m
