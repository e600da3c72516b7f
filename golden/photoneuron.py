"""A LIF neuron with channelrhodopsin-2 under light that switches between a few levels.

The channel does not feel the potential, so its occupancies are followed exactly by two
half-step transitions a step; the membrane sees the conductance at the middle of the step::

    1. hop         p <- expm(Q dt / 2) p       light of this step
    2. conductance g <- g_max weights p
    3. membrane    the exact step of :mod:`.conductance` under g
    4. hop         p <- expm(Q dt / 2) p

Light changes only between steps. The error of the spike times is of second order in ``dt``, with
a coefficient that depends on where in its step a spike falls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import conductance as membrane
from . import conductance_event as event
from .chr2 import Kinetics
from .conductance_event import Spikes
from .errors import InvalidValue, require
from .lif import Lif
from .markov import step as hop
from .markov import transition

__all__ = [
    "Fidelity",
    "PhotoNeuron",
    "PhotoState",
    "Train",
    "fidelity",
    "half_hops",
    "pulse_train",
    "simulate",
    "step",
]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PhotoNeuron:
    """Membrane, photocycle, conductance in siemens with all channels open, reversal in volts."""

    lif: Lif
    kinetics: Kinetics
    g_max: float
    reversal: float

    def __post_init__(self) -> None:
        membrane.check_model(self.lif)
        good = bool(np.isfinite(self.g_max)) and self.g_max >= 0
        require(good, "g_max", self.g_max, "0 S or greater")
        require(bool(np.isfinite(self.reversal)), "reversal", self.reversal, "a finite number")

    def conductance(self, p: Array) -> Array:
        """Siemens at occupancies ``(..., m)``."""
        return np.asarray(self.g_max * (p @ self.kinetics.weights))

    def load(self, p: Array) -> membrane.Load:
        """What the channels put on the membrane."""
        return membrane.load((self.conductance(p), self.reversal))


class PhotoState(NamedTuple):
    """State on a time grid: the membrane's, and the occupancies ``(n, m)``."""

    membrane: membrane.State
    p: Array


def half_hops(kinetics: Kinetics, levels: Array, dt: float) -> Array:
    """Transitions of half a step for each light level, ``(levels, m, m)``."""
    return np.stack([transition(kinetics.generator(float(f)), dt / 2) for f in levels])


def step(
    neuron: PhotoNeuron, dt: float, state: PhotoState, half: Array
) -> tuple[PhotoState, NDArray[np.bool_]]:
    """One step with spikes on the grid; ``half`` is each neuron's half-step transition."""
    middle = hop(half, state.p)
    after, spikes = membrane.step(neuron.lif, dt, state.membrane, neuron.load(middle))
    return PhotoState(after, hop(half, middle)), spikes


def simulate(
    neuron: PhotoNeuron,
    levels: Array,
    light: NDArray[np.integer],
    dt: float,
    trace: Array | None = None,
) -> Spikes:
    """Run from darkness with spikes between the points of the grid.

    Parameters
    ----------
    levels
        Photon fluxes in 1/(m^2 s), ``(levels,)``.
    light
        Index of the level in each step, ``(steps, n)``.
    trace
        Receives the potential after each step, ``(steps, n)``.

    Raises
    ------
    InvalidValue
        For light of another shape, or an index without a level.
    """
    n = neuron.lif.n
    good = light.ndim == 2 and light.shape[1] == n
    require(good, "light", list(light.shape), f"shape (steps, {n})")
    bad = light[(light < 0) | (light >= len(levels))]
    if bad.size:
        raise InvalidValue("light", int(bad.flat[0]), f"an index from 0 to {len(levels) - 1}")
    halves = half_hops(neuron.kinetics, levels, dt)
    p = np.tile(neuron.kinetics.dark, (n, 1))

    def loads(k: int, _: Array) -> membrane.Load:
        nonlocal p
        half = halves[light[k]]
        middle = hop(half, p)
        p = hop(half, middle)
        return neuron.load(middle)

    return event.run(neuron.lif, dt, len(light), loads, trace)


@dataclass(frozen=True, eq=False)
class Train:
    """Light pulses on a grid: onsets in seconds, the time to the next one, level by step."""

    onsets: Array
    window: float
    light: NDArray[np.int64]


def pulse_train(frequency: float, pulse: float, length: float, dt: float) -> Train:
    """Pulses of ``pulse`` seconds, period and pulse rounded to steps, as many as are whole.

    Raises
    ------
    InvalidValue
        If a pulse is shorter than a step, longer than the period, or none is whole.
    """
    require(dt > 0, "dt", dt, "greater than 0")
    require(frequency > 0, "frequency", frequency, "greater than 0")
    on, period, steps = round(pulse / dt), round(1.0 / (frequency * dt)), round(length / dt)
    require(on >= 1, "pulse", pulse, f"at least a step of {dt:g} s")
    require(on <= period, "frequency", frequency, f"at most {1.0 / pulse:g} Hz")
    require(period <= steps, "frequency", frequency, f"at least {1.0 / length:g} Hz")
    count = steps // period
    light = (np.arange(steps) % period < on) & (np.arange(steps) < count * period)
    onsets = np.asarray(np.arange(count) * (period * dt), dtype=np.float64)
    return Train(onsets, period * dt, light.astype(np.int64))


@dataclass(frozen=True)
class Fidelity:
    """Pulses that were answered, and spikes a pulse."""

    answered: float
    spikes: float


def fidelity(times: Array, onsets: Array, window: float) -> Fidelity:
    """Share of the pulses with a spike within ``window`` seconds of their onset.

    Raises
    ------
    InvalidValue
        Without pulses.
    """
    require(onsets.size > 0, "onsets", onsets.size, "one pulse or more")
    first = np.searchsorted(times, onsets)
    last = np.searchsorted(times, onsets + window)
    count = last - first
    return Fidelity(float((count > 0).mean()), float(count.mean()))
