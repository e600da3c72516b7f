"""Curves of a system as a figure: one column of axes, values with SI prefixes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .golden.errors import require
from .golden.systems import Panel, Result, Series
from .sim.whole_file import whole_file

__all__ = ["FORMATS", "draw", "save_figure"]

FORMATS = (".svg", ".png", ".pdf")
MODEL = ("#2f7fd1", "#d1495b", "#1f9e77", "#8e6bbf", "#d98a12", "#3aa5b8", "#b05c8e", "#6b7f2a")
INK, GRID, REFERENCE = "#1c2127", "#8a8f98", "#1c2127"
PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}


def draw(result: Result, title: str) -> Figure:
    """The panels of ``result`` below each other, or two a row where there are four or more."""
    count = len(result.panels)
    require(count > 0, "panels", count, "a result with at least one panel")
    columns = 2 if count >= 4 else 1
    rows = -(-count // columns)
    fig = Figure(figsize=(7.2 * columns, 0.5 + 3.1 * rows), layout="constrained")
    FigureCanvasAgg(fig)
    fig.suptitle(title, fontsize=12, color=INK, x=0.01, ha="left")
    axes = [fig.add_subplot(rows, columns, k + 1) for k in range(count)]
    for ax, panel in zip(axes, result.panels, strict=True):
        _panel(ax, panel)
    return fig


def save_figure(fig: Figure, path: Path) -> None:
    """Write ``.svg``, ``.png`` or ``.pdf``, whole or not at all; the same data, the same bytes."""
    require(path.suffix in FORMATS, "plot", str(path), f"a name that ends in {', '.join(FORMATS)}")
    meta = {"Date": None} if path.suffix == ".svg" else {}
    with (
        whole_file(path) as temporary,
        mpl.rc_context({"svg.hashsalt": "lifstone", "svg.fonttype": "path"}),
    ):
        fig.savefig(temporary, dpi=130, facecolor="white", metadata=meta)


def _panel(ax: Axes, p: Panel) -> None:
    x_scale, x_unit = _scaled([s.x for s in p.series], p.x_unit, p.x_log)
    y_scale, y_unit = _scaled([s.y for s in p.series if s.style != "spikes"], p.y_unit, p.y_log)
    colours = iter(MODEL * 4)
    for s in p.series:
        _series(ax, s, x_scale, y_scale, next(colours) if s.role == "model" else "")
    ax.set_title(p.title, fontsize=10, color=INK, loc="left")
    ax.set_xlabel(_label(p.x_label, x_unit), fontsize=9)
    ax.set_ylabel(_label(p.y_label, y_unit), fontsize=9)
    if p.x_log:
        ax.set_xscale("log")
    if p.y_log:
        ax.set_yscale("log")
    ax.grid(True, color=GRID, alpha=0.25, linewidth=0.6)
    ax.tick_params(labelsize=9)
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GRID)
    if sum(bool(s.label) for s in p.series) > 1:
        beside = any(s.style == "spikes" for s in p.series)
        where = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if beside else {"loc": "best"}
        ax.legend(frameon=False, fontsize=8, **where)


def _series(ax: Axes, s: Series, x_scale: float, y_scale: float, colour: str) -> None:
    x, y = s.x * x_scale, s.y * (1.0 if s.style == "spikes" else y_scale)
    order = {"context": 1, "reference": 2, "model": 3}[s.role]
    ink = colour or (REFERENCE if s.role == "reference" else GRID)
    label = s.label or None
    if s.style == "spikes":
        # Marks of many rows must not run into each other.
        size = float(np.clip(200.0 / max(float(np.ptp(y)), 1.0), 0.8, 4.0)) if y.size else 4.0
        ax.plot(x, y, "|", color=ink, markersize=size, label=label, zorder=order,
                rasterized=x.size > 2000)  # fmt: skip
    elif s.error is not None:
        bars = np.asarray(s.error) * y_scale
        ax.errorbar(x, y, bars, fmt="o", color=ink, markersize=3.5, linewidth=1, capsize=2,
                    label=label, zorder=order)  # fmt: skip
    elif s.style == "points":
        many = x.size > 2000
        ax.plot(x, y, "o", color=ink, markersize=2 if many else 4, label=label, zorder=order,
                rasterized=many)  # fmt: skip
    else:
        style = "--" if s.role == "context" else "-"
        width = 1.1 if s.role == "context" else 2.4 if s.role == "reference" else 1.4
        # The reference is a broad pale band under the thin line of the model.
        alpha = 0.3 if s.role == "reference" else 1.0
        drawstyle = "steps-post" if s.style == "steps" else "default"
        ax.plot(x, y, style, color=ink, linewidth=width * (1.6 if alpha < 1 else 1), alpha=alpha,
                label=label, zorder=order, drawstyle=drawstyle)  # fmt: skip


def _scaled(values: Sequence[NDArray[np.float64]], unit: str, log: bool) -> tuple[float, str]:
    """A factor and a prefixed unit that bring the largest value to 1 to 1000."""
    plain = unit.isalpha() and unit not in ("rad",) and not log
    finite = [np.abs(v[np.isfinite(v)]).max(initial=0.0) for v in values]
    top = max(finite, default=0.0)
    if not plain or top == 0:
        return 1.0, unit
    exponent = int(np.clip(3 * np.floor(np.log10(top * 1.0001) / 3), -15, 9))
    return 10.0**-exponent, PREFIXES[exponent] + unit


def _label(text: str, unit: str) -> str:
    return text if unit in ("", "1") else f"{text} ({unit})"
