"""Proofs of the streams: the components keep their promises, and broken ones are caught."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from amaranth.hdl import Const, Elaboratable, Module, Signal
from amaranth.lib import fifo, wiring

from lifstone.golden import Drive, Reset, Rounding
from lifstone.hdl import aer
from lifstone.hdl.aer import Delay, Fork, Merge, Queue, TickOnly
from lifstone.hdl.core import Core
from lifstone.hdl.formal.induction import Outcome
from lifstone.hdl.formal.smt import circuits
from lifstone.hdl.formal.streams import (
    Watch,
    prove_watch,
    watch_core,
    watch_delay,
    watch_fork,
    watch_merge,
    watch_queue,
    watch_tick_only,
)
from lifstone.hdl.laned import LanedCore
from tests.hdl.contracts import lively, random_contract

DEPTH, SECONDS = 7, 60.0


def core(name: str) -> Core:
    return Core(lively().populations[name], [], 5)


def laned(name: str, lanes: int, *, trace: bool = False) -> LanedCore:
    return LanedCore(lively().populations[name], [], 5, lanes, trace=trace)


WATCHES: dict[str, Callable[[], Watch]] = {
    "fork1": lambda: watch_fork(Fork(3, 1)),
    "fork2": lambda: watch_fork(Fork(3, 2)),
    "fork4": lambda: watch_fork(Fork(1, 4)),
    "ticks": lambda: watch_tick_only(TickOnly(5)),
    "merge1": lambda: watch_merge(Merge((3,)), (3,)),
    "merge2": lambda: watch_merge(Merge((2, 3)), (2, 3)),
    "merge3": lambda: watch_merge(Merge((1, 3, 2)), (1, 3, 2)),
    "merge full": lambda: watch_merge(Merge((3, 5)), (3, 5)),
    "merge many": lambda: watch_merge(Merge((1,) * 11), (1,) * 11),
    "fork many": lambda: watch_fork(Fork(2, 11)),
    "delay1": lambda: watch_delay(Delay(1), 1),
    "delay2": lambda: watch_delay(Delay(2), 2),
    "delay6": lambda: watch_delay(Delay(6), 6),
    "delay1 by 4": lambda: watch_delay(Delay(1, 4), 1, 4),
    "delay2 by 3": lambda: watch_delay(Delay(2, 3), 2, 3),
    "core3": lambda: watch_core(core("b")),
    "core4": lambda: watch_core(core("a")),
    "queue2": lambda: watch_queue(Queue(2), 2),
    "queue5": lambda: watch_queue(Queue(5), 5),
    "two lanes of four": lambda: watch_core(laned("a", 2)),
    "four lanes of four": lambda: watch_core(laned("a", 4)),
    "two lanes of three": lambda: watch_core(laned("b", 2)),
    "two lanes traced": lambda: watch_core(laned("b", 2, trace=True)),
}


def prove(watch: Watch, depth: int = DEPTH) -> Outcome:
    (circuit,) = circuits([watch.source()])
    return prove_watch(watch, circuit, depth, SECONDS)


@pytest.mark.parametrize("name", list(WATCHES))
def test_the_promises_are_proved(name: str) -> None:
    outcome = prove(WATCHES[name]())
    assert (outcome.word, outcome.broken) == ("unsat", ())


def test_a_merge_needs_sources_that_send_from_their_own_lines() -> None:
    w = watch_merge(Merge((3, 5)), (3, 5))
    w.lines = ()
    assert "spikes_pass" in prove(w).broken


class NoMemory(Fork):
    """Forgets which sinks have taken the event."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for k in range(self.sinks):
            sink = getattr(self, f"sink_{k}")
            m.d.comb += [sink.payload.eq(self.source.payload), sink.valid.eq(self.source.valid)]
        ready = [getattr(self, f"sink_{k}").ready for k in range(self.sinks)]
        m.d.comb += self.source.ready.eq(ready[0] & ready[1])
        return m


class OneIsEnough(Fork):
    """Moves on as soon as one sink has taken the event."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a, b = self.sink_0, self.sink_1
        m.d.comb += [
            a.payload.eq(self.source.payload),
            b.payload.eq(self.source.payload),
            a.valid.eq(self.source.valid),
            b.valid.eq(self.source.valid),
            self.source.ready.eq(a.ready | b.ready),
        ]
        return m


class SpikesToo(TickOnly):
    """Lets spikes wait for the sink."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        tick = self.source.payload.tick
        m.d.comb += [
            self.sink.payload.tick.eq(1),
            self.sink.valid.eq(self.source.valid & tick),
            self.source.ready.eq(self.sink.ready),
        ]
        return m


class Overtakes(Merge):
    """The first source overtakes an event that waits, and a step ends with any source."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a, b = self.source_0, self.source_1
        m.d.comb += [
            self.sink.valid.eq(a.valid | b.valid),
            a.ready.eq(self.sink.ready),
            b.ready.eq(self.sink.ready & ~a.valid),
        ]
        with m.If(a.valid):
            m.d.comb += self.sink.payload.eq(a.payload)
        with m.Else():
            m.d.comb += [
                self.sink.payload.tick.eq(b.payload.tick),
                self.sink.payload.address.eq(b.payload.address + self.sizes[0]),
            ]
        return m


class NoQueue(Delay):
    """Passes events at once: without the tick at the start, and without room."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        wires = [
            self.sink.payload.eq(self.source.payload),
            self.sink.valid.eq(self.source.valid),
            self.source.ready.eq(self.sink.ready),
        ]
        m.d.comb += wires
        return m


