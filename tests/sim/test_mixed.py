"""Lock-step: stops to the rounding of time, closed form, deaths of the other side."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import numpy as np
import pytest

from lifstone.golden import InvalidValue
from lifstone.sim.mixed.process import AnalogProcess
from lifstone.sim.mixed.stepper import stepped_netlist

DT = 1e-4
RC = ["Iin 0 mem 0", "Cmem mem 0 1p ic=0", "Rmem mem 0 1g"]


def netlist(steps: int) -> str:
    return stepped_netlist(RC, dt=DT, steps=steps, max_step=DT / 10)


def test_steps_end_on_time_and_follow_the_closed_form() -> None:
    rng = np.random.default_rng(1)
    decay, v = np.exp(-DT / 1e-3), 0.0
    with AnalogProcess(netlist(300), DT, ("mem",)) as analog:
        for k in range(300):
            current = float(rng.normal()) * 1e-12
            t, found = analog.advance({"iin": current})
            v = v * decay + current * 1e9 * (1 - decay)
            assert t[-1] == pytest.approx((k + 1) * DT, abs=2e-6 * DT)
            assert (np.diff(t) > 0).all()
            # A tenth of a step of the simulator, gear's second order.
            assert found[-1, 0] == pytest.approx(v, abs=2e-8)
    assert multiprocessing.active_children() == []


def test_a_killed_simulator_is_an_error_and_no_orphan() -> None:
    analog = AnalogProcess(netlist(10), DT, ("mem",))
    analog.advance({"iin": 1e-12})
    assert analog._process.pid is not None
    os.kill(analog._process.pid, signal.SIGKILL)
    analog._process.join()
    with pytest.raises(RuntimeError, match="the process of ngspice ended, code -9"):
        analog.advance({"iin": 0.0})
    assert multiprocessing.active_children() == []


def test_an_error_here_ends_the_simulator() -> None:
    with pytest.raises(ZeroDivisionError), AnalogProcess(netlist(10), DT, ("mem",)):
        _ = 1 / 0
    assert multiprocessing.active_children() == []


def test_a_circuit_that_does_not_solve_says_so() -> None:
    broken = stepped_netlist(["Iin 0 mem 0", "Xnone mem 0 nothing"], dt=DT, steps=5, max_step=DT)
    with pytest.raises(RuntimeError, match="ngspice"), AnalogProcess(broken, DT, ("mem",)) as a:
        a.advance({"iin": 0.0})
    assert multiprocessing.active_children() == []


def test_a_step_beyond_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    with AnalogProcess(netlist(10), DT, ("mem",)) as analog:
        assert analog._process.pid is not None
        os.kill(analog._process.pid, signal.SIGSTOP)
        analog._timeout = 0.3
        with pytest.raises(RuntimeError, match=r"no answer within 0\.3 s"):
            analog.advance({"iin": 0.0})
    until = time.monotonic() + 10
    while multiprocessing.active_children() and time.monotonic() < until:
        time.sleep(0.01)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("change", "field"),
    [({"dt": 0.0}, "dt"), ({"steps": 0}, "steps"), ({"max_step": 1.0}, "max_step")],
)
def test_bad_steps(change: dict[str, float], field: str) -> None:
    with pytest.raises(InvalidValue, match=field):
        stepped_netlist(RC, **{"dt": DT, "steps": 10, "max_step": DT / 10, **change})  # type: ignore[arg-type]
