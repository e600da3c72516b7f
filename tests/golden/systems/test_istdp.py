"""System 9: inhibitory plasticity; its step by hand, its drift, and where it comes to rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifstone.golden import InvalidValue
from lifstone.golden.learning import inhibitory
from lifstone.golden.learning.inhibitory import InhibitoryRule, drift, start, step
from lifstone.golden.systems.istdp import SYSTEM, Parameters, drift_sample, single

RULE = InhibitoryRule(eta=0.01, tau=20e-3, target=10.0, w_max=1.0)
DT = 1e-3


def play(rule: InhibitoryRule, pre: list[int], post: list[int], w: float, dt: float) -> float:
    traces, weight = start(1, 1), np.full((1, 1), w)
    for a, b in zip(pre, post, strict=True):
        traces, weight = step(rule, traces, weight, np.array([a]), np.array([b]), dt)
    return float(weight[0, 0])


def test_istdp_step_by_hand() -> None:
    d = np.exp(-DT / RULE.tau)
    alpha = 10.0 * 2 * DT * d / (1 - d)
    assert RULE.alpha(DT) == pytest.approx(alpha)
    # A lone presynaptic spike weakens; coincidences in both orders strengthen alike.
    assert play(RULE, [1, 0], [0, 0], 0.5, DT) == pytest.approx(0.5 - 0.01 * alpha)
    after = play(RULE, [1, 0, 0], [0, 0, 1], 0.5, DT)
    before = play(RULE, [0, 0, 1], [1, 0, 0], 0.5, DT)
    assert after == pytest.approx(0.5 + 0.01 * (d**2 - alpha))
    assert before == pytest.approx(after)


@given(lag=st.integers(1, 100), tau=st.floats(5e-3, 50e-3))
def test_istdp_window_is_symmetric(lag: int, tau: float) -> None:
    rule = replace(RULE, tau=tau, target=1e-9)
    one, other = [1] + [0] * lag, [0] * lag + [1]
    gain = play(rule, one, other, 0.5, DT) - 0.5
    assert play(rule, other, one, 0.5, DT) - 0.5 == pytest.approx(gain, abs=1e-10)
    assert gain == pytest.approx(rule.eta * np.exp(-lag * DT / tau), rel=1e-6, abs=1e-9)


def test_istdp_weights_stay_in_their_range() -> None:
    assert play(RULE, [1] * 200, [0] * 200, 0.2, DT) == 0.0
    assert play(RULE, [1] * 200, [1] * 200, 0.2, DT) == 1.0


@given(pre=st.floats(0, 50), post=st.floats(0, 50), dt=st.floats(1e-5, 2e-3))
def test_istdp_drift_vanishes_at_the_target_and_grows_with_both_rates(
    pre: float, post: float, dt: float
) -> None:
    assert float(drift(RULE, pre, RULE.target, dt)) == 0.0
    assert float(drift(RULE, 0.0, post, dt)) == 0.0
    wanted = RULE.eta * pre * 2 * RULE.tau * (post - RULE.target)
    # The grid's window is shorter than 2 tau by about dt.
    assert float(drift(RULE, pre, post, dt)) == pytest.approx(wanted, rel=0.06, abs=1e-12)


def test_istdp_grid_converges_to_continuous_time_in_first_order() -> None:
    errors = [2 * RULE.tau - RULE.window(dt) for dt in (2e-3, 1e-3, 0.5e-3)]
    assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.05)
    assert errors[1] / errors[2] == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize(("pre", "post"), [(10.0, 2.0), (40.0, 20.0), (15.0, 10.0)])
def test_istdp_sampled_drift_is_the_closed_form(pre: float, post: float) -> None:
    p = Parameters(target=10.0, seed=3)
    mean, error = drift_sample(p, pre, post)
    assert abs(mean - float(drift(p.rule(), pre, post, p.dt))) < 4 * error


def test_istdp_converges_from_both_sides() -> None:
    p = Parameters(duration=8.0, cells=16)
    for start_weight, first in ((0.0, "above"), (0.5, "below")):
        rates = single(p, start_weight).rates.mean(axis=1)
        assert (rates[0] > 1.5 * p.target) == (first == "above")
        assert rates[-4:].mean() == pytest.approx(p.target, rel=0.2)


def test_istdp_without_plasticity_stays_where_it_is() -> None:
    p = Parameters(eta=1e-12, duration=3.0, cells=8)
    rates = single(p, 0.0).rates.mean(axis=1)
    assert rates[-2:].mean() > 2 * p.target


def test_istdp_system_agrees() -> None:
    result = SYSTEM.run(Parameters())
    assert result.agrees
    found = {f.name: f.value for f in result.figures}
    assert found["jump by a step of excitation"] > 1.5


def test_istdp_system_notices_a_lopsided_window(monkeypatch: pytest.MonkeyPatch) -> None:
    right = inhibitory.step

    def lopsided(rule: Any, now: Any, weight: Any, pre: Any, post: Any, dt: float) -> Any:
        return right(rule, replace(now, x=0.9 * now.x), weight, pre, post, dt)

    monkeypatch.setattr("lifstone.golden.systems.istdp.step", lopsided)
    p = Parameters(duration=2.0, cells=4, excitatory=16)
    failed = [c.name for c in SYSTEM.run(p).checks if not c.holds]
    assert any(name.startswith("drift at") for name in failed)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"eta": 0.0}, "eta = 0.0"),
        ({"tau": -1.0}, "tau = -1.0: allowed is a finite number above 0"),
        ({"target": np.nan}, "target = nan"),
        ({"w_max": np.inf}, "w_max = inf"),
    ],
)
def test_wrong_istdp_rules(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        replace(RULE, **changes)


def test_wrong_istdp_parameters() -> None:
    with pytest.raises(InvalidValue, match=r"duration = 0\.1: allowed is finite numbers above"):
        Parameters(duration=0.1)
