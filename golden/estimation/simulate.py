"""Recordings of a known neuron: what the estimators are tried on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..discrete import discretise, initial_state, step
from ..errors import require
from ..lif import Lif
from .noisy import Noisy
from .recording import Recording

__all__ = ["Experiment", "default_experiment", "simulate", "simulate_both"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Experiment:
    """A neuron and how it is recorded.

    Parameters
    ----------
    neuron
        The truth.
    dt, x
        Step in seconds and input current in amperes, one value a step, ``(steps,)``.
    t_ref
        Refractory period, seconds.
    dropped
        Share of samples that are lost, each on its own.
    peak, peaked
        Height in volts of a spike's peak, and share of spikes whose peak was sampled.
    marked
        Whether the recording tells the spikes, or leaves them to be detected.

    Raises
    ------
    InvalidValue
        For a share outside 0 to 1, or an input that is not a finite line of values.
    """

    neuron: Noisy
    dt: float
    x: Array
    t_ref: float = 0.0
    dropped: float = 0.0
    peak: float = 0.0
    peaked: float = 0.0
    marked: bool = True

    def __post_init__(self) -> None:
        x = np.asarray(self.x, dtype=np.float64)
        require(x.ndim == 1 and bool(np.isfinite(x).all()), "x", list(x.shape), "finite, a line")
        object.__setattr__(self, "x", x)
        for name in ("dropped", "peaked"):
            value = getattr(self, name)
            require(0 <= value <= 1, name, value, "a share from 0 to 1")


def default_experiment(duration: float = 5.0, dt: float = 1e-3) -> Experiment:
    """A cortical-like neuron under a current that varies, some 18 spikes a second.

    Two sines and a slow square wave: an input with power below and above ``1 / tau_mem``, so
    that resistance and time constant are told apart.
    """
    t = np.arange(round(duration / dt)) * dt
    x = 140e-12 + 40e-12 * np.sin(2 * np.pi * 3 * t) + 20e-12 * np.sin(2 * np.pi * 17 * t)
    x += 20e-12 * np.sign(np.sin(2 * np.pi * 0.9 * t))
    neuron = Noisy(
        tau_mem=20e-3,
        r=100e6,
        v_leak=-65e-3,
        v_th=-50e-3,
        v_reset=-62e-3,
        sigma_v=3e-3,
        sigma_y=1e-3,
    )
    return Experiment(neuron, dt, x, t_ref=2e-3)


def simulate(e: Experiment, count: int, seed: int) -> list[Recording]:
    """``count`` independent recordings."""
    return [recording for recording, _ in simulate_both(e, count, seed)]


def simulate_both(e: Experiment, count: int, seed: int) -> list[tuple[Recording, Array]]:
    """``count`` independent recordings, each with the potential behind it, ``(steps,)``.

    The noise of the membrane enters as a voltage added to ``r x``: to the neuron it is one more
    input, and the step is that of :mod:`lifstone.golden.discrete`.
    """
    require(count >= 1, "count", count, "at least 1")
    rng = np.random.default_rng(seed)
    # The drive is in volts: unit resistance, so that a neuron without input has noise, too.
    lif = _volts(e.neuron.lif(e.t_ref, count))
    c, q = discretise(lif, e.dt), e.neuron.step(e.dt).q
    state = initial_state(lif)
    v = np.empty((e.x.size, count))
    fired = np.empty((e.x.size, count), dtype=np.bool_)
    for k, x in enumerate(e.x.tolist()):
        drive = e.neuron.r * x + q / c.g_x * rng.standard_normal(count)
        state, fired[k] = step(lif, c, state, drive)
        v[k] = state.v
    y = v + e.neuron.sigma_y * rng.standard_normal(v.shape)
    y += np.where(fired & (rng.random(v.shape) < e.peaked), e.peak, 0.0)
    y[rng.random(v.shape) < e.dropped] = np.nan
    return [(_recording(e, y[:, j], fired[:, j]), v[:, j]) for j in range(count)]


def _recording(e: Experiment, y: Array, fired: NDArray[np.bool_]) -> Recording:
    spikes = np.flatnonzero(fired).astype(np.int64) if e.marked else None
    return Recording(y, e.dt, e.x if e.x.any() else None, spikes, e.t_ref)


def _volts(lif: Lif) -> Lif:
    return Lif(
        tau_mem=lif.tau_mem,
        v_leak=lif.v_leak,
        v_th=lif.v_th,
        v_reset=lif.v_reset,
        t_ref=lif.t_ref,
        n=lif.n,
    )
