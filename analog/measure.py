"""Figures read from waveforms: spike times, time constant, rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..golden.errors import require
from ..golden.ota import slope_voltage
from .netlist import NEVER, Transient
from .neuron import OtaNeuron
from .run import Waveform, simulate

__all__ = ["DECAY", "measure_rate", "measure_tau", "spike_times"]

Array = NDArray[np.float64]
DECAY = 0.015
"""What :func:`measure_tau` lets decay, as a share of ``2 n U_T`` (1 mV at room temperature):
the OTA departs from its tangent there by less than 1e-4."""
STEPS_AN_INTERVAL = 250
"""The simulator takes at least so many steps from spike to spike."""


def spike_times(w: Waveform) -> Array:
    """Seconds at which the latch was set."""
    after = np.flatnonzero((w.latch[1:] > 0.5) & (w.latch[:-1] <= 0.5)) + 1
    share = (0.5 - w.latch[after - 1]) / (w.latch[after] - w.latch[after - 1])
    times = w.t[after - 1] + share * (w.t[after] - w.t[after - 1])
    # A neuron that starts above its threshold fires before the first point.
    at_once = w.latch.size > 0 and w.latch[0] > 0.5
    return np.concatenate(([0.0], times)) if at_once else np.asarray(times)


def measure_tau(neuron: OtaNeuron) -> float:
    """Time constant in seconds, by least squares on the logarithm of a simulated decay."""
    require(neuron.i_bias > 0, "i_bias", neuron.i_bias, "above 0: without OTA nothing decays")
    above = DECAY * float(slope_voltage(neuron.n_slope, neuron.temperature))
    start = replace(
        neuron, v_init=neuron.v_leak + above, v_th=NEVER, v_reset=neuron.v_leak, tau_syn=None
    )
    expected = neuron.tau
    transient = Transient(np.zeros(3), expected, expected / 500)
    w = simulate(start, transient, 0.0)
    v = w.mem - neuron.v_leak
    used = (v > above * np.exp(-2.5)) & (w.t > 0)
    if np.count_nonzero(used) < 10:
        raise RuntimeError("the membrane did not decay towards v_leak")
    slope, _ = np.polyfit(w.t[used] / expected, np.log(v[used]), 1)
    return float(-expected / slope)


def measure_rate(neuron: OtaNeuron, current: float, intervals: int = 6) -> float:
    """Firing rate in hertz for a constant input current in amperes, from the mean interval.

    0 if fewer than two spikes fall into a time in which theory (:meth:`OtaNeuron.period`) has
    ``intervals`` of them, or, where it has none, into ten time constants.
    """
    expected = neuron.period(current)
    moves = neuron.i_bias > 0 or current > 0
    require(moves, "current", current, "above 0: without OTA nothing else moves")
    span = expected if np.isfinite(expected) else 10.0 * neuron.tau / intervals
    transient = Transient(np.ones(intervals + 2), span, span / STEPS_AN_INTERVAL)
    times = spike_times(simulate(neuron, transient, current))
    if times.size < 2:
        return 0.0
    return float((times.size - 1) / (times[-1] - times[0]))
