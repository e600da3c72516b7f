"""The scenarios in which a bench runs a design."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ...golden import NetworkContract, Trace, run_contract
from ...golden.errors import require
from ...golden.fixed import limits
from ...golden.network import check_inputs
from .job import Moment, Scenario, Wait

__all__ = ["SCENARIOS", "at_rails", "plan"]

Spikes = Mapping[str, NDArray[np.generic]]

RANDOM_RESETS = 6
SOMETIMES, MOSTLY = Wait(0.3, 6), Wait(0.7)

SCENARIOS = {
    "full_speed": "the given stimulus; no side ever waits",
    "idle_sources": "sources pause at random",
    "slow_sinks": "sinks push back at random",
    "idle_and_slow": "both, in bursts",
    "empty_steps": "no spike at all",
    "all_ones": "every line in every step, the highest rate that the inputs can have",
    "saturation_up": "the lines that excite in every step: states rise to their upper rail",
    "saturation_down": "the lines that inhibit in every step: states fall to their lower rail",
    "reset_in_clear": "reset again while the memories are cleared",
    "reset_in_accept": "reset while a spike's weights are added",
    "reset_in_sweep": "reset in the middle of a sweep",
    "reset_in_send": "reset while an output event waits for its sink",
    "reset_at_random": "reset in clocks that a seed draws",
}
"""Name and meaning of each scenario."""

OF_INPUTS = ("empty_steps", "all_ones", "saturation_up", "saturation_down")


def plan(
    contract: NetworkContract,
    inputs: Spikes,
    steps: int | None = None,
    *,
    seed: int = 0,
    names: tuple[str, ...] = tuple(SCENARIOS),
    traced: bool = True,
) -> tuple[Scenario, ...]:
    """The scenarios of ``names`` that make sense for a network, with the contract's traces.

    Parameters
    ----------
    inputs, steps
        The stimulus, as for :func:`~lifstone.golden.run_contract`; at least one step.
    seed
        Of idle cycles and back-pressure.
    names
        Some of :data:`SCENARIOS`. A network without inputs has no scenario of stimuli, one
        without outputs none of sending.
    traced
        Whether the design shows its states.

    Raises
    ------
    InvalidValue
        For an unknown name or a stimulus that does not fit.
    """
    for name in names:
        require(name in SCENARIOS, "scenarios", name, ", ".join(SCENARIOS))
    lead = check_inputs(contract.inputs, inputs)
    n_steps = lead[0] if lead else int(steps or 0)
    require(n_steps >= 1, "steps", n_steps, "at least 1")
    given = {name: np.asarray(inputs[name], dtype=np.uint8) for name in contract.inputs}
    stimuli = {"": given, **_stimuli(contract, n_steps)}
    runs: dict[str, dict[str, Trace]] = {}
    out = []
    for name in names:
        if name in OF_INPUTS and not contract.inputs:
            continue
        if name == "reset_in_send" and not contract.outputs:
            continue
        key = name if name in OF_INPUTS else ""
        if key not in runs:
            runs[key] = run_contract(contract, stimuli[key], n_steps)
        idle, backpressure = _waits(name)
        moments = _moments(name, contract, given, n_steps, traced)
        if name == "reset_at_random":
            moments = _random_moments(contract, n_steps, seed)
        out.append(
            Scenario(name, stimuli[key], n_steps, runs[key], idle, backpressure, seed, moments)
        )
    return tuple(out)


def _waits(name: str) -> tuple[Wait, Wait]:
    never = Wait()
    return {
        "idle_sources": (MOSTLY, never),
        "slow_sinks": (never, MOSTLY),
        "idle_and_slow": (SOMETIMES, SOMETIMES),
        "reset_in_accept": (Wait(0.2), Wait(0.2)),
        "reset_in_sweep": (never, Wait(0.2)),
        "reset_at_random": (Wait(0.2), Wait(0.2)),
    }.get(name, (never, never))


def _stimuli(contract: NetworkContract, steps: int) -> dict[str, dict[str, NDArray[np.uint8]]]:
    """A constant pattern for each scenario of :data:`OF_INPUTS`."""
    out: dict[str, dict[str, NDArray[np.uint8]]] = {name: {} for name in OF_INPUTS}
    for name, n in contract.inputs.items():
        push = np.zeros(n, dtype=np.int64)
        for c in contract.connections:
            if c.pre == name:
                push += c.weight.sum(axis=0)
        patterns = {
            "empty_steps": np.zeros(n, dtype=np.bool_),
            "all_ones": np.ones(n, dtype=np.bool_),
            "saturation_up": push > 0,
            "saturation_down": push < 0,
        }
        for key, pattern in patterns.items():
            out[key][name] = np.tile(pattern.astype(np.uint8), (steps, 1))
    return out


def _moments(
    name: str, contract: NetworkContract, inputs: Spikes, steps: int, traced: bool
) -> tuple[Moment, ...]:
    if name == "reset_in_clear":
        # The largest core clears for two clocks a neuron.
        clear = 2 * _largest(contract)
        return tuple(Moment("clock", k) for k in sorted({1, clear // 2, clear - 1}))
    if name == "reset_in_accept":
        spikes = sum(int(np.asarray(a).sum()) for a in inputs.values()) or steps
        return tuple(Moment("accept", k) for k in sorted({1, 1 + spikes // 4, 1 + spikes // 2}))
    if name == "reset_in_sweep":
        n = next(iter(contract.populations.values())).n if traced else 1
        beats = {1, (steps // 2) * n + n // 2 + 1, (steps // 2) * n + n}
        return tuple(Moment("sweep", k) for k in sorted(beats))
    if name == "reset_in_send":
        return tuple(Moment("send", k) for k in sorted({0, steps // 2}))
    return ()


def _largest(contract: NetworkContract) -> int:
    return max(c.n for c in contract.populations.values())


def _random_moments(contract: NetworkContract, steps: int, seed: int) -> tuple[Moment, ...]:
    """Clocks that come for certain: the largest core clears, and sweeps in every step."""
    last = _largest(contract) * (2 + 3 * min(steps, 4))
    draw = np.random.default_rng(seed)
    return tuple(Moment("clock", int(k)) for k in draw.integers(1, last, RANDOM_RESETS))


def at_rails(contract: NetworkContract, traces: Mapping[str, Trace]) -> tuple[int, int]:
    """How many state words of a run stand at the lower and at the upper end of their range."""
    lower = upper = 0
    for name, trace in traces.items():
        c = contract.populations[name]
        for state, width in ((trace.v, c.width), (trace.i, c.syn_width)):
            if width:
                low, high = limits(width)
                lower += int((state == low).sum())
                upper += int((state == high).sum())
    return lower, upper
