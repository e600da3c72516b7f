"""The float step against closed forms and an independent integrator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from lifstone.golden import Connection, InvalidValue, Lif, Method, Network, discretise, run_float
from lifstone.golden.discrete import initial_state, integrate, psp_gain, step
from lifstone.golden.reference import input_current

DT = 1e-3


def trajectory(lif: Lif, x: Any, method: Method = Method.EXPONENTIAL) -> Any:
    """Potential, current and spikes of one population under input currents ``(steps, n)``."""
    c, state = discretise(lif, DT, method), initial_state(lif)
    rows = []
    for value in x:
        state, fired = step(lif, c, state, np.asarray(value, dtype=float))
        rows.append((state.v, state.i, fired))
    return tuple(np.array(column) for column in zip(*rows, strict=True))


def test_constant_input_charges_exponentially() -> None:
    lif = Lif(tau_mem=[5e-3, 50e-3], r=2.0, v_leak=0.25, v_th=np.inf, v_reset=0.0)
    v, _, _ = trajectory(lif, np.full((100, 2), 0.5))
    t = DT * np.arange(1, 101)[:, None]
    np.testing.assert_allclose(v, 0.25 + 1.0 * -np.expm1(-t / lif.tau_mem), rtol=1e-13)


def test_without_leak_the_input_adds_up() -> None:
    lif = Lif(tau_mem=np.inf, r=3.0, v_th=np.inf, v_init=1.0)
    v, _, _ = trajectory(lif, np.full((10, 1), 2.0))
    np.testing.assert_allclose(v[:, 0], 1.0 + 6.0 * DT * np.arange(1, 11), rtol=1e-14)
    euler, _, _ = trajectory(lif, np.full((10, 1), 2.0), Method.EULER)
    np.testing.assert_array_equal(euler, v)


@settings(max_examples=25, deadline=None)
@given(
    tau_mem=st.floats(2e-3, 50e-3),
    tau_syn=st.floats(1e-3, 50e-3),
    r=st.floats(0.1, 5.0),
    w_in=st.floats(-3.0, 3.0),
    seed=st.integers(0, 1000),
)
def test_synapse_and_membrane_equal_an_integrator(
    tau_mem: float, tau_syn: float, r: float, w_in: float, seed: int
) -> None:
    lif = Lif(tau_mem, r=r, v_leak=-0.1, v_th=np.inf, v_reset=0.0, tau_syn=tau_syn, w_in=w_in)
    x = np.random.default_rng(seed).normal(0, 1, (8, 1))
    v, i, _ = trajectory(lif, x)
    y = [-0.1, 0.0]
    for k, value in enumerate(x[:, 0]):

        def rhs(_: float, s: Any, drive: float = value) -> list[float]:
            return [(-0.1 - s[0] + r * s[1]) / tau_mem, (-s[1] + w_in * drive) / tau_syn]

        y = solve_ivp(rhs, (0, DT), y, rtol=1e-10, atol=1e-13, method="DOP853").y[:, -1]
        np.testing.assert_allclose([v[k, 0], i[k, 0]], y, rtol=1e-7, atol=1e-10)


def test_psp_gain_goes_smoothly_into_equal_time_constants() -> None:
    t, tau = 3e-3, np.array([5e-3])
    at = psp_gain(t, tau, tau)
    np.testing.assert_allclose(at, t / tau * np.exp(-t / tau), rtol=1e-15)
    for e in (1e-13, 1e-11, 1e-8, 1e-5):
        np.testing.assert_allclose(psp_gain(t, tau, tau * (1 + e)), at, rtol=3 * e + 1e-13)
    far = psp_gain(t, np.array([1.0]), np.array([1e-6]))
    np.testing.assert_allclose(far, 1e-6 / (1e-6 - 1) * -np.exp(-t), rtol=1e-12)


def test_euler_methods_by_hand() -> None:
    lif = Lif(tau_mem=10e-3, r=2.0, v_th=np.inf, tau_syn=5e-3, w_in=3.0)
    v, i, _ = trajectory(lif, [[1.0], [0.0]], Method.EULER)
    # i: 0.2*3 = 0.6, then 0.8*0.6; v: 0.1*2*i with the new current.
    np.testing.assert_allclose(i[:, 0], [0.6, 0.48], rtol=1e-15)
    np.testing.assert_allclose(v[:, 0], [0.12, 0.9 * 0.12 + 0.2 * 0.48], rtol=1e-15)
    v, i, _ = trajectory(lif, [[1.0], [0.0]], Method.EULER_OLD)
    np.testing.assert_allclose(i[:, 0], [0.6, 0.48], rtol=1e-15)
    np.testing.assert_allclose(v[:, 0], [0.0, 0.2 * 0.6], rtol=1e-15)


def test_euler_converges_to_the_exact_step() -> None:
    lif = Lif(tau_mem=10e-3, v_th=np.inf)
    exact = 1 - np.exp(-1.0)
    errors = []
    for n in (100, 200, 400):
        c, state = discretise(lif, 10e-3 / n, Method.EULER), initial_state(lif)
        for _ in range(n):
            state, _ = step(lif, c, state, np.ones(1))
        errors.append(abs(float(state.v[0]) - exact))
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 2.0, rtol=0.02)


def test_a_spike_needs_more_than_the_threshold() -> None:
    lif = Lif(tau_mem=np.inf, r=1 / DT, v_th=1.0)
    _, _, spikes = trajectory(lif, [[1.0], [0.0], [2.0**-40]])
    assert spikes[:, 0].tolist() == [False, False, True]


def test_resets() -> None:
    x = [[2.5], [0.0]]
    base = {"tau_mem": np.inf, "r": 1 / DT, "v_th": 1.0, "v_reset": -0.5}
    v, _, spikes = trajectory(Lif(**base), x)
    assert v[:, 0].tolist() == [-0.5, -0.5]
    assert spikes[:, 0].tolist() == [True, False]
    # 2.5 - 1.5 = 1 is not above threshold.
    v, _, spikes = trajectory(Lif(**base, reset="subtract"), x)
    assert v[:, 0].tolist() == [1.0, 1.0]
    assert spikes[:, 0].tolist() == [True, False]


def test_refractory_membrane_is_held_while_the_synapse_decays() -> None:
    lif = Lif(tau_mem=10e-3, r=100.0, t_ref=3 * DT, tau_syn=20e-3)
    v, i, spikes = trajectory(lif, [[10.0]] + [[0.0]] * 5, Method.EULER)
    assert spikes[:, 0].tolist() == [True, False, False, False, True, False]
    assert v[:4, 0].tolist() == [0.0] * 4
    np.testing.assert_allclose(i[1:, 0] / i[:-1, 0], 0.95, rtol=1e-14)


def test_refractory_period_is_rounded_to_steps() -> None:
    lif = Lif(tau_mem=1e-2, t_ref=[0.0, 0.4e-3, 0.6e-3, 2e-3])
    assert discretise(lif, DT).hold.tolist() == [0, 0, 1, 2]


def test_batches_run_alike() -> None:
    lif = Lif(tau_mem=[1e-2, 2e-2], tau_syn=5e-3, r=30.0)
    c = discretise(lif, DT)
    x = np.random.default_rng(0).normal(0.5, 1, (40, 3, 2))
    state, singles = initial_state(lif, (3,)), [initial_state(lif) for _ in range(3)]
    for row in x:
        state, fired = step(lif, c, state, row)
        for k in range(3):
            singles[k], one = step(lif, c, singles[k], row[k])
            assert np.array_equal(state.v[k], singles[k].v)
            assert np.array_equal(fired[k], one)


def test_integrate_is_the_step_before_the_comparison() -> None:
    lif = Lif(tau_mem=1e-2, r=50.0)
    c = discretise(lif, DT)
    v, _ = integrate(lif, c, initial_state(lif), np.ones(1))
    after, fired = step(lif, c, initial_state(lif), np.ones(1))
    assert v[0] > 1.0
    assert fired[0]
    assert after.v[0] == 0.0


@pytest.mark.parametrize(
    ("lif", "dt", "method", "message"),
    [
        (Lif(1e-2), -1.0, "exponential", "dt = -1.0"),
        (Lif(1e-2), 1e-3, "leap", "method = 'leap': allowed is exponential, euler, euler-old"),
        (Lif(1e-2, t_ref=1e9), 1e-3, "exponential", "2\\^31 steps"),
        (Lif(1e-3), 2e-3, "euler", r"dt = 0.002: allowed is at most tau_mem\[0\] = 0.001"),
        (Lif(1e-2, tau_syn=1e-3), 2e-3, "euler-old", r"at most tau_syn\[0\] = 0.001 s"),
    ],
)
def test_wrong_grids(lif: Lif, dt: float, method: str, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        discretise(lif, dt, method)


def _two() -> Network:
    relay = Lif(tau_mem=np.inf, r=1 / DT, v_th=0.5)
    return Network(
        DT,
        {"in": 1},
        {"b": relay, "a": relay},
        (Connection("in", "a", [[1.0]]), Connection("a", "b", [[1.0]], 1)),
        ("b",),
        {"b": np.array([0.25])},
    )


def test_delays_and_bias_in_the_plain_loop() -> None:
    spikes = np.array([[1], [0], [0], [1]], np.uint8)
    traces = run_float(_two(), {"in": spikes})
    assert traces["a"].spikes[:, 0].tolist() == [True, False, False, True]
    # Step 1 carries a's spike; 0.25 a step passes 0.5 in the third step after the reset.
    assert traces["b"].spikes[:, 0].tolist() == [False, True, False, False]
    current = input_current(_two(), {"in": spikes}, traces, "b")
    assert current[:, 0].tolist() == [0.25, 1.25, 0.25, 0.25]
    assert input_current(_two(), {"in": spikes}, traces, "a")[:, 0].tolist() == [1, 0, 0, 1]


def test_steps_of_a_network_without_input() -> None:
    lif = Lif(tau_mem=np.inf, r=1 / DT, v_th=0.5)
    net = Network(DT, {}, {"a": lif}, (), ("a",), {"a": np.array([0.3])})
    assert run_float(net, {}, 4)["a"].spikes[:, 0].tolist() == [False, True, False, True]
    assert run_float(net, {})["a"].spikes.shape == (0, 1)
