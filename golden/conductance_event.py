"""The conductance-based LIF neuron without a time grid for its spikes.

The load is held over a step, the spike falls inside it: the crossing is a logarithm, as in
:mod:`.event`, here for ``n`` neurons at once and with a time constant that the load sets.
A load that changes within a step is read at the middle of it, which costs an error of second
order in the step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .conductance import Effective, Load, check_model, effective, relax
from .errors import InvalidValue, require
from .fi import interval
from .lif import Lif

__all__ = ["Membrane", "Spikes", "advance", "at_rest", "run"]

Array = NDArray[np.float64]


class Membrane(NamedTuple):
    """State in continuous time, ``(n,)``."""

    v: Array
    """Volts."""
    wait: Array
    """Seconds of the refractory period left."""


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spikes of ``n`` neurons, in the order of time: ``times`` in seconds, ``neurons``."""

    times: Array
    neurons: NDArray[np.int64]
    n: int

    @staticmethod
    def collect(times: list[Array], neurons: list[NDArray[np.int64]], n: int) -> Spikes:
        """From pieces in any order."""
        flat = np.concatenate([np.empty(0), *times])
        who = np.concatenate([np.empty(0, dtype=np.int64), *neurons])
        order = np.argsort(flat, kind="stable")
        return Spikes(flat[order], who[order], n)

    def of(self, neuron: int) -> Array:
        """The spike times of one neuron."""
        require(0 <= neuron < self.n, "neuron", neuron, f"0 to {self.n - 1}")
        return np.asarray(self.times[self.neurons == neuron])

    def rates(self, since: float = 0.0) -> Array:
        """Hertz, ``(n,)``: intervals between the spikes after ``since``; 0 below two spikes."""
        out = np.zeros(self.n)
        for j in range(self.n):
            late = self.of(j)
            late = late[late >= since]
            if late.size > 1:
                out[j] = (late.size - 1) / (late[-1] - late[0])
        return out


def at_rest(model: Lif) -> Membrane:
    """The state before the first step."""
    return Membrane(model.v_init.copy(), np.zeros(model.n))


def advance(
    model: Lif, dt: float, state: Membrane, on: Load
) -> tuple[Membrane, list[tuple[Array, NDArray[np.int64]]]]:
    """``dt`` seconds under a constant load, ``(n,)``; exact.

    Returns the state and the spikes as pairs of times within the step and neurons, one pair
    for the first spikes, one for the second, and so on.

    Raises
    ------
    InvalidValue
        If a neuron without refractory period would fire more than 1000 times in the step.
    """
    e = effective(model, on)
    tau, target = np.broadcast_to(e.tau, (model.n,)), np.broadcast_to(e.target, (model.n,))
    wait = np.minimum(state.wait, dt)
    left = dt - wait
    v, still = state.v, state.wait - wait
    fired: list[tuple[Array, NDArray[np.int64]]] = []
    while True:
        need = np.where(v > model.v_th, 0.0, interval(tau, target, model.v_th, v))
        now = np.flatnonzero((need < left) & (left > 0))
        if now.size == 0:
            return Membrane(relax(v, Effective(tau, target), left), still), fired
        if len(fired) == 1000:
            raise InvalidValue("t_ref", float(model.t_ref[now[0]]), "a period that bounds the rate")
        fired.append((dt - left[now] + need[now], now))
        v, left, still = v.copy(), left.copy(), still.copy()
        v[now] = model.v_reset[now]
        rest = left[now] - need[now]
        held = np.minimum(model.t_ref[now], rest)
        left[now], still[now] = rest - held, model.t_ref[now] - held


def run(
    model: Lif,
    dt: float,
    steps: int,
    loads: Callable[[int, Array], Load],
    trace: NDArray[np.float64] | None = None,
) -> Spikes:
    """``steps`` steps; ``loads(k, v)`` is the load over step ``k``, ``v`` the potential before.

    ``trace``, of shape ``(steps, n)`` if given, receives the potential after each step.

    Raises
    ------
    InvalidValue
        If ``dt`` or ``steps`` is not above 0, or the model is not covered.
    """
    check_model(model)
    require(np.isfinite(dt) and dt > 0, "dt", dt, "a finite number greater than 0, in seconds")
    require(steps > 0, "steps", steps, "1 or more")
    state = at_rest(model)
    times: list[Array] = []
    neurons: list[NDArray[np.int64]] = []
    for k in range(steps):
        state, fired = advance(model, dt, state, loads(k, state.v))
        for within, who in fired:
            times.append(k * dt + within)
            neurons.append(who)
        if trace is not None:
            trace[k] = state.v
    return Spikes.collect(times, neurons, model.n)
