"""RTL of an event unit against its contract, with the bulk harness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...golden import Status, Verdict
from ...golden.platforms.event_unit import EventContract, run_events
from ...hdl import Design
from ...hdl.platforms.event_top import generate_events
from .bulk import BulkRtl
from .unit import compare_words

__all__ = ["verify_events"]


def verify_events(
    contract: EventContract,
    inputs: Mapping[str, NDArray[np.generic]],
    *,
    design: Design | None = None,
    optimise: bool = True,
    idle: float = 0.0,
    backpressure: float = 0.0,
    seed: int = 0,
    reset_at: int | None = None,
) -> Verdict:
    """Verdict on an event unit's RTL: every word and the number of spikes of every step.

    Parameters
    ----------
    inputs
        As for :func:`~lifstone.golden.platforms.event_unit.run_events`.
    design, optimise, idle, backpressure, seed, reset_at
        As for :func:`~lifstone.sim.rtl.run.verify_rtl`.
    """
    chosen = design or generate_events(contract, trace=True)
    try:
        rtl = BulkRtl(chosen, optimise=optimise)
    except RuntimeError as error:
        return Verdict("rtl", "contract", Status.DEVIATES, reason=str(error))
    run = rtl.run(inputs, idle=idle, backpressure=backpressure, seed=seed, reset_at=reset_at)
    if run.failure:
        return Verdict("rtl", "contract", Status.DEVIATES, reason=run.failure)
    expected = run_events(contract, inputs)
    verdict = compare_words(contract.name, expected, run.cells[contract.name])
    difference = verdict.difference
    if difference is None:
        return verdict
    j, k = difference.neuron, difference.step
    arrived = np.asarray(inputs[contract.source])[k]
    lines = arrived if difference.sample is None else arrived[difference.sample]
    weights = [int(w) for w in contract.weight[j, np.flatnonzero(lines)]]
    return replace(verdict, reason=f"the weights {weights} arrived in this step, in this order")
