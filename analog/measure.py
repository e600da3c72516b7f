"""Figures read from waveforms: spike times, time constant, rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..golden.errors import require
from .netlist import NEVER, Transient
from .neuron import OtaNeuron
from .run import Waveform, simulate

__all__ = ["DECAY", "measure_rate", "measure_tau", "spike_times"]

Array = NDArray[np.float64]
DECAY = 1e-3
"""Volts from which :func:`measure_tau` lets the membrane decay: the OTA is linear there."""


def spike_times(w: Waveform, v_th: float) -> Array:
    """Seconds at which the membrane crossed ``v_th`` before each start of the timer."""
    edges = np.flatnonzero((w.timer[1:] > 0.5) & (w.timer[:-1] <= 0.5)) + 1
    # A neuron that starts above its threshold fires at once, before the first point.
    out = [0.0] if w.timer.size and w.timer[0] > 0.5 else []
    for edge in edges:
        # The comparator answers a hair below the threshold; then its own edge is the time.
        window = slice(max(edge - 60, 0), edge + 1)
        t, v = w.t[window], w.mem[window]
        up = np.flatnonzero((v[1:] >= v_th) & (v[:-1] < v_th))
        if up.size == 0:
            out.append(float(w.t[edge]))
            continue
        i = int(up[-1])
        share = (v_th - v[i]) / (v[i + 1] - v[i])
        out.append(float(t[i] + share * (t[i + 1] - t[i])))
    return np.asarray(out)


def measure_tau(neuron: OtaNeuron) -> float:
    """Time constant in seconds, by least squares on the logarithm of a simulated decay."""
    require(neuron.i_bias > 0, "i_bias", neuron.i_bias, "above 0: without OTA nothing decays")
    start = replace(
        neuron, v_init=neuron.v_leak + DECAY, v_th=NEVER, v_reset=neuron.v_leak, tau_syn=None
    )
    expected = neuron.tau
    transient = Transient(np.zeros(3), expected, expected / 500)
    w = simulate(start, transient, 0.0)
    v = w.mem - neuron.v_leak
    used = (v > DECAY * np.exp(-2.5)) & (w.t > 0)
    slope, _ = np.polyfit(w.t[used], np.log(v[used]), 1)
    return float(-1.0 / slope)


def measure_rate(neuron: OtaNeuron, current: float, intervals: int = 6) -> float:
    """Firing rate in hertz for a constant input current in amperes, from the mean interval.

    0 if fewer than two spikes fall into the time in which the linear neuron would fire
    ``intervals`` times (or into ten time constants below its threshold).
    """
    tau = neuron.tau if np.isfinite(neuron.tau) else neuron.c / abs(current)
    target = neuron.v_leak + (current / neuron.g_m if neuron.g_m else current)
    margin = target - neuron.v_th
    swing = neuron.v_th - neuron.v_reset
    linear = tau * np.log1p(swing / margin) if margin > 0 else 3.0 * tau
    period = neuron.t_ref + float(linear)
    dt = period / 4
    transient = Transient(np.ones(4 * intervals + 6), dt, period / 2000)
    times = spike_times(simulate(neuron, transient, current), neuron.v_th)
    if times.size < 2:
        return 0.0
    return float((times.size - 1) / (times[-1] - times[0]))
