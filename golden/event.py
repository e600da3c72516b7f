"""Event-driven solution: spike times of a LIF neuron without a time grid.

Between two events (an input change, a threshold crossing, the end of a refractory period)
the membrane is ``v(t) = A + B exp(-t/tau_mem) + C exp(-t/tau_syn)``. Without synapse the
crossing is a logarithm; with it the potential has at most one extremum, known in closed
form, and the crossing lies in a bracket that Brent's method narrows to machine precision
(Brette, Neural Computation 18, 2004 (2006); Hanuschkin et al., Front. Neuroinform. 4, 113
(2010)).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from .discrete import psp_gain
from .errors import InvalidValue, require
from .lif import Lif, Reset

__all__ = ["EventSolution", "solve"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EventSolution:
    """Exact solution of one neuron.

    ``spike_times`` are seconds, ascending; ``v`` and ``i`` are the states at the end of
    each input interval, shape ``(steps,)``.
    """

    spike_times: Array
    v: Array
    i: Array

    def spike_steps(self, dt: float) -> NDArray[np.int64]:
        """The input interval in which each spike falls; an interval includes its start."""
        at = self.spike_times / dt
        # The product k dt and this quotient may each lose the last digit of a whole number.
        step = np.floor(at + 4 * np.spacing(at))
        return np.asarray(np.minimum(step, len(self.v) - 1), dtype=np.int64)


def solve(model: Lif, x: ArrayLike, dt: float) -> EventSolution:
    """Drive one neuron with ``x[k]`` held over ``[k dt, (k+1) dt)``.

    Raises
    ------
    InvalidValue
        For more than one neuron, a non-finite input, a ``dt`` not above 0, or a drive so
        strong without refractory period that more than 10^4 spikes would fall in one step.
    """
    require(model.n == 1, "n", model.n, "1: take one neuron with Lif.neuron(j)")
    require(np.isfinite(dt) and dt > 0, "dt", dt, "a finite number greater than 0, in seconds")
    drive = np.asarray(x, dtype=np.float64)
    require(drive.ndim == 1, "x", list(drive.shape), "one value a step")
    for bad in np.flatnonzero(~np.isfinite(drive)):
        raise InvalidValue(f"x[{bad}]", float(drive[bad]), "finite numbers")
    neuron = _Membrane(model)
    v, i, held = float(model.v_init[0]), 0.0, 0.0
    times: list[float] = []
    v_out, i_out = np.empty(drive.size), np.empty(drive.size)
    for k, value in enumerate(drive.tolist()):
        v, i, held = _interval(neuron, value, k * dt, dt, (v, i, held), times)
        v_out[k], i_out[k] = v, i
    return EventSolution(np.asarray(times), v_out, i_out)


def _interval(
    m: _Membrane,
    x: float,
    start: float,
    dt: float,
    state: tuple[float, float, float],
    times: list[float],
) -> tuple[float, float, float]:
    """Advance over one interval of constant input; append spike times to ``times``."""
    v, i, held = state
    t = 0.0
    first = len(times)
    while t < dt:
        if held > 0:
            wait = min(held, dt - t)
            i = m.current(x, i, wait)
            held -= wait
            t = dt if wait == dt - t else t + wait
            continue
        above = v > m.v_th
        crossing = 0.0 if above else m.crossing(x, v, i, dt - t)
        if crossing is None:
            rest = dt - t
            return m.potential(x, v, i, rest), m.current(x, i, rest), 0.0
        t += crossing
        i = m.current(x, i, crossing)
        # At a crossing v is v_th, and both resets lead to v_reset.
        v = v - (m.v_th - m.v_reset) if above and m.subtracts else m.v_reset
        held = m.t_ref
        times.append(start + t)
        if len(times) - first > 10_000:
            raise InvalidValue("x", x, "a drive of at most 10^4 spikes a step; or set t_ref")
    return v, i, held


class _Membrane:
    """Closed forms of one neuron between events."""

    def __init__(self, model: Lif) -> None:
        self.tau = float(model.tau_mem[0])
        self.tau_syn = None if model.tau_syn is None else float(model.tau_syn[0])
        self.r = float(model.r[0])
        self.w_in = float(model.w_in[0])
        self.v_leak = float(model.v_leak[0])
        self.v_th = float(model.v_th[0])
        self.v_reset = float(model.v_reset[0])
        self.t_ref = float(model.t_ref[0])
        self.subtracts = model.reset is Reset.SUBTRACT

    def current(self, x: float, i: float, t: float) -> float:
        if self.tau_syn is None:
            return 0.0
        target = self.w_in * x
        return float(target + (i - target) * np.exp(-t / self.tau_syn))

    def potential(self, x: float, v: float, i: float, t: float) -> float:
        if not np.isfinite(self.tau):
            return v + self.r * x * t
        target = self.v_leak + self.r * (x if self.tau_syn is None else self.w_in * x)
        out = target + (v - target) * np.exp(-t / self.tau)
        if self.tau_syn is not None:
            gain = psp_gain(t, self.tau, self.tau_syn)
            out += self.r * (i - self.w_in * x) * float(gain)
        return float(out)

    def crossing(self, x: float, v: float, i: float, limit: float) -> float | None:
        """Time until ``v_th`` is crossed from below within ``limit``, else ``None``."""
        if not np.isfinite(self.v_th):
            return None
        if self.tau_syn is not None:
            return self._crossing_synapse(x, v, i, limit)
        if np.isfinite(self.tau):
            target = self.v_leak + self.r * x
            if target <= self.v_th:
                return None
            t = self.tau * float(np.log1p((self.v_th - v) / (target - self.v_th)))
        else:
            slope = self.r * x
            if slope <= 0:
                return None
            t = (self.v_th - v) / slope
        return t if t < limit else None

    def _crossing_synapse(self, x: float, v: float, i: float, limit: float) -> float | None:
        def above(t: float) -> float:
            return self.potential(x, v, i, t) - self.v_th

        turn = self._turning(x, v, i)
        edges = [0.0, turn, limit] if turn is not None and 0 < turn < limit else [0.0, limit]
        for left, right in itertools.pairwise(edges):
            if above(right) > 0:
                # The start may sit on the threshold itself: then the crossing is now.
                return left if above(left) >= 0 else float(brentq(above, left, right, xtol=1e-18))
        return None

    def _turning(self, x: float, v: float, i: float) -> float | None:
        """Where ``dv/dt`` vanishes; the potential is monotone on either side."""
        assert self.tau_syn is not None
        target = self.v_leak + self.r * self.w_in * x
        excess = self.r * (i - self.w_in * x)
        delta = 1.0 / self.tau - 1.0 / self.tau_syn
        if abs(delta) * self.tau < 1e-9:
            return None if excess == 0 else self.tau * (1 - (v - target) / excess)
        share = excess * self.tau_syn / (self.tau_syn - self.tau)
        fast = share / self.tau_syn
        slow = (share - (v - target)) / self.tau
        if fast == 0 or slow / fast <= 0:
            return None
        return float(np.log(slow / fast) / delta)
