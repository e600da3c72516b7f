r"""Monte Carlo of the noisy membrane: exact steps, and crossings between them.

In units of ``tau_mem`` and the noise a step ``h`` is drawn exactly, ``y(h) = y(0) exp(-h) +
sqrt((1 - exp(-2 h)) / 2) N``. A path may cross threshold inside a step and return. In the
time ``s = (exp(2 t) - 1) / 2`` the process ``exp(t) y`` is Brownian motion, and a constant
threshold becomes a boundary that a chord approximates; for a chord both the probability of a
crossing and the law of its time are known. With the distances ``g0``, ``g1`` from threshold at
both ends::

    P(crossing) = exp(-2 g0 g1 / sinh h),    s / (S - s) ~ inverse Gaussian(g0 / |G1|, g0^2 / S)

where ``G1 = g1 exp(h)`` and ``S = s(h)``. What remains is the bend of the boundary over a step,
which the system's notes and tests measure.

Sources: Gillespie, Phys. Rev. E 54, 2084 (1996) for the exact step; Karatzas & Shreve,
"Brownian Motion and Stochastic Calculus" (1991), section 4.3 for bridges and boundaries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import require
from .membrane import NoisyMembrane

__all__ = ["Signal", "Trains", "passage_times", "simulate", "step_to_crossing"]

Array = NDArray[np.float64]


def step_to_crossing(
    y: Array, before: Array | float, after: Array | float, h: Array, rng: np.random.Generator
) -> tuple[Array, NDArray[np.bool_], Array]:
    """One step of ``h`` for independent paths, all ``(n,)``, in units of ``tau_mem``.

    ``before`` and ``after`` are the threshold at both ends of the step. Returns the end points,
    which paths crossed, and when (within ``h``; ``h`` for those that did not).
    """
    end = y * np.exp(-h) + np.sqrt(-0.5 * np.expm1(-2.0 * h)) * rng.standard_normal(y.size)
    gap, left = before - y, after - end
    chance = np.exp(np.minimum(-2.0 * gap * left / np.sinh(h), 0.0))
    crossed = (left <= 0) | (rng.random(y.size) < chance)
    when = np.array(h)
    g0, g1 = gap[crossed], left[crossed] * np.exp(h[crossed])
    total = 0.5 * np.expm1(2.0 * h[crossed])
    # The mean is capped: beyond it the inverse Gaussian is Levy's law to 1e-9.
    mean = g0 / np.maximum(np.abs(g1), 1e-9 * g0)
    ratio = np.maximum(rng.wald(mean, g0**2 / total), 0.0)
    when[crossed] = 0.5 * np.log1p(2.0 * total * (ratio / (1.0 + ratio)))
    return end, crossed, when


def _step(m: NoisyMembrane, n: int, dt: float) -> float:
    require(n >= 1, "n", n, "1 or more")
    require(np.isfinite(dt) and dt > 0, "dt", dt, "greater than 0, in seconds")
    return dt / m.tau_mem


def passage_times(
    m: NoisyMembrane, n: int, dt: float, rng: np.random.Generator, longest: float = np.inf
) -> Array:
    """``n`` independent first-passage times in seconds, from reset to threshold.

    Parameters
    ----------
    m, n
        The membrane and the number of passages.
    dt
        Step in seconds.
    rng
        Source of random numbers.
    longest
        Passages not over after this many seconds are an error, not a cut of the sample.

    Raises
    ------
    InvalidValue
        For a step or number not above 0, or a passage longer than ``longest``.
    """
    h = _step(m, n, dt)
    out = np.empty(n)
    alive = np.arange(n)
    y, clock = np.full(n, m.y_reset), 0.0
    while alive.size:
        require(clock * m.tau_mem <= longest, "longest", longest, "longer than every passage")
        y, crossed, when = step_to_crossing(y, m.y_th, m.y_th, np.full(y.size, h), rng)
        out[alive[crossed]] = clock + when[crossed]
        alive, y = alive[~crossed], y[~crossed]
        clock += h
    return out * m.tau_mem


@dataclass(frozen=True)
class Signal:
    """A periodic part ``amplitude cos(2 pi frequency t)`` of the mean, volts and hertz."""

    amplitude: float
    frequency: float

    def potential(self, t: Array, tau_mem: float) -> Array:
        """What the membrane makes of it in the steady state, volts, at ``t`` seconds."""
        w = 2.0 * np.pi * self.frequency
        size = self.amplitude / np.hypot(1.0, w * tau_mem)
        return np.asarray(size * np.cos(w * t - np.arctan(w * tau_mem)))


@dataclass(frozen=True, eq=False)
class Trains:
    """Spikes of ``n`` independent neurons over ``duration`` seconds.

    ``times`` in seconds and the ``neuron`` of each, ``(k,)``, as they were drawn; ``samples``,
    potentials in volts of those that were not held, over all sampling times.
    """

    n: int
    duration: float
    times: Array
    neuron: NDArray[np.int64]
    samples: Array

    def trains(self) -> list[Array]:
        """Ascending spike times of each neuron."""
        order = np.lexsort((self.times, self.neuron))
        cuts = np.searchsorted(self.neuron[order], np.arange(1, self.n))
        return list(np.split(self.times[order], cuts))

    def rate(self, since: float) -> tuple[float, float]:
        """Rate in hertz after ``since`` seconds and its standard error, from each neuron's count.

        Unlike a mean interval, a count is not biased by where the recording ends.
        """
        late = self.times >= since
        inside = late & (self.times < self.duration)
        counts = np.bincount(self.neuron[inside], minlength=self.n) / (self.duration - since)
        return float(counts.mean()), float(counts.std(ddof=1) / np.sqrt(self.n))

    def line(self, frequency: float, since: float) -> tuple[complex, complex]:
        """Amplitude ``a`` of the rate's part ``Re a exp(2 pi i f t)``, hertz, over whole periods
        after ``since`` seconds; and the standard errors of its real and imaginary part.
        """
        periods = int((self.duration - since) * frequency + 1e-9)
        require(periods >= 1, "since", since, f"a period before {self.duration:g} s")
        end = since + periods / frequency
        inside = (self.times >= since) & (self.times < end)
        wave = np.exp(-2j * np.pi * frequency * self.times[inside])
        who = self.neuron[inside]
        parts = [np.bincount(who, w, minlength=self.n) for w in (wave.real, wave.imag)]
        each = 2.0 / (end - since) * (parts[0] + 1j * parts[1])
        errors = [x.std(ddof=1) / np.sqrt(self.n) for x in (each.real, each.imag)]
        return complex(each.mean()), complex(errors[0], errors[1])


def simulate(
    m: NoisyMembrane,
    n: int,
    duration: float,
    dt: float,
    rng: np.random.Generator,
    signal: Signal | None = None,
    sample_every: int = 0,
) -> Trains:
    """``n`` neurons from reset over ``duration`` seconds.

    All meet at the multiples of ``dt``; a spike cuts a neuron's step short, and what is left of
    the step after reset and refractory period is drawn afresh. Potentials are sampled at every
    ``sample_every``-th multiple in the second half of the duration (0: never).

    Raises
    ------
    InvalidValue
        For a step, number or duration not above 0.
    """
    h = _step(m, n, dt)
    good = np.isfinite(duration) and duration > 0
    require(good, "duration", duration, "greater than 0, in seconds")

    def wave(t: Array) -> Array | float:
        """The signal's part of the potential, in units of the noise."""
        if signal is None:
            return 0.0
        return signal.potential(t * m.tau_mem, m.tau_mem) / m.sigma

    clock = np.zeros(n)
    y = m.y_reset - wave(clock) + np.zeros(n)
    times: list[Array] = []
    who: list[NDArray[np.int64]] = []
    samples: list[Array] = []
    steps = int(np.ceil(duration / dt - 1e-9))
    for j in range(1, steps + 1):
        meet = j * h
        behind = np.flatnonzero(clock < meet)
        while behind.size:
            start = clock[behind]
            walls = m.y_th - wave(start), m.y_th - wave(np.full(behind.size, meet))
            end, crossed, when = step_to_crossing(y[behind], *walls, meet - start, rng)
            spike = start[crossed] + when[crossed]
            again = spike + m.t_ref / m.tau_mem
            y[behind], clock[behind] = end, meet
            fired = behind[crossed]
            y[fired], clock[fired] = m.y_reset - wave(again), again
            times.append(spike * m.tau_mem)
            who.append(fired)
            behind = fired[again < meet]
        if sample_every and 2 * j > steps and j % sample_every == 0:
            free = clock == meet
            samples.append(m.mu + m.sigma * (y[free] + wave(clock[free])))
    flat = np.concatenate(samples) if samples else np.zeros(0)
    return Trains(n, steps * dt, np.concatenate(times), np.concatenate(who), flat)
