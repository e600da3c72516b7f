r"""BrainScaleS-2: accelerated analog neurons, 6-bit weights, mismatch, noise, calibration.

Pehle et al., Frontiers in Neuroscience 16, 795876 (2022): neurons run about 1000 times faster
than biology, weights have 6 bits and a sign a row, parameters are set by 10-bit words and differ
from circuit to circuit until they are calibrated. The circuit itself is the float model of this
room; what the platform adds is drawn from a seed:

* **mismatch**: ``tau_mem``, ``v_th`` and the gain of each neuron deviate by a log-normal (time
  constant, gain) or normal (threshold) factor of stated spread;
* **calibration**: a 10-bit word in front of each parameter brings it to the nearest value that
  the word can set, so that what stays is half a step of the word;
* **trial noise**: a normal voltage added to the membrane in every step.

The spreads are parameters, not measurements of a chip: set them to what yours has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import discrete
from ..errors import require
from ..fixed import Ints
from ..lif import Lif

__all__ = ["WEIGHT_TOP", "BrainscalesPopulation", "BrainscalesState", "Spread", "weight_words"]

Array = NDArray[np.float64]
WEIGHT_TOP = 63
WORD = 1 << 10


@dataclass(frozen=True)
class Spread:
    """Relative standard deviations between circuits, and the noise of a trial in volts."""

    tau_mem: float = 0.2
    v_th: float = 0.1
    gain: float = 0.2
    noise: float = 0.0

    def __post_init__(self) -> None:
        for name in ("tau_mem", "v_th", "gain", "noise"):
            value = getattr(self, name)
            good = bool(np.isfinite(value)) and value >= 0
            require(good, name, value, "a finite number of at least 0")


@dataclass(frozen=True, eq=False)
class BrainscalesState:
    """The float state, and the generator of the trial's noise."""

    state: discrete.FloatState
    rng: np.random.Generator


@dataclass(frozen=True, eq=False)
class BrainscalesPopulation:
    """Neurons of a chip.

    Parameters
    ----------
    lif
        What was asked for, in the model's own (biological) time.
    dt
        Step of the model's time.
    current
        Amperes of one unit of weight.
    spread
        How circuits differ.
    chip
        Seed of the mismatch: the same chip, the same circuits.
    trial
        Seed of the noise.
    calibrated
        Whether each circuit was brought to the nearest setting.
    """

    lif: Lif
    dt: float
    current: float
    spread: Spread = Spread()
    chip: int = 0
    trial: int = 0
    calibrated: bool = True

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.lif.n

    @cached_property
    def circuit(self) -> Lif:
        """What the circuits are: mismatched, and calibrated where asked for."""
        rng = np.random.default_rng([self.chip, 11])
        s = self.spread
        tau = np.exp(s.tau_mem * rng.normal(size=self.n))
        level = 1.0 + s.v_th * rng.normal(size=self.n)
        gain = np.exp(s.gain * rng.normal(size=self.n))
        if self.calibrated:
            tau, level, gain = (_calibrate(f) for f in (tau, level, gain))
        span = (self.lif.v_th - self.lif.v_leak) * np.maximum(level, 0.05)
        v_th = np.maximum(self.lif.v_leak + span, self.lif.v_reset + 0.05 * np.abs(span))
        return replace(
            self.lif,
            tau_mem=self.lif.tau_mem * tau,
            r=self.lif.r * gain,
            v_th=v_th,
        )

    @cached_property
    def _coefficients(self) -> discrete.Coefficients:
        return discrete.discretise(self.circuit, self.dt)

    def start(self) -> BrainscalesState:
        """At the initial potential, the trial's noise from its seed."""
        rng = np.random.default_rng([self.chip, self.trial, 12])
        return BrainscalesState(discrete.initial_state(self.lif), rng)

    def advance(self, state: BrainscalesState, arrived: Ints) -> tuple[BrainscalesState, Ints]:
        """One step; ``arrived`` in units of the 6-bit weight."""
        circuit, c = self.circuit, self._coefficients
        x = self.current * arrived.sum(axis=0).astype(np.float64)
        before = state.state
        if self.spread.noise > 0:
            shaken = before.v + self.spread.noise * state.rng.normal(size=self.n)
            before = discrete.FloatState(shaken, before.i, before.hold)
        after, spikes = discrete.step(circuit, c, before, x)
        return BrainscalesState(after, state.rng), spikes.astype(np.int64)

    def potential(self, state: BrainscalesState) -> Array:
        """Volts."""
        return state.state.v


def _calibrate(factor: Array) -> Array:
    """Divide by the nearest setting of a 10-bit word that spans 0 to 4."""
    step = 4.0 / WORD
    setting = np.clip(np.rint(factor / step), 1, WORD - 1) * step
    return np.asarray(factor / setting)


def weight_words(weight: ArrayLike) -> tuple[Ints, float]:
    """Weights as signed 6-bit words and the unit of one: the largest becomes 63.

    Raises
    ------
    InvalidValue
        For weights that are all zero or not finite.
    """
    w = np.asarray(weight, dtype=np.float64)
    peak = float(np.abs(w).max(initial=0.0))
    require(bool(np.isfinite(peak)) and peak > 0, "weight", peak, "finite, not all 0")
    unit = peak / WEIGHT_TOP
    return np.asarray(np.rint(w / unit), dtype=np.int64), unit
