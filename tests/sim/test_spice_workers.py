"""Points in several processes: order, failures, deaths, absent tools, interrupts."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import time

import numpy as np
import pytest

from lifstone.golden import InvalidValue, MissingTool
from lifstone.sim.spice_workers import run_points


def square(x: float) -> float:
    if x == -1:
        raise RuntimeError(f"no negative numbers: {x:g}")
    if x == -2:
        raise InvalidValue("x", x, "a number above 0")
    return x**2


def dies(x: float) -> float:
    if x == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    if x == 5:
        os._exit(7)
    return x**2


failed_before: list[float] = []


def never_recovers(x: float) -> float:
    """As a simulator that a fatal error leaves unusable."""
    if x == 1 or failed_before:
        failed_before.append(x)
        raise RuntimeError(f"failed from {failed_before[0]:g} on")
    return x


def absent(x: float) -> float:
    raise MissingTool("libngspice", "apt-get install libngspice0")


def slow(x: float) -> float:
    time.sleep(600)
    return x


class DiesOnArrival:
    """A measure that a fresh process cannot even receive."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (5,)

    def __call__(self, x: float) -> float:
        return x


@pytest.mark.parametrize("workers", [1, 2])
def test_values_and_reasons_are_in_the_order_of_the_points(workers: int) -> None:
    seen: list[tuple[int, int]] = []
    points = [3.0, -1.0, 0.5, -2.0, 7.0]
    found = run_points(square, points, workers, lambda done, total: seen.append((done, total)))
    np.testing.assert_array_equal([f[0] for f in found], [9.0, np.nan, 0.25, np.nan, 49.0])
    assert [f[1] for f in found] == [
        "",
        "no negative numbers: -1",
        "",
        "InvalidValue: x = -2.0: allowed is a number above 0",
        "",
    ]
    assert seen == [(k, 5) for k in range(1, 6)]
    assert multiprocessing.active_children() == []


def test_no_points() -> None:
    assert run_points(square, [], 2) == []


def test_a_dead_process_costs_its_own_point_only() -> None:
    found = run_points(dies, [float(k) for k in range(8)], 2)
    np.testing.assert_array_equal([f[0] for f in found], [0, 1, 4, np.nan, 16, np.nan, 36, 49])
    assert found[3][1] == "the simulator ended its process, code -11"
    assert found[5][1] == "the simulator ended its process, code 7"


def test_a_failure_does_not_stay_in_its_process() -> None:
    found = run_points(never_recovers, [0.0, 1.0, 2.0, 3.0, 4.0], 2)
    assert [f[1] for f in found] == ["", "failed from 1 on", "", "", ""]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_absent_tool_ends_the_sweep(workers: int) -> None:
    with pytest.raises(MissingTool, match="libngspice is not installed: apt-get"):
        run_points(absent, [1.0, 2.0, 3.0], workers)
    assert multiprocessing.active_children() == []


def test_processes_that_do_not_start(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="ended at its start, code 5"):
        run_points(DiesOnArrival(), [1.0, 2.0], 2)
    assert multiprocessing.active_children() == []


def test_an_error_of_the_caller_ends_the_processes() -> None:
    def full(done: int, total: int) -> None:
        raise OSError("no terminal")

    with pytest.raises(OSError, match="no terminal"):
        run_points(square, [1.0, 2.0, 3.0], 2, full)
    assert multiprocessing.active_children() == []


def test_an_interrupt_ends_the_processes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(lines: object, _timeout: float | None) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("lifstone.sim.spice_workers.wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_points(slow, [1.0, 2.0, 3.0], 2)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    "error", [MissingTool("ngspice", "apt"), InvalidValue("v_th", [1.0, None], "a number")]
)
def test_our_errors_travel_between_processes(error: Exception) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back), back.__dict__) == (type(error), str(error), error.__dict__)


def hangs(x: float) -> float:
    if x == 2:
        time.sleep(600)
    return x


def test_a_point_that_hangs_costs_its_time_and_no_other() -> None:
    for workers in (1, 2):
        found = run_points(hangs, [1.0, 2.0, 3.0], workers, timeout=1.5)
        assert [f[0] for f in (found[0], found[2])] == [1.0, 3.0]
        assert found[1][1] == "no answer within 1.5 s"
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("workers", [1, 2])
def test_what_settle_returns_is_tried_in_the_points_place(workers: int) -> None:
    heard: list[tuple[int, str]] = []

    def settle(k: int, outcome: tuple[float, str]) -> float | None:
        heard.append((k, outcome[1]))
        return 4.0 if outcome[1] and len([h for h in heard if h[0] == k]) < 2 else None

    found = run_points(square, [2.0, -1.0, 3.0], workers, settle=settle)
    assert found == [(4.0, ""), (16.0, ""), (9.0, "")]
    assert sorted(heard) == [(0, ""), (1, ""), (1, "no negative numbers: -1"), (2, "")]
