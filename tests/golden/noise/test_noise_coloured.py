"""Coloured noise: the first-order shift against the plane, the plane against paths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lifstone.golden import InvalidValue
from lifstone.golden.noise import coloured, siegert
from lifstone.golden.noise.coloured import coloured_rate, threshold_shift
from lifstone.golden.noise.coloured_cells import plane_rate
from lifstone.golden.noise.coloured_paths import coloured_counts
from lifstone.golden.noise.membrane import NoisyMembrane

M = NoisyMembrane(20e-3, 18e-3, 4e-3, 20e-3, 10e-3)


def test_alpha_is_the_zeta_function() -> None:
    # zeta(1/2) by Dirichlet's alternating series, Euler's transformation.
    terms = np.array([(-1) ** k * (k + 1) ** -0.5 for k in range(40)], dtype=float)
    sums = np.cumsum(terms)
    for _ in range(39):
        sums = (sums[1:] + sums[:-1]) / 2
    zeta = sums[0] / (1 - 2**0.5)
    assert pytest.approx(2**0.5 * abs(zeta), rel=1e-12) == coloured.ALPHA


def test_without_memory_the_noise_is_white() -> None:
    mu = np.array([5e-3, 18e-3, 40e-3])
    np.testing.assert_array_equal(coloured_rate(M, 0.0, mu), siegert.rate(M, mu))
    near = coloured_rate(M, 1e-16, mu) / siegert.rate(M, mu)
    np.testing.assert_allclose(near, 1.0, atol=1e-5)


@pytest.mark.parametrize("mu", [18e-3, 20e-3, 30e-3])
def test_the_shift_is_right_to_first_order(mu: float) -> None:
    m = M.driven(mu)
    taus = np.array([0.1, 0.2, 0.4]) ** 2 * m.tau_mem
    plane = np.array([plane_rate(m, tau).rate for tau in taus])
    first = np.array([float(coloured_rate(m, tau)) for tau in taus])
    off = np.abs(plane / first - 1)
    order = np.log2(off[1:] / off[:-1])
    np.testing.assert_allclose(order, 2.0, atol=0.35)
    # What is off is far less than what the shift accounts for.
    shift = float(siegert.rate(m)) / first - 1
    assert off[0] < 0.2 * shift[0]


def test_a_held_membrane_forgets_the_synapse() -> None:
    """Refractory for one tau_syn the reset's shift has faded by e; any other is off in order 1."""
    ratios = []
    for k in (0.1, 0.2):
        tau = k**2 * M.tau_mem
        m = replace(M, v_reset=17e-3, t_ref=tau)
        up, back = threshold_shift(m, tau)
        assert back / up == pytest.approx(np.exp(-1), rel=1e-12)
        shifts = np.array([float(back), float(up), 0.0])
        first = siegert.rate_between(
            m, (m.v_reset + shifts - m.mu) / m.sigma, (m.v_th + up - m.mu) / m.sigma
        )
        assert first[0] == pytest.approx(float(coloured_rate(m, tau)), rel=1e-12)
        ratios.append(np.abs(plane_rate(m, tau).rate / first - 1))
    faded, kept, none = np.log2(ratios[1] / ratios[0])
    assert faded == pytest.approx(2.0, abs=0.3)
    assert kept < 1.3
    assert none < 1.3
    assert 5 * ratios[0][0] < ratios[0][1:].min()


def test_the_plane_converges() -> None:
    tau = 2e-3
    coarse, fine = plane_rate(M, tau, 40), plane_rate(M, tau, 100)
    assert coarse.rate == pytest.approx(fine.rate, rel=2e-3)
    assert abs(coarse.rate - fine.rate) < coarse.error
    assert fine.error < coarse.error / 4


@pytest.mark.parametrize("held", [0.0, 2e-3])
def test_paths_have_the_rate_of_the_plane(held: float) -> None:
    m = replace(M, t_ref=held)
    rng = np.random.default_rng(11)
    counts = coloured_counts(m, 2e-3, 800, 0.1, 1.1, 0.1e-3, rng)
    error = counts.std(ddof=1) / counts.size**0.5
    assert abs(counts.mean() - plane_rate(m, 2e-3).rate) < 4 * error
    # White noise would be far off.
    assert siegert.rate(m) - counts.mean() > 20 * error


def test_wrong_time_constants_and_steps() -> None:
    rng = np.random.default_rng(0)
    for call, message in (
        (lambda: coloured_rate(M, -1e-3), r"tau_syn = -0\.001: allowed is 0 or greater"),
        (lambda: coloured_rate(M, 1e-3, sigma=0.0), r"sigma = 0\.0"),
        (lambda: coloured_rate(M, 1e-3, mu=np.nan), "mu = nan"),
        (lambda: plane_rate(M, 0.0), r"tau_syn = 0\.0"),
        (lambda: plane_rate(M, 1e-3, 41), "cells = 41: allowed is an even number"),
        (lambda: coloured_counts(M, 1e-3, 9, 0.0, 1.0, 1e-3, rng), r"dt = 0\.001: allowed"),
        (lambda: coloured_counts(M, 1e-3, 9, 1.0, 1.0, 1e-4, rng), r"since = 1\.0"),
    ):
        with pytest.raises(InvalidValue, match=message):
            call()
