"""A measured datasheet for people and machines: Markdown, HTML and JSON."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from . import __version__
from .analog.silicon_units import unit_of
from .datasheet import Datasheet, Measured
from .sim.sweep.points import AXES
from .units import with_unit

__all__ = ["to_dict", "to_html", "to_markdown"]

DIGITS = 4
HEADS = ("figure", "min", "typ", "max", "measured", "conditions", "verdict")


def to_dict(sheet: Datasheet, found: Sequence[Measured]) -> dict[str, Any]:
    """Plain data in SI units."""
    return {
        "title": sheet.title,
        "lifstone": __version__,
        "passes": all(m.passes for m in found),
        "neuron": _fields(sheet),
        "specifications": [_row(m) for m in found],
    }


def _fields(sheet: Datasheet) -> dict[str, Any]:
    hidden = ("shifts", "solver")
    return {
        f.name: getattr(sheet.neuron, f.name) for f in fields(sheet.neuron) if f.name not in hidden
    }


def _row(m: Measured) -> dict[str, Any]:
    s, v = m.specification, m.values
    return {
        "figure": s.figure,
        "unit": s.unit,
        "min": s.least,
        "typ": s.typical,
        "max": s.most,
        "measured_min": float(v.min()) if v.size else None,
        "measured_median": float(np.median(v)) if v.size else None,
        "measured_max": float(v.max()) if v.size else None,
        "conditions": {k: list(c) for k, c in s.conditions.items()},
        "points": int(m.data["error"].size),
        "failed": m.failed,
        "passes": m.passes,
        "worst": m.worst,
        "values": m.data[s.figure].values.ravel().tolist(),
        "note": s.note,
    }


def _cells(m: Measured) -> list[str]:
    """A row of the table for people, in the order of :data:`HEADS`."""
    s, v = m.specification, m.values

    def show(value: float | None) -> str:
        return "" if value is None else with_unit(value, s.unit, DIGITS)

    three = [show(float(x)) for x in (v.min(), np.median(v), v.max())] if v.size else ["none"]
    conditions = ", ".join(f"{k} {_span(k, c)}" for k, c in s.conditions.items())
    verdict = "pass" if m.passes else f"FAIL{f' at {m.worst}' if m.worst else ''}"
    if m.failed:
        verdict += f"; {m.failed} of {m.data['error'].size} did not converge"
    return [
        s.figure, show(s.least), show(s.typical), show(s.most), " / ".join(three), conditions,
        verdict,
    ]  # fmt: skip


def _span(name: str, values: Sequence[Any]) -> str:
    if all(isinstance(v, str) for v in values):
        return " ".join(values)
    if name == "seed":
        return f"{len(values)} dice"
    unit = unit_of(name) or "A"
    ends = (min(values), max(values))
    return " to ".join(with_unit(float(v), unit, DIGITS) for v in dict.fromkeys(ends))


def to_markdown(sheet: Datasheet, found: Sequence[Measured]) -> str:
    """Tables of the specification and of the neuron."""
    lines = [f"# {_plain(sheet.title)}", "", _outcome(found), ""]
    lines += [f"| {' | '.join(HEADS)} |", f"|{'---|' * len(HEADS)}"]
    lines += [f"| {' | '.join(_plain(c) for c in _cells(m))} |" for m in found]
    lines += ["", "measured: least / median / greatest over the conditions.", ""]
    lines += ["| parameter | value |", "|---|---|"]
    for name, value in _shown(sheet):
        lines.append(f"| {name} | {_plain(value)} |")
    return "\n".join([*lines, "", f"lifstone {__version__}", ""])


def _shown(sheet: Datasheet) -> list[tuple[str, str]]:
    return [
        (k, with_unit(float(v), unit_of(k), DIGITS) if unit_of(k) else str(v))
        for k, v in _fields(sheet).items()
    ]


def _plain(text: str) -> str:
    """Text that stays in its cell of a table."""
    return " ".join(text.replace("|", "/").split())


def _outcome(found: Sequence[Measured]) -> str:
    good = sum(m.passes for m in found)
    return f"{good} of {len(found)} specifications hold."


def to_html(sheet: Datasheet, found: Sequence[Measured]) -> str:
    """One page without outside parts."""
    environment = Environment(
        loader=PackageLoader("lifstone"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("datasheet.html.j2").render(
        title=sheet.title,
        outcome=_outcome(found),
        tone="good" if all(m.passes for m in found) else "bad",
        heads=HEADS,
        rows=[{"cells": _cells(m), "good": m.passes, "note": m.specification.note} for m in found],
        neuron=_shown(sheet),
        # Drawn by matplotlib, which escapes every text in it.
        figures=[(m.specification.figure, Markup(_figure(m))) for m in found],
        version=__version__,
    )


def _figure(m: Measured) -> str:
    """The figure over its longest numeric condition, one line for each of the others."""
    from matplotlib.figure import Figure

    s, data = m.specification, m.data[m.specification.figure]
    numeric = [d for d in data.dims if data[d].dtype.kind in "fi"]
    across = max(numeric, key=lambda d: data.sizes[d], default=data.dims[0])
    others = [d for d in data.dims if d != across]
    plot = Figure(figsize=(7.2, 3.2), layout="constrained")
    axis = plot.subplots()
    flat = data.transpose(*others, across).values.reshape(-1, data.sizes[across])
    x = data[across].values
    for k, line in enumerate(flat):
        at = np.unravel_index(k, [data.sizes[d] for d in others]) if others else ()
        name = ", ".join(str(data[d].values[i]) for d, i in zip(others, at, strict=True))
        axis.plot(x, line, "o-", ms=3, lw=1, label=name if len(flat) <= 8 else None)
    for limit in (s.least, s.most):
        if limit is not None:
            axis.axhline(limit, color="#b3261e", lw=1, ls="--")
    unit = AXES.get(str(across), "")
    axis.set_xlabel(f"{across} ({unit})" if unit else str(across))
    axis.set_ylabel(f"{s.figure} ({s.unit})")
    if 1 < len(flat) <= 8:
        axis.legend(fontsize=8, frameon=False)
    out = io.StringIO()
    plot.savefig(out, format="svg", metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :]
