"""Traces in labelled arrays (netCDF, Zarr) and in Neurodata Without Borders files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .golden import InvalidValue
from .golden.errors import require
from .recording_nwb import opened_nwb
from .trace_names import MAX_CELLS, SPIKE, TraceData, event_raster, event_steps, signals_of

__all__ = ["read_dataset", "read_units"]

STEPS = ("step", "steps", "time", "t")
"""Names of the dimension that counts steps; the first one where none has such a name."""


def read_dataset(path: Path, dt: float | None) -> TraceData:
    """Variables of ``(steps,)`` or ``(steps, n)``; ``dt`` is an attribute of the file."""
    import xarray as xr

    engine = "zarr" if path.suffix.lower() == ".zarr" else "h5netcdf"
    try:
        file = xr.open_dataset(path, engine=engine)
    except Exception as error:  # h5py, zarr and xarray raise many kinds on a broken file
        raise InvalidValue(path.name, "broken", f"an unbroken {path.suffix} of arrays") from error
    with file:
        cells = sum(int(v.size) for v in file.data_vars.values())
        require(cells <= MAX_CELLS, path.name, f"{cells} values", f"at most {MAX_CELLS}")
        columns = []
        for key, variable in file.data_vars.items():
            if variable.dtype.kind not in "biuf" or variable.ndim == 0:
                continue
            first = next((d for d in variable.dims if str(d).lower() in STEPS), variable.dims[0])
            ordered = variable.transpose(first, ...)
            try:
                values = np.asarray(ordered.values, dtype=np.float64)
            except Exception as error:
                allowed = f"an unbroken {path.suffix} of arrays"
                raise InvalidValue(f"{path.name}.{key}", "broken", allowed) from error
            columns.append((str(key), values))
        if dt is None and "dt" in file.attrs:
            dt = _positive(f"{path.name}.dt", file.attrs["dt"])
    return TraceData(path.name, signals_of(path.name, columns), dt)


def _positive(at: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    require(np.isfinite(number) and number > 0, at, value, "a number greater than 0")
    return number


def read_units(path: Path, dt: float | None) -> TraceData:
    """Spike times of the units table, a row for each neuron."""
    with opened_nwb(path) as content:
        units = content.units
        there = units is not None and "spike_times" in units.colnames
        require(there, f"{path.name}.units", "none", "a units table with spike times")
        stored = int(units["spike_times"].target.data.shape[0])
        require(stored <= MAX_CELLS, f"{path.name}.units", f"{stored} spikes", f"<= {MAX_CELLS}")
        trains = [np.asarray(units["spike_times"][j], dtype=np.float64) for j in range(len(units))]
    require(bool(trains), f"{path.name}.units", "no row", "a row for each neuron")
    neurons = np.repeat(np.arange(len(trains)), [t.size for t in trains])
    steps = event_steps(f"{path.name}.spike_times", np.concatenate(trains), dt)
    spikes = event_raster(path.name, steps, neurons)
    silent = len(trains) - spikes.shape[1]
    wide = np.pad(spikes, ((0, 0), (0, silent)))
    return TraceData(path.name, {("", SPIKE): wide}, dt, open_end=True)
