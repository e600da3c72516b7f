"""The exact likelihood, its score and the smoothed potential, against other ways to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from lifstone.golden.estimation import NAMES, Noisy, default_experiment, simulate
from lifstone.golden.estimation.likelihood import Evaluation, evaluate, nodes_for
from lifstone.golden.estimation.reference import dense_log_likelihood
from lifstone.golden.estimation.segments import Segments, cut

DT = 1e-3
NEURON = Noisy(20e-3, 1e8, -65e-3, -50e-3, -62e-3, 3e-3, 1e-3)
STRONG = 2e-10  # drives the neuron above threshold
NONE = np.zeros((0, 2), dtype=np.int64)


def after_a_spike(
    y: np.ndarray, x: np.ndarray, spikes: list[int] | None = None, hold: int = 0
) -> Segments:
    """Samples that begin with a spike; ``spikes`` are further ones."""
    steps = np.array([0, *(spikes or [])])
    return cut(y, x, np.stack([steps, steps], axis=1), hold, 1000)


def evaluated(seg: Segments, neuron: Noisy = NEURON, nodes: int | None = None) -> Evaluation:
    return evaluate(seg, neuron, DT, nodes or nodes_for(seg, neuron, DT))


def total(seg: Segments, neuron: Noisy = NEURON) -> float:
    return float(evaluated(seg, neuron).log_likelihood.sum())


def gaussian(x: np.ndarray, neuron: Noisy) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the free potential at steps 1 to n after a reset at step 0."""
    c = neuron.step(DT)
    n = x.size - 1
    mean, v = np.empty(n), neuron.v_reset
    for k in range(n):
        v = c.a * v + c.b + c.g * x[k + 1]
        mean[k] = v
    i = np.arange(n)
    rise = np.cumsum(c.a ** (2 * i)) * c.q**2
    low, high = np.minimum(i[:, None], i), np.maximum(i[:, None], i)
    return mean, c.a ** (high - low) * rise[low]


