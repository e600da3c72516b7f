"""What an inference costs in energy: an estimate from counted operations, not a measurement.

Every operation of the cores is counted: bits that memories read and write, bits of additions,
bit products of multiplications. Each has an energy:

* Horowitz, "Computing's energy problem", ISSCC 2014, figure 1.1.9, 45 nm at 0.9 V: 64 bits from
  a cache of 8 KB 10 pJ; an addition of 32 bits 0.1 pJ; a multiplication of 8 bits 0.2 pJ. Taken
  as proportional to the bits, and to the product of the widths.
* Logic of lookup tables takes 14 times the dynamic power of standard cells: Kuon and Rose,
  "Measuring the gap between FPGAs and ASICs", IEEE TCAD 26(2), 2007. Memories and multipliers
  are hard blocks, whose factor is 1.
* Both families are of 40 nm; energy goes with the square of the core's voltage, 1.2 V (iCE40
  UltraPlus) or 1.1 V (ECP5).

Not in it: the clock tree, the control logic, the wires between blocks, the serial line, and the
static power. It ranks designs and shows where energy goes; a board takes more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..golden.contract import Contract
from ..golden.discrete import Trace
from ..golden.quantise import NetworkContract
from .lane import parameter_bits, state_bits

__all__ = ["Energy", "Operation", "energy_of_run", "operations", "per_operation"]

MEMORY_BIT = 10e-12 / 64
ADDED_BIT = 0.1e-12 / 32
PRODUCT_BIT = 0.2e-12 / 64
LOGIC, REFERENCE = 14.0, 0.9
VOLTS = {"ice40": 1.2, "ecp5": 1.1}


@dataclass(frozen=True)
class Operation:
    """Bits that one operation of a population moves: memories, additions, products of widths."""

    memory: int
    added: int
    product: int

    def joules(self, family: str) -> float:
        """Estimated energy on a family of devices."""
        logic = LOGIC * self.added * ADDED_BIT
        hard = self.memory * MEMORY_BIT + self.product * PRODUCT_BIT
        return (logic + hard) * (VOLTS[family] / REFERENCE) ** 2


@dataclass(frozen=True)
class Energy:
    """An estimate for one inference.

    ``synaptic`` and ``updates`` in joules; ``sops`` and ``neuron_updates`` count what they are
    for: weights added, and neurons swept.
    """

    synaptic: float
    updates: float
    sops: float
    neuron_updates: float

    @property
    def total(self) -> float:
        """Joules of an inference."""
        return self.synaptic + self.updates

    def to_dict(self) -> dict[str, float | str]:
        """Plain data for JSON."""
        return {
            "kind": "estimate",
            "joules": self.total,
            "synaptic": self.synaptic,
            "updates": self.updates,
            "sops": self.sops,
            "neuron_updates": self.neuron_updates,
        }


def operations(c: Contract) -> tuple[Operation, Operation]:
    """A weight that is added, and a neuron that is swept.

    A weight is read, and its sum read, added to and written. A sweep reads state, sum and what
    parameters differ, writes state and sum, multiplies by each decay that is no shift, adds the
    input, and compares.
    """
    add = Operation(c.weight_width + 2 * c.acc_width, c.acc_width, 0)
    state = state_bits(c)
    widths = {"decay_mem": (c.decay_mem, c.width), "decay_syn": (c.decay_syn, c.syn_width)}
    product = sum(
        width * (decay.fraction + 1)
        for decay, width in widths.values()
        if decay is not None and decay.shift is None
    )
    product += c.syn_width * (c.couple_fraction + 1) if c.couple is not None else 0
    sums = c.syn_width + 2 * c.width + (c.width if c.threshold is not None else 0)
    memory = 2 * state + 2 * c.acc_width + parameter_bits(c)
    return add, Operation(memory, sums, product)


def per_operation(contract: NetworkContract, family: str) -> dict[str, dict[str, float]]:
    """Joules of a weight that is added and of a neuron that is swept, by population."""
    out = {}
    for name, c in contract.populations.items():
        add, sweep = operations(c)
        out[name] = {
            "synaptic_operation": add.joules(family),
            "neuron_update": sweep.joules(family),
        }
    return out


def energy_of_run(
    contract: NetworkContract,
    inputs: Mapping[str, NDArray[np.generic]],
    traces: Mapping[str, Trace],
    family: str,
) -> Energy:
    """The mean estimate for a sample of a stimulus ``(steps, samples, n)`` and its traces."""
    spikes = {k: np.asarray(a) for k, a in inputs.items()}
    spikes |= {k: t.spikes for k, t in traces.items()}
    steps, samples = next(iter(spikes.values())).shape[:2]
    synaptic = updates = sops = swept = 0.0
    for name, c in contract.populations.items():
        add, sweep = operations(c)
        arriving = sum(
            float(spikes[k.pre][: steps - k.delay].sum())
            for k in contract.connections
            if k.post == name
        )
        weights, neurons = arriving * c.n / samples, float(steps * c.n)
        sops, swept = sops + weights, swept + neurons
        synaptic += weights * add.joules(family)
        updates += neurons * sweep.joules(family)
    return Energy(synaptic, updates, sops, swept)
