"""Event-driven spike times against an adaptive integrator and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from lifstone.golden import EventSolution, InvalidValue, Lif, Reset, solve
from lifstone.golden.synapse import psp

DT = 1e-3


def integrated(lif: Lif, x: Any, dt: float) -> tuple[Any, Any]:
    """Spike times and potentials at the ends of the steps, by an adaptive integrator."""
    tau, r, rest = lif.tau_mem[0], lif.r[0], lif.v_leak[0]
    tau_syn = np.inf if lif.tau_syn is None else lif.tau_syn[0]
    times, ends = [], []
    v, i, held = lif.v_init[0], 0.0, 0.0

    def run(x_k: float, start: float, stop: float, frozen: bool) -> Any:
        def rhs(_: float, s: Any) -> list[float]:
            current = x_k if lif.tau_syn is None else s[1]
            leak = 0.0 if np.isinf(tau) else (rest - s[0]) / tau
            gain = r if np.isinf(tau) else r / tau
            target = (lif.w_in[0] * x_k - s[1]) / tau_syn
            return [0.0 if frozen else leak + gain * current, target]

        def over(_: float, s: Any) -> float:
            return 1.0 if frozen else float(s[0] - lif.v_th[0])

        over.terminal, over.direction = True, 1.0  # type: ignore[attr-defined]
        span = (start, stop)
        fine = {"rtol": 1e-12, "atol": 1e-14, "max_step": dt / 8, "method": "DOP853"}
        return solve_ivp(rhs, span, [v, i], events=over, **fine)

    for k, x_k in enumerate(x):
        t, stop = k * dt, (k + 1) * dt
        while t < stop:
            until = min(stop, t + held) if held > 0 else stop
            s = run(x_k, t, until, held > 0)
            held = max(held - (s.t[-1] - t), 0.0)
            held = 0.0 if held < 1e-15 else held
            t, (v, i) = s.t[-1], s.y[:, -1]
            if s.t_events[0].size:
                times.append(t)
                v, held = lif.v_reset[0], lif.t_ref[0]
        ends.append(v)
    return np.array(times), np.array(ends)


CASES = {
    "no synapse": {"tau_mem": 8e-3},
    "slow membrane": {"tau_mem": 12e-3, "tau_syn": 3e-3},
    "slow synapse": {"tau_mem": 4e-3, "tau_syn": 9e-3, "w_in": 1.5},
    "equal": {"tau_mem": 6e-3, "tau_syn": 6e-3},
    "nearly equal": {"tau_mem": 6e-3, "tau_syn": 6e-3 * (1 + 1e-8)},
    "refractory across steps": {"tau_mem": 8e-3, "t_ref": 2.6e-3},
    "refractory synapse": {"tau_mem": 8e-3, "tau_syn": 4e-3, "t_ref": 2.6e-3, "v_reset": -0.5},
    "leak-free": {"tau_mem": np.inf, "r": 150.0},
    "odd levels": {"tau_mem": 8e-3, "v_leak": -0.3, "v_reset": 0.4, "r": 2.0},
    "subtracting": {"tau_mem": 8e-3, "reset": Reset.SUBTRACT, "v_reset": 0.2},
}


@pytest.mark.parametrize("case", list(CASES))
def test_spikes_and_potentials_equal_an_integrator(case: str) -> None:
    lif = Lif(**CASES[case])
    x = np.random.default_rng(3).normal(2.5, 2.5, 40)
    got = solve(lif, x, DT)
    times, ends = integrated(lif, x, DT)
    assert times.size >= 4
    np.testing.assert_allclose(got.spike_times, times, rtol=0, atol=1e-12)
    np.testing.assert_allclose(got.v, ends, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(
    ("tau_mem", "tau_syn"), [(1e-2, 4e-3), (4e-3, 1e-2), (5e-3, 5e-3), (5e-3, 5e-3 * (1 + 1e-7))]
)
def test_grazing_the_threshold(tau_mem: float, tau_syn: float) -> None:
    # One step of input, then the potential rises to a peak on its own and falls.
    def model(v_th: float) -> Lif:
        return Lif(tau_mem, r=1.0, v_th=v_th, v_reset=-9.0, tau_syn=tau_syn)

    x = np.r_[1.0, np.zeros(59)]
    quiet = solve(model(np.inf), x, DT)
    first = quiet.v[0], quiet.i[0]
    # From the end of the input on: v(t) = first[0] e^(-t/tau_mem) + first[1] psp(t) tau_syn.
    t = np.linspace(0, 40e-3, 40_001)
    unit = Lif(tau_mem, r=1.0, v_th=np.inf, v_reset=0.0, tau_syn=tau_syn)
    curve = first[0] * np.exp(-t / tau_mem) + first[1] * tau_syn * psp(unit, t)
    k = int(np.argmax(curve))
    assert 0 < k < t.size - 1
    # Vertex of the parabola through the three highest samples: exact to some 1e-13.
    left, mid, right = curve[k - 1 : k + 2]
    bend = (left - 2 * mid + right) / (t[1] ** 2)
    peak = mid - (right - left) ** 2 / (8 * (left - 2 * mid + right))
    at = DT + t[k] - (right - left) / (2 * t[1] * bend)
    assert solve(model(peak * (1 + 1e-11)), x, DT).spike_times.size == 0
    for below in (1e-11, 1e-9, 1e-6):
        spikes = solve(model(peak * (1 - below)), x, DT).spike_times
        assert spikes.size == 1
        early = np.sqrt(2 * below * peak / -bend)
        assert spikes[0] == pytest.approx(at - early, abs=1e-3 * early + 3e-9)


def test_constant_drive_has_the_closed_form_interval() -> None:
    lif = Lif(tau_mem=1e-2, r=3.0, v_leak=-0.2, v_reset=-0.1, t_ref=1.7e-3)
    times = solve(lif, np.full(400, 0.9), DT).spike_times
    interval = 1.7e-3 + 1e-2 * np.log((2.7 - 0.2 + 0.1) / (2.7 - 0.2 - 1.0))
    assert times.size > 40
    np.testing.assert_allclose(np.diff(times), interval, rtol=1e-11)


def test_many_spikes_in_a_step() -> None:
    lif = Lif(tau_mem=np.inf, r=1e6)
    got = solve(lif, [1.0, 0.0, 0.5], DT)
    # One spike a microsecond, none, one every two microseconds.
    assert np.bincount(got.spike_steps(DT), minlength=3).tolist() == [999, 0, 500]
    np.testing.assert_allclose(got.spike_times[:999], 1e-6 * np.arange(1, 1000), rtol=1e-9)


def test_too_many_spikes_in_a_step() -> None:
    with pytest.raises(InvalidValue, match=r"x = 1.0: allowed is a drive of at most 10\^4 spikes"):
        solve(Lif(tau_mem=np.inf, r=1e9), [1.0], DT)
    # With a refractory period the same drive is bounded.
    held = solve(Lif(tau_mem=np.inf, r=1e9, t_ref=1e-4), [1.0], DT)
    assert held.spike_times.size == 10


def test_a_start_above_threshold_fires_at_once() -> None:
    base = {"tau_mem": np.inf, "r": 1.0, "v_th": 1.0, "v_init": 2.75}
    at_once = solve(Lif(**base), [0.0], DT)
    assert at_once.spike_times.tolist() == [0.0]
    assert at_once.v[0] == 0.0
    # 2.75 -> 1.75 -> 0.75: what exceeds the threshold is kept.
    kept = solve(Lif(**base, reset="subtract"), [0.0], DT)
    assert kept.spike_times.tolist() == [0.0, 0.0]
    assert kept.v[0] == 0.75


def test_nothing_fires_at_the_threshold_itself() -> None:
    assert solve(Lif(tau_mem=np.inf, v_init=1.0), np.zeros(5), DT).spike_times.size == 0
    resting = Lif(tau_mem=1e-2, v_leak=1.0)
    assert solve(resting, np.zeros(5), DT).spike_times.size == 0
    # The least drive fires it at once, and again when it has charged up to so little above.
    times = solve(resting, np.full(300, 1e-9), DT).spike_times
    assert times.tolist() == [0.0, pytest.approx(1e-2 * np.log(1 / 1e-9 + 1), rel=1e-6)]


def test_a_readout_never_fires() -> None:
    got = solve(Lif(tau_mem=1e-2, r=50.0, v_th=np.inf), np.full(100, 5.0), DT)
    assert got.spike_times.size == 0
    np.testing.assert_allclose(got.v, 250.0 * -np.expm1(-np.arange(1, 101) / 10), rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    tau_mem=st.floats(1e-3, 5e-2),
    ratio=st.sampled_from([None, 0.2, 0.999, 1.0, 3.0]),
    x=st.floats(-3.0, 40.0),
    t_ref=st.sampled_from([0.0, 0.3e-3, 1e-3, 4.7e-3]),
    reset=st.sampled_from(list(Reset)),
)
def test_halving_the_step_of_a_constant_input_changes_nothing(
    tau_mem: float, ratio: float | None, x: float, t_ref: float, reset: Reset
) -> None:
    # Just above rheobase the crossing time is ill-conditioned, whatever the step.
    assume(abs(x - 1.0) > 1e-3)
    tau_syn = None if ratio is None else ratio * tau_mem
    lif = Lif(tau_mem, t_ref=t_ref, tau_syn=tau_syn, reset=reset)
    coarse = solve(lif, np.full(20, x), DT)
    fine = solve(lif, np.full(40, x), DT / 2)
    assert coarse.spike_times.size == fine.spike_times.size
    np.testing.assert_allclose(fine.spike_times, coarse.spike_times, rtol=1e-9, atol=1e-13)
    # A spike within rounding of a step's end may be counted on either side of it.
    near = np.abs(coarse.spike_times / DT - np.rint(coarse.spike_times / DT)).min(initial=1.0)
    if near > 1e-6:
        np.testing.assert_allclose(fine.v[1::2], coarse.v, rtol=1e-7, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), parts=st.integers(2, 5))
def test_splitting_the_steps_of_any_input_changes_nothing(seed: int, parts: int) -> None:
    rng = np.random.default_rng(seed)
    lif = Lif(rng.uniform(2e-3, 2e-2), tau_syn=rng.uniform(2e-3, 2e-2), t_ref=rng.uniform(0, 3e-3))
    x = rng.normal(1.0, 3.0, 25)
    coarse, fine = solve(lif, x, DT), solve(lif, np.repeat(x, parts), DT / parts)
    np.testing.assert_allclose(fine.spike_times, coarse.spike_times, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dt", [1e-3, 0.1, 1 / 3, 7e-5])
def test_a_spike_at_a_boundary_belongs_to_the_later_step(dt: float) -> None:
    k = np.unique(np.r_[np.arange(2000), np.geomspace(1e3, 5e7, 3000).astype(np.int64)])
    solution = EventSolution(k * dt, np.empty(int(k[-1]) + 1), np.empty(0))
    assert np.array_equal(solution.spike_steps(dt), k)
    inside = EventSolution((k + 0.999) * dt, solution.v, solution.i)
    assert np.array_equal(inside.spike_steps(dt), k)


def test_a_crossing_at_the_end_of_a_step_is_not_above_threshold_yet() -> None:
    # Reaches 1 exactly after four steps; the grid compares strictly, so it is the fifth's.
    got = solve(Lif(tau_mem=np.inf, r=0.25 / DT), np.ones(6), DT)
    assert got.spike_steps(DT).tolist() == [4]
    assert got.spike_times[0] == pytest.approx(4 * DT, rel=1e-12)


@pytest.mark.parametrize(
    ("lif", "x", "dt", "message"),
    [
        (Lif(1e-2, n=2), [1.0], DT, "n = 2: allowed is 1: take one neuron"),
        (Lif(1e-2), [1.0], 0.0, "dt = 0.0"),
        (Lif(1e-2), [1.0], np.inf, "dt = inf"),
        (Lif(1e-2), [[1.0]], DT, r"x = \[1, 1\]: allowed is one value a step"),
        (Lif(1e-2), [1.0, np.nan], DT, r"x\[1\] = nan: allowed is finite"),
    ],
)
def test_wrong_calls(lif: Lif, x: Any, dt: float, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        solve(lif, x, dt)
