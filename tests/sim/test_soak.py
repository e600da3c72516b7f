"""Every registered core in the soak, for a short while; a deviation is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lifstone.golden import InvalidValue
from lifstone.sim.rtl import soak as runner
from lifstone.sim.rtl.soak import main, soak
from lifstone.sim.rtl.soak_case import Case, all_cases, patterns
from tests.sim.faulty import substitute

UPDATES = 100_000
CASES = all_cases()


@pytest.mark.parametrize("name", CASES)
def test_a_core_equals_its_contract(name: str) -> None:
    result = soak(CASES[name], UPDATES, chunk=UPDATES, optimise=False)
    assert result.deviation == ""
    assert result.updates >= 0.9 * UPDATES
    assert result.spikes > 0


def broken(case: Case) -> Case:
    design = case.design()
    wrong = substitute(design, r"u_sum\) > ", "u_sum) >= ", f"{design.name}_core_p_fire")
    return replace(case, design=lambda: wrong)


def test_a_deviation_names_step_neuron_and_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = broken(CASES["lif_one_exponential"])
    result = soak(case, UPDATES, chunk=UPDATES, optimise=False)
    assert "chunk 0, sample " in result.deviation
    assert ", step " in result.deviation
    assert ", neuron p[" in result.deviation
    monkeypatch.setattr(runner, "all_cases", lambda: {"broken": case})
    monkeypatch.setattr(runner, "CHUNK", UPDATES)
    assert main(["--updates", "1e6"]) == 1
    assert "deviates: chunk 0" in capsys.readouterr().out


def test_the_command_refuses_a_case_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nothing"]) == 2
    assert "case = 'nothing': allowed is " in capsys.readouterr().err


def test_the_command_lists_the_cases(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert capsys.readouterr().out.split() == list(CASES)


def test_updates_must_be_positive() -> None:
    with pytest.raises(InvalidValue, match="updates"):
        soak(next(iter(CASES.values())), 0)


def test_patterns_are_directed_and_random() -> None:
    made = patterns(np.random.default_rng(0), {"x": 3, "y": 2}, 64, 40)
    assert {name: a.shape for name, a in made.items()} == {"x": (64, 40, 3), "y": (64, 40, 2)}
    for spikes in made.values():
        assert set(np.unique(spikes)) == {0, 1}
        means = spikes.mean(axis=(0, 2))
        assert (means == 0).any()
        assert (means == 1).any()
        assert len(np.unique(means)) > 10
