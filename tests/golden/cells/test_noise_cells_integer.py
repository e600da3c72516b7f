"""System 7 in integers: intervals of both cells against the exact chain, and that against theory.

A run differs from the chain by chance alone: four standard errors. The chain differs from the
clocked neuron in real numbers by rounding and by the bell curve's tails: allowances below.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from lifstone.golden import InvalidValue
from lifstone.golden.cell import run_cell
from lifstone.golden.cells.noise import NoisyLif, StochasticThreshold
from lifstone.golden.contract import Decay
from lifstone.golden.lfsr import BELL_VARIANCE
from lifstone.golden.noise import siegert
from lifstone.golden.noise.clocked import clocked, clocked_rate_first_order
from lifstone.golden.noise.coloured_cells import plane_rate
from lifstone.golden.noise.integer_chain import (
    Intervals,
    escape_intervals,
    passage_intervals,
    realised,
    white_cell,
)
from lifstone.golden.noise.intervals import interval_statistics
from lifstone.golden.noise.membrane import NoisyMembrane

BRUNEL = NoisyMembrane(20e-3, 15e-3, 4e-3, 20e-3, 10e-3, 2e-3)
DT = 1e-3
ROUNDING = 0.01
"""Rate and spread of the integers against real numbers, 256 integers a sigma: measured 0.2 %."""


def intervals_of(cell: NoisyLif | StochasticThreshold, steps: int) -> list[np.ndarray]:
    """Intervals in steps of each neuron's run without input."""
    trace = run_cell(cell, {"input": np.zeros((steps, cell.n), np.int64)})
    return [np.diff(np.flatnonzero(trace.spikes[:, j])).astype(float) for j in range(cell.n)]


def agree(gaps: list[np.ndarray], exact: Intervals) -> int:
    """Mean, spread and the whole law of a run's intervals within what chance allows."""
    found = np.concatenate(gaps)
    error = exact.mean * exact.cv / found.size**0.5
    assert abs(found.mean() - exact.mean) < 4 * error
    resampled = np.random.default_rng(0).choice(found, (200, found.size))
    cvs = resampled.std(axis=1) / resampled.mean(axis=1)
    assert abs(found.std() / found.mean() - exact.cv) < 4 * cvs.std()
    # Equal shares of probability: twenty bins.
    edges = np.searchsorted(np.cumsum(exact.odds), np.arange(1, 20) / 20)
    places = np.searchsorted(np.unique(edges), np.arange(exact.odds.size))
    expected = np.bincount(places, exact.odds)
    expected[-1] += 1.0 - exact.odds.sum()
    seen = np.bincount(
        np.searchsorted(np.unique(edges), found.astype(int)), minlength=expected.size
    )
    assert stats.chisquare(seen, expected * found.size).pvalue > 1e-4
    return found.size


def test_white_noise_gives_the_intervals_of_its_chain() -> None:
    m = BRUNEL.driven(18e-3)
    cell = white_cell(m, DT, 384, per_sigma=128, seed=1)
    exact = passage_intervals(cell, 3000)
    assert exact.odds.sum() == pytest.approx(1, abs=1e-6)
    # A window cuts long intervals: it is a hundred of them.
    steps = int(100 * exact.mean)
    gaps = [g[:50] for g in intervals_of(cell, steps)]
    assert all(g.size == 50 for g in gaps)
    assert agree(gaps, exact) == 384 * 50


@pytest.mark.parametrize("mu", [15e-3, 18e-3])
def test_the_chain_is_close_to_the_clocked_neuron(mu: float) -> None:
    cell = white_cell(BRUNEL.driven(mu), DT, 1, per_sigma=256)
    exact = passage_intervals(cell)
    real = clocked(realised(cell, DT), DT)
    assert exact.mean * DT == pytest.approx(real.mean, rel=ROUNDING)
    assert exact.cv == pytest.approx(real.cv, rel=ROUNDING)


