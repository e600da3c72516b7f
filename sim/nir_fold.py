"""The stateless nodes of a NIR graph folded into weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..golden.errors import InvalidValue, require
from .nir_file import Node
from .nir_flat import MAX_WEIGHTS, STATEFUL, STATELESS, Flat

__all__ = ["Branch", "fold"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Branch:
    """Weights from a source to a population; ``via`` names the last node between them."""

    pre: str
    post: str
    weight: Array
    via: str


_Sums = dict[str, Array]
"""Weights by source: a matrix, or the one-dimensional diagonal of a square one."""


def fold(flat: Flat) -> tuple[list[Branch], dict[str, Array]]:
    """Every path between stateful nodes as a weight matrix, and the constant currents.

    Raises
    ------
    InvalidValue
        For a cycle without state, shapes that do not fit, or weights that are not finite.
    """
    before: dict[str, list[str]] = {name: [] for name in flat.nodes}
    for a, b in flat.edges:
        before[b].append(a)
    known: dict[str, tuple[_Sums, Array | None]] = {}
    active: list[str] = []

    def value(name: str) -> tuple[_Sums, Array | None]:
        """Sums over sources that node ``name`` sends on, and its constant part."""
        node = flat.nodes[name]
        if node.kind in STATEFUL or name in flat.inputs:
            return {name: np.ones(_width(flat, name))}, None
        if name in known:
            return known[name]
        cycle = ", ".join(active[active.index(name) :]) if name in active else ""
        require(not cycle, "edges", cycle, "a neuron in every cycle")
        active.append(name)
        known[name] = _through(node, _gather(before[name], value, name))
        active.pop()
        return known[name]

    paths: list[Branch] = []
    bias: dict[str, Array] = {}
    for name, node in flat.nodes.items():
        if node.kind not in STATEFUL:
            continue
        for pre in before[name]:
            try:
                sums, constant = value(pre)
            except RecursionError:
                raise InvalidValue("edges", pre, "at most some hundred nodes in a row") from None
            for source, weight in sums.items():
                paths.append(Branch(source, name, _square(weight, name), pre))
            if constant is not None:
                n = _width(flat, name)
                good = constant.shape == (n,)
                require(good, f"{pre}.bias", list(constant.shape), f"{n} values for {name}")
                bias[name] = bias.get(name, np.zeros(n)) + constant
    return paths, bias


def _width(flat: Flat, name: str) -> int:
    if name in flat.inputs:
        return flat.inputs[name]
    node = flat.nodes[name]
    return max(node.array(key, d).size for _, key, d in STATEFUL[node.kind])


def _gather(
    names: list[str], value: Callable[[str], tuple[_Sums, Array | None]], at: str
) -> tuple[_Sums, Array | None]:
    sums: _Sums = {}
    constant: Array | None = None
    for name in names:
        more, extra = value(name)
        for source, weight in more.items():
            same = source not in sums or len(sums[source]) == len(weight)
            require(same, f"{at} input", list(weight.shape), "inputs of one size")
            sums[source] = _add(sums[source], weight) if source in sums else weight
        if extra is not None:
            same = constant is None or constant.shape == extra.shape
            require(same, f"{at} input", list(extra.shape), "inputs of one size")
            constant = extra if constant is None else constant + extra
    return sums, constant


def _through(node: Node, before: tuple[_Sums, Array | None]) -> tuple[_Sums, Array | None]:
    """What a stateless node makes of what it gets."""
    sums, constant = before
    if node.kind not in STATELESS or node.kind == "Flatten":
        return sums, constant
    key = "scale" if node.kind == "Scale" else "weight"
    matrix = _finite(node, key)
    if key == "scale":
        matrix = matrix.reshape(-1)
    else:
        require(matrix.ndim == 2, f"{node.name}.weight", list(matrix.shape), "two dimensions")
    for source, weight in sums.items():
        fits = len(weight) == matrix.shape[-1]
        allowed = f"{len(weight)} columns for {source}"
        require(fits, f"{node.name}.{key}", list(matrix.shape), allowed)
    fits = constant is None or len(constant) == matrix.shape[-1]
    require(fits, f"{node.name}.{key}", list(matrix.shape), "as many columns as its input has")
    out = {source: _times(matrix, weight, node.name) for source, weight in sums.items()}
    passed = None if constant is None else _times(matrix, constant[:, None], node.name)[:, 0]
    if node.kind != "Affine":
        return out, passed
    bias = _finite(node, "bias").reshape(-1)
    fits = bias.shape == (matrix.shape[0],)
    require(fits, f"{node.name}.bias", list(bias.shape), f"{matrix.shape[0]} values")
    return out, bias if passed is None else passed + bias


def _times(a: Array, b: Array, name: str) -> Array:
    """The product of two weights, each a matrix or a diagonal."""
    size = len(a) * (b.shape[1] if b.ndim == 2 else len(b) if a.ndim == 2 else 1)
    require(size <= MAX_WEIGHTS, f"{name} weights", size, f"at most {MAX_WEIGHTS} once folded")
    with np.errstate(all="ignore"):  # what overflows is refused where it is used
        if a.ndim == 1:
            return np.asarray(a * b if b.ndim == 1 else a[:, None] * b)
        return np.asarray(a * b if b.ndim == 1 else a @ b)


def _add(a: Array, b: Array) -> Array:
    return a + b if a.ndim == b.ndim else _square(a, "input") + _square(b, "input")


def _square(weight: Array, name: str) -> Array:
    """A diagonal as a matrix."""
    if weight.ndim == 2:
        return weight
    fits = weight.size**2 <= MAX_WEIGHTS
    require(fits, f"{name} input", f"{weight.size} lines", f"at most {int(MAX_WEIGHTS**0.5)}")
    return np.diag(weight)


def _finite(node: Node, key: str) -> Array:
    a = node.array(key)
    for index in np.argwhere(~np.isfinite(a)):
        at = ", ".join(str(i) for i in index)
        raise InvalidValue(f"{node.name}.{key}[{at}]", float(a[tuple(index)]), "finite numbers")
    return a
