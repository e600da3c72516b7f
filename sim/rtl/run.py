"""RTL against the contract, with the bulk harness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...golden import NetworkContract, Status, Trace, Verdict, compare_exact
from ...golden.reference import run_contract
from ...hdl import Design, generate
from .bulk import BulkRtl, RtlRun
from .explain import explain

__all__ = ["explain", "judge", "run_rtl", "verify_rtl"]

Spikes = Mapping[str, NDArray[np.generic]]


def run_rtl(
    contract: NetworkContract,
    inputs: Spikes,
    steps: int | None = None,
    *,
    design: Design | None = None,
    idle: float = 0.0,
    backpressure: float = 0.0,
    seed: int = 0,
) -> RtlRun:
    """Simulate the RTL of ``contract``, or ``design`` in its place, with the bulk harness."""
    rtl = BulkRtl(design or generate(contract, trace=True))
    return rtl.run(inputs, steps, idle=idle, backpressure=backpressure, seed=seed)


def verify_rtl(
    contract: NetworkContract,
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
    """Verdict on the RTL for one stimulus ``(steps, n)``: states and spikes of every step.

    A design that does not compile, hangs or breaks the protocol deviates, with the reason.
    """
    chosen = design or generate(contract, trace=True)
    try:
        rtl = BulkRtl(chosen, optimise=optimise)
    except RuntimeError as error:
        return Verdict("rtl", "contract", Status.DEVIATES, reason=str(error))
    run = rtl.run(inputs, steps, idle=idle, backpressure=backpressure, seed=seed, reset_at=reset_at)
    expected = run_contract(contract, inputs, steps)
    return judge(contract, inputs, expected, run)


def judge(
    contract: NetworkContract, inputs: Spikes, expected: Mapping[str, Trace], run: RtlRun
) -> Verdict:
    """Compare a run with the contract's traces ``(steps, n)``."""
    if run.failure:
        return Verdict("rtl", "contract", Status.DEVIATES, reason=run.failure)
    # In the order of evaluation: a fault shows first where it arises, then downstream.
    wanted = {name: expected[name] for name in contract.order if name in run.traces}
    verdict = compare_exact("rtl", "contract", wanted, run.traces, states=run.has_states)
    if verdict.difference is None:
        return verdict
    return replace(verdict, reason=explain(contract, inputs, expected, verdict.difference))
