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
    """

    y: Array
    x: Array
    length: Index
    fired: NDArray[np.bool_]
    known: NDArray[np.bool_]
    origin: Index
    held: Array

    @property
    def n(self) -> int:
        """Number of segments."""
        return int(self.length.size)

    @property
    def running(self) -> Index:
        """How many segments have a state ``t``, ``(steps + 2,)``."""
        t = np.arange(self.y.shape[0])
        return np.asarray(np.searchsorted(-self.length, -t, side="right"), dtype=np.int64)


def cut(
    y: Array, x: Array, spikes: Index, hold: int, longest_gap: int, lost: Index | None = None
) -> Segments:
    """Cut samples ``y`` (``nan``: dropped) at spikes and at gaps of more than ``longest_gap``.

    Parameters
    ----------
    y, x
        Potential and input current, ``(samples,)``.
    spikes
        Steps of the spikes, ascending, more than ``hold`` apart.
    hold
        Steps for which the membrane is held after the spike's own.
    longest_gap
        Missing samples in a row that are bridged; beyond, the potential counts as lost.
    lost
        Samples before which the potential counts as lost in any case.
    """
    breaks = np.zeros(y.size + 1, dtype=np.int64)
    if lost is not None:
        breaks[lost] = 1
    breaks = np.cumsum(breaks)
    pieces: list[tuple[int, int, bool, bool]] = []
    held: list[tuple[int, int]] = []
    starts = np.concatenate([[-1], spikes])
    ends = np.concatenate([spikes, [y.size]])
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        known, fired = start >= 0, end < y.size
        origin = min(start + hold, y.size - 1) if known else 0
        for piece in _stretches(y, origin, end, known, fired, longest_gap, breaks):
            held.append((start, origin + 1) if piece[2] else (0, 0))
            pieces.append(piece)
    return _packed(y, x, pieces, held)


def _stretches(
    y: Array, origin: int, end: int, known: bool, fired: bool, longest_gap: int, breaks: Index
) -> list[tuple[int, int, bool, bool]]:
    """``(origin, last state's sample, known, fired)`` of the segments between two spikes."""
    seen = origin + np.flatnonzero(np.isfinite(y[origin:end]))
    if known:
        seen = np.concatenate([[origin], seen[seen > origin]])
    if seen.size == 0:
        return []
    edges = np.append(seen, end) if fired else seen
    wide = np.flatnonzero((np.diff(edges) - 1 > longest_gap) | (np.diff(breaks[edges]) > 0))
    out: list[tuple[int, int, bool, bool]] = []
    first = 0
    for k in wide.tolist():
        out.append((int(seen[first]), int(seen[k]), known and first == 0, False))
        first = k + 1
    if first < seen.size:
        last = end - 1 if fired else int(seen[-1])
        out.append((int(seen[first]), last, known and first == 0, fired))
    return out


def _packed(
    y: Array, x: Array, pieces: list[tuple[int, int, bool, bool]], held: list[tuple[int, int]]
) -> Segments:
    pairs = [
        (p, h) for p, h in zip(pieces, held, strict=True) if p[1] > p[0] or p[3] or h[1] > h[0]
    ]
    pairs.sort(key=lambda pair: pair[0][0] - pair[0][1])
    origin = np.array([p[0] for p, _ in pairs], dtype=np.int64)
    length = np.array([p[1] for p, _ in pairs], dtype=np.int64) - origin
    known = np.array([p[2] for p, _ in pairs], dtype=bool)
    fired = np.array([p[3] for p, _ in pairs], dtype=bool)
    steps = int(length.max(initial=0))
    t = np.arange(steps + 2)[:, None]
    sample = np.minimum(origin + t, y.size - 1)
    seen = np.where(t <= length, y[sample], np.nan)
    seen[0, known] = np.nan
    sums = np.zeros((3, len(pairs)))
    for j, (_, (start, stop)) in enumerate(pairs):
        part = y[start:stop]
        part = part[np.isfinite(part)]
        sums[:, j] = part.size, part.sum(), part @ part
    return Segments(seen, x[sample], length, fired, known, origin, sums)
