"""The stateless nodes of a NIR graph folded into weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..golden.errors import InvalidValue, require
from ..golden.network import MAX_DELAY
from .nir_file import Node
from .nir_flat import MAX_WEIGHTS, STATEFUL, Flat
from .nir_shape import Shapes, spread

__all__ = ["Branch", "fold"]

Array = NDArray[np.float64]
MAX_KINDS = 64
"""Different delays of one node: each becomes a connection with weights of its own."""


@dataclass(frozen=True, eq=False)
class Branch:
    """Weights from a source to a population; ``via`` names the last node between them.

    ``steps`` are those of Delay nodes on the way.
    """

    pre: str
    post: str
    weight: Array
    via: str
    steps: int = 0


_Sums = dict[tuple[str, int], Array]
"""Weights by source and delay: a matrix, or the one-dimensional diagonal of a square one."""


def fold(flat: Flat, shapes: Shapes, dt: float) -> tuple[list[Branch], dict[str, Array]]:
    """Every path between stateful nodes as a weight matrix, and the constant currents.

    ``dt`` is the step in seconds, in which Delay nodes are counted.

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
            return {(name, 0): np.ones(math.prod(shapes.sent[name]))}, None
        if name in known:
            return known[name]
        cycle = ", ".join(active[active.index(name) :]) if name in active else ""
        require(not cycle, "edges", cycle, "a neuron in every cycle")
        active.append(name)
        known[name] = _through(node, _gather(before[name], value, name), shapes, dt)
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
            for (source, steps), weight in sums.items():
                paths.append(Branch(source, name, _square(weight, name), pre, steps))
            if constant is not None:
                n = math.prod(shapes.sent[name])
                good = constant.shape == (n,)
                require(good, f"{pre}.bias", list(constant.shape), f"{n} values for {name}")
                bias[name] = bias.get(name, np.zeros(n)) + constant
    return paths, bias


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


def _through(
    node: Node, before: tuple[_Sums, Array | None], shapes: Shapes, dt: float
) -> tuple[_Sums, Array | None]:
    """What a stateless node makes of what it gets."""
    sums, constant = before
    if node.kind == "Delay":
        return _delayed(node, sums, dt), constant
    if node.name in shapes.unrolled:  # before the kernel is unrolled
        for weight in sums.values():
            _room(shapes.unrolled[node.name].size, weight, node.name)
    matrix = _operator(node, shapes)
    if matrix is None:
        return before
    label = f"{node.name}.{'scale' if node.kind == 'Scale' else 'weight'}"
    for (source, _), weight in sums.items():
        fits = len(weight) == matrix.shape[-1]
        require(fits, label, list(matrix.shape), f"{len(weight)} columns for {source}")
    fits = constant is None or len(constant) == matrix.shape[-1]
    require(fits, label, list(matrix.shape), "as many columns as its input has")
    out = {source: _times(matrix, weight, node.name) for source, weight in sums.items()}
    passed = None if constant is None else _times(matrix, constant[:, None], node.name)[:, 0]
    bias = _bias(node, shapes, matrix.shape[0])
    if bias is None or passed is None:
        return out, passed if bias is None else bias
    return out, passed + bias


def _operator(node: Node, shapes: Shapes) -> Array | sparse.csr_array | None:
    """The weights of a stateless node, or ``None`` where it changes nothing."""
    if node.name in shapes.unrolled:
        return shapes.unrolled[node.name].matrix()
    if node.kind == "Scale":
        scale = _finite(node, "scale")
        shape = shapes.sent[node.name]
        whole = spread(scale, shape) if scale.ndim == 0 or len(shape) > 1 else None
        flat = scale.reshape(-1) if whole is None else whole
        return np.broadcast_to(flat, math.prod(shape)) if whole is not None else flat
    if node.kind not in ("Affine", "Linear"):
        return None
    matrix = _finite(node, "weight")
    require(matrix.ndim == 2, f"{node.name}.weight", list(matrix.shape), "two dimensions")
    return matrix


def _bias(node: Node, shapes: Shapes, rows: int) -> Array | None:
    if node.name in shapes.unrolled:
        return shapes.unrolled[node.name].constant()
    if node.kind != "Affine":
        return None
    bias = _finite(node, "bias").reshape(-1)
    require(bias.shape == (rows,), f"{node.name}.bias", list(bias.shape), f"{rows} values")
    return bias


def _delayed(node: Node, sums: _Sums, dt: float) -> _Sums:
    """Whole steps later; lines of different delays part into a sum for each delay."""
    delay = node.array("delay").reshape(-1)
    allowed = f"0 to {MAX_DELAY} whole steps of {dt:g} s"
    steps = delay / dt
    with np.errstate(all="ignore"):
        whole = np.isfinite(steps) & (steps >= -1e-6) & (steps <= MAX_DELAY + 1e-6)
        whole &= np.abs(steps - np.rint(steps)) < 1e-6 * np.maximum(1.0, np.abs(steps))
    good = delay.size > 0 and bool(whole.all())
    require(good, f"{node.name}.delay", delay.tolist()[:4], allowed)
    each = np.rint(steps).astype(np.int64)
    kinds = [int(k) for k in np.unique(each)]
    few = len(kinds) <= MAX_KINDS
    require(few, f"{node.name}.delay", f"{len(kinds)} delays", f"at most {MAX_KINDS} of a node")
    late: _Sums = {}
    for (source, before), weight in sums.items():
        lines = each.size in (1, len(weight))
        require(lines, f"{node.name}.delay", list(delay.shape), f"1 or {len(weight)} values")
        for k in kinds:
            total = before + k
            text = f"at most {MAX_DELAY} steps between neurons, those of all nodes together"
            require(total <= MAX_DELAY, f"{node.name}.delay", total, text)
            part = weight if len(kinds) == 1 else _only(weight, each == k)
            key = source, total
            late[key] = _add(late[key], part) if key in late else part
    return late


def _only(weight: Array, lines: NDArray[np.bool_]) -> Array:
    """``weight`` on some lines, 0 on the others."""
    return np.asarray(weight * (lines if weight.ndim == 1 else lines[:, None]))


def _times(a: Array | sparse.csr_array, b: Array, name: str) -> Array:
    """The product of two weights, each a matrix or a diagonal."""
    _room(a.shape, b, name)
    with np.errstate(all="ignore"):  # what overflows is refused where it is used
        if isinstance(a, sparse.csr_array):
            return np.asarray(a @ b if b.ndim == 2 else a.multiply(b[None, :]).toarray())
        if a.ndim == 1:
            return np.asarray(a * b if b.ndim == 1 else a[:, None] * b)
        return np.asarray(a * b if b.ndim == 1 else a @ b)


def _room(shape: tuple[int, ...], b: Array, name: str) -> None:
    """Refuse a product of weights of ``shape`` with ``b`` that would fill the memory."""
    size = shape[0] * (b.shape[1] if b.ndim == 2 else len(b) if len(shape) == 2 else 1)
    require(size <= MAX_WEIGHTS, f"{name} weights", size, f"at most {MAX_WEIGHTS} once folded")


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
