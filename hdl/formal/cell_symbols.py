"""Cells with symbols for numbers: what :mod:`.cells` hands to the golden step.

Each copy is made past the checks of the class, which want integers. Tables are replaced by ones
that a symbol may index.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import singledispatch
from typing import Any, TypeVar

from ...golden.cell import Cell
from ...golden.cells.conductance import ConductanceCell
from ...golden.cells.curve import Curve
from ...golden.cells.membrane import Membrane
from ...golden.cells.noise import NoisyLif, StochasticThreshold
from ...golden.cells.photo import PhotoCell
from ...golden.platforms.cells import LoihiCell, SpinnakerCell, TrueNorthCell
from .step import with_numbers
from .symbolic import Table, Word, as_word

__all__ = ["symbolic_cell"]

Numbers = Mapping[str, Word]
T = TypeVar("T")


@singledispatch
def symbolic_cell(cell: Cell, numbers: Numbers) -> Any:
    """The cell with ``numbers`` in place of its own.

    Raises
    ------
    NotImplementedError
        For a cell that is not known here.
    """
    raise NotImplementedError(f"no symbols for {type(cell).__name__}")


def _changed(value: T, **fields: object) -> T:
    out = copy.copy(value)
    for name, field in fields.items():
        object.__setattr__(out, name, field)
    return out


@symbolic_cell.register(LoihiCell)
def _(cell: LoihiCell, numbers: Numbers) -> LoihiCell:
    # The rails are plain integers, the same for all; the circuit's are held at them.
    own = {k: numbers[k] for k in ("decay_u", "decay_v", "v_th", "bias")}
    delay = numbers["hold"] + 1
    return _changed(cell, population=_changed(cell.population, **own, refract_delay=delay))


@symbolic_cell.register(SpinnakerCell)
def _(cell: SpinnakerCell, numbers: Numbers) -> SpinnakerCell:
    # Without a refractory period its steps are no number of the cell.
    own: dict[str, Any] = {"hold": as_word(0), **numbers}
    model = cell.population.model._replace(**own)
    return _changed(cell, population=_changed(cell.population, model=model))


@symbolic_cell.register(TrueNorthCell)
def _(cell: TrueNorthCell, numbers: Numbers) -> TrueNorthCell:
    return _changed(cell, population=_changed(cell.population, **numbers))


@symbolic_cell.register(NoisyLif)
@symbolic_cell.register(StochasticThreshold)
def _(cell: NoisyLif | StochasticThreshold, numbers: Numbers) -> NoisyLif | StochasticThreshold:
    own = dict(numbers)
    gain = own.pop("gain")
    return _changed(cell, base=with_numbers(cell.base, own), gain=gain)


@symbolic_cell.register(ConductanceCell)
def _(cell: ConductanceCell, numbers: Numbers) -> ConductanceCell:
    synapses = []
    for s in cell.synapses:
        factor = numbers.get(f"{s.name}_decay")
        decay = s.decay if factor is None else _changed(s.decay, coefficient=factor)
        synapses.append(_changed(s, decay=decay, reversal=numbers[f"{s.name}_reversal"]))
    gates = []
    for g in cell.gates:
        fields: dict[str, object] = {k: numbers[f"{g.name}_{k}"] for k in g.numbers}
        curves = {k: v for k, v in vars(g).items() if isinstance(v, Curve)}
        gates.append(_changed(g, **fields, **{k: _curve(v) for k, v in curves.items()}))
    membrane = _membrane(cell.membrane, numbers)
    return _changed(cell, membrane=membrane, synapses=tuple(synapses), gates=tuple(gates))


@symbolic_cell.register(PhotoCell)
def _(cell: PhotoCell, numbers: Numbers) -> PhotoCell:
    return _changed(
        cell,
        membrane=_membrane(cell.membrane, numbers),
        hop=Table(cell.hop),
        opened=Table(cell.opened),
        reversal=numbers["reversal"],
    )


def _membrane(m: Membrane, numbers: Numbers) -> Membrane:
    fields = {k: numbers[k] for k in m.numbers}
    return _changed(m, **fields, phi=_curve(m.phi))


def _curve(c: Curve) -> Curve:
    return _changed(c, knots=Table(c.knots))
