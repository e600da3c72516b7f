"""Lifstone: one LIF model, four bodies, one verdict.

The names below are all that most programs need; each room has more.

================  ==============================================================
name              what it is
================  ==============================================================
Lif               parameters of a population of neurons
Connection        weights from an input or population to a population
Network           populations, inputs, connections and their time grid
Widths            words and arithmetic of the integer contract
InvalidValue      the error that names field, value and what is allowed
MissingTool       the error that names a tool and how to install it
read_nir          a network from a ``.nir`` file, and what was assumed to read it
write_nir         a network to a ``.nir`` file
contract_of       its integer contract, the binary point calibrated by a run
quantise          its integer contract with given widths, and a bound on the error
run_float         the golden float model on the time grid
run_contract      the golden integer model
solve             one population in continuous time, event by event
Simulator         the network layer: float or integer, batches
generate          Verilog of a contract
build             a bitstream of a contract
verify            every body against its reference, in one call
write_report      the HTML report of a verification
================  ==============================================================

A name is imported when it is first used, so that ``import lifstone`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import verify, write_report
    from .case import contract_of
    from .golden import (
        Connection,
        InvalidValue,
        Lif,
        MissingTool,
        Network,
        Widths,
        quantise,
        run_contract,
        run_float,
        solve,
    )
    from .hdl import generate
    from .hdl.build import build
    from .sim.nir_read import read_nir
    from .sim.nir_write import write_nir
    from .sim.simulate import Simulator

__version__ = "0.1.0"

_HOMES = {
    "Connection": ".golden",
    "InvalidValue": ".golden",
    "Lif": ".golden",
    "MissingTool": ".golden",
    "Network": ".golden",
    "Simulator": ".sim.simulate",
    "Widths": ".golden",
    "build": ".hdl.build",
    "contract_of": ".case",
    "generate": ".hdl",
    "quantise": ".golden",
    "read_nir": ".sim.nir_read",
    "run_contract": ".golden",
    "run_float": ".golden",
    "solve": ".golden",
    "verify": ".api",
    "write_nir": ".sim.nir_write",
    "write_report": ".api",
}

__all__ = [
    "Connection",
    "InvalidValue",
    "Lif",
    "MissingTool",
    "Network",
    "Simulator",
    "Widths",
    "build",
    "contract_of",
    "generate",
    "quantise",
    "read_nir",
    "run_contract",
    "run_float",
    "solve",
    "verify",
    "write_nir",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_HOMES[name], __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
