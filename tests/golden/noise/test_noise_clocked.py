"""The clocked neuron: its integral equation against the layer that runs it, and its limits."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.stats import norm

from lifstone.golden import InvalidValue, Lif, discrete
from lifstone.golden.noise import siegert
from lifstone.golden.noise.clocked import (
    OVERSHOOT,
    clocked,
    clocked_rate_first_order,
    step_noise,
)
from lifstone.golden.noise.intervals import interval_statistics
from lifstone.golden.noise.membrane import NoisyMembrane
from lifstone.golden.noise.variability import interval_cv

approx = partial(pytest.approx, abs=0.0)
M = NoisyMembrane(20e-3, 18e-3, 4e-3, 20e-3, 10e-3, 2e-3)


@pytest.mark.parametrize("mu", [15e-3, 25e-3])
def test_the_float_step_has_mean_and_cv_of_the_integral_equation(mu: float) -> None:
    m, dt, n = M.driven(mu), 1e-3, 500
    lif = Lif(m.tau_mem, v_th=m.v_th, v_reset=m.v_reset, t_ref=m.t_ref, v_init=m.v_reset, n=n)
    c, rng = discrete.discretise(lif, dt), np.random.default_rng(1)
    state, last, found = discrete.initial_state(lif), np.full(n, -1), []
    # Ten intervals of each neuron: a fixed number, so that long ones are not left out.
    seen = np.zeros(n, dtype=int)
    for k in range(100_000):
        noise = step_noise(m, dt) / c.g_x * rng.standard_normal(n)
        state, fired = discrete.step(lif, c, state, m.mu + noise)
        whole = fired & (last >= 0) & (seen < 10)
        found.append((k - last[whole]) * dt)
        seen += whole
        last[fired] = k
        if (seen == 10).all():
            break
    st, exact = interval_statistics(np.concatenate(found)), clocked(m, dt)
    assert st.count == 10 * n
    assert abs(st.mean - exact.mean) < 4 * st.mean_error
    assert abs(st.cv - exact.cv) < 4 * st.cv_error
    # Siegert's rate is not that of the clock.
    assert siegert.rate(m) - st.rate > 10 * st.rate_error


def test_a_shorter_step_goes_to_the_membrane() -> None:
    dt = np.array([4e-4, 1e-4, 2.5e-5])
    rates = np.array([clocked(M, x).rate for x in dt])
    off = 1 - rates / float(siegert.rate(M))
    np.testing.assert_allclose(np.log2(off[:-1] / off[1:]), 1.0, atol=0.12)
    assert clocked(M, 2.5e-5).cv == approx(interval_cv(M), rel=1e-2)


@pytest.mark.parametrize("mu", [18e-3, 25e-3])
def test_the_raised_threshold_is_right_to_first_order_in_the_root(mu: float) -> None:
    m = M.driven(mu)
    dt = np.array([1e-3, 5e-4, 2.5e-4])
    off = np.array([clocked_rate_first_order(m, x) / clocked(m, x).rate - 1 for x in dt])
    np.testing.assert_allclose(np.log2(np.abs(off[:-1] / off[1:])), 1.0, atol=0.25)
    assert abs(off).max() < 0.1 * (float(siegert.rate(m)) / clocked(m, 1e-3).rate - 1) + 5e-3
    assert approx(0.5826, rel=1e-4) == OVERSHOOT


def test_one_long_step_forgets_everything() -> None:
    # After many time constants a step is a fresh draw: intervals are geometric.
    m = replace(M, t_ref=0.0)
    dt = 30 * m.tau_mem
    chance = norm.sf((m.v_th - m.mu) / (m.sigma / np.sqrt(2)))
    exact = clocked(m, dt)
    assert exact.mean == approx(dt / chance, rel=1e-9)
    assert exact.cv == approx((1 - chance) ** 0.5, rel=1e-9)
    assert step_noise(m, dt) == approx(m.sigma / 2**0.5, rel=1e-12)


def test_refractory_steps_are_whole_and_units_do_not_matter() -> None:
    held = clocked(replace(M, t_ref=2.4e-3), 1e-3)
    free = clocked(replace(M, t_ref=0.0), 1e-3)
    assert held.mean - free.mean == approx(2e-3, rel=1e-9)
    other = clocked(NoisyMembrane(20.0, 18.0, 4.0, 20.0, 10.0, 2.0), 1.0)
    assert other.rate * 1e3 == approx(clocked(M, 1e-3).rate, rel=1e-9)
    assert other.cv == approx(clocked(M, 1e-3).cv, rel=1e-9)


def test_wrong_steps() -> None:
    with pytest.raises(InvalidValue, match=r"dt = 0\.0: allowed is greater than 0"):
        step_noise(M, 0.0)
    with pytest.raises(InvalidValue, match="dt = 1e-09: allowed is longer steps"):
        clocked(M, 1e-9)
