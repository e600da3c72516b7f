"""Handwritten digits for spiking networks: data, encoder, decoder.

Data: the 1,797 images of 8 x 8 pixels with values 0 to 16 that scikit-learn ships
(E. Alpaydin & C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998). Every fifth image is a test image: 360 for testing, 1,437 for training.

Encoder: a pixel of value p spikes p times in 16 steps, evenly spread and phase-shifted from
pixel to pixel, so that the spikes of an image do not come in volleys. It has no randomness:
an image is one spike train on every body.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..golden import InvalidValue
from ..golden.errors import require

__all__ = ["LEVELS", "PIXELS", "STEPS", "Digits", "decode", "encode", "load_digits"]

PIXELS = 64
STEPS = 16
LEVELS = 16


@dataclass(frozen=True, eq=False)
class Digits:
    """Images ``(n, 64)`` of integers 0 to 16 and labels ``(n,)`` 0 to 9, split for good."""

    train_images: NDArray[np.int64]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.int64]
    test_labels: NDArray[np.int64]


def load_digits() -> Digits:
    """The fixed split: image k is a test image where k is a multiple of five."""
    from sklearn.datasets import load_digits as load

    images, labels = load(return_X_y=True)
    images, labels = images.astype(np.int64), labels.astype(np.int64)
    test = np.arange(len(labels)) % 5 == 0
    return Digits(images[~test], labels[~test], images[test], labels[test])


def encode(
    images: NDArray[np.int64], steps: int = STEPS, levels: int = LEVELS
) -> NDArray[np.uint8]:
    """Spikes ``(steps, n, pixels)``, 0 or 1, of images ``(n, pixels)`` with values 0 to ``levels``.

    A pixel of the highest level spikes in every step.

    Raises
    ------
    InvalidValue
        If a pixel lies outside 0 to ``levels``, or the images are not rows of pixels.
    """
    require(images.ndim == 2, "images", list(images.shape), "two dimensions, (n, pixels)")
    for k, p in np.argwhere((images < 0) | (images > levels)):
        raise InvalidValue(f"images[{k}, {p}]", int(images[k, p]), f"0 to {levels}")
    # An integer Bresenham line per pixel: a spike where the sum passes a multiple of the levels.
    phase = (np.arange(images.shape[1]) * 7) % levels
    k = np.arange(steps + 1)[:, None, None]
    passed = (k * images[None] + phase) // levels
    return np.diff(passed, axis=0).astype(np.uint8)


def decode(spikes: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The class with the most spikes; a tie goes to the lowest. ``spikes``: (steps, n, 10)."""
    return np.asarray(np.argmax(spikes.sum(axis=0), axis=-1), dtype=np.int64)
