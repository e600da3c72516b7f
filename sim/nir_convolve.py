"""NIR's convolutions and poolings, unrolled into weights.

The sums themselves are those of :class:`~lifstone.golden.layers.convolution.Convolution`; here
a node's fields become its arguments, and what a small file would unroll into is bounded first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..golden.errors import InvalidValue, require
from ..golden.layers.convolution import Convolution
from ..golden.layers.pooling import average_pool, sum_pool
from .nir_file import Node

__all__ = ["AXES", "Shape", "Unrolled", "field_sizes", "unroll"]

Array = NDArray[np.float64]
Shape = tuple[int, ...]
AXES = {"Conv1d": 1, "Conv2d": 2, "SumPool2d": 2, "AvgPool2d": 2}
"""Spatial axes of each kind."""
MAX_SIZE = 1 << 20
"""Of a stride, padding, dilation or side of a kernel."""
MAX_TAPS = 1 << 14
"""Positions of a kernel."""
MAX_LINKS = 1 << 24
"""Single connections of one node, zeros in the padding counted."""


@dataclass(frozen=True, eq=False)
class Unrolled:
    """A convolution whose input lies at the front of ``conv.shape``, and its bias by channel."""

    name: str
    conv: Convolution
    shape: Shape
    bias: Array | None

    @property
    def out_shape(self) -> Shape:
        """Channels first."""
        return self.conv.out_shape

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of :meth:`matrix`."""
        return math.prod(self.out_shape), math.prod(self.shape)

    def matrix(self) -> sparse.csr_array:
        """Weights ``(n_out, n_in)``."""
        whole = self.conv.matrix()
        if self.shape == self.conv.shape:
            return whole
        lines = np.arange(self.conv.n_in).reshape(self.conv.shape)
        front = lines[tuple(slice(n) for n in self.shape)].reshape(-1)
        return sparse.csr_array(whole[:, front])

    def constant(self) -> Array | None:
        """The bias of each output line, ``(n_out,)``."""
        if self.bias is None:
            return None
        return np.repeat(self.bias, math.prod(self.out_shape[1:]))


def unroll(node: Node, shape: Shape) -> Unrolled:
    """Convolution or pooling ``node`` over input of ``shape``, channels first.

    Raises
    ------
    InvalidValue
        For fields that do not fit each other or ``shape``, values that are not finite, or more
        connections than are unrolled.
    """
    axes = AXES[node.kind]
    stride = field_sizes(node, "stride", axes, 1)
    try:
        if node.kind in ("SumPool2d", "AvgPool2d"):
            return _pool(node, shape, stride)
        return _convolve(node, shape, stride, axes)
    except InvalidValue as error:
        if error.field.startswith(f"{node.name}."):
            raise
        raise InvalidValue(f"{node.name}.{error.field}", error.value, error.allowed) from None


def _pool(node: Node, shape: Shape, stride: Shape) -> Unrolled:
    kernel = field_sizes(node, "kernel_size", 2, 1)
    padding = field_sizes(node, "padding", 2, 0)
    _bounded(node, shape[0], 1, kernel)
    pool = sum_pool if node.kind == "SumPool2d" else average_pool
    conv = pool(shape, kernel, stride=stride, padding=padding)
    return Unrolled(node.name, _few(node, conv), shape, None)


def _convolve(node: Node, shape: Shape, stride: Shape, axes: int) -> Unrolled:
    weight = node.array("weight")
    good = weight.ndim == axes + 2 and weight.size > 0
    require(good, f"{node.name}.weight", list(weight.shape), f"{axes + 2} dimensions, none empty")
    kernel = weight.shape[2:]
    dilation = field_sizes(node, "dilation", axes, 1)
    (groups,) = field_sizes(node, "groups", 1, 1)
    padding, more = _padding(node, axes, kernel, stride, dilation)
    wide = (shape[0], *(n + m for n, m in zip(shape[1:], more, strict=True)))
    _bounded(node, weight.shape[0], weight.shape[1], kernel)
    conv = Convolution(
        weight, wide, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    bias = node.array("bias", 0.0).reshape(-1)
    good = bias.size in (1, weight.shape[0])
    require(good, f"{node.name}.bias", list(bias.shape), f"{weight.shape[0]} values")
    for k in np.flatnonzero(~np.isfinite(bias)):
        raise InvalidValue(f"{node.name}.bias[{k}]", float(bias[k]), "finite numbers")
    whole = np.broadcast_to(bias, weight.shape[:1])
    return Unrolled(node.name, _few(node, conv), shape, whole if "bias" in node.values else None)


def _padding(
    node: Node, axes: int, kernel: Shape, stride: Shape, dilation: Shape
) -> tuple[Shape, Shape]:
    """Zeros on both sides, and lines to append behind, by axis.

    ``same`` with an even span has one more zero behind than in front, as in PyTorch.
    """
    at = f"{node.name}.padding"
    text = node.texts.get("padding")
    if text is None:
        return field_sizes(node, "padding", axes, 0), (0,) * axes
    require(text in ("same", "valid"), at, text, "same, valid or whole numbers")
    if text == "valid":
        return (0,) * axes, (0,) * axes
    one = all(s == 1 for s in stride)
    require(one, f"{node.name}.stride", list(stride), "1 where padding is 'same'")
    total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    return tuple(t // 2 for t in total), tuple(t % 2 for t in total)


def field_sizes(node: Node, key: str, axes: int, low: int) -> Shape:
    """Field ``key``: one whole number for all axes or one for each."""
    a = node.array(key).reshape(-1)
    good = a.size in (1, axes) and bool(((a >= low) & (a <= MAX_SIZE) & (np.floor(a) == a)).all())
    text = "a whole number" if axes == 1 else f"1 or {axes} whole numbers"
    require(good, f"{node.name}.{key}", a.tolist()[:4], f"{text} from {low} to {MAX_SIZE}")
    values = tuple(int(v) for v in a)
    return values * axes if a.size == 1 else values


def _bounded(node: Node, channels: int, fan: int, kernel: Shape) -> None:
    """Refuse kernels that would fill the memory, before any is made."""
    taps = math.prod(kernel)
    require(taps <= MAX_TAPS, f"{node.name} kernel", list(kernel), f"at most {MAX_TAPS} positions")
    values = channels * fan * taps
    require(values <= MAX_LINKS, f"{node.name} kernel", f"{values} values", f"at most {MAX_LINKS}")


def _few(node: Node, conv: Convolution) -> Convolution:
    """``conv``, unless unrolling it would fill the memory."""
    lines = math.prod(conv.shape)
    require(lines <= MAX_LINKS, f"{node.name} input", lines, f"at most {MAX_LINKS} lines")
    links = conv.weight.size * math.prod(conv.out_shape[1:])
    allowed = f"at most {MAX_LINKS} once unrolled"
    require(links <= MAX_LINKS, f"{node.name} connections", links, allowed)
    return conv
