r"""Postsynaptic potentials of current and conductance synapses, alone and added up.

A spike at ``s`` through a current synapse injects ``i(t) = i_peak k(t - s) / k_peak``; the
membrane is linear, responses add, and each is a cascade of filters in closed form
(:mod:`.kernels`). Through a conductance synapse ``g(t) = g_peak k(t - s) / k_peak`` pulls to
a reversal potential; the equation stays linear in ``v`` but not in ``g``, and its solution is
one integral of closed forms (variation of constants)::

    v(t) = v(s) exp(-P(s, t)) + int_s^t q(x) exp(-P(x, t)) dx
    P(s, t) = (t - s) / tau_mem + r / tau_mem sum_k int_s^t g_k
    q = (v_leak + r sum_k g_k e_k + r i) / tau_mem

:func:`potential` evaluates it cell by cell with Gauss's rule, whose error at 12 nodes is that
of rounding; for one exponential conductance :func:`exponential_conductance` has it as
incomplete gamma functions. :func:`grid_potential` is the exact step of :mod:`.conductance`
with each load read at mid-step, which is what a clocked body does. Sources: Rall, J.
Neurophysiol. 30, 1138 (1967); Gerstner et al., "Neuronal Dynamics" (2014), section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gamma, gammainc

from . import conductance as membrane
from .conductance import Load
from .errors import InvalidValue, require
from .kernels import Kernel, cascade
from .lif import Lif

__all__ = [
    "Arrival",
    "Crest",
    "Synapse",
    "crest",
    "current_potential",
    "exponential_conductance",
    "grid_potential",
    "loads",
    "potential",
    "slope",
]

Array = NDArray[np.float64]
NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)


@dataclass(frozen=True)
class Synapse:
    """A course and its size.

    Parameters
    ----------
    kernel
        The course.
    peak
        Siemens, 0 or more, with a reversal potential; amperes of either sign without.
    reversal
        Volts, or ``None`` for a current synapse.
    """

    kernel: Kernel
    peak: float
    reversal: float | None = None

    def __post_init__(self) -> None:
        require(bool(np.isfinite(self.peak)), "peak", self.peak, "a finite number")
        if self.reversal is not None:
            require(bool(np.isfinite(self.reversal)), "reversal", self.reversal, "finite, in volts")
            require(self.peak >= 0, "peak", self.peak, "0 S or greater")

    def course(self, t: ArrayLike) -> Array:
        """Siemens or amperes ``t`` seconds after the spike."""
        return np.asarray(self.peak / self.kernel.peak * self.kernel(t))

    def area(self, t: ArrayLike) -> Array:
        """The integral of :meth:`course` up to ``t``."""
        return np.asarray(self.peak / self.kernel.peak * self.kernel.integral(t))


Arrival = tuple[Synapse, Array]
"""A synapse and when its spike arrives in each of ``n`` trials, seconds, ``(n,)``."""


def loads(arrivals: Sequence[Arrival], t: ArrayLike) -> Load:
    """What all synapses together put on the membrane at times ``t``, which broadcast to trials."""
    g, drive = np.asarray(0.0), np.asarray(0.0)
    for synapse, onset in arrivals:
        course = synapse.course(np.asarray(t) - onset)
        if synapse.reversal is None:
            drive = drive + course
        else:
            g, drive = g + course, drive + course * synapse.reversal
    return Load(np.asarray(g), np.asarray(drive))


def slope(lif: Lif, arrivals: Sequence[Arrival], t: ArrayLike, v: Array) -> Array:
    """``dv/dt`` in V/s at times ``t`` and potentials ``v``."""
    e = membrane.effective(lif, loads(arrivals, t))
    return np.asarray((e.target - v) / e.tau)


def current_potential(lif: Lif, arrivals: Sequence[Arrival], t: ArrayLike) -> Array:
    """The potential at times ``t`` behind current synapses, without threshold, closed form.

    Raises
    ------
    InvalidValue
        For a conductance synapse or more than one neuron.
    """
    _passive(lif)
    v = np.asarray(lif.v_leak[0])
    for k, (synapse, onset) in enumerate(arrivals):
        current = synapse.reversal is None
        require(current, f"arrivals[{k}].reversal", synapse.reversal, "None: a current synapse")
        taus = (*synapse.kernel.taus, float(lif.tau_mem[0]))
        gain = float(lif.r[0]) * synapse.peak / synapse.kernel.peak
        v = v + gain * cascade(taus, np.asarray(t) - onset)
    return np.asarray(v)


def _passive(lif: Lif) -> None:
    membrane.check_model(lif)
    require(lif.n == 1, "n", lif.n, "1: take one neuron with Lif.neuron(j)")


def _cell(lif: Lif, arrivals: Sequence[Arrival], start: Array, end: Array) -> tuple[Array, Array]:
    """``(kept, grown)`` of ``v(end) = kept v(start) + grown``; no arrival in between.

    ``start`` and ``end`` end in the axis of trials.
    """
    tau, r = float(lif.tau_mem[0]), float(lif.r[0])
    half = (end - start) / 2
    x = start[..., None] + half[..., None] * (NODES + 1.0)

    def pull(t: Array, late: Sequence[Arrival]) -> Array:
        out = t / tau
        for synapse, onset in late:
            if synapse.reversal is not None:
                out = out + r / tau * synapse.area(t - onset)
        return np.asarray(out)

    deep = [(synapse, onset[:, None]) for synapse, onset in arrivals]
    on = loads(deep, x)
    q = (lif.v_leak[0] + r * on.drive) / tau
    at_end = pull(end, arrivals)
    share = np.exp(pull(x, deep) - at_end[..., None])
    return np.exp(pull(start, arrivals) - at_end), np.asarray(half * ((q * share) @ WEIGHTS))


def potential(lif: Lif, arrivals: Sequence[Arrival], dt: float, steps: int) -> Array:
    """The potential after 0 to ``steps`` times ``dt`` without threshold, ``(steps + 1, n)``.

    Raises
    ------
    InvalidValue
        If an arrival is not a multiple of ``dt``, where the integrand is not smooth.
    """
    _passive(lif)
    require(np.isfinite(dt) and dt > 0, "dt", dt, "a finite number greater than 0, in seconds")
    for k, (_, onset) in enumerate(arrivals):
        off = np.abs(onset / dt - np.round(onset / dt)) > 1e-6
        if off.any():
            raise InvalidValue(f"arrivals[{k}]", float(onset[off][0]), f"multiples of {dt:g} s")
    n = np.broadcast_shapes(*(onset.shape for _, onset in arrivals))[0]
    v = np.full((steps + 1, n), float(lif.v_leak[0]))
    times = np.arange(steps + 1)[:, None] * dt + np.zeros(n)
    kept, grown = _cell(lif, arrivals, times[:-1], times[1:])
    for k in range(steps):
        v[k + 1] = v[k] * kept[k] + grown[k]
    return v


def grid_potential(lif: Lif, arrivals: Sequence[Arrival], dt: float, steps: int) -> Array:
    """What the exact step with the load of mid-step gives, as :func:`potential`."""
    _passive(lif)
    n = np.broadcast_shapes(*(onset.shape for _, onset in arrivals))[0]
    v = np.full((steps + 1, n), float(lif.v_leak[0]))
    middle = (np.arange(steps)[:, None] + 0.5) * dt
    on = loads(arrivals, middle)
    g, drive = np.broadcast_to(on.g, (steps, n)), np.broadcast_to(on.drive, (steps, n))
    for k in range(steps):
        v[k + 1] = membrane.relax(v[k], membrane.effective(lif, Load(g[k], drive[k])), dt)
    return v


def exponential_conductance(
    lif: Lif, g_peak: float, tau: float, reversal: float, t: ArrayLike
) -> Array:
    """The potential ``t`` seconds after one spike through an exponential conductance.

    With ``x(t) = r g_peak tau / tau_mem exp(-t / tau)`` and ``a = 1 - tau / tau_mem``::

        v = v_leak + (reversal - v_leak) exp(x(t) - t / tau_mem) x(0)^(1 - a)
                     (gamma(a, x(0)) - gamma(a, x(t)))

    ``gamma`` the lower incomplete gamma function.

    Raises
    ------
    InvalidValue
        If ``tau`` is not below ``tau_mem``: the gamma function asks for ``a > 0``.
    """
    _passive(lif)
    tau_mem, r, v_leak = float(lif.tau_mem[0]), float(lif.r[0]), float(lif.v_leak[0])
    require(0 < tau < tau_mem, "tau", tau, f"above 0 and below tau_mem = {tau_mem:g} s")
    require(g_peak > 0, "g_peak", g_peak, "greater than 0")
    at = np.asarray(t, dtype=np.float64)
    a, start = 1.0 - tau / tau_mem, r * g_peak * tau / tau_mem
    x = start * np.exp(-at / tau)
    share = gamma(a) * (gammainc(a, start) - gammainc(a, x))
    return np.asarray(
        v_leak + (reversal - v_leak) * np.exp(x - at / tau_mem) * start ** (1.0 - a) * share
    )


@dataclass(frozen=True, eq=False)
class Crest:
    """Highest potential of each trial and when, ``(n,)``."""

    time: Array
    v: Array


def crest(
    lif: Lif, arrivals: Sequence[Arrival], dt: float, v: Array, since: ArrayLike = 0.0
) -> Crest:
    """The highest point of :func:`potential` at or after ``since``, between grid points too.

    ``v`` is what :func:`potential` gave for ``dt``. The zero of the slope is bisected within
    its cell, with the potential integrated from the cell's start.
    """
    steps, n = v.shape[0] - 1, v.shape[1]
    early = np.arange(steps + 1)[:, None] * dt < np.broadcast_to(since, (n,)) - dt / 2
    top = np.argmax(np.where(early, -np.inf, v), axis=0)
    trial = np.arange(n)
    rising = slope(lif, arrivals, top * dt, v[top, trial]) > 0
    first = np.where(rising, top, np.maximum(top - 1, 0))
    first = np.minimum(first, steps - 1)
    inside = ~early[first, trial]
    start, base = first * dt, v[first, trial]
    low, high = start, np.where(inside, start + dt, start)

    def at(t: Array) -> Array:
        kept, grown = _cell(lif, arrivals, start, t)
        return np.asarray(kept * base + grown)

    for _ in range(34):  # a cell over 2^34: the peak itself is flat there
        middle = (low + high) / 2
        up = slope(lif, arrivals, middle, at(middle)) > 0
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    found = (low + high) / 2
    peak = at(found)
    # A maximum at the edge of the allowed times is no zero of the slope.
    edge = v[top, trial] > peak
    return Crest(np.where(edge, top * dt, found), np.where(edge, v[top, trial], peak))
