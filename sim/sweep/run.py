"""Run a sweep: several processes, retries that are on record, and a journal to go on from."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...analog.silicon import SiliconNeuron
from ...analog.solver import LADDER
from ...golden.errors import require
from ..spice_workers import Outcome, run_points
from .journal import Journal
from .points import AXES, MEASURES, SiliconPoint, measure_point, silicon_points

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Progress", "sweep_silicon"]

TIMEOUT = 600.0
Progress = Callable[[int, int, float], None]
"""Told the points done, all points, and seconds that are left by the pace so far."""


@dataclass
class _Course:
    """Outcomes so far, and what is tried next where one failed."""

    points: Sequence[SiliconPoint]
    numbers: Sequence[int]
    journal: Journal | None
    done: dict[int, dict[str, Any]]
    tries: dict[int, list[str]]

    def settle(self, k: int, outcome: Outcome) -> SiliconPoint | None:
        """Keep the outcome of the ``k``-th point that was left, or try another solver."""
        value, error = outcome
        k = self.numbers[k]
        said = self.tries.setdefault(k, [])
        if error:
            said.append(f"{LADDER[len(said)].name}: {error}")
            if len(said) < len(LADDER):
                point = self.points[k]
                return replace(point, neuron=replace(point.neuron, solver=LADDER[len(said)]))
        entry: dict[str, Any] = {"values": {} if error else value, "error": error}
        entry["solver"] = LADDER[min(len(said), len(LADDER) - 1)].name
        entry["attempts"] = said
        self.done[k] = entry
        if self.journal is not None:
            self.journal.write(k, entry)
        return None


def sweep_silicon(
    measure: str,
    axes: Mapping[str, Sequence[Any]],
    *,
    base: SiliconNeuron | None = None,
    journal: Path | None = None,
    workers: int | None = None,
    timeout: float = TIMEOUT,
    progress: Progress | None = None,
    spread: Callable[..., list[Outcome]] = run_points,
) -> xr.Dataset:
    """Measure every combination of the axes.

    Parameters
    ----------
    measure, axes, base
        See :func:`~lifstone.sim.sweep.points.silicon_points`.
    journal
        File that keeps every finished point; with the file of an earlier, killed run only what
        is missing is simulated.
    workers, timeout
        Processes (as many as cores unless given), and seconds a point may take.
    spread
        Who runs the points; :func:`~lifstone.sim.sweep.cluster.on_cluster` gives another one.

    Returns
    -------
    Dataset
        Over the axes: the figures of the measure with units, ``error`` (empty where it
        converged), ``solver`` and ``attempts``. Attributes hold version, simulator and the
        netlist of the first point.

    Raises
    ------
    InvalidValue
        For bad axes, or a journal of another sweep.
    MissingTool
        Without simulator or process files.
    """
    require(timeout > 0 and math.isfinite(timeout), "timeout", timeout, "above 0 seconds")
    count = workers if workers is not None else os.cpu_count() or 1
    require(1 <= count <= 256, "jobs", count, "1 to 256")
    points = silicon_points(measure, axes, base)
    about = _about(measure, axes, points)
    done: dict[int, dict[str, Any]] = {}
    if journal is None:
        _finish(points, None, done, count, timeout, progress, spread)
    else:
        with Journal(journal, about) as book:
            done = dict(book.done)
            _finish(points, book, done, count, timeout, progress, spread)
    return _dataset(measure, axes, done, about)


def _finish(
    points: Sequence[SiliconPoint],
    journal: Journal | None,
    done: dict[int, dict[str, Any]],
    workers: int,
    timeout: float,
    progress: Progress | None,
    spread: Callable[..., list[Outcome]],
) -> None:
    left = [k for k in range(len(points)) if k not in done]
    course = _Course(points, left, journal, done, {})
    before, start = len(done), time.monotonic()

    def tell(finished: int, _all: int) -> None:
        pace = (time.monotonic() - start) / max(finished, 1)
        if progress is not None:
            progress(before + finished, len(points), pace * (len(left) - finished))

    spread(
        measure_point,
        [points[k] for k in left],
        workers,
        tell,
        timeout=timeout,
        settle=course.settle,
    )


def _about(
    measure: str, axes: Mapping[str, Sequence[Any]], points: Sequence[SiliconPoint]
) -> dict[str, Any]:
    """What the sweep is, as JSON: the journal's header and the dataset's attributes."""
    netlist = "\n".join(points[0].neuron.lines())
    digest = hashlib.sha256(repr(points).encode()).hexdigest()
    plain = {
        k: [v if isinstance(v, str) else float(v) for v in values] for k, values in axes.items()
    }
    return {
        "measure": measure,
        "axes": plain,
        "points": len(points),
        "digest": digest,
        "lifstone": importlib.metadata.version("lifstone"),
        "netlist": netlist,
    }


def _dataset(
    measure: str,
    axes: Mapping[str, Sequence[Any]],
    done: Mapping[int, dict[str, Any]],
    about: Mapping[str, Any],
) -> xr.Dataset:
    import xarray as xr

    shape = [len(values) for values in axes.values()]
    rows = [done[k] for k in range(math.prod(shape))]

    def cells(values: list[Any], kind: Any = None) -> Any:
        return np.array(values, dtype=kind).reshape(shape)

    data: dict[str, Any] = {
        name: (list(axes), cells([r["values"].get(name, np.nan) for r in rows], float),
               {"units": unit})
        for name, unit in MEASURES[measure].items()
    }  # fmt: skip
    for name in ("error", "solver"):
        data[name] = (list(axes), cells([r[name] for r in rows], str))
    data["attempts"] = (list(axes), cells([json.dumps(r["attempts"]) for r in rows], str))
    coordinates = {
        k: ((k,), list(v), {"units": AXES[k]} if AXES[k] else {}) for k, v in axes.items()
    }
    attributes = {k: v if isinstance(v, str | int) else json.dumps(v) for k, v in about.items()}
    return xr.Dataset(data, coords=coordinates, attrs=attributes)
