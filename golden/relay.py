r"""A thalamic relay cell: integrate-and-fire with a T-type calcium current that rebounds.

The "integrate-and-fire-or-burst" neuron of Smith, Cox, Sherman & Rinzel, J. Neurophysiol. 83,
588 (2000), equations 1 to 3: the T current is open above ``v_h``, and its inactivation ``h``
recovers below it::

    C dv/dt = g_L (v_leak - v) + g_T [v > v_h] h (e_T - v) + g_E (e_E - v) + g_I (e_I - v) + i
    dh/dt = -h / tau_minus            for v > v_h
    dh/dt = (1 - h) / tau_plus        for v < v_h

With ``g_T = 0`` it is a conductance-based LIF neuron. The membrane's step is that of
:mod:`.conductance`; the gate's is exact for the side of ``v_h`` on which the step begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import conductance
from .errors import require
from .lif import Lif

__all__ = ["RelayCell", "RelayState", "gate", "gate_after", "initial_state", "step"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RelayCell:
    """Parameters; the defaults are those of Smith et al. (2000), table 1, on 2e-4 cm^2.

    Conductances in siemens, potentials in volts, times in seconds; ``current`` is a constant
    one in amperes.
    """

    capacitance: float = 0.4e-9
    g_leak: float = 7e-9
    v_leak: float = -65e-3
    v_th: float = -35e-3
    v_reset: float = -50e-3
    t_ref: float = 2e-3
    g_t: float = 14e-9
    e_t: float = 120e-3
    v_h: float = -60e-3
    tau_minus: float = 20e-3
    tau_plus: float = 100e-3
    e_exc: float = 0.0
    e_inh: float = -85e-3
    current: float = 0.0

    def __post_init__(self) -> None:
        for name in ("capacitance", "g_leak", "tau_minus", "tau_plus"):
            require(getattr(self, name) > 0, name, getattr(self, name), "above 0")
        require(self.g_t >= 0, "g_t", self.g_t, "0 S or greater")
        require(self.v_reset > self.v_h, "v_reset", self.v_reset, f"above v_h = {self.v_h:g} V")
        self.membrane()

    def membrane(self, n: int = 1) -> Lif:
        """The cell without its T current, ``n`` times."""
        return Lif(
            tau_mem=self.capacitance / self.g_leak,
            r=1.0 / self.g_leak,
            v_leak=self.v_leak,
            v_th=self.v_th,
            v_reset=self.v_reset,
            t_ref=self.t_ref,
            n=n,
        )


class RelayState(NamedTuple):
    """``v`` in volts, ``h`` from 0 to 1, ``hold`` refractory steps; each ``(..., n)``."""

    v: Array
    h: Array
    hold: NDArray[np.int64]


def initial_state(cell: RelayCell, shape: tuple[int, ...]) -> RelayState:
    """At rest, the gate where rest leaves it: 1 below ``v_h``, 0 above."""
    rest = cell.v_leak + cell.current / cell.g_leak
    return RelayState(
        np.full(shape, rest),
        np.full(shape, 1.0 if rest < cell.v_h else 0.0),
        np.zeros(shape, dtype=np.int64),
    )


def gate(cell: RelayCell, v: Array, h: Array, dt: float) -> Array:
    """Inactivation ``dt`` seconds later, the potential staying on its side of ``v_h``."""
    closing = h * np.exp(-dt / cell.tau_minus)
    opening = 1.0 - (1.0 - h) * np.exp(-dt / cell.tau_plus)
    return np.asarray(np.where(v > cell.v_h, closing, opening))


def gate_after(cell: RelayCell, h: float, seconds: ArrayLike) -> Array:
    """Closed form of the recovery below ``v_h``."""
    return np.asarray(1.0 - (1.0 - h) * np.exp(-np.asarray(seconds) / cell.tau_plus))


def step(
    cell: RelayCell, membrane: Lif, dt: float, state: RelayState, g_exc: Array, g_inh: Array
) -> tuple[RelayState, NDArray[np.bool_]]:
    """One step with conductances ``(..., n)`` held over it; returns state and spikes.

    ``membrane`` is :meth:`RelayCell.membrane` of the size of the state.

    Raises
    ------
    InvalidValue
        For a conductance below 0, or ``dt`` not above 0.
    """
    open_t = cell.g_t * np.where(state.v > cell.v_h, state.h, 0.0)
    on = conductance.load(
        (g_exc, cell.e_exc), (g_inh, cell.e_inh), (open_t, cell.e_t), current=cell.current
    )
    h = gate(cell, state.v, state.h, dt)
    after, spikes = conductance.step(membrane, dt, conductance.State(state.v, state.hold), on)
    return RelayState(after.v, h, after.hold), spikes
