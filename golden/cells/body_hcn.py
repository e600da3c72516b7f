"""System 2 on the gated cell: pacemakers of several conductances, and two channelopathies.

Nothing reaches the neurons: they fire by themselves. The grid is finer than that of the
system's own run, whose spikes fall between its points.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..cell import CellTrace
from ..conductance import initial_state
from ..gated import GatedNeuron, GatedState, simulate, step
from ..systems.hcn import Parameters
from ..systems.system import Check
from ..unit import UnitContract
from .body import IntegerBody, spike_times, step_lag
from .conductance import ConductanceCell
from .from_float import membrane_of, scale_of, table_gate

__all__ = ["DT", "body", "neurons"]

DT = 0.5e-3
"""Step in seconds."""
LAG = 25.0
"""Steps by which a spike may be off after the whole run, a quarter of a percent of it."""


def neurons(p: Parameters) -> GatedNeuron:
    """Healthy, less conductance, shifted, shifted the other way, and four conductances."""
    basal = float(p.shift(p.camp))
    g = p.g_h * np.array([1.0, p.reduced, 1.0, 1.0, 0.8, 0.9, 1.25, 1.6])
    shift = basal + np.array([0.0, 0.0, p.mutant_shift, p.camp_shift - basal, 0, 0, 0, 0])
    return p.neuron(g, shift)


def body() -> IntegerBody:
    """Eight neurons for the length of the system's run."""
    p = replace(Parameters(), dt=DT)
    floats = neurons(p)
    scale = scale_of(floats.lif, DT, 24e-3, width=20, fraction=22)
    largest = DT * float((1.0 / p.tau_mem) * (1.0 + p.r * floats.g_max.max()))
    gate = table_gate(floats, scale)
    cell = ConductanceCell(membrane_of(floats.lif, scale, largest), (), (gate,))
    unit = UnitContract(cell, {}, (), "hcn")

    def checks(trace: CellTrace) -> tuple[Check, ...]:
        exact = simulate(floats, DT, p.steps).spikes.rates(0.8 * p.duration)
        rates = late_rates(trace.spikes, p)
        both = (exact > 0) & (rates > 0)
        worst = float(np.abs(1.0 / rates[both] - 1.0 / exact[both]).max())
        parted = float(((exact > 0) != (rates > 0)).sum())
        reason = "a spike waits up to a step, and the gate sees the potential a step late"
        return (
            Check.absolute("largest distance of a spike, in steps",
                           step_lag(trace.spikes, on_grid(floats, p.steps)), 0.0, LAG, "1",
                           "float model on the same grid",
                           "errors of the tables add up, most in the neuron near its edge"),
            Check.relative("spontaneous rate", float(rates[0]), float(exact[0]),
                           2 * DT * float(exact[0]), "Hz", "spikes between the points", reason),
            Check.absolute("largest error of an interval", worst, 0.0, 2 * DT, "s",
                           "spikes between the points", reason),
            Check.absolute("neurons that fire in one reading only", parted, 0.0, 0.0, "1",
                           "spikes between the points", "none is so near its edge"),
        )  # fmt: skip

    return IntegerBody("hcn", unit, {}, p.steps, checks)


def on_grid(neuron: GatedNeuron, steps: int) -> NDArray[np.bool_]:
    """Spikes of the float model on the grid, ``(steps, n)``."""
    start = neuron.gate.steady(neuron.lif.v_init, neuron.shift)
    state = GatedState(initial_state(neuron.lif), start)
    out = np.zeros((steps, neuron.lif.n), dtype=np.bool_)
    for k in range(steps):
        state, out[k] = step(neuron, DT, state)
    return out


def late_rates(spikes: NDArray[np.bool_], p: Parameters) -> NDArray[np.float64]:
    """Hertz over the last fifth of the run, 0 below two spikes."""
    out = np.zeros(spikes.shape[1])
    for j in range(out.size):
        times = spike_times(spikes[:, j], p.dt)
        late = times[times >= 0.8 * p.duration]
        if late.size > 1:
            out[j] = (late.size - 1) / (late[-1] - late[0])
    return out
