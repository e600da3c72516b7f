"""All that is proved of a network: steps, sums of weights, memories, streams."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...golden.contract import Contract
from ...golden.errors import require
from ...golden.fixed import limits, width_for
from ...golden.quantise import NetworkContract
from ...golden.verdict import Status, Verdict
from ..aer import Delay, Fork, Merge, Queue, TickOnly
from ..core import Core
from ..generate import Design
from ..laned import LanedCore
from ..network import input_sizes, port_names, sources_of
from .contents import Contents
from .deadlock import find_circuit, places_of
from .induction import Outcome
from .memories import PROMISES, MemoryWatch, prove_memories
from .smt import Source, circuits
from .step import StepProof, prove_step, step_of_verilog
from .streams import (
    Watch,
    prove_watch,
    watch_core,
    watch_delay,
    watch_fork,
    watch_merge,
    watch_queue,
    watch_tick_only,
)

__all__ = ["COMPONENTS", "Proof", "prove_network"]

COMPONENTS = ("step", "sum", "memories", "streams")
DEPTH = 6
"""Clocks of the longest induction, and of the search for a counterexample."""
_PROMISED = "the rules of its stream"


@dataclass(frozen=True)
class Proof:
    """A verdict by proof: what of which part, the seconds, and the counterexample's trace."""

    verdict: Verdict
    component: str
    seconds: float
    detail: str = ""
    trace: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        own = {"component": self.component, "seconds": self.seconds, "detail": self.detail}
        return {**self.verdict.to_dict(), **own, "trace": list(self.trace)}


def prove_network(
    contract: NetworkContract,
    design: Design,
    chosen: Sequence[str] = COMPONENTS,
    timeout: float = 60.0,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Proof]:
    """Prove ``design`` against ``contract``.

    ``timeout`` is in seconds for each row. What z3 does not decide in that time is skipped, and
    the row says so. ``progress`` is told which row begins, how many are done, of how many.
    """
    for name in chosen:
        require(name in COMPONENTS, "component", name, f"{', '.join(COMPONENTS)} or all")
    jobs: list[tuple[str, Callable[[], Proof]]] = []
    if "step" in chosen:
        jobs += _steps(contract, design, timeout)
    if "sum" in chosen:
        jobs += [(f"sum of {p}", lambda p=p: _sum(contract, p)) for p in contract.populations]  # type: ignore[misc]
    if "memories" in chosen:
        jobs += _memories(contract, design, timeout)
    if "streams" in chosen:
        jobs += _streams(contract, design, timeout)
    out = []
    for done, (label, job) in enumerate(jobs):
        if progress is not None:
            progress(label, done, len(jobs))
        out.append(job())
    return out


def _steps(
    contract: NetworkContract, design: Design, timeout: float
) -> Iterator[tuple[str, Callable[[], Proof]]]:
    names = port_names(contract)["populations"]
    stems: dict[str, tuple[Any, str]] = {}
    for p, c in contract.populations.items():
        stem = f"{design.name}_core_{names[p]}"
        found = re.findall(rf"^module {stem}_lane_(\d+)_leak ", design.verilog, re.MULTILINE)
        stems |= {f"step of {p}, lane {k}": (c, f"{stem}_lane_{k}") for k in found}
        if not found:
            stems[f"step of {p}"] = (c, stem)
    sources = [step_of_verilog(c, design.verilog, stem) for c, stem in stems.values()]
    made = circuits(sources)
    for (label, (c, _)), circuit in zip(stems.items(), made, strict=True):

        def job(label: str = label, c: Any = c, circuit: Any = circuit) -> Proof:
            return _step_row(label, prove_step(c, circuit, timeout), timeout)

        yield label, job


def _step_row(label: str, proof: StepProof, timeout: float) -> Proof:
    detail = "every state, sum and parameter"
    if proof.sets:
        detail = f"every state and sum, each of {proof.sets} sets of parameters"
    verdict = Verdict(label, "contract", Status.PROVED)
    trace: tuple[str, ...] = ()
    found = proof.counterexample
    if found is not None:
        k = found.differing[0]
        reason = f"{k} is {found.rtl[k]} instead of {found.golden[k]}"
        verdict = Verdict(label, "contract", Status.DEVIATES, reason=reason)
        trace, detail = tuple(found.lines()), ""
    elif proof.word == "unknown":
        verdict, detail = _undecided(label, "contract", timeout), ""
    return Proof(verdict, "step", proof.seconds, detail, trace)


