"""System 3: the neuron under light as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lifstone.golden import InvalidValue
from lifstone.golden.systems import Result, find_system
from lifstone.golden.systems.chr2 import Parameters, run
from lifstone.golden.systems.chr2_reference import rectified

SMALL = Parameters(points=3)


@pytest.fixture(scope="module")
def default() -> Result:
    return find_system("chr2").run(Parameters())


def figure(result: Result, name: str) -> float:
    return next(f.value for f in result.figures if f.name == name)


def test_agrees_and_desensitises(default: Result) -> None:
    assert default.agrees, [c for c in default.checks if not c.holds]
    assert 0.0 < figure(default, "pulses answered") < 1.0
    assert figure(default, "peak to plateau") > 2.0
    assert figure(default, "last rate in the flash") < 0.8 * figure(
        default, "first rate in the flash"
    )
    assert 0.1 < figure(default, "pause of half recovery") < 30.0
    assert len(default.panels) == 4


def test_both_photocycles_are_checked(default: Result) -> None:
    names = " ".join(c.name for c in default.checks)
    assert names.count("three states") == names.count("four states") == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"kinetics": "three"},
        {"g_max": 0.0},
        {"g_max": 2e-7},
        {"flash": 5e-3},
        {"dt": 1e-3},
    ],
)
def test_agrees_elsewhere(changes: dict[str, Any]) -> None:
    result = run(replace(SMALL, **changes))
    assert result.agrees, [c for c in result.checks if not c.holds]
    if changes.get("g_max") == 0.0:
        assert figure(result, "pulses answered") == 0.0


def test_the_published_rectification_is_one_near_minus_70_mv() -> None:
    assert rectified(-70e-3, 0.0) == pytest.approx(1.0, abs=1e-3)
    assert rectified(0.0, 0.0) == pytest.approx(rectified(1e-9, 0.0), rel=1e-6)
    assert rectified(20e-3, 0.0) < rectified(-20e-3, 0.0)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: replace(SMALL, g_max=-1e-9), "g_max"),
        (lambda: replace(SMALL, kinetics="six"), "kinetics"),
        (lambda: replace(SMALL, irradiance=0.0), "irradiance"),
        (lambda: replace(SMALL, gamma=1.1), "gamma"),
        (lambda: replace(SMALL, pulse=1e-5), "pulse"),
        (lambda: replace(SMALL, frequency=1e4), "frequency"),
        (lambda: replace(SMALL, frequency=0.1), "frequency"),
        (lambda: replace(SMALL, e_chr2=-60e-3), "e_chr2"),
        (lambda: replace(SMALL, dt=-1e-4), "dt"),
    ],
)
def test_refused(call: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        call()
    assert caught.value.field == field
