r"""Backpropagation through time for layers of LIF neurons.

The forward pass is golden's own step (:mod:`lifstone.golden.discrete`)::

    i_k = a_syn i_(k-1) + g_syn x_k                       x_k = W s_in_k + R s_(k-1) + b
    u_k = a_mem (v_(k-1) - v_leak) + v_leak + g_x x_k + g_new i_k + g_old i_(k-1)
    s_k = spike(u_k - beta a_k)                           v_k = reset(u_k, s_k)
    a_(k+1) = rho a_k + s_k                               (threshold adaptation, optional)

The backward pass is the chain rule with the spike's derivative replaced by a surrogate
(Neftci, Mostafa & Zenke, IEEE Signal Process. Mag. 36(6), 51 (2019), equations 9 to 11). With
``smoothed`` the forward pass emits the smooth spike whose derivative the surrogate is; the
gradient is then exact, and finite differences can check it. Without a refractory period only:
a hold is a decision that no derivative describes. The adaptive threshold is that of Bellec et
al., Nature Communications 11, 3625 (2020), equations 7 and 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..discrete import Coefficients, Method, discretise
from ..errors import InvalidValue, require
from ..lif import Lif, Reset
from .surrogate import Surrogate, derivative, smooth

__all__ = ["Adaptation", "Gradient", "Layer", "Rule", "Tape", "backward", "forward", "spike_slope"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Adaptation:
    """A threshold that every spike raises by ``beta`` and that falls back with ``tau`` seconds."""

    beta: float
    tau: float

    def __post_init__(self) -> None:
        require(np.isfinite(self.beta), "beta", self.beta, "a finite number")
        require(np.isfinite(self.tau) and self.tau > 0, "tau", self.tau, "a finite number above 0")


@dataclass(frozen=True, eq=False)
class Layer:
    """Neurons with weights from the layer before ``(n, n_in)``, to themselves, and a bias.

    ``recurrent`` is ``(n, n)`` and acts one step later, or ``None``; ``bias`` is ``(n,)``;
    ``adaptation`` moves the threshold, or ``None``.
    """

    neurons: Lif
    weight: Array
    bias: Array
    recurrent: Array | None = None
    adaptation: Adaptation | None = None

    def __post_init__(self) -> None:
        n = self.neurons.n
        good = self.weight.ndim == 2 and self.weight.shape[0] == n
        require(good, "weight", list(self.weight.shape), f"({n}, inputs)")
        require(self.bias.shape == (n,), "bias", list(self.bias.shape), f"{n} values")
        if self.recurrent is not None:
            shape = list(self.recurrent.shape)
            require(shape == [n, n], "recurrent", shape, f"({n}, {n})")
        for j in np.flatnonzero(self.neurons.t_ref > 0):
            raise InvalidValue(f"t_ref[{j}]", float(self.neurons.t_ref[j]), "0: no refractory time")


@dataclass(frozen=True)
class Rule:
    """How the spike's derivative is replaced.

    Parameters
    ----------
    surrogate, slope
        See :mod:`.surrogate`.
    smoothed
        Emit the smooth spike instead of 0 or 1.
    through_reset
        Let the gradient pass through the spike's own reset; without, the reset counts as a
        constant (Zenke & Vogels, Neural Comput. 33, 899 (2021), found it harmful).
    through_recurrence
        Let the gradient pass through the spikes of recurrent neurons to each other's inputs;
        without, what is left is what e-prop computes (see :mod:`.eprop`).
    """

    surrogate: Surrogate = Surrogate.FAST_SIGMOID
    slope: float = 5.0
    smoothed: bool = False
    through_reset: bool = False
    through_recurrence: bool = True

    def __post_init__(self) -> None:
        good = np.isfinite(self.slope) and self.slope > 0
        require(good, "slope", self.slope, "a finite number above 0")


@dataclass(frozen=True, eq=False)
class Tape:
    """What the backward pass of a layer needs; arrays ``(steps, batch, n)``.

    ``inputs`` are those that were given, of any type of number; ``spikes`` holds 0 and 1, or
    smooth values; ``u`` the potential before the comparison, ``v`` after the reset, ``raised``
    by how much the threshold was raised. ``rho`` is the share of that which a step leaves.
    """

    inputs: NDArray[Any]
    u: Array
    v: Array
    spikes: Array
    raised: Array
    rho: float
    coefficients: Coefficients


@dataclass(frozen=True, eq=False)
class Gradient:
    """Gradient of the loss with respect to a layer's weights, in their shapes."""

    weight: Array
    bias: Array
    recurrent: Array | None


