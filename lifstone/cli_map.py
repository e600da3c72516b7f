"""``lifstone map``: widths, lanes and memories of a network for a goal and a board."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from .console import assumed, emit_json, progress, step_bar
from .golden import InvalidValue, Network
from .golden.errors import require
from .mapped import Mapped, show
from .options import (
    grid_options,
    load_float,
    model_argument,
    named_numbers,
    output_file,
    stores_from,
    stores_option,
)
from .samples_file import Samples, labels_from, parted
from .sim.agreement import Goal, Judge, Score
from .sim.width_search import Choice, choose_widths
from .stimulus import read_stimulus
from .units import to_si
from .widths_file import write_widths

if TYPE_CHECKING:
    from .hdl.lane_choice import LaneChoice

__all__ = ["map"]


@click.command()
@model_argument
@click.option(
    "--stimulus",
    type=click.Path(path_type=Path),
    required=True,
    help="Calibration spikes, .npz or .csv.",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="Class of each sample, .npz, .npy or .csv; or an array 'labels' beside the spikes.",
)
@click.option("--accuracy-loss", type=float, help="At most so many percent; 0.5 with labels.")
@click.option("--moved-spikes", type=float, help="At most so many percent; 1 without labels.")
@click.option("--potential-error", type=float, help="Of outputs that do not spike, percent.")
@click.option(
    "--holdout",
    type=float,
    default=25.0,
    show_default=True,
    help="Percent of the samples that only judge what was chosen.",
)
@click.option("--weight-bits", help="Asked for: 6, or hidden=4,digit=6; chosen unless given.")
@click.option("--state-bits", help="Likewise.")
@click.option("--decay-bits", help="Likewise.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the widths for --widths.")
@click.option("--board", help="Plan for this board: memories, and whether it fits.")
@click.option("--latency", help="Choose lanes for it: 100us for the mean sample; with --board.")
@click.option("--cells", type=int, help="Choose lanes within so many cells; with --board.")
@click.option("--clock", help="50MHz; the board's unless given.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@stores_option
@grid_options
def map(model: Path, as_json: bool, out: Path | None, **o: Any) -> None:
    """Choose the widths of MODEL (.nir) by calibration data, and lanes and memories for a board.

    Prints what was tried and what each choice costs. A width that is asked for and loses more
    than the goal allows is refused with the smallest that serves.

    \b
    Examples:
      lifstone map model.nir --stimulus calibration.npz --accuracy-loss 0.5 --out widths.toml
      lifstone map model.nir --stimulus calibration.npz --board ulx3s-25f --latency 100us
      lifstone generate model.nir --widths widths.toml --out rtl
    """
    output_file("out", out)
    _check_board(o)
    imported = load_float(model, o)
    network = imported.network
    stimulus = read_stimulus(o["stimulus"], network.inputs)
    labels = labels_from(o["labels"], o["stimulus"], stimulus.samples)
    goal = _goal(o, labels is not None)
    chosen, held = parted(stimulus, labels, o["holdout"])
    judge = Judge(network, chosen.spikes, chosen.labels)
    with progress() as bar:
        choice = choose_widths(judge, goal, _requests(o, network), progress=step_bar(bar))
    before, after = _held(network, choice, held)
    plan = _plan(choice, judge, o)
    mapped = Mapped(model.name, goal, choice, chosen.count, held.count, before, after, plan)
    if out is not None:
        write_widths(out, choice.widths, mapped.notes())
    if as_json:
        notes = list(imported.assumptions)
        emit_json({**mapped.to_dict(), "assumptions": notes, "out": out and str(out)})
        return
    show(mapped)
    assumed(imported)
    if out is not None:
        click.echo(f"written to {out}; use it with --widths {out}")


def _check_board(o: Mapping[str, Any]) -> None:
    """Refuse what cannot be planned before anything is run."""
    for name in ("latency", "cells", "clock"):
        alone = o[name] is not None and o["board"] is None
        require(not alone, name, o[name], "given with --board")
    if o["board"] is not None:
        from .hdl.devices import device_of

        device_of(o["board"])
        for name, unit in (("latency", "s"), ("clock", "Hz")):
            _quantity(name, o[name], unit)
        require(o["cells"] is None or o["cells"] > 0, "cells", o["cells"], "at least 1")


def _quantity(field: str, text: str | None, unit: str) -> float | None:
    """A positive number with a unit."""
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+\.?\d*(?:[eE][+-]?\d+)?)\s*([A-Za-zµ]+)\s*", text[:40])
    if found is None:
        raise InvalidValue(field, text, f"a number with a unit, such as 100 u{unit}")
    value = to_si(field, float(found[1]), found[2], unit)
    require(0 < value < 1e12, field, text, f"more than 0 {unit}")
    return value


def _goal(o: Mapping[str, Any], labelled: bool) -> Goal:
    given = {k: o[k] for k in ("accuracy_loss", "moved_spikes", "potential_error")}
    asked = given["accuracy_loss"]
    require(labelled or asked is None, "accuracy_loss", asked, "given with --labels")
    if all(v is None for v in given.values()):
        given["accuracy_loss" if labelled else "moved_spikes"] = 0.5 if labelled else 1.0
    for name, value in given.items():
        require(value is None or 0 <= value <= 100, name, value, "0 to 100 percent")
    return Goal(**{k: None if v is None else v / 100 for k, v in given.items()})


def _requests(o: Mapping[str, Any], network: Network) -> dict[str, dict[str, int]]:
    out = {}
    for field in ("weight", "state", "decay"):
        text = o[f"{field}_bits"]
        if text is not None:
            out[field] = named_numbers(f"{field}-bits", text, network.populations)
    return out


def _held(
    network: Network, choice: Choice, held: Samples
) -> tuple[Score, Score] | tuple[None, None]:
    """Scores of float model and choice on samples that chose nothing."""
    if not held.count:
        return None, None
    judge = Judge(network, held.spikes, held.labels)
    return judge.reference, judge.score(choice.contract)


def _plan(choice: Choice, judge: Judge, o: Mapping[str, Any]) -> LaneChoice | None:
    """Lanes and memories on the board, if one was named."""
    if o["board"] is None:
        return None
    from .hdl.boards import find_board
    from .hdl.lane_choice import choose_lanes
    from .hdl.latency import spike_counts
    from .sim.simulate import Simulator

    traces = Simulator(choice.contract).run(judge.spikes, record=("spikes",))
    counts = spike_counts({**judge.spikes, **{n: t.spikes for n, t in traces.items()}})
    latency = _quantity("latency", o["latency"], "s")
    asked = latency if latency is not None or o["cells"] is not None else np.inf
    return choose_lanes(
        choice.contract,
        o["board"],
        counts,
        clock=_quantity("clock", o["clock"], "Hz") or find_board(o["board"]).clock,
        latency=asked,
        cells=o["cells"],
        stores=stores_from(o["stores"]),
    )
