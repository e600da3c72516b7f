"""System 6 on the conductance-based cell: postsynaptic potentials, alone and added up.

A double exponential is the difference of two synapses of equal weight. Weights are those of
the middle of the step, where the float model on the grid reads its conductances.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..cell import CellTrace
from ..lif import Lif
from ..postsynaptic import Arrival, grid_potential
from ..systems.summation import Parameters, peaks
from ..systems.system import Check
from ..unit import Projection, UnitContract
from .body import IntegerBody
from .conductance import ConductanceCell
from .from_float import (
    Scale,
    membrane_of,
    potential_bound,
    scale_of,
    synapse_error,
    synapse_of,
)

__all__ = ["body"]

REACH = 20e-3
ARRIVES = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 1], [0, 0, 1]])
"""What each neuron gets: one, a second after the interval, an inhibitory one."""


def body() -> IntegerBody:
    """Four neurons: one EPSP, a pair, an EPSP with an IPSP, an IPSP."""
    p = Parameters()
    n = len(ARRIVES)
    one = p.membrane()
    lif = Lif(tau_mem=p.tau_mem, r=p.r, v_leak=p.v_leak, v_th=np.inf, v_reset=p.v_leak, n=n)
    scale = scale_of(lif, p.dt, REACH, width=24, fraction=24)
    parts = _parts(p, scale)
    synapses = tuple(
        synapse_of(scale, name, tau, e, width=width, acc_width=width + 2, sign=sign)
        for name, tau, e, sign, width, _ in parts
    )
    peak = {name: 2 * int(w.max()) for name, *_, w in parts}
    largest = sum(peak.values()) * 2.0**-scale.fraction + p.dt / p.tau_mem
    cell = ConductanceCell(membrane_of(lif, scale, largest), synapses)
    unit = UnitContract(
        cell, {"x": 3}, tuple(Projection("x", name, w) for name, *_, w in parts), "summation"
    )
    at = [0, round(p.interval / p.dt), 0]
    steps = at[1] + int(np.ceil(p.tail() / p.dt))
    spikes = np.zeros((steps, 3), np.uint8)
    spikes[at, np.arange(3)] = 1
    arrivals = _arrivals(p, at)

    def checks(trace: CellTrace) -> tuple[Check, ...]:
        v = scale.volts(trace.state["u"]) - p.v_leak
        grid = np.stack([grid_potential(one, a, p.dt, steps)[1:, 0] for a in arrivals], axis=1)
        exact = [float(peaks(p, a)[0]) for a in arrivals[:3]]
        found = np.abs(v).max(axis=0)
        bound = scale.lsb * _bound(p, cell, peak)
        worst = float(np.abs(v - (grid - p.v_leak)).max())
        ratio = "the conductance is read at mid-step: an error of second order"
        names = ("EPSP", "peak of a pair", "EPSP with a simultaneous IPSP")
        return (
            Check.absolute("largest error of the potential", worst, 0.0, bound, "V",
                           "float model on the same grid", "bound on rounding and tables"),
            *(Check.relative(name, float(found[k]), exact[k], 2e-3, "V", "quadrature", ratio)
              for k, name in enumerate(names)),
        )  # fmt: skip

    return IntegerBody("summation", unit, {"x": spikes}, steps, checks)


Part = tuple[str, float, float, int, int, NDArray[np.int64]]


def _parts(p: Parameters, scale: Scale) -> list[Part]:
    """Name, time constant, reversal, sign, width and weights of each exponential."""
    out: list[Part] = []
    for kind in ("exc", "inh"):
        kernel = p.kernel(kind, "double")
        size = getattr(p, f"g_{kind}") / kernel.peak / (kernel.tau - kernel.rise)
        lines = ARRIVES * (np.array([1, 1, 0]) if kind == "exc" else np.array([0, 0, 1]))
        for name, tau, sign in ((kind, kernel.tau, 1), (f"{kind}_rise", kernel.rise, -1)):
            g = scale.g(np.full(len(ARRIVES), size * np.exp(-p.dt / (2 * tau))))
            width = int(2 * g.max()).bit_length()
            out.append((name, tau, getattr(p, f"e_{kind}"), sign, width, lines * g[:, None]))
    return out


def _arrivals(p: Parameters, at: list[int]) -> list[list[Arrival]]:
    kinds = ("exc", "exc", "inh")
    return [
        [(p.synapse(kinds[k], "double"), np.full(1, at[k] * p.dt)) for k in range(3) if row[k]]
        for row in ARRIVES
    ]


def _bound(p: Parameters, cell: ConductanceCell, peak: dict[str, int]) -> float:
    """Units of ``u``; nothing is further from its reversal than rest and ``REACH`` are."""
    far = {s.name: float(np.abs(s.reversal).max() + cell.membrane.word.high) for s in cell.synapses}
    taus = {"exc": p.tau_exc, "exc_rise": p.rise_exc, "inh": p.tau_inh, "inh_rise": p.rise_inh}
    loads = [
        (synapse_error(s, taus[s.name], p.dt, peak[s.name], 1.0), far[s.name])
        for s in cell.synapses
    ]
    unit = 2.0**-cell.membrane.fraction
    drive = sum(peak[name] * unit * reach for name, reach in far.items())
    drive += p.dt / p.tau_mem * cell.membrane.word.high
    return potential_bound(cell.membrane, loads, drive)
