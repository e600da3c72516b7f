"""The matrix as one HTML page without outside parts: a table, and a section for every cell."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from .. import __version__
from ..golden import Status
from ..golden.systems import find_system
from .cell import BODIES, MatrixCell, Overlay

__all__ = ["render"]

SHOWN = 400
"""Points of an overlay around the first difference, or spread over a run that agrees."""


def render(cells: Sequence[MatrixCell]) -> str:
    """The page."""
    environment = Environment(
        loader=PackageLoader("lifstone"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    systems = list(dict.fromkeys(c.system for c in cells))
    at = {(c.system, c.body): c for c in cells}
    rows = [
        {
            "key": key,
            "title": find_system(key).title,
            "cells": [_short(at.get((key, body))) for body in BODIES],
        }
        for key in systems
    ]
    return environment.get_template("conformance.html.j2").render(
        bodies=BODIES,
        rows=rows,
        details=[_detail(c) for c in cells],
        agreeing=sum(c.agrees for c in cells),
        count=len(cells),
        version=__version__,
    )


def _short(cell: MatrixCell | None) -> dict[str, str]:
    if cell is None:
        return {"word": "", "tone": "none", "link": "", "title": ""}
    o = cell.outcome
    tone = {Status.DEVIATES: "bad", Status.SKIPPED: "warn"}.get(o.status, "good")
    word = o.verdict if o.status is not Status.DEVIATES else "deviates"
    link = f"{cell.system}-{cell.body}"
    return {"word": word, "tone": tone, "link": link, "title": o.verdict}


def _detail(cell: MatrixCell) -> dict[str, Any]:
    o = cell.outcome
    figure = "" if o.figure is None else f"{o.figure:.4g} {o.unit}".strip()
    return {
        "id": f"{cell.system}-{cell.body}",
        "name": f"{cell.system} on {cell.body}",
        "verdict": o.verdict,
        "tone": "good" if cell.agrees else "bad",
        "rows": [
            ("measured", figure),
            ("tolerance", "" if o.tolerance is None else f"{o.tolerance:.4g} {o.unit}".strip()),
            ("against", o.against),
            ("because", o.because),
            ("stimulus", o.stimulus),
            ("seed", "" if o.seed is None else str(o.seed)),
            ("time", f"{cell.seconds:.1f} s"),
            ("again", cell.command),
        ],
        "checks": [
            (c.name, f"{c.error:.3g}", f"{c.tolerance:.3g}", c.kind, _holds(c.holds))
            for c in o.checks
        ],
        # Drawn by matplotlib, which escapes every text in it.
        "figure": None if o.overlay is None else Markup(_draw(o.overlay)),
    }  # fmt: skip


def _holds(good: bool) -> str:
    return "holds" if good else "FAILS"


def _draw(overlay: Overlay) -> str:
    from matplotlib.figure import Figure

    shown = _window(overlay)
    plot = Figure(figsize=(7.2, 2.6), layout="constrained")
    axis = plot.subplots()
    axis.plot(
        overlay.x[shown], overlay.reference[shown], lw=2.4, color="#9aa4b2", label="reference"
    )
    axis.plot(overlay.x[shown], overlay.body[shown], lw=1.0, color="#b3261e", label="body")
    axis.set_xlabel(overlay.x_label)
    axis.set_ylabel(overlay.y_label)
    axis.legend(fontsize=8, frameon=False)
    out = io.StringIO()
    plot.savefig(out, format="svg", metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def _window(overlay: Overlay) -> slice:
    """Around the first difference beyond a line's width, or the start of the run."""
    span = float(np.ptp(overlay.reference)) or 1.0
    apart = np.flatnonzero(np.abs(overlay.reference - overlay.body) > 1e-3 * span)
    first = int(apart[0]) if apart.size else 0
    start = max(0, first - SHOWN // 4)
    return slice(start, start + SHOWN)
