"""RTL against the contract, and what led to a difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...golden import Difference, NetworkContract, Status, Trace, Verdict, compare_exact
from ...golden.reference import run_contract
from ...hdl import Design, generate
from .bulk import BulkRtl, RtlRun

__all__ = ["explain", "judge", "run_rtl", "verify_rtl"]

Spikes = Mapping[str, NDArray[np.generic]]
SHOWN = 8


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
    wanted = {name: expected[name] for name in run.traces}
    verdict = compare_exact("rtl", "contract", wanted, run.traces, states=run.has_states)
    if verdict.difference is None:
        return verdict
    return replace(verdict, reason=explain(contract, inputs, expected, verdict.difference))


def explain(
    contract: NetworkContract,
    inputs: Spikes,
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
