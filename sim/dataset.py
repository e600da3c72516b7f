"""Image sets as spikes: the embedded digits, or IDX files of a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..golden.errors import require
from .digits import LEVELS, STEPS, encode, load_digits
from .idx import read_image_set

__all__ = ["DIGITS", "Dataset", "load_dataset"]

DIGITS = "digits"
"""Name of the embedded set."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images ``(n, pixels)`` of whole numbers from 0 to ``levels``, labels ``(n,)`` from 0 to 9."""

    name: str
    train_images: NDArray[np.int64]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.int64]
    test_labels: NDArray[np.int64]
    levels: int
    steps: int

    @property
    def pixels(self) -> int:
        """Input lines."""
        return int(self.train_images.shape[1])

    def spikes(self, images: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Spikes ``(steps, n, pixels)`` of images; no randomness."""
        return encode(images, self.steps, self.levels)


def load_dataset(name: str, steps: int | None = None) -> Dataset:
    """``digits``, or a folder with the four IDX files of MNIST or a set like it.

    Raises
    ------
    InvalidValue
        For a folder that is none, or files that do not belong together.
    """
    if name == DIGITS:
        d = load_digits()
        return Dataset(name, d.train_images, d.train_labels, d.test_images, d.test_labels, LEVELS,
                       steps or STEPS)  # fmt: skip
    folder = Path(name)
    require(folder.is_dir(), "data", name, f"'{DIGITS}' or a folder of IDX files")
    train, labels = read_image_set(folder, "train")
    test, test_labels = read_image_set(folder, "t10k")
    same = train.shape[1] == test.shape[1]
    require(same, "test images", test.shape[1], f"{train.shape[1]} pixels, as the training images")
    return Dataset(
        folder.name, train.astype(np.int64), labels, test.astype(np.int64), test_labels, 255,
        steps or 8,
    )  # fmt: skip
