"""Verdicts: where two traces part first, and in which words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lifstone.golden import (
    Difference,
    InvalidValue,
    Status,
    Trace,
    Verdict,
    compare_exact,
    first_difference,
)


def traces(steps: int = 6, kind: Any = np.float64, **sizes: int) -> dict[str, Trace]:
    """Equal copies at each call."""
    rng = np.random.default_rng(7)
    return {
        name: Trace(
            rng.integers(-9, 9, (steps, n)).astype(kind),
            rng.integers(-9, 9, (steps, n)).astype(kind),
            rng.random((steps, n)) < 0.5,
        )
        for name, n in (sizes or {"a": 3, "b": 2}).items()
    }


def flip(trace: Trace, k: int, j: int) -> Trace:
    spikes = trace.spikes.copy()
    spikes[k, j] ^= True
    return replace(trace, spikes=spikes)


def shift(trace: Trace, field: str, k: int, j: int, by: float) -> Trace:
    values = getattr(trace, field).copy()
    values[k, j] += by
    return replace(trace, **{field: values})


def test_equal_traces_do_not_part() -> None:
    assert first_difference(traces(), traces()) is None
    verdict = compare_exact("network", "contract", traces(), traces())
    assert (verdict.status, verdict.compared, verdict.figure) == (Status.EXACT, 6 * 5 * 3, 0.0)
    assert verdict.agrees
    assert str(verdict) == "exact"
    assert compare_exact("a", "b", traces(), traces(), states=False).compared == 6 * 5


def test_the_earliest_step_wins() -> None:
    got = traces()
    got["a"] = flip(flip(got["a"], 4, 0), 5, 1)
    got["b"] = flip(got["b"], 2, 1)
    found = first_difference(traces(), got)
    expected = bool(traces()["b"].spikes[2, 1])
    assert found == Difference(2, "b", 1, "spike", float(expected), float(not expected))
    verdict = compare_exact("rtl", "contract", traces(), got)
    assert (verdict.status, verdict.figure) == (Status.DEVIATES, 3.0)
    assert verdict.difference == found
    assert not verdict.agrees


def test_ties_go_to_the_population_named_first_then_the_lower_neuron() -> None:
    got = traces()
    got["a"], got["b"] = flip(flip(got["a"], 2, 2), 2, 1), flip(got["b"], 2, 0)
    found = first_difference(traces(), got)
    assert found is not None
    assert (found.population, found.neuron) == ("a", 1)
    turned = {name: traces()[name] for name in ("b", "a")}
    found = first_difference(turned, got)
    assert found is not None
    assert found.population == "b"


def test_a_spike_comes_before_the_states_of_its_step() -> None:
    got = traces()
    got["a"] = flip(shift(shift(got["a"], "v", 3, 0, 1.0), "i", 3, 0, 1.0), 3, 2)
    found = first_difference(traces(), got)
    assert found is not None
    assert (found.quantity, found.neuron) == ("spike", 2)
    got["a"] = shift(got["a"], "i", 1, 1, 2.0)
    found = first_difference(traces(), got)
    assert found is not None
    assert (found.quantity, found.step) == ("i", 1)
    assert found.got - found.expected == 2.0
    assert first_difference(traces(), got, states=False) == Difference(
        3, "a", 2, "spike", *[float(t["a"].spikes[3, 2]) for t in (traces(), got)]
    )


def test_tolerance_is_relative_above_one_and_absolute_below() -> None:
    expected = {"a": Trace(np.array([[0.0], [1e6]]), np.zeros((2, 1)), np.zeros((2, 1), bool))}
    for k, by, parts in (
        (0, 0.9e-9, False),
        (0, 1.1e-9, True),
        (1, 0.9e-3, False),
        (1, 1.1e-3, True),
    ):
        got = {"a": shift(expected["a"], "v", k, 0, by)}
        assert (first_difference(expected, got, tolerance=1e-9) is not None) == parts
        assert first_difference(expected, got) is not None
    # Spikes have no tolerance, and nan is never within one.
    assert first_difference(expected, {"a": flip(expected["a"], 0, 0)}, tolerance=9.0) is not None
    nan = {"a": shift(expected["a"], "v", 0, 0, np.nan)}
    assert first_difference(expected, nan, tolerance=9.0) is not None


def test_traces_must_be_of_the_same_run() -> None:
    with pytest.raises(InvalidValue, match="population = 'b': allowed is one of a"):
        first_difference(traces(), {"a": traces()["a"]})
    with pytest.raises(InvalidValue, match=r"a.spikes = \[5, 3\]: allowed is \[6, 3\]"):
        first_difference(traces(), traces(5))


def test_differences_in_words() -> None:
    d = Difference(12, "lif1.lif", 3, "spike", 0.0, 1.0)
    assert str(d).startswith("step 12, neuron lif1.lif[3]: ")
    assert str(replace(d, sample=4)).startswith("sample 4, step 12, neuron lif1.lif[3]: ")
    assert str(d) != str(replace(d, expected=1.0, got=0.0))
    # Values that look alike when cut short are told apart.
    near = str(Difference(0, "a", 0, "v", 0.1, 0.1 + 1e-12))
    assert near.split(" instead of ")[0].split()[-1] != near.split(" instead of ")[1]
    assert str(Difference(0, "a", 0, "v", 1.5, float("nan"))).endswith("v is none instead of 1.5")
    assert "1234567" in str(Difference(0, "a", 0, "v", 1234566.0, 1234567.0))


def test_verdicts_in_words() -> None:
    within = Verdict("spice", "event-driven", Status.WITHIN, 5, 1e-7, 1e-6, "s")
    assert str(within) == "within 1e-06 s"
    skipped = Verdict("rtl", "contract", Status.SKIPPED, reason="Verilator is missing")
    assert str(skipped) == "skipped: Verilator is missing"
    assert skipped.agrees
    failed = Verdict("rtl", "contract", Status.DEVIATES, reason="the simulator stopped")
    assert str(failed) == "deviates: the simulator stopped"
    place = Difference(1, "a", 0, "spike", 1.0, 0.0)
    where = replace(failed, difference=place)
    assert str(where) == f"deviates at {place}, because the simulator stopped"
    assert str(replace(where, reason="")) == f"deviates at {place}"
    assert str(Verdict("rtl", "contract", Status.PROVED)) == "proved"


def test_verdicts_as_data() -> None:
    place = Difference(1, "a", 0, "spike", 1.0, 0.0, sample=2)
    data = Verdict("rtl", "contract", Status.DEVIATES, 9, 1.0, None, "spikes", place).to_dict()
    assert json.loads(json.dumps(data)) == data
    assert data["status"] == "deviates"
    assert data["difference"]["sample"] == 2
    assert data["verdict"].startswith("deviates at sample 2, step 1")
