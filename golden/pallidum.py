"""Spike trains of pallidal afferents: the same rate in four patterns, and what they inhibit."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import require

__all__ = ["Pattern", "afferent_spikes", "filtered"]

BURST = 5
"""Spikes of a burst, 4 ms apart."""
INTERVAL = 4e-3


class Pattern(StrEnum):
    """How the spikes of the afferents lie in time; all have the same mean rate."""

    REGULAR = "regular"
    """evenly spaced, every afferent with its own phase"""
    IRREGULAR = "irregular"
    """Poisson, independent"""
    BURSTING = "bursting"
    """bursts of five, every afferent with its own phase"""
    SYNCHRONOUS = "synchronous"
    """the same bursts in all afferents, each spike shifted by up to 2 ms"""


def afferent_spikes(
    pattern: Pattern, rate: float, afferents: int, duration: float, dt: float, seed: int
) -> NDArray[np.int64]:
    """Spikes of all afferents together in each step, ``(steps,)``.

    Raises
    ------
    InvalidValue
        For a rate below 0 or so high that bursts would overlap.
    """
    top = BURST / (BURST * INTERVAL + 5e-3)
    require(0 <= rate <= top, "rate", rate, f"0 to {top:g} Hz")
    require(afferents >= 1, "afferents", afferents, "at least 1")
    rng = np.random.default_rng([seed, 8])
    steps = int(np.ceil(duration / dt))
    if rate == 0:
        return np.zeros(steps, dtype=np.int64)
    if pattern is Pattern.IRREGULAR:
        return np.asarray(rng.poisson(rate * afferents * dt, steps), dtype=np.int64)
    times: list[NDArray[Any]] = []
    period = 1.0 / rate if pattern is Pattern.REGULAR else BURST / rate
    shared = rng.random()
    for _ in range(afferents):
        phase = shared if pattern is Pattern.SYNCHRONOUS else rng.random()
        starts = (np.arange(-1, int(duration / period) + 2) + phase) * period
        if pattern is Pattern.REGULAR:
            times.append(starts)
            continue
        spikes = (starts[:, None] + INTERVAL * np.arange(BURST)).ravel()
        if pattern is Pattern.SYNCHRONOUS:
            spikes = spikes + 2e-3 * rng.random(spikes.size)
        times.append(spikes)
    at = np.floor(np.concatenate(times) / dt).astype(np.int64)
    return np.bincount(at[(at >= 0) & (at < steps)], minlength=steps).astype(np.int64)


def filtered(spikes: NDArray[np.int64], peak: float, tau: float, dt: float) -> NDArray[np.float64]:
    """Conductance in siemens of each step: every spike adds ``peak``, all decay with ``tau``."""
    require(peak >= 0, "peak", peak, "0 S or greater")
    require(tau > 0, "tau", tau, "above 0 s")
    keep = float(np.exp(-dt / tau))
    out = np.empty(spikes.size)
    g = 0.0
    for k, n in enumerate(spikes.tolist()):
        g = g * keep + peak * n
        out[k] = g
    return out
