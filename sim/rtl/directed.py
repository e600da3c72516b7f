"""Stimuli that ask for what a network's own inputs may never bring about.

Each line that drives a chosen neuron spikes in every step, and then each that holds it down:
states run to their rails. All lines at once and none at all make the largest sums and silence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...golden.quantise import NetworkContract

__all__ = ["directed_inputs"]

Spikes = dict[str, NDArray[np.uint8]]


def directed_inputs(contract: NetworkContract, steps: int = 24, neurons: int = 1) -> Spikes:
    """0/1 by input, ``(steps, samples, n)``.

    Parameters
    ----------
    neurons
        So many of each population are driven up, and down: those that their inputs move most.
    """
    patterns = [{k: np.full(n, on) for k, n in contract.inputs.items()} for on in (True, False)]
    for influence in _influences(contract).values():
        drive = sum(np.maximum(m, 0).sum(axis=1) for m in influence.values())
        hold = sum(np.minimum(m, 0).sum(axis=1) for m in influence.values())
        chosen = [*np.argsort(hold, kind="stable")[:neurons]]
        chosen += [*np.argsort(-drive, kind="stable")[:neurons]]
        for j in dict.fromkeys(int(j) for j in chosen):
            patterns.append({k: m[j] > 0 for k, m in influence.items()})
            patterns.append({k: m[j] < 0 for k, m in influence.items()})
    return {
        name: np.tile(np.stack([p[name] for p in patterns]), (steps, 1, 1)).astype(np.uint8)
        for name in contract.inputs
    }


def _influences(contract: NetworkContract) -> dict[str, dict[str, NDArray[np.float64]]]:
    """How each line moves each neuron, along all ways forward through the weights."""
    inputs = contract.inputs.items()
    found: dict[str, dict[str, NDArray[np.float64]]] = {}
    for name in contract.order:
        n = contract.populations[name].n
        moved = {k: np.zeros((n, lines)) for k, lines in inputs}
        for c in contract.into(name):
            if c.pre in contract.inputs:
                moved[c.pre] += c.weight
            for k, m in found.get(c.pre, {}).items():
                # Scaled, so that deep networks stay within range.
                moved[k] += c.weight @ (m / max(1.0, float(np.abs(m).max(initial=0.0))))
        found[name] = moved
    return found