def far_recording(seed: int, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = 3e-11 * rng.standard_normal(n)
    mean, cov = gaussian(x, NEURON)
    v = rng.multivariate_normal(mean, cov)
    return np.concatenate([[NEURON.v_reset], v]) + NEURON.sigma_y * rng.standard_normal(n), x


def test_estimation_far_from_threshold_is_a_normal_density() -> None:
    neuron = replace(NEURON, v_th=0.1)
    y, x = far_recording(1)
    mean, cov = gaussian(x, neuron)
    noise = neuron.sigma_y**2 * np.eye(mean.size)
    expected = multivariate_normal(mean, cov + noise).logpdf(y[1:])
    expected += multivariate_normal(neuron.v_reset, neuron.sigma_y**2).logpdf(y[0])
    assert total(after_a_spike(y, x), neuron) == pytest.approx(float(expected), rel=1e-12)


def test_estimation_dropped_samples_are_left_out_of_the_normal_density() -> None:
    neuron = replace(NEURON, v_th=0.1)
    y, x = far_recording(2)
    y[[1, 7, 8, 9, 30]] = np.nan
    keep = np.isfinite(y[1:])
    mean, cov = gaussian(x, neuron)
    cov = (cov + neuron.sigma_y**2 * np.eye(mean.size))[np.ix_(keep, keep)]
    expected = multivariate_normal(mean[keep], cov).logpdf(y[1:][keep])
    expected += multivariate_normal(neuron.v_reset, neuron.sigma_y**2).logpdf(y[0])
    assert total(after_a_spike(y, x), neuron) == pytest.approx(float(expected), rel=1e-12)


def test_estimation_smoothed_potential_is_the_conditional_normal() -> None:
    neuron = replace(NEURON, v_th=0.1)
    y, x = far_recording(3)
    y[10:14] = np.nan
    seg = after_a_spike(y, x)
    mean, cov = gaussian(x, neuron)
    keep = np.isfinite(y[1:])
    seen = cov[np.ix_(keep, keep)] + neuron.sigma_y**2 * np.eye(int(keep.sum()))
    gain = np.linalg.solve(seen, cov[keep]).T
    smoothed, variance = evaluated(seg, neuron).smoothed[:, 1 : y.size, 0]
    np.testing.assert_allclose(smoothed, mean + gain @ (y[1:] - mean)[keep], rtol=1e-10)
    np.testing.assert_allclose(variance, np.diag(cov - gain @ cov[keep]), rtol=1e-7)


def near_recording() -> tuple[np.ndarray, np.ndarray, list[int]]:
    """120 samples of a firing neuron from a spike on, some of them dropped."""
    e = replace(default_experiment(2.0), dropped=0.05)
    r = simulate(e, 1, 3)[0]
    assert r.spikes is not None
    start = int(r.spikes[0])
    y = r.v[start : start + 120].copy()
    y[-1] = -55e-3
    return y, e.x[start : start + 120], [int(k) - start for k in r.spikes[1:] if k < start + 120]


def test_estimation_brute_force_converges_to_the_filter_with_the_square_of_a_cell() -> None:
    y, x, spikes = near_recording()
    value = total(after_a_spike(y, x, spikes, hold=2))
    steps = np.array([0, *spikes])
    off = [
        dense_log_likelihood(y, x, steps, NEURON, DT, 2, cells) - value for cells in (100, 200, 400)
    ]
    assert off[0] / off[1] == pytest.approx(4, rel=0.1)
    assert off[1] / off[2] == pytest.approx(4, rel=0.1)
    assert abs((4 * off[2] - off[1]) / 3) < 1e-5


def test_estimation_few_nodes_give_many_digits() -> None:
    y, x, spikes = near_recording()
    seg = after_a_spike(y, x, spikes, hold=2)
    fine = evaluated(seg, nodes=120)
    chosen = evaluated(seg)
    assert chosen.log_likelihood.sum() == pytest.approx(fine.log_likelihood.sum(), abs=1e-4)
    scale = np.sqrt(np.abs((fine.score**2).sum(0))) + 1e-300
    assert np.all(np.abs(chosen.score.sum(0) - fine.score.sum(0)) < 1e-4 * scale)


@pytest.mark.parametrize(
    "neuron",
    [
        NEURON,
        replace(NEURON, sigma_y=3e-3, sigma_v=2e-3),
        replace(NEURON, sigma_y=2e-4),
        replace(NEURON, tau_mem=5e-3, v_leak=-55e-3),
        replace(NEURON, tau_mem=0.2, v_th=-49e-3, v_reset=-61e-3),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_estimation_score_is_the_slope_of_the_likelihood(neuron: Noisy, name: str) -> None:
    y, x, spikes = near_recording()
    seg = after_a_spike(y, x, spikes, hold=2)
    nodes = 64
    k = NAMES.index(name)
    theta = neuron.vector()
    step = np.zeros(7)
    step[k] = {"r": 1e4, "tau_mem": 1e-4, "sigma_v": 1e-4, "sigma_y": 1e-4}.get(name, 1e-7)
    up, down = (
        evaluate(seg, Noisy.of(theta + s * step), DT, nodes).log_likelihood for s in (1, -1)
    )
    slope = (up - down) / (2 * step[k])
    score = evaluate(seg, neuron, DT, nodes).score[:, k]
    np.testing.assert_allclose(score, slope, rtol=1e-4, atol=1e-4 * np.abs(score).max())


RESET = float(np.log(1 / (NEURON.sigma_y * np.sqrt(2 * np.pi))))
"""Log-density of the sample at reset, taken at the reset itself."""


def first_spike_at(k: int) -> float:
    """Probability, nothing observed, that the first spike after a reset comes at step ``k``."""
    y = np.full(k + 1, np.nan)
    y[0] = NEURON.v_reset
    seg = cut(y, np.full(y.size, STRONG), np.array([[0, 0], [k, k]]), 0, 10_000)
    return float(np.exp(total(seg) - RESET))


def test_estimation_first_spike_probabilities_are_those_of_simulated_paths() -> None:
    rng = np.random.default_rng(7)
    c, n, steps = NEURON.step(DT), 200_000, 30
    v, alive = np.full(n, NEURON.v_reset), np.ones(n, dtype=bool)
    for k in range(1, steps + 1):
        v = c.a * v + c.b + c.g * STRONG + c.q * rng.standard_normal(n)
        fired = alive & (v > NEURON.v_th)
        alive &= ~fired
        share = fired.sum() / n
        if k % 5 == 0:
            expected = first_spike_at(k)
            error = np.sqrt(expected * (1 - expected) / n)
            # Six comparisons, four standard errors each: one run in 2,500 fails.
            assert abs(share - expected) < 4 * error + 1e-12, k


def test_estimation_of_all_first_spikes_and_silence_sums_to_one() -> None:
    steps = 25
    spikes = sum(first_spike_at(k) for k in range(1, steps + 1))
    # Silence up to the last step, with a sample there, integrated over what the sample may be.
    grid = np.linspace(-80e-3, -44e-3, 120)
    density = []
    for value in grid.tolist():
        y = np.full(steps + 1, np.nan)
        y[0], y[-1] = NEURON.v_reset, value
        seg = cut(y, np.full(y.size, STRONG), np.array([[0, 0]]), 0, 10_000)
        density.append(np.exp(total(seg) - RESET))
    silence = float(np.sum(density) * (grid[1] - grid[0]))
    assert spikes + silence == pytest.approx(1, abs=1e-6)


def test_estimation_smoothed_potential_near_threshold_is_that_of_weighted_paths() -> None:
    rng = np.random.default_rng(11)
    c, n = NEURON.step(DT), 400_000
    y = np.array([NEURON.v_reset, *np.full(11, np.nan), -52e-3, np.nan, -51e-3, -50.3e-3])
    x = np.full(y.size, STRONG)
    v, log_weight = np.full(n, NEURON.v_reset), np.zeros(n)
    paths = []
    for k in range(1, y.size):
        v = c.a * v + c.b + c.g * STRONG + c.q * rng.standard_normal(n)
        log_weight[v > NEURON.v_th] = -np.inf
        if np.isfinite(y[k]):
            log_weight -= 0.5 * ((y[k] - v) / NEURON.sigma_y) ** 2
        paths.append(v)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    effective = 1 / (weight @ weight)
    assert effective > 1000
    smoothed, variance = evaluated(after_a_spike(y, x)).smoothed[:, 1 : y.size, 0]
    for k, path in enumerate(paths):
        mean = weight @ path
        deviation = np.sqrt(weight @ (path - mean) ** 2)
        assert abs(mean - smoothed[k]) < 4.5 * deviation / np.sqrt(effective), k
        assert np.sqrt(variance[k]) == pytest.approx(deviation, rel=6 / np.sqrt(effective)), k


def test_estimation_a_dropped_sample_is_integrated_out() -> None:
    y, x, spikes = near_recording()
    k = spikes[0] - 2  # close to the threshold
    y = np.where(np.isfinite(y), y, -55e-3)
    gone = y.copy()
    gone[k] = np.nan
    grid = np.linspace(-60e-3, -44e-3, 100)
    values = []
    for value in grid.tolist():
        y[k] = value
        values.append(total(after_a_spike(y, x, spikes, 2)))
    width = grid[1] - grid[0]
    summed = float(np.log(np.exp(np.array(values) - max(values)).sum() * width)) + max(values)
    assert summed == pytest.approx(total(after_a_spike(gone, x, spikes, 2)), abs=1e-6)


def test_estimation_hidden_spikes_are_summed_over_their_steps() -> None:
    y, x, spikes = near_recording()
    y = np.where(np.isfinite(y), y, -55e-3)
    first, second = spikes[:2]
    for k in (first, second):
        y[k - 1 : k + 1] = np.nan
    windows = np.array([[0, 0], [first - 1, first + 1], [second - 1, second]])
    rest = np.array([[k, k] for k in spikes[2:]], dtype=np.int64).reshape(-1, 2)
    found = evaluated(cut(y, x, np.concatenate([windows, rest]), 2, 100))
    values, scores = [], []
    for a in range(first - 1, first + 2):
        for b in range(second - 1, second + 1):
            one = evaluated(after_a_spike(y, x, [a, b, *spikes[2:]], 2))
            values.append(one.log_likelihood.sum())
            scores.append(one.score.sum(0))
    weight = np.exp(np.array(values) - max(values))
    expected = np.log(weight.sum()) + max(values)
    assert found.log_likelihood.sum() == pytest.approx(expected, abs=1e-6)
    score = weight @ np.array(scores) / weight.sum()
    np.testing.assert_allclose(found.score.sum(0), score, rtol=1e-4, atol=1e-6 * abs(score).max())


def test_estimation_recording_that_starts_anywhere_forgets_where() -> None:
    """From an unknown start the first sample only says where it is: shifting all shifts nothing."""
    y, x = far_recording(5)
    free = replace(NEURON, v_th=0.1)
    one = total(cut(y, x, NONE, 0, 100), free)
    moved = replace(free, v_leak=free.v_leak + 7e-3, v_reset=free.v_reset + 7e-3, v_th=0.107)
    assert total(cut(y + 7e-3, x, NONE, 0, 100), moved) == pytest.approx(one, abs=1e-9)


def test_estimation_a_long_gap_cuts_the_recording_in_two() -> None:
    y, x = far_recording(6)
    y[10:20] = np.nan
    free = replace(NEURON, v_th=0.1)
    both = total(cut(y, x, NONE, 0, 9), free)
    parts = total(cut(y[:10], x[:10], NONE, 0, 9), free) + total(
        cut(y[20:], x[20:], NONE, 0, 9), free
    )
    assert both == pytest.approx(parts, abs=1e-9)
    assert total(cut(y, x, NONE, 0, 10), free) != pytest.approx(parts, abs=1e-3)
