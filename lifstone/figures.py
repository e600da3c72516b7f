"""Figures of the report: SVG text that takes its ink from the page, light or dark.

Every figure is drawn twice, for a desk and for a phone, so that its letters keep their size;
the page shows one of the two.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLOURS", "Axis", "Band", "Curve", "Pair", "curves", "membrane", "raster"]

INK = "#010203"  # stands for the page's own text colour until the SVG is written
GRID = "#8a8f98"
WIDE, NARROW = 9.4, 4.9
"""Inches; the page shows them at about the size of its own text."""
LEGEND_ENTRY = 1.5
"""Inches a legend entry may take."""
LINE, BAND, FULL = 0.05, 0.22, 5.5
"""Inches of a line in the raster, at least of its label, at most of all lines."""

COLOURS = {
    "event-driven": "#7d8590",
    "golden": "#2f7fd1",
    "network": "#8e6bbf",
    "contract": "#c47a0c",
    "rtl": "#d1495b",
    "spice": "#17946d",
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


@dataclass(frozen=True, eq=False)
class Axis:
    """Labels of a figure, a level to mark, and the span of the horizontal axis."""

    x: str
    y: str
    level: float | None = None
    level_label: str = ""
    limits: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Band:
    """Spikes ``(steps, n)`` of a population or input; ``faint`` for an input."""

    label: str
    spikes: NDArray[np.generic]
    faint: bool = False


@dataclass(frozen=True)
class Pair:
    """The same figure for a desk and for a phone."""

    wide: str
    narrow: str


def curves(title: str, axis: Axis, data: Sequence[Curve]) -> Pair:
    """Curves in one pair of axes."""

    def draw(width: float) -> Figure:
        fig = _figure(width, height=3.2 if width == WIDE else 2.9)
        ax = fig.axes[0]
        _draw(ax, data)
        _finish(ax, axis, width)
        return fig

    return _pair(title, draw)


def membrane(
    title: str, axis: Axis, data: Sequence[Curve], spikes: Mapping[str, Curve | None]
) -> Pair:
    """Potentials of several bodies over each other; below, a row of spike times a body.

    ``spikes`` maps a row's label to its times (``x`` of the curve), ``None`` where the body
    has none.
    """

    def draw(width: float) -> Figure:
        fig = _figure(width, 2, 4.6, (3.4, 1.2))
        top, bottom = fig.axes
        _draw(top, data)
        _finish(top, Axis("", axis.y, axis.level, axis.level_label, axis.limits), width)
        for row, times in enumerate(spikes.values()):
            if times is not None:
                _marks(bottom, times.x, np.full(times.x.size, row), COLOURS[times.body], 0.75)
        bottom.set_yticks(range(len(spikes)), list(spikes), fontsize=9, color=INK)
        bottom.set_ylim(len(spikes) - 0.4, -0.6)
        bottom.grid(False)
        bottom.set_xlabel(axis.x, color=INK)
        return fig

    return _pair(title, draw)


def raster(title: str, bands: Sequence[Band], dt: float) -> Pair:
    """Spikes of all bands, the first at the bottom; neurons upwards, time to the right."""
    total = sum(b.spikes.shape[1] for b in bands)
    steps = max((b.spikes.shape[0] for b in bands), default=1)
    line = min(LINE, FULL / max(total, 1))
    heights = [max(b.spikes.shape[1] * line, BAND) for b in bands]

    def draw(width: float) -> Figure:
        fig = _figure(width, height=1.2 + max(sum(heights), BAND))
        ax = fig.axes[0]
        base, ticks = 0.0, []
        for band, height in zip(bands, heights, strict=True):
            each = height / band.spikes.shape[1]
            k, j = np.nonzero(band.spikes)
            at = np.asarray((k + 1) * dt * 1e3, np.float64)
            _marks(ax, at, base + (j + 0.5) * each, GRID if band.faint else INK, 0.9 * each)
            ticks.append(base + height / 2)
            base += height
            if band is not bands[-1]:
                ax.axhline(base, color=GRID, linewidth=0.6)
        ax.set_yticks(ticks, [b.label for b in bands], fontsize=9, color=INK)
        ax.set_xlabel("time (ms)", color=INK)
        ax.set_ylim(0, max(base, BAND))
        ax.set_xlim(0, (steps + 0.5) * dt * 1e3)
        ax.grid(False, axis="y")
        return fig

    return _pair(title, draw)


def _pair(title: str, draw: Callable[[float], Figure]) -> Pair:
    # A name with a dollar is no formula, and no font has every letter.
    style: Any = {"text.parse_math": False, "svg.fonttype": "none", "svg.hashsalt": title}
    out = []
    with mpl.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        for width in (WIDE, NARROW):
            out.append(_svg(draw(width), f"{title}, {width}"))
    return Pair(*out)


def _figure(
    width: float, rows: int = 1, height: float = 3.0, ratios: Sequence[float] = ()
) -> Figure:
    fig = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(fig)
    fig.patch.set_alpha(0)
    fig.subplots(rows, 1, sharex=True, height_ratios=list(ratios) or [1] * rows)
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


def _draw(ax: Axes, data: Sequence[Curve]) -> None:
    for c in data:
        ax.plot(
            c.x,
            c.y,
            c.style,
            color=COLOURS[c.body],
            label=c.label,
            linewidth=c.width,
            markersize=6 if c.style == "o" else 5,
            markeredgewidth=1.3,
            markerfacecolor=COLOURS[c.body] if c.style == "." else "none",
        )


def _marks(
    ax: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.generic],
    colour: str,
    height: float,
) -> None:
    """Upright marks as one broken line: one path however many there are."""
    centre = np.asarray(y, dtype=np.float64)
    gap = np.full(centre.size, np.nan)
    xs = np.column_stack([x, x, gap]).ravel()
    ys = np.column_stack([centre - height / 2, centre + height / 2, gap]).ravel()
    ax.plot(xs, ys, "-", color=colour, linewidth=1.7, solid_capstyle="butt")


def _finish(ax: Axes, axis: Axis, width: float) -> None:
    if axis.level is not None:
        ax.axhline(axis.level, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), alpha=0.6)
        ax.annotate(
            axis.level_label,
            (1.0, axis.level),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 3),
            textcoords="offset points",
            ha="right",
            color=INK,
            fontsize=9,
        )
        ax.margins(y=0.09)
    ax.set_xlabel(axis.x, color=INK)
    ax.set_ylabel(axis.y, color=INK)
    if axis.limits is not None:
        ax.set_xlim(*axis.limits)
    legend = ax.legend(
        frameon=False,
        fontsize=9,
        ncols=max(1, int(width / LEGEND_ENTRY)),
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        borderpad=0,
        borderaxespad=0.3,
        columnspacing=1.4,
        handlelength=1.6,
    )
    for text in legend.get_texts():
        text.set_color(INK)


def _svg(fig: Figure, title: str) -> str:
    """The figure as an inline SVG element with a title for screen readers."""
    buffer = io.StringIO()
    fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r"<metadata>.*?</metadata>|<style .*?</style>", "", text, flags=re.DOTALL)
    # Several figures share a page; each has names of its own.
    prefix = f"f{hashlib.sha256(title.encode('utf-8', 'replace')).hexdigest()[:8]}-"
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}", text)
    head, rest = text.split(">", 1)
    head = re.sub(r' (?:width|height)="[^"]*"', "", head)
    shown = title.rsplit(",", 1)[0]
    safe = shown.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return f'{head} role="img" aria-label="{safe}">{rest}'
