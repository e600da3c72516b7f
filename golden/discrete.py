r"""The float model on a time grid: one update rule, three ways to its coefficients.

With ``u = v - v_leak`` every discretisation used here is the same linear map, followed by
compare, reset and refractory hold::

    i' = a_syn i + g_syn x
    u' = a_mem u + g_x x + g_new i' + g_old i

``Method.EXPONENTIAL`` is exact for input held constant over the step (exponential Euler;
Rotter & Diesmann, Biol. Cybern. 81, 381 (1999), equation 3). ``Method.EULER`` is forward
Euler with the synapse updated first, as snnTorch exports its networks, and
``Method.EULER_OLD`` is forward Euler on both states at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InvalidValue, require
from .lif import Lif, Reset

__all__ = [
    "Coefficients",
    "FloatState",
    "Method",
    "Trace",
    "discretise",
    "initial_state",
    "integrate",
    "step",
]

Array = NDArray[np.float64]


class Method(StrEnum):
    """How the differential equation becomes an update per step."""

    EXPONENTIAL = "exponential"
    EULER = "euler"
    EULER_OLD = "euler-old"


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Coefficients of the update, each of shape ``(n,)``; see the module's equation.

    ``a_syn`` is ``None`` without synaptic state. ``hold`` is the refractory period in steps.
    """

    a_mem: Array
    a_syn: Array | None
    g_x: Array
    g_syn: Array
    g_new: Array
    g_old: Array
    hold: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FloatState:
    """State of a population: ``v`` and ``i`` in float64, ``hold`` the refractory steps left.

    Arrays end in the neuron axis; leading axes are batches.
    """

    v: Array
    i: Array
    hold: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Trace:
    """What a body did: states after each step and the spikes of that step.

    ``v`` and ``i`` have shape ``(steps, n)``, float64 volts and amperes for float bodies,
    int64 in the contract's Q format for integer bodies; ``spikes`` is bool ``(steps, n)``.
    """

    v: NDArray[Any]
    i: NDArray[Any]
    spikes: NDArray[np.bool_]


def discretise(model: Lif, dt: float, method: Method | str = Method.EXPONENTIAL) -> Coefficients:
    """Coefficients of one step of ``dt`` seconds.

    Raises
    ------
    InvalidValue
        If ``dt`` is not a positive finite number, or a forward Euler step would exceed a
        time constant (the decay factor would turn negative).
    """
    require(np.isfinite(dt) and dt > 0, "dt", dt, "a finite number greater than 0, in seconds")
    try:
        method = Method(method)
    except ValueError:
        raise InvalidValue("method", method, ", ".join(Method)) from None
    # A counter of 2^31 steps is beyond any run; it keeps the integer conversion exact.
    hold_float = np.round(model.t_ref / dt)
    require(bool((hold_float < 2**31).all()), "t_ref", float(model.t_ref.max()), "< 2^31 steps")
    hold = hold_float.astype(np.int64)
    if method is Method.EXPONENTIAL:
        return _exponential(model, dt, hold)
    return _euler(model, dt, method, hold)


def _exponential(model: Lif, dt: float, hold: NDArray[np.int64]) -> Coefficients:
    a_mem = np.exp(-dt / model.tau_mem)
    # -expm1 keeps all digits of 1 - exp(-x) when dt is far below tau.
    rise = -np.expm1(-dt / model.tau_mem)
    zero = np.zeros(model.n)
    if model.tau_syn is None:
        leaky = np.isfinite(model.tau_mem)
        g_x = np.where(leaky, model.r * rise, model.r * dt)
        return Coefficients(a_mem, None, g_x, zero, zero, zero, hold)
    a_syn = np.exp(-dt / model.tau_syn)
    rise_syn = -np.expm1(-dt / model.tau_syn)
    spread = psp_gain(dt, model.tau_mem, model.tau_syn)
    g_new = model.r * (rise - spread) / rise_syn
    g_old = model.r * spread - a_syn * g_new
    return Coefficients(a_mem, a_syn, zero, model.w_in * rise_syn, g_new, g_old, hold)


