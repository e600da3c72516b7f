"""A trace of any body or simulator from its file: CSV, NPZ, VCD, netCDF, Zarr or NWB."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .golden import InvalidValue
from .golden.errors import require
from .trace_dataset import read_dataset, read_units
from .trace_names import (
    MAX_CELLS,
    SPIKE,
    Array,
    TraceData,
    event_raster,
    event_steps,
    named,
    signals_of,
)
from .trace_vcd import read_vcd

__all__ = ["SUFFIXES", "read_trace"]

SUFFIXES = (".csv", ".npz", ".vcd", ".nc", ".zarr", ".nwb")
MAX_BYTES = 1 << 28
NEURONS = ("neuron", "neurons", "id", "unit", "index", "i", "sender", "senders")
OFF_GRID = 0.1
"""Share of a step by which a sample's time may be off."""


def read_trace(
    path: Path, dt: float | None = None, clock: str | None = None, keep: tuple[str, ...] = ()
) -> TraceData:
    """Spikes and states of a file, ``(steps, n)`` by population and quantity.

    ``dt`` in seconds turns times into steps where the file does not say its step; ``clock`` names
    the signal of a VCD whose rising edges are the steps, and ``keep`` signals of it to read though
    their names are not those of spikes or states.

    Raises
    ------
    InvalidValue
        Naming file, field and value: a missing, broken or too large file, or no trace in it.
    MissingTool
        For ``.nwb`` without the package that reads it.
    """
    path, suffix = Path(path), Path(path).suffix.lower()
    if dt is not None:
        require(np.isfinite(dt) and dt > 0, "dt", dt, "a finite number greater than 0, in seconds")
    allowed = "a .vcd file: fst2vcd, which comes with GTKWave, makes one of it"
    require(suffix != ".fst", "trace", str(path), allowed)
    require(suffix in SUFFIXES, "trace", str(path), f"a file in {', '.join(SUFFIXES)}")
    there = path.is_dir() if suffix == ".zarr" else path.is_file()
    require(there, "trace", str(path), f"an existing {suffix} {'folder' * (suffix == '.zarr')}")
    require(clock is None or suffix == ".vcd", "clock", clock, "none: only a .vcd file has one")
    if suffix != ".zarr":
        size = path.stat().st_size
        require(0 < size <= MAX_BYTES, path.name, f"{size} bytes", f"1 to {MAX_BYTES} bytes")
    if suffix == ".vcd":
        return read_vcd(path, dt, clock, keep)
    if suffix == ".nwb":
        return read_units(path, dt)
    if suffix in (".nc", ".zarr"):
        return read_dataset(path, dt)
    return _archive(path, dt) if suffix == ".npz" else _table(path, dt)


def _table(path: Path, dt: float | None) -> TraceData:
    """Columns with names; without names, a column is a neuron."""
    header = _header(path)
    try:
        table = np.loadtxt(
            path, delimiter=",", ndmin=2, comments=None, skiprows=int(header is not None),
            dtype=np.float64, encoding="utf-8-sig",
        )  # fmt: skip
    except (ValueError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:80]
        raise InvalidValue(path.name, "broken", f"a table of numbers ({reason})") from None
    if header is None:
        spikes = np.unique(table[table != 0]).size <= 1
        return TraceData(path.name, signals_of(path.name, [(SPIKE if spikes else "v", table)]), dt)
    good = table.size == 0 or table.shape[1] == len(header)
    require(good, path.name, f"{table.shape[1]} columns", f"{len(header)}, as its header")
    if table.size == 0:
        table = table.reshape(0, len(header))
    events = _event_columns(header)
    if events is not None:
        return _events(path.name, table[:, events[0]], header[events[1]], table[:, events[1]], dt)
    columns = [(text, table[:, j]) for j, text in enumerate(header)]
    return TraceData(path.name, signals_of(path.name, columns), _step(path.name, columns, dt))


