"""Populations that look at every single event: ODIN, and TrueNorth's stochastic synapses.

An :class:`EventCell` is to these what :class:`~lifstone.golden.cell.Cell` is to the others: its
state changes with each weight that arrives, in the order of arrival, and once more at the end of
a step. A neuron may fire several times in a step; how often stands in the word ``fired`` until
the end of the step, when that many spikes leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..cell import State, Word
from ..errors import InvalidValue, require
from ..fixed import Ints
from .cells import counter, truenorth_numbers, truenorth_words
from .odin import OdinPopulation
from .truenorth import TrueNorthPopulation, TrueNorthState

__all__ = ["EventCell", "OdinEvents", "TrueNorthEvents"]


class EventCell(Protocol):
    """A population of ``n`` neurons whose state changes with every event."""

    @property
    def n(self) -> int:
        """Number of neurons."""

    @property
    def events(self) -> int:
        """Most events of a step: the lines that lead here."""

    @property
    def words(self) -> Mapping[str, Word]:
        """Stored state, the membrane first."""

    @property
    def weight(self) -> Word:
        """A weight that arrives."""

    @property
    def numbers(self) -> Mapping[str, Ints]:
        """Parameters, one integer a neuron, ``(n,)``."""

    def start(self) -> dict[str, Ints]:
        """State before the first step, ``(n,)`` each."""

    def receive(self, state: State, weight: Ints) -> dict[str, Ints]:
        """State after one event; ``weight`` has one number a neuron, ``(..., n)``."""

    def end(self, state: State) -> tuple[dict[str, Ints], Ints]:
        """State after the step, and how often each neuron fired in it."""


@dataclass(frozen=True, eq=False)
class OdinEvents:
    """ODIN's or tinyODIN's neurons; ``v``, and ``fired`` since the last end of a step."""

    population: OdinPopulation
    events: int

    def __post_init__(self) -> None:
        require(self.events >= 1, "events", self.events, "at least 1")

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.population.n

    @property
    def words(self) -> Mapping[str, Word]:
        """``v`` of 8 unsigned or 12 signed bits."""
        tiny = self.population.tiny
        # Each event and the end of the step may fire once.
        return {"v": Word(12 if tiny else 8, signed=tiny), "fired": counter(self.events + 1)}

    @property
    def weight(self) -> Word:
        """Four bits, signed; in ODIN the sign is that of the source."""
        return Word(4)

    @property
    def numbers(self) -> Mapping[str, Ints]:
        """Threshold and leak."""
        return {"threshold": self.population.threshold, "leak": self.population.leak}

    def start(self) -> dict[str, Ints]:
        """All zero."""
        return {"v": self.population.start(), "fired": self.population.start()}

    def receive(self, state: State, weight: Ints) -> dict[str, Ints]:
        """As :meth:`OdinPopulation.receive`."""
        v, spikes = self.population.receive(state["v"], weight)
        return {"v": v, "fired": state["fired"] + spikes}

    def end(self, state: State) -> tuple[dict[str, Ints], Ints]:
        """As :meth:`OdinPopulation.tick`."""
        v, spikes = self.population.tick(state["v"])
        return {"v": v, "fired": np.zeros_like(v)}, state["fired"] + spikes


@dataclass(frozen=True, eq=False)
class TrueNorthEvents:
    """TrueNorth's neurons with stochastic synapses: each draws at every event.

    Raises
    ------
    InvalidValue
        For plain synapses: their sum is enough, see :class:`~.cells.TrueNorthCell`.
    """

    population: TrueNorthPopulation
    events: int

    def __post_init__(self) -> None:
        require(self.events >= 1, "events", self.events, "at least 1")
        if not self.population.stochastic_synapses:
            raise InvalidValue("stochastic_synapses", False, "True: else TrueNorthCell")

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.population.n

    @property
    def words(self) -> Mapping[str, Word]:
        """``v`` and the register."""
        return truenorth_words()

    @property
    def weight(self) -> Word:
        """Nine bits, signed."""
        return Word(9)

    @property
    def numbers(self) -> Mapping[str, Ints]:
        """Leak and thresholds."""
        return truenorth_numbers(self.population)

    def start(self) -> dict[str, Ints]:
        """Potential 0, registers at their seeds."""
        s = self.population.start()
        return {"v": s.v, "draw": s.draw}

    def receive(self, state: State, weight: Ints) -> dict[str, Ints]:
        """As :meth:`TrueNorthPopulation.receive`."""
        before = TrueNorthState(state["v"], state["draw"])
        s = self.population.receive(before, weight)
        return {"v": s.v, "draw": s.draw}

    def end(self, state: State) -> tuple[dict[str, Ints], Ints]:
        """As :meth:`TrueNorthPopulation.update` without input."""
        before = TrueNorthState(state["v"], state["draw"])
        s, spikes = self.population.update(before, np.zeros_like(state["v"]))
        return {"v": s.v, "draw": s.draw}, spikes.astype(np.int64)
