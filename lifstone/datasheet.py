"""A datasheet: a neuron's specification as a TOML file, measured over its conditions.

::

    title = "Leaky neuron"
    [neuron]                       # fields of analog.silicon.SiliconNeuron
    technology = "generic"
    c = "1 pF"
    [conditions]                   # axes of every specification
    corner = ["tt", "ff", "ss"]
    temperature = ["-40 degC", "27 degC", "125 degC"]
    [[specification]]
    figure = "tau"
    min = "40 us"
    max = "120 us"
    [[specification]]
    figure = "rate"
    conditions = { current = "1 nA", seed = [0, 1, 2, 3] }
    min = "5 kHz"
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .analog.silicon import SiliconNeuron
from .analog.silicon_units import unit_of
from .golden import InvalidValue
from .golden.errors import require
from .sim.sweep.points import AXES, MEASURES
from .units import to_si

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Datasheet", "Measured", "Specification", "measure", "read_datasheet"]

PREFERRED = {"tau": "tau", "g_m": "tau"}
"""The measure that gives a figure which several give."""
SECTIONS = ("title", "neuron", "conditions", "specification")
KEYS = ("figure", "min", "typ", "max", "conditions", "note")
MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class Specification:
    """Limits of one figure over conditions; SI units, ``None`` where there is no limit."""

    figure: str
    measure: str
    unit: str
    least: float | None
    typical: float | None
    most: float | None
    conditions: Mapping[str, tuple[Any, ...]]
    note: str


@dataclass(frozen=True)
class Datasheet:
    """A specification whole."""

    title: str
    neuron: SiliconNeuron
    specifications: tuple[Specification, ...]


@dataclass(frozen=True, eq=False)
class Measured:
    """What was found for one specification."""

    specification: Specification
    data: xr.Dataset

    @property
    def values(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The figure at every condition that converged."""
        all_values = self.data[self.specification.figure].values.ravel()
        return np.asarray(all_values[np.isfinite(all_values)], dtype=np.float64)

    @property
    def failed(self) -> int:
        """Conditions at which the simulator did not converge."""
        return int(np.count_nonzero(self.data["error"].values != ""))

    @property
    def passes(self) -> bool:
        """Whether every condition gave a value, and all lie within the limits."""
        s, v = self.specification, self.values
        if v.size < self.data["error"].size:
            return False
        low = s.least is None or float(v.min()) >= s.least
        return bool(low and (s.most is None or float(v.max()) <= s.most))

    @property
    def worst(self) -> str:
        """Where the first limit is broken by most, as ``name = value`` of each condition."""
        s = self.specification
        v = self.data[s.figure]
        low = (s.least - v) if s.least is not None else v * 0 - math.inf
        high = (v - s.most) if s.most is not None else v * 0 - math.inf
        over = np.maximum(low.values, high.values)
        if self.passes or not np.isfinite(v.values).any():
            return ""
        at = np.unravel_index(int(np.nanargmax(over)), over.shape)
        return ", ".join(f"{n} = {v[n].values[k]}" for n, k in zip(v.dims, at, strict=True))


def read_datasheet(path: Path) -> Datasheet:
    """Read and check the file; nothing is simulated.

    Raises
    ------
    InvalidValue
        For text that is no TOML, an unknown name, a value or unit that does not fit, limits in
        the wrong order, or no specification.
    """
    require(path.stat().st_size <= MAX_BYTES, "datasheet", str(path), f"at most {MAX_BYTES} bytes")
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidValue("datasheet", str(path), f"TOML: {error}") from None
    _known("datasheet", raw, SECTIONS)
    title = raw.get("title", path.stem)
    require(isinstance(title, str), "title", title, "text")
    neuron = _neuron(_table("neuron", raw.get("neuron", {})))
    shared = _table("conditions", raw.get("conditions", {}))
    rows = raw.get("specification", [])
    require(isinstance(rows, list) and len(rows) > 0, "specification", rows, "one table or more")
    found = tuple(_specification(k, row, shared) for k, row in enumerate(rows))
    return Datasheet(title, neuron, found)


