"""System 7 as a circuit: transient noise through a synapse's filter, against Fokker-Planck.

A source goes through Gaussian samples, joined by lines; filtered with a time constant of many
samples it is an Ornstein-Uhlenbeck current, whose rate golden has on cells of the plane
of potential and current (:func:`~lifstone.golden.noise.coloured_cells.plane_rate`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..analog import OtaNeuron, Transient, simulate, spike_times
from ..analog.channels import FARAD, samples, scaled
from ..golden.errors import require
from ..golden.lif import Lif
from ..golden.noise.coloured_cells import plane_rate
from ..golden.noise.membrane import NoisyMembrane
from ..golden.noise.variability import interval_cv

__all__ = ["MEMBRANE", "TAU_SYN", "NoiseRun", "noise_channel", "run_noise"]

Array = NDArray[np.float64]
MEMBRANE = NoisyMembrane(tau_mem=10e-3, mu=0.9, sigma=0.5, v_th=1.0, v_reset=0.0, t_ref=2e-3)
TAU_SYN = 1e-3
WINDOW, WARM_UP = 0.36, 0.06
"""Seconds of a run, and how many of them pass before spikes count."""
SAMPLES_A_TAU = 10
"""Samples of the source in a time constant of the filter."""


@dataclass(frozen=True, eq=False)
class NoiseRun:
    """Spikes counted in windows of ``length`` seconds each, and the reference's rate in hertz.

    ``spread`` is the coefficient of variation of the reference's intervals.
    """

    counts: NDArray[np.int64]
    length: float
    reference: float
    spread: float

    @property
    def rate(self) -> float:
        """Hertz."""
        return float(self.counts.sum() / (self.counts.size * self.length))

    @property
    def error(self) -> float:
        """Standard error of the rate in hertz: counts of a renewal process."""
        total = self.reference * self.counts.size * self.length
        return float(self.reference * self.spread / np.sqrt(total))


def noise_channel(
    neuron: OtaNeuron, volts: float, m: NoisyMembrane, tau_syn: float, white: Array, interval: float
) -> list[str]:
    """Mean and noise of ``m`` as currents into the membrane; ``volts`` a unit of the model.

    ``white`` are standard normal samples. Of deviation ``a`` every ``interval`` seconds they have
    the area ``a^2 interval`` under their autocovariance, which is ``sigma^2 tau_mem`` for ``m``.
    """
    deviation = m.sigma * np.sqrt(m.tau_mem / interval) * volts
    return [
        f"Imean 0 mem {neuron.g_m * m.mu * volts!r}",
        *samples("white", deviation * white, interval),
        f"Gfilter 0 ou white ou {FARAD / tau_syn!r}",
        f"Cfilter ou 0 {FARAD!r} ic=0",
        f"Gnoise 0 mem ou 0 {neuron.g_m!r}",
    ]


def run_noise(
    windows: int = 16, seed: int = 7, m: NoisyMembrane = MEMBRANE, tau_syn: float = TAU_SYN
) -> NoiseRun:
    """Simulate ``windows`` runs of 0.36 s, of which the last 0.30 s count.

    Short runs, because a source through many samples is searched from its start at every step.

    Raises
    ------
    InvalidValue
        For fewer than one window, or a negative seed.
    RuntimeError
        If the simulator gives up.
    """
    require(windows >= 1, "windows", windows, "at least 1")
    require(0 <= seed < 2**31, "seed", seed, "0 to 2147483647")
    lif = Lif(tau_mem=m.tau_mem, v_th=m.v_th, v_reset=m.v_reset, t_ref=m.t_ref)
    s = scaled(lif)
    interval = tau_syn / SAMPLES_A_TAU
    transient = Transient(np.zeros(round(WINDOW / m.tau_mem)), m.tau_mem, interval)
    counts = []
    for k in range(windows):
        rng = np.random.default_rng((seed, k))
        white = rng.standard_normal(int(transient.stop / interval) + 2)
        lines = noise_channel(s.neuron, s.volts, m, tau_syn, white, interval)
        times = spike_times(simulate(s.neuron, transient, 0.0, lines))
        counts.append(int((times > WARM_UP).sum()))
    reference, spread = float(plane_rate(m, tau_syn).rate), interval_cv(m)
    return NoiseRun(np.array(counts), WINDOW - WARM_UP, reference, spread)
