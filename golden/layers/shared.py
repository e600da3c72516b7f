"""A convolution as hardware stores it: each kernel once, and small tables along the axes.

Along one axis, an input line reaches the outputs ``first_out``, ``first_out - out_step``, ... with
the kernel's positions ``first_tap``, ``first_tap + tap_step``, ...; how many, and where they
begin, depends on the line alone (:class:`AxisReach`). A spike of line ``(c, y, x)`` therefore
needs one entry of each axis's table and of the channels', and no multiplication.

Sum pooling in front whose windows do not overlap costs nothing: a line reaches what its window
reaches, so only the tables change. Average pooling is the same with the gain in the weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..errors import InvalidValue, require
from ..fixed import Ints
from .convolution import Convolution

__all__ = ["AxisReach", "SharedKernel", "shared_kernel"]


@dataclass(frozen=True, eq=False)
class AxisReach:
    """What a line of one axis reaches: entries ``(n_in,)`` and the steps between taps."""

    first_tap: Ints
    first_out: Ints
    count: Ints
    tap_step: int
    out_step: int


@dataclass(frozen=True, eq=False)
class SharedKernel:
    """An integer convolution, and the pooling that lies before it.

    Parameters
    ----------
    conv
        Kernels, strides and so on, over what the pooling leaves.
    pool
        Side of the pooling's windows along each axis; 1 for none.
    shape
        Input lines ``(channels, ...)``; may be smaller than ``conv`` reads, whose further lines
        are silent, and larger than the windows cover, whose further lines reach nothing.

    Raises
    ------
    InvalidValue
        For a kernel that is not of integers, or sizes that do not fit each other.
    """

    conv: Convolution
    pool: tuple[int, ...]
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        kind = self.conv.weight.dtype
        require(kind == np.int64, "weight", str(kind), "int64")
        good = len(self.pool) == self.conv.axes and min(self.pool) >= 1
        require(good, "pool", self.pool, f"{self.conv.axes} sides of at least 1")
        channels = self.conv.shape[0]
        good = len(self.shape) == len(self.conv.shape) and min(self.shape) >= 1
        good = good and self.shape[0] == channels
        require(good, "shape", self.shape, f"{channels} channels and {self.conv.axes} sizes")

    @property
    def n_in(self) -> int:
        """Input lines."""
        return math.prod(self.shape)

    @property
    def n_out(self) -> int:
        """Output lines."""
        return self.conv.n_out

    @cached_property
    def reaches(self) -> tuple[AxisReach, ...]:
        """The table of each axis."""
        return tuple(self._reach(axis) for axis in range(self.conv.axes))

    def _reach(self, axis: int) -> AxisReach:
        conv = self.conv
        size, taps = conv.shape[1 + axis], conv.weight.shape[2 + axis]
        stride, dilation = conv.stride[axis], conv.dilation[axis]
        common = math.gcd(stride, dilation)
        tap_step, out_step = stride // common, dilation // common
        found = np.zeros((3, self.shape[1 + axis]), dtype=np.int64)
        for line in range(self.shape[1 + axis]):
            pooled = line // self.pool[axis]
            if pooled >= size:
                continue
            hits = [
                (tap, (pooled + conv.padding[axis] - dilation * tap) // stride)
                for tap in range(taps)
                if (pooled + conv.padding[axis] - dilation * tap) % stride == 0
            ]
            hits = [(tap, out) for tap, out in hits if 0 <= out < conv.out_shape[1 + axis]]
            if hits:
                found[:, line] = (*hits[0], len(hits))
        return AxisReach(found[0], found[1], found[2], tap_step, out_step)

    @cached_property
    def links(self) -> NDArray[np.int64]:
        """Input line, output line and index into the kernel of every connection, ``(3, m)``.

        Read from the tables as hardware reads them, in the order in which it visits them.
        """
        conv = self.conv
        o, c = conv.weight.shape[0] // conv.groups, conv.weight.shape[1]
        area, taps = math.prod(conv.out_shape[1:]), math.prod(conv.weight.shape[2:])
        rows = [np.zeros((3, 0), dtype=np.int64)]
        for line, at in enumerate(np.ndindex(*self.shape)):
            channels = np.arange(at[0] // c * o, (at[0] // c + 1) * o)
            out, tap = self._places(at[1:])
            post = out[:, None] + channels * area
            kernel = tap[:, None] + (channels * c + at[0] % c) * taps
            rows.append(np.stack([np.full(post.size, line), post.ravel(), kernel.ravel()]))
        return np.concatenate(rows, axis=1)

    def _places(self, at: tuple[int, ...]) -> tuple[Ints, Ints]:
        """Outputs of a channel that the place ``at`` reaches, and the taps, in C order."""
        out, tap = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
        sizes = zip(self.conv.out_shape[1:], self.conv.weight.shape[2:], strict=True)
        for reach, line, (n, k) in zip(self.reaches, at, sizes, strict=True):
            step = np.arange(int(reach.count[line]))
            outs = int(reach.first_out[line]) - reach.out_step * step
            taps = int(reach.first_tap[line]) + reach.tap_step * step
            out = (out[:, None] * n + outs).ravel()
            tap = (tap[:, None] * k + taps).ravel()
        return out, tap

    def matrix(self) -> sparse.csr_array:
        """The unrolled weights ``(n_out, n_in)``."""
        line, out, kernel = self.links
        data = self.conv.weight.reshape(-1)[kernel]
        return sparse.csr_array((data, (out, line)), shape=(self.n_out, self.n_in))

    def fan_out(self) -> Ints:
        """Operations that a spike of each line costs, ``(n_in,)``."""
        return np.bincount(self.links[0], minlength=self.n_in).astype(np.int64)


def shared_kernel(
    geometry: Convolution,
    matrix: Ints,
    pool: tuple[int, ...] | None = None,
    shape: tuple[int, ...] | None = None,
) -> SharedKernel:
    """The integer kernel of an unrolled weight matrix ``(n_out, n_in)``.

    Of ``geometry`` only the sizes count, not the weights.

    Raises
    ------
    InvalidValue
        If ``matrix`` is no such convolution: a weight that differs between places that share
        it, or one where the geometry has no connection.
    """
    sides = pool if pool is not None else (1,) * geometry.axes
    lines = shape if shape is not None else geometry.shape
    empty = np.zeros(geometry.weight.shape, dtype=np.int64)
    bare = SharedKernel(_with(geometry, empty), sides, lines)
    fits = matrix.shape == (bare.n_out, bare.n_in)
    require(fits, "matrix", list(matrix.shape), f"({bare.n_out}, {bare.n_in})")
    line, out, kernel = bare.links
    empty.reshape(-1)[kernel] = matrix[out, line]
    whole = replace(bare, conv=_with(geometry, empty))
    for j, k in np.argwhere(whole.matrix().toarray() != matrix):
        allowed = "what the other places of the kernel have there"
        raise InvalidValue(f"weight[{j}, {k}]", int(matrix[j, k]), allowed)
    return whole


def _with(geometry: Convolution, weight: Ints) -> Convolution:
    return Convolution(
        weight, geometry.shape, stride=geometry.stride, padding=geometry.padding,
        dilation=geometry.dilation, groups=geometry.groups,
    )  # fmt: skip
