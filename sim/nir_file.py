"""The HDF5 side of a NIR file: nodes and edges as plain data, nothing interpreted.

Read with h5py alone, since the ``nir`` package refuses older files whose type check fails, and
on trial first, since a single wrong byte can crash the HDF5 library or keep it busy for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from ..golden.errors import InvalidValue, require
from .trial import trial

__all__ = ["Node", "RawGraph", "read_graph"]

Array = NDArray[np.float64]
MAX_VALUES = 1 << 26
"""Values of all arrays of a file together; compressed data can be tiny on disk."""
MAX_TEXT = 1 << 22
MAX_NODES = 10_000
MAX_DEPTH = 16
MAX_SECONDS = 10
TEXTS = ("padding",)
"""Fields that may hold a word in place of numbers."""


@dataclass(frozen=True, eq=False)
class Node:
    """A NIR node: its kind, its arrays and texts by name; ``graph`` for a subgraph."""

    name: str
    kind: str
    values: dict[str, Array]
    graph: RawGraph | None = None
    texts: dict[str, str] = field(default_factory=dict)

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


@dataclass
class _Budget:
    """What may still be read; links inside a file can multiply nodes without end."""

    values: int = MAX_VALUES
    nodes: int = MAX_NODES

    def take(self, field_name: str, data: h5py.Dataset) -> None:
        size = float(np.prod(data.shape, dtype=np.float64)) if data.shape else 1.0
        allowed = f"at most {MAX_VALUES} values in a file"
        require(size <= self.values, field_name, f"{size:.0f} values", allowed)
        self.values -= int(size)
        own = data.external is None and not data.is_virtual
        require(own, field_name, "data of another file", "data in the file")


def read_graph(path: Path) -> RawGraph:
    """Read a NIR file.

    Raises
    ------
    InvalidValue
        If the file is missing, is no HDF5, or is no NIR graph.
    """
    path = Path(path)
    require(path.is_file(), "model", str(path), "an existing .nir file")
    died = trial(lambda: _read(path), MAX_SECONDS)
    allowed = f"an unbroken NIR file in HDF5 (reading it {died})"
    require(not died, "model", str(path), allowed)
    return _read(path)


def _read(path: Path) -> RawGraph:
    try:
        with h5py.File(path, "r") as file:
            top = _group(file, "node", "node")
            return _graph(top, "", 0, _Budget())
    except InvalidValue:
        raise
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


def _graph(group: h5py.Group, prefix: str, depth: int, budget: _Budget) -> RawGraph:
    require(depth < MAX_DEPTH, prefix or "model", depth, f"at most {MAX_DEPTH} nested graphs")
    kind = _text(group, "type", prefix or "node")
    require(kind == "NIRGraph", f"{prefix or 'node'}.type", kind, "NIRGraph")
    listed = _group(group, "nodes", f"{prefix or 'node'}.nodes")
    nodes = {name: _node(listed, name, prefix, depth, budget) for name in _names(listed)}
    listed_edges = _edges(group, prefix or "node", budget)
    edges = [(_port(nodes, a, "output"), _port(nodes, b, "input")) for a, b in listed_edges]
    for a, b in edges:
        for end in (a, b):
            known = ", ".join(list(nodes)[:8])
            require(end in nodes, f"{prefix or 'node'}.edges", end, f"a node's name: {known}")
    return RawGraph(nodes, edges, _metadata(group))


def _port(nodes: dict[str, Node], name: str, end: str) -> str:
    """The node at which an edge to a subgraph ends whose nodes lie flat in the graph.

    snnTorch writes ``rnn.input``, ``rnn.lif``, ``rnn.output`` and edges to and from ``rnn``.
    """
    port = f"{name}.{end}"
    return port if name not in nodes and port in nodes else name


def _names(group: h5py.Group) -> Iterator[str]:
    for name in group:
        _no_outside(group, name)
        yield name


def _node(parent: h5py.Group, name: str, prefix: str, depth: int, budget: _Budget) -> Node:
    full = f"{prefix}.{name}" if prefix else name
    budget.nodes -= 1
    require(budget.nodes >= 0, "nodes", f"over {MAX_NODES}", f"at most {MAX_NODES} nodes")
    group = _group(parent, name, full)
    kind = _text(group, "type", full)
    if kind == "NIRGraph":
        return Node(full, kind, {}, _graph(group, full, depth + 1, budget))
    values = {
        key: _array(group, key, full, budget)
        for key in _names(group)
        if key != "type" and isinstance(group.get(key), h5py.Dataset) and _numeric(group[key])
    }
    texts = {key: _text(group, key, full) for key in TEXTS if key in group and key not in values}
    return Node(full, kind, values, texts=texts)


def _numeric(data: h5py.Dataset) -> bool:
    return data.dtype.kind in "iufb"


def _array(group: h5py.Group, key: str, name: str, budget: _Budget) -> Array:
    data = group[key]
    require(data.shape is not None, f"{name}.{key}", "no value", "an array of numbers")
    budget.take(f"{name}.{key}", data)
    return np.asarray(data[()], dtype=np.float64)


def _text(group: h5py.Group, key: str, name: str) -> str:
    _no_outside(group, key)
    data = group.get(key)
    require(isinstance(data, h5py.Dataset), f"{name}.{key}", None, "a text in the file")
    value = _string(data)
    require(value is not None, f"{name}.{key}", "something else", "a text")
    return str(value)


def _string(data: h5py.Dataset) -> str | None:
    """A scalar text of bearable length, or ``None``."""
    if data.shape != () or data.dtype.itemsize > MAX_TEXT:
        return None
    value = data[()]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None


def _edges(group: h5py.Group, name: str, budget: _Budget) -> list[tuple[str, str]]:
    _no_outside(group, "edges")
    data = group.get("edges")
    require(isinstance(data, h5py.Dataset), f"{name}.edges", None, "a table of node names")
    narrow = data.dtype.itemsize <= 4096
    require(narrow, f"{name}.edges", f"names of {data.dtype.itemsize} bytes", "at most 4096")
    budget.take(f"{name}.edges", data)
    if not data.size:
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
        value = _string(found[key]) if isinstance(found.get(key), h5py.Dataset) else None
        if value is not None:
            out[key] = value
    return out
