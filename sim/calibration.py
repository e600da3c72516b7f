"""Calibrate a mismatched die from its noisy recordings alone.

The calibrator drives the die with a current that it knows, sees samples of the membrane with
noise on them, and fits them (:mod:`lifstone.golden.estimation`). Four digital-to-analog
converters are what it can turn: bias of the leak (time constant), ``v_leak`` (rest), ``v_th``
(threshold) and ``i_ref`` (refractory period). It does not see the transistors' shifts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..analog.silicon import SiliconNeuron
from ..analog.silicon_measure import run_silicon
from ..golden.errors import require
from ..golden.estimation import Fit, Recording, fit

__all__ = ["Bench", "Dac", "Die", "Target", "calibrate", "record"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Dac:
    """A converter of ``bits`` from ``low`` to ``high``, both included."""

    bits: int
    low: float
    high: float

    def __post_init__(self) -> None:
        require(1 <= self.bits <= 24, "dac.bits", self.bits, "1 to 24")
        require(self.low < self.high, "dac.low", self.low, f"below dac.high = {self.high:g}")

    def nearest(self, value: float) -> float:
        """What it puts out for the code nearest to ``value``."""
        top = (1 << self.bits) - 1
        code = round((value - self.low) / (self.high - self.low) * top)
        return self.low + (self.high - self.low) * min(max(code, 0), top) / top


@dataclass(frozen=True)
class Target:
    """What every die should be: seconds, and volts from the rest potential."""

    tau_mem: float
    v_leak: float
    v_th: float
    v_reset: float
    t_ref: float


@dataclass(frozen=True)
class Bench:
    """How a recording is made.

    ``samples`` values every ``dt`` seconds with ``sigma_y`` volts of noise of the instrument;
    the input jumps between ``currents`` (amperes) at random, ``hold`` samples each, and
    ``shot`` adds the shot noise of both branches of the OTA to the circuit.
    """

    dt: float
    samples: int
    sigma_y: float
    currents: tuple[float, ...]
    hold: int
    shot: bool = True

    def __post_init__(self) -> None:
        require(self.samples >= 8, "samples", self.samples, "at least 8")
        require(self.hold >= 1, "hold", self.hold, "at least 1")
        require(self.sigma_y >= 0, "sigma_y", self.sigma_y, "0 or more volts")
        require(len(self.currents) > 0, "currents", self.currents, "at least one")

    def drive(self, seed: int) -> Array:
        """The input of each sample, amperes."""
        blocks = -(-self.samples // self.hold)
        chosen = np.random.default_rng(seed).integers(len(self.currents), size=blocks)
        return np.repeat(np.array(self.currents)[chosen], self.hold)[: self.samples]


@dataclass(frozen=True)
class Die:
    """A die and what the calibrator set on it."""

    neuron: SiliconNeuron
    fits: tuple[Fit, ...] = ()


def record(neuron: SiliconNeuron, bench: Bench, seed: int) -> Recording:
    """Record the membrane; the spike output gives the spikes.

    Raises
    ------
    RuntimeError
        If the simulator gives up.
    """
    x = bench.drive(seed)
    shot = 2 * bench.dt if bench.shot else 0.0
    run = run_silicon(neuron, x, bench.dt, bench.dt, noise=shot, seed=seed)
    ends = (np.arange(bench.samples) + 1) * bench.dt
    noise = np.random.default_rng((seed, 1)).normal(0.0, bench.sigma_y, bench.samples)
    v = np.interp(ends, run.t, run.mem) + noise
    steps = np.unique(np.minimum((run.spike_times / bench.dt).astype(np.int64), bench.samples - 1))
    # Two spikes in one sample would be one: the input must be weak enough.
    require(steps.size == run.spike_times.size, "dt", bench.dt, "short of the shortest interval")
    # The pulse of the spike output is as long as the refractory period.
    return Recording(v, bench.dt, x, steps, t_ref=run.refractory)


def calibrate(
    neuron: SiliconNeuron,
    target: Target,
    bench: Bench,
    dacs: dict[str, Dac],
    *,
    rounds: int = 3,
    seed: int = 0,
) -> Die:
    """Turn the converters until the estimates meet the target.

    Parameters
    ----------
    neuron
        The die; its biases are where the calibration begins.
    dacs
        A converter for each of ``i_bias``, ``v_leak``, ``v_th`` and ``i_ref``.

    Raises
    ------
    InvalidValue
        For a converter that is missing, or a recording that determines nothing.
    """
    for name in ("i_bias", "v_leak", "v_th", "i_ref"):
        require(name in dacs, "dacs", sorted(dacs), f"one for {name}")
    require(rounds >= 1, "rounds", rounds, "at least 1")
    fits: list[Fit] = []
    for k in range(rounds):
        found = fit(record(neuron, bench, seed + 1000 * k))
        fits.append(found)
        neuron = _turned(neuron, found, target, dacs)
    return Die(neuron, tuple(fits))


def _turned(
    neuron: SiliconNeuron, found: Fit, target: Target, dacs: dict[str, Dac]
) -> SiliconNeuron:
    """The converters one step nearer: the time constant by ratio, potentials by difference."""
    tau, rest, level = (found[name].value for name in ("tau_mem", "v_leak", "v_th"))
    wanted = {
        "i_bias": neuron.i_bias * tau / target.tau_mem,
        "v_leak": neuron.v_leak + target.v_leak - rest,
        "v_th": neuron.v_th + target.v_th - level,
        "i_ref": neuron.i_ref * found.t_ref / target.t_ref if found.t_ref > 0 else neuron.i_ref,
    }
    for name, value in wanted.items():
        if np.isfinite(value):
            neuron = replace(neuron, **{name: dacs[name].nearest(value)})  # type: ignore[arg-type]
    return neuron
