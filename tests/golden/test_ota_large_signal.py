"""Decay of the capacitor through the transconductor: closed form, limits, scaling."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from lifstone.golden import InvalidValue, ota
from lifstone.golden.ota_large_signal import (
    decay,
    decay_time,
    exponential_decay,
    slew_decay,
    slew_rate,
)

# Without its usual 1e-12, which would swallow amperes and volts squared.
approx = partial(pytest.approx, abs=0.0)

C, I_BIAS = 2e-12, 5e-11
SLOPE = float(ota.slope_voltage())
TAU = float(ota.tau(C, I_BIAS))


@pytest.mark.parametrize("start", [1e-3, -0.05, 0.3, 1.5])
def test_decay_solves_the_equation(start: float) -> None:
    t = np.linspace(0, abs(start) / float(slew_rate(C, I_BIAS)) + 3 * TAU, 30)

    def slope(_: float, v: np.ndarray) -> np.ndarray:
        return -ota.current(v, I_BIAS) / C

    exact = solve_ivp(slope, (0, t[-1]), [start], "DOP853", t, rtol=1e-12, atol=1e-20).y[0]
    np.testing.assert_allclose(decay(start, t, C, I_BIAS), exact, rtol=1e-9)


@settings(max_examples=50, deadline=None)
@given(start=st.floats(1e-6, 40.0), first=st.floats(0, 1.0), second=st.floats(0, 1.0))
def test_decays_add_up_and_are_odd(start: float, first: float, second: float) -> None:
    halfway = decay(start, first, C, I_BIAS)
    whole = float(decay(start, first + second, C, I_BIAS))
    assert float(decay(halfway, second, C, I_BIAS)) == approx(whole, rel=1e-9, abs=1e-300)
    assert float(decay(-start, first + second, C, I_BIAS)) == -whole
    assert 0 <= whole <= start * (1 + 1e-12)


@settings(max_examples=50, deadline=None)
@given(start=st.floats(1e-9, 100.0), share=st.floats(1e-3, 1.0))
def test_time_is_the_inverse_of_decay(start: float, share: float) -> None:
    t = float(decay_time(start, share * start, C, I_BIAS))
    assert t >= 0
    assert float(decay(start, t, C, I_BIAS)) == approx(share * start, rel=1e-9)


def test_decay_is_the_firing_period_without_input() -> None:
    # The interval of golden.ota, derived by other means, from -0.3 V up to -0.01 V.
    period = float(ota.period(0.0, c=C, i_bias=I_BIAS, v_reset=-0.3, v_th=-0.01))
    assert float(decay_time(-0.3, -0.01, C, I_BIAS)) == approx(period, rel=1e-12)


def test_small_signal_limit_is_of_second_order() -> None:
    x = np.array([0.4, 0.2, 0.1, 0.05])
    t = 0.7 * TAU
    above = decay(x * SLOPE, t, C, I_BIAS) / exponential_decay(x * SLOPE, t, C, I_BIAS) - 1
    np.testing.assert_allclose(np.log2(above[:-1] / above[1:]), 2.0, atol=0.03)
    np.testing.assert_allclose(above[-1], x[-1] ** 2 / 6 * (1 - np.exp(-1.4)), rtol=0.01)


def test_large_signals_slew() -> None:
    assert float(slew_rate(C, I_BIAS)) == approx(I_BIAS / C, rel=1e-12)
    for x in (6.0, 12.0, 1e4):
        # One slope voltage above 0.5 x, the line is short by exp(-2 v / V).
        t = 0.5 * x * TAU
        gap = decay(x * SLOPE, t, C, I_BIAS) - slew_decay(x * SLOPE, t, C, I_BIAS)
        assert gap / SLOPE == approx(np.exp(-x), rel=0.05, abs=1e-11)
    assert slew_decay(-0.1, 1e9, C, I_BIAS) == 0.0
    assert slew_decay(-0.1, 0.0, C, I_BIAS) == -0.1


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_only_the_ratio_of_bias_and_capacitance_counts(by: float, time: float) -> None:
    one = decay(0.2, 0.01, C, I_BIAS)
    assert decay(0.2, 0.01, by * C, by * I_BIAS) == approx(one, rel=1e-9)
    assert decay(0.2, 0.01 * time, time * C, I_BIAS) == approx(one, rel=1e-9)
    assert decay(0.4, 0.01, C, 2 * I_BIAS, 2.6) == approx(2 * one, rel=1e-9)


def test_extremes_stay_finite() -> None:
    with np.errstate(over="raise", invalid="raise"):
        assert decay(1e9, 0.0, C, I_BIAS) == approx(1e9, rel=1e-12)
        assert decay(1e-3, 1e9, C, I_BIAS) == 0.0
        assert decay(0.0, 1.0, C, I_BIAS) == 0.0


def test_wrong_starts_and_times() -> None:
    for call, message in (
        (lambda: decay(0.1, -1.0, C, I_BIAS), r"t = -1\.0: allowed is 0 or greater"),
        (lambda: decay([0.1, np.nan], 1.0, C, I_BIAS), r"v_start\[1\] = nan"),
        (lambda: decay(0.1, 1.0, 0.0, I_BIAS), r"c = 0\.0: allowed is greater than 0"),
        (lambda: decay(0.1, 1.0, C, -1e-9), r"i_bias = -1e-09"),
        (lambda: decay_time(0.1, 0.2, C, I_BIAS), r"v_end\[0\] = 0\.2: allowed is between 0"),
        (lambda: decay_time(0.1, -0.05, C, I_BIAS), r"v_end\[0\] = -0\.05"),
        (lambda: decay_time(0.1, 0.0, C, I_BIAS), r"v_end\[0\] = 0\.0"),
    ):
        with pytest.raises(InvalidValue, match=message):
            call()