def _undecided(body: str, reference: str, timeout: float) -> Verdict:
    reason = f"not decided within {timeout:g} s"
    return Verdict(body, reference, Status.SKIPPED, reason=reason)


def _sum(contract: NetworkContract, name: str) -> Proof:
    """Whether any choice of spikes, at most one a line, keeps the sum and its parts in its word."""
    start = time.perf_counter()
    c = contract.populations[name]
    low = high = 0
    weights = [k.weight for k in contract.into(name)]
    if weights:
        least = sum(w.clip(max=0).sum(axis=1) for w in weights)
        most = sum(w.clip(min=0).sum(axis=1) for w in weights)
        low, high = int(least.min()), int(most.max())
    bottom, top = limits(c.acc_width)
    good = bottom <= low and high <= top
    reason = "" if good else f"{low} to {high} needs {width_for(low, high)} bits"
    status = Status.PROVED if good else Status.DEVIATES
    verdict = Verdict(f"sum of {name}", f"{c.acc_width} bits", status, reason=reason)
    detail = f"{low:,} to {high:,} of {bottom:,} to {top:,}" if good else ""
    return Proof(verdict, "sum", time.perf_counter() - start, detail)


def _memories(
    contract: NetworkContract, design: Design, timeout: float
) -> Iterator[tuple[str, Callable[[], Proof]]]:
    names = port_names(contract)["populations"]
    for row in design.manifest["populations"]:
        name, lanes = row["name"], row.get("lanes", 1)
        matrices = [k.weight for k in contract.into(name)]
        known = Contents(contract.populations[name], matrices, lanes)
        module = f"{design.name}_core_{names[name]}"
        label = f"contents of {name}"
        yield label, lambda label=label, k=known, m=module: _contents_row(label, k, design, m)  # type: ignore[misc]
    watches = {}
    for name, c in contract.populations.items():
        rows = next(r for r in design.manifest["populations"] if r["name"] == name)
        lanes = rows.get("lanes", 1)
        if lanes > 1:
            yield f"memories of {name}", lambda name=name, k=lanes: _unproved_row(name, k)  # type: ignore[misc]
            continue
        matrices = [k.weight for k in contract.into(name)]
        watches[f"memories of {name}"] = MemoryWatch(Core(c, matrices, _lines(contract, name)))
    made = circuits([w.source() for w in watches.values()]) if watches else []
    for (label, watch), circuit in zip(watches.items(), made, strict=True):

        def job(label: str = label, watch: MemoryWatch = watch, circuit: Any = circuit) -> Proof:
            outcome = prove_memories(watch, circuit, DEPTH, timeout)
            return _row(label, "memories", "one word of each", outcome, PROMISES, timeout)

        yield label, job


def _unproved_row(name: str, lanes: int) -> Proof:
    """That nothing is known, so that nobody takes the other rows for a whole proof."""
    reason = f"no proof for {lanes} lanes: verify compares every state, on stimuli"
    verdict = Verdict(f"memories of {name}", "one word of each", Status.SKIPPED, reason=reason)
    return Proof(verdict, "memories", 0.0)


def _lines(contract: NetworkContract, name: str) -> int:
    """Rows of the weights of a population."""
    sizes = {**input_sizes(contract), **{p: c.n for p, c in contract.populations.items()}}
    return sum(1 if s.connection is None else sizes[s.pre] for s in sources_of(contract, name))


def _contents_row(label: str, known: Contents, design: Design, module: str) -> Proof:
    start = time.perf_counter()
    words, reason = known.compare(design.verilog, module)
    status = Status.DEVIATES if reason else Status.PROVED
    verdict = Verdict(label, "contract", status, reason=reason)
    detail = "" if reason else f"each of {words:,} words"
    return Proof(verdict, "memories", time.perf_counter() - start, detail)


