"""The plain loop over a contract, and the inputs of a run told again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.golden import (
    Connection,
    InvalidValue,
    Lif,
    Network,
    quantise,
    run_contract,
    run_float,
)
from lifstone.golden import contract as integer
from lifstone.golden.reference import input_current, input_words
from lifstone.sim.simulate import Simulator
from tests.networks import random_inputs, random_network, random_quantised

DT = 1e-3
RELAY = Lif(tau_mem=np.inf, r=1 / DT, v_th=0.5)


def two() -> Network:
    """``in`` to ``a`` at once, ``a`` to ``b`` a step later, ``b`` with a bias."""
    return Network(
        DT,
        {"in": 1},
        {"b": RELAY, "a": RELAY},
        (Connection("in", "a", [[1.0]]), Connection("a", "b", [[1.0]], 1)),
        ("b",),
        {"b": np.array([0.25])},
    )


def test_delays_and_bias_in_integers() -> None:
    contract = quantise(two()).contract
    spikes = {"in": np.array([[1], [0], [0], [1]], np.uint8)}
    traces = run_contract(contract, spikes)
    unit = 2 ** contract.populations["b"].fraction
    assert traces["a"].spikes[:, 0].tolist() == [True, False, False, True]
    assert traces["b"].spikes[:, 0].tolist() == [False, True, False, False]
    # Bias a quarter, half of the threshold; then reset, and half and half again.
    assert traces["b"].v[:, 0].tolist() == [unit // 2, 0, unit // 2, unit]
    words = input_words(contract, spikes, traces, "b")
    assert words[:, 0].tolist() == [unit // 2, 5 * unit // 2, unit // 2, unit // 2]
    assert input_words(contract, spikes, traces, "a")[:, 0].tolist() == [2 * unit, 0, 0, 2 * unit]


@pytest.mark.parametrize("delay", [0, 1, 3, 6, 7, 40])
def test_spikes_arrive_as_many_steps_later(delay: int) -> None:
    late = Connection("in", "a", [[1.0]], delay)
    net = Network(DT, {"in": 1}, {"a": RELAY}, (late,), ("a",))
    contract = quantise(net).contract
    spikes = {"in": np.array([[1], [0], [0], [1], [1], [0]], np.uint8)}
    expected = [False] * 6
    for k in (0, 3, 4):
        if k + delay < 6:
            expected[k + delay] = True
    for run in (run_contract(contract, spikes), run_float(net, spikes)):
        assert run["a"].spikes[:, 0].tolist() == expected
    words = input_words(contract, spikes, run_contract(contract, spikes), "a")
    current = input_current(net, spikes, run_float(net, spikes), "a")
    assert (words[:, 0] != 0).tolist() == expected
    assert (current[:, 0] != 0).tolist() == expected
    for net_ in (net, contract):
        layer = Simulator(net_)
        out = layer.run({"in": spikes["in"][:, None]})
        assert out["a"].spikes[:, 0, 0].tolist() == expected
        assert layer.operations(spikes, out) == sum(expected)


def test_a_contract_without_input_runs_as_long_as_asked() -> None:
    net = Network(DT, {}, {"a": RELAY}, (), ("a",), {"a": np.array([0.3])})
    contract = quantise(net).contract
    spikes = run_contract(contract, {}, 4)["a"].spikes
    assert spikes[:, 0].tolist() == [False, True, False, True]
    assert run_contract(contract, {})["a"].spikes.shape == (0, 1)
    assert run_contract(quantise(two()).contract, {"in": np.zeros((0, 1))})["a"].v.shape == (0, 1)


def test_evaluation_follows_the_connections_not_the_names() -> None:
    # b is listed first but fed by a in the same step.
    net = Network(
        DT,
        {"in": 1},
        {"b": RELAY, "a": RELAY},
        (Connection("in", "a", [[1.0]]), Connection("a", "b", [[1.0]])),
        ("b",),
    )
    spikes = {"in": np.array([[1], [0]], np.uint8)}
    for traces in (run_float(net, spikes), run_contract(quantise(net).contract, spikes)):
        assert traces["b"].spikes[:, 0].tolist() == [True, False]
        assert list(traces) == ["b", "a"]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), inputs=st.integers(0, 2))
def test_the_inputs_told_again_drive_the_same_run(seed: int, inputs: int) -> None:
    q = random_quantised(seed, inputs)
    spikes = random_inputs(q, 30, seed)
    traces = run_contract(q.contract, spikes, 30)
    for name, c in q.contract.populations.items():
        words = input_words(q.contract, spikes, traces, name)
        state = integer.initial_state(c)
        for k in range(30):
            total = (words[k] - c.bias) >> c.weight_shift
            state, fired = integer.step(c, state, total)
            assert np.array_equal(fired, traces[name].spikes[k])
            assert np.array_equal(state.u, traces[name].v[k])
            assert np.array_equal(state.i, traces[name].i[k])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_currents_and_words_are_the_same_input(seed: int) -> None:
    model, q = random_network(seed), random_quantised(seed)
    spikes = random_inputs(q, 20, seed)
    traces = run_contract(q.contract, spikes)
    for name, bound in q.bounds.items():
        words = input_words(q.contract, spikes, traces, name)
        current = input_current(model, spikes, traces, name) * bound.gain
        # Apart by the rounding of the weights alone: half a unit each and the bias's.
        fan_in = sum(c.weight.shape[1] for c in q.contract.into(name))
        unit = 2.0 ** q.contract.populations[name].weight_shift
        assert np.all(np.abs(words - current) <= 0.5 * unit * fan_in + 0.5 + 1e-6)
        error = words - current
        assert np.all(error >= bound.x_low - 1e-6)
        assert np.all(error <= bound.x_high + 1e-6)


def test_inputs_are_checked() -> None:
    contract = quantise(two()).contract
    with pytest.raises(InvalidValue, match=r"inputs.in = None"):
        run_contract(contract, {})
    with pytest.raises(InvalidValue, match=r"inputs.in = \[3, 2\]"):
        run_float(two(), {"in": np.zeros((3, 2))})
    with pytest.raises(InvalidValue, match="0 or 1: one spike a line and step"):
        run_contract(contract, {"in": np.full((3, 1), 2)})
