"""Spiking neurons by a general solver of differential equations: the slow, independent reading.

Nothing here knows a closed form: the right-hand side is integrated by an eighth-order
Runge-Kutta method at tight tolerance, and the threshold is found on its interpolant, also
where the potential only grazes it. Source: Hairer, Norsett & Wanner, "Solving Ordinary
Differential Equations I" (1993), section II.5, for the method; SciPy's implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

from .conductance import check_model
from .errors import InvalidValue, require
from .lif import Lif

__all__ = ["integrate", "spike_times"]

Array = NDArray[np.float64]
Flow = Callable[[float, Array], Array]
Event = Callable[[float, Array], float]
TOLERANCE = 1e-10
FLOOR = 1e-13
"""Absolute tolerance; states are volts and fractions, whose size is 0.01 to 1."""


def integrate(flow: Flow, start: ArrayLike, times: ArrayLike, longest: float = np.inf) -> Array:
    """States at ascending ``times``, the first of which is that of ``start``.

    Shape ``(len(times), len(start))``; ``longest`` bounds the solver's step in seconds.
    """
    at = np.asarray(times, dtype=np.float64)
    require(at.ndim == 1 and bool((np.diff(at) > 0).all()), "times", at.tolist(), "ascending")
    found = solve_ivp(
        flow,
        (float(at[0]), float(at[-1])),
        np.asarray(start, dtype=np.float64),
        method="DOP853",
        t_eval=at,
        rtol=TOLERANCE,
        atol=FLOOR,
        max_step=longest,
    )
    require(bool(found.success), "flow", str(found.message), "equations that can be integrated")
    return np.asarray(found.y.T)


def spike_times(
    model: Lif,
    flow: Flow,
    start: ArrayLike,
    duration: float,
    breaks: Sequence[float] = (),
    longest: float = np.inf,
) -> Array:
    """Spike times in seconds of one neuron whose state 0 is its potential.

    Parameters
    ----------
    model
        Threshold, reset and refractory period, during which the potential is held while the
        other states go on.
    flow
        ``dy/dt`` of ``(t, y)``, without threshold.
    breaks
        Times at which ``flow`` jumps; the solver starts anew there.
    longest
        Bound of the solver's step in seconds.

    Raises
    ------
    InvalidValue
        For more than one neuron or more than 10^4 spikes.
    """
    check_model(model)
    require(model.n == 1, "n", model.n, "1: take one neuron with Lif.neuron(j)")
    v_th, v_reset = float(model.v_th[0]), float(model.v_reset[0])
    edges = sorted({float(b) for b in breaks if 0 < b < duration} | {duration})
    y, t, held_until = np.asarray(start, dtype=np.float64), 0.0, 0.0
    times: list[float] = []
    for edge in edges:
        while t < edge:
            waiting = t < held_until
            stop = min(edge, held_until) if waiting else edge
            t, y, fired = _piece(flow, (t, stop, edge), y, None if waiting else v_th, longest)
            if fired:
                times.append(t)
                y[0], held_until = v_reset, t + float(model.t_ref[0])
                if len(times) > 10_000:
                    raise InvalidValue("duration", duration, "a run of at most 10^4 spikes")
    return np.asarray(times)


def _piece(
    flow: Flow, span: tuple[float, float, float], y: Array, v_th: float | None, longest: float
) -> tuple[float, Array, bool]:
    """From ``span[0]`` to ``span[1]`` or the next crossing; without ``v_th`` state 0 is held.

    ``span[2]`` is where the flow jumps next.
    """
    before = float(np.nextafter(span[2], 0.0))

    def change(at: float, state: Array) -> Array:
        # The last stage of a step is read at its end, where the next piece may have begun.
        out = np.array(flow(min(at, before), state))
        if v_th is None:
            out[0] = 0.0
        return out

    def crossing(_: float, state: Array) -> float:
        return float(state[0]) - (0.0 if v_th is None else v_th)

    def summit(at: float, state: Array) -> float:
        return float(change(at, state)[0])

    crossing.terminal = True  # type: ignore[attr-defined]
    crossing.direction, summit.direction = 1.0, -1.0  # type: ignore[attr-defined]
    events: list[Event] | None = None if v_th is None else [crossing, summit]
    found = _solve(change, span[:2], y, longest, events)
    if v_th is not None:
        # A potential that only grazes the threshold is above it between two steps of the solver.
        for at, top in zip(found.t_events[1], found.y_events[1], strict=True):
            if top[0] > v_th and at < found.t[-1]:
                found = _solve(change, (span[0], float(at)), y, longest, [crossing])
                break
    return float(found.t[-1]), np.array(found.y[:, -1]), found.status == 1


def _solve(
    flow: Flow,
    span: tuple[float, float],
    y: Array,
    longest: float,
    events: list[Event] | None,
) -> Any:
    """One call of the solver.

    Raises
    ------
    InvalidValue
        If it gives up.
    """
    found = solve_ivp(
        flow,
        span,
        y,
        method="DOP853",
        rtol=TOLERANCE,
        atol=FLOOR,
        max_step=longest,
        events=events,
    )
    require(bool(found.success), "flow", str(found.message), "equations that can be integrated")
    return found
