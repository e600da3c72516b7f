"""Convolutional NIR graphs, by hand and by the ``nir`` package."""

from __future__ import annotations

import itertools
from typing import Any

import nir
import numpy as np

from tests.sim.nir_files import Nodes


def conv(weight: Any, **changes: Any) -> dict[str, Any]:
    """Fields of a Conv1d or Conv2d node, by the axes of ``weight``."""
    weight = np.asarray(weight, dtype=float)
    node = {
        "type": "Conv1d" if weight.ndim == 3 else "Conv2d",
        "weight": weight,
        "stride": 1,
        "padding": 0,
        "dilation": 1,
        "groups": 1,
    }
    return node | changes


def image_ends(shape: tuple[int, ...], n_out: int = 1) -> Nodes:
    """An Input ``in`` of ``shape`` and an Output ``out``."""
    return {
        "in": {"type": "Input", "shape": np.array(shape)},
        "out": {"type": "Output", "shape": np.array([n_out])},
    }


def _lif(v_threshold: np.ndarray) -> nir.LIF:
    """Parameters of the shape of ``v_threshold``."""
    ones = np.ones_like(v_threshold)
    return nir.LIF(0.01 * ones, ones, 0 * ones, v_threshold * ones, v_reset=0 * ones)


def two_layers(seed: int = 0) -> nir.NIRGraph:
    """Convolution, LIF by channel, sum pooling, convolution, LIF of one value."""
    rng = np.random.default_rng(seed)
    c1 = rng.normal(12.0, 8.0, (2, 1, 3, 3))
    c2 = rng.normal(1.5, 12.0, (3, 2, 3, 3))
    nodes = {
        "in": nir.Input(np.array([1, 6, 6])),
        "c1": nir.Conv2d((6, 6), c1, 1, "valid", 1, 1, np.array([0.5, -0.25])),
        "n1": _lif(np.array([1.0, 1.2])),
        "p": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "c2": nir.Conv2d((2, 2), c2, 1, 1, 1, 1, np.array([0.0, 0.5, 0.25])),
        "n2": _lif(np.array([1.0])),
        "f": nir.Flatten({"input": np.array([3, 2, 2])}, 0, -1),
        "out": nir.Output(np.array([12])),
    }
    row = list(nodes)
    return nir.NIRGraph(nodes, list(itertools.pairwise(row)), type_check=False)
