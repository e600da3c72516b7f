"""A LIF neuron with one voltage-gated channel, such as the HCN channel of a pacemaker.

On the time grid (:func:`step`), as a clocked body does it, in this order::

    1. gate        x <- x_inf(v) + (x - x_inf(v)) exp(-dt / tau(v))     v before the step
    2. conductance g <- g_max x                                         the new x
    3. membrane    the exact step of :mod:`.conductance` under g, with threshold and reset

In continuous time (:func:`simulate`) the same pieces are composed symmetrically, half a gate
step, the membrane, half a gate step, and a step is cut where a spike or the end of a
refractory period falls into it. The error is of second order in ``dt`` (Strang, SIAM J. Numer.
Anal. 5, 506 (1968)), spikes included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import conductance as membrane
from .conductance_event import Spikes
from .errors import InvalidValue, require
from .fi import interval
from .gating import Gate, gate_step
from .lif import Lif

__all__ = ["GatedNeuron", "GatedState", "Recorded", "simulate", "step"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GatedNeuron:
    """``n`` neurons with one gated channel each.

    Parameters
    ----------
    lif
        The membrane; see :func:`~.conductance.check_model`.
    gate
        The channel's gate.
    g_max
        Conductance in siemens with all channels open, 0 or more, ``(n,)``.
    reversal
        Reversal potential in volts.
    shift
        Volts by which gate and time constant are moved, ``(n,)``.
    """

    lif: Lif
    gate: Gate
    g_max: Array
    reversal: float
    shift: Array

    def __init__(
        self, lif: Lif, gate: Gate, g_max: ArrayLike, reversal: float, shift: ArrayLike = 0.0
    ) -> None:
        membrane.check_model(lif)
        require(bool(np.isfinite(reversal)), "reversal", reversal, "a finite number, in volts")
        wide = {"g_max": g_max, "shift": shift}
        for name, value in wide.items():
            a = np.asarray(value, dtype=np.float64)
            require(a.size in (1, lif.n), name, list(a.shape), f"a scalar or {lif.n} values")
            a = np.broadcast_to(a.reshape(-1), (lif.n,)).copy()
            bad = ~np.isfinite(a) | ((a < 0) if name == "g_max" else False)
            for j in np.flatnonzero(bad):
                allowed = "0 S or greater" if name == "g_max" else "a finite number, in volts"
                raise InvalidValue(f"{name}[{j}]", float(a[j]), allowed)
            object.__setattr__(self, name, a)
        object.__setattr__(self, "lif", lif)
        object.__setattr__(self, "gate", gate)
        object.__setattr__(self, "reversal", float(reversal))

    def load(self, x: Array) -> membrane.Load:
        """What the channel puts on the membrane when its gate stands at ``x``."""
        return membrane.load((self.g_max * x, self.reversal))

    def gated(self, x: Array, v: Array, dt: float | Array) -> Array:
        """The gate after ``dt`` seconds at potential ``v``."""
        return gate_step(x, self.gate.steady(v, self.shift), self.gate.tau(v, self.shift), dt)

    def resting_potential(self) -> Array:
        """Where a neuron whose gate closes on depolarisation can rest, volts, ``(n,)``.

        The root of the current balance of :meth:`silencing_conductance` below threshold,
        ``nan`` beyond that conductance. Reversal above threshold, threshold above leak.
        """
        lif = self.lif

        def pull(v: Array) -> Array:
            drive = lif.r * self.g_max * self.gate.steady(v, self.shift)
            return np.asarray(lif.v_leak - v + drive * (self.reversal - v))

        low, high = lif.v_leak.copy(), lif.v_th.copy()
        rests = pull(high) <= 0
        for _ in range(60):
            middle = (low + high) / 2
            up = pull(middle) > 0
            low, high = np.where(up, middle, low), np.where(up, high, middle)
        return np.asarray(np.where(rests, (low + high) / 2, np.nan))

    def silencing_conductance(self) -> Array:
        """The ``g_max`` in siemens up to which the neuron can rest below threshold, ``(n,)``.

        At rest ``g_leak (v_leak - v) + g_max x_inf(v) (reversal - v) = 0``. For a gate that
        closes on depolarisation the ``g_max`` this asks for rises with ``v``, so that the last
        resting potential is the threshold itself.
        """
        open_at = self.gate.steady(self.lif.v_th, self.shift)
        return np.asarray(membrane.critical_conductance(self.lif, self.reversal) / open_at)


class GatedState(NamedTuple):
    """State on a time grid, ``(n,)``: the membrane's and the gate."""

    membrane: membrane.State
    x: Array