def _header(path: Path) -> list[str] | None:
    """The names in the first row, or none where that row is numbers; refuses a huge table."""
    cells = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            cells += block.count(b",") + block.count(b"\n")
    require(cells <= MAX_CELLS, path.name, f"{cells} values", f"at most {MAX_CELLS}")
    try:
        with path.open(newline="", encoding="utf-8-sig") as text:
            row = next(csv.reader(text), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidValue(path.name, "broken", "a table as UTF-8 text") from error
    try:
        for cell in row:
            float(cell)
    except ValueError:
        return [cell.strip().lstrip("# ") for cell in row]
    return None


def _event_columns(header: list[str]) -> tuple[int, int] | None:
    """Where neuron and time (or step) stand in a list of spikes."""
    if len(header) != 2:
        return None
    for neuron, at in ((0, 1), (1, 0)):
        if header[neuron].lower() in NEURONS and named(header[at])[0][1] in ("time", "step"):
            return neuron, at
    return None


def _events(name: str, neurons: Array, what: str, at: Array, dt: float | None) -> TraceData:
    if named(what)[0][1] == "step":
        steps = _whole(f"{name}.{what}", at)
    else:
        steps = event_steps(f"{name}.{what}", at, dt)
    spikes = event_raster(name, steps, _whole(f"{name}.neuron", neurons))
    return TraceData(name, {("", SPIKE): spikes}, dt, open_end=True)


def _whole(at: str, values: Array) -> NDArray[np.int64]:
    for k in np.flatnonzero(~((values >= 0) & (values < MAX_CELLS) & (values % 1 == 0))):
        raise InvalidValue(f"{at}[{k}]", float(values[k]), f"whole numbers of 0 to {MAX_CELLS - 1}")
    return values.astype(np.int64)


def _step(name: str, columns: list[tuple[str, Array]], dt: float | None) -> float | None:
    """The step in seconds of a column of times, which must be a grid; ``dt`` without one."""
    for text, t in columns:
        if named(text)[0][1] != "time" or t.ndim != 1 or t.size < 2:
            continue
        found = float(t[-1] - t[0]) / (t.size - 1)
        require(found > 0, f"{name}.{text}", float(t[-1]), "ascending times")
        late = np.abs(t - t[0] - found * np.arange(t.size))
        for k in np.flatnonzero(~(late <= OFF_GRID * found)):
            allowed = f"a grid of {found:g} s, without gap"
            raise InvalidValue(f"{name}.{text}[{k}]", float(t[k]), allowed)
        return found if dt is None else dt
    return dt


def _archive(path: Path, dt: float | None) -> TraceData:
    """Arrays by name; ``spike_times`` with ``neuron`` is a list of spikes."""
    try:
        _declared(path)
        with np.load(path, allow_pickle=False) as archive:
            found = {name: np.asarray(archive[name]) for name in archive.files}
    except InvalidValue:
        raise
    except Exception as error:  # np.load and zipfile raise a dozen kinds on a broken archive
        raise InvalidValue(path.name, "broken", "an unbroken .npz archive of arrays") from error
    numbers = {k: a.astype(np.float64) for k, a in found.items() if a.dtype.kind in "biuf"}
    if dt is None and "dt" in numbers:
        require(numbers["dt"].size == 1, f"{path.name}.dt", numbers["dt"].size, "one number")
        dt = float(numbers["dt"].reshape(()))
        require(np.isfinite(dt) and dt > 0, f"{path.name}.dt", dt, "a number greater than 0")
    times = numbers.get("spike_times")
    if times is not None:
        require(times.ndim == 1, f"{path.name}.spike_times", list(times.shape), "one dimension")
        other = next((numbers[k] for k in NEURONS if k in numbers), np.zeros(times.shape))
        return _events(path.name, other, "time", times, dt)
    columns = [(name, a) for name, a in numbers.items() if a.ndim > 0]
    return TraceData(path.name, signals_of(path.name, columns), _step(path.name, columns, dt))


def _declared(path: Path) -> None:
    """Refuse what its headers declare to be huge before any of it is unpacked."""
    cells = 0
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                major = np.lib.format.read_magic(file)[0]
                one = np.lib.format.read_array_header_1_0
                shape = (one if major == 1 else np.lib.format.read_array_header_2_0)(file)[0]
            cells += int(np.prod(shape, dtype=object))
            allowed = f"at most {MAX_CELLS} in all"
            require(
                cells <= MAX_CELLS, f"{path.name}.{member.filename}", f"{cells} values", allowed
            )
