"""The network layer against golden's plain loop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.golden import (
    Connection,
    InvalidValue,
    Lif,
    Network,
    compare_exact,
    run_contract,
    run_float,
)
from lifstone.sim import measure
from lifstone.sim.simulate import Simulator
from tests.networks import random_inputs, random_network, random_quantised


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    weights=st.sampled_from(["auto", "dense", "sparse"]),
    inputs=st.integers(0, 2),
)
def test_float_layer_equals_run_float(seed: int, weights: str, inputs: int) -> None:
    net = random_network(seed, inputs)
    rng = np.random.default_rng(seed)
    spikes = {k: (rng.random((40, n)) < 0.4).astype(np.uint8) for k, n in net.inputs.items()}
    steps = None if inputs else 40
    expected = run_float(net, spikes, steps)
    got = Simulator(net, weights).run(spikes, steps)
    assert list(got) == list(expected)
    for name, trace in expected.items():
        assert np.array_equal(trace.spikes, got[name].spikes), name
        for a, b in ((trace.v, got[name].v), (trace.i, got[name].i)):
            np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12 * np.abs(a).max(initial=0))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    weights=st.sampled_from(["auto", "dense", "sparse"]),
    samples=st.integers(1, 3),
)
def test_integer_layer_equals_run_contract(seed: int, weights: str, samples: int) -> None:
    quantised = random_quantised(seed)
    contract = quantised.contract
    runs = [random_inputs(quantised, 30, seed + k) for k in range(samples)]
    batch = {k: np.stack([r[k] for r in runs], axis=1) for k in contract.inputs}
    got = Simulator(contract, weights).run(batch)
    for k, inputs in enumerate(runs):
        expected = run_contract(contract, inputs)
        one = {n: type(t)(t.v[:, k], t.i[:, k], t.spikes[:, k]) for n, t in got.items()}
        verdict = compare_exact("network", "contract", expected, one)
        assert str(verdict) == "exact"
        assert verdict.compared == sum(t.spikes.size * 3 for t in expected.values()) > 0


def _ring() -> Network:
    """Input to a, a to b, b back to a one step later; every spike passes on."""
    lif = Lif(tau_mem=np.inf, r=1e3, v_th=0.5, n=2)
    return Network(
        1e-3,
        {"in": 2},
        {"b": lif, "a": lif},
        (
            Connection("a", "b", np.eye(2)),
            Connection("in", "a", [[1.0, 0.0], [1.0, 1.0]]),
            Connection("b", "a", np.eye(2), delay=1),
        ),
        ("b",),
    )


def test_a_spike_runs_round_a_ring() -> None:
    spikes = np.zeros((5, 2), np.uint8)
    spikes[1, 0] = 1
    sim = Simulator(_ring())
    got = sim.run({"in": spikes})
    assert got["a"].spikes.tolist() == [[k >= 1] * 2 for k in range(5)]
    assert got["b"].spikes.tolist() == got["a"].spikes.tolist()
    # Input: 1 spike x 2; a: 2 neurons x 4 steps x 1; b the same but its last has no next step.
    assert sim.operations({"in": spikes}, got) == 2 + 8 + 6


def test_operations_count_non_zero_weights_only() -> None:
    lif = Lif(tau_mem=1e-2, n=3)
    weight = np.array([[1.0, 0.0], [0.0, 0.0], [2.0, 3.0]])
    net = Network(1e-3, {"in": 2}, {"a": lif}, (Connection("in", "a", weight),), ("a",))
    spikes = np.ones((4, 5, 2), np.uint8)
    sim = Simulator(net, "sparse")
    assert sim.operations({"in": spikes}, sim.run({"in": spikes})) == 4 * 5 * (2 + 1)


def test_record_keeps_only_what_is_asked() -> None:
    spikes = np.ones((6, 4, 2), np.uint8)
    full = Simulator(_ring()).run({"in": spikes})
    only = Simulator(_ring()).run({"in": spikes}, record=("spikes",))
    assert only["a"].v.size == only["a"].i.size == 0
    assert np.array_equal(only["a"].spikes, full["a"].spikes)
    assert Simulator(_ring()).run({"in": spikes}, record=("v",))["a"].v.shape == (6, 4, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Simulator(_ring(), "thin"), "weights = 'thin'"),
        (lambda: Simulator(_ring()).run({}), r"inputs.in = None"),
        (lambda: Simulator(_ring()).run({"in": np.full((3, 2), 2)}), "0 or 1"),
        (lambda: Simulator(_ring()).run({"in": np.ones((3, 1))}), r"inputs.in = \[3, 1\]"),
        (lambda: Simulator(_ring()).run({"in": np.ones((3, 2))}, 4), "steps = 4: allowed is 3"),
        (lambda: Simulator(_ring()).run({"in": np.ones((3, 2))}, record=("u",)), "record = 'u'"),
        (lambda: Simulator(random_network(1, 0)).run({}), "steps = None"),
        (lambda: measure.measure_layer((3,)), "at least two"),
        (lambda: measure.measure_layer((3, 3), steps=0), "steps = 0"),
    ],
)
def test_wrong_calls(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(InvalidValue, match=message):
        call()


def test_a_run_of_no_steps_is_empty() -> None:
    got = Simulator(_ring()).run({"in": np.zeros((0, 2), np.uint8)})
    assert got["a"].spikes.shape == (0, 2)


def test_measured_speeds_count_the_updates_of_each_run(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[float] = []

    def clock(run: Callable[[], object]) -> float:
        """Half a second for the first of the four, then 1, 2, 4; a second round twice as fast."""
        run()
        order.append(0.5 * 2 ** (len(order) % 4) / (1 + len(order) // 4))
        return order[-1]

    monkeypatch.setattr(measure, "_seconds", clock)
    speed = measure.measure_layer((8, 16, 4), steps=10, samples=3, rounds=2)
    # 10 steps of 20 neurons, three samples in the layer; the better of both rounds.
    assert (speed.layer_float, speed.golden_float) == (600 / 0.25, 200 / 0.5)
    assert (speed.layer_integer, speed.golden_integer) == (600 / 1.0, 200 / 2.0)
    assert (speed.ratio_float, speed.ratio_integer) == (6.0, 6.0)
    assert len(order) == 8


def test_a_measurement_takes_time() -> None:
    speed = measure.measure_layer((3, 4), steps=5, samples=2, rounds=1)
    assert 0 < speed.golden_float < np.inf
    assert 0 < speed.layer_integer < np.inf
