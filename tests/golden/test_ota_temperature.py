"""The time constant over temperature, and the bias that takes the temperature out."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from lifstone.golden import InvalidValue, ota
from lifstone.golden import ota_temperature as law

# Without its usual 1e-12, which would swallow amperes and volts squared.
approx = partial(pytest.approx, abs=0.0)

C, TAU = 5e-12, 30e-3
T = np.linspace(250.0, 400.0, 31)


def test_at_a_fixed_bias_tau_follows_the_absolute_temperature() -> None:
    tau = ota.tau(C, 1e-10, 1.3, T)
    np.testing.assert_allclose(tau / tau[0], T / T[0], rtol=1e-12)
    np.testing.assert_allclose(law.drift(tau, T) * T, 1.0, rtol=1e-3)


def test_a_proportional_bias_holds_tau_and_g_m() -> None:
    r = float(law.resistance_for_tau(TAU, C, 6.0, 1.4))
    bias = law.ptat_bias(T, r, 6.0)
    np.testing.assert_allclose(bias / bias[0], T / T[0], rtol=1e-12)
    np.testing.assert_allclose(ota.tau(C, bias, 1.4, T), TAU, rtol=1e-12)
    assert r == approx(TAU * np.log(6.0) / (2 * 1.4 * C), rel=1e-12)
    # Any ratio will do with its own resistor.
    other = law.ptat_bias(T, float(law.resistance_for_tau(TAU, C, 20.0, 1.4)), 20.0)
    np.testing.assert_allclose(other, bias, rtol=1e-12)


def test_what_is_left_is_the_resistor() -> None:
    r = float(law.resistance_for_tau(TAU, C))
    tau = ota.tau(C, law.ptat_bias(T, r, 8.0, 2e-3), 1.3, T)
    np.testing.assert_allclose(tau / TAU, 1 + 2e-3 * (T - 300.15), rtol=1e-12)
    middle = np.argmin(np.abs(T - 300.15))
    assert law.drift(tau, T)[middle] == approx(2e-3, rel=1e-2)


def test_wrong_resistors_and_ratios() -> None:
    for call, message in (
        (lambda: law.ptat_bias(300.0, 1e6, 1.0), r"ratio = 1\.0: allowed is greater than 1"),
        (lambda: law.ptat_bias(300.0, -1e6), r"resistance = -1"),
        (lambda: law.ptat_bias(900.0, 1e6, 8.0, -2e-3), "resistance = .*: allowed is above 0 at"),
        (lambda: law.ptat_bias(0.0, 1e6), r"temperature = 0\.0"),
        (lambda: law.drift([1.0, 2.0], [300.0, 310.0]), r"temperature = \[2\]"),
        (lambda: law.resistance_for_tau(0.0, C), r"tau = 0\.0"),
    ):
        with pytest.raises(InvalidValue, match=message):
            call()
