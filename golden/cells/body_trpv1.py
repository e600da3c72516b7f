"""System 1 on the conductance-based cell: capsaicin opens a conductance that stays.

Each neuron gets another dose. An event of the line ``heat`` opens what the temperature opens
without capsaicin, one of ``capsaicin`` the rest; the synapse keeps both.
"""

from __future__ import annotations

import numpy as np

from ..cell import CellTrace
from ..systems.system import Check
from ..systems.trpv1 import Parameters, grid_intervals
from ..unit import Projection, UnitContract
from .body import IntegerBody, spike_times
from .conductance import ConductanceCell
from .from_float import membrane_of, scale_of, synapse_of

__all__ = ["body"]

ONSET, END = 0.25, 1.25
"""Seconds of the stimulus and of the run."""


def body() -> IntegerBody:
    """Eight doses around the default one, which comes first."""
    p = Parameters()
    dose = p.dose * np.array([1.0, 0.2, 0.4, 0.6, 0.8, 1.5, 3.0, 10.0])
    lif = p.neuron(dose.size)
    scale = scale_of(lif, p.dt, 1.25 * (p.v_th - p.v_leak))
    g = scale.g(p.conductance(p.temperature, dose))
    heat = scale.g(np.full(dose.size, p.conductance(p.temperature, 0.0)))
    width = int(g.max()).bit_length()
    channel = synapse_of(scale, "trpv1", np.inf, p.e_trpv1, width=width, acc_width=width + 1)
    largest = float(g.max() * 2.0**-scale.fraction) + p.dt / p.tau_mem
    cell = ConductanceCell(membrane_of(lif, scale, 1.1 * largest), (channel,))
    weight = np.stack([heat, g - heat], axis=1)
    unit = UnitContract(cell, {"stimulus": 2}, (Projection("stimulus", "trpv1", weight),), "trpv1")
    steps, onset = round(END / p.dt), round(ONSET / p.dt)
    spikes = np.zeros((steps, 2), np.uint8)
    spikes[0, 0] = spikes[onset, 1] = 1

    def checks(trace: CellTrace) -> tuple[Check, ...]:
        closed = p.rate(p.temperature, dose)
        basal = float(p.rate(p.temperature, 0.0)[0])
        worst, off = 0.0, 0
        for j in range(dose.size):
            times = spike_times(trace.spikes[:, j], p.dt)
            off += int(((times <= ONSET).sum() > 0) != (basal > 0))
            late = times[times > ONSET]
            off += int((late.size > 1) != (closed[j] * (END - ONSET) > 2))
            if late.size > 1 and closed[j] > 0:
                worst = max(worst, abs(float(np.diff(late).mean()) - 1.0 / closed[j] - p.dt / 2))
        first = spike_times(trace.spikes[:, 0], p.dt)
        first = first[first > ONSET]
        rate = (first.size - 1) / (first[-1] - first[0]) if first.size > 1 else 0.0
        grid = closed[0] ** 2 * p.dt
        held = grid_intervals(p, p.conductance(p.temperature, dose[:1]), END - ONSET)[0]
        return (
            Check.absolute("rate with capsaicin", float(rate), float(closed[0]), float(grid),
                           "Hz", "closed form", "a spike waits for the end of its step"),
            Check.absolute("mean interval", float(np.diff(first).mean()), float(held), 0.2 * p.dt,
                           "s", "float model on the same grid",
                           "a crossing close to the end of a step falls into the next"),
            Check.absolute("largest error of a mean interval", worst, 0.0, p.dt / 2, "s",
                           "closed form and half a step", "a spike waits up to a step"),
            Check.absolute("neurons that fire in one reading only", float(off), 0.0, 0.0, "1",
                           "closed form", "the doses keep off the critical one"),
        )  # fmt: skip

    return IntegerBody("trpv1", unit, {"stimulus": spikes}, steps, checks)
