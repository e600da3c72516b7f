r"""Eligibility propagation: the gradient from local traces and a learning signal.

Bellec et al., "A solution to the learning dilemma for recurrent networks of spiking neurons",
Nature Communications 11, 3625 (2020), equations 1 to 4 and 24: the gradient of the loss by
the weight from ``i`` to ``j`` is::

    dE/dW_ji = sum_k L_j^k e_ji^k

with the eligibility trace ``e_ji``, which neuron and synapse compute on their own as time goes
forward, and the learning signal ``L_j``, what the loss wants of neuron ``j``. With ``s'`` the
surrogate and ``x_i`` the presynaptic spikes::

    I_ji^k = a_syn I_ji^(k-1) + g_syn x_i^k                 (without synapse: none)
    U_ji^k = a_mem h_j^(k-1) U_ji^(k-1) + g_x x_i^k + g_new I_ji^k + g_old I_ji^(k-1)
    e_ji^k = s'_j^k (U_ji^k - A_ji^k)
    A_ji^(k+1) = rho A_ji^k + beta e_ji^k                   (adaptive threshold)

``h = 1 - s`` for a set reset and 1 for a subtracting one, as in backpropagation with the reset
held constant. What is left out is the way through other neurons' spikes: for a layer without
recurrence nothing, so that there the two gradients are equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import require
from ..lif import Reset
from .bptt import Gradient, Layer, Rule, Tape, spike_slope

__all__ = ["Readout", "eligibility", "gradient"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Readout:
    """How leaky readout neurons filter spikes: ``y_k = decay y_(k-1) + gain (W s_k + b)``."""

    decay: float
    gain: float

    def __post_init__(self) -> None:
        require(0 <= self.decay <= 1, "decay", self.decay, "0 to 1")
        require(bool(np.isfinite(self.gain)), "gain", self.gain, "a finite number")


def eligibility(layer: Layer, tape: Tape, rule: Rule) -> Iterator[Array]:
    """Traces of each step, ``(batch, n, sources)``, as time goes forward.

    Sources are the input lines, then a constant 1 for the bias, then the neurons themselves
    one step earlier where there is recurrence.
    """
    lif, c = layer.neurons, tape.coefficients
    slope = spike_slope(layer, tape, rule)
    steps, batch, n = tape.u.shape
    size = tape.inputs.shape[2] + 1 + (n if layer.recurrent is not None else 0)
    u, i, raised = np.zeros((3, batch, n, size))
    beta = 0.0 if layer.adaptation is None else layer.adaptation.beta
    trace = np.zeros((batch, n, size))
    column = (slice(None), None)
    for k in range(steps):
        x = _sources(layer, tape, k)[:, None, :]
        if k > 0 and lif.reset is Reset.SET:
            u = u * (1.0 - tape.spikes[k - 1])[..., None]
        raised = tape.rho * raised + beta * trace
        u = c.a_mem[column] * u + c.g_x[column] * x
        if c.a_syn is not None:
            before = i
            i = c.a_syn[column] * i + c.g_syn[column] * x
            u = u + c.g_new[column] * i + c.g_old[column] * before
        trace = slope[k][..., None] * (u - raised)
        yield trace


def _sources(layer: Layer, tape: Tape, k: int) -> Array:
    batch, n = tape.u.shape[1:]
    parts = [tape.inputs[k], np.ones((batch, 1))]
    if layer.recurrent is not None:
        parts.append(tape.spikes[k - 1] if k > 0 else np.zeros((batch, n)))
    return np.concatenate(parts, axis=1)


def gradient(layer: Layer, tape: Tape, rule: Rule, readout: Readout, signal: Array) -> Gradient:
    """Gradient of the layer's weights, summed over the batch.

    Parameters
    ----------
    signal
        Learning signal ``(steps, batch, n)``: what each readout's error, ``dE/dy_k``, means for
        each neuron through the readout weights (or through random ones, for feedback that
        does not know them).

    Raises
    ------
    InvalidValue
        If the signal has not the shape of the layer's spikes.
    """
    require(signal.shape == tape.u.shape, "signal", list(signal.shape), f"{list(tape.u.shape)}")
    filtered: Array | None = None
    total = np.zeros((layer.neurons.n, 0))
    for k, trace in enumerate(eligibility(layer, tape, rule)):
        if filtered is None:
            filtered, total = np.zeros_like(trace), np.zeros(trace.shape[1:])
        filtered = readout.decay * filtered + readout.gain * trace
        total += np.einsum("bj,bji->ji", signal[k], filtered, optimize=True)
    lines = layer.weight.shape[1]
    recurrent = None if layer.recurrent is None else total[:, lines + 1 :]
    return Gradient(total[:, :lines], total[:, lines], recurrent)
