"""Noise of the transconductor: equilibrium, current division, what the capacitor keeps."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.integrate import quad, simpson

from lifstone.golden import InvalidValue, ota
from lifstone.golden import ota_noise as noise
from lifstone.golden.noise.membrane import NoisyMembrane, sigma_of_current_noise

# Without its usual 1e-12, which would swallow amperes and volts squared.
approx = partial(pytest.approx, abs=0.0)

C, I_BIAS = 1e-12, 1e-10
KT = ota.BOLTZMANN * 300.15


def test_a_pair_of_slope_one_is_a_conductor_in_equilibrium() -> None:
    density = noise.current_density(0.0, I_BIAS, 1.0, mirror=False)
    assert density == approx(4 * KT * float(ota.g_m(I_BIAS, 1.0)), rel=1e-9)
    assert noise.noise_factor(1.0, mirror=False) == approx(1.0, rel=1e-12)
    assert noise.variance(C, 1.0, mirror=False) == approx(KT / C, rel=1e-9)


def test_density_is_shot_noise_divided_between_the_sources() -> None:
    """Each source of noise followed through the pair by hand."""
    n = 1.4
    for x in (-2.0, 0.0, 0.3, 4.0):
        v = x * float(ota.slope_voltage(n))
        first, second = I_BIAS * (1 + np.tanh(x)) / 2, I_BIAS * (1 - np.tanh(x)) / 2
        # Output i1 - i2: a source in one branch leaves by the other branch's share, twice.
        pair = (2 * second / I_BIAS) ** 2 * first + (2 * first / I_BIAS) ** 2 * second
        tail = ((first - second) / I_BIAS) ** 2 * I_BIAS
        mirror = 2 * first
        shot = 2 * ota.CHARGE
        found = noise.current_density(v, I_BIAS, n, mirror=False)
        assert found == approx(shot * (pair + tail), rel=1e-9)
        found = noise.current_density(v, I_BIAS, n)
        assert found == approx(shot * (pair + tail + mirror), rel=1e-9)
    assert noise.current_density(0.0, I_BIAS) == approx(4 * ota.CHARGE * I_BIAS, rel=1e-12)


@pytest.mark.parametrize("mirror", [True, False])
def test_the_spectrum_adds_up_to_the_variance(mirror: bool) -> None:
    corner = 1 / (2 * np.pi * float(ota.tau(C, I_BIAS, 1.5, 350.0)))

    def density(f: float) -> float:
        return float(noise.voltage_density(f * corner, C, I_BIAS, 1.5, 350.0, mirror)) * corner

    whole = quad(density, 0, 1)[0] + quad(lambda s: density(1 / s) / s**2, 0, 1)[0]
    assert whole == approx(float(noise.variance(C, 1.5, 350.0, mirror)), rel=1e-9)
    assert density(1.0) == approx(density(0.0) / 2, rel=1e-12)


def test_variance_scales_and_knows_no_bias() -> None:
    base = float(noise.variance(C))
    assert noise.variance(2 * C) == approx(base / 2, rel=1e-12)
    assert noise.variance(C, 2.6) == approx(2 * base, rel=1e-12)
    assert noise.variance(C, 1.3, 600.3) == approx(2 * base, rel=1e-12)
    assert base == approx(2 * 1.3 * KT / C, rel=1e-9)


def test_large_signal_variance_is_that_of_its_density() -> None:
    slope = float(ota.slope_voltage())
    for m in (0.5, 2.0, 20.0, 500.0):
        c = m * 4 * ota.CHARGE / (4 * slope)
        x = np.linspace(0.0, 80.0 / min(m, 60.0) + 2.0, 200_001)
        density = np.cosh(x) ** -m
        spread = float(simpson(x**2 * density, x=x) / simpson(density, x=x))
        assert noise.large_signal_variance(c) / slope**2 == approx(spread, rel=1e-7)
    big = float(noise.large_signal_variance(C) / noise.variance(C)) - 1
    assert big * slope**2 / float(noise.variance(C)) == approx(1.0, rel=1e-2)


def test_sigma_is_that_of_the_noisy_membrane() -> None:
    sigma = float(noise.noise_sigma(C))
    tau = float(ota.tau(C, I_BIAS))
    white = float(noise.current_density(0.0, I_BIAS))
    r = 1 / float(ota.g_m(I_BIAS))
    assert sigma == approx(sigma_of_current_noise(r, tau, white), rel=1e-12)
    assert NoisyMembrane(tau, 0.0, sigma).sigma ** 2 / 2 == approx(
        float(noise.variance(C)), rel=1e-12
    )


def test_wrong_silicon() -> None:
    for call, message in (
        (lambda: noise.current_density(0.0, 0.0), r"i_bias = 0\.0: allowed is greater than 0"),
        (lambda: noise.variance(-1e-12), r"c = -1e-12"),
        (lambda: noise.noise_factor(0.0), r"n_slope = 0\.0"),
        (lambda: noise.variance(C, 1.3, 0.0), r"temperature = 0\.0"),
    ):
        with pytest.raises(InvalidValue, match=message):
            call()