@dataclass(frozen=True, eq=False)
class Recorded:
    """A run: spikes, and potential and gate after each step, ``(steps, n)``, if recorded."""

    spikes: Spikes
    v: Array | None
    x: Array | None


def step(neuron: GatedNeuron, dt: float, state: GatedState) -> tuple[GatedState, NDArray[np.bool_]]:
    """One step with spikes on the grid: gate, conductance, membrane, in this order."""
    x = neuron.gated(state.x, state.membrane.v, dt)
    after, spikes = membrane.step(neuron.lif, dt, state.membrane, neuron.load(x))
    return GatedState(after, x), spikes


def simulate(
    neuron: GatedNeuron, dt: float, steps: int, *, x: ArrayLike | None = None, record: bool = False
) -> Recorded:
    """Run ``steps`` steps with spikes between the points of the grid.

    Starts at ``v_init`` with the gate settled there, or at ``x``, ``(n,)``.

    Raises
    ------
    InvalidValue
        If ``dt`` or ``steps`` is not above 0, or the rate is not bounded by a refractory
        period.
    """
    require(np.isfinite(dt) and dt > 0, "dt", dt, "a finite number greater than 0, in seconds")
    require(steps > 0, "steps", steps, "1 or more")
    lif = neuron.lif
    start = neuron.gate.steady(lif.v_init, neuron.shift) if x is None else np.asarray(x)
    gate = np.broadcast_to(start, (lif.n,)).astype(np.float64)
    v, wait = lif.v_init.copy(), np.zeros(lif.n)
    v_out = np.empty((steps, lif.n)) if record else None
    x_out = np.empty((steps, lif.n)) if record else None
    times: list[Array] = []
    who: list[NDArray[np.int64]] = []
    for k in range(steps):
        left, cuts = np.full(lif.n, dt), 0
        while (left > 0).any():
            v, gate, wait, now, fired = _piece(neuron, v, gate, wait, left)
            left = left - now
            if fired.any():
                times.append((k + 1) * dt - left[fired])
                who.append(np.flatnonzero(fired))
            cuts += 1
            require(cuts < 1000, "t_ref", float(lif.t_ref.min()), "a period that bounds the rate")
        if v_out is not None and x_out is not None:
            v_out[k], x_out[k] = v, gate
    return Recorded(Spikes.collect(times, who, lif.n), v_out, x_out)


def _piece(
    neuron: GatedNeuron, v: Array, x: Array, wait: Array, left: Array
) -> tuple[Array, Array, Array, Array, NDArray[np.bool_]]:
    """Up to ``left`` seconds, to the next spike or the end of the refractory period.

    Returns potential, gate, refractory time left, the seconds passed and who fired. The load
    is that of the gate half way; for a spike, half way to where the first estimate has it.
    """
    lif, waiting = neuron.lif, wait > 0

    def reach(half: Array) -> tuple[membrane.Effective, Array]:
        e = membrane.effective(lif, neuron.load(neuron.gated(x, v, half)))
        return e, np.where(v > lif.v_th, 0.0, interval(e.tau, e.target, lif.v_th, v))

    aim = np.where(waiting, np.minimum(wait, left), left)
    e, need = reach(aim / 2)
    fired = ~waiting & (need < aim)
    now = np.where(fired, need, aim)
    if fired.any():
        _, closer = reach(now / 2)
        now = np.where(fired, np.minimum(closer, aim), aim)
    after = np.where(waiting, v, np.where(fired, lif.v_th, membrane.relax(v, e, now)))
    x = neuron.gated(neuron.gated(x, v, now / 2), after, now / 2)
    wait = np.where(fired, lif.t_ref, np.where(waiting, wait - now, 0.0))
    return np.where(fired, lif.v_reset, after), x, wait, now, fired
