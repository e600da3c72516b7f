"""Conductance-based cells with random numbers in narrow words, so that every clip is met."""

from __future__ import annotations

import numpy as np

from lifstone.golden.cells.conductance import ConductanceCell, Synapse
from lifstone.golden.cells.curve import boltzmann_curve, relaxation_curve
from lifstone.golden.cells.gates import BoltzmannGate, EdgeGate
from lifstone.golden.cells.membrane import Membrane, share_curve
from lifstone.golden.cells.photo import PhotoCell
from lifstone.golden.contract import Decay
from lifstone.golden.unit import Projection, UnitContract
from lifstone.hdl.cells import conductance as _conductance  # noqa: F401
from lifstone.hdl.cells import photo as _photo  # noqa: F401

WIDTH, FRACTION = 10, 10


def membrane(rng: np.random.Generator, n: int, *, refractory: bool = True) -> Membrane:
    return Membrane(
        n,
        WIDTH,
        FRACTION,
        rng.integers(1, 200, n),
        rng.integers(-20000, 60000, n),
        rng.integers(20, 200, n),
        rng.integers(-200, 0, n),
        rng.integers(-50, 50, n),
        rng.integers(0, 4 if refractory else 1, n),
        share_curve(FRACTION, 1.0),
    )


def conductance_cell(seed: int, n: int, *, refractory: bool = True) -> ConductanceCell:
    """Two synapses of a difference, an inhibitory one, and a gate of each kind."""
    rng = np.random.default_rng(seed)
    m = membrane(rng, n, refractory=refractory)
    up = rng.integers(200, 700, n)
    synapses = (
        Synapse("exc", Decay(rng.integers(100, 257, n), 8), up, 9, 11),
        Synapse("rise", Decay(rng.integers(0, 200, n), 8), up, 8, 10, -1),
        Synapse("inh", Decay(shift=2), rng.integers(-300, -50, n), 9, 10),
    )
    gates = (
        BoltzmannGate(
            "h",
            9,
            rng.integers(0, 300, n),
            up,
            rng.integers(0, 512, n),
            boltzmann_curve(-50.0, -40.0, -256, 5, 16, 9),
            relaxation_curve(((0.001, -80.0), (0.03, 60.0)), 1.0, -256, 6, 8, 12),
            rng.integers(-60, 60, n),
        ),
        EdgeGate("t", 8, rng.integers(0, 300, n), up, rng.integers(0, 256, n), 10, 200, 230, 8),
    )
    return ConductanceCell(m, synapses, gates)


def conductance_unit(seed: int, n: int, lines: int, *, refractory: bool = True) -> UnitContract:
    """Spikes that open and close all three, one input for the first two."""
    rng = np.random.default_rng(seed)
    cell = conductance_cell(seed, n, refractory=refractory)
    weight = rng.integers(0, 500 // lines, (n, lines))
    projections = (
        Projection("x", "exc", weight),
        Projection("x", "rise", weight // 2),
        Projection("y", "inh", rng.integers(-20, 60, (n, 3))),
        Projection("unit", "inh", rng.integers(-10, 40, (n, n)) // n),
    )
    return UnitContract(cell, {"x": lines, "y": 3}, projections)


def photo_unit(seed: int, n: int) -> UnitContract:
    """Three levels of light on a cycle of four states; rounding meets its clips."""
    rng = np.random.default_rng(seed)
    hop = rng.dirichlet(np.full(4, 0.4), (3, 4)).transpose(0, 2, 1)
    fixed = np.rint(hop * 256).astype(np.int64)
    cell = PhotoCell(
        membrane(rng, n),
        7,
        8,
        fixed,
        rng.integers(0, 400, (3, 4)),
        np.array([100, 0, 27, 0]),
        rng.integers(200, 700, n),
    )
    # Neighbours in other light: the coefficients change from neuron to neuron.
    weight = np.resize([[1, 2], [0, 1], [2, 0], [2, 1]], (n, 2))
    return UnitContract(cell, {"x": 2}, (Projection("x", "light", weight),))
