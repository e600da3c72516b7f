"""System 7 on the neuron with white noise: intervals against the exact chain and the clock.

The chain of the integers (:mod:`..noise.integer_chain`) differs from the run by chance alone; the
clocked neuron in real numbers differs from the chain by rounding and by the bell curve's tails.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..cell import CellTrace
from ..noise.clocked import clocked, clocked_rate_first_order
from ..noise.integer_chain import passage_intervals, realised, white_cell
from ..systems.noise import Parameters
from ..systems.system import Check
from ..unit import UnitContract
from .body import IntegerBody

__all__ = ["body"]

NEURONS, TAKEN = 256, 6
"""Neurons, and how many intervals of each are read: the run is long enough for them."""
STEPS = 4500
ROUNDING = 0.01
"""Allowance for rounding and tails at 256 integers a sigma; measured 0.2 % and below."""


def body() -> IntegerBody:
    """Brunel's neuron a little below threshold, many times, each with its own stream."""
    p = Parameters()
    m = p.membrane()
    cell = white_cell(m, p.dt, NEURONS, seed=p.seed, per_sigma=256)
    unit = UnitContract(cell, {}, (), "noise")

    def checks(trace: CellTrace) -> tuple[Check, ...]:
        exact, real = passage_intervals(cell), clocked(realised(cell, p.dt), p.dt)
        gaps = first_intervals(trace.spikes, TAKEN)
        mean, cv = float(gaps.mean()), float(gaps.std() / gaps.mean())
        # Of the coefficient of variation, from halves of the neurons drawn again.
        drawn = gaps[np.random.default_rng(0).integers(0, len(gaps), (400, len(gaps)))]
        spread = drawn.reshape(400, -1)
        error = float((spread.std(axis=1) / spread.mean(axis=1)).std())
        rounding = "256 integers a sigma, and a bell curve that ends at 4.6 deviations"
        slower = float(clocked_rate_first_order(m, p.dt))
        return (
            Check.sigma("mean interval", mean * p.dt, exact.mean * p.dt,
                        exact.mean * exact.cv / gaps.size**0.5 * p.dt, 4.0, "s",
                        "chain of the integers", "chance alone"),
            Check.sigma("coefficient of variation", cv, exact.cv, error, 4.0, "1",
                        "chain of the integers", "chance alone"),
            Check.relative("rate of the chain", 1.0 / (exact.mean * p.dt), real.rate, ROUNDING,
                           "Hz", "clocked neuron in real numbers", rounding),
            Check.relative("variation of the chain", exact.cv, real.cv, ROUNDING,
                           "1", "clocked neuron in real numbers", rounding),
            Check.relative("rate of the chain against Siegert", 1.0 / (exact.mean * p.dt), slower,
                           0.02, "Hz", "Siegert's rate, threshold raised for the clock",
                           "second order in the square root of the step"),
        )  # fmt: skip

    return IntegerBody("noise", unit, {}, STEPS, checks)


def first_intervals(spikes: NDArray[np.bool_], count: int) -> NDArray[np.float64]:
    """The first intervals of each neuron in steps, ``(n, count)``; the first starts at reset.

    A fixed number of each, because a window would leave out long ones. Not a number where a
    neuron has fewer.
    """
    out = np.full((spikes.shape[1], count), np.nan)
    for row, train in zip(out, spikes.T, strict=True):
        found = np.diff(np.flatnonzero(train))[:count]
        row[: found.size] = found
    return out
