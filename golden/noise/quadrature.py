"""Gauss-Legendre panels that crowd at the upper end of an interval.

The integrands of first-passage theory vary over ``1 / (1 + 2 |u|)`` near the end ``u`` of
their interval and slowly below it. Panels of equal width in ``log1p`` of the scaled distance
from that end resolve both, for intervals from 1e-6 to 1e6 wide, with a fixed number of nodes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["crowded_nodes"]

Array = NDArray[np.float64]
PANELS, ORDER = 10, 24


def crowded_nodes(width: ArrayLike, high: ArrayLike) -> tuple[Array, Array, Array]:
    """Nodes, weights and distances from ``high``, each ``shape + (240,)``.

    ``width`` and ``high`` are broadcast to ``shape``; an interval of width 0 or less has
    weights of 0. The distances are exact where ``high - node`` would cancel.
    """
    wide, top = np.broadcast_arrays(np.asarray(width, np.float64), np.asarray(high, np.float64))
    scale = (1.0 + 2.0 * np.abs(top))[..., np.newaxis]
    span = np.log1p(scale * np.maximum(wide, 0.0)[..., np.newaxis])
    roots, weights = np.polynomial.legendre.leggauss(ORDER)
    edges = np.arange(PANELS)[:, np.newaxis]
    unit = ((edges + 0.5 + 0.5 * roots) / PANELS).ravel()
    s = span * unit
    distance = np.expm1(s) / scale
    weight = span * np.tile(weights, PANELS) / (2.0 * PANELS) * np.exp(s) / scale
    return top[..., np.newaxis] - distance, weight, distance
