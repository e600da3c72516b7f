"""Mismatch of transistors after Pelgrom: smaller gates differ more.

The difference of two like transistors has ``sigma(dV_t) = A_vt / sqrt(W L)`` and
``sigma(dbeta / beta) = A_beta / sqrt(W L)``; each transistor gets its share ``1 / sqrt(2)``.
Source: Pelgrom, Duinmaijer & Welbers, IEEE J. Solid-State Circuits 24, 1433 (1989).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..golden.errors import require
from .technology import Shift, Technology, Transistor

__all__ = ["draw_shifts", "sigma"]

LIMIT = 5.0
"""Draws beyond so many sigmas are cut: one in a million, and no model holds there."""


def sigma(technology: Technology, t: Transistor) -> Shift:
    """Standard deviations of one transistor."""
    a_vt, a_beta = technology.mismatch
    root = float(np.sqrt(2.0 * t.size.area))
    return Shift(a_vt / root, a_beta / root)


def draw_shifts(
    technology: Technology, transistors: Sequence[Transistor], seed: int
) -> dict[str, Shift]:
    """Shifts of every transistor by name; the same seed gives the same die.

    Raises
    ------
    InvalidValue
        For a seed that is no whole number of at least 0.
    """
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    require(whole and seed >= 0, "seed", seed, "a whole number of at least 0")
    draws = np.random.default_rng(int(seed)).standard_normal((len(transistors), 2))
    draws = np.clip(draws, -LIMIT, LIMIT)
    out = {}
    for t, (v, b) in zip(transistors, draws, strict=True):
        s = sigma(technology, t)
        out[t.name] = Shift(float(v * s.v_t), float(b * s.beta))
    return out
