"""Widths chosen from samples: what is chosen serves, one bit less does not, requests are judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lifstone.golden import (
    Connection,
    InvalidValue,
    Lif,
    Network,
    Trace,
    Widths,
    quantise,
    run_contract,
    run_float,
)
from lifstone.sim.agreement import Goal, Judge, Score, answers
from lifstone.sim.width_search import FIELDS, choose_widths, memory_bits, with_width

DT = 1e-3
RNG = np.random.default_rng(3)
SPIKES = {"x": (RNG.random((30, 24, 6)) < 0.4).astype(np.uint8)}


def network(readout: bool = False) -> Network:
    rng = np.random.default_rng(1)
    hidden = Lif(tau_mem=rng.uniform(8e-3, 20e-3, 8), r=10.0, v_th=1.0, n=8)
    out = Lif(tau_mem=15e-3, tau_syn=5e-3, r=10.0, v_th=np.inf if readout else 1.0, n=4)
    connections = (
        Connection("x", "hidden", rng.normal(0.3, 0.6, (8, 6))),
        Connection("hidden", "out", rng.normal(0.2, 0.8, (4, 8))),
    )
    return Network(DT, {"x": 6}, {"hidden": hidden, "out": out}, connections, ("out",))


def labelled() -> Judge:
    """Labels are the float model's own answers: its accuracy is 1."""
    model = network()
    return Judge(model, SPIKES, answers(model, Judge(model, SPIKES).floats))


def test_an_answer_is_the_class_that_fires_most_or_climbs_highest() -> None:
    spikes = np.zeros((3, 2, 4), bool)
    spikes[:2, 0, 2] = spikes[0, 0, 1] = True
    v = np.zeros((3, 2, 4))
    v[1, 0, 3], v[2, 1, 1] = 0.5, 0.1
    trace = {"out": Trace(v, v, spikes)}
    assert answers(network(), trace).tolist() == [2, 0]
    assert answers(network(readout=True), trace).tolist() == [3, 1]


@pytest.mark.parametrize("readout", [False, True])
def test_a_score_is_what_the_plain_loops_say(readout: bool) -> None:
    model = network(readout)
    contract = quantise(model, Widths(state=10, fraction=5, weight=6, decay=5)).contract
    score = Judge(model, SPIKES).score(contract)
    moved = fired = 0
    squares, peaks = [], []
    for k in range(24):
        one = {"x": SPIKES["x"][:, k]}
        floats, integers = run_float(model, one), run_contract(contract, one)
        for name, t in floats.items():
            moved += int((t.spikes != integers[name].spikes).sum())
            fired += int(t.spikes.sum())
        out = contract.populations["out"].volts(integers["out"].v)
        squares.append((out - floats["out"].v) ** 2)
        peaks.append(np.abs(floats["out"].v).max())
    assert score.accuracy is None
    assert score.moved == pytest.approx(moved / fired)
    assert moved > 0
    expected = np.sqrt(np.mean(squares)) / max(peaks) if readout else 0.0
    assert score.distance == pytest.approx(expected)


@pytest.mark.parametrize(
    "goal",
    [
        Goal(accuracy_loss=0.05),
        Goal(moved_spikes=0.02),
        Goal(accuracy_loss=0.0, moved_spikes=0.2),
    ],
)
def test_the_choice_serves_and_no_bit_less_of_one_field_does(goal: Goal) -> None:
    judge = labelled()
    choice = choose_widths(judge, goal)
    assert choice.chosen is choice.trials[-1]
    assert goal.missed(judge.score(choice.contract), judge.reference) == ""
    assert choice.chosen.bits == memory_bits(choice.contract)
    assert choice.chosen.bits < choice.trials[0].bits
    assert all(w.fraction is not None for w in choice.widths.values())
    tried = {tuple(t.widths.values()): t for t in choice.trials}
    for name, w in choice.chosen.widths.items():
        for field, (least, _) in FIELDS.items():
            if getattr(w, field) > least:
                less = with_width(choice.chosen.widths, field, {name: getattr(w, field) - 1})
                assert not tried[tuple(less.values())].serves, (name, field)