def psp_gain(t: float | Array, tau_mem: float | Array, tau_syn: float | Array) -> Array:
    """``tau_syn / (tau_syn - tau_mem) (exp(-t/tau_syn) - exp(-t/tau_mem))``, dimensionless.

    The membrane response to a unit synaptic current that decays from time 0. Written with
    ``expm1`` of the rate difference, so that it goes smoothly into its limit
    ``t/tau exp(-t/tau)`` as the two time constants meet, and from the slower of the two
    exponentials, so that it never overflows.
    """
    delta = np.abs(t * (1.0 / tau_mem - 1.0 / tau_syn))
    small = delta < 1e-12
    ratio = np.where(small, 1.0, -np.expm1(-delta) / np.where(small, 1.0, delta))
    return np.asarray(t / tau_mem * np.exp(-t / np.maximum(tau_mem, tau_syn)) * ratio)


def _euler(model: Lif, dt: float, method: Method, hold: NDArray[np.int64]) -> Coefficients:
    _stable("tau_mem", model.tau_mem, dt)
    zero = np.zeros(model.n)
    step_mem = dt / model.tau_mem
    leaky = np.isfinite(model.tau_mem)
    gain = np.where(leaky, model.r * step_mem, model.r * dt)
    if model.tau_syn is None:
        return Coefficients(1.0 - step_mem, None, gain, zero, zero, zero, hold)
    _stable("tau_syn", model.tau_syn, dt)
    step_syn = dt / model.tau_syn
    new, old = (gain, zero) if method is Method.EULER else (zero, gain)
    return Coefficients(1.0 - step_mem, 1.0 - step_syn, zero, model.w_in * step_syn, new, old, hold)


def _stable(name: str, tau: Array, dt: float) -> None:
    for j in np.flatnonzero(tau < dt):
        allowed = f"at most {name}[{j}] = {tau[j]:g} s with a forward Euler method"
        raise InvalidValue("dt", dt, allowed)


def initial_state(model: Lif, batch: tuple[int, ...] = ()) -> FloatState:
    """The state before the first step, of shape ``batch + (n,)``."""
    shape = (*batch, model.n)
    return FloatState(
        np.broadcast_to(model.v_init, shape).copy(),
        np.zeros(shape),
        np.zeros(shape, dtype=np.int64),
    )


def integrate(model: Lif, c: Coefficients, state: FloatState, x: Array) -> tuple[Array, Array]:
    """The linear half of a step: potential before the comparison, and synaptic current."""
    i = state.i if c.a_syn is None else c.a_syn * state.i + c.g_syn * x
    u = c.a_mem * (state.v - model.v_leak) + c.g_x * x
    if c.a_syn is not None:
        u = u + c.g_new * i + c.g_old * state.i
    return np.where(state.hold == 0, u + model.v_leak, state.v), i


def step(
    model: Lif, c: Coefficients, state: FloatState, x: Array
) -> tuple[FloatState, NDArray[np.bool_]]:
    """One step with weighted input ``x`` (shape ``(..., n)``); returns state and spikes.

    Order: synapse, leak and integrate, compare (strictly above threshold), reset,
    refractory. A refractory neuron's synapse decays on while its membrane is held.
    """
    v, i = integrate(model, c, state, x)
    spikes = (state.hold == 0) & (v > model.v_th)
    if model.reset is Reset.SET:
        after = np.broadcast_to(model.v_reset, v.shape)
    else:
        with np.errstate(invalid="ignore"):
            after = v - (model.v_th - model.v_reset)
    v = np.where(spikes, after, v)
    hold = np.where(spikes, c.hold, np.maximum(state.hold - 1, 0))
    return FloatState(v, i, hold), spikes
