"""System 3 on the cell with a photocycle: a train of pulses, and a long flash.

The first neuron sees the line ``train``, the second the line ``flash``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..cell import CellTrace
from ..conductance import initial_state
from ..photoneuron import (
    PhotoNeuron,
    PhotoState,
    fidelity,
    half_hops,
    pulse_train,
    simulate,
    step,
)
from ..systems.chr2 import Parameters
from ..systems.system import Check
from ..unit import Projection, UnitContract
from .body import IntegerBody, spike_times, step_lag
from .from_float import photo_cell, scale_of

__all__ = ["body"]


def body() -> IntegerBody:
    """Two neurons, the system's photocycle."""
    p = Parameters()
    floats, levels = p.neuron(p.kinetics, 2), np.array([0.0, p.flux])
    scale = scale_of(floats.lif, p.dt, 1.25 * (p.v_th - p.v_leak))
    cell = photo_cell(floats, scale, levels)
    weight = np.eye(2, dtype=np.int64)
    unit = UnitContract(cell, {"light": 2}, (Projection("light", "light", weight),), "chr2")
    train = pulse_train(p.frequency, p.pulse, p.train, p.dt)
    steps = max(train.light.size, round(p.flash / p.dt))
    light = np.zeros((steps, 2), np.int64)
    light[: train.light.size, 0] = train.light
    light[: round(p.flash / p.dt), 1] = 1

    def checks(trace: CellTrace) -> tuple[Check, ...]:
        exact = simulate(floats, levels, light, p.dt)
        mine = [spike_times(trace.spikes[:, j], p.dt) for j in range(2)]
        answered = [fidelity(t, train.onsets, train.window) for t in (mine[0], exact.of(0))]
        m = min(mine[1].size, exact.of(1).size)
        lag = float(np.abs(mine[1][:m] - exact.of(1)[:m]).max(initial=0.0))
        apart = step_lag(trace.spikes, on_grid(floats, levels, light, p.dt))
        longer = m * p.dt / float(np.diff(exact.of(1)).mean())
        same = "no pulse is answered at the edge"
        waits = "each interval of the flash is longer by up to a step"
        return (
            Check.absolute("largest distance of a spike, in steps", apart, 0.0, 2.0, "1",
                           "float model on the same grid", "rounding adds up over a run"),
            Check.absolute("pulses answered", answered[0].answered, answered[1].answered, 0.0,
                           "1", "spikes between the points", same),
            Check.absolute("spikes a pulse", answered[0].spikes, answered[1].spikes, 0.0,
                           "1", "spikes between the points", same),
            Check.absolute("spikes in the long flash", float(mine[1].size),
                           float(exact.of(1).size), longer, "1",
                           "spikes between the points", waits),
            Check.absolute("largest lag of a spike in the flash", lag, 0.0, m * p.dt, "s",
                           "spikes between the points", waits),
        )  # fmt: skip

    return IntegerBody("chr2", unit, {"light": light.astype(np.uint8)}, steps, checks)


def on_grid(
    neuron: PhotoNeuron, levels: NDArray[np.float64], light: NDArray[np.int64], dt: float
) -> NDArray[np.bool_]:
    """Spikes of the float model on the grid, ``(steps, n)``."""
    halves = half_hops(neuron.kinetics, levels, dt)
    state = PhotoState(
        initial_state(neuron.lif), np.tile(neuron.kinetics.dark, (light.shape[1], 1))
    )
    out = np.zeros(light.shape, dtype=np.bool_)
    for k, row in enumerate(light):
        state, out[k] = step(neuron, dt, state, halves[row])
    return out
