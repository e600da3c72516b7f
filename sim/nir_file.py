"""The HDF5 side of a NIR file: nodes and edges as plain data, nothing interpreted.

Read with h5py alone, since the ``nir`` package refuses older files whose type check fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from ..golden.errors import InvalidValue, require

__all__ = ["Node", "RawGraph", "read_graph"]

Array = NDArray[np.float64]
MAX_ELEMENTS = 1 << 27
MAX_DEPTH = 16


@dataclass(frozen=True, eq=False)
class Node:
    """A NIR node: its kind and its arrays by name; ``graph`` for a subgraph."""

    name: str
    kind: str
    values: dict[str, Array]
    graph: RawGraph | None = None

    def array(self, key: str, default: float | None = None) -> Array:
        """Array ``key``; its absence without default is an error that names the field."""
        if key in self.values:
            return self.values[key]
        if default is None:
            known = ", ".join(self.values) or "none"
            raise InvalidValue(f"{self.name}.{key}", None, f"a value; the file has {known}")
        return np.asarray(default)


@dataclass(frozen=True, eq=False)
class RawGraph:
    """Nodes by name and edges in the file's order; ``metadata`` holds texts."""

    nodes: dict[str, Node]
    edges: list[tuple[str, str]]
    metadata: dict[str, str] = field(default_factory=dict)


def read_graph(path: Path) -> RawGraph:
    """Read a NIR file.

    Raises
    ------
    InvalidValue
        If the file is missing, is no HDF5, or is no NIR graph.
    """
    require(path.is_file(), "model", str(path), "an existing .nir file")
    try:
        with h5py.File(path, "r") as file:
            top = _group(file, "node", "node")
            return _graph(top, "", 0)
    except InvalidValue:
        raise
    except RecursionError as error:
        raise InvalidValue("model", str(path), f"at most {MAX_DEPTH} nested graphs") from error
    except Exception as error:  # h5py raises a dozen kinds on a broken file
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        allowed = f"an unbroken NIR file in HDF5 ({reason})"
        raise InvalidValue("model", str(path), allowed) from error


def _group(parent: h5py.Group, key: str, field_name: str) -> h5py.Group:
    _no_outside(parent, key)
    found = parent.get(key)
    good = isinstance(found, h5py.Group)
    require(good, field_name, None if found is None else "no group", "a group in the file")
    return found


def _no_outside(parent: h5py.Group, key: str) -> None:
    """Refuse links into other files."""
    link = parent.get(key, getlink=True) if key in parent else None
    inside = not isinstance(link, h5py.ExternalLink)
    require(inside, f"{parent.name}/{key}", "a link to another file", "data in the file")


def _graph(group: h5py.Group, prefix: str, depth: int) -> RawGraph:
    require(depth < MAX_DEPTH, prefix or "model", depth, f"at most {MAX_DEPTH} nested graphs")
    kind = _text(group, "type", prefix or "node")
    require(kind == "NIRGraph", f"{prefix or 'node'}.type", kind, "NIRGraph")
    listed = _group(group, "nodes", f"{prefix or 'node'}.nodes")
    nodes = {name: _node(listed, name, prefix, depth) for name in _names(listed)}
    edges = _edges(group, prefix or "node")
    for a, b in edges:
        for end in (a, b):
            known = ", ".join(list(nodes)[:8])
            require(end in nodes, f"{prefix or 'node'}.edges", end, f"a node's name: {known}")
    return RawGraph(nodes, edges, _metadata(group))


def _names(group: h5py.Group) -> Iterator[str]:
    for name in group:
        _no_outside(group, name)
        yield name


def _node(parent: h5py.Group, name: str, prefix: str, depth: int) -> Node:
    full = f"{prefix}.{name}" if prefix else name
    group = _group(parent, name, full)
    kind = _text(group, "type", full)
    if kind == "NIRGraph":
        return Node(full, kind, {}, _graph(group, full, depth + 1))
    values = {
        key: _array(group, key, full)
        for key in _names(group)
        if key != "type" and isinstance(group.get(key), h5py.Dataset) and _numeric(group[key])
    }
    return Node(full, kind, values)


def _numeric(data: h5py.Dataset) -> bool:
    return data.dtype.kind in "iufb"


def _array(group: h5py.Group, key: str, name: str) -> Array:
    data = group[key]
    size = int(np.prod(data.shape, dtype=np.float64))
    require(size <= MAX_ELEMENTS, f"{name}.{key}", f"{size} values", f"at most {MAX_ELEMENTS}")
    own = data.external is None and not data.is_virtual
    require(own, f"{name}.{key}", "data of another file", "data in the file")
    return np.asarray(data[()], dtype=np.float64)


def _text(group: h5py.Group, key: str, name: str) -> str:
    data = group.get(key)
    require(isinstance(data, h5py.Dataset), f"{name}.{key}", None, "a text in the file")
    value = data[()]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    require(isinstance(value, str), f"{name}.{key}", value, "a text")
    return str(value)


def _edges(group: h5py.Group, name: str) -> list[tuple[str, str]]:
    data = group.get("edges")
    require(isinstance(data, h5py.Dataset), f"{name}.edges", None, "a table of node names")
    require(data.size <= MAX_ELEMENTS, f"{name}.edges", data.size, f"at most {MAX_ELEMENTS}")
    if data.size == 0:
        return []
    table = np.asarray(data[()])
    require(table.ndim == 2 and table.shape[1] == 2, f"{name}.edges", table.shape, "two columns")

    def plain(cell: object) -> str:
        return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)

    return [(plain(a), plain(b)) for a, b in table]


def _metadata(group: h5py.Group) -> dict[str, str]:
    found = group.get("metadata")
    if not isinstance(found, h5py.Group):
        return {}
    out = {}
    for key in _names(found):
        value = found[key][()] if isinstance(found[key], h5py.Dataset) else None
        if isinstance(value, bytes | str):
            out[key] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return out
