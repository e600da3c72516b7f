"""How a command talks: results on standard output, progress and errors on standard error."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from .verify import Role, Verification

__all__ = ["emit_json", "progress", "si", "verdict_table", "write_text"]

STYLES = {"exact": "green", "proved": "green", "within": "green", "skipped": "yellow"}


def emit_json(data: Any) -> None:
    """Print strict JSON: numbers that JSON lacks become ``null``."""
    click.echo(json.dumps(_strict(data), indent=2, allow_nan=False))


def _strict(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(k): _strict(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(v) for v in value]
    return value


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress bar on standard error; silent where that is no terminal."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as p:
        yield p


def verdict_table(result: Verification) -> None:
    """Print the rows of a verification."""
    table = Table(box=None, pad_edge=False)
    for head in ("body", "against", "verdict", "compared", "figure", "time"):
        table.add_column(head, overflow="fold", justify="left")
    for row in result.rows:
        v = row.verdict
        style = STYLES.get(str(v.status), "yellow" if row.role is Role.FIDELITY else "bold red")
        figure = "" if v.figure is None else f"{v.figure:.3g} {v.unit}".strip()
        seconds = f"{row.seconds:.2f} s"
        table.add_row(
            v.body, v.reference, Text(str(v), style=style), f"{v.compared:,}", figure, seconds
        )
    width = None if Console().is_terminal else 160
    Console(width=width).print(table)


def write_text(path: Path, text: str) -> None:
    """Write a whole file or none: to a temporary name first, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def si(value: float, unit: str) -> str:
    """Three digits and an SI prefix: ``si(4.2e-7, "s")`` is ``420 ns``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    exponent = min(max(math.floor(math.log10(abs(value)) / 3), -6), 4)
    prefix = {-6: "a", -5: "f", -4: "p", -3: "n", -2: "µ", -1: "m", 0: "", 1: "k", 2: "M"}
    prefix |= {3: "G", 4: "T"}
    return f"{value / 1000.0**exponent:.3g} {prefix[exponent]}{unit}"
