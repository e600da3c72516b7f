"""System 2: the pacemaker as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lifstone.golden import InvalidValue
from lifstone.golden.systems import Result, find_system
from lifstone.golden.systems.hcn import Parameters, run

SHORT = Parameters(points=3, duration=2.0)


@pytest.fixture(scope="module")
def default() -> Result:
    return find_system("hcn").run(Parameters())


def figure(result: Result, name: str) -> float:
    return next(f.value for f in result.figures if f.name == name)


def test_agrees_and_fires_without_input(default: Result) -> None:
    assert default.agrees, [c for c in default.checks if not c.holds]
    wild = figure(default, "spontaneous rate")
    assert wild > 5.0
    assert figure(default, "rate with reduced conductance") < wild
    assert figure(default, "rate with shifted half-activation") < wild
    assert figure(default, "rate with saturating cAMP") > wild
    assert figure(default, "largest conductance with a resting state") < Parameters().g_h
    assert len(default.panels) == 4


def test_the_slow_gate_average_follows_the_curve(default: Result) -> None:
    panel = default.panels[1]
    by_name = {s.label: s.y for s in panel.series}
    averaged, run_ = by_name["slow-gate average"], by_name["started after a reset"]
    both = (averaged > 0) & (run_ > 0)
    assert both.sum() > 10
    assert averaged[both] == pytest.approx(run_[both], rel=0.03)


def test_rest_and_rhythm_exclude_each_other_by_history_only(default: Result) -> None:
    """Up to the silencing conductance a neuron at rest stays there, one after a reset fires."""
    panel = default.panels[1]
    by_name = {s.label: s for s in panel.series}
    silent = by_name["resting state ends"].x[0]
    rest, reset = by_name["started at rest"], by_name["started after a reset"]
    below = rest.x < silent
    assert (rest.y[below] == 0.0).all()
    assert (reset.y[below] > 0.0).sum() >= 3
    assert rest.y[~below] == pytest.approx(reset.y[~below], rel=0.01)


def test_the_rate_falls_with_less_channel_and_more_negative_curves() -> None:
    p = Parameters()
    g = p.late_rates(p.neuron(p.g_h * np.linspace(0.3, 1.5, 7), p.shift(p.camp)))
    assert (np.diff(g) >= 0).all()
    assert g[0] == 0.0 < g[-1]
    camp = np.array([0.0, 0.1e-3, 1e-3, 10e-3])
    rates = p.late_rates(p.neuron(p.g_h, p.shift(camp)))
    assert (np.diff(rates) > 0).all()


def test_camp_shifts_by_half_at_its_half_dose() -> None:
    p = Parameters()
    assert float(p.shift(p.camp_half)) == pytest.approx(p.camp_shift / 2)
    assert float(p.shift(0.0)) == 0.0


@pytest.mark.parametrize(
    "changes",
    [{"g_h": 0.0}, {"g_h": 9e-9}, {"camp": 0.0}, {"v_half": -60e-3}, {"v_reset": -110e-3},
     {"rate_b": 1500.0}],
)  # fmt: skip
def test_agrees_elsewhere(changes: dict[str, Any]) -> None:
    result = run(replace(SHORT, **changes))
    assert result.agrees, [c for c in result.checks if not c.holds]
    if changes.get("g_h") == 0.0:
        assert figure(result, "spontaneous rate") == 0.0


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: replace(SHORT, g_h=-1e-9), "g_h"),
        (lambda: replace(SHORT, slope=0.0), "slope"),
        (lambda: replace(SHORT, reduced=1.5), "reduced"),
        (lambda: replace(SHORT, camp=-1.0), "camp"),
        (lambda: replace(SHORT, e_h=-60e-3), "e_h"),
        (lambda: replace(SHORT, v_th=-60e-3), "v_th"),
        (lambda: replace(SHORT, dt=0.0), "dt"),
        (lambda: replace(SHORT, t_ref=0.0), "t_ref"),
    ],
)
def test_refused(call: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        call()
    assert caught.value.field == field
