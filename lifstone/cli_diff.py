"""The command that finds where two traces part: diff."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .console import assumed, emit_json
from .golden.errors import require
from .options import contract_options, load_float, together, widths_from

__all__ = ["diff"]

trace_options = together(
    click.option("--align", is_flag=True, help="Compare at the offset where they agree best."),
    click.option("--max-offset", type=int, default=32, show_default=True, help="Steps to try."),
    click.option("--tolerance", type=float, default=0.0, show_default=True, help="Of states."),
    click.option("--signal", "only", multiple=True, help="Compare this alone: spike, v, p.spike."),
    click.option("--clock", help="Signal of a .vcd file; a rising edge ends a step."),
    click.option("--tau", type=float, default=10.0, show_default=True, help="van Rossum, steps."),
    click.option("--cost", type=float, default=0.1, show_default=True,
                 help="Victor-Purpura: cost of moving a spike by one step."),
    click.option("--model", type=click.Path(path_type=Path), help="Replay this .nir in choices."),
    click.option("--stimulus", type=click.Path(path_type=Path), help="Input of --model."),
)  # fmt: skip


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@trace_options
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@contract_options
@click.pass_context
def diff(ctx: click.Context, /, a: Path, b: Path, as_json: bool, **o: Any) -> None:
    """Find the first step and neuron in which traces A and B differ, and why.

    Reads .csv, .npz, .vcd, .nc, .zarr and .nwb. Exit code 0 if they are the same, 1 if they
    differ, 2 for bad input.

    \b
    Examples:
      lifstone diff golden.npz mine.csv
      lifstone diff golden.npz core.vcd --clock clk --align
      lifstone diff a.npz b.npz --model model.nir --stimulus x.npz --json
    """
    from .stimulus import read_stimulus
    from .trace_diff import align, pair
    from .trace_file import read_trace
    from .trace_replay import replays
    from .trace_result import judged, print_result

    _check(o)
    require(o["clock"] is None or _vcd(a) or _vcd(b), "clock", o["clock"], "none without a .vcd")
    one, two = (read_trace(p, o["dt"], o["clock"] if _vcd(p) else None, o["only"]) for p in (a, b))
    pairs, notes = pair(one, two, o["only"])
    result = judged((str(a), str(b)), pairs, notes, o)
    if o["model"] is not None and not result.same:
        imported = load_float(o["model"], {**o, "dt": o["dt"] or one.dt or two.dt})
        stimulus = read_stimulus(o["stimulus"], imported.network.inputs)
        widths = widths_from(o, imported.network.populations)
        aligned = align(pairs, result.offset)
        result = result.with_replays(replays(imported.network, widths, stimulus, aligned))
    if as_json:
        emit_json(result.to_dict())
    else:
        print_result(result)
        if o["model"] is not None and not result.same:
            assumed(imported)
    if not result.same:
        ctx.exit(1)


def _vcd(path: Path) -> bool:
    return path.suffix.lower() == ".vcd"


def _check(o: dict[str, Any]) -> None:
    """Refuse wrong options before a file is read."""
    require(0 <= o["max_offset"] <= 10_000, "max-offset", o["max_offset"], "0 to 10000")
    require(0 <= o["tolerance"] < float("inf"), "tolerance", o["tolerance"], "0 or greater")
    require(0 < o["tau"] < float("inf"), "tau", o["tau"], "greater than 0, in steps")
    require(0 <= o["cost"] < float("inf"), "cost", o["cost"], "0 or greater, a step")
    both = (o["model"] is None) == (o["stimulus"] is None)
    given = {k: o[k] and str(o[k]) for k in ("model", "stimulus")}
    require(both, "stimulus", given, "--model and --stimulus together, or neither")
