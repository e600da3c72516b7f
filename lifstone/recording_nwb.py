"""One neuron of a Neurodata Without Borders file: potential, injected current, spike times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .golden import InvalidValue, MissingTool
from .golden.errors import require

__all__ = ["opened_nwb", "read_nwb"]

Array = NDArray[np.float64]
VOLTS, AMPERES = ("v", "volt", "volts"), ("a", "amp", "amps", "ampere", "amperes")


def read_nwb(path: Path, series: str | None = None) -> dict[str, Array]:
    """Columns as of :func:`.read_recording`, with ``t`` in seconds.

    The potential is the acquisition in volts, ``series`` where there are several; the input is
    the stimulus in amperes of the same length, where there is one; spike times are those of the
    units table where it has one row.

    Raises
    ------
    MissingTool
        Without the package ``pynwb``.
    InvalidValue
        For a broken file, or one without a single potential.
    """
    with opened_nwb(path) as content:
        return _columns(content, series)


@contextmanager
def opened_nwb(path: Path) -> Iterator[Any]:
    """The content of a file while it is open; raises as :func:`read_nwb`."""
    try:
        from pynwb import NWBHDF5IO
    except ImportError:
        raise MissingTool("pynwb", "pip install pynwb") from None
    require(path.is_file(), "recording", str(path), "an existing .nwb file")
    try:
        file = NWBHDF5IO(str(path), mode="r")
    except Exception as error:  # h5py and hdmf raise many kinds on a broken file
        raise InvalidValue("recording", str(path), "an unbroken .nwb file") from error
    with file:
        try:
            content = file.read()
        except Exception as error:
            raise InvalidValue("recording", str(path), "an unbroken .nwb file") from error
        yield content


def _columns(content: Any, series: str | None) -> dict[str, Array]:
    potential = _potential(content, series)
    v = _values(potential)
    out = {"v": v, "t": _times(potential, v.size)}
    inputs = [s for s in content.stimulus.values() if _in(s, AMPERES)]
    inputs = [s for s in inputs if np.ndim(s.data) == 1 and len(s.data) == v.size]
    require(len(inputs) <= 1, "recording.stimulus", [s.name for s in inputs], "one current")
    if inputs:
        out["x"] = _values(inputs[0])
    units = content.units
    if units is not None and len(units) == 1 and "spike_times" in units.colnames:
        out["spike_times"] = np.asarray(units["spike_times"][0], dtype=np.float64) - out["t"][0]
    return out


def _potential(content: Any, wanted: str | None) -> Any:
    found = {s.name: s for s in content.acquisition.values() if _in(s, VOLTS)}
    if wanted is not None:
        require(wanted in found, "series", wanted, ", ".join(found) or "none: no volts in the file")
        return found[wanted]
    require(len(found) > 0, "recording.acquisition", [], "a series in volts")
    allowed = f"one series in volts, or --series of {', '.join(found)}"
    require(len(found) == 1, "recording.acquisition", list(found), allowed)
    return next(iter(found.values()))


def _in(series: Any, units: tuple[str, ...]) -> bool:
    return str(getattr(series, "unit", "")).lower() in units


def _values(series: Any) -> Array:
    data = np.asarray(series.data[:])
    numbers = data.dtype.kind in "biuf" and data.ndim == 1
    require(numbers, f"recording.{series.name}", list(data.shape), "one line of numbers")
    return np.asarray(data * float(series.conversion) + float(series.offset), dtype=np.float64)


def _times(series: Any, samples: int) -> Array:
    if series.timestamps is not None:
        return np.asarray(series.timestamps[:], dtype=np.float64)
    rate = float(series.rate or 0.0)
    require(rate > 0, f"recording.{series.name}.rate", rate, "a rate above 0, or timestamps")
    return np.asarray(float(series.starting_time or 0.0) + np.arange(samples) / rate)
