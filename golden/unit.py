"""Any :class:`~lifstone.golden.cell.Cell` behind weights: what a unit core computes.

Step by step: a spike on a line adds the line's weights to the sums of their receptors, the
cell's step takes the sums, and the spikes of the step leave. Spikes of the unit itself may
come back one step later. No sum can leave its word: that is checked at construction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cell import Cell, CellTrace
from .errors import InvalidValue, require
from .fixed import Ints
from .network import check_inputs
from .verdict import Difference

__all__ = [
    "Projection",
    "UnitContract",
    "first_word_difference",
    "run_unit",
    "totals_of",
    "unit_steps",
]

Spikes = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class Projection:
    """Weights from the lines of ``source`` to one receptor: int64, ``(n, lines)``.

    ``source`` is an input, or the unit's own name: its spikes of the step before.
    """

    source: str
    receptor: str
    weight: Ints


@dataclass(frozen=True, eq=False)
class UnitContract:
    """A cell, its inputs and what they are worth.

    Parameters
    ----------
    cell
        What each neuron does in a step.
    inputs
        Lines of each input; each has at least one projection.
    projections
        Weights; several from one input, and several to one receptor, are allowed.
    name
        Of the population; a projection from here is recurrent, one step late.

    Raises
    ------
    InvalidValue
        For a projection that does not fit, or a receptor whose sum could leave its word.
    """

    cell: Cell
    inputs: Mapping[str, int]
    projections: tuple[Projection, ...] = ()
    name: str = "unit"

    def __post_init__(self) -> None:
        require(self.name not in self.inputs, "name", self.name, "another name than the inputs'")
        for name, lines in self.inputs.items():
            require(lines >= 1, f"inputs.{name}", lines, "at least one line")
        for k, p in enumerate(self.projections):
            field = f"projections[{k}]"
            known = p.receptor in self.cell.receptors
            allowed = ", ".join(self.cell.receptors) or "no receptor at all"
            require(known, f"{field}.receptor", p.receptor, allowed)
            sizes = self.sizes
            require(p.source in sizes, f"{field}.source", p.source, ", ".join(sizes))
            kind = np.asarray(p.weight).dtype
            require(kind == np.int64, f"{field}.weight", str(kind), "int64")
            shape = (self.cell.n, sizes[p.source])
            require(p.weight.shape == shape, f"{field}.weight", p.weight.shape, str(shape))
        fed = {p.source for p in self.projections}
        for name in self.inputs:
            require(name in fed, "inputs", name, "inputs that a projection reads")
        self._check_sums()

    def _check_sums(self) -> None:
        for receptor, word in self.cell.receptors.items():
            weights = [p.weight for p in self.projections if p.receptor == receptor]
            least = sum((w.clip(max=0).sum(1) for w in weights), np.zeros(self.cell.n, np.int64))
            most = sum((w.clip(min=0).sum(1) for w in weights), np.zeros(self.cell.n, np.int64))
            for sums in (least, most):
                for j in np.flatnonzero((sums < word.low) | (sums > word.high)):
                    field = f"receptors.{receptor}[{j}]"
                    raise InvalidValue(field, int(sums[j]), f"sums of {word.low} to {word.high}")

    @property
    def sizes(self) -> dict[str, int]:
        """Lines of every source a projection may name: the inputs, then the unit itself."""
        return {**self.inputs, self.name: self.cell.n}

    @property
    def recurrent(self) -> bool:
        """Whether the unit reads its own spikes."""
        return any(p.source == self.name for p in self.projections)


def totals_of(contract: UnitContract, spikes: Spikes) -> dict[str, Ints]:
    """Sums of weights by receptor for the spikes of one step, ``(..., lines)`` by source."""
    lead = next((np.shape(a)[:-1] for a in spikes.values()), ())
    out = {k: np.zeros((*lead, contract.cell.n), np.int64) for k in contract.cell.receptors}
    for p in contract.projections:
        if p.source in spikes:
            # Products of floats are fast, and exact: a receptor's word has at most 63 bits,
            # so the rare wide one is added up in integers.
            wide = contract.cell.receptors[p.receptor].width > 52
            kind = np.int64 if wide else np.float64
            sums = np.asarray(spikes[p.source]).astype(kind) @ p.weight.T.astype(kind)
            out[p.receptor] = out[p.receptor] + sums.astype(np.int64)
    return out


def unit_steps(
    contract: UnitContract, inputs: Spikes, steps: int | None = None
) -> Iterator[tuple[dict[str, Ints], NDArray[np.bool_]]]:
    """State and spikes of one step after another; arguments as :func:`run_unit`."""
    arrays = {k: np.asarray(a) for k, a in inputs.items()}
    ndim = max((a.ndim for a in arrays.values()), default=2)
    lead = check_inputs(contract.inputs, arrays, ndim)
    n, batch = contract.cell.n, lead[1:]
    state = {k: np.broadcast_to(v, (*batch, n)).copy() for k, v in contract.cell.start().items()}
    fired = np.zeros((*batch, n), dtype=np.bool_)
    for k in range(lead[0] if lead else int(steps or 0)):
        spikes = {name: a[k] for name, a in arrays.items()}
        state, fired = contract.cell.step(
            state, totals_of(contract, {**spikes, contract.name: fired})
        )
        yield state, fired


def run_unit(contract: UnitContract, inputs: Spikes, steps: int | None = None) -> CellTrace:
    """Run a unit; the reference of its RTL.

    Parameters
    ----------
    inputs
        0/1 by input name, ``(steps, n)`` or ``(steps, samples, n)``.
    steps
        Needed only for a unit without inputs.
    """
    shape = next((np.shape(a)[:-1] for a in inputs.values()), (int(steps or 0),))
    shape = (*shape, contract.cell.n)
    out = {k: np.zeros(shape, dtype=np.int64) for k in contract.cell.words}
    spikes = np.zeros(shape, dtype=np.bool_)
    for k, (state, fired) in enumerate(unit_steps(contract, inputs, steps)):
        spikes[k] = fired
        for name, rows in out.items():
            rows[k] = state[name]
    return CellTrace(out, spikes)


def first_word_difference(name: str, expected: CellTrace, got: CellTrace) -> Difference | None:
    """The first word or spike in which two traces of unit ``name`` part.

    Traces are ``(steps, n)`` or ``(steps, samples, n)``. Within a step the first sample, then
    the first neuron counts, and of it the spike before the words in their order.
    """
    best: tuple[tuple[int, ...], str] | None = None
    pairs: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {"spike": (expected.spikes, got.spikes)}
    for word, value in expected.state.items():
        require(word in got.state, f"{name}.{word}", None, "an array of states")
        pairs[word] = (value, got.state[word])
    for quantity, (a, b) in pairs.items():
        require(a.shape == b.shape, f"{name}.{quantity}", list(b.shape), str(list(a.shape)))
        bad = a != b
        if bad.any():
            at = tuple(int(x) for x in np.argwhere(bad)[0])
            if best is None or at < best[0]:
                best = (at, quantity)
    if best is None:
        return None
    at, quantity = best
    a, b = pairs[quantity]
    sample = at[1] if len(at) == 3 else None
    return Difference(at[0], name, at[-1], quantity, int(a[at]), int(b[at]), sample)