def forward(
    layers: Sequence[Layer],
    inputs: NDArray[Any],
    dt: float,
    rule: Rule,
    method: Method = Method.EXPONENTIAL,
) -> list[Tape]:
    """Run ``inputs`` ``(steps, batch, n_in)`` through the layers; a tape for each.

    Raises
    ------
    InvalidValue
        For inputs of a wrong shape, or layers that do not fit each other.
    """
    x = np.asarray(inputs)
    require(x.ndim == 3, "inputs", list(x.shape), "(steps, batch, lines)")
    tapes = []
    for k, layer in enumerate(layers):
        n = layer.weight.shape[1]
        require(x.shape[2] == n, f"layers[{k}].weight", n, f"{x.shape[2]} inputs")
        rho = 0.0 if layer.adaptation is None else float(np.exp(-dt / layer.adaptation.tau))
        tapes.append(_run(layer, x, discretise(layer.neurons, dt, method), rho, rule))
        x = tapes[-1].spikes
    return tapes


def _run(layer: Layer, x: NDArray[Any], c: Coefficients, rho: float, rule: Rule) -> Tape:
    lif = layer.neurons
    shape = (*x.shape[:2], lif.n)
    u, v, s, raised = np.empty(shape), np.empty(shape), np.empty(shape), np.zeros(shape)
    beta = 0.0 if layer.adaptation is None else layer.adaptation.beta
    drive = _drive(layer, x)
    before = np.broadcast_to(lif.v_init, shape[1:])
    current = np.zeros(shape[1:])
    for k in range(shape[0]):
        total = drive[k]
        if layer.recurrent is not None and k > 0:
            total = total + s[k - 1] @ layer.recurrent.T
        new = current if c.a_syn is None else c.a_syn * current + c.g_syn * total
        u[k] = lif.v_leak + c.a_mem * (before - lif.v_leak) + c.g_x * total
        if c.a_syn is not None:
            u[k] += c.g_new * new + c.g_old * current
        if k > 0:
            raised[k] = rho * raised[k - 1] + beta * s[k - 1]
        s[k] = _emit(lif, u[k] - raised[k], rule)
        v[k] = _reset(lif, u[k], s[k])
        before, current = v[k], new
    return Tape(x, u, v, s, raised, rho, c)


def _drive(layer: Layer, x: NDArray[Any]) -> Array:
    """Weighted input of all steps in one product; steps in which no line is active cost none."""
    out = np.empty((*x.shape[:2], layer.neurons.n))
    out[:] = layer.bias
    active = x.any(axis=(1, 2))
    out[active] += np.asarray(x[active], dtype=np.float64) @ layer.weight.T
    return out


def _distance(lif: Lif, u: Array) -> Array:
    """``z``; far below the threshold for a readout, which has none."""
    with np.errstate(invalid="ignore"):
        z = (u - lif.v_th) / (lif.v_th - lif.v_reset)
    return np.where(np.isfinite(lif.v_th), z, -np.inf)


def _emit(lif: Lif, u: Array, rule: Rule) -> Array:
    readout = ~np.isfinite(lif.v_th)
    if not rule.smoothed:
        return np.asarray(u > lif.v_th, dtype=np.float64)
    z = np.where(readout, 0.0, _distance(lif, u))
    return np.where(readout, 0.0, smooth(rule.surrogate, z, rule.slope))


def _reset(lif: Lif, u: Array, s: Array) -> Array:
    if lif.reset is Reset.SET:
        return np.asarray(u + s * (lif.v_reset - u))
    drop = np.where(np.isfinite(lif.v_th), lif.v_th - lif.v_reset, 0.0)
    return np.asarray(u - s * drop)


