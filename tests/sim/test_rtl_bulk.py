"""Generated RTL equals the contract bit for bit, whatever the network and the timing."""

from __future__ import annotations

import numpy as np
import pytest

from lifstone.golden import Connection, InvalidValue, Lif, Network, Trace, quantise, run_contract
from lifstone.hdl import cycles_per_step, generate
from lifstone.sim.rtl.bulk import BulkRtl, RtlRun
from lifstone.sim.rtl.run import judge, verify_rtl
from tests.networks import random_inputs, random_quantised

STEPS = 150


@pytest.mark.parametrize("seed", range(12))
def test_random_networks_are_exact(seed: int) -> None:
    q = random_quantised(seed, inputs=seed % 4)
    inputs = random_inputs(q, STEPS, seed)
    design = generate(q.contract, trace=True)
    kwargs = [
        {},
        {"idle": 0.4, "backpressure": 0.6, "seed": seed},
        {"reset_at": 37 + 11 * seed, "backpressure": 0.3, "seed": seed},
    ]
    for timing in kwargs:
        verdict = verify_rtl(q.contract, inputs, STEPS, design=design, optimise=False, **timing)
        assert str(verdict) == "exact", (seed, timing, str(verdict))
    assert verdict.compared > 0


def test_the_random_networks_do_spike() -> None:
    total = 0
    for seed in range(12):
        q = random_quantised(seed, inputs=seed % 4)
        runs = run_contract(q.contract, random_inputs(q, STEPS, seed), STEPS)
        total += sum(int(t.spikes.sum()) for t in runs.values())
    assert total > 500


def test_samples_start_from_reset() -> None:
    q = random_quantised(3, inputs=1)
    name, n = next(iter(q.contract.inputs.items()))
    spikes = np.random.default_rng(0).random((40, 3, n)) < 0.4
    run = BulkRtl(generate(q.contract, trace=True), optimise=False).run({name: spikes})
    assert run.failure == ""
    assert len(run.cycles) == 3
    for k in range(3):
        expected = run_contract(q.contract, {name: spikes[:, k]})
        for population, trace in expected.items():
            np.testing.assert_array_equal(run.traces[population].v[:, k], trace.v)
            np.testing.assert_array_equal(run.traces[population].spikes[:, k], trace.spikes)


def test_without_trace_the_outputs_are_compared() -> None:
    q = random_quantised(1, inputs=1)
    inputs = random_inputs(q, 60, 1)
    run = BulkRtl(generate(q.contract), optimise=False).run(inputs)
    expected = run_contract(q.contract, inputs)
    assert not run.has_states
    assert set(run.traces) == {"b.x", "c"}
    for name, trace in run.traces.items():
        np.testing.assert_array_equal(trace.spikes, expected[name].spikes)


def test_saturation_corner_is_exact() -> None:
    q = random_quantised(5, inputs=1)
    name, n = next(iter(q.contract.inputs.items()))
    spikes = np.ones((80, n), dtype=np.uint8)
    assert str(verify_rtl(q.contract, {name: spikes}, optimise=False)) == "exact"


def test_cycles_of_one_core_are_as_promised() -> None:
    net = Network(
        1e-3,
        {"x": 4},
        {"p": Lif(tau_mem=10e-3, v_th=1.0, n=5)},
        (Connection("x", "p", np.full((5, 4), 2.0)),),
        ("p",),
    )
    contract = quantise(net).contract
    inputs = {"x": np.array([[1, 0, 1, 0]], dtype=np.uint8)}
    spikes_out = int(run_contract(contract, inputs)["p"].spikes.sum())
    run = BulkRtl(generate(contract, trace=True), optimise=False).run(inputs)
    start = 2 * 5  # the sweep after reset
    assert run.cycles[0] == start + cycles_per_step(contract, "p", 2, spikes_out)


@pytest.mark.parametrize("field", ["idle", "backpressure"])
def test_probabilities_are_checked(field: str) -> None:
    q = random_quantised(1, inputs=1)
    rtl = BulkRtl(generate(q.contract), optimise=False)
    with pytest.raises(InvalidValue, match=field):
        rtl.run(random_inputs(q, 3, 0), **{field: 1.0})


def test_a_fault_is_named_where_it_arises() -> None:
    relay = Lif(tau_mem=np.inf, r=1e3, v_th=0.5)
    net = Network(
        1e-3,
        {"x": 1},
        {"second": relay, "first": relay},
        (Connection("x", "first", [[1.0]]), Connection("first", "second", [[1.0]])),
        ("second",),
    )
    contract = quantise(net).contract
    inputs = {"x": np.array([[1], [1]], dtype=np.uint8)}
    expected = run_contract(contract, inputs)
    # Both lose their spike of the second step: the one downstream only follows.
    wrong = {name: Trace(t.v, t.i, np.array([[True], [False]])) for name, t in expected.items()}
    verdict = judge(contract, inputs, expected, RtlRun(wrong, (1,), True))
    assert verdict.difference is not None
    assert (verdict.difference.population, verdict.difference.step) == ("first", 1)
