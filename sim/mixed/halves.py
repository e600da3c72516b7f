"""A neuron in lock-step with a core that learns: what both halves are made of.

The core of :mod:`lifstone.hdl.plastic` learns; its own neuron is a relay that fires exactly when
a line says that the analog neuron did. A step goes: the analog neuron runs under an input that
the weights of the step before give; whether it fired, and the step's input spikes, go to the
RTL; the RTL changes its weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...analog import Mapping
from ...analog.netlist import body
from ...golden import Contract, Decay, Drive, Lif, Reset
from ...golden.fixed import Rounding
from ...golden.learning.plastic import PlasticContract
from .stepper import stepped_netlist

__all__ = ["RELAY", "Lockstep", "relay"]

Array = NDArray[np.float64]
RELAY = 1 << 18
"""Weight of the line that reports a spike; far above all plastic weights together."""
FINE_STEPS = 25
"""Least number of the simulator's steps in a step."""


@dataclass(frozen=True, eq=False)
class Lockstep:
    """A run of ``steps`` steps.

    Parameters
    ----------
    contract
        Rule and weights of the RTL; one neuron, the relay.
    lif, mapping
        The neuron, and its circuit.
    background
        Input of each step besides the plastic lines, in the neuron's unit, ``(steps,)``.
    plastic, signal
        Spikes of the plastic lines and of those of the learning signal, 0/1, ``(steps, lines)``;
        ``signal`` has no lines where the rule has none.
    lsb
        Unit of a weight word, in the neuron's unit; negative for lines that inhibit.
    dt
        Seconds of a step.
    """

    contract: PlasticContract
    lif: Lif
    mapping: Mapping
    background: Array
    plastic: NDArray[np.uint8]
    signal: NDArray[np.uint8]
    lsb: float
    dt: float

    @property
    def steps(self) -> int:
        """Steps of the run."""
        return len(self.plastic)

    def drive(self, k: int, weight: NDArray[np.int64]) -> float:
        """Input of step ``k`` in the neuron's unit, from the weights before it."""
        total = float(weight @ self.plastic[k].astype(np.int64))
        return float(self.background[k]) + total * self.lsb

    def inputs(self, post: NDArray[np.bool_]) -> dict[str, NDArray[np.int64]]:
        """Spikes of every kind of line of the core, where the neuron fired ``post``."""
        given = {"plastic": self.plastic, "fixed": post.reshape(-1, 1), "signal": self.signal}
        return {k: given[k].astype(np.int64) for k in self.contract.sizes}

    def netlist(self) -> str:
        """The circuit with its drive as a source that is altered."""
        step = self.dt / FINE_STEPS
        stop = self.steps * self.dt
        elements = [
            "Vdrive drive 0 0",
            *body(self.mapping.neuron, self.mapping.g_in, stop, step),
        ]
        return stepped_netlist(elements, dt=self.dt, steps=self.steps, max_step=step)


def relay() -> Contract:
    """A neuron that forgets in every step, and fires where its input passes half a relay."""

    def one(value: float) -> NDArray[np.int64]:
        return np.array([int(value)], dtype=np.int64)

    return Contract(
        n=1, width=24, fraction=0, syn_width=0, weight_width=20, weight_shift=0, acc_width=24,
        decay_mem=Decay(one(0), 1), decay_syn=None, drive=Drive.NEW, couple=None,
        couple_fraction=0, threshold=one(RELAY / 2), reset=Reset.SET, u_reset=one(0),
        u_drop=one(0), u_init=one(0), hold=one(0), bias=one(0), rounding=Rounding.NEAREST,
        lsb=np.ones(1), i_lsb=np.ones(1), v_rest=np.zeros(1),
    )  # fmt: skip
