"""Proofs of the cells' steps: right logic is proved, and a bug in it really is refuted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Value

from lifstone.golden.cell import Cell
from lifstone.golden.verdict import Status
from lifstone.hdl.formal import cells
from lifstone.hdl.formal.cells import cell_proof, prove_cell
from lifstone.hdl.platforms import loihi, spinnaker, truenorth
from tests.hdl import platform_cells

SECONDS = 60.0


def cell(kind: str, n: int) -> Cell:
    rng = np.random.default_rng(1)
    if kind == "truenorth":
        flags: dict[str, Any] = {"reset": "linear", "leak_reversal": True, "stochastic_leak": True}
        return platform_cells.truenorth(rng, n, negative_saturates=False, **flags)
    return getattr(platform_cells, kind)(rng, n)


def wrapped(value: Value, width: int) -> Value:
    """A saturation that is missing."""
    return value[:width].as_signed() if len(value) > width else value


BUGS = {
    "loihi": (loihi, "INPUT_BITS", 21),
    "spinnaker": (spinnaker, "saturate", wrapped),
    "truenorth": (truenorth, "TAPS", 0xB401),
}


@pytest.mark.parametrize("kind", BUGS)
def test_the_right_step_is_proved(kind: str) -> None:
    verdict = prove_cell(cell(kind, 4), timeout=SECONDS)
    assert verdict.status is Status.PROVED, verdict


@pytest.mark.parametrize("kind", BUGS)
def test_a_bug_is_refuted_by_values_that_the_golden_step_confirms(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name, wrong = BUGS[kind]
    one = cell(kind, 1)
    monkeypatch.setattr(module, name, wrong)
    proof = cell_proof(one, timeout=SECONDS)
    found = proof.counterexample
    assert proof.word == "sat", proof
    assert found is not None
    assert found.golden != found.rtl
    state, totals = (
        {k: np.array([v]) for k, v in found.given[group].items()} for group in ("state", "totals")
    )
    after, spikes = one.step(state, totals)
    expected = {"spike": int(spikes[0]), **{k: int(v[0]) for k, v in after.items()}}
    assert found.golden == expected


def test_a_counterexample_of_one_set_of_numbers_is_replayed_with_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a busy machine does by itself: the first answer is none, the exact question is asked."""
    replayed, calls = cells._Question.replayed, []

    def deaf(question: Any, model: Any, numbers: Any = None) -> Any:
        calls.append(numbers)
        return None if numbers is None else replayed(question, model, numbers)

    one = cell("spinnaker", 1)
    monkeypatch.setattr(spinnaker, "saturate", wrapped)
    monkeypatch.setattr(cells._Question, "replayed", deaf)
    proof = cell_proof(one, timeout=SECONDS)
    assert proof.counterexample is not None
    assert len(calls) == 2
