"""System 1: the nociceptor as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lifstone.golden import InvalidValue
from lifstone.golden.systems import Result, find_system
from lifstone.golden.systems.trpv1 import Parameters, reference_times, run

SMALL = Parameters(points=9)


@pytest.fixture(scope="module")
def default() -> Result:
    return find_system("trpv1").run(Parameters())


def figure(result: Result, name: str) -> float:
    return next(f.value for f in result.figures if f.name == name)


def test_agrees_and_says_what_it_found(default: Result) -> None:
    assert default.agrees, [c for c in default.checks if not c.holds]
    assert figure(default, "rate jump") > 50.0
    assert figure(default, "rate before capsaicin") == 0.0
    heat = figure(default, "threshold temperature without capsaicin") - 273.15
    assert 38.0 < heat < 46.0  # noxious heat
    assert len(default.panels) == 4
    assert all(np.isfinite(s.y).all() for p in default.panels for s in p.series)


@pytest.mark.parametrize(
    "changes",
    [
        {"dose": 0.0},
        {"g_max": 0.0},
        {"temperature": 320.0},
        {"t_ref": 1.03e-3},
        {"e_trpv1": -30e-3},
        {"v_reset": -90e-3},
    ],
)
def test_agrees_elsewhere(changes: dict[str, Any]) -> None:
    result = run(replace(SMALL, **changes))
    assert result.agrees, [c for c in result.checks if not c.holds]
    if "dose" in changes or "g_max" in changes:
        assert figure(result, "rate jump") == 0.0


def test_rate_rises_with_dose_temperature_and_conductance() -> None:
    p = SMALL
    for rates in (
        p.rate(p.temperature, np.linspace(0.0, 5e-3, 30)),
        p.rate(np.linspace(300.0, 325.0, 30), 0.3e-3),
        np.array([replace(p, g_max=g).rate(p.temperature, 1e-3)[0] for g in (1e-9, 5e-9, 2e-8)]),
    ):
        assert (np.diff(rates) >= 0).all()
        assert rates[0] == 0.0 < rates[-1]


def test_heat_and_capsaicin_help_each_other() -> None:
    """The threshold dose falls with temperature, the threshold temperature with dose."""
    doses = [figure(run(replace(SMALL, temperature=t)), "threshold dose") for t in (303.15, 310.15)]
    assert doses[1] < doses[0]


def test_rate_does_not_depend_on_the_unit_of_the_dose() -> None:
    micro = replace(SMALL, dose=1.0, half=0.71)
    assert micro.rate(SMALL.temperature, 1.0) == pytest.approx(SMALL.rate(SMALL.temperature, 1e-3))


def test_a_gate_that_follows_the_potential_changes_the_rate_a_little() -> None:
    frozen = np.diff(reference_times(SMALL, 1e-3, 0.3))[-1]
    free = np.diff(reference_times(SMALL, 1e-3, 0.3, frozen=False))[-1]
    assert free != frozen
    assert free == pytest.approx(frozen, rel=0.05)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: replace(SMALL, g_max=-1e-9), "g_max"),
        (lambda: replace(SMALL, dose=-1.0), "dose"),
        (lambda: replace(SMALL, temperature=0.0), "temperature"),
        (lambda: replace(SMALL, v_th=-70e-3), "v_th"),
        (lambda: replace(SMALL, v_reset=-30e-3), "v_reset"),
        (lambda: replace(SMALL, e_trpv1=-50e-3), "e_trpv1"),
        (lambda: replace(SMALL, dt=1.0), "dt"),
        (lambda: replace(SMALL, points=2), "points"),
    ],
)
def test_refused(call: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        call()
    assert caught.value.field == field
