"""Routers of address events: a buffer for each link, a fair choice for each way out.

::

    from the west --> Hop --+--> choice --> to the east
    from the tile --> Hop --+--> choice --> to the tile   ...

An event is one word, so a router never holds half of one.
"""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Module, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.errors import require
from ..fixed import named
from .route import Direction, Position, neighbour, turns

__all__ = ["Choice", "Fabric", "Hop", "Router", "packet_layout"]

OPPOSITE = {
    Direction.EAST: Direction.WEST,
    Direction.WEST: Direction.EAST,
    Direction.NORTH: Direction.SOUTH,
    Direction.SOUTH: Direction.NORTH,
}


def packet_layout(columns: int, rows: int, load: data.StructLayout) -> data.StructLayout:
    """An event on its way: the tile it goes to, and what it carries."""
    bits = [max(1, (n - 1).bit_length()) for n in (columns, rows)]
    return data.StructLayout({"x": unsigned(bits[0]), "y": unsigned(bits[1]), "load": load})


class Hop(wiring.Component):
    """Two words of buffer; ``ready`` and ``valid`` come from registers alone.

    Members
    -------
    source : In(stream)
    sink : Out(stream)
    """

    def __init__(self, layout: data.StructLayout) -> None:
        words = stream.Signature(layout)
        super().__init__({"source": In(words), "sink": Out(words)})
        self.behind = Signal(layout, name="behind", reset_less=True)
        self.full = Signal(name="full")

    def elaborate(self, platform: object) -> Module:
        m = Module()
        source, sink = self.source, self.sink
        m.d.comb += source.ready.eq(~self.full)
        with m.If(sink.ready | ~sink.valid):
            with m.If(self.full):
                m.d.sync += [sink.payload.eq(self.behind), sink.valid.eq(1), self.full.eq(0)]
            with m.Else():
                m.d.sync += [sink.payload.eq(source.payload), sink.valid.eq(source.valid)]
        with m.Elif(source.valid & ~self.full):
            m.d.sync += [self.behind.eq(source.payload), self.full.eq(1)]
        return m


class Choice(wiring.Component):
    """Joins streams in turns: who was served last comes last.

    An event that waits is not overtaken. While a source waits, no other is served twice.

    Members
    -------
    source_0, source_1, ... : In(stream)
    sink : Out(stream)
    """

    def __init__(self, layout: data.StructLayout, count: int) -> None:
        require(count >= 1, "count", count, "at least 1")
        self.count = count
        words = stream.Signature(layout)
        members = {f"source_{k}": In(words) for k in range(count)}
        super().__init__({**members, "sink": Out(words)})
        self.asking = Signal(count, name="asking")
        self.served = Signal(range(count), name="served")
        self.waited, self.kept = Signal(name="waited"), Signal(range(count), name="kept")

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sources = [getattr(self, f"source_{k}") for k in range(self.count)]
        asking, served = self.asking, self.served
        chosen = Signal(range(self.count), name="chosen")
        m.d.comb += asking.eq(Cat(s.valid for s in sources))
        with m.Switch(served):
            for k in range(self.count):
                with m.Case(k):
                    for j in reversed(range(self.count)):
                        turn = (k + 1 + j) % self.count
                        with m.If(asking[turn]):
                            m.d.comb += chosen.eq(turn)
        m.d.sync += [self.waited.eq(self.sink.valid & ~self.sink.ready), self.kept.eq(chosen)]
        with m.If(self.waited):
            m.d.comb += chosen.eq(self.kept)
        m.d.comb += [
            self.sink.valid.eq(asking.any()),
            self.sink.payload.eq(Array(s.payload for s in sources)[chosen]),
        ]
        for k, s in enumerate(sources):
            m.d.comb += s.ready.eq(self.sink.ready & (chosen == k))
        with m.If(self.sink.valid & self.sink.ready):
            m.d.sync += served.eq(chosen)
        return m