def test_the_chain_approaches_siegert_as_steps_shrink() -> None:
    """What is left above the first-order correction for the clock is of order dt."""
    errors = []
    for dt in (1e-3, 0.5e-3):
        cell = white_cell(BRUNEL, dt, 1, per_sigma=256)
        m = realised(cell, dt)
        rate = 1.0 / (passage_intervals(cell).mean * dt)
        assert rate < siegert.rate(m)
        errors.append(abs(rate / clocked_rate_first_order(m, dt) - 1.0))
    assert errors[0] < 0.03
    assert errors[1] < errors[0] + ROUNDING


def test_escape_noise_gives_the_intervals_of_its_hazard() -> None:
    white = white_cell(BRUNEL, DT, 384, per_sigma=128)
    base = replace(white.base, bias=np.full(384, 7))
    cell = StochasticThreshold(base, np.full(384, 1 << 14), 12, seed=2)
    exact = escape_intervals(cell, 4000)
    assert 0.2 < exact.cv < 0.95
    gaps = [g[:40] for g in intervals_of(cell, int(90 * exact.mean))]
    assert all(g.size == 40 for g in gaps)
    agree(gaps, exact)


def test_coloured_noise_has_the_rate_of_the_plane() -> None:
    """Noise into the synapse, against the Fokker-Planck equation in two dimensions.

    The clock of dt = tau_syn / 20 sees a crossing up to a step late: allowance 3 %.
    """
    dt, tau_syn = 0.1e-3, 2e-3
    m = NoisyMembrane(10e-3, 18e-3, 4e-3, 20e-3, 10e-3, 2e-3)
    n, per_sigma, steps = 384, 512, 12000
    white = white_cell(m, dt, n, width=18, per_sigma=per_sigma)
    a_syn = np.exp(-dt / tau_syn)
    # i holds what the current adds to u in a step; its sum over a noise pulse is that of white.
    pulse = per_sigma * np.sqrt(dt / m.tau_mem) * (1 - a_syn)
    decay = Decay(np.full(n, round(a_syn * (1 << 16))), 16)
    base, shift = replace(white.base, syn_width=20, decay_syn=decay), 6
    # Finer current than potential: everything is counted in 2^-6 of the integer above.
    fine = 1 << shift
    base = replace(
        base,
        width=24,
        threshold=base.threshold * fine,
        u_reset=base.u_reset * fine,
        u_init=base.u_init * fine,
    )
    gain = round(pulse * fine / BELL_VARIANCE**0.5 * 2048)
    cell = NoisyLif(base, np.full(n, gain), 11, seed=4)
    trace = run_cell(cell, {"input": np.zeros((steps, n), np.int64)})
    settled = trace.spikes[2000:]
    counts = settled.sum(axis=0) / (settled.shape[0] * dt)
    rate, error = counts.mean(), counts.std(ddof=1) / n**0.5
    reference = plane_rate(m, tau_syn)
    assert error / rate < 0.02
    assert abs(rate - reference.rate) < 4 * error + 0.03 * reference.rate
    assert abs(rate - siegert.rate(m)) > 6 * error, "colour must matter for the test to say so"


def test_noise_is_drawn_while_refractory_and_differs_between_neurons() -> None:
    cell = white_cell(BRUNEL.driven(25e-3), DT, 4, per_sigma=128)
    trace = run_cell(cell, {"input": np.zeros((200, 4), np.int64)})
    assert len({tuple(trace.spikes[:, j]) for j in range(4)}) == 4
    assert (trace.state["s0"][1:] != trace.state["s0"][:-1]).all()
    assert interval_statistics([np.diff(np.flatnonzero(trace.spikes[:, 0]))]).mean > 3


@pytest.mark.parametrize(
    ("field", "change"),
    [("gain", {"gain": np.array([1 << 16])}), ("gain_fraction", {"gain_fraction": 25}),
     ("seed", {"seed": -1}), ("gain", {"gain": np.array([1, 2])})],
)  # fmt: skip
def test_bad_noise_is_refused(field: str, change: dict[str, object]) -> None:
    cell = white_cell(BRUNEL, DT, 1)
    with pytest.raises(InvalidValue, match=field):
        replace(cell, **change)


def test_a_readout_has_no_threshold_to_move() -> None:
    cell = white_cell(BRUNEL, DT, 1)
    with pytest.raises(InvalidValue, match="threshold"):
        StochasticThreshold(replace(cell.base, threshold=None), cell.gain, 4)
