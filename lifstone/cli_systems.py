"""The commands of the fifteen systems: list them, run one, sweep a parameter, draw it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .console import emit_json, json_text, progress, write_text
from .golden import InvalidValue
from .golden.errors import require
from .golden.systems import KEYS, Result, System, find_system, quantities, replaced
from .units import check_error, parse_value, with_unit

__all__ = ["run", "systems"]

MAX_POINTS = 10_000


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the list with parameters as JSON.")
def systems(as_json: bool) -> None:
    """List the fifteen systems.

    \b
    Example:
      lifstone systems
    """
    found = [find_system(key) for key in KEYS]
    if as_json:
        emit_json([_described(s) for s in found])
        return
    table = Table(box=None, pad_edge=False)
    for head in ("#", "system", "title", "observable and reference"):
        table.add_column(head, overflow="fold")
    for s in found:
        table.add_row(str(s.number), s.key, s.title, s.reference)
    Console(width=None if Console().is_terminal else 140).print(table)


@click.command()
@click.argument("system")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter, '5 nS'.")
@click.option("--sweep", metavar="NAME=A:B:N", help="N values from A to B; A:B:N:log for decades.")
@click.option("--parameters", "show", is_flag=True, help="List the parameters and stop.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw to .svg, .png or .pdf.")
@click.option("--out", type=click.Path(path_type=Path), help="Save as .json, or a sweep as .csv.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def run(
    context: click.Context,
    /,
    system: str,
    settings: tuple[str, ...],
    sweep: str | None,
    show: bool,
    plot: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Run SYSTEM and hold its observable against its reference.

    \b
    Examples:
      lifstone run fi --set tau_mem="10 ms"
      lifstone run fi --sweep t_ref=0:5ms:6
      lifstone run hcn --plot hcn.svg
    """
    found = find_system(system)
    if show:
        _show_parameters(found, as_json)
        return
    _check_outputs(plot, out, sweep)
    changes = dict(_setting(found, text) for text in settings)
    base = replaced(found.parameters(), changes)
    if sweep is not None:
        good = _sweep(found, base, sweep, out, as_json)
    else:
        good = _single(found, base, plot, out, as_json)
    context.exit(0 if good else 1)


def _check_outputs(plot: Path | None, out: Path | None, sweep: str | None) -> None:
    """Refuse a name before the work rather than after it."""
    if plot is not None:
        from .panels import FORMATS

        require(plot.suffix in FORMATS, "plot", str(plot), f"a name in {', '.join(FORMATS)}")
        require(sweep is None, "plot", str(plot), "no plot with --sweep: take --out and a table")
    if out is not None:
        kinds = (".json",) if sweep is None else (".json", ".csv")
        require(out.suffix in kinds, "out", str(out), f"a name that ends in {' or '.join(kinds)}")
    for name, path in (("plot", plot), ("out", out)):
        if path is not None:
            require(not path.is_dir(), name, str(path), "a file, no folder")


def _setting(s: System, text: str) -> tuple[str, Any]:
    name, found, value = text.partition("=")
    require(bool(found), "set", text, "NAME=VALUE")
    return name.strip(), parse_value(_quantity(s, name.strip()), value.strip())


def _quantity(s: System, name: str) -> Any:
    known = {q.name: q for q in quantities(s.parameters)}
    if name not in known:
        raise InvalidValue(f"{s.key} parameter", name, ", ".join(known))
    return known[name]


def _single(s: System, parameters: Any, plot: Path | None, out: Path | None, js: bool) -> bool:
    with progress() as bar:
        bar.add_task(s.title, total=None)
        result = s.run(parameters)
    if plot is not None:
        from .panels import draw, save_figure

        save_figure(draw(result, s.title), plot)
    if out is not None:
        write_text(out, json_text(result.to_dict()))
    if js:
        emit_json(result.to_dict())
        return result.agrees
    _print(result)
    for path in (plot, out):
        if path is not None:
            click.echo(f"written to {path}")
    return result.agrees


