"""What the report draws: potentials of all bodies, spikes, and the F-I curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .case import choose_neurons
from .figures import Axis, Curve, curves, membrane, raster
from .golden import Lif, Trace, discretise, solve
from .golden.discrete import initial_state, step
from .golden.fi import rate
from .golden.reference import input_current
from .sim.spice import run_spice_neuron
from .verify import Verification

__all__ = ["Drawn", "Overlay", "fi_figure", "overlay", "raster_figure"]

Array = NDArray[np.float64]
FINE = 24
"""Points the event-driven potential is drawn with in each step."""
FI_STEPS = 2000
SPICE_POINTS = 5


@dataclass(frozen=True)
class Drawn:
    """A figure with its words."""

    title: str
    svg: str
    caption: str


@dataclass(frozen=True)
class Overlay:
    """The neuron and the sample whose potentials are drawn."""

    population: str
    neuron: int
    sample: int = 0

    @staticmethod
    def choose(result: Verification) -> Overlay | None:
        """The first neuron that fires; none where no population can."""
        chosen = choose_neurons(result.case, 1)
        return Overlay(*chosen[0]) if chosen else None


def overlay(result: Verification, wanted: Overlay | None) -> list[Drawn]:
    """Potential of one neuron on every body that ran, and their spike times."""
    chosen = wanted or Overlay.choose(result)
    if chosen is None:
        return []
    case, name, j, k = result.case, chosen.population, chosen.neuron, chosen.sample
    model = case.model
    lif = model.populations[name].neuron(j)
    floats = {n: Trace(t.v[:, k], t.i[:, k], t.spikes[:, k]) for n, t in case.floats.items()}
    x = input_current(model, case.stimulus.sample(k), floats, name)[:, j]
    dt = model.dt
    ends = np.asarray((np.arange(x.size) + 1) * dt * 1e3, dtype=np.float64)
    fine = solve(lif, np.repeat(x, FINE), dt / FINE)
    t_fine = (np.arange(x.size * FINE) + 1) * dt / FINE * 1e3
    data = [Curve("event-driven", t_fine, fine.v, "event-driven", width=1.0)]
    spikes: dict[str, Array] = {"event-driven": fine.spike_times * 1e3}
    if any(r.verdict.body == "spice" for r in result.rows):
        analog = run_spice_neuron(lif, x, dt)
        data.append(Curve("SPICE", analog.t * 1e3, analog.v, "spice", "--", 1.6))
        spikes["spice"] = analog.spike_times * 1e3
    contract = case.quantised.contract.populations[name]
    bodies: list[tuple[str, str, Mapping[str, Trace] | None, str]] = [
        ("golden grid", "golden", case.floats, "o"),
        ("contract", "contract", case.integers, "x"),
        ("RTL", "rtl", result.rtl_traces, "+"),
    ]
    for label, body, traces, mark in bodies:
        if traces is None or name not in traces:
            continue
        v = np.asarray(traces[name].v[:, k, j])
        scale, rest = (1.0, 0.0) if body == "golden" else (contract.lsb[j], contract.v_rest[j])
        volts = np.asarray(rest + v * scale, dtype=np.float64)
        data.append(Curve(label, ends, volts, body, mark))
        spikes[body] = ends[traces[name].spikes[:, k, j]]
    axis = Axis("time (ms)", "potential", float(lif.v_th[0]), "threshold")
    title = f"Potential of {name}[{j}] on every body"
    caption = (
        "Event-driven and SPICE run in continuous time; golden grid, contract and RTL are "
        "states after each step and after its reset. A grid spike is drawn at the end of "
        "the step in which it fell."
    )
    return [Drawn(title, membrane(title, axis, data, spikes), caption)]


def raster_figure(result: Verification) -> Drawn:
    """Spikes of all populations in the contract's run of the first sample."""
    case = result.case
    spikes = {
        n: Trace(t.v[:, 0], t.i[:, 0], t.spikes[:, 0])
        for n, t in case.integers.items()
        if case.model.populations[n].spiking
    }
    svg = raster("Spikes of all populations", spikes or {}, case.model.dt)
    return Drawn("Spikes", svg, f"Contract, first sample; input: {case.stimulus.origin}.")


def fi_figure(result: Verification, chosen: Overlay) -> list[Drawn]:
    """Rate against constant current: closed form, time grid, and a few points of SPICE."""
    model = result.case.model
    lif = _without_synapse(model.populations[chosen.population].neuron(chosen.neuron))
    currents = _currents(lif)
    closed = Curve("closed form", currents, rate(lif, currents), "event-driven", width=1.4)
    grid = Curve("golden grid", currents, _grid_rate(lif, currents, result), "golden", "-", 1.2)
    data = [closed, grid]
    if any(r.verdict.body == "spice" for r in result.rows):
        points = currents[:: max(1, currents.size // SPICE_POINTS)]
        data.append(Curve("SPICE", points, _spice_rate(lif, points, model.dt), "spice", "o"))
    title = f"F-I curve of {chosen.population}[{chosen.neuron}]"
    caption = (
        "Constant current at the synapse's steady state. The grid fires at most once a step "
        f"of {model.dt * 1e3:g} ms and only at its ends, hence the stairs at high rates."
    )
    return [Drawn(title, curves(title, Axis("current", "rate (Hz)"), data), caption)]


def _without_synapse(lif: Lif) -> Lif:
    """The same neuron under constant current, its synapse settled."""
    if lif.tau_syn is None:
        return lif
    return replace(lif, tau_syn=None, r=lif.r * lif.w_in, w_in=np.ones(1))


def _currents(lif: Lif) -> Array:
    r = abs(float(lif.r[0])) or 1.0
    swing = float(lif.v_th[0] - lif.v_reset[0]) / r
    base = float(lif.v_th[0] - lif.v_leak[0]) / r if np.isfinite(lif.tau_mem[0]) else 0.0
    currents = base + swing * np.linspace(-0.25, 2.5, 111)
    return currents if lif.r[0] > 0 else -currents


def _grid_rate(lif: Lif, currents: Array, result: Verification) -> Array:
    model = result.case.model
    many = Lif(
        **{
            field: float(getattr(lif, field)[0])
            for field in ("tau_mem", "r", "v_leak", "v_th", "v_reset", "v_init", "t_ref")
        },
        reset=lif.reset,
        n=currents.size,
    )
    coefficients = discretise(many, model.dt, model.method)
    state = initial_state(many)
    count = np.zeros(currents.size)
    for _ in range(FI_STEPS):
        state, fired = step(many, coefficients, state, currents)
        count += fired
    return np.asarray(count / (FI_STEPS * model.dt))


def _spice_rate(lif: Lif, currents: Array, dt: float) -> Array:
    """Rate from the mean interval after the first spike; 0 below two spikes."""
    out = np.zeros(currents.size)
    for k, (current, expected) in enumerate(zip(currents, rate(lif, currents), strict=True)):
        steps = 200 if expected == 0 else int(np.clip(np.ceil(8 / (expected * dt)), 4, 2000))
        times = run_spice_neuron(lif, np.full(steps, current), dt).spike_times
        if times.size > 1:
            out[k] = (times.size - 1) / (times[-1] - times[0])
    return out
