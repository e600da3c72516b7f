"""Input spikes for a run: read from a file or drawn from a seed."""

from __future__ import annotations

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


@dataclass(frozen=True, eq=False)
class Stimulus:
    """Input spikes ``(steps, n)`` by input name, and how they came about, in words."""

    spikes: Mapping[str, NDArray[np.uint8]]
    steps: int
    origin: str


def random_stimulus(
    sizes: Mapping[str, int], steps: int, probability: float, seed: int
) -> Stimulus:
    """Independent spikes with ``probability`` a line and step."""
    require(1 <= steps <= 10_000_000, "steps", steps, "1 to 10000000")
    require(0 <= probability <= 1, "probability", probability, "0 to 1")
    rng = np.random.default_rng(seed)
    spikes = {
        name: (rng.random((steps, n)) < probability).astype(np.uint8) for name, n in sizes.items()
    }
    origin = f"random, probability {probability:g} a line and step, seed {seed}"
    return Stimulus(spikes, steps, origin if sizes else "none: the network has no input")


def read_stimulus(path: Path, sizes: Mapping[str, int]) -> Stimulus:
    """Spikes from ``.npz`` (an array ``(steps, n)`` per input) or ``.csv`` (one input).

    A CSV row is a step, a column a line.

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
    arrays = _read_npz(path, sizes) if suffix == ".npz" else _read_csv(path, sizes)
    lead = check_inputs(sizes, arrays)
    spikes = {name: np.asarray(a, dtype=np.uint8) for name, a in arrays.items()}
    require(bool(lead) and lead[0] > 0, "stimulus", str(path), "at least one step")
    return Stimulus(spikes, lead[0], f"file {path.name}")


def _read_npz(path: Path, sizes: Mapping[str, int]) -> dict[str, NDArray[np.generic]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, KeyError, NotImplementedError) as error:
        raise InvalidValue("stimulus", str(path), "a readable .npz file") from error
    except Exception as error:  # zipfile raises its own family on a broken archive
        raise InvalidValue("stimulus", str(path), "an unbroken .npz archive") from error


def _read_csv(path: Path, sizes: Mapping[str, int]) -> dict[str, NDArray[np.generic]]:
    require(len(sizes) == 1, "stimulus", str(path), "a .npz file: the network has several inputs")
    try:
        table = np.loadtxt(path, delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise InvalidValue("stimulus", str(path), "a table of numbers, comma separated") from error
    return {next(iter(sizes)): table}