def backward(
    layers: Sequence[Layer],
    tapes: Sequence[Tape],
    rule: Rule,
    *,
    d_spikes: Array | None = None,
    d_v: Array | None = None,
    d_hidden: Sequence[Array] | None = None,
) -> list[Gradient]:
    """Gradients of a loss whose derivative by the last layer's output is given.

    Parameters
    ----------
    d_spikes, d_v
        Derivative by the last layer's spikes and by its potential after the reset, each
        ``(steps, batch, n)``; at least one.
    d_hidden
        What the loss asks of the spikes of each layer but the last, on top of what reaches
        them from behind: the price of a spike, for instance.

    Raises
    ------
    InvalidValue
        If neither is given, or a shape is not the layer's.
    """
    require(d_spikes is not None or d_v is not None, "d_spikes", None, "d_spikes or d_v")
    shape = tapes[-1].spikes.shape
    for name, d in (("d_spikes", d_spikes), ("d_v", d_v)):
        good = d is None or d.shape == shape
        require(good, name, None if d is None else list(d.shape), f"{list(shape)}")
    ds = np.zeros(shape) if d_spikes is None else d_spikes
    dv = d_v
    out: list[Gradient] = []
    for k in range(len(layers) - 1, -1, -1):
        dx = _inputs(layers[k], tapes[k], rule, ds, dv)
        out.append(_gradient(layers[k], tapes[k], dx))
        if k == 0:
            break
        ds, dv = dx @ layers[k].weight, None
        if d_hidden is not None:
            ds = ds + d_hidden[k - 1]
    return out[::-1]


def _gradient(layer: Layer, tape: Tape, dx: Array) -> Gradient:
    recurrent = None
    if layer.recurrent is not None:
        recurrent = np.einsum("tbj,tbi->ji", dx[1:], tape.spikes[:-1], optimize=True)
    active = tape.inputs.any(axis=(1, 2))
    inputs = np.asarray(tape.inputs[active], dtype=np.float64)
    weight = np.einsum("tbj,tbi->ji", dx[active], inputs, optimize=True)
    return Gradient(weight, dx.sum(axis=(0, 1)), recurrent)


def _inputs(layer: Layer, tape: Tape, rule: Rule, ds: Array, dv: Array | None) -> Array:
    """Derivative by the layer's weighted input ``x_k``, ``(steps, batch, n)``."""
    lif, c = layer.neurons, tape.coefficients
    slope = spike_slope(layer, tape, rule)
    out = np.zeros_like(tape.u)
    beta = 0.0 if layer.adaptation is None else layer.adaptation.beta
    later_v, later_i, later_u, later_raised = np.zeros((4, *tape.u.shape[1:]))
    for k in range(len(out) - 1, -1, -1):
        d_after = later_v if dv is None else later_v + dv[k]
        d_spike = ds[k] + beta * later_raised
        if layer.recurrent is not None and rule.through_recurrence and k + 1 < len(out):
            d_spike = d_spike + out[k + 1] @ layer.recurrent
        kept, by_spike = _reset_paths(lif, tape, k)
        fired = d_spike + d_after * by_spike if rule.through_reset else d_spike
        du = d_after * kept + fired * slope[k]
        later_raised = tape.rho * later_raised - fired * slope[k]
        if c.a_syn is None:
            out[k] = du * c.g_x
        else:
            later_i = c.a_syn * later_i + c.g_new * du + c.g_old * later_u
            out[k] = later_i * c.g_syn
        later_v, later_u = du * c.a_mem, du
    return out


def spike_slope(layer: Layer, tape: Tape, rule: Rule) -> Array:
    """Surrogate derivative of each spike by its potential; 0 for a readout."""
    lif = layer.neurons
    z = _distance(lif, tape.u - tape.raised)
    if np.isfinite(lif.v_th).all():
        return derivative(rule.surrogate, z, rule.slope) / (lif.v_th - lif.v_reset)
    span = np.where(np.isfinite(lif.v_th), lif.v_th - lif.v_reset, 1.0)
    finite = np.where(np.isfinite(z), z, 0.0)
    return np.where(np.isfinite(z), derivative(rule.surrogate, finite, rule.slope), 0.0) / span


def _reset_paths(lif: Lif, tape: Tape, k: int) -> tuple[Array, Array]:
    """Derivatives of ``v_k`` by ``u_k`` and by the spike."""
    if lif.reset is Reset.SET:
        return 1.0 - tape.spikes[k], np.asarray(lif.v_reset - tape.u[k])
    drop = np.where(np.isfinite(lif.v_th), lif.v_th - lif.v_reset, 0.0)
    shape = tape.u[k].shape
    return np.ones(shape), np.broadcast_to(-drop, shape)
