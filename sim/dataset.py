"""Labelled samples as spikes: the embedded digits, IDX files of a folder, or a set of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..golden.errors import require
from .digits import LEVELS, STEPS, encode, load_digits
from .event_sets import DELAYED_MATCH, load_events
from .idx import read_image_set

__all__ = ["DIGITS", "Dataset", "Samples", "load_dataset", "load_samples", "threshold_spikes"]

DIGITS = "digits"
"""Name of the embedded set."""


class Samples(Protocol):
    """What training asks of a set: :class:`Dataset` or :class:`~.event_sets.EventSet`."""

    @property
    def name(self) -> str: ...
    @property
    def train_images(self) -> NDArray[Any]: ...
    @property
    def train_labels(self) -> NDArray[np.int64]: ...
    @property
    def test_images(self) -> NDArray[Any]: ...
    @property
    def test_labels(self) -> NDArray[np.int64]: ...
    @property
    def steps(self) -> int: ...
    @property
    def pixels(self) -> int: ...
    @property
    def classes(self) -> int: ...
    def spikes(self, images: NDArray[Any]) -> NDArray[np.uint8]: ...


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images ``(n, pixels)`` of whole numbers from 0 to ``levels``, labels ``(n,)`` from 0 to 9.

    With ``thresholds`` a pixel spikes in step ``k`` if it is brighter than the ``k``-th of them
    (:func:`threshold_spikes`); without, as often as it is bright (:func:`~.digits.encode`).
    """

    name: str
    train_images: NDArray[np.int64]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.int64]
    test_labels: NDArray[np.int64]
    levels: int
    steps: int
    thresholds: tuple[int, ...] = ()
    classes: int = 10

    def __post_init__(self) -> None:
        few = len(self.thresholds) <= self.steps
        require(few, "thresholds", list(self.thresholds), f"at most one a step: {self.steps}")
        for t in self.thresholds:
            require(0 <= t < self.levels, "thresholds", t, f"0 to {self.levels - 1}")

    @property
    def pixels(self) -> int:
        """Input lines."""
        return int(self.train_images.shape[1])

    def spikes(self, images: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Spikes ``(steps, n, pixels)`` of images; no randomness."""
        if self.thresholds:
            return threshold_spikes(images, self.steps, self.thresholds)
        return encode(images, self.steps, self.levels)


def threshold_spikes(
    images: NDArray[np.int64], steps: int, thresholds: Sequence[int]
) -> NDArray[np.uint8]:
    """Spikes ``(steps, n, pixels)``: in step ``k`` the pixels brighter than ``thresholds[k]``.

    The later steps bring none. An image costs as many spikes as it has bright pixels, however
    many steps a network takes over it.
    """
    out = np.zeros((steps, *images.shape), dtype=np.uint8)
    for k, threshold in enumerate(thresholds):
        out[k] = images > threshold
    return out


def load_dataset(name: str, steps: int | None = None, thresholds: Sequence[int] = ()) -> Dataset:
    """``digits``, or a folder with the four IDX files of MNIST or a set like it.

    Raises
    ------
    InvalidValue
        For a folder that is none, or files that do not belong together.
    """
    if name == DIGITS:
        d = load_digits()
        return Dataset(name, d.train_images, d.train_labels, d.test_images, d.test_labels, LEVELS,
                       steps or STEPS, tuple(thresholds))  # fmt: skip
    folder = Path(name)
    allowed = f"'{DIGITS}', '{DELAYED_MATCH}' or a folder of IDX files or events"
    require(folder.is_dir(), "data", name, allowed)
    train, labels = read_image_set(folder, "train")
    test, test_labels = read_image_set(folder, "t10k")
    same = train.shape[1] == test.shape[1]
    require(same, "test images", test.shape[1], f"{train.shape[1]} pixels, as the training images")
    return Dataset(
        folder.name, train.astype(np.int64), labels, test.astype(np.int64), test_labels, 255,
        steps or 8, tuple(thresholds),
    )  # fmt: skip


def load_samples(name: str, steps: int | None = None, thresholds: Sequence[int] = ()) -> Samples:
    """A set of events (:func:`~.event_sets.load_events`), or images (:func:`load_dataset`).

    Raises
    ------
    InvalidValue
        As those, and for thresholds of events.
    """
    events = load_events(name, steps)
    if events is None:
        return load_dataset(name, steps, thresholds)
    require(not thresholds, "thresholds", list(thresholds), f"none: {events.name} has no pixels")
    return events
