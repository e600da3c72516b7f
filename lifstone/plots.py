"""What the report draws: potentials of all bodies over each other, and all spikes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .case import choose_neurons
from .figures import Axis, Band, Curve, Pair, membrane, raster
from .golden import Lif, Trace, solve
from .golden.reference import input_current
from .sim.spice import run_spice_neuron
from .verdicts import Row, Verification
from .wording import finding, label

__all__ = ["Drawn", "Overlay", "overlays", "ran", "raster_figure"]

Array = NDArray[np.float64]
FINE = 24
"""Points the event-driven potential is drawn with in each step."""
WINDOW, BEFORE = 80, 20
"""Steps of the overlay, and how many of them lie before the first spike."""
ZOOM_BEFORE, ZOOM_AFTER = 14, 8
"""Steps around a difference."""
LONGEST = 20
"""Letters of a name beside the raster."""
MAX_MARKS = 6000
"""Spikes of the raster; beyond them it ends earlier."""


@dataclass(frozen=True)
class Drawn:
    """A figure with its words."""

    title: str
    figure: Pair
    caption: str


@dataclass(frozen=True)
class Overlay:
    """A neuron, a sample, and the steps ``start`` to below ``stop`` that are drawn."""

    population: str
    neuron: int
    sample: int
    start: int
    stop: int

    @staticmethod
    def choose(result: Verification) -> Overlay | None:
        """The first neuron that fires, around its first spike; none where no population can."""
        chosen = choose_neurons(result.case, 1)
        if not chosen:
            return None
        name, j = chosen[0]
        steps = result.case.stimulus.steps
        fired = np.flatnonzero(result.case.floats[name].spikes[:, 0, j])
        start = max(0, int(fired[0]) - BEFORE) if fired.size and steps > WINDOW else 0
        start = max(0, min(start, steps - WINDOW))
        return Overlay(name, j, 0, start, min(steps, start + WINDOW))

    @staticmethod
    def around(row: Row, steps: int) -> Overlay | None:
        """The steps about the difference that ``row`` found."""
        where = row.verdict.difference
        if where is None:
            return None
        start = max(0, where.step - ZOOM_BEFORE)
        stop = min(steps, where.step + ZOOM_AFTER)
        return Overlay(where.population, where.neuron, where.sample or 0, start, stop)


def ran(result: Verification, body: str) -> bool:
    """Whether there is a row of ``body``."""
    return any(r.verdict.body == body for r in result.rows)


def overlays(result: Verification) -> list[Drawn]:
    """Potentials on every body that ran: around a first spike, and around each difference."""
    out = []
    chosen = Overlay.choose(result)
    if chosen is not None:
        name = f"{chosen.population}[{chosen.neuron}]"
        caption = (
            "Event-driven and SPICE run in continuous time; the others are states after each "
            "step and after its reset. A spike on the grid is drawn at the end of its step."
        )
        out.append(_overlay(result, chosen, f"Membrane potential of {name} on every body", caption))
    for row in result.rows:
        place = Overlay.around(row, result.case.stimulus.steps)
        if place is not None:
            v = row.verdict
            name = f"{place.population}[{place.neuron}]"
            title = f"Where {label(v.body)} parts from {label(v.reference)}: {name}"
            out.append(_overlay(result, place, title, f"{finding(row)}."))
    return out


def _overlay(result: Verification, place: Overlay, title: str, caption: str) -> Drawn:
    case, name, j, k = result.case, place.population, place.neuron, place.sample
    model = case.model
    lif = model.populations[name].neuron(j)
    floats = {n: Trace(t.v[:, k], t.i[:, k], t.spikes[:, k]) for n, t in case.floats.items()}
    x = input_current(model, case.stimulus.sample(k), floats, name)[: place.stop, j]
    data, spikes = _continuous(result, lif, x)
    ends: Array = np.asarray(np.arange(1, place.stop + 1) * (model.dt * 1e3), np.float64)
    for text, body, traces, mark in _grids(result):
        if traces is None or name not in traces:
            continue
        trace = traces[name]
        fired = ends[trace.spikes[: place.stop, k, j]]
        spikes[text] = Curve(text, fired, fired, body)
        if body == "rtl" and not result.rtl_has_states:
            continue
        v = np.asarray(trace.v[: place.stop, k, j])
        contract = case.quantised.contract.populations[name]
        volts = contract.volts(trace.v[: place.stop, k])[:, j] if body in _INTEGER else v
        data.append(Curve(text, ends, volts, body, mark))
    limits = (place.start * model.dt * 1e3, (place.stop + 0.5) * model.dt * 1e3)
    level = float(lif.v_th[0]) if lif.spiking else None
    axis = Axis("time (ms)", "potential (V)", level, "threshold", limits)
    cut = [_cut(c, limits) for c in data]
    return Drawn(title, membrane(title, axis, cut, spikes), caption)


_INTEGER = ("contract", "rtl")


def _grids(result: Verification) -> list[tuple[str, str, Mapping[str, Trace] | None, str]]:
    """Label, body, traces and mark of the bodies that keep to the grid."""
    case = result.case
    return [
        ("golden grid", "golden", case.floats, "o"),
        ("network layer", "network", result.network_traces, "."),
        ("contract", "contract", case.integers, "x"),
        ("RTL", "rtl", result.rtl_traces, "+"),
    ]


def _continuous(
    result: Verification, lif: Lif, x: Array
) -> tuple[list[Curve], dict[str, Curve | None]]:
    """The two bodies without a grid: potentials, and spike times, in milliseconds."""
    dt = result.case.model.dt
    fine = solve(lif, np.repeat(x, FINE), dt / FINE)
    t = (np.arange(x.size * FINE) + 1) * dt / FINE * 1e3
    times = fine.spike_times * 1e3
    data = [Curve("event-driven", t, fine.v, "event-driven", width=1.2)]
    spikes: dict[str, Curve | None] = {
        "event-driven": Curve("event-driven", times, times, "event-driven")
    }
    if ran(result, "spice") and lif.spiking:
        analog = run_spice_neuron(lif, x, dt)
        times = analog.spike_times * 1e3
        data.append(Curve("SPICE", analog.t * 1e3, analog.v, "spice", "--", 1.6))
        spikes["SPICE"] = Curve("SPICE", times, times, "spice")
    return data, spikes


def _cut(curve: Curve, limits: tuple[float, float]) -> Curve:
    """The part within ``limits``: what lies outside would set the scale of the other axis."""
    inside = (curve.x >= limits[0]) & (curve.x <= limits[1])
    return Curve(
        curve.label, curve.x[inside], curve.y[inside], curve.body, curve.style, curve.width
    )


def raster_figure(result: Verification) -> Drawn:
    """Spikes of inputs and populations in the contract's run of the first sample."""
    case = result.case
    model = case.model
    bands = [Band(n, a[:, 0], faint=True) for n, a in case.stimulus.spikes.items()]
    bands += [
        Band(n, case.integers[n].spikes[:, 0]) for n in model.order if model.populations[n].spiking
    ]
    steps = _drawn_steps(bands, case.stimulus.steps)
    shown = [
        Band(f"{_short(b.label)} ({b.spikes.shape[1]})", b.spikes[:steps], b.faint) for b in bands
    ]
    cut = (
        f" The first {steps:,} of {case.stimulus.steps:,} steps."
        if shown and (steps < case.stimulus.steps)
        else ""
    )
    first = ", first sample" if case.stimulus.samples > 1 else ""
    caption = (
        f"The contract's run{first}; the number of lines or neurons in brackets, input in grey "
        f"({case.stimulus.origin}).{cut}"
    )
    return Drawn("Spikes", raster("Spikes of inputs and populations", shown, model.dt), caption)


def _short(name: str) -> str:
    """The two ends of a name that would leave no room for the figure."""
    half = LONGEST // 2
    return name if len(name) <= LONGEST else f"{name[:half]}...{name[3 - half :]}"


def _drawn_steps(bands: list[Band], steps: int) -> int:
    """So many steps that a page can hold their spikes."""
    total = np.zeros(steps, dtype=np.int64)
    for band in bands:
        total += np.count_nonzero(band.spikes, axis=1)
    over = np.flatnonzero(np.cumsum(total) > MAX_MARKS)
    return max(1, int(over[0])) if over.size else steps