class Router(wiring.Component):
    """The crossing of one tile.

    Parameters
    ----------
    layout
        Of :func:`packet_layout`.
    here
        Place of the tile.
    links
        Directions in which there is a neighbour.

    Members
    -------
    in_local, in_east, ... : In(stream)
        From the tile, and events that move east, ...
    out_local, out_east, ... : Out(stream)
    """

    def __init__(
        self, layout: data.StructLayout, here: Position, links: tuple[Direction, ...]
    ) -> None:
        self.layout, self.here = layout, here
        # An event that moves east came over the link to the west.
        self.ways_in = (Direction.LOCAL, *(OPPOSITE[d] for d in links))
        self.ways_out = (Direction.LOCAL, *links)
        self.hops = {d: Hop(layout) for d in self.ways_in}
        # Who may want each way out; a choice for each.
        self.askers = {out: [d for d in self.ways_in if out in turns(d)] for out in self.ways_out}
        self.choices = {out: Choice(layout, len(a)) for out, a in self.askers.items()}
        words = stream.Signature(layout)
        members = {f"in_{d.name.lower()}": In(words) for d in self.ways_in}
        members |= {f"out_{d.name.lower()}": Out(words) for d in self.ways_out}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for into, hop in self.hops.items():
            name = into.name.lower()
            m.submodules[f"hop_{name}"] = hop
            wiring.connect(m, wiring.flipped(getattr(self, f"in_{name}")), hop.source)
        for out, choice in self.choices.items():
            name = out.name.lower()
            m.submodules[f"choice_{name}"] = choice
            wiring.connect(m, choice.sink, wiring.flipped(getattr(self, f"out_{name}")))
            for k, into in enumerate(self.askers[out]):
                source, hop = getattr(choice, f"source_{k}"), self.hops[into].sink
                wants = named(m, f"{into.name.lower()}_to_{name}", self._wants(hop.payload, out))
                m.d.comb += [source.payload.eq(hop.payload), source.valid.eq(hop.valid & wants)]
                # Each event wants exactly one way.
                with m.If(wants):
                    m.d.comb += hop.ready.eq(source.ready)
        return m

    def _wants(self, there: data.View, out: Direction) -> Value:
        """Whether an event leaves in a direction: what :func:`~.route.route` says."""
        x, y = self.here
        column = there.x == x
        return {
            Direction.EAST: there.x > x,
            Direction.WEST: there.x < x,
            Direction.SOUTH: column & (there.y > y),
            Direction.NORTH: column & (there.y < y),
            Direction.LOCAL: column & (there.y == y),
        }[out]


class Fabric(wiring.Component):
    """Routers side by side, joined to their neighbours.

    Members
    -------
    inject_<x>_<y> : In(stream)
        Events from a tile.
    eject_<x>_<y> : Out(stream)
        Events for a tile; they must always be taken some time.
    """

    def __init__(self, columns: int, rows: int, load: data.StructLayout) -> None:
        self.columns, self.rows = columns, rows
        self.layout = layout = packet_layout(columns, rows, load)
        self.routers: dict[Position, Router] = {}
        for x in range(columns):
            for y in range(rows):
                links = [d for d in OPPOSITE if self._inside(neighbour((x, y), d))]
                self.routers[x, y] = Router(layout, (x, y), tuple(links))
        words = stream.Signature(layout)
        members = {f"inject_{x}_{y}": In(words) for x, y in self.routers}
        members |= {f"eject_{x}_{y}": Out(words) for x, y in self.routers}
        super().__init__(members)

    def _inside(self, tile: Position) -> bool:
        return 0 <= tile[0] < self.columns and 0 <= tile[1] < self.rows

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for (x, y), router in self.routers.items():
            m.submodules[f"router_{x}_{y}"] = router
            wiring.connect(m, wiring.flipped(getattr(self, f"inject_{x}_{y}")), router.in_local)
            wiring.connect(m, router.out_local, wiring.flipped(getattr(self, f"eject_{x}_{y}")))
            for d in router.ways_out[1:]:
                name = d.name.lower()
                other = self.routers[neighbour((x, y), d)]
                wiring.connect(m, getattr(router, f"out_{name}"), getattr(other, f"in_{name}"))
        return m
