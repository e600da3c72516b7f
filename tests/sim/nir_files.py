"""NIR files written by hand with h5py, right or wrong at will."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

Nodes = dict[str, dict[str, Any]]


def lif(n: int = 1, **changes: Any) -> dict[str, Any]:
    """Fields of a LIF node."""
    ones = np.ones(n)
    node = {"type": "LIF", "tau": 0.01 * ones, "r": ones, "v_leak": 0 * ones, "v_threshold": ones}
    return {k: v for k, v in (node | changes).items() if v is not None}


def ends(n_in: int = 1, n_out: int = 1) -> Nodes:
    """An Input ``in`` and an Output ``out``."""
    return {
        "in": {"type": "Input", "shape": np.array([n_in])},
        "out": {"type": "Output", "shape": np.array([n_out])},
    }


def linear(weight: Any, **more: Any) -> dict[str, Any]:
    """A Linear node; an Affine one with ``bias``."""
    kind = "Affine" if "bias" in more else "Linear"
    return {"type": kind, "weight": np.asarray(weight, dtype=float), **more}


def _fill(group: h5py.Group, nodes: Nodes, edges: list[tuple[str, str]]) -> None:
    group["type"] = "NIRGraph"
    inner = group.create_group("nodes")
    for name, fields in nodes.items():
        node = inner.create_group(name)
        if "nodes" in fields:
            _fill(node, fields["nodes"], fields["edges"])
            continue
        for key, value in fields.items():
            node[key] = value
    table = np.array(edges, dtype=object).reshape(-1, 2)
    group.create_dataset("edges", data=table, dtype=h5py.string_dtype())


def write(
    path: Path, nodes: Nodes, edges: list[tuple[str, str]], metadata: str | None = None
) -> Path:
    """Write a graph; a node with ``nodes`` and ``edges`` becomes a subgraph."""
    with h5py.File(path, "w") as file:
        top = file.create_group("node")
        _fill(top, nodes, edges)
        if metadata is not None:
            top.create_group("metadata")["lifstone"] = metadata
    return path
