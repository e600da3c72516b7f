"""Tables of the report: what was run, and what the network takes in hardware."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .golden import CONTRACT_VERSION
from .hdl import contract_hash
from .hdl.build import BuildReport
from .verdicts import Verification
from .wording import si

__all__ = ["Grid", "board_grid", "network_grid", "setting_rows"]


@dataclass(frozen=True)
class Grid:
    """A table: its heads, its rows, and a sentence below."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def network_grid(result: Verification) -> Grid:
    """Neurons, weights, words and activity of each population, from the contract."""
    case = result.case
    contract = case.quantised.contract
    rows = []
    for name in contract.order:
        c = contract.populations[name]
        weights = [k.weight for k in contract.into(name)]
        size = sum(w.size for w in weights)
        filled = sum(int(np.count_nonzero(w)) for w in weights)
        spikes = case.integers[name].spikes
        rate = spikes.sum() / (case.stimulus.samples * case.stimulus.steps)
        state = f"Q{c.width - c.fraction}.{c.fraction}"
        rows.append(
            [
                name,
                f"{c.n:,}",
                f"{filled:,} of {size:,}",
                f"{size * c.weight_width:,}",
                f"{state}, synapse {c.syn_width} bits" if c.has_synapse else state,
                f"{rate:.3g}",
            ]
        )
    head = ["population", "neurons", "weights not 0", "weight bits", "state", "spikes a step"]
    steps = case.stimulus.samples * case.stimulus.steps
    clocks = sum(result.rtl_cycles) / steps if result.rtl_cycles else None
    note = "" if clocks is None else f"The RTL took {clocks:,.0f} clocks a step in the mean."
    return Grid(head, rows, note)


def board_grid(built: BuildReport, more: Sequence[tuple[str, str]] = ()) -> Grid:
    """What a bitstream takes of its board, from the tools' reports."""
    rows = [[k, v] for k, v in (*built.table().items(), *more)]
    used = ", ".join(f"{k} {v}" for k, v in built.tools.items())
    timing = "It meets" if built.meets_timing else "It does NOT meet"
    return Grid(["resource", built.board], rows, f"{timing} the board's clock. Tools: {used}.")


def setting_rows(result: Verification) -> list[tuple[str, str]]:
    """What was run, in pairs of name and value."""
    case = result.case
    model, contract = case.model, case.quantised.contract
    widths = {
        f"{c.width}-bit state, {c.weight_width}-bit weights, {c.rounding}"
        for c in contract.populations.values()
    }
    chosen = ", ".join(f"{name}[{j}]" for name, j in result.options.neurons)
    samples = case.stimulus.samples
    several = f", {samples:,} samples" if samples > 1 else ""
    return [
        ("time grid", f"{si(model.dt, 's')} a step, {model.method}"),
        ("stimulus", f"{case.stimulus.origin}; {case.stimulus.steps:,} steps{several}"),
        ("integers", "; ".join(sorted(widths))),
        ("contract", f"version {CONTRACT_VERSION}, sha256 {contract_hash(contract)[:16]}..."),
        ("in continuous time", chosen or "no neuron"),
    ]
