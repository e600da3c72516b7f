"""What lies in the memories of a unit, and what its trace shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib import data

from ..golden.cell import Cell
from ..golden.errors import require
from ..golden.fixed import Ints
from ..golden.unit import UnitContract
from .aer import address_shape
from .cell import numbers_layout, state_layout

__all__ = [
    "Pass",
    "index_bits",
    "input_sizes",
    "parameter_image",
    "parameter_layout",
    "passes_of",
    "source_sizes",
    "unit_trace_members",
    "values_of",
    "weight_image",
    "weight_shape",
]


@dataclass(frozen=True, eq=False)
class Pass:
    """Rows of the weight memory that one projection fills, a row a line of its source.

    ``follow`` is the next projection of the same source, counted as the passes are.
    """

    first: int
    receptor: str
    weight: Ints
    follow: int | None

    @property
    def lines(self) -> int:
        """Number of rows."""
        return int(self.weight.shape[1])


def input_sizes(contract: UnitContract) -> dict[str, int]:
    """Lines of each input; of a unit without inputs, the one line ``step`` that paces it."""
    if contract.inputs:
        return dict(contract.inputs)
    return {"step_" if contract.name == "step" else "step": 1}


def source_sizes(contract: UnitContract) -> dict[str, int]:
    """Lines of all that feeds the unit, in their order: inputs, its own spikes, a pace."""
    own = {contract.name: contract.cell.n} if contract.recurrent else {}
    pace = {} if contract.inputs else input_sizes(contract)
    return {**contract.inputs, **own, **pace}


def passes_of(contract: UnitContract) -> list[Pass]:
    """The first projection of each source in the order of their lines, then the others."""
    queues = {s: [p for p in contract.projections if p.source == s] for s in contract.sizes}
    order = [q.pop(0) for q in queues.values() if q]
    order += [p for q in queues.values() for p in q]
    out, first = [], 0
    for k, p in enumerate(order):
        later = [j for j in range(k + 1, len(order)) if order[j].source == p.source]
        out.append(Pass(first, p.receptor, p.weight, later[0] if later else None))
        first += out[-1].lines
    return out


def weight_shape(contract: UnitContract) -> Shape:
    """The narrowest word for all weights."""
    low = min((int(p.weight.min()) for p in contract.projections), default=0)
    high = max((int(p.weight.max()) for p in contract.projections), default=0)
    if low >= 0:
        return unsigned(max(1, high.bit_length()))
    return signed(max((~low).bit_length(), max(high, 0).bit_length()) + 1)


def weight_image(contract: UnitContract) -> list[int]:
    """Weight memory, ``2**ceil(log2 n)`` words a row; words are two's complement."""
    n, width = contract.cell.n, weight_shape(contract).width
    mask, stride = (1 << width) - 1, 1 << index_bits(contract.cell)
    words: list[int] = []
    for p in passes_of(contract):
        for column in p.weight.T:
            words += [int(w) & mask for w in column] + [0] * (stride - n)
    return words


def parameter_layout(cell: Cell) -> data.StructLayout:
    """Numbers and initial words that differ between neurons."""
    shapes = dict(numbers_layout(cell)) | {
        f"start_{k}": shape for k, shape in dict(state_layout(cell)).items()
    }
    return data.StructLayout(
        {k: shapes[k].shape for k, v in values_of(cell).items() if np.unique(v).size > 1}
    )


def parameter_image(cell: Cell) -> list[int]:
    """Words of the parameter memory, one a neuron; empty where all neurons are alike."""
    values, words = values_of(cell), [0] * cell.n
    for name, field in dict(parameter_layout(cell)).items():
        width = Shape.cast(field.shape).width
        for j in range(cell.n):
            words[j] |= (int(values[name][j]) & ((1 << width) - 1)) << field.offset
    return words if dict(parameter_layout(cell)) else []


def unit_trace_members(cell: Cell) -> dict[str, Shape]:
    """What a trace beat shows: the state of one neuron after its step.

    Raises
    ------
    InvalidValue
        For a word that is called like another field of the beat.
    """
    for word in cell.words:
        good = word not in ("index", "spike", "valid")
        require(good, "words", word, "a name that no trace port has: index, spike, valid")
    words = {k: Shape.cast(f.shape) for k, f in dict(state_layout(cell)).items()}
    return {"index": address_shape(cell.n), **words, "spike": unsigned(1)}


def values_of(cell: Cell) -> dict[str, Ints]:
    """Numbers of each neuron, and its initial words as ``start_<word>``, ``(n,)``."""
    start = {f"start_{k}": v for k, v in cell.start().items()}
    return {k: np.broadcast_to(v, cell.n) for k, v in {**cell.numbers, **start}.items()}


def index_bits(cell: Cell) -> int:
    """Bits of a neuron's number in the address of a weight."""
    return max(1, (cell.n - 1).bit_length())
