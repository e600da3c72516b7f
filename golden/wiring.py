"""Who connects to whom: masks ``(n_post, n_pre)`` by rule, the random ones by seed.

The rules are those of PyNN's connectors: Davison et al., "PyNN: a common interface for neuronal
network simulators", Front. Neuroinform. 2, 11 (2008).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .errors import require

__all__ = ["Mask", "all_to_all", "fixed_in_degree", "fixed_probability", "one_to_one"]

Mask = NDArray[np.bool_]


def all_to_all(n_post: int, n_pre: int) -> Mask:
    """Every pair."""
    return np.ones((n_post, n_pre), dtype=np.bool_)


def one_to_one(n_post: int, n_pre: int) -> Mask:
    """Neuron ``k`` to neuron ``k``.

    Raises
    ------
    InvalidValue
        For sizes that differ.
    """
    require(n_post == n_pre, "one_to_one", [n_post, n_pre], "two populations of one size")
    return np.eye(n_post, dtype=np.bool_)


def fixed_probability(n_post: int, n_pre: int, probability: float, seed: int) -> Mask:
    """Every pair with ``probability``, 0 to 1, independently.

    Raises
    ------
    InvalidValue
        For a probability or seed out of range.
    """
    require(0 <= probability <= 1, "probability", probability, "0 to 1")
    require(seed >= 0, "seed", seed, "0 or greater")
    return np.asarray(np.random.default_rng(seed).random((n_post, n_pre)) < probability)


def fixed_in_degree(
    n_post: int, n_pre: int, sources: int, rng: np.random.Generator, *, loops: bool = True
) -> Mask:
    """As many ``sources`` for every neuron, drawn without repetition.

    Without ``loops`` no neuron is its own source; both populations are then the same one.

    Raises
    ------
    InvalidValue
        For more sources than there are.
    """
    top = n_pre if loops else n_pre - 1
    require(0 <= sources <= top, "sources", sources, f"0 to {top}")
    order = rng.random((n_post, n_pre))
    if not loops:
        np.fill_diagonal(order, 2.0)
    mask = np.zeros((n_post, n_pre), dtype=np.bool_)
    np.put_along_axis(mask, np.argsort(order, axis=1)[:, :sources], True, axis=1)
    return mask
