"""Sweeps of the analog neuron over bias, capacitance and temperature."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..analog import OtaNeuron, measure_rate, measure_tau
from ..golden import Lif, ota
from ..golden.errors import InvalidValue, MissingTool, require
from ..golden.fi import rate

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["MEASURES", "check_path", "save", "sweep"]

MEASURES = ("tau", "rate")
DRIVE = 2.0
"""``rate`` drives the neuron with so many times its rheobase."""
Point = tuple[float, float, float]


def sweep(
    *,
    i_bias: Sequence[float],
    c: Sequence[float],
    temperature: Sequence[float],
    measure: str = "tau",
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Simulate every combination.

    Parameters
    ----------
    i_bias, c, temperature
        Amperes, farads, kelvin.
    measure
        ``tau``, fitted from a decay, or ``rate`` at twice the rheobase.
    jobs
        Processes; as many as there are cores unless given.
    progress
        Called with the number of points done and of all points.

    Returns
    -------
    Dataset
        ``measured`` and ``expected`` over ``i_bias``, ``c``, ``temperature``, with units. A
        point whose simulation failed is ``nan``; ``failure`` says why.
    """
    import xarray as xr

    require(measure in MEASURES, "measure", measure, ", ".join(MEASURES))
    axes = {"i_bias": list(i_bias), "c": list(c), "temperature": list(temperature)}
    for name, values in axes.items():
        require(len(values) > 0, name, values, "at least one value")
        require(len(set(values)) == len(values), name, values, "each value once")
        for value in values:
            good = bool(np.isfinite(value)) and value > 0
            require(good, name, value, "finite numbers above 0")
    workers = jobs if jobs is not None else os.cpu_count() or 1
    require(1 <= workers <= 256, "jobs", workers, "1 to 256")
    points: list[Point] = list(itertools.product(i_bias, c, temperature))
    found = _run(points, measure, min(workers, len(points)), progress)
    shape = tuple(len(v) for v in axes.values())
    unit = "s" if measure == "tau" else "Hz"
    dims = tuple(axes)
    return xr.Dataset(
        {
            "measured": (dims, np.array([f[0] for f in found]).reshape(shape), {"units": unit}),
            "expected": (
                dims,
                np.array([_expected(p, measure) for p in points]).reshape(shape),
                {"units": unit},
            ),
            "failure": (dims, np.array([f[1] for f in found], dtype=str).reshape(shape)),
        },
        coords={
            "i_bias": ("i_bias", axes["i_bias"], {"units": "A"}),
            "c": ("c", axes["c"], {"units": "F"}),
            "temperature": ("temperature", axes["temperature"], {"units": "K"}),
        },
        attrs={"measure": measure, "drive_over_rheobase": DRIVE},
    )


def _run(
    points: list[Point], measure: str, workers: int, progress: Callable[[int, int], None] | None
) -> list[tuple[float, str]]:
    found: list[tuple[float, str]] = [(float("nan"), "")] * len(points)
    if workers == 1:
        for k, point in enumerate(points):
            found[k] = _measure(point, measure)
            if progress is not None:
                progress(k + 1, len(points))
        return found
    # Fresh processes: the simulator's state does not survive a fork.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context)
    try:
        with _deaf_children():
            waiting = {pool.submit(_measure, p, measure): k for k, p in enumerate(points)}
        for done, future in enumerate(as_completed(waiting), 1):
            try:
                found[waiting[future]] = future.result()
            except MissingTool:
                raise
            except Exception as error:  # a worker that died takes its point with it
                found[waiting[future]] = (float("nan"), f"{type(error).__name__}: {error}")
            if progress is not None:
                progress(done, len(points))
    finally:
        pool.shutdown(cancel_futures=True)
    return found


@contextlib.contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes started inside hear no interrupt from the keyboard: this one ends them.

    They inherit the mask; here an interrupt waits until the end of the block.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _neuron(point: Point) -> OtaNeuron:
    i_bias, c, temperature = point
    return OtaNeuron(c=c, i_bias=i_bias, temperature=temperature)


def _measure(point: Point, measure: str) -> tuple[float, str]:
    neuron = _neuron(point)
    try:
        if measure == "tau":
            return measure_tau(neuron), ""
        return measure_rate(neuron, DRIVE * neuron.g_m * neuron.v_th), ""
    except RuntimeError as error:
        if isinstance(error, MissingTool):
            raise
        return float("nan"), str(error)


def _expected(point: Point, measure: str) -> float:
    neuron = _neuron(point)
    wanted = float(ota.tau(neuron.c, neuron.i_bias, neuron.n_slope, neuron.temperature))
    if measure == "tau":
        return wanted
    lif = Lif(tau_mem=wanted, r=1 / neuron.g_m, v_th=neuron.v_th, v_reset=neuron.v_reset)
    return float(rate(lif, DRIVE * neuron.g_m * neuron.v_th))


def check_path(path: Path) -> None:
    """Refuse a name whose format is unknown."""
    require(path.suffix in (".nc", ".zarr"), "out", str(path), "a name that ends in .nc or .zarr")
    require(path.suffix == ".zarr" or not path.is_dir(), "out", str(path), "a file, no folder")


def save(data: xr.Dataset, path: Path) -> None:
    """Write netCDF (``.nc``) or Zarr (``.zarr``), whole or not at all."""
    check_path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        if path.suffix == ".nc":
            data.to_netcdf(temporary, engine="h5netcdf")
        else:
            data.to_zarr(temporary, mode="w", zarr_format=2, consolidated=True)
            if path.is_dir():
                marked = (path / ".zgroup").exists() or (path / "zarr.json").exists()
                if not marked:
                    raise InvalidValue("out", str(path), "a new name or an earlier .zarr")
                shutil.rmtree(path)
        os.replace(temporary, path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)
