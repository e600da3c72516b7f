"""Sets of events that a user has, as spikes on a grid: N-MNIST, SHD, Braille; and a drawn one.

Each reader takes the files as their authors give them out and puts the events of a sample into
``steps`` equal parts of the time it lasts; several events of a line in one step count as one spike.

* N-MNIST (Orchard et al., Frontiers in Neuroscience 9, 437 (2015)): ``Train/0/*.bin`` and so on.
  Five bytes an event: x, y, then 24 bits of which the first is the polarity and the others are
  microseconds. Lines ``(polarity, y, x)`` of 34 by 34 pixels.
* SHD (Cramer et al., IEEE Trans. Neural Netw. Learn. Syst. 33, 2744 (2022)): ``shd_train.h5`` and
  ``shd_test.h5`` with ``spikes/times`` in seconds, ``spikes/units`` and ``labels``. 700 lines.
* Braille (Mueller-Cleve et al., Frontiers in Neuroscience 16, 951164 (2022)), as the NIR paper
  keeps it: ``ds_train.pt`` and ``ds_test.pt``, tensors ``(n, steps, lines)`` and labels. Needs
  the extra ``torch``, whose loader of weights alone runs no code of a file.
* Delayed match (:mod:`lifstone.golden.learning.delayed_match`): drawn by rule, needs no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ..golden.errors import InvalidValue, MissingTool, require
from ..golden.learning import delayed_match

__all__ = ["DELAYED_MATCH", "EventSet", "load_events", "read_nmnist_sample"]

DELAYED_MATCH = "delayed-match"
SIDE, SECONDS = 34, 0.3
"""Pixels on a side of N-MNIST, and how long its three movements last."""
UNITS, SHD_SECONDS = 700, 1.4
MAX_BYTES = 1 << 26


@dataclass(frozen=True, eq=False)
class EventSet:
    """Spikes ``(n, steps, lines)`` of 0 and 1, and labels ``(n,)`` from 0 to ``classes - 1``.

    The fields have the names of :class:`~.dataset.Dataset`, so that training takes either.

    Raises
    ------
    InvalidValue
        For spikes and labels that do not fit each other.
    """

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    classes: int

    def __post_init__(self) -> None:
        shape = self.train_images.shape[1:]
        for part in ("train", "test"):
            a, labels = getattr(self, f"{part}_images"), getattr(self, f"{part}_labels")
            good = a.ndim == 3 and len(a) > 0 and a.shape[1:] == shape
            require(good, f"{part} spikes", list(a.shape), "(samples, steps, lines), alike in both")
            fits = labels.shape == (len(a),)
            require(fits, f"{part} labels", list(labels.shape), f"{len(a)} labels")
            known = 0 <= int(labels.min()) <= int(labels.max()) < self.classes
            allowed = f"0 to {self.classes - 1}"
            require(known, f"{part} labels", [int(labels.min()), int(labels.max())], allowed)

    @property
    def steps(self) -> int:
        """Time steps of a sample."""
        return int(self.train_images.shape[1])

    @property
    def pixels(self) -> int:
        """Input lines."""
        return int(self.train_images.shape[2])

    def spikes(self, images: NDArray[Any]) -> NDArray[np.uint8]:
        """Samples ``(n, steps, lines)`` as ``(steps, n, lines)``."""
        return np.ascontiguousarray(np.swapaxes(images, 0, 1), dtype=np.uint8)


def load_events(name: str, steps: int | None = None) -> EventSet | None:
    """The set that ``name`` names, or the one in the folder ``name``; none if it holds no events.

    ``steps`` is the grid of N-MNIST and SHD, 30 and 100 unless given; the others have their own.

    Raises
    ------
    InvalidValue
        For broken files, wrong shapes or labels, or steps that a set does not have.
    MissingTool
        For Braille files without the package ``torch``.
    """
    if name == DELAYED_MATCH:
        _own_steps(steps, delayed_match.STEPS)
        return _drawn()
    folder = Path(name)
    if (folder / "Train" / "0").is_dir():
        return _nmnist(folder, steps or 30)
    if (folder / "shd_train.h5").is_file():
        return _shd(folder, steps or 100)
    if (folder / "ds_train.pt").is_file():
        found = _braille(folder)
        _own_steps(steps, found.steps)
        return found
    return None


def _own_steps(given: int | None, own: int) -> None:
    require(given in (None, own), "steps", given, f"{own}: those of the set")


def _drawn(train: int = 4000, test: int = 1000) -> EventSet:
    """Delayed match from fixed seeds: 1 where both pulses came on the same channel."""
    parts = [delayed_match.draw(np.random.default_rng(k), n) for k, n in ((0, train), (1, test))]
    (a, a_labels), (b, b_labels) = parts
    first, second = (np.swapaxes(x, 0, 1).astype(np.uint8) for x in (a, b))
    return EventSet(DELAYED_MATCH, first, a_labels, second, b_labels, 2)


def read_nmnist_sample(path: Path) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Lines ``(polarity * 34 + y) * 34 + x`` and seconds of the events of a ``.bin`` file.

    Raises
    ------
    InvalidValue
        For a file that is no whole number of events, or pixels outside 34 by 34.
    """
    size = path.stat().st_size
    good = 0 < size <= MAX_BYTES and size % 5 == 0
    require(good, "data", f"{path}: {size} bytes", "a whole number of five-byte events")
    raw = np.fromfile(path, dtype=np.uint8).reshape(-1, 5).astype(np.int64)
    x, y = raw[:, 0], raw[:, 1]
    inside = bool((np.maximum(x, y) < SIDE).all())
    require(inside, "data", f"{path}: pixel {int(np.maximum(x, y).max())}", f"0 to {SIDE - 1}")
    polarity = raw[:, 2] >> 7
    microseconds = ((raw[:, 2] & 0x7F) << 16) | (raw[:, 3] << 8) | raw[:, 4]
    line = np.asarray((polarity * SIDE + y) * SIDE + x, dtype=np.int64)
    return line, np.asarray(microseconds * 1e-6, dtype=np.float64)


