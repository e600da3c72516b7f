"""Checks of system 6: explicit sums of exponentials, gamma functions and a general solver."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.optimize import brentq

from .. import ode
from ..kernels import Kernel, Shape, alpha_response, matrix, sum_of_exponentials
from ..postsynaptic import (
    Arrival,
    Synapse,
    current_potential,
    exponential_conductance,
    grid_potential,
    potential,
)
from .system import Check

if TYPE_CHECKING:
    from .summation import Parameters

__all__ = ["checks", "solved"]

Array = NDArray[np.float64]


def course(synapse: Synapse, t: float) -> float:
    """The synapse's course written out, at its peak as large as ``synapse.peak``."""
    k = synapse.kernel
    if t <= 0:
        return 0.0
    if k.shape is Shape.ALPHA:
        return float(synapse.peak * t / k.tau * np.exp(1.0 - t / k.tau))
    top = np.log(k.tau / k.rise) * k.tau * k.rise / (k.tau - k.rise)
    height = np.exp(-top / k.tau) - np.exp(-top / k.rise)
    return float(synapse.peak / height * (np.exp(-t / k.tau) - np.exp(-t / k.rise)))


def flow(p: Parameters, arrivals: Sequence[Arrival]) -> ode.Flow:
    """``dv/dt`` of one trial."""

    def change(t: float, y: Array) -> Array:
        drive = 0.0
        for synapse, onset in arrivals:
            size = course(synapse, t - float(onset[0]))
            drive += size if synapse.reversal is None else size * (synapse.reversal - float(y[0]))
        return np.array([(p.v_leak - float(y[0]) + p.r * drive) / p.tau_mem])

    return change


def solved(p: Parameters, arrivals: Sequence[Arrival], times: Array) -> Array:
    """The potential at ascending times from 0 by the solver, started anew at each arrival."""
    change, v, out = flow(p, arrivals), p.v_leak, []
    edges = sorted({0.0, *(float(onset[0]) for _, onset in arrivals), float(times[-1])})
    out.append(np.array([v]))
    for left, right in pairwise(edges):
        inside = times[(times > left) & (times <= right)]
        at = np.unique([left, *inside, right])
        values = ode.integrate(change, [v], at)[:, 0]
        v = float(values[-1])
        out.append(values[np.isin(at, inside)])
    return np.concatenate(out)


def solved_peak(p: Parameters, synapse: Synapse, lag: float) -> float:
    """Highest point of a pair at or after the second arrival, as an event of the solver."""
    arrivals = [(synapse, np.full(1, t)) for t in (0.0, lag)]
    change = flow(p, arrivals)
    start = solved(p, arrivals, np.array([0.0, lag]))[-1] if lag > 0 else p.v_leak

    def slope(t: float, y: Array) -> float:
        return float(change(t, y)[0])

    slope.terminal = True  # type: ignore[attr-defined]
    slope.direction = -1.0  # type: ignore[attr-defined]
    span = (lag, lag + p.tail())
    found = solve_ivp(change, span, [start], method="DOP853", rtol=ode.TOLERANCE, atol=ode.FLOOR,
                      events=slope)  # fmt: skip
    return float(found.y[0, -1]) - p.v_leak


def checks(p: Parameters, pair: dict[bool, float], windows: list[float]) -> tuple[Check, ...]:
    """Closed forms against each other, quadrature against the solver, the step's order."""
    return (
        *_closed_forms(p),
        *_against_solver(p),
        _order(p),
        *_peaks(p, pair),
        *_windows(p, windows),
    )


def _worst(a: Array, b: Array) -> float:
    return float(np.abs(a - b).max())


def _explicit(taus: Sequence[float], t: Array) -> Array:
    """The cascade as the sum of its exponentials; as a matrix exponential where taus meet."""
    apart = np.abs(np.diff(np.sort(taus)))
    if apart.min() > 1e-2 * max(taus):
        return np.asarray(np.exp(-t[:, None] / np.array(taus)) @ sum_of_exponentials(taus))
    tau, tau_mem = taus[0], taus[-1]
    if taus[0] == taus[1] and abs(tau - tau_mem) > 1e-2 * tau:
        return alpha_response(tau, tau_mem, t)
    return np.asarray(expm(matrix(taus) * t[:, None, None])[:, -1, 0] / tau)


