"""RTL of a population that learns against its contract, with the bulk harness."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ...golden.cell import CellTrace
from ...golden.learning.plastic import PlasticContract, plastic_steps
from ...golden.learning.three_factor_integer import Signal, ThreeFactorInteger
from ...hdl import Design
from ...hdl.plastic_top import generate_plastic
from .bulk import BulkRtl

__all__ = ["plastic_design", "plastic_reference", "plastic_run"]

Spikes = Mapping[str, NDArray[np.generic]]


def plastic_reference(contract: PlasticContract, inputs: Spikes) -> dict[str, CellTrace]:
    """What the contract says of every beat of the trace: ``neurons``, ``synapses``, ``lines``.

    ``inputs`` are ``(steps, n)`` or ``(steps, samples, n)``; so are the traces, with synapses
    neuron by neuron. The spike of a synapse is its neuron's, that of a line its own.
    """
    words: dict[str, list[NDArray[np.int64]]] = {}
    fired = []
    rule = contract.rule
    three = isinstance(rule, ThreeFactorInteger)
    teacher = isinstance(rule, ThreeFactorInteger) and rule.signal is Signal.TEACHER
    for state, spikes in plastic_steps(contract, dict(inputs)):
        fired.append(spikes)
        shown = {"u": state.neurons.u, "y": state.y, "x": state.x}
        if contract.neurons.has_synapse:
            shown["i"] = state.neurons.i
        flat = (*state.weight.shape[:-2], contract.n * contract.lines)
        shown["weight"] = state.weight.reshape(flat)
        if three:
            shown["eligibility"] = state.eligibility.reshape(flat)
        if teacher:
            shown["s"] = state.s
        for name, value in shown.items():
            words.setdefault(name, []).append(value)
    arrays = {name: np.array(rows) for name, rows in words.items()}
    spikes = np.array(fired)
    return {
        "neurons": CellTrace({k: arrays[k] for k in ("u", "i", "y", "s") if k in arrays}, spikes),
        "synapses": CellTrace(
            {k: arrays[k] for k in ("weight", "eligibility") if k in arrays},
            np.repeat(spikes, contract.lines, axis=-1),
        ),
        "lines": CellTrace({"x": arrays["x"]}, np.asarray(inputs["plastic"]) != 0),
    }


def plastic_design(contract: PlasticContract) -> Design:
    """The RTL with its trace."""
    return generate_plastic(contract, trace=True)


def plastic_run(rtl: BulkRtl, inputs: Spikes, **timing: float) -> dict[str, CellTrace]:
    """Traces of the RTL, in the form of :func:`plastic_reference`.

    Raises
    ------
    RuntimeError
        If the design breaks the protocol.
    """
    run = rtl.run(inputs, **timing)  # type: ignore[arg-type]
    if run.failure:
        raise RuntimeError(run.failure)
    return dict(run.cells)
