"""What led to a difference between RTL and contract."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ...golden import Difference, NetworkContract, Trace

__all__ = ["explain"]

SHOWN = 8


def explain(
    contract: NetworkContract,
    inputs: Mapping[str, NDArray[np.generic]],
    traces: Mapping[str, Trace],
    difference: Difference,
) -> str:
    """What the neuron of ``difference`` received and held in that step, as the contract says."""
    name, j, k = difference.population, difference.neuron, difference.step
    c = contract.populations[name]
    arrived: list[str] = []
    total = 0
    for connection in contract.into(name):
        at = k - connection.delay
        if at < 0:
            continue
        pre = connection.pre
        spikes = np.asarray(inputs[pre] if pre in contract.inputs else traces[pre].spikes)[at]
        for line in np.flatnonzero(spikes):
            weight = int(connection.weight[j, line])
            total += weight
            arrived.append(f"{pre}[{line}] weight {weight}")
    shown = ", ".join(arrived[:SHOWN]) or "no spike"
    more = f" and {len(arrived) - SHOWN} more" if len(arrived) > SHOWN else ""
    before = int(traces[name].v[k - 1, j]) if k else int(c.u_init[j])
    current = (int(traces[name].i[k - 1, j]) if k else 0) if c.has_synapse else None
    state = f"u = {before}" if current is None else f"u = {before}, i = {current}"
    return f"from {state} it received {shown}{more} (sum {total}, bias {int(c.bias[j])})"
