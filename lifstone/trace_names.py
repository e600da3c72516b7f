"""A trace as its file names it: signals by population and quantity, an array for each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .golden import InvalidValue
from .golden.errors import require

__all__ = [
    "MAX_CELLS",
    "SPIKE",
    "Array",
    "Name",
    "Signals",
    "TraceData",
    "event_raster",
    "event_steps",
    "label",
    "named",
    "raster",
    "signals_of",
]

Array = NDArray[np.float64]
Name = tuple[str, str]
"""Population (empty where a file names none) and quantity."""
Signals = dict[Name, Array]

SPIKE = "spike"
MAX_CELLS = 1 << 25
"""Values of one file, in all."""
ALIASES = {
    SPIKE: ("spike", "spikes", "s", "fired", "spike_out", "raster"),
    "v": ("v", "u", "voltage", "potential", "membrane", "mem", "vm"),
    "i": ("i", "current", "i_syn", "syn"),
    "time": ("t", "time", "times"),
    "step": ("step", "steps", "k"),
}
QUANTITY = {alias: name for name, aliases in ALIASES.items() for alias in aliases}
PATTERN = re.compile(
    r"(?:(?P<population>.+)[./:])?(?P<quantity>[^./:\[\]]+?)(?:\[(?P<index>\d+)\])?"
)


@dataclass(frozen=True, eq=False)
class TraceData:
    """Signals ``(steps, n)`` of one file; ``dt`` in seconds where the file knows it.

    ``open_end`` marks a list of spikes: nothing says when its recording ended, nor how many
    silent neurons there were.
    """

    name: str
    signals: Mapping[Name, Array]
    dt: float | None = None
    open_end: bool = False

    def __post_init__(self) -> None:
        require(bool(self.signals), self.name, "no signal", "a trace with spikes or states")
        for name, a in self.signals.items():
            at = f"{self.name}.{label(name)}"
            require(a.ndim == 2 and a.size > 0, at, list(a.shape), "steps by neurons, some of each")
            require(not np.isinf(a).any(), at, "inf", "finite numbers")
        lengths = {len(a) for a in self.signals.values()}
        require(len(lengths) == 1, f"{self.name}.steps", sorted(lengths), "one number of steps")


def label(name: Name) -> str:
    """``population.quantity``, or the quantity alone."""
    return ".".join(part for part in name if part)


def named(text: str) -> tuple[Name, int | None]:
    """Name and neuron of ``p.v[3]``, ``v_3``, ``spikes``; quantities by our own names."""
    plain = text.strip()
    numbered = re.fullmatch(r"(.*[^\d_])_(\d+)", plain)
    if numbered and quantity_of(numbered[1]) is not None:
        plain = f"{numbered[1]}[{numbered[2]}]"
    found = PATTERN.fullmatch(plain)
    if found is None:
        return ("", plain), None
    quantity = found["quantity"].strip()
    index = None if found["index"] is None else int(found["index"])
    known = QUANTITY.get(quantity.lower(), quantity)
    return (found["population"] or "", known), index


def quantity_of(text: str) -> str | None:
    """Our name of the quantity at the end of ``text``, where it is a known one."""
    return QUANTITY.get(re.split(r"[./:]", text)[-1].strip().lower())


def signals_of(at: str, columns: list[tuple[str, Array]]) -> Signals:
    """Signals of arrays by their names in a file: ``(steps,)``, or ``(steps, n)`` as they are.

    Time and step are left out. Neurons numbered in the names must be all from 0.
    """
    parts: dict[Name, dict[int | None, Array]] = {}
    for text, a in columns:
        name, index = named(text)
        if name[1] in ("time", "step"):
            continue
        wide = a[:, None] if a.ndim == 1 else a
        require(wide.ndim == 2, f"{at}.{text}", list(a.shape), "steps, or steps by neurons")
        known = parts.setdefault(name, {})
        require(index not in known, f"{at}.{text}", "twice", "each name once")
        known[index] = wide
    out: Signals = {}
    for name, known in parts.items():
        where = f"{at}.{label(name)}"
        if list(known) == [None]:
            whole = known[None]
        else:
            numbers = sorted(-1 if k is None else k for k in known)
            good = numbers == list(range(len(numbers)))
            require(good, where, numbers[:8], "neurons numbered from 0 without gap")
            whole = np.concatenate([known[k] for k in range(len(numbers))], axis=1)
        out[name] = raster(where, whole) if name[1] == SPIKE else whole
    return out


def raster(at: str, values: Array) -> Array:
    """Spikes as 0 and 1: a recorder may write one other value in place of 1."""
    other = np.unique(values[(values != 0) & ~np.isnan(values)])
    require(other.size <= 1, at, other[:3].tolist(), "spikes of 0 and one other value")
    return np.where(np.isnan(values), np.nan, (values != 0).astype(np.float64))


def event_steps(at: str, times: Array, dt: float | None) -> NDArray[np.int64]:
    """The step in which each time falls; a step includes its start."""
    if dt is None:
        raise InvalidValue(f"{at}.dt", "not given", "--dt with seconds: spikes are given as times")
    for k in np.flatnonzero(~(np.isfinite(times) & (times >= 0))):
        raise InvalidValue(f"{at}[{k}]", float(times[k]), "times of 0 or greater")
    require(np.isfinite(dt) and dt > 0, "dt", dt, "a finite number greater than 0, in seconds")
    # A time that is a multiple of dt may have lost its last digits.
    step = np.floor(times / dt + 1e-6)
    require(bool((step < MAX_CELLS).all()), at, float(times.max(initial=0)), f"< {MAX_CELLS} steps")
    return np.asarray(step, dtype=np.int64)


def event_raster(at: str, steps: NDArray[np.int64], neurons: NDArray[np.int64]) -> Array:
    """Spikes ``(steps, n)`` up to the last one of a list; one silent step without any."""
    if steps.size == 0:
        return np.zeros((1, 1))
    require(steps.shape == neurons.shape, at, list(neurons.shape), "a neuron for each spike")
    require(int(min(steps.min(), neurons.min())) >= 0, at, "negative", "steps and neurons from 0")
    shape = (int(steps.max()) + 1, int(neurons.max()) + 1)
    require(shape[0] * shape[1] <= MAX_CELLS, at, list(shape), f"at most {MAX_CELLS} values")
    out = np.zeros(shape)
    out[steps, neurons] = 1.0
    twice = steps.size - int(out.sum())
    require(twice == 0, at, f"{twice} spikes", "one spike a neuron and step: a smaller --dt")
    return out
