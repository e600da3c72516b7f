"""The Fokker-Planck equation on cells: order, conservation, transients, linear response."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.golden import InvalidValue
from lifstone.golden.noise import evolution, siegert
from lifstone.golden.noise.evolution import evolve, passage
from lifstone.golden.noise.fokker_planck import cells, chain, solve_chain, stationary
from lifstone.golden.noise.membrane import NoisyMembrane
from lifstone.golden.noise.response import resonance, spectrum, susceptibility
from lifstone.golden.noise.variability import interval_cv, passage_laplace

# Without its usual 1e-12, which would swallow amperes and volts squared.
approx = partial(pytest.approx, abs=0.0)

M = NoisyMembrane(20e-3, 15e-3, 4e-3, 20e-3, 10e-3, 2e-3)


@pytest.mark.parametrize("mu", [5e-3, 15e-3, 30e-3])
def test_rate_and_density_are_of_second_order_in_the_cell(mu: float) -> None:
    m = M.driven(mu)
    found = [stationary(m, n) for n in (50, 100, 200)]
    off = [abs(s.rate / float(siegert.rate(m)) - 1) for s in found]
    np.testing.assert_allclose(np.divide(off[:-1], off[1:]), 4.0, rtol=0.1)
    exact = siegert.density(m, found[-1].v)
    assert np.max(np.abs(found[-1].density - exact)) < 1e-5 * exact.max()
    width = found[-1].v[1] - found[-1].v[0]
    assert found[-1].density.sum() * width + found[-1].refractory == approx(1, abs=1e-12)


def test_without_drift_towards_threshold_the_equilibrium_is_exact() -> None:
    c = cells(M.driven(-20e-3))
    p = np.exp(-(c.y**2))
    k = chain(c)
    flux = k.up[:-1] * p[:-1] - k.down[1:] * p[1:]
    assert np.max(np.abs(flux)) < 1e-12 * np.max(k.up[:-1] * p[:-1])


@settings(max_examples=8, deadline=None)
@given(
    mu=st.floats(5e-3, 40e-3), sigma=st.floats(1e-3, 20e-3), held=st.sampled_from([0, 1e-3, 7e-3])
)
def test_probability_is_conserved(mu: float, sigma: float, held: float) -> None:
    m = NoisyMembrane(20e-3, mu, sigma, 20e-3, 10e-3, held)
    run = evolve(m, 0.1, 5e-4, 60)
    assert np.max(np.abs(run.total - 1)) < 1e-10
    assert run.density.min() > -1e-9 * run.density.max()
    assert (run.rate > -1e-9 / m.tau_mem).all()


def test_the_total_tells_what_a_solver_loses(monkeypatch: pytest.MonkeyPatch) -> None:
    def losing(*args: Any) -> Any:
        return (1 - 1e-10) * solve_chain(*args)

    monkeypatch.setattr(evolution, "solve_chain", losing)
    assert np.max(np.abs(evolve(M, 0.1, 5e-4, 60).total - 1)) > 1e-9


def test_a_transient_ends_in_the_stationary_state() -> None:
    for held in (0.0, 2e-3):
        m = NoisyMembrane(20e-3, 15e-3, 4e-3, 20e-3, 10e-3, held)
        run, rest = evolve(m, 0.4, 5e-4, 100), stationary(m, 100)
        assert run.rate[-1] == approx(rest.rate, rel=1e-6)
        assert run.refractory == approx(rest.refractory, rel=1e-6)
        np.testing.assert_allclose(run.density, rest.density, atol=1e-6 * rest.density.max())
        # Nobody fires at first: threshold is far from reset.
        assert run.rate[0] < 1e-3 * rest.rate


def test_steps_are_of_second_order() -> None:
    found = []
    for dt in (4e-3, 2e-3, 1e-3, 0.5e-3):
        f = passage(M, 1.5, dt, 100)
        found.append(float(np.exp(-30.0 * f.t) @ f.density * f.edges[1]))
    change = np.abs(np.diff(found))
    np.testing.assert_allclose(change[:-1] / change[1:], 4.0, rtol=0.2)


@pytest.mark.parametrize("mu", [12e-3, 15e-3, 25e-3])
def test_intervals_have_the_moments_and_the_transform_of_closed_form(mu: float) -> None:
    m = M.driven(mu)
    mean = float(siegert.mean_first_passage(m))
    f = passage(m, 8 * mean, mean / 400, 200)
    assert f.survival[0] == approx(1.0, abs=1e-10)
    assert (np.diff(f.survival) <= 1e-15).all()
    assert f.mean == approx(mean, rel=3e-4)
    assert f.interval_cv(m.t_ref) == approx(interval_cv(m), rel=6e-4)
    s = np.array([0.3, 3.0]) / mean
    transform = np.exp(-np.outer(s, f.t)) @ f.density * f.edges[1]
    np.testing.assert_allclose(transform, passage_laplace(m, s), rtol=5e-4)
    half = np.interp(0.5, f.cumulative(f.edges), f.edges)
    assert f.cumulative(np.array([0.0, half, 1e9]))[1] == approx(0.5, abs=1e-6)


def test_a_survivor_leaves_at_the_last_hazard() -> None:
    mean = float(siegert.mean_first_passage(M))
    short, long = passage(M, 1.5 * mean, 1e-3, 100), passage(M, 10 * mean, 1e-3, 100)
    assert short.survival[-1] > 0.1
    assert short.mean == approx(long.mean, rel=1e-3)
    assert short.spread == approx(long.spread, rel=3e-3)


def test_slow_signals_see_the_slope_and_slow_counts_the_cv() -> None:
    for mu in (13e-3, 15e-3, 22e-3):
        m = M.driven(mu)
        assert susceptibility(m, 0.02)[0] == approx(float(siegert.gain(m)), rel=1e-3, abs=5)
        low = float(siegert.rate(m)) * interval_cv(m) ** 2
        assert spectrum(m, 1e-3)[0] == approx(low, rel=6e-4)
        assert spectrum(m, 1e4)[0] == approx(float(siegert.rate(m)), rel=1e-3)


def test_fast_signals_fall_as_the_square_root() -> None:
    fast = np.abs(susceptibility(M, [2e3, 8e3], 800))
    assert fast[0] / fast[1] == approx(2.0, rel=0.03)
    # The layer at threshold alone answers: rate sqrt(2 / (w tau)) / sigma.
    limit = float(siegert.rate(M)) / M.sigma / np.sqrt(np.pi * 8e3 * M.tau_mem)
    assert fast[1] == approx(limit, rel=0.05)


def test_linear_response_is_that_of_the_equation_in_time() -> None:
    f, amplitude = 8.0, 20e-6
    run = evolve(M, 0.75, 2.5e-4, 80, lambda t: amplitude * float(np.cos(2 * np.pi * f * t)))
    late = run.t > 0.5
    middle = run.t[late] - (run.t[1] - run.t[0]) / 2
    wave = np.exp(-2j * np.pi * f * middle)
    found = 2 * np.mean(run.rate[late] * wave) / amplitude
    assert found == approx(susceptibility(M, f, 80)[0], rel=5e-3)


def test_resonance_has_its_maximum_inside() -> None:
    noise = np.geomspace(0.3e-3, 30e-3, 40)
    r = resonance(M, 0.5e-3, 5.0, noise)
    assert 5 < r.best < 34
    assert max(r.snr[0], r.snr[-1]) < 0.1 * r.snr[r.best]
    twice = resonance(M, 1e-3, 5.0, noise)
    np.testing.assert_allclose(twice.snr, 4 * r.snr, rtol=1e-12)
    # Above threshold noise only harms.
    above = resonance(M.driven(25e-3), 0.5e-3, 5.0, np.geomspace(1e-3, 30e-3, 20))
    assert above.best == 0
    assert resonance(M, 1e-3, 5.0, [1e-5]).snr == 0.0


def test_wrong_cells_steps_and_signals() -> None:
    for call, message in (
        (lambda: cells(M, 1), "between = 1: allowed is 2 or more"),
        (lambda: cells(M, 300_000), "between = 300000: allowed is at most 200000 cells"),
        (lambda: evolve(M, 1.0, 0.0), "dt = 0.0: allowed is greater than 0"),
        (lambda: evolve(M, 1e-4, 1e-3), "duration = 0.0001"),
        (lambda: passage(M, 1e6, 1e-6), "dt = 1e-06"),
        (lambda: stationary(M.driven(15e-3, 1e-4)), "sigma = 0.0001: allowed is more"),
        (lambda: spectrum(M, [1.0, 0.0]), r"frequency\[1\] = 0.0"),
        (lambda: resonance(M, 0.0, 1.0, 1e-3), "amplitude = 0.0"),
    ):
        with pytest.raises(InvalidValue, match=message):
            call()
