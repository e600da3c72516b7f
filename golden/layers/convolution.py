r"""Convolution with shared kernels, as a map from spikes to weighted sums.

The forward map is the cross-correlation that deep-learning libraries call convolution::

    x[o, p] = sum_{c, k} weight[o, c, k] s[g(o) C + c, stride p + dilation k - padding]

with ``p`` and ``k`` multi-indices over one or two axes, ``g(o)`` the group of output channel
``o`` and ``C`` the input channels of a group; spikes outside the input are 0 (Dumoulin & Visin,
"A guide to convolution arithmetic for deep learning", arXiv:1603.07285, relationship 14 for
the output size).

Three readings of one object: :meth:`Convolution.dense` visits every output,
:meth:`Convolution.targets` visits what one spike reaches (the event-driven form, as hardware
does it: the kernel is stored once), and :meth:`Convolution.matrix` unrolls the kernel into the
weights of an ordinary connection. Lines are counted channel by channel, each in C order.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from ..errors import InvalidValue, require

__all__ = ["Convolution", "Target"]

Sums = NDArray[Any]
"""float64 or int64, as the kernel is."""
AXES = "xyz"


@dataclass(frozen=True)
class Target:
    """What one spike adds to: an output line, and where the weight lies in the kernel.

    ``kernel`` is the C-order index into the weight array of shape ``(out, in / groups, *k)``.
    """

    line: int
    kernel: int


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution over one or two axes.

    Parameters
    ----------
    weight
        Kernels ``(channels_out, channels_in / groups, k)`` or ``(..., k_y, k_x)``; floats or
        integers, kept in their kind.
    shape
        Input ``(channels_in, n)`` or ``(channels_in, n_y, n_x)``.
    stride, padding, dilation
        One number for all axes or one for each; padding is zeros on both sides.
    groups
        Input and output channels are split into so many separate convolutions.

    Raises
    ------
    InvalidValue
        Naming the parameter that does not fit.
    """

    weight: NDArray[np.float64] | NDArray[np.int64]
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    def __init__(
        self,
        weight: ArrayLike,
        shape: tuple[int, ...],
        *,
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
    ) -> None:
        w = np.array(weight)
        w = w.astype(np.int64 if np.issubdtype(w.dtype, np.integer) else np.float64)
        axes = w.ndim - 2
        require(axes in (1, 2), "weight", list(w.shape), "3 or 4 dimensions")
        require(w.size > 0, "weight", list(w.shape), "no empty dimension")
        for at in np.argwhere(~np.isfinite(w)):
            raise InvalidValue(f"weight{at.tolist()}", float(w[tuple(at)]), "finite numbers")
        good = len(shape) == axes + 1 and min(shape) >= 1
        require(good, "shape", shape, f"{axes + 1} numbers of at least 1, channels first")
        require(groups >= 1, "groups", groups, "at least 1")
        fits = w.shape[1] * groups == shape[0] and w.shape[0] % groups == 0
        allowed = f"{shape[0]} input channels in {groups} groups, and outputs that divide so too"
        require(fits, "weight", list(w.shape), allowed)
        w.setflags(write=False)
        values = {
            "weight": w,
            "shape": tuple(int(n) for n in shape),
            "stride": _each("stride", stride, axes, 1),
            "padding": _each("padding", padding, axes, 0),
            "dilation": _each("dilation", dilation, axes, 1),
            "groups": int(groups),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        for n, name in zip(self.out_shape[1:], AXES, strict=False):
            require(n >= 1, f"kernel.{name}", list(w.shape[2:]), "no larger than the padded input")

    @property
    def axes(self) -> int:
        """Number of spatial axes."""
        return self.weight.ndim - 2

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Output ``(channels_out, n)`` or ``(channels_out, n_y, n_x)``."""
        sizes = [
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, p, d, k, s in zip(
                self.shape[1:], self.padding, self.dilation, self.weight.shape[2:], self.stride,
                strict=True,
            )
        ]  # fmt: skip
        return (self.weight.shape[0], *sizes)

    @property
    def n_in(self) -> int:
        """Input lines."""
        return int(np.prod(self.shape))

    @property
    def n_out(self) -> int:
        """Output lines."""
        return int(np.prod(self.out_shape))

    def dense(self, spikes: ArrayLike) -> Sums:
        """Weighted sums ``(..., n_out)`` of ``spikes`` ``(..., n_in)``: every output is visited.

        Raises
        ------
        InvalidValue
            If the last axis has not ``n_in`` lines.
        """
        s = self._lines(spikes)
        lead = s.shape[:-1]
        image = s.reshape(-1, *self.shape).astype(self.weight.dtype)
        pad = [(0, 0), (0, 0), *((p, p) for p in self.padding)]
        image = np.pad(image, pad)
        span = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.weight.shape[2:], strict=True)]
        windows = sliding_window_view(image, span, axis=tuple(range(2, 2 + self.axes)))
        steps = [slice(None, None, s) for s in self.stride]
        taps = [slice(None, None, d) for d in self.dilation]
        windows = windows[(slice(None), slice(None), *steps, *taps)]
        o, c = self.weight.shape[0] // self.groups, self.weight.shape[1]
        letters = "yx"[2 - self.axes :], "kl"[: self.axes]
        rule = f"bc{letters[0]}{letters[1]},oc{letters[1]}->bo{letters[0]}"
        parts = [
            np.einsum(
                rule, windows[:, g * c : (g + 1) * c], self.weight[g * o : (g + 1) * o],
                optimize=self.weight.dtype == np.float64,
            )
            for g in range(self.groups)
        ]  # fmt: skip
        return np.concatenate(parts, axis=1).reshape(*lead, self.n_out)

    def targets(self, line: int) -> list[Target]:
        """Everything that a spike of input ``line`` adds to, in ascending order of output line.

        Raises
        ------
        InvalidValue
            For a line that is not of this input.
        """
        require(0 <= line < self.n_in, "line", line, f"0 to {self.n_in - 1}")
        start = self._starts[line]
        return [
            Target(int(self._lines_out[k]), int(self._kernel[k]))
            for k in range(start, self._starts[line + 1])
        ]

    def event_driven(self, spikes: ArrayLike) -> tuple[Sums, int]:
        """As :meth:`dense` for 0/1 ``spikes``, one spike after the other, and the operations.

        An operation is one weight added to one sum.
        """
        s = self._lines(spikes)
        binary = bool(((s == 0) | (s == 1)).all())
        require(binary, "spikes", "other values", "0 or 1")
        flat = s.reshape(-1, self.n_in)
        out = np.zeros((flat.shape[0], self.n_out), dtype=self.weight.dtype)
        kernel = self.weight.reshape(-1)
        operations = 0
        for row, line in np.argwhere(flat):
            reach = slice(self._starts[line], self._starts[line + 1])
            # No output line occurs twice in one spike's reach: plain indexing adds all.
            out[row, self._lines_out[reach]] += kernel[self._kernel[reach]]
            operations += reach.stop - reach.start
        return out.reshape(*s.shape[:-1], self.n_out), operations

    def matrix(self) -> sparse.csr_array:
        """The unrolled weights ``(n_out, n_in)``; zeros of the kernel are stored too."""
        pre = np.repeat(np.arange(self.n_in), np.diff(self._starts))
        data = self.weight.reshape(-1)[self._kernel]
        return sparse.csr_array((data, (self._lines_out, pre)), shape=(self.n_out, self.n_in))

    def fan_out(self) -> NDArray[np.int64]:
        """Operations that a spike of each input line costs, ``(n_in,)``."""
        return np.asarray(np.diff(self._starts), dtype=np.int64)

    def _lines(self, spikes: ArrayLike) -> NDArray[np.generic]:
        s = np.asarray(spikes)
        good = s.ndim >= 1 and s.shape[-1] == self.n_in
        require(good, "spikes", list(s.shape), f"a last axis of {self.n_in} lines")
        return s

    @cached_property
    def _reach(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Input line, output line and kernel index of every single connection, sorted."""
        rows = []
        out_at = np.arange(self.n_out).reshape(self.out_shape)
        in_at = np.arange(self.n_in).reshape(self.shape)
        w_at = np.arange(self.weight.size).reshape(self.weight.shape)
        o, c = self.weight.shape[0] // self.groups, self.weight.shape[1]
        for tap in itertools.product(*(range(k) for k in self.weight.shape[2:])):
            near, far = self._overlap(tap)
            for g in range(self.groups):
                post = out_at[(slice(g * o, (g + 1) * o), *near)].reshape(o, 1, -1)
                pre = in_at[(slice(g * c, (g + 1) * c), *far)].reshape(1, c, -1)
                at: tuple[Any, ...] = (slice(g * o, (g + 1) * o), slice(None), *tap)
                kernel = w_at[at].reshape(o, c, 1)
                rows.append(np.stack(np.broadcast_arrays(pre, post, kernel)).reshape(3, -1))
        found = np.concatenate(rows, axis=1)
        found = found[:, np.lexsort((found[1], found[0]))]
        return found[0], found[1], found[2]

    def _overlap(self, tap: tuple[int, ...]) -> tuple[list[slice], list[slice]]:
        """Outputs that use kernel position ``tap`` inside the input, and the inputs they see."""
        near, far = [], []
        for axis, k in enumerate(tap):
            stride, n = self.stride[axis], self.shape[1 + axis]
            shift = self.dilation[axis] * k - self.padding[axis]
            first = max(0, -(shift // stride))
            last = min(self.out_shape[1 + axis] - 1, (n - 1 - shift) // stride)
            count = max(0, last - first + 1)
            near.append(slice(first, first + count))
            begin = stride * first + shift
            far.append(slice(begin, begin + stride * count, stride) if count else slice(0, 0))
        return near, far

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        counts = np.bincount(self._reach[0], minlength=self.n_in)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    @property
    def _lines_out(self) -> NDArray[np.int64]:
        return self._reach[1]

    @property
    def _kernel(self) -> NDArray[np.int64]:
        return self._reach[2]


def _each(name: str, value: int | tuple[int, ...], axes: int, low: int) -> tuple[int, ...]:
    """One number for each axis."""
    values = (value,) * axes if isinstance(value, int | np.integer) else tuple(value)
    good = len(values) == axes and all(int(v) == v and v >= low for v in values)
    require(good, name, value, f"one number of at least {low}, or {axes}")
    return tuple(int(v) for v in values)
