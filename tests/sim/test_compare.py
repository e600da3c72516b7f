"""The comparison of platforms: what moves, where, why, and at what cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lifstone.golden import Connection, InvalidValue, Lif, Method, Network, Reset, run_float
from lifstone.sim.compare import compare, reached_by
from lifstone.sim.compare_choices import CHOICES, Order, choices, run_ordered
from lifstone.sim.digits import encode, load_digits
from lifstone.sim.nir_read import read_nir
from lifstone.sim.simulate import Simulator

EVERY = ("loihi", "truenorth", "spinnaker", "brainscales", "odin")
DIGITS = Path(__file__).parents[2] / "lifstone" / "data" / "digits.nir"
BRAILLE = Path(__file__).parents[3] / "shared" / "nir" / "braille_noDelay_bias_zero.nir"


def recurrent(seed: int = 0, **changes: object) -> Network:
    rng = np.random.default_rng(seed)
    a = Lif(tau_mem=9e-3, n=6, **{"tau_syn": 4e-3, **changes})
    b = Lif(tau_mem=12e-3, n=3)
    links = (
        Connection("x", "a", rng.normal(8.0, 9.0, (6, 4))),
        Connection("a", "a", rng.normal(0.0, 3.0, (6, 6)), 1),
        Connection("a", "b", rng.normal(6.0, 6.0, (3, 6))),
    )
    return Network(1e-3, {"x": 4}, {"a": a, "b": b}, links, ("b",), method=Method.EULER)


def spikes(network: Network, steps: int = 80, samples: int = 2) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {
        k: (rng.random((steps, samples, n)) < 0.3).astype(np.uint8)
        for k, n in network.inputs.items()
    }


def test_digits_keep_their_answers_on_most_platforms() -> None:
    network = read_nir(DIGITS).network
    data = load_digits()
    inputs = {"pixels": encode(data.test_images[:15])}
    result = compare(network, inputs, EVERY, data.test_labels[:15])
    assert result.accuracy is not None
    assert result.accuracy > 0.8
    by = {o.platform: o for o in result.outcomes}
    assert by["loihi"].agreement == 1.0
    assert by["loihi"].parting is None
    assert all(o.accuracy is not None and o.accuracy > 0.6 for o in by.values())
    # TrueNorth and ODIN leak by a constant, and that is where they part.
    assert by["truenorth"].parting is not None
    assert "leak is a constant" in by["truenorth"].parting.reason
    assert by["truenorth"].layers[0].moved > 100
    assert sum(by["truenorth"].layers[0].by_step) == by["truenorth"].layers[0].moved


def test_the_first_difference_is_where_both_runs_part() -> None:
    network = recurrent()
    inputs = spikes(network)
    result = compare(network, inputs, ("odin",))
    parting = result.outcomes[0].parting
    assert parting is not None
    at = parting.where
    assert at.sample is not None
    trace = Simulator(network).run(inputs)[at.population]
    assert bool(trace.spikes[at.step, at.sample, at.neuron]) is bool(at.expected)
    assert at.expected != at.got


def test_operations_are_spikes_times_weights() -> None:
    network = recurrent()
    inputs = spikes(network)
    outcome = compare(network, inputs, ("spinnaker",)).outcomes[0]
    assert outcome.parting is None  # s16.15 with the same decays: exact here
    traces = Simulator(network).run(inputs)
    expected = Simulator(network).operations(inputs, traces)
    assert outcome.cost is not None
    assert outcome.cost.operations == expected
    assert outcome.cost.updates == 80 * 2 * 9
    assert outcome.cost.joules is None
    loihi = compare(network, inputs, ("loihi",)).outcomes[0].cost
    assert loihi is not None
    joules = loihi.operations * 23.6e-12 + loihi.updates * 81e-12
    assert loihi.joules == pytest.approx(joules)


def test_reasons_follow_the_cause() -> None:
    base = recurrent()

    def why(network: Network, platform: str) -> str:
        parting = compare(network, spikes(network), (platform,)).outcomes[0].parting
        assert parting is not None
        return parting.reason

    assert "another place of the input" in why(
        replace(base, method=Method.EXPONENTIAL), "spinnaker"
    )
    assert "synaptic current" in why(base, "truenorth")
    late = recurrent(reset=Reset.SUBTRACT)
    assert "its reset goes to rest, the model's is subtracting" in why(late, "spinnaker")
    coarse = replace(base, connections=tuple(
        replace(c, weight=np.where(np.arange(c.weight.shape[1]) == 0, 400.0, c.weight))
        for c in base.connections))  # fmt: skip
    assert "weights' words" in why(coarse, "loihi")
    tie = Network(1e-3, {"x": 1}, {"p": Lif(tau_mem=np.inf, n=1)},
                  (Connection("x", "p", np.array([[500.0]])),), ("p",))  # fmt: skip
    assert "at the threshold itself" in why(tie, "odin")


def test_a_platform_that_cannot_hold_the_network_is_named() -> None:
    network = Network(1e-3, {"x": 1}, {"p": Lif(tau_mem=np.inf, n=1)},
                      (Connection("x", "p", np.array([[300.0]])),), ("p",))  # fmt: skip
    outcome = compare(network, spikes(network), ("spinnaker",)).outcomes[0]
    assert "p.tau_mem" in outcome.refused
    assert outcome.layers == ()
    for call, message in (
        (lambda: compare(network, spikes(network), ("abacus",)), "platform = 'abacus'"),
        (lambda: compare(network, {}, EVERY), "a network with an input"),
        (lambda: compare(network, spikes(network), EVERY, np.zeros(3, np.int64)), "2 labels"),
    ):
        with pytest.raises(InvalidValue, match=message):
            call()


def test_reached_covers_drive_and_potential() -> None:
    network = recurrent()
    inputs = spikes(network)
    traces = Simulator(network).run(inputs)
    reached = reached_by(network, inputs, traces)
    lif = network.populations["a"]
    assert reached["a"].potential == np.abs(traces["a"].v).max()
    # What a synapse holds, seen as the drive of a step.
    held = np.abs(traces["a"].i).max() * float(1e-3 / lif.tau_mem[0])
    assert reached["a"].drive >= held * 0.999


def test_an_order_that_changes_nothing_is_the_model() -> None:
    network = recurrent(t_ref=2e-3)
    inputs = spikes(network)
    plain = run_ordered(network, inputs, Order())
    for name, trace in Simulator(network).run(inputs).items():
        np.testing.assert_array_equal(plain[name].spikes, trace.spikes)
        np.testing.assert_allclose(plain[name].v, trace.v, rtol=0, atol=1e-9)


def test_a_late_reset_takes_the_input_of_the_next_step() -> None:
    """By hand: u' = 0.5 u + x; the late reset sets what was integrated after the spike."""
    lif = Lif(tau_mem=2e-3, r=2.0, n=1)
    net = Network(1e-3, {"x": 1}, {"p": lif}, (Connection("x", "p", np.array([[0.8]])),), ("p",),
                  method=Method.EULER)  # fmt: skip
    x = {"x": np.ones((6, 1, 1), np.uint8)}
    assert run_float(net, {"x": x["x"][:, 0]})["p"].spikes[:, 0].tolist() == [0, 1, 0, 1, 0, 1]
    late = run_ordered(net, x, Order(late_reset=True))["p"]
    assert late.spikes[:, 0, 0].tolist() == [0, 1, 0, 0, 1, 0]
    np.testing.assert_allclose(late.v[:, 0, 0], [0.8, 1.2, 0.0, 0.8, 1.2, 0.0])
    exact = replace(net, connections=(Connection("x", "p", np.array([[1.0]])),))
    ties = [run_ordered(exact, x, Order(at_threshold=t))["p"].spikes.sum() for t in (False, True)]
    assert ties == [3, 6]


def test_every_choice_runs_and_most_move_spikes() -> None:
    network = recurrent()
    rows = choices(network, spikes(network), np.zeros(2, np.int64))
    assert rows[0].moved == {"a": 0, "b": 0}
    assert [r.choice for r in rows[1:]] == [c for c in CHOICES if "new current" not in c]
    assert not any(r.failed for r in rows)
    assert sum(any(r.moved.values()) for r in rows) >= 6
    assert all(r.accuracy is not None for r in rows)


@pytest.mark.skipif(not BRAILLE.is_file(), reason="the folder ../shared/nir is absent")
def test_the_braille_network_scatters_as_the_field_saw() -> None:
    network = read_nir(BRAILLE).network
    rng = np.random.default_rng(0)
    inputs = {"input": (rng.random((120, 2, 12)) < 0.1).astype(np.uint8)}
    by = {row.choice: row for row in choices(network, inputs)}
    for choice in (
        "reset behind the next step's leak and input",
        "input: forward Euler with the old current",
        "loops one step later",
    ):
        assert by[choice].moved["lif2"] > 0.3 * by["as the file says"].spikes["lif2"]
    outcome = compare(network, inputs, ("spinnaker",)).outcomes[0]
    assert outcome.parting is None
