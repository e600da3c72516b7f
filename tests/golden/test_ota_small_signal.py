"""The transconductor: limits, inverse, and how far it is from a resistor."""

from __future__ import annotations

from decimal import Decimal, getcontext
from functools import partial
from typing import Any

import numpy as np
import pytest

from lifstone.golden import InvalidValue, ota

# Without its usual 1e-12, which would swallow amperes and seconds.
approx = partial(pytest.approx, abs=0.0)


def test_thermal_voltage_at_room_temperature() -> None:
    assert ota.thermal_voltage(300.0) == approx(25.852e-3, rel=1e-4)
    assert ota.thermal_voltage([300.0, 600.0])[1] == approx(2 * 25.852e-3, rel=1e-4)


def test_current_is_odd_monotone_and_bounded_by_its_bias() -> None:
    v = np.linspace(-0.4, 0.4, 81)
    i = ota.current(v, 5e-9)
    np.testing.assert_allclose(i, -i[::-1], rtol=1e-13, atol=1e-24)
    assert np.all(np.diff(i) > 0)
    assert np.all(np.abs(i) < 5e-9)
    np.testing.assert_allclose(ota.current([-5.0, 5.0], 5e-9), [-5e-9, 5e-9], rtol=1e-12)


def test_g_m_is_the_slope_at_zero() -> None:
    for i_bias, n, temperature in ((1e-9, 1.3, 300.15), (1e-6, 1.7, 250.0)):
        slope = ota.current(1e-7, i_bias, n, temperature) / 1e-7
        assert ota.g_m(i_bias, n, temperature) == approx(float(slope), rel=1e-9)
        by_hand = i_bias / (2 * n * float(ota.thermal_voltage(temperature)))
        assert ota.g_m(i_bias, n, temperature) == approx(by_hand, rel=1e-14)


def test_half_the_bias_is_reached_at_atanh_half() -> None:
    v = 2 * 1.3 * float(ota.thermal_voltage(300.15)) * np.arctanh(0.5)
    assert ota.current(v, 4e-9) == approx(2e-9, rel=1e-12)


def test_tau_and_bias_are_inverse() -> None:
    wanted = np.geomspace(1e-6, 1.0, 20)
    bias = ota.bias_for_tau(wanted, 1e-12, 1.4, 310.0)
    np.testing.assert_allclose(ota.tau(1e-12, bias, 1.4, 310.0), wanted, rtol=1e-13)
    assert ota.tau(2e-12, 1e-9) == approx(2 * float(ota.tau(1e-12, 1e-9)), rel=1e-14)
    assert ota.tau(1e-12, 1e-9, temperature=600.3) == approx(
        2 * float(ota.tau(1e-12, 1e-9)), rel=1e-12
    )


def _lack(x: float) -> float:
    """1 - tanh(x)/x with fifty digits."""
    getcontext().prec = 50
    d = Decimal(x)
    e = (2 * d).exp()
    return float(1 - (e - 1) / (e + 1) / d)


def test_linear_error_keeps_its_digits() -> None:
    unit = 2 * 1.3 * float(ota.thermal_voltage(300.15))
    for x in (1e-9, 1e-6, 0.9e-4, 1.1e-4, 1e-3, 0.1, 1.0, 20.0):
        got = float(ota.linear_error(x * unit))
        assert got == approx(_lack(x), rel=1e-7), x
        assert float(ota.linear_error(-x * unit)) == got
    assert ota.linear_error(0.0) == 0.0
    assert ota.linear_error([[0.0, 1.0]]).shape == (1, 2)


def test_linear_error_is_what_the_current_lacks() -> None:
    v = np.array([0.01, 0.05, 0.2])
    lack = 1 - ota.current(v, 3e-9) / (ota.g_m(3e-9) * v)
    np.testing.assert_allclose(ota.linear_error(v), lack, rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ota.g_m(0.0), "i_bias = 0.0: allowed is greater than 0"),
        (lambda: ota.g_m([1e-9, -1e-9]), "i_bias = -1e-09"),
        (lambda: ota.g_m(np.nan), "i_bias = nan"),
        (lambda: ota.current(0.1, np.inf), "i_bias = inf"),
        (lambda: ota.tau(0.0, 1e-9), "c = 0.0"),
        (lambda: ota.tau(1e-12, 1e-9, n_slope=-1.0), "n_slope = -1.0"),
        (lambda: ota.thermal_voltage(-3.0), "temperature = -3.0"),
        (lambda: ota.bias_for_tau(0.0, 1e-12), "tau = 0.0"),
        (lambda: ota.linear_error(0.1, temperature=0.0), "temperature = 0.0"),
    ],
)
def test_wrong_values(call: Any, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()
