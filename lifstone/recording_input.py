"""From a file to a recording that can be fitted: one step between samples, gaps marked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .golden import InvalidValue
from .golden.errors import require
from .golden.estimation import Recording
from .recording_file import read_recording
from .recording_nwb import read_nwb

__all__ = ["load_recording"]

Array = NDArray[np.float64]

OFF_GRID = 0.1
"""Share of a step by which a sample's time may be off."""


def load_recording(
    path: Path,
    dt: float | None = None,
    t_ref: float | None = None,
    columns: str | None = None,
    series: str | None = None,
) -> Recording:
    """Read ``.csv``, ``.npz`` or ``.nwb``.

    ``dt`` is taken from the file (``dt`` or times) unless given; with times, samples that are
    missing from the file are marked as dropped. ``t_ref`` as of :class:`.Recording`.

    Raises
    ------
    InvalidValue
        For a file that cannot be read, without step, or with times that are no grid.
    MissingTool
        For ``.nwb`` without the package that reads it.
    """
    if path.suffix.lower() == ".nwb":
        require(columns is None, "columns", columns, "none: a .nwb file names its series")
        found = read_nwb(path, series)
    else:
        require(series is None, "series", series, "none: only a .nwb file has series")
        found = read_recording(path, columns)
    if dt is None and "dt" in found:
        dt = float(found["dt"][0])
    elif dt is None and "t" in found:
        dt = _on_grid(found)
    if dt is None:
        raise InvalidValue("dt", "not given", "--dt with seconds, or a column t in the file")
    marks = found.get("spike")
    times = None if marks is not None else found.get("spike_times")
    return Recording.of(found["v"], dt, found.get("x"), marks, times, t_ref)


def _on_grid(found: dict[str, Array]) -> float:
    """The step of column ``t``; fills the rows that are missing, in place."""
    t = found["t"]
    allowed = "as many times as samples, at least 2"
    require(t.size == found["v"].size > 1, "recording.t", f"{t.size} values", allowed)
    for k in np.flatnonzero(~np.isfinite(t)):
        raise InvalidValue(f"recording.t[{k}]", float(t[k]), "finite numbers")
    for k in np.flatnonzero(np.diff(t) <= 0):
        raise InvalidValue(f"recording.t[{k + 1}]", float(t[k + 1]), f"above {t[k]:g}, ascending")
    dt = float(np.median(np.diff(t)))
    # The median of many steps is coarse where times were rounded: the whole span is not.
    steps = np.rint((t - t[0]) / dt)
    dt = float((t[-1] - t[0]) / steps[-1])
    at = np.rint((t - t[0]) / dt)
    for k in np.flatnonzero(np.abs(t - t[0] - at * dt) > OFF_GRID * dt):
        raise InvalidValue(f"recording.t[{k}]", float(t[k]), f"a grid of {dt:g} s")
    index = at.astype(np.int64)
    samples = int(index[-1]) + 1
    require(samples <= 100 * t.size, "recording.t", f"{samples} steps", "samples, not mostly gaps")
    before = np.searchsorted(index, np.arange(samples), side="right") - 1
    present = index[before] == np.arange(samples)
    found["v"] = np.where(present, found["v"][before], np.nan)
    if "x" in found:
        # The input of a dropped sample is taken to be the last one known.
        found["x"] = found["x"][before]
    if "spike" in found:
        found["spike"] = np.where(present, found["spike"][before], 0.0)
    return dt
