"""What a comparison of two traces found, as data and as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .console import STYLES, WIDTH
from .golden import Difference
from .text import one_line
from .trace_causes import Cause, causes
from .trace_diff import (
    Pairs,
    SignalDiff,
    Trains,
    align,
    best_offset,
    compare_signals,
    shifted,
    trains,
)
from .trace_names import SPIKE
from .trace_replay import AS_WRITTEN, Replay, nearest

__all__ = ["TraceResult", "judged", "print_result"]


@dataclass(frozen=True)
class TraceResult:
    """Two traces compared over ``steps`` steps, ``b`` taken ``offset`` steps later.

    ``found_offset`` is where they agree best, 0 where no other offset is better. ``tau`` and
    ``cost`` are those of the distances, in steps and a step.
    """

    a: str
    b: str
    steps: int
    offset: int
    found_offset: int
    tau: float
    cost: float
    signals: tuple[SignalDiff, ...]
    distances: tuple[Trains, ...]
    causes: tuple[Cause, ...]
    notes: tuple[str, ...]
    replays: tuple[Replay, ...] = ()

    @property
    def first(self) -> Difference | None:
        """The earliest difference; of a step, that of a spike."""
        found = [s.first for s in self.signals if s.first is not None]
        return min(found, key=lambda d: (d.step, d.quantity != SPIKE), default=None)

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return self.first is None

    def with_replays(self, rows: tuple[Replay, ...]) -> TraceResult:
        """The same with a model replayed, and what that says of the cause in front."""
        return replace(self, replays=rows, causes=(*_replayed(rows), *self.causes))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"same": self.same, **asdict(self), "first": self.first and asdict(self.first)}


def judged(
    names: tuple[str, str], pairs: Pairs, notes: tuple[str, ...], o: Mapping[str, Any]
) -> TraceResult:
    """Compare ``pairs`` with the options of the command."""
    tolerance = o["tolerance"]
    whole = align(pairs)
    signals = compare_signals(whole, tolerance)
    moved = (0, 0.0)
    if any(s.first is not None for s in signals):
        moved = best_offset(pairs, o["max_offset"], tolerance)
    aligned = align(pairs, moved[0]) if o["align"] else whole
    if aligned.offset:
        signals = compare_signals(aligned, tolerance)
    # What --align took out of the comparison is no cause of what is left.
    left = (0, 0.0) if aligned.offset else moved
    return TraceResult(
        *names, aligned.steps, aligned.offset, moved[0], o["tau"], o["cost"], signals,
        trains(aligned, o["tau"], o["cost"]), causes(aligned, left, tolerance),
        (*notes, *aligned.notes),
    )  # fmt: skip


def _replayed(rows: tuple[Replay, ...]) -> tuple[Cause, ...]:
    """What the replays say: the choice that gives each trace, or comes nearest to it."""
    out = []
    for side, name in enumerate("ab"):
        best = nearest(rows, side)
        written = any(r.choice == AS_WRITTEN for r in best)
        chosen = AS_WRITTEN if written else " or ".join(r.choice for r in best[:3])
        left = best[0].differing_b if side else best[0].differing_a
        how = "spike for spike" if left == 0 else f"nearest, {left:,} spikes still differ"
        out.append(Cause("replay", name, f"{name} is the model: {chosen} ({how})", left == 0))
    return tuple(out)


def print_result(result: TraceResult) -> None:
    """Tables of signals and distances, replays and causes, and the verdict."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    at = f", b taken {shifted(result.offset)}" if result.offset else ""
    _say(console, f"a: {result.a}, b: {result.b}; {result.steps:,} steps in common{at}")
    _table(console, ("signal", "compared", "differ", "largest", "first step", "neuron", "a", "b"),
           [_signal_row(s) for s in result.signals])  # fmt: skip
    if result.distances and not result.same:
        heads = (
            "distance",
            "spikes a",
            "spikes b",
            f"van Rossum (tau {result.tau:g} steps)",
            f"Victor-Purpura ({result.cost:g} a step)",
            "rate b - a (a step)",
            "worst neuron",
        )
        _table(console, heads, [_distance_row(t) for t in result.distances])  # fmt: skip
    if result.replays:
        rows = [
            (r.choice, *((f"{r.differing_a:,}", f"{r.differing_b:,}") if not r.failed
                         else (one_line(r.failed), "")))
            for r in result.replays
        ]  # fmt: skip
        _table(console, ("model replayed", "spikes other than a's", "than b's"), rows)
    for note in result.notes:
        _say(console, f"note: {note}")
    for cause in result.causes:
        sure = "cause" if cause.explains else "hint"
        _say(console, f"{sure}: {cause.signal}: {cause.text}")
    _verdict(console, result)


def _verdict(console: Console, result: TraceResult) -> None:
    first = result.first
    if first is None:
        at = f", b taken {shifted(result.offset)}" if result.offset else ""
        console.print(Text(f"same{at}", style=STYLES["good"]))
        return
    named = f"{first.population}[{first.neuron}]" if first.population else str(first.neuron)
    where = f"neuron {named}"
    what = f"{first.quantity} is {_number(first.expected)} in a, {_number(first.got)} in b"
    text = one_line(f"differ first at step {first.step}, {where}: {what}")
    console.print(Text(text, style=STYLES["bad"]), soft_wrap=True)


def _signal_row(s: SignalDiff) -> tuple[str, ...]:
    head = (s.name, f"{s.compared:,}", f"{s.differing:,}")
    if s.first is None:
        return (*head, _number(s.largest), "", "", "", "")
    f = s.first
    values = _number(f.expected), _number(f.got)
    if values[0] == values[1]:  # parted in digits that the short form leaves out
        values = repr(f.expected), repr(f.got)
    return (*head, _number(s.largest), str(f.step), str(f.neuron), *values)


def _distance_row(t: Trains) -> tuple[str, ...]:
    edit = "too many spikes" if t.victor_purpura is None else f"{t.victor_purpura:.4g}"
    counts = f"{t.spikes_a:,}", f"{t.spikes_b:,}"
    return (t.name, *counts, f"{t.van_rossum:.4g}", edit, f"{t.rate:+.4g}", str(t.worst))


def _number(value: float) -> str:
    return "unknown" if np.isnan(value) else f"{value:.9g}"


def _table(console: Console, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False)
    for k, head in enumerate(heads):
        table.add_column(head, justify="right" if k else "left")
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    console.print(table)


def _say(console: Console, text: str) -> None:
    console.print(Text(one_line(text)), soft_wrap=True)
