"""System 5: the F-I curve; its checks for neurons of all kinds, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.golden import InvalidValue, fi
from lifstone.golden.systems.fi import SYSTEM, Parameters, event_rate, grid_rate


@settings(max_examples=20, deadline=None)
@given(
    tau=st.floats(2e-3, 50e-3),
    t_ref=st.floats(0, 5e-3),
    top=st.floats(0.2e-9, 3e-9),
    v_reset=st.floats(-80e-3, -60e-3),
)
def test_fi_system_agrees_for_all_kinds(
    tau: float, t_ref: float, top: float, v_reset: float
) -> None:
    p = Parameters(tau_mem=tau, t_ref=t_ref, i_max=top, v_reset=v_reset, points=9, dt=0.2e-3)
    result = SYSTEM.run(p)
    assert result.agrees, [c for c in result.checks if not c.holds]


def test_fi_rates_do_not_depend_on_units() -> None:
    volts = Parameters(points=11)
    scaled = replace(volts, v_leak=-65.0, v_th=-50.0, v_reset=-65.0, r=1e11)
    a, b = (SYSTEM.run(p).panels[0].series[0].y for p in (volts, scaled))
    np.testing.assert_allclose(a, b, rtol=1e-12)


def test_fi_limits() -> None:
    p = Parameters()
    # Without leak the rate is linear in the current above threshold.
    slow = replace(p, tau_mem=1e3, r=p.r * 1e3 / p.tau_mem, t_ref=0.0)
    current = np.array([0.5e-9, 1e-9])
    rates = fi.rate(slow.neuron(), current)
    c = p.tau_mem / p.r
    np.testing.assert_allclose(rates, current / (c * 15e-3), rtol=1e-3)
    assert float(fi.rate(p.neuron(), 1.0)) == pytest.approx(1 / p.t_ref, rel=1e-3)


def test_fi_grid_converges_in_first_order() -> None:
    p = Parameters()
    current = np.array([0.37e-9, 0.61e-9, 0.93e-9])
    exact = fi.rate(p.neuron(), current)
    errors = []
    for dt in (0.4e-3, 0.1e-3, 0.025e-3):
        rates = grid_rate(p.neuron(3), current, dt, 0.5)
        errors.append(float(np.abs(1 / rates - 1 / exact).max()))
        assert errors[-1] < dt
    assert errors[0] > errors[2]


def test_fi_event_rate_is_zero_below_the_rheobase() -> None:
    p = Parameters()
    assert event_rate(p.neuron(), 0.99 * fi.rheobase(p.neuron()), p.dt) == 0.0
    assert event_rate(p.neuron(), 1.01 * fi.rheobase(p.neuron()), p.dt) > 0.0


def test_fi_system_notices_a_wrong_closed_form(monkeypatch: pytest.MonkeyPatch) -> None:
    right = fi.rate
    monkeypatch.setattr(fi, "rate", lambda m, i: 1.001 * right(m, i))
    assert not SYSTEM.run(Parameters(points=5)).agrees


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"v_th": -70e-3}, "v_th = -0.07: allowed is above v_leak"),
        ({"v_reset": -40e-3}, "v_reset = -0.04: allowed is below"),
        ({"tau_mem": 0.0}, "tau_mem = 0.0"),
        ({"dt": float("nan")}, "dt = nan: allowed is finite"),
        ({"points": 1}, "points = 1: allowed is whole numbers from 2"),
    ],
)
def test_wrong_fi_parameters(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        Parameters(**changes)
