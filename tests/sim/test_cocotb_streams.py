"""Source, Sink, Monitor and the comparison, at ports of plain numbers: each can fail."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest

from lifstone.golden import InvalidValue, Trace
from lifstone.sim.rtl.cocotb_bench.streams import (
    BrokenRule,
    Monitor,
    Pauses,
    Port,
    Sink,
    Source,
)
from lifstone.sim.rtl.cocotb_bench.trace import Scoreboard, TraceMonitor
from lifstone.sim.rtl.job import Moment, Wait

NEVER = Wait()


class Signed(int):
    """What a simulator gives for a port of several bits."""

    def to_signed(self) -> int:
        return int(self)


class Unknown:
    """A value with undefined bits."""

    def __int__(self) -> int:
        raise ValueError

    to_signed = __int__

    def __str__(self) -> str:
        return "XX"


def dut(*names: str) -> SimpleNamespace:
    return SimpleNamespace(**{n: SimpleNamespace(value=Signed(0)) for n in names})


def port(name: str = "s") -> Port:
    return Port(dut(*(f"{name}_{k}" for k in ("valid", "ready", "tick", "address"))), name)


def offered(source: Source, ready: Iterator[int]) -> Iterator[tuple[int, int] | None]:
    """What the source shows, clock by clock; ``None`` where it shows nothing."""
    p = source.port
    for r in ready:
        p.ready.value = r
        source.clock()
        yield (int(p.tick.value), int(p.address.value)) if int(p.valid.value) else None


def test_pauses_are_as_frequent_and_as_long_as_asked_and_come_from_the_seed() -> None:
    draw = [Pauses(Wait(0.5, 3), "a") for _ in range(2)]
    first, second = ([p() for _ in range(4000)] for p in draw)
    assert first == second
    assert first != [Pauses(Wait(0.5, 3), "b")() for _ in range(4000)]
    # A pause of 2 clocks on average begins with 1/2, another with 1/2 right after it.
    assert np.mean(first) == pytest.approx(2 / 3, abs=0.05)
    assert not any(Pauses(NEVER, "a")() for _ in range(100))


@pytest.mark.parametrize("wait", [NEVER, Wait(0.4, 3)])
def test_a_source_sends_spikes_then_ticks_and_holds_what_it_offers(wait: Wait) -> None:
    rows = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]])
    source = Source(port(), rows, Pauses(wait, "s"))
    taken: list[tuple[int, int]] = []
    draw = np.random.default_rng(0)
    readies = [int(draw.random() < 0.5) for _ in range(200)]
    shown: tuple[int, int] | None = None
    for ready, now in zip(readies, offered(source, iter(readies)), strict=True):
        if shown is not None:
            if ready:
                taken.append(shown)
            else:
                assert now == shown
        shown = now
    assert taken == [(0, 0), (0, 2), (1, 0), (1, 0), (0, 1), (1, 0)]
    assert (source.spikes, source.ticks) == (3, 3)


def test_a_source_does_not_take_an_undefined_ready() -> None:
    source = Source(port(), np.ones((1, 1)), Pauses(NEVER, "s"))
    source.clock()
    source.port.ready.value = Unknown()
    with pytest.raises(BrokenRule, match="s_ready is undefined: XX"):
        source.clock()


def test_a_sink_waits_as_asked_and_while_it_is_held() -> None:
    sink = Sink(port(), Pauses(Wait(0.5), "s"))
    seen = []
    for _ in range(1000):
        sink.clock()
        seen.append(int(sink.port.ready.value))
    assert 0.4 < np.mean(seen) < 0.6
    sink.holds = True
    for _ in range(20):
        sink.clock()
        assert int(sink.port.ready.value) == 0


def watch(monitor: Monitor, clocks: list[tuple[int, int, int, int]]) -> None:
    """Clocks of valid, ready, tick and address."""
    p = monitor.port
    for clock in clocks:
        for handle, value in zip((p.valid, p.ready, p.tick, p.address), clock, strict=True):
            handle.value = Signed(value)
        monitor.clock()


def test_a_monitor_keeps_spikes_by_step() -> None:
    monitor = Monitor(port(), "p", steps=2, n=3)
    watch(
        monitor,
        [(0, 1, 1, 2), (1, 0, 0, 0), (1, 1, 0, 0), (1, 1, 0, 2), (1, 1, 1, 0), (1, 1, 0, 1)],
    )
    np.testing.assert_array_equal(monitor.spikes, [[1, 0, 1], [0, 1, 0]])
    assert monitor.step == 1


@pytest.mark.parametrize(
    ("clocks", "words"),
    [
        ([(1, 0, 0, 1), (0, 0, 0, 1)], "output p at step 0: an event went away while it waited"),
        ([(1, 0, 0, 1), (1, 1, 0, 2)], "spike at address 1 became spike at address 2 in waiting"),
        ([(1, 0, 0, 1), (1, 0, 1, 1)], "spike at address 1 became tick at address 1 in waiting"),
        ([(1, 1, 0, 3)], "address 3 of 3 neurons"),
        ([(1, 1, 0, 1), (1, 1, 0, 1)], "address 1 after 1"),
        ([(1, 1, 0, 2), (1, 1, 0, 0)], "address 0 after 2"),
        ([(1, 1, 1, 0), (1, 1, 1, 0), (1, 1, 1, 0)], "output p at step 2: an event after the last"),
    ],
)
def test_a_monitor_names_the_rule_that_was_broken(
    clocks: list[tuple[int, int, int, int]], words: str
) -> None:
    with pytest.raises(BrokenRule, match=words):
        watch(Monitor(port(), "p", steps=2, n=3), clocks)


def monitored(steps: int = 2) -> TraceMonitor:
    fields = {"index": 1, "u": 8, "i": 8, "spike": 1}
    population = {"name": "p", "n": 2, "trace": {"port": "t", "fields": fields}}
    return TraceMonitor(dut("t_valid", *(f"t_{f}" for f in fields)), population, steps)


def beat(monitor: TraceMonitor, **values: object) -> None:
    for field, value in {"valid": 1, "i": 0, "spike": 0, **values}.items():
        handle = monitor.handles[field]
        handle.value = Signed(value) if isinstance(value, int) else value
    monitor.clock()


def test_beats_fill_the_trace_in_order() -> None:
    monitor = monitored()
    beat(monitor, index=0, u=-5, i=7, spike=1)
    beat(monitor, valid=0, index=0, u=3)
    beat(monitor, index=1, u=9)
    assert monitor.step == 1
    np.testing.assert_array_equal(monitor.trace.v[0], [-5, 9])
    np.testing.assert_array_equal(monitor.trace.i[0], [7, 0])
    np.testing.assert_array_equal(monitor.trace.spikes[0], [True, False])
    with pytest.raises(BrokenRule, match="trace p at step 1: neuron 1 in place of 0"):
        beat(monitor, index=1, u=0)
    with pytest.raises(BrokenRule, match=r"step 1, neuron p\[0\]: u is undefined: XX"):
        beat(monitor, index=0, u=Unknown())
    for j in (0, 1):
        beat(monitor, index=j, u=0)
    with pytest.raises(BrokenRule, match="trace p: a beat after the last step"):
        beat(monitor, index=0, u=0)


def board(u: int = 3, fires: bool = False) -> tuple[Scoreboard, TraceMonitor, Monitor]:
    """Two steps of two neurons, of which neuron 1 has another state or spike in step 1."""
    v = np.array([[1, 2], [1, u]])
    spikes = np.array([[True, False], [True, fires]])
    expected = {"p": Trace(v, np.zeros((2, 2), np.int64), spikes)}
    trace, out = monitored(), Monitor(port(), "p", steps=2, n=2)
    return Scoreboard(expected, [trace], [out]), trace, out


def deliver(trace: TraceMonitor, out: Monitor, beats: int, events: int) -> None:
    for k in range(beats):
        beat(trace, index=k % 2, u=[1, 2, 1, 3][k], spike=int(k % 2 == 0))
    watch(out, [(1, 1, 0, 0), (1, 1, 1, 0), (1, 1, 0, 0), (1, 1, 1, 0)][:events])


def test_a_step_is_compared_when_all_have_finished_it() -> None:
    same, trace, out = board()
    deliver(trace, out, 4, 2)
    assert same.compare() is None
    assert same.step == 1
    watch(out, [(1, 1, 0, 0), (1, 1, 1, 0)])
    assert same.compare() is None
    assert same.step == 2
    assert same.compared == 4 * 3 + 4


def test_differences_of_state_spike_and_stream_are_found_where_they_are() -> None:
    state, trace, out = board(u=4)
    deliver(trace, out, 4, 4)
    assert str(state.compare()) == "step 1, neuron p[1]: v is 3 instead of 4"
    spike, trace, out = board(fires=True)
    deliver(trace, out, 4, 4)
    assert str(spike.compare()) == "step 1, neuron p[1]: no spike instead of one"
    stream, trace, out = board()
    deliver(trace, out, 4, 2)
    watch(out, [(1, 1, 0, 1), (1, 1, 1, 0)])
    assert str(stream.compare()) == "step 1, neuron p[0]: no spike instead of one"


def test_the_rest_of_a_broken_run_counts_only_what_came() -> None:
    short, trace, out = board(u=4)
    deliver(trace, out, 3, 2)
    assert short.compare() is None
    assert short.compare_rest() is None
    full, trace, out = board(u=4)
    deliver(trace, out, 4, 2)
    assert full.compare() is None
    assert str(full.compare_rest()) == "step 1, neuron p[1]: v is 3 instead of 4"
    extra, trace, out = board()
    deliver(trace, out, 3, 2)
    watch(out, [(1, 1, 0, 1)])
    assert extra.compare() is None
    assert str(extra.compare_rest()) == "step 1, neuron p[1]: a spike instead of none"


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Wait(1.0), "wait.probability"),
        (lambda: Wait(-0.1), "wait.probability"),
        (lambda: Wait(0.5, 0), "wait.burst"),
        (lambda: Moment("later", 1), "moment.kind"),
        (lambda: Moment("clock", -1), "moment.count"),
    ],
)
def test_waits_and_moments_are_checked(make: object, field: str) -> None:
    with pytest.raises(InvalidValue, match=rf"^{field} = "):
        make()  # type: ignore[operator]
