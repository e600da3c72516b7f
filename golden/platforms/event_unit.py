"""An event cell behind weights: what an event unit computes.

Within a step the spikes of the one input arrive in ascending order of their line; each brings a
weight to every neuron. Then the step ends. Several inputs would leave the order open, so there
is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cell import CellTrace, check_words
from ..errors import require
from ..fixed import Ints
from ..network import check_inputs
from .events import EventCell

__all__ = ["EventContract", "run_events"]


@dataclass(frozen=True, eq=False)
class EventContract:
    """A cell, its input and the weights, int64 ``(n, lines)``.

    Raises
    ------
    InvalidValue
        For weights that do not fit the cell's word, or more lines than the cell allows events.
    """

    cell: EventCell
    weight: Ints
    source: str = "input"
    name: str = "unit"

    def __post_init__(self) -> None:
        require(self.source != self.name, "name", self.name, "another name than the input's")
        good = self.weight.ndim == 2 and len(self.weight) == self.cell.n and self.weight.size > 0
        require(good, "weight", list(self.weight.shape), f"{self.cell.n} rows, a column a line")
        check_words("contract", {"weight": self.weight}, {"weight": self.cell.weight})
        require(self.lines <= self.cell.events, "events", self.cell.events, f"{self.lines} lines")

    @property
    def lines(self) -> int:
        """Lines of the input."""
        return int(self.weight.shape[1])


def run_events(contract: EventContract, inputs: Mapping[str, NDArray[np.generic]]) -> CellTrace:
    """Run an event unit; the reference of its RTL.

    ``inputs`` holds 0/1 by name, ``(steps, lines)`` or ``(steps, samples, lines)``. Of the trace,
    the word ``fired`` says how often a neuron fired in the step.
    """
    cell = contract.cell
    array = np.asarray(inputs[contract.source]) if contract.source in inputs else np.zeros(0)
    lead = check_inputs({contract.source: contract.lines}, inputs, max(array.ndim, 2))
    state = {k: np.broadcast_to(v, (*lead[1:], cell.n)).copy() for k, v in cell.start().items()}
    out = {k: np.zeros((*lead, cell.n), dtype=np.int64) for k in cell.words}
    spikes = np.zeros((*lead, cell.n), dtype=np.bool_)
    for k in range(lead[0]):
        for line in np.flatnonzero(array[k].reshape(-1, contract.lines).any(axis=0)):
            arrives = array[k][..., line, None] != 0
            after = cell.receive(state, contract.weight[:, line])
            state = {w: np.where(arrives, after[w], state[w]) for w in cell.words}
        state, count = cell.end(state)
        spikes[k] = count > 0
        for word, rows in out.items():
            rows[k] = count if word == "fired" else state[word]
    return CellTrace(out, spikes)