def _print(result: Result) -> None:
    for f in result.figures:
        error = "" if f.error is None else f" +- {with_unit(f.error, f.unit, 6)}"
        click.echo(f"{f.name}: {with_unit(f.value, f.unit, 6)}{error}")
    table = Table(box=None, pad_edge=False)
    for head in ("check", "value", "reference", "error", "tolerance", "", "against"):
        table.add_column(head, overflow="fold")
    for c in result.checks:
        mark = Text("holds", style="green") if c.holds else Text("fails", style="bold red")
        numbers = (with_unit(c.value, c.unit, 6), with_unit(c.reference, c.unit, 6))
        errors = (check_error(c, e, 6, 3) for e in (c.error, c.tolerance))
        table.add_row(c.name, *numbers, *errors, mark, c.against)
    Console(width=None if Console().is_terminal else 150).print(table)
    for note in result.notes:
        click.echo(f"note: {note}")


def _sweep(s: System, base: Any, text: str, out: Path | None, as_json: bool) -> bool:
    name, values = _points(s, text)
    rows: list[dict[str, Any]] = []
    with progress() as bar:
        task = bar.add_task(f"{s.key}: {name}", total=len(values))
        for value in values:
            result = s.run(replaced(base, {name: value}))
            found = {f.name: f.value for f in result.figures}
            rows.append({name: value, **found, "agrees": result.agrees})
            bar.advance(task)
    good = all(row["agrees"] for row in rows)
    if out is not None:
        write_text(out, _csv(rows) if out.suffix == ".csv" else json_text(rows))
    if as_json:
        emit_json({"system": s.key, "parameter": name, "agrees": good, "rows": rows})
        return good
    table = Table(box=None, pad_edge=False)
    for head in rows[0]:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(v) for v in row.values()))
    Console(width=None if Console().is_terminal else 150).print(table)
    if out is not None:
        click.echo(f"written to {out}")
    return good


def _points(s: System, text: str) -> tuple[str, list[Any]]:
    """The parameter and its values of ``name=a:b:n`` or ``name=a:b:n:log``."""
    allowed = "NAME=A:B:N, or NAME=A:B:N:log"
    name, found, rest = text.partition("=")
    parts = rest.split(":")
    require(bool(found) and len(parts) in (3, 4), "sweep", text, allowed)
    require(len(parts) == 3 or parts[3] == "log", "sweep", text, allowed)
    q = _quantity(s, name.strip())
    numeric = isinstance(q.default, int | float) and not isinstance(q.default, bool)
    require(numeric, "sweep", name, "a parameter that is a number")
    a, b = (float(parse_value(q, part)) for part in parts[:2])
    good = parts[2].isdigit() and 1 <= int(parts[2]) <= MAX_POINTS
    require(good, "sweep", parts[2], f"1 to {MAX_POINTS} points")
    if len(parts) == 4:
        require(a > 0 and b > 0, "sweep", text, "bounds above 0 for decades")
        values = np.geomspace(a, b, int(parts[2]))
    else:
        values = np.linspace(a, b, int(parts[2]))
    if isinstance(q.default, int):
        return q.name, list(dict.fromkeys(round(v) for v in values.tolist()))
    return q.name, [float(v) for v in values]


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _csv(rows: Iterable[dict[str, Any]]) -> str:
    listed = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(listed[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue()


def _described(s: System) -> dict[str, Any]:
    return {
        "key": s.key,
        "number": s.number,
        "title": s.title,
        "question": s.question,
        "equation": s.equation,
        "reference": s.reference,
        "sources": list(s.sources),
        "stimulus": s.stimulus,
        "bodies": dict(s.bodies),
        "parameters": [
            {"name": q.name, "default": q.default, "unit": q.unit, "meaning": q.meaning,
             "allowed": q.allowed, "source": q.source}
            for q in quantities(s.parameters)
        ],
    }  # fmt: skip


def _show_parameters(s: System, as_json: bool) -> None:
    if as_json:
        emit_json(_described(s))
        return
    click.echo(f"{s.title}: {s.question}")
    table = Table(box=None, pad_edge=False)
    for head in ("parameter", "default", "unit", "allowed", "meaning"):
        table.add_column(head, overflow="fold")
    for q in quantities(s.parameters):
        table.add_row(q.name, _cell(q.default), q.unit, q.allowed, q.meaning)
    Console(width=None if Console().is_terminal else 140).print(table)
