"""Figures of the report: SVG text that takes its ink from the page, light or dark."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .golden import Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLOURS", "Axis", "Curve", "curves", "membrane", "raster"]

INK = "#010203"  # stands for the page's own text colour until the SVG is written
GRID = "#8a8f98"

COLOURS = {
    "event-driven": "#7d8590",
    "golden": "#2f7fd1",
    "network": "#8e6bbf",
    "contract": "#d98a12",
    "rtl": "#d1495b",
    "spice": "#1f9e77",
}
"""One colour a body, of middle lightness so that it shows on white and on black."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A line or a set of points with its body's colour."""

    label: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    body: str
    style: str = "-"
    width: float = 1.6
    steps: bool = False


@dataclass(frozen=True, eq=False)
class Axis:
    """Labels of a figure."""

    x: str
    y: str
    level: float | None = None
    level_label: str = ""
    limits: tuple[float, float] | None = field(default=None)


def _figure(rows: int = 1, height: float = 3.0, ratios: Sequence[float] = (1,)) -> Figure:
    fig = Figure(figsize=(7.2, height), layout="constrained")
    FigureCanvasSVG(fig)
    fig.patch.set_alpha(0)
    fig.subplots(rows, 1, sharex=True, height_ratios=list(ratios))
    for ax in fig.axes:
        _dress(ax)
    return fig


def _dress(ax: Axes) -> None:
    ax.patch.set_alpha(0)
    ax.grid(True, color=GRID, alpha=0.25, linewidth=0.6)
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GRID)
    ax.tick_params(colors=INK, labelsize=9)
    ax.xaxis.label.set_color(INK)
    ax.yaxis.label.set_color(INK)


def _svg(fig: Figure, title: str) -> str:
    """The figure as an inline SVG element with a title for screen readers."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": title}):
        fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    head, rest = text.split(">", 1)
    head = _without(_without(head, "width"), "height")
    safe = title.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return f'{head} role="img" aria-label="{safe}">{rest}'


def _without(tag: str, attribute: str) -> str:
    start = tag.find(f' {attribute}="')
    if start < 0:
        return tag
    end = tag.index('"', start + len(attribute) + 3)
    return tag[:start] + tag[end + 1 :]


def curves(title: str, axis: Axis, data: Sequence[Curve], *, height: float = 3.0) -> str:
    """Curves in one pair of axes."""
    fig = _figure(height=height)
    ax = fig.axes[0]
    _draw(ax, data)
    _finish(ax, axis)
    return _svg(fig, title)


def membrane(
    title: str, axis: Axis, data: Sequence[Curve], spikes: Mapping[str, NDArray[np.float64]]
) -> str:
    """Potentials of several bodies over each other; below, a row of spike times a body."""
    fig = _figure(2, 4.4, (4, 1.2))
    top, bottom = fig.axes
    _draw(top, data)
    _finish(top, Axis("", axis.y, axis.level, axis.level_label))
    for row, (body, times) in enumerate(spikes.items()):
        bottom.eventplot(
            times, lineoffsets=row, linelengths=0.75, linewidths=1.6, colors=COLOURS[body]
        )
    bottom.set_yticks(range(len(spikes)), list(spikes), fontsize=9, color=INK)
    bottom.set_ylim(len(spikes) - 0.4, -0.6)
    bottom.grid(False)
    bottom.set_xlabel(axis.x, color=INK)
    return _svg(fig, title)


def raster(title: str, traces: Mapping[str, Trace], dt: float) -> str:
    """Spikes of all populations; neurons upwards, time to the right."""
    total = sum(t.spikes.shape[1] for t in traces.values())
    fig = _figure(height=min(6.0, 1.6 + total * 0.035))
    ax = fig.axes[0]
    base = 0
    marks: list[tuple[float, str]] = []
    palette = [COLOURS["golden"], COLOURS["rtl"], COLOURS["spice"], COLOURS["network"]]
    for number, (name, trace) in enumerate(traces.items()):
        k, j = np.nonzero(trace.spikes)
        colour = palette[number % len(palette)]
        ax.plot((k + 1) * dt * 1e3, j + base, "|", color=colour, markersize=5, markeredgewidth=1.4)
        marks.append((base + (trace.spikes.shape[1] - 1) / 2, name))
        base += trace.spikes.shape[1]
        if number < len(traces) - 1:
            ax.axhline(base - 0.5, color=GRID, linewidth=0.6)
    ax.set_yticks([m for m, _ in marks], [n for _, n in marks], fontsize=9, color=INK)
    ax.set_xlabel("time (ms)", color=INK)
    ax.set_ylim(-1, base)
    ax.grid(False, axis="y")
    return _svg(fig, title)


def _draw(ax: Axes, data: Sequence[Curve]) -> None:
    for c in data:
        ax.plot(
            c.x,
            c.y,
            c.style,
            color=COLOURS[c.body],
            label=c.label,
            linewidth=c.width,
            markersize=5,
            markeredgewidth=1.4,
            markerfacecolor="none",
            drawstyle="steps-post" if c.steps else "default",
        )


def _finish(ax: Axes, axis: Axis) -> None:
    if axis.level is not None:
        ax.axhline(axis.level, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), alpha=0.6)
        if axis.level_label:
            ax.annotate(
                axis.level_label,
                (1.0, axis.level),
                xycoords=("axes fraction", "data"),
                xytext=(-4, 3),
                textcoords="offset points",
                ha="right",
                color=INK,
                fontsize=9,
            )
    ax.set_xlabel(axis.x, color=INK)
    ax.set_ylabel(axis.y, color=INK)
    if axis.limits is not None:
        ax.set_xlim(*axis.limits)
    legend = ax.legend(
        frameon=False, fontsize=9, ncols=3, loc="lower left", bbox_to_anchor=(0, 1.0), borderpad=0
    )
    for text in legend.get_texts():
        text.set_color(INK)
