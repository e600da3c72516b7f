"""The command ``conformance``: fifteen systems on four bodies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .console import STYLES, WIDTH, emit_json, json_text, progress, step_bar, write_text
from .options import output_file
from .text import one_line

__all__ = ["conformance"]

TONES = {"exact": "good", "proved": "good", "within": "good", "skipped": "warn", "deviates": "bad"}


@click.command()
@click.option("--system", "systems", multiple=True, help="Key of a system; all unless given.")
@click.option("--body", "bodies", multiple=True, help="golden, network, rtl or spice.")
@click.option("--list", "listed", is_flag=True, help="Show the cells on record at once.")
@click.option("--json", "as_json", is_flag=True, help="Print the cells as JSON.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the matrix as an HTML page.")
@click.option("--record", type=click.Path(path_type=Path), help="Write the cells as JSON, too.")
@click.pass_context
def conformance(
    ctx: click.Context,
    systems: tuple[str, ...],
    bodies: tuple[str, ...],
    listed: bool,
    as_json: bool,
    out: Path | None,
    record: Path | None,
) -> None:
    """Recompute the matrix: fifteen systems on the golden, network, RTL and SPICE bodies.

    Every cell is exact, proved, within a tolerance, or says where and why it deviates. Exit
    code 1 if one deviates.

    \b
    Examples:
      lifstone conformance --list
      lifstone conformance --system fi --body rtl
      lifstone conformance --out matrix.html
    """
    from .conformance import BODIES, compute, recorded
    from .golden.systems import KEYS

    output_file("out", out)
    output_file("record", record)
    if listed:
        data = _chosen(recorded(), systems, bodies)
        emit_json(data) if as_json else _table(data["cells"])
        return
    cells = []
    chosen, on = systems or KEYS, bodies or BODIES
    total = len(chosen) * len(on)
    with progress() as bar:
        tell = step_bar(bar)
        tell("conformance", 0, total)
        for cell in compute(chosen, on):
            cells.append(cell)
            tell(f"{cell.system} on {cell.body}", len(cells), total)
    data = {"cells": [c.to_dict() for c in cells]}
    if record is not None:
        write_text(record, json_text(data))
    if out is not None:
        from .conformance.page import render

        write_text(out, render(cells))
    emit_json(data) if as_json else _table(data["cells"])
    if not all(c.agrees for c in cells):
        ctx.exit(1)


def _chosen(
    data: dict[str, Any], systems: tuple[str, ...], bodies: tuple[str, ...]
) -> dict[str, Any]:
    """The recorded cells of those systems and bodies."""
    from .conformance import BODIES
    from .golden.errors import require
    from .golden.systems import KEYS

    for name in systems:
        require(name in KEYS, "system", name, ", ".join(KEYS))
    for name in bodies:
        require(name in BODIES, "body", name, ", ".join(BODIES))
    cells = [
        c for c in data["cells"]
        if (not systems or c["system"] in systems) and (not bodies or c["body"] in bodies)
    ]  # fmt: skip
    return {**data, "cells": cells}


def _table(cells: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for head in ("system", "body", "verdict", "figure", "against", "time"):
        table.add_column(head, justify="right" if head in ("figure", "time") else "left")
    for c in cells:
        mark = Text(one_line(c["verdict"]), style=STYLES[TONES[c["status"]]])
        figure = "" if c["figure"] is None else f"{c['figure']:.3g}"
        table.add_row(
            c["system"], c["body"], mark, figure, one_line(c["against"]), f"{c['seconds']:.1f} s"
        )
    console = Console()
    (console if console.is_terminal else Console(width=WIDTH)).print(table)
    good = sum(c["status"] != "deviates" for c in cells)
    click.echo(f"{good} of {len(cells)} cells agree")
