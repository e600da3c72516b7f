r"""The Fokker-Planck equation in time: transients of the rate, and the density of intervals.

A step is the two-stage, L-stable SDIRK method of order 2 (Alexander, SIAM J. Numer. Anal. 14,
1006 (1977)), so that the stiff modes of a point-like start are damped. What crosses threshold
is the flux of the method's two stages; it waits ``t_ref`` and re-enters at reset, evenly over
a step. The total is added up afresh after each step, so that its distance from 1 measures
what is lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import require
from .fokker_planck import Cells, Chain, cells, chain, solve_chain
from .membrane import NoisyMembrane

__all__ = ["Evolution", "Passage", "evolve", "passage"]

Array = NDArray[np.float64]
GAMMA = 1.0 - np.sqrt(0.5)


@dataclass(frozen=True, eq=False)
class Evolution:
    """A transient.

    Parameters
    ----------
    t
        End of each step, seconds, ``(steps,)``.
    rate
        Population rate, the mean over each step, hertz, ``(steps,)``.
    total
        Probability after each step, held neurons included, ``(steps,)``: 1 but for rounding.
    v, density
        Nodes in volts and the final density in 1/V, ``(n,)``.
    refractory
        Final probability of being held.
    """

    t: Array
    rate: Array
    total: Array
    v: Array
    density: Array
    refractory: float


@dataclass(frozen=True, eq=False)
class Passage:
    """First passages from reset to threshold.

    Parameters
    ----------
    t, density
        Middle of each step in seconds and density in 1/s, ``(steps,)``.
    edges, survival
        Step boundaries and the probability of no passage so far, ``(steps + 1,)``.
    mean, spread
        Mean in seconds, and standard deviation over mean; what survives the last step is
        taken to leave at the last hazard.
    """

    t: Array
    density: Array
    edges: Array
    survival: Array
    mean: float
    spread: float

    def cumulative(self, t: Array) -> Array:
        """Probability of a passage before ``t`` seconds, linear between steps."""
        return np.interp(t, self.edges, 1.0 - self.survival)

    def interval_cv(self, t_ref: float) -> float:
        """Coefficient of variation of the interval, refractory period included."""
        return self.spread * self.mean / (self.mean + t_ref)


class _Step:
    """One step of fixed length, in units of ``tau_mem``, for a chain and its re-entry."""

    def __init__(self, k: Chain, reset: int, dt: float, loop: bool) -> None:
        self.k, self.reset, self.dt, self.share = k, reset, dt, 0.0
        self.echo = np.zeros(k.up.size)
        if loop:
            # What leaves re-enters in the same instant: a rank-one term (Sherman-Morrison).
            unit = np.zeros(k.up.size)
            unit[reset] = GAMMA * dt * float(k.up[-1])
            self.echo = self._solve(unit)
            self.share = 1.0 / (1.0 - float(self.echo[-1]))

    def _solve(self, right: Array) -> Array:
        return np.asarray(solve_chain(self.k, 1.0, right, GAMMA * self.dt), dtype=np.float64)

    def _stage(self, right: Array, inflow: float) -> Array:
        right[self.reset] += GAMMA * inflow
        out = self._solve(right)
        return out + self.echo * (self.share * float(out[-1])) if self.share else out

    def __call__(self, p: Array, inflow: float) -> tuple[Array, float]:
        """Masses after the step and the mass that crossed; ``inflow`` is the mass that enters."""
        first = self._stage(p.copy(), inflow)
        last = self._stage(p + (1.0 - GAMMA) / GAMMA * (first - p), inflow)
        ends = (1.0 - GAMMA) * float(first[-1]) + GAMMA * float(last[-1])
        return last, self.dt * float(self.k.up[-1]) * ends


def _timing(m: NoisyMembrane, duration: float, dt: float) -> tuple[int, float, int]:
    """Steps, their length in seconds (``dt`` or a little less) and the steps held."""
    require(np.isfinite(dt) and dt > 0, "dt", dt, "greater than 0, in seconds")
    good = np.isfinite(duration) and duration >= dt
    require(good, "duration", duration, f"finite and at least dt = {dt:g} s")
    held = int(np.ceil(m.t_ref / dt - 1e-9))
    length = m.t_ref / held if held else dt
    steps = int(np.ceil(duration / length - 1e-9))
    require(steps <= 10_000_000, "dt", dt, "steps that fit 10^7 times into the duration")
    return steps, length, held


def evolve(
    m: NoisyMembrane,
    duration: float,
    dt: float,
    between: int = 200,
    drive: Callable[[float], float] | None = None,
) -> Evolution:
    """Density and rate from a start at reset.

    Parameters
    ----------
    m
        The membrane.
    duration, dt
        Seconds; the step is shortened so that the refractory period is a whole number.
    between
        Cells from reset to threshold.
    drive
        Displacement of ``mu`` in volts at a time in seconds; none unless given. It is taken at
        the middle of each step.

    Raises
    ------
    InvalidValue
        For a step or duration not above 0, or too many cells.
    """
    steps, length, held = _timing(m, duration, dt)
    c = cells(m, between)
    short = length / m.tau_mem
    step = _Step(chain(c), c.reset, short, loop=held == 0)
    p = np.zeros(c.y.size)
    p[c.reset] = 1.0
    queue = deque([0.0] * held)
    rate, total = np.empty(steps), np.empty(steps)
    for j in range(steps):
        if drive is not None:
            shift = drive((j + 0.5) * length) / m.sigma
            step = _Step(chain(c, shift), c.reset, short, loop=held == 0)
        p, crossed = step(p, queue.popleft() if held else 0.0)
        if held:
            queue.append(crossed)
        rate[j] = crossed / length
        total[j] = p.sum() + sum(queue)
    t = length * np.arange(1, steps + 1, dtype=np.float64)
    return Evolution(t, rate, total, c.v, p / (c.h * m.sigma), float(sum(queue)))


def passage(m: NoisyMembrane, duration: float, dt: float, between: int = 200) -> Passage:
    """Density of the first-passage time, from reset, over ``duration`` seconds.

    Raises
    ------
    InvalidValue
        As :func:`evolve`.
    """
    free = NoisyMembrane(m.tau_mem, m.mu, m.sigma, m.v_th, m.v_reset)
    steps, length, _ = _timing(free, duration, dt)
    c: Cells = cells(m, between)
    step = _Step(chain(c), c.reset, length / m.tau_mem, loop=False)
    p = np.zeros(c.y.size)
    p[c.reset] = 1.0
    crossed = np.empty(steps)
    for j in range(steps):
        p, crossed[j] = step(p, 0.0)
    edges = length * np.arange(steps + 1, dtype=np.float64)
    middle = edges[:-1] + length / 2.0
    left = float(p.sum())
    survival = np.append(left + np.cumsum(crossed[::-1])[::-1], left)
    wait = left * length / crossed[-1] if crossed[-1] > 0 else 0.0
    mean = float(middle @ crossed) + left * (edges[-1] + wait)
    second = float(middle**2 @ crossed) + left * (
        edges[-1] ** 2 + 2 * edges[-1] * wait + 2 * wait**2
    )
    spread = float(np.sqrt(max(second - mean**2, 0.0)) / mean)
    return Passage(middle, crossed / length, edges, survival, mean, spread)
