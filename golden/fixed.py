"""Integer arithmetic of the contract: named rounding and saturation on int64 arrays."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from .errors import require

__all__ = ["Rounding", "limits", "saturate", "shift_right", "width_for"]

Ints = NDArray[np.int64]


class Rounding(StrEnum):
    """How the bits that a right shift drops decide the last bit kept."""

    FLOOR = "floor"
    """towards minus infinity: the bare arithmetic shift"""
    NEAREST = "nearest"
    """to the nearest, halves up: add half, then shift"""
    EVEN = "even"
    """to the nearest, halves to the even neighbour"""
    ZERO = "zero"
    """towards zero: magnitudes are truncated"""

    @property
    def error(self) -> float:
        """Largest rounding error in units of the last bit kept."""
        return 0.5 if self in (Rounding.NEAREST, Rounding.EVEN) else 1.0


def shift_right(value: Ints, bits: int, rounding: Rounding) -> Ints:
    """``value / 2**bits`` rounded as named; exact for every int64 that leaves headroom."""
    require(bits >= 0, "bits", bits, "0 or greater")
    if bits == 0:
        return value
    half = np.int64(1 << (bits - 1))
    if rounding is Rounding.FLOOR:
        return value >> bits
    if rounding is Rounding.NEAREST:
        return (value + half) >> bits
    if rounding is Rounding.EVEN:
        odd = (value >> bits) & 1
        return (value + half - 1 + odd) >> bits
    # Towards zero: negative values get all dropped ones added before the floor.
    return (value + np.where(value < 0, np.int64((1 << bits) - 1), np.int64(0))) >> bits


def limits(width: int) -> tuple[int, int]:
    """Smallest and largest value of a signed word of ``width`` bits."""
    return -(1 << (width - 1)), (1 << (width - 1)) - 1


def saturate(value: Ints, width: int) -> Ints:
    """Clamp to the signed range of ``width`` bits."""
    low, high = limits(width)
    return np.clip(value, low, high)


def width_for(low: int, high: int) -> int:
    """The fewest bits of a signed word that hold every value from ``low`` to ``high``."""
    return max(int(v if v >= 0 else ~v).bit_length() for v in (low, high)) + 1
