"""A population behind a convolution as hardware: each kernel is stored once.

::

            +-------+  neuron  +--------------+     +-----+      +-----+
    events->| Reach |--------->| accumulators |---->| Leak|-reg->| Fire|--> spikes, trace
            |       |  weight  |    (RAM)     |  +->|     |      |     |--+
            +-------+-->memory-+--------------+  |  +-----+      +-----+  |
                                                 +------ state RAM <------+

The neurons are those of :class:`~.core.Core`, and so is the sweep. Only the way of a spike to
the sums differs: :class:`~.convolution_reach.Reach` visits the neurons that it reaches, one a
clock. The contract is the one with the unrolled weights; a kernel is a way to store them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from amaranth.hdl import Module, Value

from ..golden.contract import Contract
from ..golden.errors import InvalidValue, require
from ..golden.fixed import limits
from ..golden.layers.convolution import Convolution
from ..golden.layers.shared import SharedKernel, shared_kernel
from ..golden.network_contract import NetworkContract
from .aer import address_shape, join
from .convolution_reach import Reach, kernel_order, reach_clocks
from .core import Core, Phase

__all__ = [
    "ConvolutionCore",
    "Kernels",
    "convolution_clocks_per_step",
    "kernel_fields",
    "kernel_words",
    "kernels_of",
    "read_kernels",
]

Kernels = Mapping[str, SharedKernel]
"""The kernel that holds the weights of a population, for those that have one."""


def kernels_of(
    contract: NetworkContract, kernels: Kernels, plain: Mapping[str, bool]
) -> dict[str, SharedKernel]:
    """Kernels by population, held against the weights of ``contract``.

    ``plain`` says of which populations the weights lie in one lane, in memory of the
    synthesiser's choice, and are never loaded: only these can be stored as a kernel.

    Raises
    ------
    InvalidValue
        For an unknown population, one with other connections than the convolution, weights that
        are not those of the kernel, or lanes, stores and loads.
    """
    for name, kernel in kernels.items():
        require(name in contract.populations, "kernels", name, ", ".join(contract.populations))
        into = contract.into(name)
        require(len(into) == 1, f"kernels.{name}", f"{len(into)} connections", "one connection")
        require(plain[name], f"kernels.{name}", "lanes, a store or loads", "one lane, plain memory")
        shape, weight = (kernel.n_out, kernel.n_in), into[0].weight
        require(weight.shape == shape, f"kernels.{name}", shape, f"{weight.shape}")
        for j, k in np.argwhere(kernel.matrix().toarray() != weight)[:1]:
            raise InvalidValue(f"kernels.{name}[{j}, {k}]", "another weight", f"{weight[j, k]}")
        kernel_words(contract.populations[name], kernel)
    return dict(kernels)


def kernel_fields(kernel: SharedKernel) -> dict[str, Any]:
    """Sizes of a kernel for the manifest, and what storing it once saves."""
    conv = kernel.conv
    return {
        "shape": list(kernel.shape),
        "reads": list(conv.shape),
        "kernel": list(conv.weight.shape),
        "stride": list(conv.stride),
        "padding": list(conv.padding),
        "dilation": list(conv.dilation),
        "groups": conv.groups,
        "pool": list(kernel.pool),
        "weights": conv.weight.size,
        "unrolled_weights": kernel.n_in << address_shape(kernel.n_out).width,
    }


def read_kernels(contract: NetworkContract, rows: Any) -> dict[str, SharedKernel]:
    """Kernels that the populations of a manifest name, their weights from ``contract``."""
    out: dict[str, SharedKernel] = {}
    for row in rows if isinstance(rows, list) else []:
        f = row.get("kernel") if isinstance(row, dict) else None
        if f is None or row.get("name") not in contract.populations:
            continue
        into = contract.into(row["name"])
        try:
            geometry = Convolution(
                np.zeros(f["kernel"], np.int64), tuple(f["reads"]), stride=tuple(f["stride"]),
                padding=tuple(f["padding"]), dilation=tuple(f["dilation"]), groups=f["groups"],
            )  # fmt: skip
            pool, shape = tuple(f["pool"]), tuple(f["shape"])
            out[row["name"]] = shared_kernel(geometry, into[0].weight, pool, shape)
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise InvalidValue("design.kernel", f, "as lifstone generates it") from error
    return out


def kernel_words(contract: Contract, kernel: SharedKernel) -> list[int]:
    """Weight memory of a kernel, two's complement.

    Raises
    ------
    InvalidValue
        For a weight that does not fit its word.
    """
    low, high = limits(contract.weight_width)
    weights = kernel_order(kernel)
    for k in np.flatnonzero((weights < low) | (weights > high)):
        raise InvalidValue(f"kernel[{k}]", int(weights[k]), f"{low} to {high}")
    mask = (1 << contract.weight_width) - 1
    return [int(w) & mask for w in weights]


def convolution_clocks_per_step(
    contract: Contract, kernel: SharedKernel, spikes_in: np.ndarray, spikes_out: int
) -> int:
    """Clocks of a step when nobody makes the core wait; ``spikes_in`` is 0/1, ``(n_in,)``.

    An operation a clock, three or four more for each spike but the first, which finds its places
    while the core ends the step before; three for each neuron, one for each spike and tick that
    leave or arrive.
    """
    taken = int((reach_clocks(kernel) * spikes_in).sum())
    hidden = int((reach_clocks(kernel) - kernel.fan_out())[0]) if np.any(spikes_in) else 0
    return taken - hidden + 1 + 3 * contract.n + spikes_out + 1


class ConvolutionCore(Core):
    """Time-multiplexed neurons of one population behind one convolution.

    Parameters
    ----------
    contract
        What the population computes.
    kernel
        Kernel and geometry; its unrolled form is the contract's weights.
    rows
        Lines of the source: those of the kernel, and any that only brings ticks.

    Members
    -------
    source, sink, trace_valid, trace
        As those of :class:`~.core.Core`.
    """

    def __init__(self, contract: Contract, kernel: SharedKernel, rows: int) -> None:
        require(kernel.n_out == contract.n, "kernel", kernel.n_out, f"{contract.n} output lines")
        require(kernel.n_in <= rows, "rows", rows, f"at least {kernel.n_in}")
        self.kernel = kernel
        super().__init__(contract, [], rows)

    def _weight_words(self) -> list[int]:
        return kernel_words(self.contract, self.kernel)

    def _target(self, m: Module) -> Value:
        m.submodules.reach = self._reach = reach = Reach(self.kernel, self.rows)
        join(m, self.source, reach.events)
        return reach.places.payload.neuron

    def _accept(self, m: Module) -> None:
        """Add one weight a clock: read in one, write in the next; no neuron comes twice."""
        places = self._reach.places
        with m.Case(Phase.ACCEPT):
            m.d.comb += [
                places.ready.eq(1),
                self._weight_r.addr.eq(places.payload.weight),
            ]
            self._read(m, places.payload.neuron)
            with m.If(places.valid & places.payload.tick):
                self._go(m, Phase.READ)
            with m.Elif(places.valid):
                m.d.sync += self._pending.eq(1)
