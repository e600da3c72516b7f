"""RTL of an event unit against its contract, with the bulk harness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...golden import Status, Verdict
from ...golden.platforms.event_unit import EventContract, run_events
from ...golden.unit import first_word_difference
from ...hdl import Design
from ...hdl.platforms.event_top import generate_events
from .bulk import BulkRtl

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
    expected, got = run_events(contract, inputs), run.cells[contract.name]
    difference = first_word_difference(contract.name, expected, got)
    compared = expected.spikes.size * (1 + len(expected.state))
    if difference is None:
        return Verdict("rtl", "contract", Status.EXACT, compared, 0.0, None, "spikes")
    figure = float((expected.spikes != got.spikes).sum())
    verdict = Verdict(
        "rtl", "contract", Status.DEVIATES, compared, figure, None, "spikes", difference
    )
    j, k = difference.neuron, difference.step
    arrived = np.asarray(inputs[contract.source])[k]
    lines = arrived if difference.sample is None else arrived[difference.sample]
    weights = [int(w) for w in contract.weight[j, np.flatnonzero(lines)]]
    return replace(verdict, reason=f"the weights {weights} arrived in this step, in this order")
