r"""The LIF neuron with conductances: effective time constant, effective target, exact step.

Conductances ``g_k`` with reversal potentials ``e_k`` sit beside the leak of a
:class:`~.lif.Lif`, whose leak conductance is ``1 / r`` and whose capacitance is
``tau_mem / r``::

    tau_mem dv/dt = (v_leak - v) + r (sum_k g_k (e_k - v) + i)

With ``g = sum_k g_k`` and ``drive = sum_k g_k e_k + i`` this is again a leaky integrator,

    tau dv/dt = target - v,   tau = tau_mem / (1 + r g),
                              target = (v_leak + r drive) / (1 + r g),

so that every closed form of the current-driven neuron holds with ``tau`` and ``target`` in
place of ``tau_mem`` and ``v_leak + r i``. Sources: Gerstner et al., "Neuronal Dynamics"
(2014), sections 1.3 and 3.1; Destexhe, Rudolph & Pare, Nat. Rev. Neurosci. 4, 739 (2003),
for the effective time constant.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import fi
from .discrete import Method
from .errors import InvalidValue, require
from .lif import Lif, Reset

__all__ = [
    "Effective",
    "Load",
    "State",
    "check_model",
    "critical_conductance",
    "effective",
    "initial_state",
    "load",
    "rate",
    "relax",
    "step",
]

Array = NDArray[np.float64]


class Load(NamedTuple):
    """What hangs on the membrane besides its leak; both broadcast to ``(..., n)``."""

    g: Array
    """Sum of the conductances, siemens."""
    drive: Array
    """``sum_k g_k e_k + i``, amperes."""


class Effective(NamedTuple):
    """The leaky integrator a loaded membrane is."""

    tau: Array
    """Seconds."""
    target: Array
    """Volts."""


class State(NamedTuple):
    """State on a time grid, ``(..., n)``."""

    v: Array
    """Volts."""
    hold: NDArray[np.int64]
    """Refractory steps left."""


def check_model(model: Lif) -> None:
    """Refuse what the equations above do not cover.

    Raises
    ------
    InvalidValue
        For a synaptic state, a subtracting reset, a leak-free membrane or a resistance that
        is not above 0.
    """
    require(model.tau_syn is None, "tau_syn", model.tau_syn, "None: conductances are the input")
    require(model.reset is Reset.SET, "reset", str(model.reset), "'set'")
    for j in np.flatnonzero(~np.isfinite(model.tau_mem)):
        raise InvalidValue(f"tau_mem[{j}]", float(model.tau_mem[j]), "finite")
    for j in np.flatnonzero(~(model.r > 0)):
        raise InvalidValue(f"r[{j}]", float(model.r[j]), "greater than 0")


def load(*channels: tuple[ArrayLike, ArrayLike], current: ArrayLike = 0.0) -> Load:
    """Add channels ``(conductance, reversal potential)`` and a current, in this order.

    Raises
    ------
    InvalidValue
        For a conductance that is negative or not finite.
    """
    g, drive = np.asarray(0.0), np.asarray(current, dtype=np.float64)
    for k, (conductance, reversal) in enumerate(channels):
        one = np.asarray(conductance, dtype=np.float64)
        bad = ~(np.isfinite(one) & (one >= 0))
        if bad.any():
            raise InvalidValue(f"conductance[{k}]", float(one[bad].flat[0]), "0 S or greater")
        g = g + one
        drive = drive + one * np.asarray(reversal, dtype=np.float64)
    return Load(np.asarray(g), np.asarray(drive))


def effective(model: Lif, on: Load) -> Effective:
    """Time constant and target of the loaded membrane, ``(..., n)``."""
    share = 1.0 + model.r * on.g
    return Effective(model.tau_mem / share, (model.v_leak + model.r * on.drive) / share)


def rate(model: Lif, on: Load) -> Array:
    """Firing rate in hertz under constant load: the conductance-based F-I curve, ``(..., n)``.

    ``1 / (t_ref + tau ln((target - v_reset) / (target - v_th)))``, 0 up to threshold.
    """
    check_model(model)
    e = effective(model, on)
    return np.asarray(1.0 / fi.interval(e.tau, e.target, model.v_th, model.v_reset, model.t_ref))


def critical_conductance(model: Lif, reversal: ArrayLike, current: ArrayLike = 0.0) -> Array:
    """The conductance in siemens above which a channel alone makes the neuron fire, ``(n,)``.

    ``(v_th - v_leak - r i) / (r (reversal - v_th))``, not below 0; infinite if ``reversal``
    does not exceed the threshold.
    """
    check_model(model)
    pull = np.asarray(reversal, dtype=np.float64) - model.v_th
    missing = np.maximum(model.v_th - model.v_leak - model.r * np.asarray(current), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(pull > 0, missing / (model.r * pull), np.inf))


def initial_state(model: Lif, batch: tuple[int, ...] = ()) -> State:
    """The state before the first step, of shape ``batch + (n,)``."""
    shape = (*batch, model.n)
    return State(np.broadcast_to(model.v_init, shape).copy(), np.zeros(shape, dtype=np.int64))


def relax(v: Array, on: Effective, t: ArrayLike) -> Array:
    """The potential ``t`` seconds later under constant load, without threshold."""
    return np.asarray(on.target + (v - on.target) * np.exp(-np.asarray(t) / on.tau))


def step(
    model: Lif, dt: float, state: State, on: Load, method: Method | str = Method.EXPONENTIAL
) -> tuple[State, NDArray[np.bool_]]:
    """One step of ``dt`` seconds; returns state and spikes, ``(..., n)``.

    Order: effective time constant and target from the load, decay factor, integrate, hold
    what is refractory, compare (strictly above threshold), reset, refractory count. Exact for
    a load held over the step; ``Method.EULER`` is forward Euler, ``v + dt / tau (target - v)``.

    Raises
    ------
    InvalidValue
        If ``dt`` is not above 0, or exceeds the shortest ``tau`` with forward Euler.
    """
    require(np.isfinite(dt) and dt > 0, "dt", dt, "a finite number greater than 0, in seconds")
    e = effective(model, on)
    if Method(method) is Method.EXPONENTIAL:
        v = relax(state.v, e, dt)
    else:
        shortest = float(np.min(e.tau))
        require(dt <= shortest, "dt", dt, f"at most tau = {shortest:g} s with forward Euler")
        v = state.v + dt / e.tau * (e.target - state.v)
    free = state.hold == 0
    v = np.where(free, v, state.v)
    spikes = free & (v > model.v_th)
    v = np.where(spikes, model.v_reset, v)
    refractory = np.round(model.t_ref / dt).astype(np.int64)
    return State(v, np.where(spikes, refractory, np.maximum(state.hold - 1, 0))), spikes
