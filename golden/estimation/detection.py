"""Spikes in a recorded potential, whether their peaks were sampled or only the reset was.

A peak is an excursion upwards and back; its samples say nothing of the membrane and are set
aside as missing. A spike is a drop of the size of ``v_th - v_reset`` from one sample to the
next, or across a peak. Ordinary steps and drops are taken as two normal classes of equal width,
and the limit between them is the one with the fewest errors (Bayes' rule). A drop across dropped
samples has no step that is known, only a first and a last one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["Detected", "detect", "without_artefacts", "without_peaks"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

ARTEFACT = 8.0
"""Standard deviations of a step off both neighbours at which a sample is an artefact."""
LONGEST_ARTEFACT = 3
"""Samples that an artefact lasts at most."""
WEAK = 0.6
"""Share of the smallest drop of a spike from which a drop may be one after all."""
CLEAR = 5.0
"""Standard deviations of a step at which a first look takes it for a jump."""


@dataclass(frozen=True, eq=False)
class Detected:
    """Spikes, and the potential without peaks.

    Parameters
    ----------
    v
        Potential with peaks set to ``nan``, ``(samples,)``.
    windows
        First and last step on which each spike may have fallen, ascending, ``(spikes, 2)``:
        equal unless samples were dropped there.
    weak
        Where a drop was too small for a spike but not by much, as ``windows``.
    peaks
        Number of samples set aside.
    doubt
        Expected share of spikes that were missed, from the two classes.
    """

    v: Array
    windows: Index
    weak: Index
    peaks: int
    doubt: float


def detect(v: Array, longest_gap: int = 4) -> Detected:
    """Find the spikes of ``v``, ``(samples,)``, ``nan`` where dropped.

    A drop across more than ``longest_gap`` dropped samples is not taken for a spike: the
    potential may have fallen there by itself.
    """
    clean = _mask_peaks(v, _width(v))
    seen = np.flatnonzero(np.isfinite(clean))
    jump = np.diff(clean[seen])
    limit, doubt = _limit(jump, _width(clean))
    peaks = int(np.isfinite(v).sum()) - seen.size
    windows = _windows(v, seen, np.flatnonzero(jump < -limit), longest_gap)
    small = np.flatnonzero((jump < -WEAK * limit) & (jump >= -limit))
    return Detected(clean, windows, _windows(v, seen, small, longest_gap), peaks, doubt)


def _windows(v: Array, seen: Index, at: Index, longest_gap: int) -> Index:
    """First and last step of the spikes between samples ``seen[at]`` and the next."""
    windows = []
    for a, b in zip(seen[at].tolist(), seen[at + 1].tolist(), strict=True):
        peak = np.flatnonzero(np.isfinite(v[a + 1 : b]))
        if peak.size:
            # The first sample of the peak is the spike's step.
            windows.append((a + 1 + int(peak[0]),) * 2)
        elif b - a - 1 <= longest_gap:
            windows.append((a + 1, b))
    return np.array(windows, dtype=np.int64).reshape(-1, 2)


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


def without_artefacts(v: Array, kept: Index, upwards: bool = True) -> Array:
    """``v`` with excursions of up to three samples set to ``nan``, up or down and back.

    They are no normal noise, and a filter that took them for it would be led astray. One down
    that touches ``kept``, the samples around spikes, is a reset and stays. A recording in which
    excursions are common is left as it is: they belong to it. Those ``upwards`` may be peaks.
    """
    limit = ARTEFACT * _width(v)
    seen = np.flatnonzero(np.isfinite(v))
    y, jump = v[seen], np.diff(v[seen])
    free = ~np.isin(seen, kept)
    out = v.copy()
    if limit == 0:
        return out
    for k in (np.flatnonzero(np.abs(jump) > limit) + 1).tolist():
        for end in range(k + 1, min(k + 1 + LONGEST_ARTEFACT, y.size)):
            back = y[end] - y[end - 1]
            if abs(back) > limit and back * jump[k - 1] < 0 and abs(y[end] - y[k - 1]) < limit:
                if upwards if back < 0 else free[k - 1 : end + 1].all():
                    out[seen[k:end]] = np.nan
                break
    common = np.isfinite(v).sum() - np.isfinite(out).sum() > 0.01 * seen.size
    return v.copy() if common else out


def _width(v: Array) -> float:
    """Robust standard deviation of the difference of neighbouring samples."""
    d = np.diff(v)
    d = d[np.isfinite(d)]
    return 1.4826 * float(np.median(np.abs(d - np.median(d)))) if d.size else 0.0


def _mask_peaks(v: Array, width: float) -> Array:
    """Set upward excursions to ``nan``: a jump up that is undone where the excursion ends."""
    seen = np.flatnonzero(np.isfinite(v))
    y = v[seen]
    jump = np.diff(y)
    falls = -jump[jump < -CLEAR * width]
    out = v.copy()
    if falls.size == 0:
        return out
    height = max(CLEAR * width, 0.5 * float(np.quantile(falls, 0.2)))
    for k in (np.flatnonzero(jump > height) + 1).tolist():
        end = k
        while end < y.size and y[end] > y[k - 1] + 0.5 * height:
            end += 1
        # It must come back, or end with the recording: a jump up that stays is the input's.
        back = y[end - 1] - y[end] > height if end < y.size else end - k <= LONGEST_ARTEFACT
        if back:
            out[seen[k:end]] = np.nan
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
