"""One scenario on one design: reset, drive, observe, compare."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from ....golden import Difference
from ..explain import explain
from ..job import FOLDER, Job, Moment, Outcome, Scenario, read_job
from .streams import BrokenRule, Monitor, Pauses, Port, Sink, Source
from .trace import Scoreboard, TraceMonitor

__all__ = ["Deviation", "run_scenario"]

PERIOD_NS = 10
TAIL = 64
"""Clocks after the last event in which nothing more may come."""


class Deviation(AssertionError):
    """The design differs from the contract: what differs, and the inputs that led there."""


async def run_scenario(dut: Any, name: str) -> None:
    """Run scenario ``name`` of the job and write its outcome.

    Raises
    ------
    Deviation
        If the design differs, breaks the protocol or hangs.
    """
    folder = Path(os.environ[FOLDER])
    job = _job(folder)
    scenario = next(s for s in job.scenarios if s.name == name)
    dut.clk.value, dut.rst.value = 0, 1
    # Driven by the simulator; cocotb's own choice on Icarus is a Python task, twice as slow.
    Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
    start = time.perf_counter()
    clocks = updates = 0
    run = Run(dut, job, scenario)
    try:
        for moment in (*scenario.resets, None):
            run = Run(dut, job, scenario)
            await run.reset(1 if clocks else 2)
            await run.until(moment)
            clocks, updates = run.clocks, updates + run.updates
        outcome = Outcome(name, run.board.compared, clocks, updates)
    except BrokenRule as error:
        found = run.board.compare_rest()
        outcome = _deviation(job, scenario, found, str(error))
    except _Different as error:
        outcome = _deviation(job, scenario, error.difference, "")
    replace(outcome, seconds=time.perf_counter() - start).write(folder)
    if outcome.failure:
        raise Deviation(outcome.failure)
    dut._log.info("%d values agree, %d clocks", outcome.compared, outcome.clocks)


_job = cache(read_job)


def _deviation(job: Job, scenario: Scenario, found: Difference | None, rule: str) -> Outcome:
    """The outcome of a run that went wrong; a difference of values says more than a rule."""
    if found is None:
        return Outcome(scenario.name, failure=rule)
    reason = explain(job.contract, scenario.inputs, scenario.expected, found)
    then = f"; then {rule}" if rule else ""
    failure = f"deviates at {found}, because {reason}{then}"
    return Outcome(scenario.name, difference=found, reason=reason + then, failure=failure)


class _Different(Exception):
    def __init__(self, difference: Difference) -> None:
        self.difference = difference


class Run:
    """From a reset to the end of the stimulus, or to the next reset.

    Members
    -------
    clocks
        Since the reset.
    board
        What was compared.
    """

    def __init__(self, dut: Any, job: Job, scenario: Scenario) -> None:
        self.dut = dut
        self.edge = RisingEdge(dut.clk)
        self.scenario = scenario
        manifest, steps, seed = job.manifest, scenario.steps, scenario.seed
        self.sources, self.sinks, self.outputs = [], [], []
        for p in manifest["inputs"]:
            rows = scenario.inputs.get(p["name"], np.zeros((steps, int(p["n"])), dtype=np.uint8))
            pauses = Pauses(scenario.idle, f"{seed} {p['port']}")
            self.sources.append(Source(Port(dut, p["port"]), rows, pauses))
        for p in manifest["outputs"]:
            port = Port(dut, p["port"])
            pauses = Pauses(scenario.backpressure, f"{seed} {p['port']}")
            self.sinks.append(Sink(port, pauses))
            self.outputs.append(Monitor(port, p["name"], steps, int(p["n"])))
        # In the order of a step, so that a cause comes before what follows from it.
        traced = {p["name"]: p for p in manifest["populations"]} if manifest["trace"] else {}
        order = [name for name in job.contract.order if name in traced]
        self.traces = [TraceMonitor(dut, traced[name], steps) for name in order]
        self.shown = next((t for t in self.traces if t.name == next(iter(traced))), None)
        self.board = Scoreboard(scenario.expected, self.traces, self.outputs)
        self.any_spike = any(a.any() for a in scenario.inputs.values())
        self.clocks = 0
        # The longest silence of a sound design is that of a core which adds or clears.
        self.patience = 50 * max(int(p["n"]) for p in manifest["populations"]) + 2000

    async def reset(self, clocks: int) -> None:
        """Assert the reset; nothing is offered or taken meanwhile."""
        self.dut.rst.value = 1
        for _ in range(clocks):
            await self.edge
        self.dut.rst.value = 0

    async def until(self, moment: Moment | None) -> None:
        """Run to ``moment``, or to the end and a little beyond.

        Raises
        ------
        BrokenRule
            If the design broke the protocol, or fell silent.
        _Different
            If it computed something else than the contract.
        """
        quiet = after = 0
        while after < TAIL:
            if moment is not None and self._reached(moment):
                self._check(self.board.compare_rest())
                return
            await self.edge
            self.clocks += after == 0
            busy = self._clock()
            quiet = 0 if busy else quiet + 1
            if busy:
                self._check(self.board.compare())
            if self._finished():
                after += 1
            elif quiet > self.patience:
                raise BrokenRule(self._silence())
        if moment is not None:
            raise BrokenRule(f"the moment for a reset, {moment.kind} {moment.count}, never came")

    @staticmethod
    def _check(found: Difference | None) -> None:
        if found is not None:
            raise _Different(found)

    def _clock(self) -> bool:
        busy = False
        for source in self.sources:
            busy |= source.clock()
        for monitor in self.outputs:
            busy |= monitor.clock()
        for sink in self.sinks:
            sink.clock()
        for trace in self.traces:
            busy |= trace.clock()
        return busy

    def _finished(self) -> bool:
        ends = [s.ticks for s in self.sources]
        ends += [m.step for m in self.outputs] + [t.step for t in self.traces]
        return min(ends) == self.scenario.steps

    def _silence(self) -> str:
        ends = [(s.ticks, f"input {s.port.name}") for s in self.sources]
        ends += [(m.step, f"output {m.name}") for m in self.outputs]
        ends += [(t.step, f"population {t.name}") for t in self.traces]
        step, who = min(ends)
        return f"{who} at step {step}: stopped answering"

    @property
    def updates(self) -> int:
        """Neuron updates seen so far."""
        return sum(t.count for t in self.traces)

    def _reached(self, moment: Moment) -> bool:
        if moment.kind == "clock":
            return self.clocks >= moment.count
        if moment.kind == "accept":
            taken = sum(s.spikes if self.any_spike else s.ticks for s in self.sources)
            return taken >= moment.count
        if moment.kind == "sweep":
            count = self.sources[0].ticks if self.shown is None else self.shown.count
            return count >= moment.count
        if self.outputs[0].step < moment.count:
            return False
        self.sinks[0].holds = True
        return self.outputs[0].waited >= 2