WRONG: dict[str, tuple[Callable[[], wiring.Component], Callable[..., Watch], str]] = {
    "fork sends twice": (lambda: NoMemory(3, 2), watch_fork, "once"),
    "fork loses": (lambda: OneIsEnough(3, 2), watch_fork, "all"),
    "spikes wait": (lambda: SpikesToo(2), watch_tick_only, "spikes_never_wait"),
    "merge overtakes": (
        lambda: Overtakes((2, 2)),
        lambda d: watch_merge(d, (2, 2)),
        "sink_stays|tick_after_all|spikes",
    ),
}


@pytest.mark.parametrize("name", list(WRONG))
def test_a_broken_component_is_refuted(name: str) -> None:
    make, watch, promise = WRONG[name]
    w = watch(make())
    w.links = lambda s: {}
    outcome = prove(w)
    assert outcome.word == "sat"
    assert any(part in b for part in promise.split("|") for b in outcome.broken), outcome.broken
    assert len(outcome.trace) == outcome.depth
    last = outcome.trace[-1]
    assert all(last[b] == 0 for b in outcome.broken)
    assert all(clock["given"] == 1 for clock in outcome.trace)


def test_a_delay_without_a_queue_is_refuted() -> None:
    w = watch_delay(NoQueue(1), 1)
    w.links = lambda s: {}
    outcome = prove(w)
    assert outcome.word == "sat"
    assert outcome.broken


class Overwrites(Elaboratable):
    """A queue of one word that takes another before the first is read."""

    def __init__(self, width: int, depth: int) -> None:
        self.w_data, self.r_data = Signal(width), Signal(width)
        self.w_en, self.w_rdy, self.r_en, self.r_rdy = (Signal(name=n) for n in "abcd")

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.w_rdy.eq(1)
        with m.If(self.r_en):
            m.d.sync += self.r_rdy.eq(0)
        with m.If(self.w_en):
            m.d.sync += [self.r_data.eq(self.w_data), self.r_rdy.eq(1)]
        return m


def shallow(width: int, depth: int) -> fifo.SyncFIFOBuffered:
    return fifo.SyncFIFOBuffered(width=width, depth=depth - 2)


@pytest.mark.parametrize(
    ("queue", "promise"),
    [(Overwrites, "sink_stays arrives_unchanged"), (shallow, "room_for_a_step")],
)
def test_a_delay_with_another_queue_is_refuted(
    queue: object, promise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aer, "fifo", SimpleNamespace(SyncFIFOBuffered=queue))
    w = watch_delay(Delay(3), 3)
    w.links = lambda s: {}
    outcome = prove(w)
    assert outcome.word == "sat"
    assert set(promise.split()) & set(outcome.broken)


class OneTickOnly(Delay):
    """Begins with one tick, however long the delay."""

    def elaborate(self, platform: object) -> Module:
        self.steps = 1
        return super().elaborate(platform)


def test_a_delay_with_too_few_ticks_is_refuted() -> None:
    w = watch_delay(OneTickOnly(1, 2), 1, 2)
    w.links = lambda s: {}
    outcome = prove(w)
    assert outcome.word == "sat"
    assert {"tick_first", "nothing_new", "room_for_a_step"} & set(outcome.broken)


class Hurries(Core):
    """Sends its tick for one clock, taken or not."""

    def _sweep(self, m: Module) -> None:
        self.sink.ready = Const(1)
        super()._sweep(m)


def test_a_core_that_does_not_wait_is_refuted() -> None:
    readout = (Rounding.FLOOR, "none", "none", Drive.NEW, None)
    c = random_contract(np.random.default_rng(0), 1, readout)
    outcome = prove(watch_core(Hurries(c, [], 1)), 12)
    assert outcome.word == "sat"
    assert "sink_stays" in outcome.broken


class EveryLaneFires(LanedCore):
    """Forgets that no neuron fills the last lanes of the last group."""

    def _stages(self, m: Module) -> None:
        self._filled = self.lanes
        super()._stages(m)


class HighestFirst(LanedCore):
    """Sends the spikes of a group in descending order."""

    def _leaving(self, m: Module) -> None:
        super()._leaving(m)
        for k in range(self.lanes):
            with m.If(self._waiting[k]):
                m.d.comb += [self._sent.eq(k), self._rest.eq(self._waiting & ~(1 << k))]


@pytest.mark.parametrize(
    ("broken", "promise"), [(EveryLaneFires, "known_neuron"), (HighestFirst, "ascending")]
)
def test_a_broken_core_with_lanes_is_refuted(broken: type[LanedCore], promise: str) -> None:
    c = random_contract(
        np.random.default_rng(0), 3, (Rounding.FLOOR, "none", "none", Drive.NEW, Reset.SET)
    )
    w = watch_core(broken(c, [], 1, 2))
    w.links = lambda s: {}
    outcome = prove(w, 14)
    assert outcome.word == "sat"
    assert promise in outcome.broken


def test_a_queue_that_is_too_short_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    short = SimpleNamespace(SyncFIFOBuffered=lambda width, depth: shallow(width, depth + 1))
    monkeypatch.setattr(aer, "fifo", short)
    w = watch_queue(Queue(3), 3)
    w.links = lambda s: {}
    outcome = prove(w)
    assert outcome.word == "sat"
    assert {"room_for_a_step", "room_is_used"} & set(outcome.broken)


def test_links_that_do_not_hold_prove_nothing() -> None:
    """A false link is dropped, not believed: the broken component stays refuted or undecided."""
    w = watch_fork(NoMemory(3, 2))
    w.links = lambda s: {"nonsense": s["sink_0_had"] == 1}
    assert prove(w).word == "sat"
    right = watch_fork(Fork(3, 2))
    right.links = lambda s: {"nonsense": s["sink_0_had"] == 1}
    assert prove(right).word in ("unknown", "unsat")
