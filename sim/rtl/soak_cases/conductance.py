"""Cells with conductances: two synapses, a gated channel, a T current, light.

Strong inputs in narrow words, so that sums clip and neurons fire often.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....golden import Decay, Lif
from ....golden.cells.conductance import ConductanceCell, Synapse
from ....golden.cells.from_float import (
    Scale,
    edge_gate,
    membrane_of,
    photo_cell,
    scale_of,
    synapse_of,
    table_gate,
)
from ....golden.photoneuron import PhotoNeuron
from ....golden.relay import RelayCell
from ....golden.systems import chr2, hcn
from ....golden.unit import Projection, UnitContract
from ....hdl.cells import conductance as _conductance_logic  # noqa: F401
from ....hdl.cells import photo as _photo_logic  # noqa: F401
from ..soak_case import unit_case

__all__ = ["CASES"]

N, LINES = 64, 4


def _lif(rng: np.random.Generator, n: int = N, tau_mem: float | None = None) -> Lif:
    return Lif(
        tau_mem=rng.uniform(8e-3, 30e-3, n) if tau_mem is None else tau_mem,
        r=1e8,
        v_leak=-65e-3,
        v_th=rng.uniform(-56e-3, -50e-3, n),
        v_reset=-68e-3,
        t_ref=rng.integers(0, 4, n) * 1e-3,
        n=n,
    )


def _weights(rng: np.random.Generator, scale: Scale, siemens: float) -> NDArray[np.int64]:
    n = scale.v_leak.size
    return rng.integers(0, 2 * int(scale.g(np.full(n, siemens)).max()), (n, LINES))


def _two_synapses(n: int = N, own: int = 0) -> UnitContract:
    """Excitation that rises before it falls, and inhibition, also by the unit's own spikes."""
    rng = np.random.default_rng(21)
    lif = _lif(rng, n)
    scale = scale_of(lif, 1e-3, 20e-3, width=16, fraction=16)
    exc = synapse_of(scale, "exc", 5e-3, 0.0, width=14, acc_width=16)
    rise = synapse_of(scale, "rise", 1e-3, 0.0, width=14, acc_width=16, sign=-1)
    inh = synapse_of(scale, "inh", 9e-3, -80e-3, width=14, acc_width=16)
    cell = ConductanceCell(membrane_of(lif, scale, 2.0), (exc, rise, inh))
    weight = _weights(rng, scale, 4e-9)
    projections = [
        Projection("x", "exc", weight),
        Projection("x", "rise", weight),
        Projection("y", "inh", _weights(rng, scale, 4e-9)),
    ]
    if own:
        projections.append(Projection("unit", "inh", rng.integers(0, own, (n, n))))
    return UnitContract(cell, {"x": LINES, "y": LINES}, tuple(projections))


def _compact() -> UnitContract:
    """Short words, decays by shift, one leak: for a device with few multipliers."""
    rng = np.random.default_rng(25)
    lif = _lif(rng, tau_mem=16e-3)
    scale = scale_of(lif, 1e-3, 16e-3, width=12, fraction=12)
    exc = Synapse("exc", Decay(shift=2), scale.u(np.full(N, 0.0)), 11, 12)
    inh = Synapse("inh", Decay(shift=3), scale.u(np.full(N, -80e-3)), 11, 12)
    cell = ConductanceCell(membrane_of(lif, scale, 1.0), (exc, inh))
    return UnitContract(
        cell,
        {"x": LINES, "y": LINES},
        (
            Projection("x", "exc", _weights(rng, scale, 4e-9)),
            Projection("y", "inh", _weights(rng, scale, 4e-9)),
        ),
    )


def _pacemaker() -> UnitContract:
    """HCN channels of many strengths and shifts, with excitation."""
    rng = np.random.default_rng(22)
    p = hcn.Parameters()
    neuron = p.neuron(p.g_h * rng.uniform(0.5, 2.0, N), rng.uniform(-5e-3, 15e-3, N))
    scale = scale_of(neuron.lif, 1e-3, 30e-3, width=16, fraction=18)
    exc = synapse_of(scale, "exc", 5e-3, 0.0, width=16, acc_width=18)
    gate = table_gate(neuron, scale, "x", width=16, pieces=64)
    cell = ConductanceCell(membrane_of(neuron.lif, scale, 1.0), (exc,), (gate,))
    weight = _weights(rng, scale, 2e-9)
    return UnitContract(cell, {"x": LINES}, (Projection("x", "exc", weight),))


def _relay() -> UnitContract:
    """Relay cells with a T current between excitation and inhibition."""
    rng = np.random.default_rng(23)
    cell = RelayCell(current=40e-12)
    bare = cell.membrane(N)
    scale = scale_of(bare, 1e-3, 40e-3, width=16, fraction=16)
    exc = synapse_of(scale, "exc", 3e-3, cell.e_exc, width=14, acc_width=16)
    inh = synapse_of(scale, "inh", 20e-3, cell.e_inh, width=14, acc_width=16)
    gate = edge_gate(cell, scale, width=14)
    made = ConductanceCell(membrane_of(bare, scale, 1.0, cell.current), (exc, inh), (gate,))
    return UnitContract(
        made,
        {"x": LINES, "y": LINES},
        (
            Projection("x", "exc", _weights(rng, scale, 20e-9)),
            Projection("y", "inh", _weights(rng, scale, 10e-9)),
        ),
    )


def _light() -> UnitContract:
    """Four levels of light on four states."""
    rng = np.random.default_rng(24)
    p = chr2.Parameters()
    lif = _lif(rng, tau_mem=15e-3)
    neuron = PhotoNeuron(lif, p.photocycle("four"), p.g_max, p.e_chr2)
    scale = scale_of(lif, 1e-3, 20e-3, width=16, fraction=18)
    cell = photo_cell(
        neuron, scale, p.flux * np.array([0.0, 0.02, 0.2, 1.0]), width=16, fraction=16
    )
    weight = np.resize([[1, 2], [0, 1], [2, 0], [2, 1]], (N, 2))
    return UnitContract(cell, {"x": 2}, (Projection("x", "light", weight),))


CASES = (
    unit_case("conductance_two_synapses", _two_synapses),
    unit_case("conductance_compact", _compact),
    unit_case("conductance_recurrent", lambda: _two_synapses(16, 300)),
    unit_case("conductance_hcn", _pacemaker),
    unit_case("conductance_relay", _relay),
    unit_case("conductance_chr2", _light),
)
