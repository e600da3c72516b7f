"""The points of a sweep of transistor neurons, and what is measured of one."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from ...analog.mismatch import draw_shifts
from ...analog.silicon import SiliconNeuron, find_technology, schematic
from ...analog.silicon_measure import (
    energy_a_spike,
    leak_curve,
    measure_ac,
    measure_decay,
    run_silicon,
)
from ...analog.silicon_units import UNITS
from ...golden.errors import require

__all__ = ["AXES", "MEASURES", "SiliconPoint", "measure_point", "silicon_points"]

AXES = {
    **dict.fromkeys(("technology", "corner", "ota"), ""),
    **UNITS,
    "seed": "1",
    "current": "A",
}
"""What can be swept, with its unit, empty for text; ``seed`` is a die, ``current`` the input."""
MEASURES: Mapping[str, Mapping[str, str]] = {
    "tau": {"tau": "s", "g_m": "S", "rest": "V", "linear_range": "V"},
    "ac": {"tau": "s", "g_m": "S"},
    "rate": {"rate": "Hz", "expected": "Hz", "refractory": "s", "power": "W"},
    "energy": {"energy": "J", "idle": "W"},
}
"""By measure the figures that it gives, with their units."""
MAX_POINTS = 10_000_000
INTERVALS = 4


@dataclass(frozen=True)
class SiliconPoint:
    """One neuron on one die with one input, and what to measure."""

    neuron: SiliconNeuron
    measure: str
    current: float = 0.0


def silicon_points(
    measure: str, axes: Mapping[str, Sequence[Any]], base: SiliconNeuron | None = None
) -> list[SiliconPoint]:
    """Every combination of the axes' values, the last axis fastest.

    Raises
    ------
    InvalidValue
        For an unknown measure or axis, an axis without values or with a value twice, too many
        points, or a neuron that cannot be.
    """
    require(measure in MEASURES, "measure", measure, ", ".join(MEASURES))
    size = 1
    for name, values in axes.items():
        require(name in AXES, "axis", name, ", ".join(AXES))
        require(len(values) > 0, name, list(values), "at least one value")
        require(len(set(values)) == len(values), name, list(values), "each value once")
        size *= len(values)
    require(size <= MAX_POINTS, "points", size, f"at most {MAX_POINTS} combinations")
    driven = measure in ("rate", "energy")
    require(not driven or "current" in axes, "current", None, f"an axis, for {measure}")
    known = {f.name for f in fields(SiliconNeuron)}
    points = []
    for values in itertools.product(*axes.values()):
        at = dict(zip(axes, values, strict=True))
        neuron = replace(base or SiliconNeuron(), **{k: v for k, v in at.items() if k in known})
        if "seed" in at:
            die = schematic(neuron).transistors
            technology = find_technology(neuron.technology)
            neuron = replace(neuron, shifts=draw_shifts(technology, die, at["seed"]))
        points.append(SiliconPoint(neuron, measure, float(at.get("current", 0.0))))
    return points


def measure_point(point: SiliconPoint) -> dict[str, float]:
    """The figures of :data:`MEASURES`.

    Raises
    ------
    RuntimeError
        If the simulator does not converge.
    """
    n = point.neuron
    if point.measure == "energy":
        energy, idle = energy_a_spike(n, point.current)
        return {"energy": energy, "idle": idle}
    curve = leak_curve(n)
    if point.measure == "tau":
        span = curve.linear_range()
        return {
            "tau": measure_decay(n), "g_m": curve.g_m, "rest": curve.rest, "linear_range": span
        }  # fmt: skip
    if point.measure == "ac":
        return {"tau": measure_ac(n), "g_m": curve.g_m}
    expected = curve.period(point.current, n.c, n.v_reset, n.v_th)
    known = expected if expected < float("inf") else 10.0 * n.c / curve.g_m / INTERVALS
    # The refractory period discharges C_ref through part of the supply.
    hold = n.c_ref * 1.5 * float(n.v_dd or 0.0) / n.i_ref
    run = run_silicon(n, point.current, (INTERVALS + 2) * (known + hold))
    return {
        "rate": run.rate,
        "expected": 1.0 / (expected + run.refractory),
        "refractory": run.refractory,
        "power": run.power,
    }
