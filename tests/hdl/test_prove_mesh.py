"""Proofs of the mesh: nothing lost, no deadlock, fair turns; and broken ones are refuted."""

from __future__ import annotations

import pytest
from amaranth.hdl import Module, Value, unsigned
from amaranth.lib import data

from lifstone.hdl.formal.mesh import TAG, ChoiceWatch, FabricWatch, prove_mesh
from lifstone.hdl.mesh import router
from lifstone.hdl.mesh.route import Direction
from lifstone.hdl.mesh.router import Choice, Fabric, Hop, Router

WORD = data.StructLayout({"a": unsigned(2)})
SECONDS = 120.0


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_choice_is_fair_and_loses_nothing(count: int) -> None:
    assert prove_mesh(ChoiceWatch(Choice(WORD, count), WORD), 4, SECONDS).word == "unsat"


@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (3, 1), (2, 2)])
def test_a_mesh_never_stands_still(columns: int, rows: int) -> None:
    """With 2 x 2, every turn of every larger mesh is there."""
    outcome = prove_mesh(FabricWatch(Fabric(columns, rows, TAG)), 3, SECONDS)
    assert (outcome.word, outcome.broken) == ("unsat", ())


class FirstAlways(Choice):
    """Serves the first source that asks, however long the others wait."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.sync += self.served.eq(self.count - 1)
        return m


class OneHop(Hop):
    """A buffer of one word, which takes no other before it has given that one away."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.source.ready.eq(~self.sink.valid)
        with m.If(self.source.valid & self.source.ready):
            m.d.sync += [self.sink.valid.eq(1), self.sink.payload.eq(self.source.payload)]
        with m.Elif(self.sink.ready):
            m.d.sync += self.sink.valid.eq(0)
        return m


class Leaky(OneHop):
    """Takes a word although it holds one."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        with m.If(self.source.valid):
            m.d.sync += self.sink.payload.eq(self.source.payload)
        return m


class Clockwise(Router):
    """Sends what goes from corner to corner of 2 x 2 the same way round, a ring of waits."""

    def _wants(self, there: data.View, out: Direction) -> Value:
        x, y = self.here
        across = (there.x != x) & (there.y != y)
        first = {
            (0, 0): Direction.EAST,
            (1, 0): Direction.SOUTH,
            (1, 1): Direction.WEST,
            (0, 1): Direction.NORTH,
        }[x, y]
        plain = super()._wants(there, out)
        return plain & ~across | across & int(out is first)


def test_an_unfair_choice_is_refuted() -> None:
    watch = ChoiceWatch(FirstAlways(WORD, 2), WORD)
    watch.promises = ("fair",)
    outcome = prove_mesh(watch, 5, SECONDS)
    assert (outcome.word, outcome.broken) == ("sat", ("fair",))


def test_a_buffer_that_loses_an_event_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router, "Hop", Leaky)
    watch = FabricWatch(Fabric(2, 1, TAG))
    watch.promises = ("one_copy",)
    outcome = prove_mesh(watch, 5, SECONDS)
    assert (outcome.word, outcome.broken) == ("sat", ("one_copy",))


def test_a_ring_of_waits_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router, "Hop", OneHop)
    dimension_order = FabricWatch(Fabric(2, 2, TAG))
    dimension_order.promises = ("moves", "on_its_way", "holds")
    assert prove_mesh(dimension_order, 3, SECONDS).word == "unsat"
    monkeypatch.setattr(router, "turns", lambda into: tuple(Direction))
    monkeypatch.setattr(router, "Router", Clockwise)
    ring = FabricWatch(Fabric(2, 2, TAG))
    ring.promises = ("moves",)
    outcome = prove_mesh(ring, 8, SECONDS)
    assert (outcome.word, outcome.broken) == ("sat", ("moves",))
