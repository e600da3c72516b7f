"""A recording as a table with named columns."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .golden import InvalidValue
from .golden.errors import require

__all__ = ["read_columns"]

ALIASES = {"v": "v", "voltage": "v", "x": "x", "input": "x", "i": "x", "spike": "spike"}


def read_columns(path: Path) -> dict[str, NDArray[np.float64]]:
    """Columns ``v`` and, where present, ``x`` and ``spike`` of a CSV file with a header.

    Raises
    ------
    InvalidValue
        Naming the row and column of a cell that is no number.
    """
    require(path.is_file(), "recording", str(path), "an existing .csv file")
    require(path.suffix.lower() == ".csv", "recording", str(path), "a .csv file")
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidValue("recording", str(path), "a table as UTF-8 text") from error
    require(len(rows) > 1, "recording", f"{len(rows)} rows", "a header and data")
    names = [ALIASES.get(cell.strip().lower(), "") for cell in rows[0]]
    require("v" in names, "recording.header", rows[0], "a column named v")
    table = np.empty((len(rows) - 1, len(names)))
    for k, row in enumerate(rows[1:]):
        require(len(row) == len(names), f"recording.row {k + 2}", row, f"{len(names)} cells")
        for j, cell in enumerate(row):
            try:
                table[k, j] = float(cell) if names[j] else 0.0
            except ValueError:
                field = f"recording.row {k + 2}.{names[j]}"
                raise InvalidValue(field, cell, "a number") from None
    return {name: table[:, j] for j, name in enumerate(names) if name}