def _streams(
    contract: NetworkContract, design: Design, timeout: float
) -> Iterator[tuple[str, Callable[[], Proof]]]:
    lanes = {r["name"]: r.get("lanes", 1) for r in design.manifest["populations"]}
    watches = _watches(contract, lanes, design.manifest["trace"] is True)
    yield "network", lambda: _network_row(contract, lanes)
    sources: list[Source] = [w.source() for w in watches.values()]
    for (label, watch), circuit in zip(watches.items(), circuits(sources), strict=True):

        def job(label: str = label, watch: Watch = watch, circuit: Any = circuit) -> Proof:
            outcome = prove_watch(watch, circuit, DEPTH, timeout)
            return _row(label, "streams", _PROMISED, outcome, watch.promises, timeout)

        yield label, job


def _network_row(contract: NetworkContract, lanes: Mapping[str, int]) -> Proof:
    start = time.perf_counter()
    places = places_of(contract, lanes)
    ring = find_circuit(places)
    reason = f"each waits for the one before: {' -> '.join(ring)}" if ring else ""
    status = Status.DEVIATES if ring else Status.PROVED
    verdict = Verdict("network", "never locks up", status, reason=reason)
    detail = "" if ring else f"a token in every circuit of {len(places)} places"
    return Proof(verdict, "streams", time.perf_counter() - start, detail)


def _watches(contract: NetworkContract, lanes: Mapping[str, int], traced: bool) -> dict[str, Watch]:
    """One watch for each different stream component, by its name and sizes."""
    sizes = {**input_sizes(contract), **{p: c.n for p, c in contract.populations.items()}}
    wanted = dict.fromkeys(sizes, 0)
    out: dict[str, Watch] = {}
    for name, c in contract.populations.items():
        sources = sources_of(contract, name)
        lines = tuple(1 if s.connection is None else sizes[s.pre] for s in sources)
        out[f"core {name}"] = watch_core(_core(c, sum(lines), lanes[name], traced))
        if lanes[name] > 1 and any(k.pre == name for k in contract.connections):
            out[f"queue of {c.n}"] = watch_queue(Queue(c.n), c.n)
        if len(lines) > 1:
            out[f"merge {' + '.join(map(str, lines))}"] = watch_merge(Merge(lines), lines)
        for s in sources:
            n = sizes[s.pre]
            wanted[s.pre] += 1
            if s.connection is None:
                out[f"ticks of {n}"] = watch_tick_only(TickOnly(n))
            elif s.delay:
                steps = f" by {s.delay} steps" if s.delay > 1 else ""
                out[f"delay of {n}{steps}"] = watch_delay(Delay(n, s.delay), n, s.delay)
    for name in dict.fromkeys(contract.outputs):
        wanted[name] += 1
    for name, sinks in wanted.items():
        if sinks > 1:
            out[f"fork {sizes[name]} to {sinks}"] = watch_fork(Fork(sizes[name], sinks))
    return out


def _core(c: Contract, rows: int, lanes: int, traced: bool) -> Core | LanedCore:
    return Core(c, [], rows) if lanes == 1 else LanedCore(c, [], rows, lanes, trace=traced)


def _row(
    label: str,
    component: str,
    about: str,
    outcome: Outcome,
    promises: Sequence[str],
    timeout: float,
) -> Proof:
    verdict, trace = Verdict(label, about, Status.PROVED), ()
    detail = f"{len(promises)} promises, induction over {_clocks(outcome.depth)}"
    if outcome.word == "sat":
        reason = f"{', '.join(outcome.broken)} broken in clock {outcome.depth - 1}"
        verdict, detail = Verdict(label, about, Status.DEVIATES, reason=reason), ""
        return Proof(verdict, component, outcome.seconds, detail, _clock_lines(outcome, promises))
    if outcome.word == "unknown":
        detail = f"no counterexample within {_clocks(outcome.depth)}"
        verdict = _undecided(label, about, timeout)
    return Proof(verdict, component, outcome.seconds, detail, trace)


def _clock_lines(outcome: Outcome, promises: Sequence[str]) -> tuple[str, ...]:
    """What goes in, what comes out, what the core does and what is broken, clock by clock."""
    hidden = {"clk", "given", *promises} - set(outcome.broken)
    inner = {"dut.phase", "dut.index", "dut.group"}
    out = []
    for k, values in enumerate(outcome.trace):
        names = [n for n in values if ("." not in n and n not in hidden) or n in inner]
        out.append(f"clock {k}: {', '.join(f'{n} = {values[n]}' for n in names)}")
    return tuple(out)


def _clocks(n: int) -> str:
    return f"{n} clock" if n == 1 else f"{n} clocks"
