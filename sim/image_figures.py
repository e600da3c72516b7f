"""A classifier over a whole test set, in float, in the contract and in its RTL.

The RTL runs in the compiled harness twice: with trace ports, so that every state and spike of
every neuron is compared with the contract's, and without, as it would be built, for its clocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..golden import Network, NetworkContract, Trace
from ..hdl import generate
from ..hdl.convolution import Kernels
from .dataset import Dataset
from .digits import decode
from .rtl.bulk import BulkRtl
from .simulate import Simulator

__all__ = ["Figures", "Lanes", "measure"]

Lanes = int | Mapping[str, int]
CHUNK = 500


@dataclass
class Figures:
    """Counts over ``images`` test images; spikes, operations and clocks are sums.

    Parameters
    ----------
    steps
        Time steps of an image.
    right_float, right_contract, right_rtl
        Images classified as labelled.
    moved
        Spikes in which contract and float differ.
    compared, unequal
        States and spikes of the RTL held against the contract, and how many differ.
    input_spikes, hidden_spikes, output_spikes
        Spikes of the lines, of all populations but the last, and of the last.
    operations
        Synaptic operations: each spike times the non-zero weights it meets.
    clocks, worst_clocks
        Of all images, and of the slowest.
    """

    images: int = 0
    steps: int = 0
    right_float: int = 0
    right_contract: int = 0
    right_rtl: int = 0
    moved: int = 0
    compared: int = 0
    unequal: int = 0
    input_spikes: int = 0
    hidden_spikes: int = 0
    output_spikes: int = 0
    operations: int = 0
    clocks: int = 0
    worst_clocks: int = 0


def measure(
    network: Network,
    contract: NetworkContract,
    data: Dataset,
    lanes: Lanes = 1,
    *,
    kernels: Kernels | None = None,
    optimise: bool = True,
    report: Callable[[int], None] = lambda _: None,
) -> Figures:
    """Run every test image of ``data``; ``report`` is told how many are done.

    ``lanes`` and ``kernels`` are :func:`lifstone.hdl.generate`'s, ``optimise`` is
    :class:`~.rtl.bulk.BulkRtl`'s.

    The network has one input and one output population, the last one.

    Raises
    ------
    RuntimeError
        If the RTL breaks its protocol; what it computes wrongly is counted.
    """
    line, (last,) = next(iter(network.inputs)), network.outputs
    floats, integers = Simulator(network), Simulator(contract)
    traced, bare = (
        BulkRtl(generate(contract, lanes=lanes, kernels=kernels, trace=t), optimise=optimise)
        for t in (True, False)
    )
    out = Figures(steps=data.steps)
    for start in range(0, len(data.test_labels), CHUNK):
        part = slice(start, start + CHUNK)
        labels = data.test_labels[part]
        inputs = {line: data.spikes(data.test_images[part])}
        float_traces = floats.run(inputs, record=("spikes",))
        wanted = integers.run(inputs)
        got = traced.run(inputs)
        timed = bare.run(inputs)
        for failure in (got.failure, timed.failure):
            if failure:
                raise RuntimeError(f"from image {start}: {failure}")
        sent = timed.traces[last].spikes
        out.images += len(labels)
        out.right_float += _right(float_traces[last], labels)
        out.right_contract += _right(wanted[last], labels)
        out.right_rtl += int((decode(sent) == labels).sum())
        out.unequal += int((sent != wanted[last].spikes).sum())
        out.input_spikes += int(inputs[line].sum(dtype=np.int64))
        out.operations += integers.operations(inputs, wanted)
        out.clocks += sum(timed.cycles)
        out.worst_clocks = max(out.worst_clocks, *timed.cycles)
        for name, trace in wanted.items():
            fired = int(trace.spikes.sum())
            out.output_spikes += fired if name == last else 0
            out.hidden_spikes += 0 if name == last else fired
            out.moved += int((float_traces[name].spikes != trace.spikes).sum())
            for a, b in _pairs(got.traces[name], trace):
                out.compared += a.size
                out.unequal += int((a != b).sum())
        report(out.images)
    return out


def _right(trace: Trace, labels: NDArray[np.int64]) -> int:
    return int((decode(trace.spikes) == labels).sum())


def _pairs(a: Trace, b: Trace) -> tuple[tuple[NDArray[np.generic], NDArray[np.generic]], ...]:
    return ((a.v, b.v), (a.i, b.i), (a.spikes, b.spikes))
