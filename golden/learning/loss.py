"""Cross-entropy of class scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cross_entropy"]

Array = NDArray[np.float64]


def cross_entropy(scores: Array, labels: NDArray[np.int64]) -> tuple[float, Array]:
    """Mean loss in nats of ``scores`` ``(samples, classes)``, and its derivative by them."""
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    # A share that underflows to 0 is a large loss, not an infinite one.
    loss = float(-np.log(np.maximum(p[rows, labels], 1e-300)).mean())
    p[rows, labels] -= 1.0
    return loss, p / len(labels)
