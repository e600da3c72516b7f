"""How a command talks: results on standard output, progress and errors on standard error."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from .sim.nir_read import Imported
from .sim.whole_file import whole_file
from .text import one_line
from .verdicts import Verification
from .wording import finding, measured, summary, tone, word

__all__ = [
    "assumed",
    "emit_json",
    "json_text",
    "progress",
    "step_bar",
    "verdict_table",
    "write_text",
]

STYLES = {"good": "green", "warn": "yellow", "bad": "bold red"}
WIDTH = 160
"""Columns where the output is no terminal: nothing is folded."""


def emit_json(data: Any) -> None:
    """Print strict JSON: numbers that JSON lacks become ``null``."""
    click.echo(json_text(data), nl=False)


def json_text(data: Any) -> str:
    """Strict JSON with a newline at its end."""
    return json.dumps(strict(data), indent=2, allow_nan=False) + "\n"


def strict(value: Any) -> Any:
    """The same data with ``None`` for numbers that JSON lacks."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(k): strict(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [strict(v) for v in value]
    return value


class _Count(ProgressColumn):
    """How much is done of how much, and how long the rest will take, where that is known."""

    def render(self, task: Task) -> Text:
        if task.total is None:
            return Text("")
        count = f"{task.completed:.0f}/{task.total:.0f}"
        rest = task.time_remaining
        if rest is None or task.finished:
            return Text(count)
        return Text(f"{count}, {timedelta(seconds=math.ceil(rest))} left")


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress bar on standard error; silent where that is no terminal."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        _Count(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as p:
        yield p


def step_bar(bar: Progress) -> Callable[[str, int, int], None]:
    """A task of ``bar`` that is told what begins, how much is done, and of how much."""
    task = bar.add_task("starting", total=None)
    return lambda what, done, total: bar.update(task, description=what, completed=done, total=total)


def verdict_table(result: Verification) -> None:
    """Print the rows of a verification, where and why some part, and the summary."""
    table = Table(box=None, pad_edge=False)
    for head in ("body", "against", "verdict", "compared", "measured", "time"):
        table.add_column(head, justify="right" if head in ("compared", "time") else "left")
    for row in result.rows:
        v = row.verdict
        mark = Text(word(row), style=STYLES[tone(row)])
        cells = (v.body, v.reference, mark, f"{v.compared:,}", measured(row))
        table.add_row(*cells, f"{row.seconds:.2f} s")
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(table)
    for row in result.rows:
        if finding(row):
            what = f"{row.verdict.body} against {row.verdict.reference}:"
            text = Text.assemble((one_line(what) + " ", STYLES[tone(row)]), one_line(finding(row)))
            console.print(text, soft_wrap=True)
    for sentence in summary(result):
        console.print(Text(one_line(sentence)), soft_wrap=True)


def assumed(imported: Imported) -> None:
    """Print what was assumed to read a file."""
    for line in imported.assumptions:
        click.echo(f"assumed: {one_line(line)}")


def write_text(path: Path, text: str) -> None:
    """Write a whole file or none."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="replace")
