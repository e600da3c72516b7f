"""The likelihood by brute force: a fixed, dense grid. Slow; what the filter is held against.

Chapman-Kolmogorov step by step on the middles of equal cells that end at the threshold, one
segment after another, no Gaussian anywhere: it shares nothing with the filter but the model.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from .noisy import Noisy, Step

__all__ = ["cells_needed", "dense_log_likelihood"]

Array = NDArray[np.float64]


def cells_needed(y: Array, neuron: Noisy, dt: float) -> int:
    """Cells of a third of the smaller noise; twice as many show how fast the error falls."""
    c = neuron.step(dt)
    return int(np.ceil(3 * (c.v_th - _lowest(y, c)) / min(c.q, c.s)))


def _lowest(y: Array, c: Step) -> float:
    return min(float(np.nanmin(y)), c.v_reset) - 4 * (c.s + c.q)


def dense_log_likelihood(
    y: Array,
    x: Array,
    spikes: NDArray[np.int64],
    neuron: Noisy,
    dt: float,
    hold: int,
    cells: int,
) -> float:
    """Log-likelihood of samples that start at reset: step 0 of ``spikes`` is a spike.

    Parameters
    ----------
    y, x
        Potential (``nan``: dropped) and input, ``(samples,)``; nothing follows the last sample.
    spikes
        Steps of the spikes, ascending, the first at sample 0.
    cells
        Of the grid, from well below the lowest potential up to the threshold.
    """
    c = neuron.step(dt)
    low = _lowest(y, c)
    width = (c.v_th - low) / cells
    grid = np.asarray(low + width * (np.arange(cells) + 0.5), dtype=np.float64)
    fired = set(spikes.tolist())
    total, held, state = 0.0, 0, np.zeros(cells)
    known = True
    for k in range(y.size):
        if k in fired:
            total += 0.0 if k == 0 else _fires(c, grid, state, x[k], known)
            known, held = True, hold
            total += _normal_log(y[k], c.v_reset, c.s)
            continue
        if held:
            held -= 1
            total += _normal_log(y[k], c.v_reset, c.s)
            continue
        state = _advance(c, grid, width, state, x[k], known)
        known = False
        if np.isfinite(y[k]):
            state = state * np.exp(-0.5 * ((y[k] - grid) / c.s) ** 2) / (c.s * np.sqrt(2 * np.pi))
        total += float(np.log(state.sum()))
        state = state / state.sum()
    return total


def _advance(c: Step, grid: Array, width: float, state: Array, x: float, known: bool) -> Array:
    """Masses after a step that does not fire."""
    drive = c.b + c.g * x
    norm = width / (c.q * np.sqrt(2 * np.pi))
    if known:
        return np.asarray(norm * np.exp(-0.5 * ((grid - c.a * c.v_reset - drive) / c.q) ** 2))
    z = (grid[:, None] - c.a * grid - drive) / c.q
    return np.asarray(norm * np.exp(-0.5 * z**2) @ state)


def _fires(c: Step, grid: Array, state: Array, x: float, known: bool) -> float:
    before = np.array([c.v_reset]) if known else grid
    mass = np.ones(1) if known else state
    return float(np.log(mass @ ndtr((c.a * before + c.b + c.g * x - c.v_th) / c.q)))


def _normal_log(y: float, mean: float, s: float) -> float:
    if not np.isfinite(y):
        return 0.0
    return float(-0.5 * ((y - mean) / s) ** 2 - np.log(s * np.sqrt(2 * np.pi)))
