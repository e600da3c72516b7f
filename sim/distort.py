"""Images moved, turned, scaled and sheared at random: more training images than there are.

Every image is drawn again at coordinates that a random affine map gives, bilinearly between its
pixels and dark outside (Simard, Steinkraus & Platt, ICDAR 2003, section 2).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..golden.errors import require

__all__ = ["DEGREES", "SCALE", "SHEAR", "SHIFT", "distort", "side_of"]

DEGREES, SCALE, SHEAR, SHIFT = 8.0, 0.1, 0.1, 1.5
"""Largest turn, share of the size, shear and pixels of shift at a strength of 1; the shift is for
28 pixels a side, and in proportion for others."""
Floats = NDArray[np.float32]


def side_of(pixels: int) -> int:
    """Pixels on a side of a square image.

    Raises
    ------
    InvalidValue
        If the image is not square.
    """
    side = math.isqrt(pixels)
    require(side * side == pixels, "augment", f"{pixels} pixels", "a square image")
    return side


def distort(
    images: NDArray[np.int64], rng: np.random.Generator, strength: float = 1.0
) -> NDArray[np.int64]:
    """``images`` ``(n, pixels)`` of whole numbers, each under a map of its own.

    Raises
    ------
    InvalidValue
        If the images are not square.
    """
    side = side_of(images.shape[1])
    # A border of two dark pixels, where coordinates outside are clipped to.
    wide = side + 4
    framed = np.zeros((len(images), wide, wide), dtype=np.float32)
    framed[:, 2:-2, 2:-2] = images.reshape(-1, side, side)
    column, row = _coordinates(len(images), side, rng, strength)
    top = np.float32(wide - 1.001)
    column, row = np.clip(column + 2, 0, top), np.clip(row + 2, 0, top)
    left, upper = column.astype(np.int32), row.astype(np.int32)
    right, lower = column - left, row - upper
    first = (np.arange(len(images), dtype=np.int32) * wide * wide)[:, None]
    at = first + upper * wide + left
    flat = framed.reshape(-1)
    above = flat[at] * (1 - right) + flat[at + 1] * right
    below = flat[at + wide] * (1 - right) + flat[at + wide + 1] * right
    return np.asarray(np.rint(above * (1 - lower) + below * lower), dtype=np.int64)


def _coordinates(
    n: int, side: int, rng: np.random.Generator, strength: float
) -> tuple[Floats, Floats]:
    """Where each pixel of each image is read: columns and rows, ``(n, pixels)``."""

    def draw(most: float) -> Floats:
        return rng.uniform(-most * strength, most * strength, (n, 1)).astype(np.float32)

    angle, wider, taller, shear = (draw(m) for m in (math.radians(DEGREES), SCALE, SCALE, SHEAR))
    across, down = draw(SHIFT * side / 28), draw(SHIFT * side / 28)
    middle = np.float32((side - 1) / 2)
    y, x = np.divmod(np.arange(side * side, dtype=np.float32), np.float32(side))
    x, y = x - middle, y - middle
    cosine, sine = np.cos(angle), np.sin(angle)
    column = cosine * (1 + wider) * x + (shear - sine * (1 + taller)) * y + across + middle
    row = sine * (1 + wider) * x + cosine * (1 + taller) * y + down + middle
    return np.asarray(column, dtype=np.float32), np.asarray(row, dtype=np.float32)
