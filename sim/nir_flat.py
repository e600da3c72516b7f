"""A NIR graph without its subgraphs: the kinds of node there are, and how they hang together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..golden.errors import require
from .nir_file import Node, RawGraph

__all__ = [
    "KNOWN",
    "MAX_LINES",
    "MAX_WEIGHTS",
    "STATEFUL",
    "STATELESS",
    "Flat",
    "flatten",
    "shape_of",
]

_LEAK = [("tau_mem", "tau", None), ("r", "r", None), ("v_leak", "v_leak", None)]
_CUBA = [
    ("tau_mem", "tau_mem", None),
    ("tau_syn", "tau_syn", None),
    ("r", "r", None),
    ("v_leak", "v_leak", None),
    ("w_in", "w_in", 1.0),
]
_THRESHOLD = [("v_th", "v_threshold", None), ("v_reset", "v_reset", 0.0)]
STATEFUL: dict[str, list[tuple[str, str, float | None]]] = {
    "LIF": [*_LEAK, *_THRESHOLD],
    "CubaLIF": [*_CUBA, *_THRESHOLD],
    "IF": [("r", "r", None), *_THRESHOLD],
    "I": [("r", "r", None)],
    "LI": list(_LEAK),
    "CubaLI": list(_CUBA),
}
"""Nodes with state: our field, the file's field, and the value where the file has none."""
CONVOLUTIONS = ("Conv1d", "Conv2d", "SumPool2d", "AvgPool2d")
STATELESS = ("Affine", "Linear", "Scale", *CONVOLUTIONS, "Flatten", "Delay")
MAX_LINES = 1 << 22
MAX_WEIGHTS = 1 << 26
KNOWN = ("Input", "Output", *STATELESS, *STATEFUL, "NIRGraph")


@dataclass(frozen=True, eq=False)
class Flat:
    """Nodes and edges with subgraphs dissolved; sizes of the inputs; names of the outputs."""

    nodes: dict[str, Node]
    edges: list[tuple[str, str]]
    inputs: dict[str, int]
    outputs: list[str]


def flatten(raw: RawGraph) -> Flat:
    """Dissolve subgraphs; ``a`` in subgraph ``g`` becomes ``g.a``.

    Raises
    ------
    InvalidValue
        For an unknown kind of node, or a graph without output.
    """
    nodes: dict[str, Node] = {}
    edges: list[tuple[str, str]] = []
    _dissolve(raw, nodes, edges)
    _known(nodes)
    # An Input that is fed, and an Output that feeds, are ports of a subgraph that lies flat.
    fed, feeding = {b for _, b in raw.edges}, {a for a, _ in raw.edges}
    inputs = {}
    for name, node in raw.nodes.items():
        if node.kind == "Input" and name not in fed:
            inputs[name] = math.prod(shape_of(node, "shape"))
    outputs = []
    for name, node in raw.nodes.items():
        if node.kind == "Output" and name not in feeding:
            outputs += [_speaker(nodes, edges, name, a) for a, b in edges if b == name]
    require(len(outputs) > 0, "nodes", list(raw.nodes)[:8], "an Output that a neuron feeds")
    return Flat(nodes, edges, inputs, outputs)


def _dissolve(raw: RawGraph, nodes: dict[str, Node], edges: list[tuple[str, str]]) -> None:
    inside: dict[str, tuple[str, str]] = {}
    full = {name: node.name for name, node in raw.nodes.items()}
    for name, node in raw.nodes.items():
        require(node.name not in nodes, "nodes", node.name, "a name that no other node has")
        if node.graph is None:
            nodes[node.name] = node
            continue
        _dissolve(node.graph, nodes, edges)
        ends = {}
        for kind in ("Input", "Output"):
            found = [n.name for n in node.graph.nodes.values() if n.kind == kind]
            require(len(found) == 1, f"{node.name}.nodes", found, f"one {kind} node")
            ends[kind] = found[0]
        inside[name] = (ends["Input"], ends["Output"])
    for a, b in raw.edges:
        source = inside[a][1] if a in inside else full[a]
        target = inside[b][0] if b in inside else full[b]
        edges.append((source, target))


def _known(nodes: dict[str, Node]) -> None:
    """Refuse unknown kinds, all of them at once."""
    unknown = {node.name: node.kind for node in nodes.values() if node.kind not in KNOWN}
    names = [f"{name}.type" for name in unknown]
    more = [f"{len(names) - 8} more"] * (len(names) > 8)
    kinds = ", ".join(sorted(set(unknown.values())))
    require(not unknown, ", ".join([*names[:8], *more]), kinds, f"one of {', '.join(KNOWN)}")


def shape_of(node: Node, key: str) -> tuple[int, ...]:
    """Field ``key`` as a shape of bearable size."""
    shape = node.array(key).reshape(-1)
    whole = (shape >= 1) & (shape <= MAX_LINES) & (np.floor(shape) == shape)
    good = 0 < shape.size < 8 and bool(whole.all()) and np.prod(shape) <= MAX_LINES
    allowed = f"whole numbers of at least 1, {MAX_LINES} lines in all"
    require(good, f"{node.name}.{key}", shape.tolist()[:8], allowed)
    return tuple(int(n) for n in shape)


def _speaker(nodes: dict[str, Node], edges: list[tuple[str, str]], out: str, pre: str) -> str:
    """The neuron population that feeds an Output, through nodes that change nothing."""
    seen = set()
    while nodes[pre].kind in ("Output", "Flatten") and pre not in seen:
        seen.add(pre)
        before = [a for a, b in edges if b == pre]
        require(len(before) == 1, f"{pre} input", before, "one node")
        pre = before[0]
    kind = nodes[pre].kind
    require(kind in STATEFUL, f"{out} input", f"{pre} ({kind})", f"one of {', '.join(STATEFUL)}")
    return pre
