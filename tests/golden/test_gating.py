"""Gates, dose curves and the free energy of opening, against formulas written out here."""

from __future__ import annotations

from dataclasses import replace
from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifstone.golden import InvalidValue
from lifstone.golden.gating import FARADAY, GAS, Gate, boltzmann, gate_step, hill, thermal_half
from lifstone.golden.trpv1 import Trpv1

RELAY = Gate(
    -75e-3, -5.5e-3, 1e3 * exp(-14.59), 1 / 86, 1e3 * exp(-1.87), 1 / 70.1
)  # Huguenard & McCormick (1992), in SI
CHANNEL = Trpv1(150e3, 470.0, 0.71, 0.71e-3, 2.0, 0.15)
VOLTS = st.floats(-0.2, 0.1)


@given(VOLTS, VOLTS, st.floats(1e-3, 0.05))
def test_boltzmann_is_the_logistic_and_mirrors(v: float, half: float, slope: float) -> None:
    up = float(boltzmann(v, half, slope))
    assert up == pytest.approx(1 / (1 + exp(min(-(v - half) / slope, 700))), rel=1e-12)
    assert up + float(boltzmann(v, half, -slope)) == pytest.approx(1.0, abs=1e-15)


def test_boltzmann_saturates_without_overflow() -> None:
    assert boltzmann([-100.0, 100.0], 0.0, 1e-3).tolist() == [0.0, 1.0]


@given(st.floats(1e-9, 1e3), st.floats(1e-6, 1.0), st.floats(0.3, 4.0))
def test_hill_is_the_ratio_of_powers(dose: float, half: float, n: float) -> None:
    got = float(hill(dose, half, n))
    assert got == pytest.approx(1.0 / (1.0 + (half / dose) ** n), rel=1e-10)
    assert float(hill(1e6 * dose, 1e6 * half, n)) == pytest.approx(got, rel=1e-9)


def test_hill_starts_at_nothing_with_the_power_of_its_exponent() -> None:
    assert float(hill(0.0, 1.0, 2.0)) == 0.0
    assert float(hill(1.0, 1.0, 3.7)) == 0.5
    low = hill([1e-4, 1e-3], 1.0, 2.0)
    assert np.log10(low[1] / low[0]) == pytest.approx(2.0, abs=1e-5)


@given(st.floats(280.0, 330.0), VOLTS)
def test_the_free_energy_gives_the_boltzmann_curve(kelvin: float, v: float) -> None:
    half, slope = thermal_half(kelvin, 150e3, 470.0, 0.71)
    energy = 150e3 - kelvin * 470.0 - 0.71 * FARADAY * v
    expected = 1 / (1 + exp(energy / (GAS * kelvin)))
    assert float(boltzmann(v, half, slope)) == pytest.approx(expected, rel=1e-10)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(1e-3, 1.0), st.floats(1e-5, 1.0))
def test_two_gate_steps_are_one_of_their_sum(x: float, goal: float, tau: float, dt: float) -> None:
    start = np.array([x])
    twice = gate_step(gate_step(start, goal, tau, dt / 3), goal, tau, 2 * dt / 3)
    assert twice == pytest.approx(gate_step(start, goal, tau, dt), abs=1e-14)
    assert 0.0 <= float(twice[0]) <= 1.0


def test_the_relay_gate_has_the_published_curves() -> None:
    v = np.array([-100e-3, -80e-3, -60e-3])
    tau = [1e-3 / (exp(-14.59 - 0.086 * mv) + exp(-1.87 + 0.0701 * mv)) for mv in (-100, -80, -60)]
    assert RELAY.tau(v) == pytest.approx(tau, rel=1e-12)
    assert RELAY.steady(-75e-3) == pytest.approx(0.5)
    assert (np.diff(RELAY.steady(v)) < 0).all()


def test_a_shift_moves_curve_and_time_constant_together() -> None:
    v, shift = np.linspace(-0.1, -0.04, 7), 11e-3
    assert RELAY.steady(v + shift, shift) == pytest.approx(RELAY.steady(v), rel=1e-12)
    assert RELAY.tau(v + shift, shift) == pytest.approx(RELAY.tau(v), rel=1e-12)
    assert (RELAY.steady(v, shift) > RELAY.steady(v)).all()


@given(st.floats(0.02, 0.6), st.floats(298.0, 315.0))
def test_trpv1_dose_and_temperature_invert_the_open_fraction(wanted: float, kelvin: float) -> None:
    dose = CHANNEL.dose_for(wanted, -50e-3, kelvin)
    if 0 < dose < np.inf:
        assert float(CHANNEL.open(-50e-3, kelvin, dose)) == pytest.approx(wanted, rel=1e-9)
    heat = CHANNEL.temperature_for(wanted, -50e-3, 0.2e-3)
    assert float(CHANNEL.open(-50e-3, heat, 0.2e-3)) == pytest.approx(wanted, rel=1e-9)


def test_trpv1_heat_and_capsaicin_add_up_in_one_exponent() -> None:
    v, kelvin, dose = -52e-3, 310.0, 1e-3
    bound = dose**2 / (dose**2 + 0.71e-3**2)
    energy = 150e3 - kelvin * 470.0 - 0.71 * FARADAY * (v + 0.15 * bound)
    assert float(CHANNEL.open(v, kelvin, dose)) == pytest.approx(
        1 / (1 + exp(energy / (GAS * kelvin))), rel=1e-12
    )
    assert CHANNEL.temperature_for(0.1, v, dose) < CHANNEL.temperature_for(0.1, v)


def test_trpv1_says_where_no_dose_does_it() -> None:
    assert CHANNEL.dose_for(1e-9, -52e-3, 310.0) == 0.0
    assert CHANNEL.dose_for(0.999999, -52e-3, 310.0) == np.inf


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: boltzmann(0.0, 0.0, 0.0), "slope"),
        (lambda: hill(-1.0, 1.0, 1.0), "dose"),
        (lambda: hill(np.array([0.5, np.nan]), 1.0, 1.0), "dose"),
        (lambda: hill(1.0, 0.0, 1.0), "half"),
        (lambda: hill(1.0, 1.0, -2.0), "exponent"),
        (lambda: thermal_half(0.0, 1.0, 1.0, 1.0), "temperature"),
        (lambda: thermal_half(300.0, 1.0, 1.0, 0.0), "charge"),
        (lambda: replace(RELAY, slope=0.0), "slope"),
        (lambda: replace(RELAY, rate_a=0.0), "rate_a"),
        (lambda: replace(RELAY, tau_min=-1.0), "tau_min"),
        (lambda: replace(RELAY, v_half=float("nan")), "v_half"),
        (lambda: replace(CHANNEL, shift=-0.1), "shift"),
        (lambda: CHANNEL.dose_for(1.0, 0.0, 300.0), "wanted"),
        (lambda: CHANNEL.temperature_for(0.0, 0.0), "wanted"),
    ],
)
def test_refused(call: object, field: str) -> None:
    assert callable(call)
    with pytest.raises(InvalidValue) as caught:
        call()
    assert caught.value.field == field
    assert "\n" not in str(caught.value)
