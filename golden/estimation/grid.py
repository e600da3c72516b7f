"""The membrane near its threshold: exact filter and smoother on moving quadrature nodes.

What is known of the potential, given that it has not fired, is no Gaussian: each step removes
what lies above the threshold, and at a spike what lies below. The density is carried on
Gauss-Legendre nodes that follow it and end at the threshold, so that the integrand stays
smooth and few nodes give many digits. This is point-mass filtering (Bucy & Senne, Automatica 7,
287 (1971)) with the threshold as edge of the grid. The smoother's expectations give the score
by Fisher's identity; its term for the threshold is the density that flows through the edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from .kalman import Filtered, Moments
from .noisy import Step
from .segments import Segments

__all__ = ["Near", "nodes_needed", "run"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

WIDTH = 6.0
"""Half width of the nodes in standard deviations: 2e-9 lies outside."""


@dataclass(frozen=True, eq=False)
class Near:
    """What the states from ``near`` on gave; ``rows`` are the segments that have any, ``(r,)``.

    ``mean`` and ``variance`` are the smoothed ones of the state before ``near``, ``(r,)``.
    ``states`` are smoothed means and variances of the rest, ``(2, steps + 2, n)``, 0 elsewhere;
    ``ahead`` means and variances before each observation, likewise.
    """

    rows: Index
    log_likelihood: Array
    mean: Array
    variance: Array
    moments: Moments
    states: Array
    ahead: Array


@dataclass(frozen=True, eq=False)
class _Density:
    """Probabilities ``mass`` at ``nodes``, ``(k, m + 1)``; the edge is last and has none."""

    nodes: Array
    mass: Array

    def moments(self) -> tuple[Array, Array]:
        """Mean and second moment, ``(k,)``."""
        weighted = self.mass * self.nodes
        return weighted.sum(1), (weighted * self.nodes).sum(1)


@dataclass(frozen=True, eq=False)
class _Pass:
    """A step on the way there: what the way back needs of it."""

    t: Index
    before: _Density
    after: _Density
    weight: Array  # quadrature weight times likelihood over the norm, (k, m + 1), 0 at the edge
    carried: Array  # kernel times mass times nodes before, (k, m + 1)
    through: Array  # density at the edge, (k,)


def nodes_needed(c: Step, variance: Array) -> int:
    """Nodes that resolve the kernel of width ``q`` over a density of the largest ``variance``."""
    widest = float(np.sqrt(np.max(variance, initial=0.0)))
    return int(np.clip(np.ceil(16 * np.hypot(1.0, c.a * widest / c.q)), 20, 160))


def run(seg: Segments, c: Step, f: Filtered, nodes: int) -> Near:
    """Filter and smooth the states from ``f.near`` on with that many ``nodes``."""
    rows = np.flatnonzero(f.near <= seg.length + seg.fired)
    rows = rows[np.argsort(f.near[rows] - seg.length[rows], kind="stable")]
    at = (f.near[rows] - 1, rows)
    start = _gaussian(f.mean[at], f.variance[at], c.v_th, nodes)
    beta, moments = np.ones(start.nodes.shape), Moments.zeros(rows.size)
    fired = np.flatnonzero(seg.fired[rows])
    # Parameters that the recording contradicts give no number: the climb turns away from them.
    with np.errstate(all="ignore"):
        passes, end, log_likelihood, ahead = _there(seg, c, f, rows, start)
        log_likelihood[fired] += _spike(seg, c, rows, fired, end, beta, moments)
        states = _back(seg, c, rows, passes, beta, moments)
    smoothed = _Density(start.nodes, start.mass * beta)
    mean, second = smoothed.moments()
    return Near(rows, log_likelihood, mean, second - mean**2, moments, states, ahead)


@cache
def _legendre(m: int) -> tuple[Array, Array]:
    """Nodes and weights on -1 to 1."""
    x, w = np.polynomial.legendre.leggauss(m)
    return x, w


def _gaussian(mean: Array, variance: Array, v_th: float, m: int) -> _Density:
    t, w = _legendre(m)
    density = w * np.exp(-0.5 * (WIDTH * t) ** 2)
    density = np.append(density / density.sum(), 0.0)
    nodes = mean[:, None] + WIDTH * np.sqrt(variance)[:, None] * np.append(t, 0.0)
    nodes[:, -1] = v_th
    return _Density(nodes, np.broadcast_to(density, nodes.shape))


def _kernel(c: Step, after: Array, before: Array, drive: Array) -> tuple[Array, Array]:
    """Transition density from nodes ``before`` to nodes ``after``, ``(k, m + 1, m + 1)``.

    As a factor and the logarithm of another, ``(k,)``: an outlier may lie where all is tiny.
    """
    z = (after[:, :, None] - (c.a * before + drive[:, None])[:, None, :]) / c.q
    z *= z
    z *= -0.5
    shift = z[:, :-1, :-1].max((1, 2))
    z -= shift[:, None, None]
    for edge in (z[:, -1, :], z[:, :, -1]):
        np.minimum(edge, 600.0, out=edge)
    np.exp(z, out=z)
    return z, shift - np.log(c.q * np.sqrt(2 * np.pi))


def _there(
    seg: Segments, c: Step, f: Filtered, rows: Index, start: _Density
) -> tuple[list[_Pass], _Density, Array, Array]:
    """Filter; returns the passes, the last densities, log-likelihoods and one-step predictions."""
    near = f.near[rows]
    steps = seg.length[rows] - near + 1
    variance = f.variance[near - 1, rows]
    nodes, mass = start.nodes.copy(), start.mass.copy()
    log_likelihood = np.zeros(rows.size)
    ahead = np.zeros((2, *seg.y.shape))
    passes: list[_Pass] = []
    for j in range(int(steps.max(initial=0))):
        k = int(np.searchsorted(-steps, -j, side="left"))
        at = (near[:k] + j, rows[:k])
        before = _Density(nodes[:k].copy(), mass[:k].copy())
        drive = c.b + c.g * seg.x[at]
        mean, second = before.moments()
        mean = c.a * mean + drive
        ahead[0][at] = mean
        ahead[1][at] = c.a**2 * (second - before.moments()[0] ** 2) + c.q**2
        spread = c.a**2 * variance[:k] + c.q**2
        made, gained, variance[:k] = _update(c, at[0], before, (mean, spread, drive, seg.y[at]))
        nodes[:k], mass[:k] = made.after.nodes, made.after.mass
        log_likelihood[:k] += gained
        passes.append(made)
    return passes, _Density(nodes, mass), log_likelihood, ahead


def _update(
    c: Step, t: Index, before: _Density, step: tuple[Array, Array, Array, Array]
) -> tuple[_Pass, Array, Array]:
    """One step of the filter: where the nodes go, and what is found there."""
    mean, spread, drive, y = step
    seen = np.isfinite(y)
    y = np.where(seen, y, mean)
    gain = np.where(seen, spread / (spread + c.s**2), 0.0)
    centre, variance = mean + gain * (y - mean), spread * (1 - gain)
    reach = WIDTH * np.sqrt(variance)
    # Of a bell whose centre is above the threshold only a flank is left, steep and narrow.
    beyond = np.maximum(centre - c.v_th, 0.0)
    low = np.minimum(centre, c.v_th) - (np.hypot(beyond, reach) - beyond)
    top = np.minimum(centre + reach, c.v_th)
    half = 0.5 * (top - low)
    x, w = _legendre(before.nodes.shape[1] - 1)
    nodes = (low + half)[:, None] + half[:, None] * np.append(x, 0.0)
    nodes[:, -1] = c.v_th
    kernel, log_kernel = _kernel(c, nodes, before.nodes, drive)
    pair = np.stack([before.mass, before.mass * before.nodes], axis=-1)
    density, carried = np.moveaxis(kernel @ pair, -1, 0)
    log_seen = np.where(seen, -0.5 / c.s**2, 0.0)[:, None] * (y[:, None] - nodes) ** 2
    shift = log_seen[:, :-1].max(1)
    likelihood = np.exp(np.minimum(log_seen - shift[:, None], 600.0))
    weight = half[:, None] * np.append(w, 0.0) * likelihood
    norm = (weight * density).sum(1)
    gained = np.log(norm) + shift + log_kernel
    gained -= np.where(seen, np.log(c.s * np.sqrt(2 * np.pi)), 0.0)
    weight = weight / norm[:, None]
    through = density[:, -1] * likelihood[:, -1] / norm
    after = _Density(nodes, weight * density)
    return _Pass(t, before, after, weight, carried, through), gained, variance


def _spike(
    seg: Segments, c: Step, rows: Index, fired: Index, end: _Density, beta: Array, moments: Moments
) -> Array:
    """The step above threshold: fills ``beta`` and ``moments``, returns log-probabilities."""
    t = seg.length[rows[fired]] + 1
    x_in = seg.x[t, rows[fired]]
    x, mass = end.nodes[fired], end.mass[fired]
    z = (c.v_th - c.a * x - (c.b + c.g * x_in)[:, None]) / c.q
    log_tail = log_ndtr(-z)
    shift = np.where(mass > 0, log_tail, -np.inf).max(1)
    # The edge, which has no mass, may lie far above the others.
    tail = np.exp(np.minimum(log_tail - shift[:, None], 600.0))
    norm = (mass * tail).sum(1)
    beta[fired] = tail / norm[:, None]
    # The noise of a step that crosses is that of a normal cut off below: q phi / tail.
    hazard = np.exp(-0.5 * z**2 - log_tail) / np.sqrt(2 * np.pi)
    p = mass * beta[fired]
    d = c.q * (p * hazard).sum(1)
    moments.n[fired] += 1
    moments.d[fired] += d
    moments.dv[fired] += c.q * (p * hazard * x).sum(1)
    moments.dx[fired] += d * x_in
    moments.dd[fired] += c.q**2 * (1 + (p * hazard * z).sum(1))
    moments.first[fired] += np.where(seg.known[rows[fired]] & (t == 1), d, 0.0)
    moments.edge[fired] -= d / c.q**2
    return np.asarray(np.log(norm) + shift)


def _back(
    seg: Segments, c: Step, rows: Index, passes: list[_Pass], beta: Array, moments: Moments
) -> Array:
    """Smooth; turns ``beta`` into that of the start, fills ``moments``, returns the states."""
    states = np.zeros((2, *seg.y.shape))
    for p in reversed(passes):
        k = p.t.size
        at = (p.t, rows[:k])
        b, y, x_in = beta[:k], seg.y[at], seg.x[at]
        drive = c.b + c.g * x_in
        now = _Density(p.after.nodes, p.after.mass * b)
        flow = p.weight * b
        kernel, _ = _kernel(c, p.after.nodes, p.before.nodes, drive)
        cross = (flow * p.after.nodes * p.carried).sum(1)
        moments.edge[:k] += p.through * b[:, -1]
        beta[:k] = np.squeeze(flow[:, None, :] @ kernel, 1)
        mean, second = now.moments()
        states[0][at], states[1][at] = mean, second - mean**2
        old, old_second = _Density(p.before.nodes, p.before.mass * beta[:k]).moments()
        d = mean - c.a * old - drive
        spread = second - mean**2 + c.a**2 * (old_second - old**2) - 2 * c.a * (cross - mean * old)
        moments.n[:k] += 1
        moments.d[:k] += d
        moments.dv[:k] += cross - c.a * old_second - drive * old
        moments.dx[:k] += d * x_in
        moments.dd[:k] += d**2 + spread
        moments.first[:k] += np.where(seg.known[rows[:k]] & (p.t == 1), d, 0.0)
        seen = np.isfinite(y)
        error = (np.where(seen, y, 0.0) - mean) ** 2 + second - mean**2
        moments.seen[:k] += seen
        moments.error[:k] += np.where(seen, error, 0.0)
    return states
