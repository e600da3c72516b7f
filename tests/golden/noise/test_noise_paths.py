"""Monte Carlo: exact steps, crossings inside them, spike trains. Seeds are fixed; a distance
of 4 standard errors is exceeded by chance once in 16,000 runs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erfc

from lifstone.golden import InvalidValue
from lifstone.golden.noise import siegert
from lifstone.golden.noise.evolution import passage
from lifstone.golden.noise.intervals import interval_statistics, intervals, kolmogorov
from lifstone.golden.noise.membrane import NoisyMembrane
from lifstone.golden.noise.monte_carlo import Signal, passage_times, simulate, step_to_crossing
from lifstone.golden.noise.response import susceptibility
from lifstone.golden.noise.variability import interval_cv

M = NoisyMembrane(20e-3, 15e-3, 4e-3, 20e-3, 10e-3, 2e-3)


def test_a_step_has_the_exact_mean_and_variance() -> None:
    rng = np.random.default_rng(1)
    n, h = 200_000, 0.7
    end, crossed, when = step_to_crossing(np.full(n, -2.0), 1e3, 1e3, np.full(n, h), rng)
    variance = (1 - np.exp(-2 * h)) / 2
    assert abs(end.mean() + 2 * np.exp(-h)) < 4 * (variance / n) ** 0.5
    assert abs(end.var() / variance - 1) < 4 * (2 / n) ** 0.5
    assert not crossed.any()
    assert (when == h).all()


def test_short_steps_cross_as_brownian_motion_does() -> None:
    # Over so short a step the drift does nothing: P(T < t) = erfc(gap / sqrt(2 t)).
    rng = np.random.default_rng(2)
    n, gap, h = 200_000, 0.02, 1e-3
    y = np.full(n, 0.0)
    _, crossed, when = step_to_crossing(y, gap, gap, np.full(n, h), rng)
    expected = erfc(gap / np.sqrt(2 * h))
    assert abs(crossed.mean() - expected) < 4 * (expected * (1 - expected) / n) ** 0.5
    t = when[crossed]
    distance, chance = kolmogorov(t, erfc(gap / np.sqrt(2 * t)) / expected)
    assert chance > 1e-4, distance


def test_what_the_chord_costs_is_of_second_order() -> None:
    mean = float(siegert.mean_first_passage(M))
    rng = np.random.default_rng(3)
    off = []
    for h in (1.0, 0.5):
        drawn = passage_times(M, 100_000, h * M.tau_mem, rng)
        off.append(interval_statistics(drawn).mean / mean - 1)
    assert off[0] < off[1] < -0.02
    assert 1.5 < np.log2(off[0] / off[1]) < 2.5


@pytest.mark.parametrize(("mu", "sigma"), [(12e-3, 5e-3), (15e-3, 4e-3), (30e-3, 5e-3)])
def test_drawn_intervals_are_those_of_closed_form(mu: float, sigma: float) -> None:
    m = M.driven(mu, sigma)
    drawn = passage_times(m, 20_000, m.tau_mem / 40, np.random.default_rng(4))
    st = interval_statistics(drawn + m.t_ref)
    mean = float(siegert.mean_first_passage(m))
    assert abs(st.mean - mean - m.t_ref) < 4 * st.mean_error
    assert abs(st.cv - interval_cv(m)) < 4 * st.cv_error
    f = passage(m, 6 * mean, mean / 300, 150)
    _, chance = kolmogorov(drawn, f.cumulative(drawn))
    assert chance > 1e-4


def test_crossings_inside_steps_are_needed() -> None:
    """At a fortieth of tau_mem, looking only at the ends of steps is off by many errors."""
    rng = np.random.default_rng(5)
    n, h = 20_000, 1 / 40
    y, t, alive = np.full(n, M.y_reset), np.zeros(n), np.arange(n)
    clock = 0.0
    while alive.size:
        noise = np.sqrt(-0.5 * np.expm1(-2 * h)) * rng.standard_normal(alive.size)
        y = y * np.exp(-h) + noise
        clock += h
        t[alive[y > M.y_th]] = clock
        alive, y = alive[y <= M.y_th], y[y <= M.y_th]
    st = interval_statistics(t * M.tau_mem)
    assert st.mean - float(siegert.mean_first_passage(M)) > 20 * st.mean_error


@pytest.mark.parametrize("held", [0.0, 2e-3, 50e-3])
def test_trains_have_the_rate_and_keep_the_refractory_period(held: float) -> None:
    m = NoisyMembrane(20e-3, 18e-3, 4e-3, 20e-3, 10e-3, held)
    trains = simulate(m, 500, 2.4, m.tau_mem / 20, np.random.default_rng(6))
    rate, error = trains.rate(0.4)
    assert abs(rate - float(siegert.rate(m))) < 4 * error
    gaps = intervals(trains.trains())
    assert len(gaps) == 500
    assert min(g.min() for g in gaps if g.size) >= held
    assert abs(interval_statistics(gaps).serial) < 4 * interval_statistics(gaps).serial_error


def test_potentials_drawn_have_the_stationary_density() -> None:
    trains = simulate(M, 2000, 0.6, M.tau_mem / 20, np.random.default_rng(7), sample_every=60)
    v = trains.samples
    grid = np.linspace(v.min() - 1e-3, M.v_th, 4001)
    p = siegert.density(M, grid)
    total = np.concatenate(([0.0], np.cumsum((p[1:] + p[:-1]) / 2)))
    _, chance = kolmogorov(v, np.interp(v, grid, total / total[-1]))
    assert chance > 1e-4


def test_a_signal_is_answered_as_the_linear_response_says() -> None:
    signal = Signal(0.4e-3, 8.0)
    trains = simulate(M, 3000, 1.7, M.tau_mem / 10, np.random.default_rng(8), signal)
    a, error = trains.line(8.0, 0.2)
    chi = signal.amplitude * susceptibility(M, 8.0)[0]
    assert abs(a) > 10 * abs(error)
    assert abs(a.real - chi.real) < 4 * error.real
    assert abs(a.imag - chi.imag) < 4 * error.imag
    quiet, error = simulate(M, 500, 0.7, 2e-3, np.random.default_rng(9)).line(8.0, 0.2)
    assert abs(quiet.real) < 4 * error.real


def test_runs_repeat_with_their_seed() -> None:
    one, two = (passage_times(M, 100, 2e-3, np.random.default_rng(10)) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_wrong_runs() -> None:
    rng = np.random.default_rng(0)
    for call, message in (
        (lambda: passage_times(M, 0, 1e-3, rng), "n = 0: allowed is 1 or more"),
        (lambda: passage_times(M, 1, -1e-3, rng), r"dt = -0\.001: allowed is greater than 0"),
        (lambda: passage_times(M.driven(0.0), 10, 1e-2, rng, 1.0), r"longest = 1\.0"),
        (lambda: simulate(M, 1, np.nan, 1e-3, rng), "duration = nan"),
        (lambda: simulate(M, 1, 0.1, 1e-3, rng).line(5.0, 0.05), r"since = 0\.05"),
    ):
        with pytest.raises(InvalidValue, match=message):
            call()
