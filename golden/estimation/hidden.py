"""Spikes that fell among dropped samples: the sum over the steps they may have fallen on.

A spike splits the recording only where its step is known. Where it is one of a few, the interval
before and the interval behind are cut out once for each, and the likelihood is the sum over all
choices: forward and backward along the chain of intervals, as in a hidden Markov model. The
weights of the choices given the recording turn the segments' scores into that of the sum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .segments import Segments

__all__ = ["combine"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]


def combine(seg: Segments, log_likelihood: Array) -> tuple[Array, Array, Index]:
    """Sum over the steps of hidden spikes.

    Parameters
    ----------
    log_likelihood
        Of each segment, ``(n,)``.

    Returns
    -------
    log_likelihood, weight, chain
        Of each chain of intervals, ``(chains,)``; weight of each segment given the recording,
        ``(n,)``, 1 where no spike is hidden; the chain that each segment belongs to, ``(n,)``.
    """
    interval, before, behind = seg.place
    if not seg.n or not (before.any() or behind.any()):
        return log_likelihood, np.ones(seg.n), np.arange(seg.n)
    n = int(interval.max()) + 1
    sizes = np.ones(n + 1, dtype=np.int64)
    np.maximum.at(sizes, interval, before + 1)
    np.maximum.at(sizes, interval + 1, behind + 1)
    table = np.full((n, int(sizes.max()), int(sizes.max())), -np.inf)
    table[interval, before, behind] = 0.0
    for i in range(n):
        if sizes[i] == sizes[i + 1] == 1:
            table[i, 0, 0] = 0.0
    np.add.at(table, (interval, before, behind), log_likelihood)
    # A chain begins behind each spike whose step is known.
    first = np.flatnonzero(sizes[:-1] == 1)
    total = np.zeros(first.size)
    weight = np.zeros(table.shape)
    for c, (start, stop) in enumerate(zip(first, np.append(first[1:], n), strict=True)):
        total[c], weight[start:stop] = _chain(table[start:stop])
    chain = np.searchsorted(first, interval, side="right") - 1
    return total, weight[interval, before, behind], chain.astype(np.int64)


def _chain(table: Array) -> tuple[float, Array]:
    """Log of the sum over all ways through ``table``, and the weights of its entries."""
    steps, width, _ = table.shape
    there, back = np.full((2, steps + 1, width), -np.inf)
    there[0, 0] = back[steps, 0] = 0.0
    for i in range(steps):
        there[i + 1] = np.logaddexp.reduce(there[i][:, None] + table[i], axis=0)
    for i in range(steps - 1, -1, -1):
        back[i] = np.logaddexp.reduce(table[i] + back[i + 1], axis=1)
    total = float(there[steps, 0])
    if not np.isfinite(total):
        return -np.inf, np.zeros(table.shape)
    return total, np.exp(there[:-1, :, None] + table + back[1:, None, :] - total)
