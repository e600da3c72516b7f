"""Systems with channels, and noise, as circuits."""

from __future__ import annotations

import numpy as np

from ..golden import Difference, Status, Verdict
from ..golden.fidelity import match_spikes
from ..sim.spice_systems import Waves, run_case
from .cell import Outcome, Overlay, from_verdict

__all__ = ["spice"]

FINE = 2000
"""Points of a drawn waveform."""


def spice(system: str) -> Outcome:
    """Run the circuit and compare its spikes, or its potential, with the reference."""
    w = run_case(system)
    verdict = _times(w) if w.times is None else _potential(w)
    outcome = from_verdict(verdict, w.stimulus, because=w.because, against=w.against)
    if w.times is None:
        return outcome
    overlay = Overlay("time (s)", "potential (V)", w.times, w.expected, w.found)
    return Outcome(**{**vars(outcome), "overlay": overlay})


def _times(w: Waves) -> Verdict:
    if w.expected.size == 0:
        raise RuntimeError("the reference has no spike to compare")
    worst, failed = match_spikes(w.expected, w.found, w.tolerance)
    if failed is None:
        return Verdict(
            "spice", w.against, Status.WITHIN, w.expected.size, worst, w.tolerance, w.unit
        )
    pair = [float(a[failed]) if failed < a.size else np.nan for a in (w.expected, w.found)]
    where = Difference(failed, "membrane", 0, f"time of spike {failed} (s)", *pair)
    return Verdict(
        "spice", w.against, Status.DEVIATES, w.expected.size, worst, w.tolerance, w.unit, where,
        "the circuit's spikes leave the reference there",
    )  # fmt: skip


def _potential(w: Waves) -> Verdict:
    apart = np.abs(w.found - w.expected)
    worst = float(apart.max())
    status = Status.WITHIN if worst <= w.tolerance else Status.DEVIATES
    where = None
    if status is Status.DEVIATES:
        k = int(np.flatnonzero(apart > w.tolerance)[0])
        where = Difference(k, "membrane", 0, "v", float(w.expected[k]), float(w.found[k]))
    return Verdict(
        "spice", w.against, status, w.expected.size, worst, w.tolerance, w.unit, where,
        "" if where is None else "the circuit's potential leaves the reference there",
    )  # fmt: skip
