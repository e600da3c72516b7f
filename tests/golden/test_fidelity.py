"""What the time grid and the integers cost, and whether the reasons given are the true ones."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lifstone.golden import (
    Connection,
    Lif,
    Method,
    Network,
    Quantised,
    Reset,
    Status,
    Trace,
    Verdict,
    Widths,
    quantise,
    run_contract,
    run_float,
)
from lifstone.golden.fidelity import (
    compare_contract,
    compare_grid,
    match_spikes,
    run_bound,
    saturated,
)
from tests.networks import random_inputs, random_network

DT = 1e-3
IDEAL = {"tau_mem": np.inf, "r": 1 / DT}


def one(lif: Lif, weight: float = 1.0, method: Method = Method.EXPONENTIAL) -> Network:
    w = np.full((lif.n, 1), weight)
    return Network(DT, {"x": 1}, {"p": lif}, (Connection("x", "p", w),), ("p",), {}, method)


def stimulus(*spikes: int) -> dict[str, Any]:
    return {"x": np.array(spikes, np.uint8)[:, None]}


def verdict(model: Network, widths: Widths, inputs: dict[str, Any]) -> Verdict:
    q = quantise(model, widths)
    return compare_contract(
        model, q, inputs, run_float(model, inputs), run_contract(q.contract, inputs)
    )


@pytest.mark.parametrize(
    ("expected", "got", "tolerance", "distance", "failed"),
    [
        ([], [], 0.0, 0.0, None),
        ([1.0, 2.0], [1.0, 2.0], 0.0, 0.0, None),
        ([1.0, 2.0], [1.5, 2.25], 0.5, 0.5, None),
        ([1.0, 2.0], [1.5, 2.75], 0.5, 0.5, 1),
        ([1.0, 2.0], [1.75, 2.0], 0.5, 0.0, 0),
        ([1.0, 2.0], [1.25], 0.5, 0.25, 1),
        ([], [3.0], 9.0, 0.0, 0),
        ([1.0], [1.0, 5.0], 9.0, 0.0, 1),
    ],
)
def test_spikes_are_paired_in_order(
    expected: list[float], got: list[float], tolerance: float, distance: float, failed: int | None
) -> None:
    a, b = np.array(expected), np.array(got)
    assert match_spikes(a, b, tolerance) == (distance, failed)


def grid(model: Network, inputs: dict[str, Any]) -> Verdict:
    sample = [(name, j) for name, p in model.populations.items() for j in range(p.n)]
    return compare_grid(model, inputs, run_float(model, inputs), sample)


def test_a_grid_within_a_step() -> None:
    # Reset by subtraction keeps what the grid was late by: no spike drifts away.
    model = one(Lif(**IDEAL, reset=Reset.SUBTRACT), 0.3)
    found = grid(model, stimulus(*[1] * 100))
    assert found.status is Status.WITHIN
    assert str(found) == "within 1 step"
    assert found.compared == 29
    assert found.figure is not None
    assert found.figure <= 1.0


def test_a_grid_that_resets_late_drifts_away() -> None:
    # 0.31 a step: the neuron needs 3.2 steps, the grid four; 9.7 against 12 for the third.
    found = grid(one(Lif(**IDEAL), 0.31), stimulus(*[1] * 100))
    where = found.difference
    assert where is not None
    assert (where.step, where.population, where.neuron) == (9, "p", 0)
    assert (where.quantity, where.expected, where.got) == ("step of spike 2", 9.0, 11.0)
    assert (found.status, found.figure) == (Status.DEVIATES, 1.0)
    assert found.reason.startswith("the grid resets at the end of a step")


def test_a_spike_that_one_side_lacks() -> None:
    model = one(Lif(**IDEAL), 1.0 + 1e-9)
    inputs = stimulus(1, 0, 0)
    floats = run_float(model, inputs)
    assert floats["p"].spikes.sum() == 1
    silent = {"p": replace(floats["p"], spikes=np.zeros((3, 1), bool))}
    found = compare_grid(model, inputs, silent, [("p", 0)])
    assert found.difference is not None
    assert (found.difference.step, found.difference.expected) == (0, 0.0)
    assert np.isnan(found.difference.got)
    extra = {"p": replace(floats["p"], spikes=np.array([[1], [0], [1]], bool))}
    found = compare_grid(model, inputs, extra, [("p", 0)])
    assert found.difference is not None
    assert np.isnan(found.difference.expected)
    assert (found.difference.step, found.difference.got) == (2, 2.0)


def test_a_forward_euler_grid_is_another_solution() -> None:
    lif = Lif(tau_mem=10e-3, tau_syn=2e-3, r=30.0)
    found = grid(one(lif, 1.0, Method.EULER), stimulus(*[1, 0, 0, 0] * 20))
    assert found.status is Status.DEVIATES
    assert found.reason.startswith("method euler takes steps of 0.5 of the fastest time constant")


def test_neurons_of_a_network_get_their_own_input() -> None:
    # A relay whose every spike passes on, through a delay as well: all fire when they should.
    relay = Lif(**IDEAL, v_th=0.5, n=2)
    connections = (
        Connection("x", "a", [[0.6], [0.0]]),
        Connection("a", "b", [[0.6, 0.0], [0.0, 0.6]], delay=1),
    )
    model = Network(DT, {"x": 1}, {"a": relay, "b": relay}, connections, ("b",))
    inputs = stimulus(0, 1, 0, 0, 1, 0)
    floats = run_float(model, inputs)
    sample = [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    found = compare_grid(model, inputs, floats, sample)
    assert (found.status, found.compared, found.figure) == (Status.WITHIN, 4, 0.0)
    late = {**floats, "b": replace(floats["b"], spikes=np.roll(floats["b"].spikes, -2, axis=0))}
    found = compare_grid(model, inputs, late, sample)
    assert found.difference is not None
    assert (found.difference.population, found.difference.neuron) == ("b", 0)


def test_states_at_the_rails() -> None:
    c = quantise(one(Lif(tau_mem=1e-2, tau_syn=5e-3)), Widths(state=8, fraction=4)).contract
    p = c.populations["p"]
    v, i = np.array([[0], [127], [-128], [126], [3]]), np.array([[0], [0], [0], [0], [127]])
    trace = Trace(v, i, np.zeros((5, 1), bool))
    assert saturated(p, trace)[:, 0].tolist() == [False, True, True, False, True]
    without = replace(p, syn_width=0, decay_syn=None, couple=None, drive="new")
    assert saturated(without, trace)[:, 0].tolist() == [False, True, True, False, False]


def test_a_subtracting_reset_does_not_hide_the_rail() -> None:
    # 14 thresholds do not fit 8 of them: the rail is at 127/16, less one is 111.
    model = one(Lif(**IDEAL, reset=Reset.SUBTRACT), 14.0)
    widths = Widths(state=8, fraction=4, weight=10)
    q = quantise(model, widths)
    integers = run_contract(q.contract, stimulus(1, 0))
    assert integers["p"].v[:, 0].tolist() == [111, 95]
    assert saturated(q.contract.populations["p"], integers["p"])[:, 0].tolist() == [True, False]
    found = verdict(model, widths, stimulus(1, 0))
    # No spike moved, but the potential is six thresholds off.
    assert found.status is Status.DEVIATES
    assert found.difference is not None
    assert (found.difference.quantity, found.difference.step) == ("v", 0)
    assert (found.difference.expected, found.difference.got) == (13.0, 111 / 16)
    assert found.reason == "its state saturated at step 0 (8-bit state, 4 fraction)"


def test_a_set_reset_forgets_the_rail() -> None:
    found = verdict(one(Lif(**IDEAL), 14.0), Widths(state=8, fraction=4, weight=10), stimulus(1, 0))
    assert found.status is Status.WITHIN


def test_within_means_within_at_every_step() -> None:
    model = one(Lif(tau_mem=20e-3, tau_syn=5e-3, r=3.0, v_th=1.0), 1.1)
    inputs = {"x": (np.random.default_rng(3).random((60, 1)) < 0.4).astype(np.uint8)}
    found = verdict(model, Widths(state=20, weight=14, decay=16), inputs)
    assert found.status is Status.WITHIN
    assert found.figure is not None
    assert found.tolerance is not None
    assert 0 < found.figure < found.tolerance < 1e-2
    assert found.compared == 60
    assert str(found).endswith("of the threshold")


def runs(model: Network, q: Quantised, inputs: dict[str, Any]) -> tuple[Any, Any]:
    return run_float(model, inputs), run_contract(q.contract, inputs)


def test_one_potential_beyond_the_bound_is_enough() -> None:
    model = one(Lif(tau_mem=20e-3, v_th=1.0, n=3), 1.0)
    inputs = stimulus(*[1, 0, 0] * 8)
    q = quantise(model, Widths(state=20, weight=14, decay=16))
    floats, integers = runs(model, q, inputs)
    assert compare_contract(model, q, inputs, floats, integers).status is Status.WITHIN
    bound = run_bound(model, q, inputs, integers, "p").after
    # Less than the largest bound of the run, but more than the bound of this early step.
    assert bound.max() > 5 * bound[1, 2]
    v = floats["p"].v.copy()
    v[1, 2] += 2.5 * bound[1, 2]
    got = compare_contract(model, q, inputs, {"p": replace(floats["p"], v=v)}, integers)
    assert got.figure is not None
    assert got.tolerance is not None
    assert got.figure < got.tolerance
    assert got.status is Status.DEVIATES
    assert got.difference is not None
    assert (got.difference.step, got.difference.neuron, got.difference.quantity) == (1, 2, "v")
    assert "farther away than the rounding" in got.reason


def test_a_moved_spike_names_how_near_it_was() -> None:
    # 1/3 of the threshold is 5.33 units: three of them are 15.99 in floats, 15 in integers.
    model = one(Lif(**IDEAL), (1 + 1e-6) / 3)
    found = verdict(model, Widths(state=8, fraction=4), stimulus(1, 1, 1, 0))
    assert found.status is Status.DEVIATES
    assert (found.figure, found.unit) == (1.0, "spikes")
    where = found.difference
    assert where is not None
    assert (where.step, where.quantity, where.expected, where.got) == (2, "spike", 1.0, 0.0)
    near, moved = (float(x) for x in re.findall(r"[\d.e-]+(?= of|$)", found.reason))
    assert near == pytest.approx(1e-6, rel=0.05)
    # Three weights that are each a third of a unit short.
    assert moved == pytest.approx(1 / 16, rel=0.05)


def test_a_spike_may_move_in_the_first_step() -> None:
    found = verdict(one(Lif(**IDEAL), 1 + 1e-6), Widths(state=8, fraction=4), stimulus(1, 0))
    assert found.difference is not None
    assert (found.difference.step, found.difference.got) == (0, 0.0)
    assert found.reason.startswith("the potential came within 1e-06 of the threshold's height")


def test_a_moved_spike_of_a_saturated_state() -> None:
    # Inhibition beyond the rail is cut off, so that the neuron comes back too early.
    model = one(Lif(**IDEAL, n=1), 1.0)
    connections = (Connection("x", "p", [[6.0]]), Connection("y", "p", [[-12.0]]))
    model = replace(model, inputs={"x": 1, "y": 1}, connections=connections)
    inputs = {"x": np.array([[0], [1], [1]], np.uint8), "y": np.array([[1], [0], [0]], np.uint8)}
    found = verdict(model, Widths(state=8, fraction=4, weight=10), inputs)
    assert found.difference is not None
    assert (found.difference.step, found.difference.got) == (2, 1.0)
    assert found.reason == "its state saturated at step 0 (8-bit state, 4 fraction)"


def test_saturation_before_a_reset_is_no_reason() -> None:
    # At the rail in step 0, back over threshold in step 2; then three thirds, rounded down.
    third = (1 + 1e-6) / 3
    weights = {"x": third, "y": -9.0, "z": 9.0}
    connections = tuple(Connection(k, "p", [[w]]) for k, w in weights.items())
    model = Network(DT, dict.fromkeys(weights, 1), {"p": Lif(**IDEAL)}, connections, ("p",))
    spikes = {"x": [0, 0, 0, 1, 1, 1], "y": [1, 0, 0, 0, 0, 0], "z": [0, 0, 1, 0, 0, 0]}
    for z, step, reason in ((2, 3, "saturated at step 0"), (1, 5, "came within")):
        spikes["z"] = [0, int(z == 1), 1, 0, 0, 0]
        inputs = {k: np.array(v, np.uint8)[:, None] for k, v in spikes.items()}
        q = quantise(model, Widths(state=8, fraction=4, weight=10))
        floats, integers = runs(model, q, inputs)
        assert saturated(q.contract.populations["p"], integers["p"])[0, 0]
        found = compare_contract(model, q, inputs, floats, integers)
        assert found.difference is not None
        assert found.difference.step == step
        assert reason in found.reason


def test_the_cause_is_named_not_its_consequence() -> None:
    # b is listed first but gets a's spike in the same step: a is where it begins.
    third = (1 + 1e-6) / 3
    model = Network(
        DT,
        {"x": 1},
        {"b": Lif(**IDEAL), "a": Lif(**IDEAL)},
        (Connection("x", "a", [[third]]), Connection("a", "b", [[2.0]])),
        ("b",),
    )
    found = verdict(model, Widths(state=8, fraction=4), stimulus(1, 1, 1, 0))
    assert found.difference is not None
    assert (found.difference.population, found.difference.step) == ("a", 2)
    assert found.figure == 2.0
    assert "came within 1e-06" in found.reason


def test_a_spike_that_no_rounding_explains() -> None:
    model = one(Lif(tau_mem=20e-3, v_th=1.0), 5.0)
    q = quantise(model, Widths())
    inputs = stimulus(1, 0, 0, 0)
    floats, integers = runs(model, q, inputs)
    assert floats["p"].spikes.sum() == 0
    wrong = {"p": replace(integers["p"], spikes=np.array([[0], [0], [1], [0]], bool))}
    found = compare_contract(model, q, inputs, floats, wrong)
    assert found.difference is not None
    assert found.difference.step == 2
    assert "farther away than the rounding" in found.reason


def test_reasons_of_random_networks_are_never_beyond() -> None:
    """Whatever moved, in some fifty networks: rounding or a rail explains it."""
    reasons = []
    for seed in range(60):
        model = random_network(seed)
        try:
            q = quantise(model, Widths(state=12, weight=12, decay=9))
        except ValueError:
            continue
        inputs = random_inputs(q, 50, seed)
        found = compare_contract(model, q, inputs, *runs(model, q, inputs))
        if found.status is Status.DEVIATES:
            reasons.append(found.reason)
    assert sum("came within" in r for r in reasons) > 15
    assert sum("saturated" in r for r in reasons) > 1
    assert not any("farther" in r for r in reasons)
