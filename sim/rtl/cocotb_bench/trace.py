"""States that a design shows, and their comparison with the contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ....golden import Difference, Trace, first_difference
from .streams import BrokenRule, Monitor, level

__all__ = ["Scoreboard", "TraceMonitor"]


class TraceMonitor:
    """Keeps the states of a population, one beat a neuron and step.

    Parameters
    ----------
    population
        Its entry in the manifest of a design with trace ports.
    steps
        Steps to come.

    Members
    -------
    trace
        ``(steps, n)``, filled up to beat ``count``.
    """

    def __init__(self, dut: Any, population: Mapping[str, Any], steps: int) -> None:
        self.name, self.n = population["name"], int(population["n"])
        self.port = population["trace"]["port"]
        names = ("valid", *population["trace"]["fields"])
        self.handles = {name: getattr(dut, f"{self.port}_{name}") for name in names}
        shape = (steps, self.n)
        self.trace = Trace(
            np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
        )
        self.valid = self.handles["valid"]
        self.count = 0

    @property
    def step(self) -> int:
        """Complete steps so far."""
        return self.count // self.n

    def clock(self) -> bool:
        """Call right after the rising edge; returns whether there was a beat.

        Raises
        ------
        BrokenRule
            For a beat out of order or too many.
        """
        if not level(self.valid, f"{self.port}_valid"):
            return False
        k, j = divmod(self.count, self.n)
        if k >= self.trace.v.shape[0]:
            raise BrokenRule(f"trace {self.name}: a beat after the last step")
        index = level(self.handles["index"], f"{self.port}_index")
        if index != j:
            raise BrokenRule(f"trace {self.name} at step {k}: neuron {index} in place of {j}")
        self.trace.v[k, j] = self._signed("u")
        if "i" in self.handles:
            self.trace.i[k, j] = self._signed("i")
        self.trace.spikes[k, j] = level(self.handles["spike"], f"{self.port}_spike") == 1
        self.count += 1
        return True

    def _signed(self, field: str) -> int:
        value = self.handles[field].value
        try:
            return int(value.to_signed())
        except ValueError:
            k, j = divmod(self.count, self.n)
            what = f"neuron {self.name}[{j}]: {field} is undefined: {value}"
            raise BrokenRule(f"step {k}, {what}") from None


class Scoreboard:
    """Compares each step with the contract as soon as every population has finished it.

    Parameters
    ----------
    expected
        The contract's trace of each population.
    traces
        Monitors of states; may be none.
    outputs
        Monitors of the output streams.

    Members
    -------
    step
        Steps compared so far.
    """

    def __init__(
        self, expected: Mapping[str, Trace], traces: list[TraceMonitor], outputs: list[Monitor]
    ) -> None:
        self.expected = expected
        self.traces = traces
        self.outputs = outputs
        self.step = 0

    def compare(self) -> Difference | None:
        """The first difference in the steps that have become complete."""
        complete = min([m.step for m in self.traces] + [o.step for o in self.outputs])
        while self.step < complete:
            k = self.step
            found = self._states(slice(k, k + 1)) or self._streams(slice(k, k + 1))
            if found is not None:
                return replace(found, step=k)
            self.step += 1
        return None

    def compare_rest(self) -> Difference | None:
        """The first difference in what has come of the steps that are not complete."""
        rest = slice(self.step, None)
        for m in self.traces:
            # What has not come counts as right: it is not the first thing that went wrong.
            for got, right in zip(_words(m.trace), _words(self.expected[m.name]), strict=True):
                got.reshape(-1)[m.count :] = right.reshape(-1)[m.count :]
        for o in self.outputs:
            o.spikes[o.step :] |= self.expected[o.name].spikes[o.step :]
        found = self._states(rest) or self._streams(rest)
        return None if found is None else replace(found, step=self.step + found.step)

    @property
    def compared(self) -> int:
        """Values that all steps together hold."""
        states = sum(m.trace.v.size * 3 for m in self.traces)
        return states + sum(o.spikes.size for o in self.outputs)

    def _states(self, steps: slice) -> Difference | None:
        wanted = {m.name: _part(self.expected[m.name], steps) for m in self.traces}
        return first_difference(wanted, {m.name: _part(m.trace, steps) for m in self.traces})

    def _streams(self, steps: slice) -> Difference | None:
        wanted = {o.name: _part(self.expected[o.name], steps) for o in self.outputs}
        got = {}
        for o in self.outputs:
            spikes = o.spikes[steps]
            none = np.zeros(spikes.shape, np.int64)
            got[o.name] = Trace(none, none, spikes)
        return first_difference(wanted, got, states=False)


def _words(trace: Trace) -> tuple[Any, Any, Any]:
    return trace.v, trace.i, trace.spikes


def _part(trace: Trace, steps: slice) -> Trace:
    return Trace(trace.v[steps], trace.i[steps], trace.spikes[steps])