def _binned(
    line: NDArray[np.int64], t: NDArray[np.float64], lines: int, steps: int, seconds: float
) -> NDArray[np.uint8]:
    """Spikes ``(steps, lines)``; events after ``seconds`` fall into the last step."""
    out = np.zeros((steps, lines), dtype=np.uint8)
    step = np.minimum((t * (steps / seconds)).astype(np.int64), steps - 1)
    out[step, line] = 1
    return out


def _nmnist(folder: Path, steps: int) -> EventSet:
    parts: list[Any] = []
    for part in ("Train", "Test"):
        spikes, labels = [], []
        for digit in range(10):
            for path in sorted((folder / part / str(digit)).glob("*.bin")):
                line, t = read_nmnist_sample(path)
                spikes.append(_binned(line, t, 2 * SIDE * SIDE, steps, SECONDS))
                labels.append(digit)
        require(len(labels) > 0, "data", str(folder / part), "folders 0 to 9 of .bin files")
        parts += [np.stack(spikes), np.array(labels, dtype=np.int64)]
    a, a_labels, b, b_labels = parts
    return EventSet(folder.name, a, a_labels, b, b_labels, 10)


def _shd(folder: Path, steps: int) -> EventSet:
    parts: list[Any] = []
    for part in ("train", "test"):
        path = folder / f"shd_{part}.h5"
        try:
            with h5py.File(path, "r") as file:
                labels = np.asarray(file["labels"], dtype=np.int64)
                times, units = list(file["spikes/times"]), list(file["spikes/units"])
        except (OSError, KeyError, TypeError, ValueError) as error:
            allowed = "an HDF5 file with labels, spikes/times and spikes/units"
            raise InvalidValue("data", str(path), allowed) from error
        fits = len(times) == len(units) == len(labels)
        require(fits, "data", f"{path}: {len(times)} samples", f"{len(labels)}, as labels")
        rows = []
        for k, (t, unit) in enumerate(zip(times, units, strict=True)):
            t, unit = np.asarray(t, dtype=np.float64), np.asarray(unit, dtype=np.int64)
            good = t.shape == unit.shape and bool(((unit >= 0) & (unit < UNITS)).all())
            good = good and bool((np.isfinite(t) & (t >= 0)).all())
            allowed = f"units 0 to {UNITS - 1}, a time of at least 0 for each"
            require(good, f"data[{k}]", str(path), allowed)
            rows.append(_binned(unit, t, UNITS, steps, SHD_SECONDS))
        parts += [np.stack(rows), labels]
    a, a_labels, b, b_labels = parts
    return EventSet(folder.name, a, a_labels, b, b_labels, 20)


def _braille(folder: Path) -> EventSet:
    try:
        import torch
        from torch.utils.data import TensorDataset
    except ImportError as error:
        raise MissingTool("torch", "pip install lifstone[torch]") from error
    parts: list[Any] = []
    for part in ("train", "test"):
        path = folder / f"ds_{part}.pt"
        try:
            with torch.serialization.safe_globals([TensorDataset]):
                tensors = torch.load(path, weights_only=True).tensors
            spikes, labels = (np.asarray(t.numpy()) for t in tensors)
        except Exception as error:  # the loader raises a dozen kinds on a broken file
            raise InvalidValue("data", str(path), "a saved TensorDataset of two tensors") from error
        binary = bool(((spikes == 0) | (spikes == 1)).all())
        require(binary, "data", str(path), "spikes of 0 and 1")
        parts += [spikes.astype(np.uint8), labels.astype(np.int64)]
    classes = 1 + int(max(parts[1].max(), parts[3].max()))
    a, a_labels, b, b_labels = parts
    return EventSet(folder.name, a, a_labels, b, b_labels, classes)
