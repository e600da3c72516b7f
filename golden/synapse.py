"""Membrane response to one presynaptic spike through an exponential current synapse.

A spike of weight ``w`` sets ``i(t) = w_in w exp(-t/tau_syn) / tau_syn`` (unit area per
``w_in w``), and the membrane follows with the difference of two exponentials; source:
Gerstner et al., "Neuronal Dynamics" (2014), equation 1.25 and section 3.1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .discrete import psp_gain
from .errors import require
from .lif import Lif

__all__ = ["peak_time", "psp"]

Array = NDArray[np.float64]


def psp(model: Lif, t: ArrayLike, weight: float = 1.0) -> Array:
    """Potential above rest, in volts, at times ``t`` (seconds) after one input spike."""
    require(model.n == 1, "n", model.n, "1: take one neuron with Lif.neuron(j)")
    require(model.tau_syn is not None, "tau_syn", None, "a synaptic time constant")
    assert model.tau_syn is not None
    at = np.asarray(t, dtype=np.float64)
    gain = float(model.r[0] * model.w_in[0] * weight / model.tau_syn[0])
    response = psp_gain(np.maximum(at, 0.0), model.tau_mem[0], model.tau_syn[0])
    return np.where(at > 0, gain * response, 0.0)


def peak_time(tau_mem: float, tau_syn: float) -> float:
    """Seconds from the spike to the peak of its potential.

    ``tau_mem tau_syn / (tau_mem - tau_syn) ln(tau_mem / tau_syn)``, which goes into ``tau_mem``
    as the two meet.
    """
    for name, tau in (("tau_mem", tau_mem), ("tau_syn", tau_syn)):
        require(0 < tau < np.inf, name, tau, "a finite number greater than 0")
    fast, slow = sorted((tau_mem, tau_syn))
    excess = (slow - fast) / fast
    return float(slow * np.log1p(excess) / excess) if excess > 0 else slow
