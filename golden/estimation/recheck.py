"""A second look at detected spikes, with the samples around them and the neuron's own dynamics.

A single drop says less than the samples around it do. With a first estimate of the neuron each
drop of doubtful size is judged by the likelihood of a few samples before and behind it: did the
potential go on by itself, or cross the threshold and start from reset?
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidValue
from .baseline import starting_point
from .likelihood import rough_log_likelihood
from .noisy import Noisy
from .samples import Samples
from .segments import cut

__all__ = ["recheck"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

AROUND = 6
"""Samples before and behind a drop that judge it."""
SURE = 1.5
"""Drops of this many times the doubtful size are spikes without question."""


def recheck(s: Samples) -> Samples:
    """``s`` with its doubtful spikes judged, and none left in doubt."""
    if not len(s.weak) or len(s.windows) < 3:
        return s.replaced(s.windows)
    try:
        neuron = starting_point(s)
    except InvalidValue:
        return s.replaced(s.windows)
    sure = np.array([_drop(s, w) for w in s.windows.tolist()])
    doubtful = sure < SURE * np.array([_drop(s, w) for w in s.weak.tolist()]).max()
    fixed = s.windows[~doubtful]
    tried = np.concatenate([s.windows[doubtful], s.weak])
    found = [w for w in tried.tolist() if _fires(s, neuron, w, fixed)]
    kept = np.concatenate([fixed, np.array(found, dtype=np.int64).reshape(-1, 2)])
    return s.replaced(_apart(kept[np.argsort(kept[:, 0])], s))


def _drop(s: Samples, window: list[int]) -> float:
    """Size of the drop across a window; across a peak or at an end, without question."""
    before, behind = s.y[max(window[0] - 1, 0)], s.y[min(window[1], s.y.size - 1)]
    drop = float(before - behind)
    return drop if np.isfinite(drop) else np.inf


def _fires(s: Samples, neuron: Noisy, window: list[int], fixed: Index) -> bool:
    first, last = window
    # No further than the spikes around it.
    before = fixed[fixed[:, 1] < first, 1]
    behind = fixed[fixed[:, 0] > last, 0]
    low = max(first - AROUND, 0, int(before.max(initial=-1)) + s.hold + 1)
    if low >= first:
        return False
    high = min(last + AROUND + 1, s.y.size, int(behind.min(initial=s.y.size)))
    y, x = s.y[low:high], s.x[low:high]

    def value(spikes: list[int]) -> float:
        steps = np.array(spikes, dtype=np.int64)
        seg = cut(y, x, np.stack([steps, steps], axis=1), s.hold, y.size)
        return rough_log_likelihood(seg, neuron, s.dt)

    fires = [value([k - low]) for k in range(first, last + 1)]
    return float(np.logaddexp.reduce(fires)) > value([])


def _apart(windows: Index, s: Samples) -> Index:
    """Of windows closer than the refractory period the one with the larger drop."""
    kept: list[list[int]] = []
    for window in windows.tolist():
        if kept and window[0] - kept[-1][1] <= s.hold:
            if _drop(s, window) > _drop(s, kept[-1]):
                kept[-1] = window
            continue
        kept.append(window)
    return np.array(kept, dtype=np.int64).reshape(-1, 2)
