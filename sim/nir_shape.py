"""Shapes along the edges of a NIR graph, channels first.

Poolings and many convolutions name no input shape, and neurons behind them may name one value
for all or one a channel; both follow from what the nodes before them send.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..golden.errors import InvalidValue, require
from .nir_convolve import AXES, Shape, Unrolled, field_sizes, unroll
from .nir_file import Node
from .nir_flat import MAX_LINES, STATEFUL, Flat, shape_of

__all__ = ["Shapes", "infer", "spread"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Shapes:
    """What each node sends, its unrolled weights where it has any, and what was assumed."""

    sent: dict[str, Shape] = field(default_factory=dict)
    unrolled: dict[str, Unrolled] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def infer(flat: Flat) -> Shapes:
    """Follow the edges from the inputs, then from neurons that no input reaches.

    Raises
    ------
    InvalidValue
        For shapes that contradict each other or that no node says, and broken convolutions.
    """
    after: dict[str, list[str]] = {name: [] for name in flat.nodes}
    for a, b in flat.edges:
        after[a].append(b)
    stateful = [n for n, node in flat.nodes.items() if node.kind in STATEFUL]
    found = Shapes()
    for start in [*flat.inputs, *stateful, *flat.nodes]:
        ready: deque[tuple[str, Shape | None]] = deque([(start, None)])
        while ready:
            name, comes = ready.popleft()
            if name in found.sent:
                continue
            found.sent[name] = _sent(flat.nodes[name], comes, found)
            ready.extend((b, found.sent[name]) for b in after[name])
    return found


def spread(a: Array, shape: Shape) -> Array | None:
    """``a`` over a population of ``shape``, in C order; ``None`` if it does not spread.

    One value stays one; one a channel, or ones as NumPy broadcasts them, become one a neuron.
    """
    size = math.prod(shape)
    if a.size == 1:
        return a.reshape(-1)
    if a.size == size:
        same = a.ndim == 1 or len(shape) == 1 or _core(a.shape) == _core(shape)
        return a.reshape(-1) if same else None
    if a.ndim == 1 and len(shape) > 1 and len(a) == shape[0]:
        return np.repeat(a, size // len(a))
    if a.ndim == len(shape) and all(k in (1, n) for k, n in zip(a.shape, shape, strict=True)):
        return np.broadcast_to(a, shape).reshape(-1)
    return None


def _core(shape: Shape) -> Shape:
    """Without ones in front: exporters keep axes of batch and time there."""
    k = next((i for i, n in enumerate(shape) if n != 1), len(shape))
    return tuple(shape[k:])


def _sent(node: Node, comes: Shape | None, found: Shapes) -> Shape:
    if node.kind in STATEFUL:
        return _neuron(node, comes)
    if node.kind in AXES:
        unrolled = unroll(node, _image(node, comes))
        lines = math.prod(unrolled.out_shape)
        require(lines <= MAX_LINES, f"{node.name} output", lines, f"at most {MAX_LINES} lines")
        found.unrolled[node.name] = unrolled
        if node.kind == "AvgPool2d" and any(unrolled.conv.padding):
            found.notes.append(f"{node.name}: zeros of the padding are part of the mean")
        return unrolled.out_shape
    if node.kind in ("Affine", "Linear"):
        if comes is not None and len(_core(comes)) > 1:
            found.notes.append(f"{node.name} takes shape {list(comes)} as one axis, in C order")
        return node.array("weight").shape[:1] or (1,)
    if node.kind == "Flatten":
        return _flattened(node, comes, found.notes)
    if comes is not None:
        return comes
    own = {"Scale": "scale", "Delay": "delay"}.get(node.kind)
    if own is not None:
        return node.array(own).shape or (1,)
    return shape_of(node, "shape") if "shape" in node.values else (1,)


def _neuron(node: Node, comes: Shape | None) -> Shape:
    """Shape of a population: that of its input where its parameters spread over it."""
    keys = [theirs for _, theirs, _ in STATEFUL[node.kind] if theirs in node.values]
    widest = max((node.values[k].shape for k in keys), key=lambda s: (math.prod(s), len(s)))
    if comes is None:
        return widest or (1,)
    if widest and len(comes) == 1:
        return widest  # what does not fit is refused with the weights
    for key in keys:
        a = node.values[key]
        allowed = f"one value, one a channel, or one for each of {list(comes)}"
        require(spread(a, comes) is not None, f"{node.name}.{key}", list(a.shape), allowed)
    return comes


def _image(node: Node, comes: Shape | None) -> Shape:
    """Channels and sizes that a convolution or pooling works on."""
    axes, at = AXES[node.kind], f"{node.name}.input_shape"
    own = None
    if "input_shape" in node.values:
        sizes, weight = field_sizes(node, "input_shape", axes, 1), node.array("weight")
        fan = weight.shape[1] if weight.ndim > 1 else 1
        own = (fan * field_sizes(node, "groups", 1, 1)[0], *sizes)
        if comes is None or (len(comes) == 1 and math.prod(own) == math.prod(comes)):
            return own
    image = comes or ()
    while len(image) > axes + 1 and image[0] == 1:
        image = image[1:]
    sizes_text = f"channels and {axes} {'size' if axes == 1 else 'sizes'}"
    if len(image) != axes + 1:
        got = "nothing" if comes is None else f"shape {list(comes)}"
        if own is None and node.kind.startswith("Conv"):
            allowed = f"{axes} whole numbers, since its input has {got}, not {sizes_text}"
            raise InvalidValue(at, None, allowed)
        if own is not None:
            allowed = f"sizes that fit its input, {got}, with {own[0]} channels"
            raise InvalidValue(at, list(own[1:]), allowed)
        raise InvalidValue(f"{node.name} input", got, sizes_text)
    if own is not None:
        allowed = f"the sizes of its input, {list(image[1:])}"
        require(own[1:] == image[1:], at, list(own[1:]), allowed)
    return image


def _flattened(node: Node, comes: Shape | None, notes: list[str]) -> Shape:
    shape = comes
    if "input_type" in node.values:
        own = shape_of(node, "input_type")
        shape = _agreed(node, own, comes, notes)
    if shape is None:
        return (1,)
    n = len(shape)
    start, end = (_axis(node, key, d) for key, d in (("start_dim", 1), ("end_dim", -1)))
    first = max(0, start + n if start < 0 else start)
    last = min(n - 1, end + n if end < 0 else end)
    if first >= last:
        return shape
    return (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])


def _agreed(node: Node, own: Shape, comes: Shape | None, notes: list[str]) -> Shape:
    """The shape that a Flatten names, or its input's where that says more."""
    if comes is None or math.prod(own) == math.prod(comes):
        return own if comes is None or len(comes) == 1 else comes
    batch = math.prod(own[1:]) == math.prod(comes)
    allowed = f"{math.prod(comes)} values, as its input has"
    require(batch, f"{node.name}.input_type", list(own), allowed)
    notes.append(f"{node.name}: the first axis of {list(own)} is that of samples")
    return comes


def _axis(node: Node, key: str, default: int) -> int:
    a = node.array(key, default).reshape(-1)
    good = a.size == 1 and bool(((abs(a) < 32) & (np.floor(a) == a)).all())
    require(good, f"{node.name}.{key}", a.tolist()[:4], "a whole number from -31 to 31")
    return int(a[0])
