"""Tables of a comparison of platforms: for the terminal, as Markdown and as a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.console import Console
from rich.table import Table
from rich.text import Text

from . import __version__
from .sim.compare import Comparison, Outcome
from .sim.compare_choices import Moved
from .text import one_line

__all__ = ["Sheet", "choices_sheet", "markdown", "page", "print_sheets", "sheets"]

WIDTH = 200
"""Columns where the output is no terminal: nothing is folded."""


@dataclass(frozen=True)
class Sheet:
    """A table: title, heads, rows of text, and sentences below it."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...] = ()


def sheets(result: Comparison) -> list[Sheet]:
    """Answers and cost, layers, and where each platform parts."""
    held = [o for o in result.outcomes if not o.refused]
    refused = tuple(
        f"{o.platform} cannot hold it: {o.refused}" for o in result.outcomes if o.refused
    )
    out = [_answers(result, held, refused), _costs(result, held), _layers(held)]
    return [s for s in out if s.rows]


def _answers(result: Comparison, held: Sequence[Outcome], refused: tuple[str, ...]) -> Sheet:
    rows = [("float", "", _percent(result.accuracy), "0", "reference")]
    for o in held:
        moved, there = (sum(getattr(x, k) for x in o.layers) for k in ("moved", "expected"))
        first = "all spikes are the float run's" if o.parting is None else str(o.parting)
        share = f"{moved:,} ({moved / there:.1%} of {there:,})" if there else f"{moved:,}"
        rows.append((o.platform, _percent(o.agreement), _percent(o.accuracy), share, first))
    labelled = result.accuracy is not None
    heads = ("platform", "same answer", "accuracy", "spikes moved", "first difference, and why")
    picked = [k for k in range(len(heads)) if labelled or heads[k] != "accuracy"]
    notes = tuple(f"{o.platform}, {note}" for o in held for note in o.notes)
    return Sheet(
        f"Answers and spikes: {result.samples:,} samples of {result.steps:,} steps",
        tuple(heads[k] for k in picked),
        tuple(tuple(row[k] for k in picked) for row in rows),
        (*refused, *notes),
    )


def _layers(held: Sequence[Outcome]) -> Sheet:
    rows = []
    for o in held:
        for x in o.layers:
            steps = [k for k, n in enumerate(x.by_step) if n]
            rows.append(
                (
                    o.platform,
                    x.name,
                    f"{x.spikes:,}",
                    f"{x.expected:,}",
                    f"{x.moved:,}",
                    f"{steps[0]} to {steps[-1]}, {len(steps)} in all" if steps else "none",
                    "analog" if x.bits is None else f"{x.bits}",
                    "" if x.levels is None else f"{x.levels:.4g}",
                    f"{x.limits:,}",
                )
            )
    heads = (
        "platform", "layer", "spikes", "float", "moved", "steps with a difference", "state bits",
        "units to threshold", "words ended",
    )  # fmt: skip
    return Sheet(
        "Layers",
        heads,
        tuple(rows),
        (
            "moved: steps of neurons whose spikes differ; words ended: steps of neurons in which "
            "a word saturated, wrapped or stood at its rail",
        ),
    )


def _costs(result: Comparison, held: Sequence[Outcome]) -> Sheet:
    rows = []
    sources: list[str] = []
    for o in held:
        c = o.cost
        if c is None:
            continue
        energy = "no published figure" if c.joules is None else f"{_si(c.joules)}J (estimate)"
        pace = "not fixed" if c.platform_seconds is None else f"{_si(c.platform_seconds)}s"
        rows.append(
            (
                o.platform,
                f"{c.operations:,}",
                f"{c.updates:,}",
                f"{_si(c.model_seconds)}s",
                pace,
                "" if math.isnan(o.wall_seconds) else f"{o.wall_seconds:.2f} s",
                energy,
            )
        )
        sources += [f"{o.platform}: {text}" for text in (c.source, c.pace) if text]
    heads = (
        "platform", "synaptic operations", "neuron updates", "model time", "time on the platform",
        "time of this emulation", "energy",
    )  # fmt: skip
    picked = [k for k in range(len(heads)) if any(row[k] for row in rows)]
    estimate = "an energy is published figures per operation times operations; the rest is left out"
    return Sheet(
        "Operations, time, energy",
        tuple(heads[k] for k in picked),
        tuple(tuple(row[k] for k in picked) for row in rows),
        (estimate, *sources),
    )


def choices_sheet(rows: Sequence[Moved]) -> Sheet:
    """What each choice of discretisation moves."""
    reference = rows[0]
    names = list(reference.spikes)
    labelled = reference.accuracy is not None
    out = []
    for row in rows:
        if row.failed:
            out.append((row.choice, *[""] * len(names), "", row.failed, *[""] * labelled))
            continue
        cells = []
        for name in names:
            there = reference.spikes[name]
            share = f" ({row.moved[name] / there:.0%})" if there else ""
            cells.append(f"{row.moved[name]:,}{share} of {there:,}; {row.spikes[name]:,} fall")
        first = "none" if row.first_step is None else str(row.first_step)
        right = [_percent(row.accuracy)] if labelled else []
        out.append((row.choice, *cells, first, f"{row.answers:.1%}", *right))
    heads = ("one choice changed", *(f"moved in {n}" for n in names), "first step",
             "other answers", *(["accuracy"] if labelled else []))  # fmt: skip
    return Sheet(
        "Choices of discretisation, one by one",
        heads,
        tuple(out),
        ("moved counts steps of neurons whose spikes differ, in percent of the spikes there were",),
    )


def print_sheets(shown: Sequence[Sheet]) -> None:
    """Print tables on standard output."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    for sheet in shown:
        table = Table(box=None, pad_edge=False, title=Text(sheet.title, style="bold"),
                      title_justify="left")  # fmt: skip
        for head in sheet.heads:
            table.add_column(head)
        for row in sheet.rows:
            table.add_row(*(Text(one_line(cell)) for cell in row))
        console.print(table)
        for remark in sheet.remarks:
            console.print(Text(one_line(remark)), soft_wrap=True)
        console.print()


def markdown(shown: Sequence[Sheet], level: int = 3) -> str:
    """The tables as Markdown."""
    parts = []
    for sheet in shown:
        lines = [f"{'#' * level} {sheet.title}", ""]
        lines.append("| " + " | ".join(sheet.heads) + " |")
        lines.append("|" + "---|" * len(sheet.heads))
        lines += ["| " + " | ".join(one_line(c) for c in row) + " |" for row in sheet.rows]
        lines.append("")
        lines += [f"* {one_line(remark)}" for remark in sheet.remarks]
        parts.append("\n".join(lines).rstrip() + "\n")
    return "\n".join(parts)


def page(title: str, command: str, shown: Sequence[Sheet]) -> str:
    """The tables as one HTML file without outside parts."""
    environment = Environment(
        loader=PackageLoader("lifstone"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    template = environment.get_template("compare.html.j2")
    return template.render(title=title, command=command, sheets=shown, version=__version__)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _si(value: float) -> str:
    """A number with three digits and a prefix, the unit to follow."""
    if value <= 0:
        return "0 "
    power = max(-4, min(0, math.floor(math.log10(value) / 3)))
    return f"{value / 1000.0**power:.3g} {('', 'm', 'u', 'n', 'p')[-power]}"
