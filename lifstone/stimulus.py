"""Input spikes for a run: read from a file or drawn from a seed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .golden import InvalidValue
from .golden.errors import require
from .golden.network import check_inputs

__all__ = ["Stimulus", "random_stimulus", "read_stimulus"]

MAX_BYTES = 1 << 28
LABELS = "labels"
"""An array of this name may lie beside the spikes: the class of each sample."""


@dataclass(frozen=True, eq=False)
class Stimulus:
    """Input spikes ``(steps, samples, n)`` by input name, and how they came about, in words.

    Samples are independent: every one starts from the initial state.
    """

    spikes: Mapping[str, NDArray[np.uint8]]
    steps: int
    origin: str
    samples: int = 1

    def sample(self, k: int) -> dict[str, NDArray[np.uint8]]:
        """Spikes ``(steps, n)`` of sample ``k``."""
        return {name: a[:, k] for name, a in self.spikes.items()}


def random_stimulus(
    sizes: Mapping[str, int], steps: int, probability: float, seed: int
) -> Stimulus:
    """Independent spikes with ``probability`` a line and step; one sample."""
    require(1 <= steps <= 10_000_000, "steps", steps, "1 to 10000000")
    require(0 <= probability <= 1, "rate", probability, "0 to 1")
    require(seed >= 0, "seed", seed, "0 or greater")
    cells = steps * sum(sizes.values())
    require(cells <= MAX_BYTES, "steps", steps, f"at most {MAX_BYTES} spikes and silences in all")
    rng = np.random.default_rng(seed)
    spikes = {
        name: (rng.random((steps, 1, n)) < probability).astype(np.uint8)
        for name, n in sizes.items()
    }
    origin = f"random, probability {probability:g} a line and step, seed {seed}"
    return Stimulus(spikes, steps, origin if sizes else "none: the network has no input")


def read_stimulus(path: Path, sizes: Mapping[str, int]) -> Stimulus:
    """Spikes from ``.npz`` (an array per input) or ``.csv`` (one input).

    An array has shape ``(steps, n)``, or ``(steps, samples, n)`` for several samples; a CSV
    row is a step, a column a line.

    Raises
    ------
    InvalidValue
        For a missing or broken file, wrong shapes, or values other than 0 and 1.
    """
    require(path.is_file(), "stimulus", str(path), "an existing .npz or .csv file")
    size = path.stat().st_size
    require(size <= MAX_BYTES, "stimulus", f"{size} bytes", f"at most {MAX_BYTES} bytes")
    suffix = path.suffix.lower()
    require(suffix in (".npz", ".csv"), "stimulus", str(path), "a .npz or .csv file")
    require(bool(sizes), "stimulus", str(path), "none: the network has no input")
    arrays = _read_npz(path) if suffix == ".npz" else _read_csv(path, sizes)
    if LABELS not in sizes:
        arrays.pop(LABELS, None)
    ndim = 3 if any(a.ndim == 3 for a in arrays.values()) else 2
    lead = check_inputs(sizes, arrays, ndim)
    require(bool(lead) and min(lead) > 0, "stimulus", str(path), "at least one step and sample")
    spikes = {
        name: np.asarray(a, dtype=np.uint8).reshape(lead[0], -1, sizes[name])
        for name, a in arrays.items()
    }
    return Stimulus(spikes, lead[0], f"file {path.name}", lead[1] if ndim == 3 else 1)


def _read_npz(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: np.asarray(archive[name]) for name in archive.files}
    except Exception as error:  # np.load and zipfile raise a dozen kinds on a broken archive
        raise InvalidValue("stimulus", str(path), "an unbroken .npz archive of arrays") from error


def _read_csv(path: Path, sizes: Mapping[str, int]) -> dict[str, NDArray[np.generic]]:
    require(len(sizes) == 1, "stimulus", str(path), "a .npz file: the network has several inputs")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty file is refused below
            table = np.loadtxt(path, delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise InvalidValue("stimulus", str(path), "a table of numbers, comma separated") from error
    require(table.size > 0, "stimulus", str(path), "at least one step")
    return {next(iter(sizes)): table}
