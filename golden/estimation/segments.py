"""A recording cut where the potential is known or lost, so that the pieces can be filtered at once.

A spike puts the membrane at ``v_reset`` whatever came before: given the parameters, the stretches
between spikes are independent. A segment is one such stretch of free (not held) steps. It starts
from the reset, or from an unknown potential where the recording starts or was cut, and it ends
with a spike, or open where the recording ends or is cut.

States of a segment are numbered from 0, its start, to ``length``; a spike, if there is one, is
step ``length + 1``. Segments are sorted, the longest first, and arrays are step-major, so that
the segments still running at a step are a leading slice.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Segments", "cut"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Segments:
    """``n`` segments of at most ``steps`` states behind the start.

    Parameters
    ----------
    y
        Observed potential of each state, ``(steps + 2, n)``; ``nan`` where there is none. Row 0
        is the start of a segment from an unknown potential and ``nan`` for one from reset.
    x
        Input current of the step into each state, ``(steps + 2, n)``.
    length
        Last state that is known not to have fired, ``(n,)``, descending.
    fired
        Whether step ``length + 1`` is a spike, ``(n,)``.
    known
        Whether the start is the reset potential, ``(n,)``.
    origin
        Sample of the recording that state 0 is, ``(n,)``.
    held
        Number, sum and sum of squares of the samples at reset and while held, ``(3, n)``.
    place
        Where a segment belongs, ``(3, n)``: interval between spikes, and which of the steps
        that the spike before and the spike behind may have fallen on. See :mod:`.hidden`.
    """

    y: Array
    x: Array
    length: Index
    fired: NDArray[np.bool_]
    known: NDArray[np.bool_]
    origin: Index
    held: Array
    place: Index

    @property
    def n(self) -> int:
        """Number of segments."""
        return int(self.length.size)

    @property
    def running(self) -> Index:
        """How many segments have a state ``t``, ``(steps + 2,)``."""
        t = np.arange(self.y.shape[0])
        return np.asarray(np.searchsorted(-self.length, -t, side="right"), dtype=np.int64)


def cut(y: Array, x: Array, windows: Index, hold: int, longest_gap: int) -> Segments:
    """Cut samples ``y`` (``nan``: dropped) at spikes and at gaps of more than ``longest_gap``.

    Parameters
    ----------
    y, x
        Potential and input current, ``(samples,)``.
    windows
        First and last step on which each spike may have fallen, ascending, ``(spikes, 2)``. An
        interval is cut out once for every pair of such steps more than ``hold`` apart.
    hold
        Steps for which the membrane is held after the spike's own.
    longest_gap
        Missing samples in a row that are bridged; beyond, the potential counts as lost.
    """
    edges = [[-1], *(list(range(a, b + 1)) for a, b in windows.tolist()), [y.size]]
    pieces: list[_Piece] = []
    for i, (before, behind) in enumerate(itertools.pairwise(edges)):
        for (j, start), (k, end) in itertools.product(enumerate(before), enumerate(behind)):
            if end - start > hold or start < 0 or end == y.size:
                pieces += _stretches(y, (start, end), hold, longest_gap, (i, j, k))
    return _packed(y, x, pieces)


@dataclass(frozen=True)
class _Piece:
    """Samples ``first`` to ``last``, both states; ``held`` are samples at reset before them."""

    first: int
    last: int
    known: bool
    fired: bool
    held: tuple[int, int]
    place: tuple[int, int, int]

    @property
    def useful(self) -> bool:
        """Whether it says anything about the neuron."""
        return self.last > self.first or self.fired or self.held[1] > self.held[0]


def _stretches(
    y: Array, span: tuple[int, int], hold: int, longest_gap: int, place: tuple[int, int, int]
) -> list[_Piece]:
    """The pieces between two spikes, or between a spike and an end of the recording."""
    start, end = span
    known, fired = start >= 0, end < y.size
    origin = min(start + hold, y.size - 1) if known else 0
    seen = origin + np.flatnonzero(np.isfinite(y[origin:end]))
    if known:
        seen = np.concatenate([[origin], seen[seen > origin]])
    if seen.size == 0:
        return []
    edges = np.append(seen, end) if fired else seen
    out: list[_Piece] = []
    first = 0
    for k in np.flatnonzero(np.diff(edges) - 1 > longest_gap).tolist():
        out.append(_piece(seen, first, int(seen[k]), known, False, start, place))
        first = k + 1
    if first < seen.size:
        last = end - 1 if fired else int(seen[-1])
        out.append(_piece(seen, first, last, known, fired, start, place))
    return [piece for piece in out if piece.useful]


def _piece(
    seen: Index,
    first: int,
    last: int,
    known: bool,
    fired: bool,
    start: int,
    place: tuple[int, int, int],
) -> _Piece:
    known = known and first == 0
    origin = int(seen[first])
    return _Piece(origin, last, known, fired, (start, origin + 1) if known else (0, 0), place)


def _packed(y: Array, x: Array, pieces: list[_Piece]) -> Segments:
    pieces = sorted(pieces, key=lambda piece: piece.first - piece.last)
    origin = np.array([p.first for p in pieces], dtype=np.int64)
    length = np.array([p.last for p in pieces], dtype=np.int64) - origin
    known = np.array([p.known for p in pieces], dtype=np.bool_)
    fired = np.array([p.fired for p in pieces], dtype=np.bool_)
    t = np.arange(int(length.max(initial=0)) + 2)[:, None]
    sample = np.minimum(origin + t, y.size - 1)
    seen = np.where(t <= length, y[sample], np.nan)
    seen[0, known] = np.nan
    sums = np.zeros((3, len(pieces)))
    for j, piece in enumerate(pieces):
        part = y[slice(*piece.held)]
        part = part[np.isfinite(part)]
        sums[:, j] = part.size, part.sum(), part @ part
    place = np.array([p.place for p in pieces], dtype=np.int64).reshape(-1, 3).T
    return Segments(seen, x[sample], length, fired, known, origin, sums, place)
