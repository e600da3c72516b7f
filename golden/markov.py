r"""Channels that hop between a few states: generator, steady state, exact step.

Occupancies ``p`` of ``m`` states, which sum to 1, follow ``dp/dt = Q p``, where ``Q[i, j]`` is
the rate of the hop from ``j`` to ``i`` and every column sums to 0. For rates that stay
constant for a time ``t`` the solution is ``expm(Q t) p``. The steady state is the null vector
of ``Q``. Source: Colquhoun & Hawkes, Proc. R. Soc. Lond. B 199, 231 (1977).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import expm

from .errors import InvalidValue, require

__all__ = ["generator", "relax", "stationary", "step", "transition"]

Array = NDArray[np.float64]


def generator(states: int, rates: Mapping[tuple[int, int], float]) -> Array:
    """``Q`` of shape ``(states, states)`` from rates in 1/s by ``(from, to)``.

    Raises
    ------
    InvalidValue
        For a rate that is negative or not finite.
    """
    q = np.zeros((states, states))
    for (start, end), rate in rates.items():
        if not (np.isfinite(rate) and rate >= 0):
            raise InvalidValue(f"rate[{start}, {end}]", float(rate), "0 per second or greater")
        q[end, start] += rate
        q[start, start] -= rate
    return q


def stationary(q: Array) -> Array:
    """The occupancies ``(m,)`` that no longer change.

    States are taken out one by one, from the last, their flow passed on to the others
    (Grassmann, Taksar & Heyman, Oper. Res. 33, 1107 (1985)): sums of products of rates, so
    that nothing cancels however far apart the rates are.

    Raises
    ------
    InvalidValue
        Unless every state leads on, in the end, to the first.
    """
    flow = np.where(np.eye(len(q), dtype=np.bool_), 0.0, q)
    out = np.zeros(len(q))
    for k in range(len(q) - 1, 0, -1):
        out[k] = flow[:k, k].sum()
        require(out[k] > 0, "q", q.tolist(), f"a chain in which state {k} leads on to the first")
        flow[:k, :k] += np.outer(flow[:k, k] / out[k], flow[k, :k])
    p = np.zeros(len(q))
    p[0] = 1.0
    for k in range(1, len(q)):
        p[k] = flow[k, :k] @ p[:k] / out[k]
    return np.asarray(p / p.sum())


def transition(q: Array, dt: float) -> Array:
    """``expm(Q dt)``: what :func:`step` multiplies with, ``(m, m)``; its columns sum to 1."""
    require(np.isfinite(dt) and dt >= 0, "dt", dt, "a finite number of 0 or more, in seconds")
    return np.asarray(expm(q * dt))


def relax(q: Array, start: ArrayLike, times: ArrayLike) -> Array:
    """Occupancies at ``times`` seconds after ``start``, ``times.shape + (m,)``; exact.

    By eigenvectors, or by a matrix exponential for each time where those nearly coincide.
    """
    t, p = np.asarray(times, dtype=np.float64), np.asarray(start, dtype=np.float64)
    speeds, modes = np.linalg.eig(q)
    if np.linalg.cond(modes) > 1e5:
        return np.asarray(expm(q * t[..., None, None]) @ p)
    parts = np.exp(speeds * t[..., None]) * np.linalg.solve(modes, p.astype(modes.dtype))
    return np.asarray((parts @ modes.T).real)


def step(hop: Array, p: Array) -> Array:
    """One step of occupancies ``(..., m)`` by a transition ``(m, m)`` or ``(..., m, m)``."""
    return np.asarray((hop @ p[..., None])[..., 0])
