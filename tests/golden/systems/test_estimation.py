"""System 4: the estimates hold against truth, bound and brute force."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lifstone.golden import InvalidValue
from lifstone.golden.estimation import maximum
from lifstone.golden.systems import Result, find_system, quantities
from lifstone.golden.systems import estimation as module

SYSTEM = find_system("estimation")
QUICK = {"recordings": 2, "duration": 1.2}


@pytest.fixture(scope="module")
def result() -> Result:
    made = SYSTEM.run(SYSTEM.parameters())
    assert isinstance(made, Result)
    return made


def test_estimation_agrees(result: Result) -> None:
    assert result.agrees, [c for c in result.checks if not c.holds]
    assert len(result.checks) == 5


def test_estimation_shows_the_threshold_first_with_its_error(result: Result) -> None:
    first = result.figures[0]
    assert (first.name, first.unit) == ("v_th", "V")
    assert first.error is not None
    assert abs(first.value + 50e-3) < 4 * first.error
    assert len(result.figures) == 7
    assert len(result.panels) == 4
    assert result.to_dict()["agrees"] is True


def test_estimation_parameters_have_units_and_meaning() -> None:
    found = {q.name: q for q in quantities(SYSTEM.parameters)}
    assert {"tau_mem", "v_th", "v_reset", "sigma_v", "sigma_y", "dropped", "seed"} <= set(found)
    assert all(q.meaning and q.unit for q in found.values())
    assert set(SYSTEM.bodies) == {"network", "rtl", "spice"}


def test_estimation_notices_a_threshold_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bias of five standard errors in one parameter fails the distance from the truth."""
    true = maximum.maximise

    def off(s: Any) -> maximum.Maximum:
        found = true(s)
        vector = found.vector.copy()
        vector[3] += 5 * np.sqrt(found.covariance[3, 3])
        return replace(found, vector=vector)

    import lifstone.golden.estimation  # noqa: F401  (the module is shadowed by its function)

    monkeypatch.setitem(maximise_users(), "maximise", off)
    made = SYSTEM.run(SYSTEM.parameters(**QUICK))
    assert [c.name for c in made.checks if not c.holds] == ["distance from the truth"]


def maximise_users() -> dict[str, Any]:
    import sys

    return vars(sys.modules["lifstone.golden.estimation.fit"])


def test_estimation_notices_a_likelihood_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spikes that forget the noise of their step: brute force and slope both say so."""
    from lifstone.golden.estimation import grid

    true = grid.log_ndtr
    monkeypatch.setattr(grid, "log_ndtr", lambda z: true(1.05 * z))
    made = SYSTEM.run(SYSTEM.parameters(**QUICK))
    assert "log-likelihood" in [c.name for c in made.checks if not c.holds]


@pytest.mark.parametrize("changes", [{"sigma_y": 1e-6}, {"dropped": 0.2}, {"sigma_v": 8e-3}])
def test_estimation_elsewhere(changes: dict[str, float]) -> None:
    made = SYSTEM.run(SYSTEM.parameters(**{**QUICK, **changes}))
    assert made.agrees, [c for c in made.checks if not c.holds]
    edge = any("is an edge" in note for note in made.notes)
    assert edge == ("sigma_y" in changes)
    assert ("standard error of v_th" in [c.name for c in made.checks]) != edge


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sigma_v": 0.0}, "sigma_v = 0.0"),
        ({"sigma_y": -1e-3}, "sigma_y = -0.001"),
        ({"v_reset": -40e-3}, "v_reset = -0.04: allowed is below"),
        ({"dropped": 0.9}, "dropped = 0.9"),
        ({"duration": 0.1}, "duration = 0.1: allowed is at least 0.5 s"),
        ({"dt": 1e-9}, "duration = 2.5: allowed is at most"),
        ({"recordings": 1}, "recordings = 1"),
    ],
)
def test_estimation_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        SYSTEM.parameters(**changes)


def test_estimation_needs_spikes() -> None:
    with pytest.raises(InvalidValue, match="0 spikes in recording 0"):
        SYSTEM.run(SYSTEM.parameters(**QUICK, v_th=0.0))


def test_estimation_seeds_give_other_recordings() -> None:
    assert module.SYSTEM is SYSTEM
    one, other = (SYSTEM.run(SYSTEM.parameters(**QUICK, seed=s)).figures[0] for s in (1, 2))
    assert one.value != other.value
