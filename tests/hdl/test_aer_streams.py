"""Fork, Merge, Delay, Queue and TickOnly: what comes out; an event stays as it is."""

from __future__ import annotations

import gc
import random

import pytest
from amaranth.hdl import Elaboratable, Module, ResetInserter, Signal
from amaranth.sim import Simulator

from lifstone.golden import InvalidValue
from lifstone.hdl.aer import Delay, Fork, Merge, Queue, TickOnly

TICK = (1, 0)
TIMINGS = [(0.0, 0.0), (0.6, 0.0), (0.0, 0.6), (0.4, 0.4)]
"""Chances in a clock that a source pauses and that a sink is not ready."""

Event = tuple[int, int]


def steps(n: int, count: int, seed: int) -> list[list[int]]:
    """Addresses of each step, ascending, some steps empty and some full."""
    draw = random.Random(seed)
    return [[a for a in range(n) if draw.random() < draw.choice([0, 0.5, 1])] for _ in range(count)]


def events(rows: list[list[int]]) -> list[Event]:
    return [e for row in rows for e in (*((0, a) for a in row), TICK)]


class Bench:
    """Feeds sources and empties sinks of a component, clock by clock, and checks the rule."""

    def __init__(self, part: object, idle: float, wait: float, seed: int = 0) -> None:
        self.part = part
        self.idle, self.wait = idle, wait
        self.draw = random.Random(seed)
        self.reset = Signal()
        self.taken: dict[str, int] = {}
        self.got: dict[str, list[Event]] = {}
        self.blocked: set[str] = set()

    def play(
        self, feeds: dict[str, list[Event]], sinks: list[str], runs: list[int]
    ) -> dict[str, list[Event]]:
        """One run after the other, each of so many clocks, and each from a reset."""
        simulator = Simulator(self._resettable())
        simulator.add_clock(1e-6)

        async def bench(ctx: object) -> None:
            for clocks in runs:
                await self._clear(ctx, feeds, sinks)
                for _ in range(clocks):
                    await self._clock(ctx, feeds, sinks)

        simulator.add_testbench(bench)
        simulator.run()
        return self.got

    def _resettable(self) -> Elaboratable:
        m = Module()
        m.submodules.part = ResetInserter(self.reset)(self.part)
        clocked = Signal()  # a part of wires alone has no clock of its own
        m.d.sync += clocked.eq(~clocked)
        return m

    async def _clear(self, ctx: object, feeds: dict[str, list[Event]], sinks: list[str]) -> None:
        self.taken = dict.fromkeys(feeds, 0)
        self.got = {name: [] for name in sinks}
        self.offers = dict.fromkeys(feeds, False)
        self.waiting: dict[str, Event | None] = dict.fromkeys(sinks)
        for name in feeds:
            ctx.set(getattr(self.part, name).valid, 0)
        for name in sinks:
            ctx.set(getattr(self.part, name).ready, 0)
        ctx.set(self.reset, 1)
        await ctx.tick()
        ctx.set(self.reset, 0)

    async def _clock(self, ctx: object, feeds: dict[str, list[Event]], sinks: list[str]) -> None:
        for name, queue in feeds.items():
            port, at = getattr(self.part, name), self.taken[name]
            if not self.offers[name]:
                self.offers[name] = at < len(queue) and self.draw.random() >= self.idle
            # While nothing is offered, the payload is arbitrary.
            shown = queue[at] if self.offers[name] else (self.draw.randrange(2), 0)
            ctx.set(port.valid, int(self.offers[name]))
            ctx.set(port.payload.tick, shown[0])
            ctx.set(port.payload.address, shown[1])
        for name in sinks:
            ready = name not in self.blocked and self.draw.random() >= self.wait
            ctx.set(getattr(self.part, name).ready, int(ready))
        for name in sinks:
            self._watch(ctx, name)
        for name in feeds:
            if self.offers[name] and ctx.get(getattr(self.part, name).ready):
                self.taken[name] += 1
                self.offers[name] = False
        await ctx.tick()

    def _watch(self, ctx: object, name: str) -> None:
        port = getattr(self.part, name)
        valid, ready = ctx.get(port.valid), ctx.get(port.ready)
        seen = (ctx.get(port.payload.tick), ctx.get(port.payload.address)) if valid else None
        waiting = self.waiting[name]
        assert waiting is None or seen == waiting, f"{name}: {waiting} became {seen} in waiting"
        self.waiting[name] = None if ready else seen
        if seen is not None and ready:
            self.got[name].append(seen)


