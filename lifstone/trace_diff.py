"""Two traces side by side: where they part first, by how much, and at which offset they agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .golden import Difference
from .golden.errors import require
from .golden.spike_distance import rate_difference, van_rossum, victor_purpura
from .trace_names import SPIKE, Array, Name, TraceData, label

__all__ = ["Aligned", "Pairs", "SignalDiff", "Trains", "align", "best_offset", "compare_signals",
           "differing", "pair", "shifted", "trains"]  # fmt: skip

Pairs = Mapping[Name, tuple[Array, Array]]
MAX_PRODUCT = 200_000_000
"""Pairs of spikes up to which the cheapest edit is looked for."""


@dataclass(frozen=True)
class SignalDiff:
    """One signal of both traces; ``largest`` is the largest distance of two values."""

    name: str
    compared: int
    differing: int
    largest: float
    first: Difference | None


@dataclass(frozen=True)
class Trains:
    """Distances of the spikes of one population; ``worst`` is the neuron of largest van Rossum's.

    Over neurons, van Rossum's add up in squares and the costs of edits plainly. The rate is that
    of all neurons, in spikes a step.
    """

    name: str
    spikes_a: int
    spikes_b: int
    van_rossum: float
    victor_purpura: float | None
    rate: float
    worst: int


@dataclass(frozen=True, eq=False)
class Aligned:
    """The steps that both traces have, with ``b`` taken ``offset`` steps later than ``a``."""

    pairs: Pairs
    offset: int
    steps: int
    notes: tuple[str, ...] = ()


def pair(a: TraceData, b: TraceData, only: tuple[str, ...] = ()) -> tuple[Pairs, tuple[str, ...]]:
    """The signals that both have, by the names in ``a``, and in words what was left out.

    Where each side has one population, its name does not matter.

    Raises
    ------
    InvalidValue
        Without a common signal, for a name of ``only`` that is none, or other neuron counts.
    """
    other = {name: name for name in b.signals}
    populations = [{name[0] for name in t.signals} for t in (a, b)]
    if all(len(p) == 1 for p in populations):
        other = {(next(iter(populations[0])), q): (p, q) for p, q in b.signals}
    common = [name for name in a.signals if name in other]
    known = ", ".join(label(n) for n in b.signals)
    asked = f"{a.name}.signals", [label(n) for n in a.signals]
    require(bool(common), *asked, f"a signal of {b.name}: {known}")
    for text in only:
        names = [label(n) for n in common]
        require(text in names + [n[1] for n in common], "signal", text, ", ".join(names))
    chosen = [n for n in common if not only or {label(n), n[1]} & set(only)]
    alone = [f"{a.name}: {label(n)}" for n in a.signals if n not in other]
    alone += [f"{b.name}: {label(n)}" for n in b.signals if n not in other.values()]
    notes = (f"only in one trace, not compared: {', '.join(alone)}",) if alone and not only else ()
    out = {}
    for name in chosen:
        x, y = a.signals[name], b.signals[other[name]]
        x, y = _opened(x, y) if a.open_end else x, _opened(y, x) if b.open_end else y
        allowed = f"{x.shape[1]} as in {a.name}"
        require(x.shape[1] == y.shape[1], f"{b.name}.{label(name)}.neurons", y.shape[1], allowed)
        out[name] = (x, y)
    return out, notes


def _opened(events: Array, other: Array) -> Array:
    """A list of spikes, silent where only the other trace goes on."""
    more = [max(0, other.shape[k] - events.shape[k]) for k in (0, 1)]
    return np.pad(events, ((0, more[0]), (0, more[1])))


def align(pairs: Pairs, offset: int = 0) -> Aligned:
    """The common steps at ``offset``; longer traces are cut, and a note says so."""
    begin, later = max(0, -offset), max(0, offset)
    x, y = next(iter(pairs.values()))
    steps = min(len(x) - begin, len(y) - later)
    require(steps > 0, "offset", offset, f"less than {min(len(x), len(y))} steps")
    cut = {n: (p[begin : begin + steps], q[later : later + steps]) for n, (p, q) in pairs.items()}
    notes: tuple[str, ...] = ()
    if len(x) != len(y):
        longer = "a" if len(x) > len(y) else "b"
        notes = (f"{longer} has {_counted(abs(len(x) - len(y)))} more, not compared",)
    return Aligned(cut, offset, steps, notes)


def shifted(offset: int) -> str:
    """An offset in words, such as ``2 steps later``."""
    return f"{_counted(abs(offset))} {'later' if offset > 0 else 'earlier'}"


def _counted(steps: int) -> str:
    """A number of steps in words."""
    return f"{steps:,} step{'s' * (steps != 1)}"


def differing(x: Array, y: Array, tolerance: float) -> Any:
    """Where two values differ; unknown on both sides is no difference."""
    if tolerance == 0.0:
        return (x != y) & ~(np.isnan(x) & np.isnan(y))
    return ~(np.abs(x - y) <= tolerance) & ~(np.isnan(x) & np.isnan(y))


def best_offset(pairs: Pairs, most: int, tolerance: float) -> tuple[int, float]:
    """The offset of up to ``most`` steps that leaves the least share of values apart; the share.

    Spikes decide where there are any; the shortest offset of equal ones is taken, and none that
    does not halve the share. An overlap below half of the trace, or in which nothing happens,
    tells nothing.
    """
    spikes = {n: p for n, p in pairs.items() if n[1] == SPIKE and p[0].any() and p[1].any()}
    used = spikes or pairs
    x, y = next(iter(used.values()))
    half = min(len(x), len(y)) / 2
    none = _share(align(used), tolerance)
    best = (0, none)
    for size in range(1, min(most, int(half)) + 1):
        for offset in (size, -size):
            moved = align(used, offset)
            share = _share(moved, tolerance)
            if share <= none / 2 and share < best[1] and _busy(moved):
                best = (offset, share)
    return best


def _busy(aligned: Aligned) -> bool:
    """Whether something happens in both traces."""
    return any(
        bool((x[1:] != x[:-1]).any()) and bool((y[1:] != y[:-1]).any())
        for x, y in aligned.pairs.values()
    )


def _share(aligned: Aligned, tolerance: float) -> float:
    wrong = [differing(x, y, tolerance if n[1] != SPIKE else 0.0).mean()
             for n, (x, y) in aligned.pairs.items()]  # fmt: skip
    return float(np.mean(wrong))


def compare_signals(aligned: Aligned, tolerance: float = 0.0) -> tuple[SignalDiff, ...]:
    """Each signal by itself; steps count from the beginning of ``a``.

    ``tolerance`` is the distance that two states may have, in their own unit.
    """
    out = []
    begin = max(0, -aligned.offset)
    for (population, quantity), (x, y) in aligned.pairs.items():
        wrong = differing(x, y, 0.0 if quantity == SPIKE else tolerance)
        first = None
        if wrong.any():
            k, j = (int(c) for c in np.argwhere(wrong)[0])
            values = float(x[k, j]), float(y[k, j])
            first = Difference(begin + k, population, j, quantity, *values)
        apart = np.abs(x - y)
        largest = float(np.nanmax(apart)) if not np.isnan(apart).all() else np.nan
        name = label((population, quantity))
        out.append(SignalDiff(name, int(x.size), int(wrong.sum()), largest, first))
    return tuple(out)


def trains(aligned: Aligned, tau: float, cost: float) -> tuple[Trains, ...]:
    """Distances of all spikes; ``tau`` in steps, ``cost`` of a move by one step."""
    out = []
    for name, (x, y) in aligned.pairs.items():
        if name[1] != SPIKE:
            continue
        one, two = x == 1.0, y == 1.0
        moved = np.flatnonzero((one != two).any(axis=0))
        pairs = {int(j): (np.flatnonzero(one[:, j]), np.flatnonzero(two[:, j])) for j in moved}
        squares = {j: van_rossum(p, q, tau) ** 2 for j, (p, q) in pairs.items()}
        product = sum(p.size * q.size for p, q in pairs.values())
        edit = None
        if product <= MAX_PRODUCT:
            edit = float(sum(victor_purpura(p, q, cost) for p, q in pairs.values()))
        out.append(
            Trains(
                label(name), int(one.sum()), int(two.sum()), float(np.sqrt(sum(squares.values()))),
                edit, rate_difference(*_all(one, two), aligned.steps),
                max(squares, key=lambda j: squares[j], default=0),
            )
        )  # fmt: skip
    return tuple(out)


def _all(one: Any, two: Any) -> tuple[Array, Array]:
    """The spike times of all neurons together."""
    first, second = (np.nonzero(s)[0].astype(np.float64) for s in (one, two))
    return first, second
