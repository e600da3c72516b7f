"""Checks of system 3: the photocycles written out and left to a general solver."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from .. import chr2, ode
from ..gating import hill
from ..photoneuron import fidelity, pulse_train, simulate
from .system import Check

if TYPE_CHECKING:
    from .chr2 import Parameters

__all__ = ["checks", "recovered"]

Array = NDArray[np.float64]
Flow = Callable[[Array], Array]
"""``dp/dt`` of occupancies without the first closed state."""


def three(p: Parameters, flux: float) -> Flow:
    """States O, D."""
    k = chr2.ThreeState(d=p.closing_3, r0=p.recovery_3)
    a = k.k_a * float(hill(flux, k.phi_m, k.p))
    r = k.r0 + k.k_r * float(hill(flux, k.phi_m, k.q))

    def flow(y: Array) -> Array:
        o, d = float(y[0]), float(y[1])
        return np.array([a * (1.0 - o - d) - k.d * o, k.d * o - r * d])

    return flow


def four(p: Parameters, flux: float) -> Flow:
    """States O1, O2, C2."""
    k = chr2.FourState(d1=p.closing_4, r=p.recovery_4, gamma=p.gamma)
    a, moved = float(hill(flux, k.phi_m, k.p)), float(hill(flux, k.phi_m, k.q))
    f, b = k.f0 + k.k_f * moved, k.b0 + k.k_b * moved
    a1, a2 = k.k1 * a, k.k2 * a

    def flow(y: Array) -> Array:
        o1, o2, c2 = float(y[0]), float(y[1]), float(y[2])
        c1 = 1.0 - o1 - o2 - c2
        return np.array(
            [
                a1 * c1 - (k.d1 + f) * o1 + b * o2,
                a2 * c2 - (k.d2 + b) * o2 + f * o1,
                k.d2 * o2 - (a2 + k.r) * c2,
            ]
        )

    return flow


def _cycle(p: Parameters, name: str) -> tuple[Flow, Flow, Array]:
    """The flow in the light and in the dark, and the weights of its states."""
    make = three if name == "three" else four
    weights = np.array([1.0, 0.0] if name == "three" else [1.0, p.gamma, 0.0])
    return make(p, p.flux), make(p, 0.0), weights


def solved_peak(p: Parameters, name: str, start: Array | None = None) -> chr2.Peak:
    """The first maximum of the open fraction, found as an event of the solver."""
    lit, _, w = _cycle(p, name)
    begin = np.zeros(w.size) if start is None else start

    def slope(_: float, y: Array) -> float:
        return float(w @ lit(y))

    slope.terminal = True  # type: ignore[attr-defined]
    slope.direction = -1.0  # type: ignore[attr-defined]
    found = solve_ivp(lambda _, y: lit(y), (0.0, 10.0), begin, method="DOP853",
                      rtol=ode.TOLERANCE, atol=ode.FLOOR, max_step=0.01, events=slope)  # fmt: skip
    return chr2.Peak(float(found.t[-1]), float(w @ found.y[:, -1]))


def recovered(p: Parameters, name: str, pauses: Array, flash: float = 0.5) -> Array:
    """Second peak against the first by the solver."""
    lit, dark, w = _cycle(p, name)
    after = ode.integrate(lambda _, y: lit(y), np.zeros(w.size), [0.0, flash])[-1]
    first = solved_peak(p, name).value
    out = []
    for pause in pauses:
        rested = ode.integrate(lambda _, y: dark(y), after, [0.0, float(pause)])[-1]
        out.append(solved_peak(p, name, rested).value / first)
    return np.array(out)


def rectified(v: float, reversal: float) -> float:
    """Conductance at ``v`` against that at -70 mV of a channel that rectifies inwardly.

    ``v1 / u (1 - exp(-u / v0))`` with ``u = v - reversal`` and the constants that Evans et al.
    (2016) give for ChR2.
    """
    v0, v1, u = 43e-3, 17.1e-3, v - reversal
    return float(-v1 / u * np.expm1(-u / v0)) if u else v1 / v0


def spike_times(p: Parameters, edges: Array, duration: float, linear: bool = True) -> Array:
    """Spike times of the neuron; light is on between the first and second edge, and so on.

    The current is linear in the potential, or rectifies as :func:`rectified` has it.
    """
    lit, dark, w = _cycle(p, p.kinetics)

    def whole(t: float, y: Array) -> Array:
        on = int(np.searchsorted(edges, t, side="right")) % 2
        g = p.g_max * float(w @ y[1:]) * (1.0 if linear else rectified(float(y[0]), p.e_chr2))
        dv = (p.v_leak - y[0] + p.r * g * (p.e_chr2 - y[0])) / p.tau_mem
        return np.concatenate([[dv], lit(y[1:]) if on else dark(y[1:])])

    start = np.concatenate([[p.v_leak], np.zeros(w.size)])
    return ode.spike_times(p.neuron(p.kinetics).lif, whole, start, duration, edges.tolist())


def checks(
    p: Parameters, times: tuple[Array, Array], rates: Array, settled: float
) -> tuple[Check, ...]:
    """Every figure of the system against the solver or a closed form.

    ``times`` are the spikes of the flash with the step and with half of it.
    """
    return (
        *(c for name in ("three", "four") for c in _photocurrent(p, name)),
        *_flash(p, times, rates, settled),
        *_train(p),
    )


def _slowest(cycle: chr2.Kinetics, flux: float) -> float:
    """The slowest mode of the photocycle, 1/s."""
    return float(np.sort(np.abs(np.linalg.eigvals(cycle.generator(flux)).real))[1])


def _photocurrent(p: Parameters, name: str) -> tuple[Check, ...]:
    cycle = p.photocycle(name)
    lit, _, w = _cycle(p, name)
    until = 40.0 / _slowest(cycle, p.flux)
    end = ode.integrate(lambda _, y: lit(y), np.zeros(w.size), [0.0, until])[-1]
    top, found = chr2.peak(cycle, p.flux), solved_peak(p, name)
    because = "tolerance 1e-10 of the solver"
    pauses = np.array([0.3, 3.0])
    back = chr2.recovery(cycle, p.flux, 0.5, pauses)
    worst = float(np.abs(back / recovered(p, name, pauses) - 1.0).max())
    dark = _slowest(cycle, 0.0)
    late = 1.0 - chr2.recovery(cycle, p.flux, 0.5, np.array([20.0, 30.0]) / (5 * dark) + 5.0 / dark)
    speed = float(np.log(late[0] / late[1]) * dark / 2.0)
    return (
        Check.relative(f"plateau, {name} states", cycle.plateau(p.flux), float(w @ end), 1e-8, "1",
                       "solve_ivp after 40 of the slowest time", because),
        Check.relative(f"peak, {name} states", top.value, found.value, 1e-8, "1",
                       "solve_ivp with an event", because),
        Check.relative(f"time of the peak, {name} states", top.time, found.time, 1e-6, "s",
                       "solve_ivp with an event", "the slope is flat at a peak: root of 1e-10"),
        Check.absolute(f"recovery after 0.3 and 3 s, {name} states", worst, 0.0, 1e-8, "1",
                       "solve_ivp", because),
        Check.relative(f"speed of the late recovery, {name} states", speed, dark, 2e-3, "1/s",
                       "slowest mode in the dark", "the deficit is linear when it is small"),
    )  # fmt: skip


def _flash(
    p: Parameters, both: tuple[Array, Array], rates: Array, settled: float
) -> tuple[Check, ...]:
    times, fine = both
    slowest = _slowest(p.photocycle(p.kinetics), p.flux)
    found = spike_times(p, np.array([0.0]), round(p.flash / p.dt) * p.dt)
    m = min(times.size, fine.size, found.size)
    halving = float(np.abs(times[:m] - fine[:m]).max(initial=0.0))
    return (
        Check.absolute("spikes in the flash", float(times.size), float(found.size), 0.0, "1",
                       "solve_ivp with events", "counts"),
        Check.absolute("largest error of a spike time in the flash",
                       float(np.abs(times[:m] - found[:m]).max(initial=0.0)), 0.0,
                       2.0 * halving + 1e-9, "s", "solve_ivp with events",
                       "second order, so 4/3 of what halving the step changes; half as much "
                       "again for where in its step a spike falls"),
        Check.relative("last rate in the flash", float(rates[-1]), settled,
                       1e-6 + 10.0 * float(np.exp(-slowest * p.flash)), "Hz",
                       "conductance-based F-I curve at the plateau",
                       "what is left of the slowest mode at the end of the flash"),
    )  # fmt: skip


def _train(p: Parameters) -> tuple[Check, ...]:
    one = pulse_train(p.frequency, p.pulse, p.train, p.dt)
    on = round(p.pulse / p.dt) * p.dt
    edges = np.stack([one.onsets, one.onsets + on], axis=1).ravel()
    times = [spike_times(p, edges, len(one.light) * p.dt)]
    for k in (1, 2):
        light = np.repeat(one.light, k)[:, None]
        run = simulate(p.neuron(p.kinetics), np.array([0.0, p.flux]), light, p.dt / k)
        times.append(run.of(0))
    wanted, got, finer = (fidelity(row, one.onsets, one.window) for row in times)
    because = "counts; what half of the step changes"
    return (
        Check.absolute("pulses answered", got.answered, wanted.answered,
                       abs(got.answered - finer.answered), "1", "solve_ivp with events", because),
        Check.absolute("spikes a pulse", got.spikes, wanted.spikes,
                       abs(got.spikes - finer.spikes), "1", "solve_ivp with events", because),
    )  # fmt: skip
