"""Calibration data: samples with or without labels, part of them kept back to judge a choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .golden import InvalidValue
from .golden.errors import require
from .stimulus import LABELS, Stimulus

__all__ = ["Samples", "labels_from", "parted"]

MAX_LABELS = 1 << 26


@dataclass(frozen=True, eq=False)
class Samples:
    """Spikes by input, ``(steps, samples, n)``, and labels: one part of the calibration data."""

    spikes: Mapping[str, NDArray[np.uint8]]
    labels: NDArray[np.int64] | None
    count: int


def labels_from(path: Path | None, stimulus: Path, samples: int) -> NDArray[np.int64] | None:
    """Labels from their own file, or beside the spikes."""
    if path is None:
        if stimulus.suffix.lower() != ".npz":
            return None
        with np.load(stimulus, allow_pickle=False) as archive:
            if LABELS not in archive.files:
                return None
            values = np.asarray(archive[LABELS])
    else:
        values = _read_labels(path)
    flat = values.reshape(-1)
    whole = flat.dtype.kind in "iufb" and bool(np.all(np.isfinite(flat) & (flat == np.rint(flat))))
    require(whole, "labels", str(path or stimulus), "whole numbers")
    require(flat.size == samples, "labels", flat.size, f"{samples} values, one a sample")
    return flat.astype(np.int64)


def _read_labels(path: Path) -> NDArray[np.generic]:
    suffix = path.suffix.lower()
    good = path.is_file() and suffix in (".npz", ".npy", ".csv")
    require(good, "labels", str(path), "an existing .npz, .npy or .csv file")
    size = path.stat().st_size
    require(size <= MAX_LABELS, "labels", f"{size} bytes", f"at most {MAX_LABELS} bytes")
    try:
        if suffix == ".csv":
            return np.asarray(np.loadtxt(path, delimiter=",", ndmin=1))
        found = np.load(path, allow_pickle=False)
        if suffix == ".npy":
            return np.asarray(found)
        with found as archive:
            names = archive.files
            one = LABELS if LABELS in names else names[0] if len(names) == 1 else None
            require(one is not None, "labels", ", ".join(names), "one array, or one named labels")
            return np.asarray(archive[one])
    except InvalidValue:
        raise
    except Exception as error:  # NumPy raises a dozen kinds on a broken file
        raise InvalidValue("labels", str(path), "an unbroken file of numbers") from error


def parted(
    stimulus: Stimulus, labels: NDArray[np.int64] | None, percent: float
) -> tuple[Samples, Samples]:
    """Samples that choose, and samples that only judge: the last of all."""
    require(0 <= percent < 100, "holdout", percent, "0 to below 100 percent")
    held = min(int(stimulus.samples * percent / 100), stimulus.samples - 1)
    cut = stimulus.samples - held

    def part(which: slice, count: int) -> Samples:
        spikes = {k: a[:, which] for k, a in stimulus.spikes.items()}
        return Samples(spikes, None if labels is None else labels[which], count)

    return part(slice(cut), cut), part(slice(cut, None), held)
