"""Sweeps of the analog neuron: time constants and rates over bias, capacitance, temperature.

``tau`` is fitted from a decay. ``rate`` is taken at one threshold and one input, ``fi`` over
both: thresholds from deep in the OTA's linear range to beyond ``2 n U_T``, and inputs as
multiples of the linear rheobase ``g_m v_th``.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..analog import OtaNeuron, measure_rate, measure_tau
from ..golden import Lif, ota
from ..golden.errors import require
from ..golden.fi import rate
from .spice_workers import run_points

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["DRIVES", "MEASURES", "THRESHOLDS", "sweep"]

MAX_POINTS = 1_000_000
MEASURES = ("tau", "rate", "fi")
THRESHOLDS = {"rate": (1e-3,), "fi": (1e-3, 10e-3, 30e-3, 100e-3, 200e-3)}
"""Volts above rest, unless others are given."""
DRIVES = {"rate": (2.0,), "fi": (0.25, 0.4, 0.55, 0.7, 0.85, 0.95, 1.05, 1.25, 1.5, 2.0, 3.0, 4.0)}
"""Inputs in linear rheobases, unless others are given."""
UNITS = {"i_bias": "A", "c": "F", "temperature": "K", "v_th": "V", "drive": "1"}
NAMES = {
    "i_bias": "bias of the OTA",
    "c": "membrane capacitance",
    "temperature": "temperature",
    "v_th": "threshold above rest",
    "drive": "input over the linear rheobase g_m v_th",
}


@dataclass(frozen=True)
class Point:
    """A neuron, what is measured of it, and its input in amperes."""

    neuron: OtaNeuron
    measure: str
    current: float = 0.0


def sweep(
    *,
    i_bias: Sequence[float],
    c: Sequence[float],
    temperature: Sequence[float],
    measure: str = "tau",
    v_th: Sequence[float] | None = None,
    drive: Sequence[float] | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Simulate every combination.

    Parameters
    ----------
    i_bias, c, temperature
        Amperes, farads, kelvin.
    measure
        ``tau``, ``rate`` or ``fi``.
    v_th, drive
        Threshold above rest in volts and input in multiples of ``g_m v_th``, for rates; a single
        value of each for ``rate``.
    jobs
        Processes; as many as there are cores unless given.
    progress
        Called with the number of points done and of all points.

    Returns
    -------
    Dataset
        Over ``i_bias``, ``c``, ``temperature`` (and for ``fi`` over ``v_th`` and ``drive``), with
        units: ``measured``; ``expected``, which is ``C / g_m`` or the closed form of the linear
        neuron; for rates also ``large_signal``, the closed form with the OTA's tanh, and
        ``current``. A point whose simulation failed is ``nan``; ``failure`` says why.

    Raises
    ------
    InvalidValue
        For an empty axis, a value twice, or one that no circuit has.
    MissingTool
        Without PySpice or libngspice.
    """
    require(measure in MEASURES, "measure", measure, ", ".join(MEASURES))
    axes = {"i_bias": list(i_bias), "c": list(c), "temperature": list(temperature)}
    for name, values, known in (("v_th", v_th, THRESHOLDS), ("drive", drive, DRIVES)):
        require(values is None or measure != "tau", name, values, "for rate and fi only")
        chosen = list(known.get(measure, ()) if values is None else values)
        require(measure != "rate" or len(chosen) == 1, name, chosen, "one value; fi takes more")
        if measure != "tau":
            axes[name] = chosen
    for name, values in axes.items():
        _check_axis(name, values)
    workers = jobs if jobs is not None else os.cpu_count() or 1
    require(1 <= workers <= 256, "jobs", workers, "1 to 256")
    size = math.prod(len(values) for values in axes.values())
    require(size <= MAX_POINTS, "points", size, f"at most {MAX_POINTS} combinations")
    points = [_point(measure, *values) for values in itertools.product(*axes.values())]
    # Theory first: what it refuses is not simulated for hours before.
    theory = [_linear(p) for p in points]
    exact = [] if measure == "tau" else [1.0 / p.neuron.period(p.current) for p in points]
    found = run_points(_measure, points, workers, progress)
    return _dataset(measure, axes, [p.current for p in points], found, theory, exact)


def _check_axis(name: str, values: list[float]) -> None:
    require(len(values) > 0, name, values, "at least one value")
    for value in values:
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        require(number and np.isfinite(value) and value > 0, name, value, "finite numbers above 0")
    require(len(set(values)) == len(values), name, values, "each value once")


def _point(
    measure: str, i_bias: float, c: float, temperature: float, v_th: float = 1e-3, drive: float = 0
) -> Point:
    neuron = OtaNeuron(c=c, i_bias=i_bias, temperature=temperature, v_th=v_th)
    return Point(neuron, measure, drive * neuron.g_m * neuron.v_th)


def _measure(point: Point) -> float:
    if point.measure == "tau":
        return measure_tau(point.neuron)
    return measure_rate(point.neuron, point.current)


def _dataset(
    measure: str,
    axes: dict[str, list[float]],
    currents: list[float],
    found: list[tuple[float, str]],
    theory: list[float],
    exact: list[float],
) -> xr.Dataset:
    import xarray as xr

    # A rate at one threshold and one input needs no axes for them.
    dims = [name for name in axes if measure == "fi" or name not in ("v_th", "drive")]
    shape = [len(axes[name]) for name in dims]

    def variable(
        values: list[float], unit: str, name: str
    ) -> tuple[list[str], object, dict[str, str]]:
        return dims, np.array(values).reshape(shape), {"units": unit, "long_name": name}

    unit = "s" if measure == "tau" else "Hz"
    what = "time constant" if measure == "tau" else "firing rate"
    data = {
        "measured": variable([f[0] for f in found], unit, f"simulated {what}"),
        "expected": variable(theory, unit, f"{what} of the linear neuron"),
        "failure": (dims, np.array([f[1] for f in found], dtype=str).reshape(shape)),
    }
    if measure != "tau":
        data["large_signal"] = variable(exact, unit, f"{what} with the tanh of the OTA")
        data["current"] = variable(currents, "A", "input current")
    coordinates = {
        name: ((name,) if name in dims else (), values if name in dims else values[0],
               {"units": UNITS[name], "long_name": NAMES[name]})
        for name, values in axes.items()
    }  # fmt: skip
    return xr.Dataset(data, coords=coordinates, attrs={"measure": measure, "n_slope": 1.3})


def _linear(point: Point) -> float:
    n = point.neuron
    if point.measure == "tau":
        return float(ota.tau(n.c, n.i_bias, n.n_slope, n.temperature))
    lif = Lif(tau_mem=n.tau, r=1 / n.g_m, v_th=n.v_th, v_reset=n.v_reset)
    return float(rate(lif, point.current))
