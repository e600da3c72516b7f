"""Sum and average pooling: convolutions of each channel with a kernel of equal weights.

A spike train has no maximum to pool; sums and means are what a synapse can do. The average
is the sum with its divisor folded into the weight, so both share one integer form: ones, and
a gain that the next weights take over.
"""

from __future__ import annotations

import numpy as np

from ..errors import require
from .convolution import Convolution

__all__ = ["average_pool", "sum_pool"]


def sum_pool(
    shape: tuple[int, ...],
    kernel: int | tuple[int, ...],
    *,
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
) -> Convolution:
    """Sums over windows of each channel of ``shape`` (channels first), in integers.

    ``stride`` is the kernel's size unless given.
    """
    size = _kernel(shape, kernel)
    weight = np.ones((shape[0], 1, *size), dtype=np.int64)
    step = size if stride is None else stride
    return Convolution(weight, shape, stride=step, padding=padding, groups=shape[0])


def average_pool(
    shape: tuple[int, ...],
    kernel: int | tuple[int, ...],
    *,
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
) -> Convolution:
    """Means over windows; padding counts as zeros that are part of the mean."""
    size = _kernel(shape, kernel)
    weight = np.full((shape[0], 1, *size), 1.0 / np.prod(size))
    step = size if stride is None else stride
    return Convolution(weight, shape, stride=step, padding=padding, groups=shape[0])


def _kernel(shape: tuple[int, ...], kernel: int | tuple[int, ...]) -> tuple[int, ...]:
    axes = len(shape) - 1
    require(axes in (1, 2) and min(shape) >= 1, "shape", shape, "channels, then one or two sizes")
    size = (kernel,) * axes if isinstance(kernel, int) else tuple(kernel)
    require(len(size) == axes and min(size) >= 1, "kernel", kernel, f"{axes} sizes of at least 1")
    return size
