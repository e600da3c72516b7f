"""Address events: how spikes travel between cores.

An event is ``(tick = 0, address)``, a spike in the current time step, or ``(tick = 1)``,
the end of the step. Streams keep the rules of :mod:`amaranth.lib.stream`: once ``valid``,
an event stays as it is until ``ready``.

::

    input --> Fork --+--> Merge --> core --> Fork --+--> output
                     |      ^                       |
                     |      +------- Delay <--------+      (recurrent, steps later)
                     +--> TickOnly --> Merge ...           (a population without input)
"""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, unsigned
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from ..golden.errors import require
from .fixed import named

__all__ = [
    "Delay",
    "Fork",
    "Merge",
    "Queue",
    "TickOnly",
    "address_shape",
    "delay_depth",
    "event_layout",
    "event_stream",
    "join",
]


def address_shape(n: int) -> Shape:
    """Shape of the address of one of ``n`` lines."""
    return unsigned(max(1, (n - 1).bit_length()))


def event_layout(n: int) -> data.StructLayout:
    """Payload of an event from one of ``n`` lines."""
    return data.StructLayout({"tick": unsigned(1), "address": address_shape(n)})


def event_stream(n: int) -> stream.Signature:
    """Signature of a stream of events from ``n`` lines."""
    return stream.Signature(event_layout(n))


def join(m: Module, source: stream.Interface, sink: stream.Interface) -> None:
    """Wires alone: what goes in at ``source`` comes out at ``sink``."""
    m.d.comb += [
        sink.payload.eq(source.payload),
        sink.valid.eq(source.valid),
        source.ready.eq(sink.ready),
    ]


class Fork(wiring.Component):
    """Copies each event to several sinks; each takes it when it is ready.

    Parameters
    ----------
    n
        Lines of the source.
    sinks
        Number of sinks, at least 1.

    Members
    -------
    source : In(event_stream(n))
    sink_0, sink_1, ... : Out(event_stream(n))
    """

    def __init__(self, n: int, sinks: int) -> None:
        require(sinks >= 1, "sinks", sinks, "at least 1")
        self.sinks = sinks
        members = {f"sink_{k}": Out(event_stream(n)) for k in range(sinks)}
        super().__init__({"source": In(event_stream(n)), **members})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self.sinks == 1:
            join(m, self.source, self.sink_0)
            return m
        taken = Signal(self.sinks)
        finished = Signal(self.sinks)
        for k in range(self.sinks):
            sink = getattr(self, f"sink_{k}")
            m.d.comb += [
                sink.payload.eq(self.source.payload),
                sink.valid.eq(self.source.valid & ~taken[k]),
                finished[k].eq(taken[k] | sink.ready),
            ]
        m.d.comb += self.source.ready.eq(finished.all())
        with m.If(self.source.valid):
            m.d.sync += taken.eq(Mux(self.source.ready, 0, finished))
        return m