def measure(
    sheet: Datasheet,
    *,
    jobs: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Measured]:
    """Simulate every specification over its conditions.

    Raises
    ------
    MissingTool
        Without simulator or process files.
    """
    from .sim.sweep.run import sweep_silicon

    out = []
    for s in sheet.specifications:

        def tell(done: int, total: int, _left: float, s: Specification = s) -> None:
            if progress is not None:
                progress(s.figure, done, total)

        axes = s.conditions or {"corner": (sheet.neuron.corner,)}
        data = sweep_silicon(s.measure, axes, base=sheet.neuron, workers=jobs, progress=tell)
        out.append(Measured(s, data))
    return out


def _table(name: str, value: Any) -> dict[str, Any]:
    require(isinstance(value, dict), name, value, "a table")
    return dict(value)


def _known(name: str, table: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for key in table:
        require(key in allowed, f"{name}.{key}", key, ", ".join(allowed))


def _neuron(table: Mapping[str, Any]) -> SiliconNeuron:
    allowed = tuple(f.name for f in fields(SiliconNeuron) if f.name not in ("shifts", "solver"))
    _known("neuron", table, allowed)
    return SiliconNeuron(**{k: _value(f"neuron.{k}", v, unit_of(k)) for k, v in table.items()})


def _specification(k: int, row: Any, shared: Mapping[str, Any]) -> Specification:
    name = f"specification[{k}]"
    table = _table(name, row)
    _known(name, table, KEYS)
    figure = table.get("figure")
    measures = [m for m, figures in MEASURES.items() if figure in figures]
    known = sorted({f for figures in MEASURES.values() for f in figures})
    require(bool(measures), f"{name}.figure", figure, ", ".join(known))
    chosen = PREFERRED.get(str(figure), measures[0])
    unit = MEASURES[chosen][str(figure)]
    limits = {
        key: None if key not in table else float(_value(f"{name}.{key}", table[key], unit))
        for key in ("min", "typ", "max")
    }
    given = [v for v in limits.values() if v is not None]
    require(bool(given), name, figure, "a limit: min, typ or max")
    require(given == sorted(given), name, given, "min, typ and max in ascending order")
    merged = {**shared, **_table(f"{name}.conditions", table.get("conditions", {}))}
    _known(f"{name}.conditions", merged, tuple(AXES))
    conditions = {key: _values(f"{name}.conditions.{key}", v, key) for key, v in merged.items()}
    driven = chosen in ("rate", "energy")
    require(
        not driven or "current" in conditions, f"{name}.conditions.current", None, "an input, A"
    )
    note = table.get("note", "")
    require(isinstance(note, str), f"{name}.note", note, "text")
    least, typical, most = limits["min"], limits["typ"], limits["max"]
    return Specification(str(figure), chosen, unit, least, typical, most, conditions, note)


def _values(name: str, value: Any, axis: str) -> tuple[Any, ...]:
    items = value if isinstance(value, list) else [value]
    require(len(items) > 0, name, value, "at least one value")
    found = [_value(name, item, AXES[axis]) for item in items]
    if axis == "seed":
        for item in found:
            whole = isinstance(item, int | float) and float(item).is_integer()
            require(whole, name, item, "whole numbers")
        found = [int(item) for item in found]
    return tuple(found)


def _value(name: str, value: Any, unit: str) -> Any:
    """A number in SI, from a number or from text with a unit; text where the field is text."""
    if unit == "":
        require(isinstance(value, str), name, value, "text")
        return value
    if isinstance(value, str):
        number, _, written = value.strip().partition(" ")
        try:
            amount = float(number)
        except ValueError:
            raise InvalidValue(name, value, f"a number and a unit such as '5 {unit}'") from None
        return to_si(name, amount, written.strip() or unit, unit)
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    require(numeric and math.isfinite(value), name, value, f"a number in {unit}")
    return value