def _closed_forms(p: Parameters) -> tuple[Check, ...]:
    t = np.linspace(0.0, 5 * p.tau_mem, 501)
    lif, zero = p.membrane(), np.zeros(1)
    s = p.synapse("exc", "double", current=True)
    taus = (*s.kernel.taus, p.tau_mem)
    gain = p.r * s.peak / s.kernel.peak
    explicit = _explicit(taus, t)
    mine = current_potential(lif, [(s, zero)], t) - p.v_leak
    a = p.synapse("exc", "alpha", current=True)
    alpha = p.r * a.peak / a.kernel.peak * _explicit((*a.kernel.taus, p.tau_mem), t)
    tau = min(p.tau_exc, p.tau_mem / 2)
    one = Synapse(Kernel(Shape.EXPONENTIAL, tau), p.g_exc, p.e_exc)
    steps = round(5 * p.tau_mem / p.dt)
    whole = potential(lif, [(one, zero)], p.dt, steps)[:, 0]
    gamma = exponential_conductance(lif, p.g_exc, tau, p.e_exc, np.arange(steps + 1) * p.dt)
    alone = current_potential(lif, [(a, zero)], t) - p.v_leak
    because = "rounding; the sum cancels where time constants are close"
    return (
        Check.absolute("current EPSP, double exponential", _worst(mine, gain * explicit), 0.0,
                       1e-12, "V", "sum of three exponentials", because),
        Check.absolute("current EPSP, alpha function", _worst(alone, alpha), 0.0, 1e-12, "V",
                       "its closed form", because),
        Check.absolute("conductance EPSP, exponential", _worst(whole, gamma), 0.0, 1e-12, "V",
                       "incomplete gamma functions", "rounding"),
    )  # fmt: skip


def _against_solver(p: Parameters) -> tuple[Check, ...]:
    steps = round(p.longest / p.dt)
    t = np.asarray(np.arange(steps + 1) * p.dt, dtype=np.float64)
    some = t[:: max(1, steps // 40)]
    lag = round(p.interval / p.dt) * p.dt
    out = []
    for shape in ("alpha", "double"):
        for current in (True, False):
            arrivals = [
                (p.synapse("exc", shape, current), np.zeros(1)),
                (p.synapse("exc", shape, current), np.full(1, lag)),
                (p.synapse("inh", shape, current), np.full(1, lag)),
            ]
            v = potential(p.membrane(), arrivals, p.dt, steps)[:: max(1, steps // 40), 0]
            worst = _worst(v, solved(p, arrivals, some))
            kind = "currents" if current else "conductances"
            out.append(
                Check.absolute(
                    f"two EPSPs and an IPSP, {shape}, {kind}",
                    worst,
                    0.0,
                    1e-9,
                    "V",
                    "solve_ivp",
                    "tolerance 1e-10 of the solver",
                )
            )
    return tuple(out)


def _order(p: Parameters) -> Check:
    """The error of the step twice as fine, where the step resolves the fastest course."""
    names = ("rise_exc", "rise_inh") if p.shape == "double" else ("alpha_exc", "alpha_inh")
    fastest = min(getattr(p, name) for name in names)
    dt, steps = fastest / 16, 800
    arrivals: list[Arrival] = [
        (p.synapse("exc", p.shape), np.zeros(1)),
        (p.synapse("inh", p.shape), np.full(1, 160 * dt)),
    ]
    v = potential(p.membrane(), arrivals, dt, steps)
    errors = []
    for fine in (1, 2):
        grid = grid_potential(p.membrane(), arrivals, dt / fine, steps * fine)[::fine]
        errors.append(_worst(grid, v))
    return Check.absolute("order of the exact step with the mid-step load",
                          float(np.log2(errors[0] / errors[1])), 2.0, 0.05, "1", "quadrature",
                          "second order at a sixteenth of the fastest course")  # fmt: skip


def _peaks(p: Parameters, pair: dict[bool, float]) -> tuple[Check, ...]:
    lag = round(p.interval / p.dt) * p.dt
    return tuple(
        Check.relative(
            f"second peak of the pair, {'currents' if current else 'conductances'}",
            pair[current],
            solved_peak(p, p.synapse("exc", p.shape, current), lag),
            1e-8,
            "V",
            "solve_ivp with an event",
            "tolerance 1e-10 of the solver",
        )
        for current in (False, True)
    )


def _windows(p: Parameters, windows: list[float]) -> tuple[Check, ...]:
    out = []
    for current, mine in zip((True, False), windows, strict=True):
        if not 0 < mine < np.inf:
            continue
        s = p.synapse("exc", p.shape, current)

        def above(lag: float, s: Synapse = s) -> float:
            return solved_peak(p, s, lag) - (p.v_th - p.v_leak)

        found = brentq(above, 0.5 * mine, 1.5 * mine, xtol=1e-10)
        kind = "currents" if current else "conductances"
        out.append(
            Check.relative(
                f"coincidence window, {kind}",
                mine,
                float(found),
                1e-6,
                "s",
                "solve_ivp with an event",
                "the peak falls slowly with the interval",
            )
        )
    return tuple(out)
