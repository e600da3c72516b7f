"""RTL of a unit against its contract, with the bulk harness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...golden import Difference, Status, Verdict
from ...golden.cell import CellTrace
from ...golden.unit import UnitContract, first_word_difference, run_unit
from ...hdl import Design
from ...hdl.unit_top import generate_unit
from .bulk import BulkRtl, RtlRun

__all__ = ["compare_words", "explain_unit", "judge_unit", "verify_unit"]

Spikes = Mapping[str, NDArray[np.generic]]

SHOWN = 8
"""Spikes that an explanation names."""


def verify_unit(
    contract: UnitContract,
    inputs: Spikes,
    steps: int | None = None,
    *,
    design: Design | None = None,
    optimise: bool = True,
    idle: float = 0.0,
    backpressure: float = 0.0,
    seed: int = 0,
    reset_at: int | None = None,
) -> Verdict:
    """Verdict on a unit's RTL: every word and spike of every step.

    Parameters
    ----------
    inputs, steps
        As for :func:`~lifstone.golden.unit.run_unit`.
    design, optimise, idle, backpressure, seed, reset_at
        As for :func:`~lifstone.sim.rtl.run.verify_rtl`.
    """
    chosen = design or generate_unit(contract, trace=True)
    try:
        rtl = BulkRtl(chosen, optimise=optimise)
    except RuntimeError as error:
        return Verdict("rtl", "contract", Status.DEVIATES, reason=str(error))
    run = rtl.run(inputs, steps, idle=idle, backpressure=backpressure, seed=seed, reset_at=reset_at)
    return judge_unit(contract, inputs, run_unit(contract, inputs, steps), run)


def judge_unit(contract: UnitContract, inputs: Spikes, expected: CellTrace, run: RtlRun) -> Verdict:
    """Compare a run with the contract's trace."""
    if run.failure:
        return Verdict("rtl", "contract", Status.DEVIATES, reason=run.failure)
    verdict = compare_words(contract.name, expected, run.cells[contract.name])
    if verdict.difference is None:
        return verdict
    return replace(verdict, reason=explain_unit(contract, inputs, expected, verdict.difference))


def compare_words(name: str, expected: CellTrace, got: CellTrace) -> Verdict:
    """Verdict on every word and spike of the population ``name``, without a reason."""
    difference = first_word_difference(name, expected, got)
    compared = expected.spikes.size * (1 + len(expected.state))
    if difference is None:
        return Verdict("rtl", "contract", Status.EXACT, compared, 0.0, None, "spikes")
    figure = float((expected.spikes != got.spikes).sum())
    return Verdict("rtl", "contract", Status.DEVIATES, compared, figure, None, "spikes", difference)


def explain_unit(
    contract: UnitContract, inputs: Spikes, trace: CellTrace, difference: Difference
) -> str:
    """What the neuron of ``difference`` held and received in that step, as the contract says."""
    j, k = difference.neuron, difference.step
    pick = slice(None) if difference.sample is None else difference.sample
    spikes = {name: np.asarray(a)[k] for name, a in inputs.items()}
    before = trace.spikes[k - 1] if k else np.zeros_like(trace.spikes[0])
    spikes[contract.name] = before
    arrived = []
    sums = dict.fromkeys(contract.cell.receptors, 0)
    for p in contract.projections:
        row = np.asarray(spikes[p.source])[pick]
        for line in np.flatnonzero(row):
            weight = int(p.weight[j, line])
            sums[p.receptor] += weight
            arrived.append(f"{p.source}[{line}] weight {weight} at {p.receptor}")
    shown = ", ".join(arrived[:SHOWN]) or "no spike"
    more = f" and {len(arrived) - SHOWN} more" if len(arrived) > SHOWN else ""
    start = contract.cell.start()
    held = {
        word: int(trace.state[word][k - 1][pick][..., j] if k else start[word][j])
        for word in contract.cell.words
    }
    state = ", ".join(f"{word} = {value}" for word, value in held.items())
    total = ", ".join(f"sum {value} at {name}" for name, value in sums.items())
    return f"from {state} it received {shown}{more}" + (f" ({total})" if total else "")
