"""The check that a network never locks up, and networks that do."""

from __future__ import annotations

import pytest
from amaranth.hdl import Module

from lifstone.hdl.aer import Delay, Queue
from lifstone.hdl.formal import deadlock
from lifstone.hdl.formal.deadlock import Place, find_circuit, places_of, room_of, ticks_of
from tests.hdl.contracts import lively


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_delay_begins_with_its_ticks_and_has_room_for_as_many_steps(steps: int) -> None:
    assert ticks_of(Delay(3, steps), steps) == steps
    assert room_of(Delay(3, steps), 3, steps) == steps


def test_a_queue_begins_empty_and_has_room_for_a_step() -> None:
    assert ticks_of(Queue(4), 1) == 0
    assert room_of(Queue(4), 4, 1) == 1


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_loop_goes_on(lanes: int) -> None:
    places = places_of(lively(), {"a": lanes, "b": lanes})
    assert find_circuit(places) == []
    assert any(p.tokens == 0 for p in places)


class WithoutTick(Delay):
    """Begins empty."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.queue = queue = Queue(self.n)
        m.d.comb += [
            queue.source.payload.eq(self.source.payload),
            queue.source.valid.eq(self.source.valid),
            self.source.ready.eq(queue.source.ready),
            self.sink.payload.eq(queue.sink.payload),
            self.sink.valid.eq(queue.sink.valid),
            queue.sink.ready.eq(self.sink.ready),
        ]
        return m


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_delay_without_its_tick_locks_the_loop_up(
    lanes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlock, "Delay", WithoutTick)
    ring = find_circuit(places_of(lively(), {"a": lanes, "b": lanes}))
    assert {"a", "b", "delay 1 of a"} <= set(ring)
    assert ring[0] == ring[-1]


def test_a_ring_needs_one_token() -> None:
    ring = [Place("a", "b", 0), Place("b", "c", 0), Place("c", "a", 0)]
    assert find_circuit(ring) in (["a", "b", "c", "a"], ["b", "c", "a", "b"], ["c", "a", "b", "c"])
    assert find_circuit([*ring[:2], Place("c", "a", 1)]) == []