class TickOnly(wiring.Component):
    """Drops spikes and lets ticks pass: the pace of a population without input.

    Members
    -------
    source : In(event_stream(n))
    sink : Out(event_stream(1))
    """

    def __init__(self, n: int) -> None:
        super().__init__({"source": In(event_stream(n)), "sink": Out(event_stream(1))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        tick = self.source.payload.tick
        m.d.comb += [
            self.sink.payload.tick.eq(1),
            self.sink.valid.eq(self.source.valid & tick),
            self.source.ready.eq(self.sink.ready | ~tick),
        ]
        return m


def _held(m: Module, n: int, source: stream.Interface, depth: int) -> fifo.SyncFIFOBuffered:
    """A queue of ``depth`` events that takes what comes from ``source``."""
    width = Shape.cast(event_layout(n)).width
    m.submodules.queue = queue = fifo.SyncFIFOBuffered(width=width, depth=depth)
    m.d.comb += [
        queue.w_data.eq(source.payload.as_value()),
        queue.w_en.eq(source.valid),
        source.ready.eq(queue.w_rdy),
    ]
    return queue


class Delay(wiring.Component):
    """Events ``steps`` time steps later: a queue that begins with so many ticks after reset.

    The queue holds all events that the source can send in ``steps`` steps, so that a core in a
    loop can always finish a step while its own input waits.

    Members
    -------
    source : In(event_stream(n))
    sink : Out(event_stream(n))
    """

    def __init__(self, n: int, steps: int = 1) -> None:
        require(steps >= 1, "steps", steps, "at least 1")
        self.n, self.steps = n, steps
        super().__init__({"source": In(event_stream(n)), "sink": Out(event_stream(n))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        queue = _held(m, self.n, self.source, delay_depth(self.n, self.steps))
        begun = Signal(range(self.steps + 1))
        started = named(m, "started", begun == self.steps)
        m.d.comb += [
            self.sink.valid.eq(~started | queue.r_rdy),
            queue.r_en.eq(started & self.sink.ready),
        ]
        with m.If(started):
            m.d.comb += self.sink.payload.as_value().eq(queue.r_data)
        with m.Else():
            m.d.comb += self.sink.payload.tick.eq(1)
            with m.If(self.sink.ready):
                m.d.sync += begun.eq(begun + 1)
        return m


def delay_depth(n: int, steps: int) -> int:
    """Events that a delay holds: those of ``steps`` steps of ``n`` lines, and one on its way."""
    return steps * (n + 1) + 1


class Queue(wiring.Component):
    """Holds the events of one step, so that their source can go on with the next.

    Members
    -------
    source : In(event_stream(n))
    sink : Out(event_stream(n))
    """

    def __init__(self, n: int) -> None:
        self.n = n
        super().__init__({"source": In(event_stream(n)), "sink": Out(event_stream(n))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        queue = _held(m, self.n, self.source, self.n + 1)
        m.d.comb += [
            self.sink.payload.as_value().eq(queue.r_data),
            self.sink.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.sink.ready),
        ]
        return m


class Merge(wiring.Component):
    """Joins the sources of a population; a step ends when every source has ended it.

    Spikes of any source that has not ended the step pass as they come, their address
    counted from the source's first row; the first source goes first, but overtakes no event that
    waits. A source that has ended the step waits for the others.

    Parameters
    ----------
    sizes
        Lines of each source.

    Members
    -------
    source_0, source_1, ... : In(event_stream(sizes[k]))
    sink : Out(event_stream(sum(sizes)))
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        require(len(sizes) >= 1, "sizes", list(sizes), "at least one source")
        self.sizes = tuple(sizes)
        members = {f"source_{k}": In(event_stream(n)) for k, n in enumerate(self.sizes)}
        super().__init__({**members, "sink": Out(event_stream(sum(self.sizes)))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = len(self.sizes)
        if count == 1:
            join(m, self.source_0, self.sink)
            return m
        sources = [getattr(self, f"source_{k}") for k in range(count)]
        ended = Signal(count)
        asking = Signal(count)
        chosen = Signal(range(count))
        last = Signal()
        m.d.comb += asking.eq(Cat(s.valid for s in sources) & ~ended)
        for k in reversed(range(count)):
            with m.If(asking[k]):
                m.d.comb += chosen.eq(k)
        # An event that waits is not overtaken: it must stay as it is.
        waited = Signal()
        kept = Signal.like(chosen)
        m.d.sync += [waited.eq(self.sink.valid & ~self.sink.ready), kept.eq(chosen)]
        with m.If(waited):
            m.d.comb += chosen.eq(kept)
        ending = Signal(count)
        m.d.comb += [ending.eq(ended | (Const(1, count) << chosen)), last.eq(ending.all())]
        tick = named(m, "tick", Array(s.payload.tick for s in sources)[chosen])
        first = [sum(self.sizes[:k]) for k in range(count)]
        row = Array(s.payload.address + first[k] for k, s in enumerate(sources))[chosen]
        offered = named(m, "offered", asking.any())
        # A tick that is not the last of its step goes no further.
        passes = named(m, "passes", ~tick | last)
        done = named(m, "done", offered & (self.sink.ready | ~passes))
        m.d.comb += [
            self.sink.valid.eq(offered & passes),
            self.sink.payload.tick.eq(tick),
            self.sink.payload.address.eq(row),
        ]
        for k, s in enumerate(sources):
            m.d.comb += s.ready.eq(done & (chosen == k))
        with m.If(done & tick):
            with m.If(last):
                m.d.sync += ended.eq(0)
            with m.Else():
                m.d.sync += ended.eq(ending)
        return m
