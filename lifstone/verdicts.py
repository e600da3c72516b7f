"""The verdict table: every body of a network against its reference.

Two kinds of row. *Conformance*: a body must do what its reference does (the network layer,
the RTL, the analog neuron). *Fidelity*: what the time grid and the integers cost against
the model above them; a spike that moves there is reported with its step, neuron and reason,
and fails a run only if that is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any

import numpy as np

from .case import Case
from .golden import (
    MissingTool,
    Network,
    NetworkContract,
    Status,
    Trace,
    Verdict,
    compare_exact,
)
from .golden.errors import require
from .golden.fidelity import compare_contract, compare_grid
from .golden.reference import input_current
from .golden.verdict import first_difference
from .hdl import Design, cycles_per_step, generate
from .samples import flat, in_sample, lift, merge, of_sample, one, placed
from .sim.rtl.bulk import BulkRtl
from .sim.rtl.cosim import SIMULATORS, CocotbRun, run_cocotb
from .sim.rtl.run import explain
from .sim.simulate import Simulator
from .sim.spice import verify_spice

__all__ = ["BODIES", "Options", "Role", "Row", "Verification", "verify"]

BODIES = ("golden", "network", "rtl", "spice")
FLOAT_TOLERANCE = 1e-12
OPTIMISE_FROM = 3_000_000
"""Clocks from which an optimising compiler saves more time than it takes."""
COCOTB_STEPS = 40
"""Steps that a bench in Python runs; it is hundreds of times slower."""

Traces = Mapping[str, Trace]


class Role(StrEnum):
    """What a row asks."""

    CONFORMANCE = "conformance"
    FIDELITY = "fidelity"


@dataclass(frozen=True)
class Row:
    """A verdict, what it asks, and the seconds it took."""

    verdict: Verdict
    role: Role
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**self.verdict.to_dict(), "role": str(self.role), "seconds": self.seconds}


@dataclass(frozen=True)
class Options:
    """What to verify.

    Parameters
    ----------
    bodies
        Some of ``golden``, ``network``, ``rtl``, ``spice``.
    neurons
        Neurons ``(population, index)`` compared in continuous time: by the event-driven
        solution and in SPICE.
    spice_samples
        How many samples of the stimulus SPICE runs.
    spice_tolerance
        Largest distance of spike times in seconds; one step of the network unless given.
    design
        The RTL to verify; generated from the contract unless given.
    cocotb
        Simulators on which the RTL also runs under cocotb: some of ``icarus``, ``verilator``.
        They see the first steps of the first sample, and stimuli of their own.
    """

    bodies: tuple[str, ...] = BODIES
    neurons: tuple[tuple[str, int], ...] = ()
    spice_samples: int = 1
    spice_tolerance: float | None = None
    design: Design | None = None
    cocotb: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for body in self.bodies:
            require(body in BODIES, "bodies", body, ", ".join(BODIES))
        require(len(self.bodies) > 0, "bodies", "none", ", ".join(BODIES))
        for simulator in self.cocotb:
            require(simulator in SIMULATORS, "cocotb", simulator, ", ".join(SIMULATORS))


@dataclass(frozen=True, eq=False)
class Verification:
    """All rows of a case."""

    case: Case
    rows: tuple[Row, ...]
    options: Options
    rtl_cycles: tuple[int, ...] = ()
    """Clocks of each sample, in order."""
    rtl_traces: Mapping[str, Trace] | None = None
    network_traces: Mapping[str, Trace] | None = None
    """The float run of the network layer."""
    rtl_has_states: bool = True
    """Whether ``rtl_traces`` hold states, or spikes of the output populations alone."""
    cocotb: tuple[CocotbRun, ...] = ()
    """What each simulation under cocotb found, scenario by scenario."""

    @property
    def conforms(self) -> bool:
        """Whether every body does what its reference does."""
        return all(r.verdict.agrees for r in self.rows if r.role is Role.CONFORMANCE)

    @property
    def faithful(self) -> bool:
        """Whether, besides, no spike moved through time grid or integers."""
        return all(r.verdict.agrees for r in self.rows)


@dataclass
class _Seen:
    """What the runs leave for the report."""

    cycles: tuple[int, ...] = ()
    rtl: Mapping[str, Trace] | None = None
    network: Mapping[str, Trace] | None = None
    has_states: bool = True
    cocotb: tuple[CocotbRun, ...] = ()


@dataclass(frozen=True)
class _Check:
    """A row to be filled."""

    role: Role
    label: str
    run: Callable[[], Verdict]


def verify(
    case: Case, options: Options, progress: Callable[[str, int, int], None] | None = None
) -> Verification:
    """Compare the chosen bodies.

    ``progress`` is told which comparison begins, how many are done, and how many there are.
    """
    rows: list[Row] = []
    seen = _Seen()
    checks = _plan(case, options, seen)
    for done, check in enumerate(checks):
        if progress is not None:
            progress(check.label, done, len(checks))
        start = time.perf_counter()
        verdict = check.run()
        rows.append(Row(verdict, check.role, time.perf_counter() - start))
    return Verification(
        case,
        tuple(rows),
        options,
        seen.cycles,
        seen.rtl,
        seen.network,
        seen.has_states,
        seen.cocotb,
    )


def _plan(case: Case, options: Options, seen: _Seen) -> list[_Check]:
    """The rows in the order of the table."""
    fidelity, conformance = Role.FIDELITY, Role.CONFORMANCE
    of_body = {
        "golden": [
            _Check(fidelity, "golden, event-driven", lambda: _grid(case, options.neurons)),
            _Check(fidelity, "contract", lambda: _contract(case)),
        ],
        "network": [
            _Check(conformance, "network, float", lambda: _network_float(case, seen)),
            _Check(conformance, "network, integer", lambda: _network_integer(case)),
        ],
        "rtl": [_Check(conformance, "rtl", lambda: _rtl(case, options.design, seen))],
        "spice": [_Check(conformance, "spice", lambda: _spice(case, options))],
    }
    benches = [
        _Check(conformance, f"rtl (cocotb, {s})", partial(_cocotb, case, options.design, s, seen))
        for s in options.cocotb
    ]
    out = [check for body in BODIES if body in options.bodies for check in of_body[body]]
    return out + benches


def _grid(case: Case, neurons: Sequence[tuple[str, int]]) -> Verdict:
    chosen = list(neurons)
    return merge(
        [
            of_sample(
                compare_grid(case.model, case.stimulus.sample(k), one(case.floats, k), chosen),
                k,
                case,
            )
            for k in range(case.stimulus.samples)
        ]
    )


def _contract(case: Case) -> Verdict:
    found = []
    for k in range(case.stimulus.samples):
        floats, integers = one(case.floats, k), one(case.integers, k)
        inputs = case.stimulus.sample(k)
        verdict = compare_contract(case.model, case.quantised, inputs, floats, integers)
        found.append(of_sample(verdict, k, case))
    return merge(found)


def _network_float(case: Case, seen: _Seen) -> Verdict:
    got = seen.network = _simulate(case.model, case)
    expected = flat(case.floats)
    difference = first_difference(expected, flat(got), tolerance=FLOAT_TOLERANCE)
    worst = max(_relative(case.floats[n].v, t.v) for n, t in got.items())
    compared = sum(t.spikes.size * 3 for t in expected.values())
    status = Status.WITHIN if difference is None else Status.DEVIATES
    where = None if difference is None else in_sample(difference, case)
    return Verdict(
        "network", "golden", status, compared, worst, FLOAT_TOLERANCE, "(relative)", where
    )


def _relative(expected: Any, got: Any) -> float:
    return float((np.abs(got - expected) / np.maximum(1.0, np.abs(expected))).max(initial=0.0))


def _network_integer(case: Case) -> Verdict:
    got = _simulate(case.quantised.contract, case)
    verdict = compare_exact("network", "contract", flat(case.integers), flat(got))
    return placed(verdict, case)


def _simulate(net: Network | NetworkContract, case: Case) -> dict[str, Trace]:
    if case.model.inputs:
        return Simulator(net).run(case.stimulus.spikes)
    return lift(Simulator(net).run({}, case.stimulus.steps))


def _rtl(case: Case, design: Design | None, seen: _Seen) -> Verdict:
    contract = case.quantised.contract
    chosen = design or generate(contract, trace=True)
    try:
        rtl = BulkRtl(chosen, optimise=_clocks(case) > OPTIMISE_FROM)
        run = rtl.run(case.stimulus.spikes, case.stimulus.steps)
    except MissingTool:
        raise
    except RuntimeError as error:
        if design is None:
            raise
        reason = f"the design does not compile: {' '.join(str(error).split())}"
        return Verdict("rtl", "contract", Status.DEVIATES, reason=reason)
    if run.failure:
        return Verdict("rtl", "contract", Status.DEVIATES, reason=run.failure)
    traces = run.traces if case.model.inputs else lift(run.traces)
    seen.cycles, seen.rtl = tuple(int(n) for n in run.cycles), traces
    seen.has_states = run.has_states
    # In the order of evaluation: a fault shows first where it arises, then downstream.
    expected = {name: case.integers[name] for name in contract.order if name in traces}
    verdict = compare_exact("rtl", "contract", flat(expected), flat(traces), states=run.has_states)
    verdict = placed(verdict, case)
    where = verdict.difference
    if where is None:
        return verdict
    k = where.sample or 0
    reason = explain(contract, case.stimulus.sample(k), one(case.integers, k), where)
    return replace(verdict, reason=reason)


def _cocotb(case: Case, design: Design | None, simulator: str, seen: _Seen) -> Verdict:
    steps = min(case.stimulus.steps, COCOTB_STEPS)
    inputs = {name: a[:steps] for name, a in case.stimulus.sample(0).items()}
    contract = case.quantised.contract
    run = run_cocotb(contract, inputs, steps, design=design, simulator=simulator)
    seen.cocotb += (run,)
    return run.verdict


def _clocks(case: Case) -> float:
    """About how many clocks the RTL will take, all samples together."""
    contract = case.quantised.contract
    runs = case.stimulus.steps * case.stimulus.samples
    spikes = {n: a.sum() for n, a in case.stimulus.spikes.items()}
    spikes |= {n: t.spikes.sum() for n, t in case.integers.items()}
    total = 0.0
    for name in contract.populations:
        arrive = sum(int(spikes[c.pre]) for c in contract.into(name))
        total += runs * cycles_per_step(contract, name, arrive // runs, int(spikes[name]) // runs)
    return total


def _spice(case: Case, options: Options) -> Verdict:
    tolerance = case.model.dt if options.spice_tolerance is None else options.spice_tolerance
    found = []
    for k in range(min(options.spice_samples, case.stimulus.samples)):
        inputs, traces = case.stimulus.sample(k), one(case.floats, k)
        for name, j in options.neurons:
            x = input_current(case.model, inputs, traces, name)[:, j]
            neuron = case.model.populations[name].neuron(j)
            verdict = verify_spice(neuron, x, case.model.dt, tolerance, name=name)
            where = verdict.difference
            if where is not None:
                where = replace(where, population=name, neuron=j)
            found.append(of_sample(replace(verdict, difference=where), k, case))
    if not found:
        reason = "no spiking neuron was chosen"
        return Verdict("spice", "event-driven", Status.SKIPPED, reason=reason)
    return merge(found)
