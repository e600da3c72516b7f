"""How many clocks a network takes for given spikes, without running the RTL.

A core handles the events of a step while others handle theirs. The forecast follows, for each
step and population, when its core is free, when what it waits for has been sent, and how long it
then takes (:func:`~.design.cycles_per_step` says what a spike and a sweep cost)::

    sweep begins  = max(free + adding, last source has sent + 1)
    sweep takes   = neurons + spikes that leave, or longer where a reader without a queue
                    before it makes each spike wait
    free          = end of the sweep and its tick

It leaves out how single events interleave; ``docs/mapping.md`` has its error on real networks.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..golden.errors import require
from ..golden.quantise import NetworkContract
from .lanes import Lanes, groups_of, lanes_of
from .network import sources_of

__all__ = ["Counts", "forecast", "spike_counts"]

Counts = Mapping[str, NDArray[np.int64]]
"""Spikes of each input and population by step and sample, ``(steps, samples)``."""
Clocks = NDArray[np.float64]


def spike_counts(spikes: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.int64]]:
    """Counts of 0/1 arrays ``(steps, samples, n)``."""
    return {name: np.asarray(a).sum(axis=-1, dtype=np.int64) for name, a in spikes.items()}


def forecast(contract: NetworkContract, lanes: Lanes, counts: Counts) -> Clocks:
    """Clocks of each sample from reset to its last tick, ``(samples,)``.

    Raises
    ------
    InvalidValue
        If ``counts`` lack an input or a population.
    """
    for name in (*contract.inputs, *contract.populations):
        require(name in counts, f"counts.{name}", None, "spikes of each input and population")
    return _Forecast(contract, lanes_of(contract, lanes), counts).run()


class _Forecast:
    """Times of one network, all samples at once."""

    def __init__(self, contract: NetworkContract, lanes: Mapping[str, int], counts: Counts) -> None:
        self.contract, self.lanes, self.counts = contract, lanes, counts
        self.groups = {n: groups_of(p.n, lanes[n]) for n, p in contract.populations.items()}
        self.steps, samples = next(iter(counts.values())).shape
        # The sweep after reset: two clocks a group.
        self.free = {n: np.full(samples, 2.0 * g) for n, g in self.groups.items()}
        self.begun = {n: np.zeros((self.steps, samples)) for n in contract.populations}
        self.sent = {n: np.zeros((self.steps, samples)) for n in contract.populations}

    def run(self) -> Clocks:
        for k in range(self.steps):
            for name in self.contract.order:
                self._step(name, k)
        return np.asarray(np.max(list(self.free.values()), axis=0))

    def _step(self, name: str, k: int) -> None:
        """When the sweep of step ``k`` begins and when its tick has left."""
        begin = self.free[name].copy()
        waits = np.zeros_like(begin)
        for s in sources_of(self.contract, name):
            at = k - s.delay
            if s.connection is not None and at >= 0:
                begin = begin + self.counts[s.pre][at] * self.groups[name]
            begin = begin + 1
            if s.pre in self.sent and at >= 0:
                waits = np.maximum(waits, self.sent[s.pre][at] + 1)
                begin = np.maximum(begin, self._not_before(name, s.pre, at))
        begin = np.maximum(begin, waits)
        self.begun[name][k] = begin
        self.free[name] = self.sent[name][k] = begin + self._sweep(name, k)

    def _not_before(self, name: str, pre: str, at: int) -> Clocks:
        """Adding cannot be over before the source's sweep has begun and its spikes are added."""
        return np.asarray(self.begun[pre][at] + self.counts[pre][at] * self.groups[name] + 1)

    def _sweep(self, name: str, k: int) -> Clocks:
        n, groups = self.contract.populations[name].n, self.groups[name]
        spikes = self.counts[name][k]
        if self.lanes[name] > 1:
            return np.asarray(groups + 2.0 + spikes + 1)
        own = 3.0 * n + spikes + 1
        readers = [c.post for c in self.contract.connections if c.pre == name and c.delay == 0]
        slow = max((self.groups[r] for r in readers), default=0)
        return np.asarray(np.maximum(own, spikes * float(slow) + 4))