@pytest.mark.parametrize(("idle", "wait"), TIMINGS)
@pytest.mark.parametrize("sinks", [1, 2, 3])
def test_every_sink_of_a_fork_gets_every_event_once(sinks: int, idle: float, wait: float) -> None:
    sent = events(steps(5, 12, seed=sinks))
    names = [f"sink_{k}" for k in range(sinks)]
    got = Bench(Fork(5, sinks), idle, wait).play({"source": sent}, names, [9, 25 * len(sent)])
    assert got == dict.fromkeys(names, sent)


@pytest.mark.parametrize(("idle", "wait"), TIMINGS)
def test_only_ticks_pass_where_a_population_has_no_input(idle: float, wait: float) -> None:
    sent = events(steps(6, 12, seed=1))
    got = Bench(TickOnly(6), idle, wait).play({"source": sent}, ["sink"], [9, 25 * len(sent)])
    assert got["sink"] == [TICK] * 12


@pytest.mark.parametrize(("idle", "wait"), TIMINGS)
@pytest.mark.parametrize(("n", "later"), [(1, 1), (4, 1), (4, 2), (3, 5)])
def test_a_delay_begins_with_its_ticks_and_keeps_the_order(
    n: int, later: int, idle: float, wait: float
) -> None:
    sent = events(steps(n, 12, seed=n))
    got = Bench(Delay(n, later), idle, wait).play({"source": sent}, ["sink"], [9, 25 * len(sent)])
    assert got["sink"] == [TICK] * later + sent


@pytest.mark.parametrize(("n", "later"), [(1, 1), (2, 1), (7, 1), (1, 3), (4, 4)])
def test_a_delay_takes_its_whole_steps_while_its_sink_waits(n: int, later: int) -> None:
    bench = Bench(Delay(n, later), 0.0, 0.0)
    bench.blocked = {"sink"}
    sent = events([list(range(n))] * later)
    got = bench.play({"source": sent}, ["sink"], [4 * n * later + 9])
    assert got["sink"] == []
    assert bench.taken["source"] == later * (n + 1)


@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize(("idle", "wait"), TIMINGS)
def test_a_queue_keeps_the_order_and_adds_nothing(n: int, idle: float, wait: float) -> None:
    fed = events(steps(n, 12, n))
    bench = Bench(Queue(n), idle, wait)
    got = bench.play({"source": fed}, ["sink"], [37, 600])
    assert got["sink"] == fed


@pytest.mark.parametrize("n", [1, 4, 9])
def test_a_queue_takes_a_whole_step_while_its_sink_waits(n: int) -> None:
    fed = events([list(range(n))])
    bench = Bench(Queue(n), 0.0, 0.0)
    bench.blocked.add("sink")
    bench.play({"source": fed}, ["sink"], [50])
    assert bench.taken["source"] == n + 1


@pytest.mark.parametrize(("idle", "wait"), TIMINGS)
@pytest.mark.parametrize("sizes", [[3], [2, 3], [1, 4, 2]])
def test_a_merge_ends_a_step_when_every_source_has(
    sizes: list[int], idle: float, wait: float
) -> None:
    rows = [steps(n, 12, seed=k) for k, n in enumerate(sizes)]
    feeds = {f"source_{k}": events(r) for k, r in enumerate(rows)}
    total = sum(len(sent) for sent in feeds.values())
    got = Bench(Merge(sizes), idle, wait, seed=7).play(feeds, ["sink"], [9, 25 * total])["sink"]
    ends = [k for k, e in enumerate(got) if e[0]]
    assert len(ends) == 12
    assert ends[-1] == len(got) - 1
    for step, (first, last) in enumerate(zip([-1, *ends], ends, strict=False)):
        addresses = [a for _, a in got[first + 1 : last]]
        for k, n in enumerate(sizes):
            base = sum(sizes[:k])
            of_source = [a - base for a in addresses if base <= a < base + n]
            assert of_source == rows[k][step]
        assert len(addresses) == sum(len(r[step]) for r in rows)


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Fork(3, 0), "sinks"),
        (lambda: Merge([]), "sizes"),
        (lambda: Delay(3, 0), "steps"),
    ],
)
def test_a_part_needs_a_stream_on_both_sides(make: object, field: str) -> None:
    with pytest.raises(InvalidValue, match=rf"^{field} = "):
        make()
    gc.collect()  # the half-made part warns that it was never used, here and not elsewhere
