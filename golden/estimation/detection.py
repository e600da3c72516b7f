"""Spikes in a recorded potential, whether their peaks were sampled or only the reset was.

A peak is an excursion upwards and back; its samples say nothing of the membrane and are set
aside as missing. A spike is a drop of the size of ``v_th - v_reset`` from one sample to the
next, or across a peak. Ordinary steps and drops are taken as two normal classes of equal width,
and the limit between them is the one with the fewest errors (Bayes' rule). A drop across dropped
samples has no step that is known: the potential counts as lost there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["Detected", "detect", "without_peaks"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

CLEAR = 5.0
"""Standard deviations of a step at which a first look takes it for a jump."""


@dataclass(frozen=True, eq=False)
class Detected:
    """Spikes, and the potential without peaks.

    Parameters
    ----------
    v
        Potential with peaks set to ``nan``, ``(samples,)``.
    spikes
        Steps of the spikes, ascending.
    lost
        Samples before which a spike fell among dropped samples, ascending.
    peaks
        Number of samples set aside.
    doubt
        Expected share of spikes that were missed, from the two classes.
    """

    v: Array
    spikes: Index
    lost: Index
    peaks: int
    doubt: float


def detect(v: Array) -> Detected:
    """Find the spikes of ``v``, ``(samples,)``, ``nan`` where dropped."""
    width = _width(v)
    clean = _mask_peaks(v, width)
    seen = np.flatnonzero(np.isfinite(clean))
    jump = np.diff(clean[seen])
    limit, doubt = _limit(jump, _width(clean))
    at = np.flatnonzero(jump < -limit)
    left, right = seen[at], seen[at + 1]
    spikes, lost = [], []
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        between = np.isfinite(v[a + 1 : b])
        if b == a + 1:
            spikes.append(b)
        elif between.any():
            spikes.append(a + 1 + int(between.argmax()))
        else:
            lost.append(b)
    peaks = int(np.isfinite(v).sum()) - seen.size
    steps = np.array(spikes, dtype=np.int64)
    return Detected(clean, steps, np.array(lost, dtype=np.int64), peaks, doubt)


def without_peaks(v: Array, spikes: Index) -> Array:
    """``v`` with peaks at known ``spikes`` set to ``nan``: what lies clearly above the samples
    before a spike is no reset."""
    out = v.copy()
    inner = spikes[spikes > 0]
    if inner.size == 0:
        return out
    before = v[inner - 1]
    before = before[np.isfinite(before)]
    if before.size == 0:
        return out
    middle = float(np.median(before))
    limit = middle + max(CLEAR * _width(v), 2 * float(before.max() - middle))
    for k in spikes.tolist():
        while k < v.size and v[k] > limit:
            out[k] = np.nan
            k += 1
    return out


def _width(v: Array) -> float:
    """Robust standard deviation of the difference of neighbouring samples."""
    d = np.diff(v)
    d = d[np.isfinite(d)]
    return 1.4826 * float(np.median(np.abs(d - np.median(d)))) if d.size else 0.0


def _mask_peaks(v: Array, width: float) -> Array:
    """Set upward excursions to ``nan``: a jump up that is undone within the excursion."""
    out = v.copy()
    jump = np.diff(v)
    falls = -jump[jump < -CLEAR * width]
    if falls.size == 0:
        return out
    height = max(CLEAR * width, 0.5 * float(np.quantile(falls, 0.2)))
    for k in (np.flatnonzero(jump > height) + 1).tolist():
        if not np.isfinite(out[k]):
            continue
        level = v[k - 1] + 0.5 * height
        end = k
        while end < v.size and v[end] > level:
            end += 1
        # It must come back: a jump up that stays is a step of the input.
        if end < v.size and np.isfinite(v[end]) and v[end - 1] - v[end] > height:
            out[k:end] = np.nan
    return out


def _limit(jump: Array, width: float) -> tuple[float, float]:
    """Size from which a drop is a spike, and the share of spikes expected below it."""
    limit = CLEAR * width
    for _ in range(8):
        drops = -jump[jump < -limit]
        if drops.size == 0:
            return CLEAR * width, 0.0
        swing = float(np.median(drops))
        share = drops.size / jump.size
        better = 0.5 * swing
        if width > 0 and share < 0.5:
            better += width**2 / swing * float(np.log((1 - share) / share))
        limit = max(min(better, 0.9 * swing), 1e-300)
    if width == 0:
        return limit, 0.0
    return limit, float(ndtr((limit - swing) / width))
