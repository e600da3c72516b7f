"""Siegert's rate, gain, density, coefficient of variation: range, limits, scaling."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, simpson
from scipy.special import erf, erfcx

from lifstone.golden import InvalidValue, Lif, fi
from lifstone.golden.noise import siegert, variability
from lifstone.golden.noise.membrane import (
    NoisyMembrane,
    diffusion_limit,
    sigma_of_current_noise,
)
from lifstone.golden.systems.noise_checks import passage_reference

# Without its usual 1e-12, which would swallow amperes and volts squared.
approx = partial(pytest.approx, abs=0.0)

M = NoisyMembrane(20e-3, 15e-3, 4e-3, 20e-3, 10e-3, 2e-3)


@settings(max_examples=30, deadline=None)
@given(y_th=st.floats(-60, 15), width=st.floats(1e-3, 40))
def test_passage_time_is_the_other_integral(y_th: float, width: float) -> None:
    scale, value = siegert.log_passage(y_th - width, y_th)
    assert scale == max(y_th, 0.0) ** 2
    assert value == approx(passage_reference(y_th - width, y_th), rel=1e-9)


def test_no_overflow_from_no_noise_to_nothing_but_noise() -> None:
    mu = np.array([-1e6, -1.0, 0.0, 15e-3, 20e-3, 1.0, 1e6])[:, None]
    sigma = np.geomspace(1e-12, 1e6, 40)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        rate = siegert.rate(M, mu, sigma)
        gain = siegert.gain(M, mu, sigma)
    assert np.isfinite(rate).all()
    assert np.isfinite(gain).all()
    assert (rate >= 0).all()
    assert (rate <= 1 / M.t_ref).all()
    assert (np.diff(rate, axis=0) >= -1e-9 * rate[1:]).all()
    assert rate[0, 0] == 0.0
    # With only noise the time to threshold is that of free diffusion: short against t_ref.
    assert rate[0, -1] == approx(1 / M.t_ref, rel=1e-3)


def test_far_below_threshold_it_is_kramers_rate() -> None:
    for y_th in (10.0, 20.0, 300.0):
        _, value = siegert.log_passage(y_th - 2.0, y_th)
        # sqrt(pi) / y_th (1 + 1 / (2 y_th^2) + 3 / (4 y_th^4) + ...)
        series = np.sqrt(np.pi) / y_th * (1 + 0.5 / y_th**2 + 0.75 / y_th**4)
        assert value == approx(series, rel=4 / y_th**6)


def test_without_noise_it_is_the_f_i_curve_to_second_order_in_sigma() -> None:
    lif = Lif(M.tau_mem, v_th=M.v_th, v_reset=M.v_reset, t_ref=M.t_ref)
    mu = np.array([22e-3, 40e-3, 1.0])
    still = fi.rate(lif, mu)
    off = [np.abs(siegert.rate(M, mu, s) / still - 1) for s in (1e-4, 0.5e-4, 1e-9)]
    np.testing.assert_allclose(off[0] / off[1], 4.0, rtol=0.05)
    assert off[2].max() < 1e-12


@settings(max_examples=30, deadline=None)
@given(volts=st.floats(1e-3, 1e3), seconds=st.floats(1e-3, 1e3), mu=st.floats(-30e-3, 80e-3))
def test_units_do_not_matter(volts: float, seconds: float, mu: float) -> None:
    one = M.driven(mu)
    other = NoisyMembrane(
        M.tau_mem * seconds,
        mu * volts,
        M.sigma * volts,
        M.v_th * volts,
        M.v_reset * volts,
        M.t_ref * seconds,
    )
    assert siegert.rate(other) * seconds == approx(float(siegert.rate(one)), rel=1e-9)
    assert variability.interval_cv(other) == approx(variability.interval_cv(one), rel=1e-9)


def test_gain_is_the_slope() -> None:
    mu = np.linspace(-5e-3, 60e-3, 14)
    h = 1e-6
    slope = (siegert.rate(M, mu + h) - siegert.rate(M, mu - h)) / (2 * h)
    np.testing.assert_allclose(siegert.gain(M, mu), slope, rtol=1e-5)
    far = siegert.gain(M, [-1.0])
    assert far == 0.0


def test_first_passage_and_refractory_period_make_the_interval() -> None:
    for mu in (10e-3, 15e-3, 50e-3):
        whole = siegert.mean_first_passage(M, mu) + M.t_ref
        assert whole * siegert.rate(M, mu) == approx(1.0, rel=1e-12)
    assert siegert.mean_first_passage(M, -1.0) == np.inf


@pytest.mark.parametrize(("mu", "sigma"), [(15e-3, 4e-3), (5e-3, 1e-3), (60e-3, 1e-3)])
def test_density_is_whole_and_solves_the_equation(mu: float, sigma: float) -> None:
    m = M.driven(mu, sigma)
    low = min(m.v_reset, mu) - 7 * sigma
    below, above = np.linspace(low, m.v_reset, 20_001), np.linspace(m.v_reset, m.v_th, 20_001)
    whole = simpson(siegert.density(m, below), x=below)
    whole += simpson(siegert.density(m, above), x=above)
    assert whole == approx(1 - m.t_ref * float(siegert.rate(m)), rel=1e-7)
    # The flux is the rate between reset and threshold, and 0 below.
    for v, flux in ((m.v_reset + np.array([2e-3, 5e-3, 9e-3]), 1.0), (m.v_reset - 3 * sigma, 0.0)):
        h = sigma * 1e-5
        p = siegert.density(m, v)
        slope = (siegert.density(m, v + h) - siegert.density(m, v - h)) / (2 * h)
        drift = (m.mu - v) / m.tau_mem * p
        spread = -(m.sigma**2) / (2 * m.tau_mem) * slope
        off = np.abs(drift + spread - flux * float(siegert.rate(m)))
        assert (off <= 1e-5 * (np.abs(drift) + np.abs(spread))).all()
    assert siegert.density(m, m.v_th + 1.0) == 0.0


@pytest.mark.parametrize("pair", [(-1.5, 1.0), (-10.0, -5.0), (0.5, 1.0), (-1.0, 4.0)])
def test_cv_is_the_double_integral(pair: tuple[float, float]) -> None:
    a, b = pair

    def inner(x: float) -> float:
        def f(d: float) -> float:
            return float(np.exp(-d * d + 2 * x * d) * erfcx(d - x) ** 2) if x < 0 else 0.0

        if x < 0:
            return float(quad(f, 0, 12, epsabs=0, epsrel=1e-10, limit=200)[0])
        left = quad(lambda y: np.exp(y * y) * (1 + erf(y)) ** 2, -5.5, x, epsrel=1e-10, limit=200)
        return float(np.exp(x * x) * left[0])

    variance = 2 * np.pi * quad(inner, a, b, epsrel=1e-9, limit=200)[0]
    m = NoisyMembrane(1.0, 0.0, 1.0, b, a)
    mean = float(siegert.mean_first_passage(m))
    assert variability.passage_spread(m) == approx(variance**0.5 / mean, rel=1e-7)


def test_cv_goes_from_clockwork_to_poisson() -> None:
    above = M.driven(30e-3, 1e-6)
    # Weak noise: the variance at threshold over the slope there, squared.
    swing = (above.mu - above.v_reset) / (above.mu - above.v_th)
    spread = above.sigma**2 / 2 * (1 - swing**-2) * above.tau_mem**2 / (above.mu - above.v_th) ** 2
    period = above.tau_mem * np.log(swing) + above.t_ref
    assert variability.interval_cv(above) == approx(spread**0.5 / period, rel=1e-6)
    assert variability.interval_cv(M.driven(5e-3, 1e-3)) == approx(1.0, abs=1e-8)
    held = NoisyMembrane(M.tau_mem, M.mu, M.sigma, M.v_th, M.v_reset, 1e3)
    assert variability.interval_cv(held) < 1e-3


def test_laplace_transform_starts_with_the_moments() -> None:
    mean = float(siegert.mean_first_passage(M))
    square = (variability.passage_spread(M) ** 2 + 1) * mean**2
    s = 1e-3 / mean
    expected = 1 - s * mean + s**2 * square / 2
    assert variability.passage_laplace(M, [0.0, s]) == approx([1.0, expected], abs=1e-8)
    with pytest.raises(InvalidValue, match=r"s = -1\.0: allowed is 0 or greater"):
        variability.passage_laplace(M, -1.0)
    with pytest.raises(InvalidValue, match="sigma"):
        variability.passage_laplace(M.driven(15e-3, 1e-5), 1.0)


def test_membranes_are_made_from_what_one_has() -> None:
    lif = Lif(20e-3, r=1e8, v_leak=-65e-3, v_th=-50e-3, v_reset=-60e-3, t_ref=1e-3)
    m = NoisyMembrane.from_lif(lif, 1e-10, 2e-3)
    assert (m.mu, m.sigma, m.t_ref) == (approx(-55e-3, rel=1e-12), 2e-3, 1e-3)
    assert (m.y_th, m.y_reset) == (approx(2.5, rel=1e-12), approx(-2.5, rel=1e-12))
    # Brunel (2000), model A: 1000 inputs at nu_ext = theta / (J C tau) bring the mean to threshold.
    mu, sigma = diffusion_limit(20e-3, 0.1e-3, 20e-3 / (0.1e-3 * 20e-3))
    assert (mu, sigma) == (approx(20e-3, rel=1e-12), approx((0.1e-3 * 20e-3) ** 0.5, rel=1e-12))
    # A resistor's own noise on its capacitor has the variance kT / C.
    kt, r, c = 1.380649e-23 * 300, 1e9, 1e-12
    sigma = sigma_of_current_noise(r, r * c, 4 * kt / r)
    assert sigma**2 / 2 == approx(kt / c, rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sigma": 0.0}, "sigma = 0.0: allowed is greater than 0"),
        ({"sigma": float("nan")}, "sigma = nan: allowed is a finite number"),
        ({"tau_mem": -1.0}, "tau_mem = -1.0"),
        ({"v_reset": 20e-3}, "v_reset = 0.02: allowed is below v_th = 0.02"),
        ({"t_ref": -1e-3}, "t_ref = -0.001"),
        ({"mu": "high"}, "mu = 'high'"),
    ],
)
def test_wrong_membranes(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        NoisyMembrane(**{**vars(M), **changes})


def test_wrong_drives() -> None:
    with pytest.raises(InvalidValue, match=r"sigma\[1\] = 0.0: allowed is greater than 0"):
        siegert.rate(M, sigma=[1e-3, 0.0])
    with pytest.raises(InvalidValue, match=r"mu\[0\] = nan: allowed is finite numbers"):
        siegert.rate(M, np.nan)
    with pytest.raises(InvalidValue, match=r"v\[1\] = inf"):
        siegert.density(M, [0.0, np.inf])
    with pytest.raises(InvalidValue, match=r"rates = \[2\]"):
        diffusion_limit(1.0, [1.0], [1.0, 2.0])
    with pytest.raises(InvalidValue, match=r"density = -1\.0"):
        sigma_of_current_noise(1.0, 1.0, -1.0)
    with pytest.raises(InvalidValue, match="tau_syn"):
        NoisyMembrane.from_lif(Lif(1.0, tau_syn=1.0), 0.0, 1.0)
