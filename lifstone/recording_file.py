"""A recording as columns with names: a CSV table, or an archive of arrays."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .golden import InvalidValue
from .golden.errors import require

__all__ = ["read_recording"]

Array = NDArray[np.float64]
NAMES = {
    "v": ("v", "voltage"),
    "x": ("x", "input", "i", "current"),
    "spike": ("spike", "spikes"),
    "t": ("t", "time"),
    "spike_times": ("spike_times",),
    "dt": ("dt",),
}
ALIASES = {alias: name for name, aliases in NAMES.items() for alias in aliases}
MAX_BYTES = 1 << 28


def read_recording(path: Path, columns: str | None = None) -> dict[str, Array]:
    """Columns ``v`` and, where present, ``x``, ``spike`` and ``t``, each ``(samples,)``.

    An archive may hold ``spike_times`` instead of ``spike``, and ``dt``, a single number. An
    empty cell of ``v`` is ``nan``, a sample that was dropped. ``columns`` names those of a CSV
    file without header, comma separated; a column of any other name is left out.

    Raises
    ------
    InvalidValue
        For a missing or broken file, or naming row and column of a cell that is no number.
    """
    require(path.is_file(), "recording", str(path), "an existing .csv or .npz file")
    suffix, size = path.suffix.lower(), path.stat().st_size
    require(suffix in (".csv", ".npz"), "recording", str(path), "a .csv or .npz file")
    require(size <= MAX_BYTES, "recording", f"{size} bytes", f"at most {MAX_BYTES} bytes")
    if suffix == ".npz":
        require(columns is None, "columns", columns, "none: a .npz file names its arrays")
        return _archive(path)
    return _table(path, columns)


def _archive(path: Path) -> dict[str, Array]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = {name: np.asarray(archive[name]) for name in archive.files}
    except Exception as error:  # np.load and zipfile raise a dozen kinds on a broken archive
        allowed = "an unbroken .npz archive of arrays"
        raise InvalidValue("recording", str(path), allowed) from error
    out: dict[str, Array] = {}
    for name, a in zip(_known(list(found), "recording.arrays"), found.values(), strict=True):
        if not name:
            continue
        require(a.dtype.kind in "biuf", f"recording.{name}", str(a.dtype), "an array of numbers")
        if name == "dt":
            require(a.size == 1, "recording.dt", list(a.shape), "a single number")
            a = a.reshape(1)
        require(a.ndim == 1, f"recording.{name}", list(a.shape), "one dimension")
        out[name] = a.astype(np.float64)
    return out


def _table(path: Path, columns: str | None) -> dict[str, Array]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidValue("recording", str(path), "a table as UTF-8 text") from error
    first = 0 if columns is not None else 1
    require(len(rows) > first, "recording", f"{len(rows)} rows", "a header and data")
    if columns is not None:
        names = _known(columns.split(","), "columns")
    else:
        names = _known(rows[0], "recording.header")
    table = np.empty((len(rows) - first, len(names)))
    for k, row in enumerate(rows[first:]):
        at = f"recording.row {k + first + 1}"
        require(len(row) == len(names), at, row, f"{len(names)} cells")
        for j, cell in enumerate(row):
            try:
                dropped = names[j] == "v" and not cell.strip()
                table[k, j] = np.nan if dropped else float(cell) if names[j] else 0.0
            except ValueError:
                raise InvalidValue(f"{at}.{names[j]}", cell, "a number") from None
    return {name: table[:, j] for j, name in enumerate(names) if name}


def _known(given: list[str], field: str) -> list[str]:
    """Our names for the given ones, empty for a column that is left out."""
    names = [ALIASES.get(cell.strip().lower(), "") for cell in given]
    require("v" in names, field, given, "names of which one is v; x and spike if known")
    for name, aliases in NAMES.items():
        require(names.count(name) <= 1, field, given, f"one of {', '.join(aliases)}, not several")
    return names