def test_the_decay_of_a_population_without_leak_is_left_alone() -> None:
    model = network()
    perfect = Lif(tau_mem=np.inf, r=1.0 / DT, v_th=1.0, n=8)
    still = replace(model, populations={**model.populations, "hidden": perfect})
    choice = choose_widths(Judge(still, SPIKES), Goal(moved_spikes=0.05))
    assert choice.widths["hidden"].decay == choice.trials[0].widths["hidden"].decay
    assert choice.widths["out"].decay < choice.trials[0].widths["out"].decay


def test_what_is_asked_is_kept() -> None:
    choice = choose_widths(labelled(), Goal(accuracy_loss=0.05), {"weight": {"hidden": 9}})
    assert choice.widths["hidden"].weight == 9
    assert choice.widths["out"].weight < 9


@pytest.mark.parametrize("field", ["weight", "state", "decay"])
def test_a_width_that_loses_too_much_is_refused_with_the_smallest_that_serves(field: str) -> None:
    judge, goal = labelled(), Goal(moved_spikes=0.01)
    asked = FIELDS[field][0] + 1
    with pytest.raises(InvalidValue, match=r"at least \d+ bits: with \d+, ") as caught:
        choose_widths(judge, goal, {field: {"hidden": asked}})
    assert caught.value.field == f"hidden.widths.{field}"
    assert caught.value.value == asked
    named = int(caught.value.allowed.split()[2])
    choice = choose_widths(judge, goal, {field: {"hidden": named}})
    assert getattr(choice.widths["hidden"], field) == named
    with pytest.raises(InvalidValue):
        choose_widths(judge, goal, {field: {"hidden": named - 1}})


def test_what_the_widest_words_cannot_keep_is_refused() -> None:
    narrow = Widths(state=8, fraction=2, weight=2, decay=2)
    with pytest.raises(InvalidValue, match="what the widest words tried can keep"):
        choose_widths(labelled(), Goal(moved_spikes=0.0), base=narrow)


def test_goals_and_labels_are_checked() -> None:
    for changes in ({"accuracy_loss": 1.5}, {"moved_spikes": -0.1}, {"potential_error": np.nan}):
        with pytest.raises(InvalidValue, match="a share from 0 to 1"):
            Goal(**changes)
    for labels, message in ((np.zeros(3, int), "24 values"), (np.full(24, 4), "0 to 3")):
        with pytest.raises(InvalidValue, match=message):
            Judge(network(), SPIKES, labels)


def test_a_goal_names_all_that_is_lost() -> None:
    said = Goal(0.01, 0.1, 0.2).missed(Score(0.9, 0.3, 0.3), Score(1.0, 0.0, 0.0))
    assert said == (
        "10.00% of accuracy, 1.00% are asked; 30.00% of the spikes move, 10.00% are asked; "
        "30.00% error of the potential, 20.00% are asked"
    )
    assert Goal(0.1, 0.3, 0.3).missed(Score(0.9, 0.3, 0.3), Score(1.0, 0.0, 0.0)) == ""


def test_bits_are_those_of_weights_states_and_sums() -> None:
    c = quantise(network(), Widths(state=12, weight=7)).contract
    a, b = c.populations["hidden"], c.populations["out"]
    sums = 8 * a.acc_width + 4 * b.acc_width
    assert memory_bits(c) == 7 * (48 + 32) + 8 * 12 + 4 * 24 + sums


def test_the_widest_start_may_be_replaced() -> None:
    base = replace(Widths(), state=18, weight=10, decay=14)
    choice = choose_widths(labelled(), Goal(accuracy_loss=0.05), base=base)
    assert choice.trials[0].widths["hidden"] == base
