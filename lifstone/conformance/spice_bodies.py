"""Systems with channels, and noise, as circuits."""

from __future__ import annotations

import numpy as np

from ..golden import Difference, Status, Verdict
from ..golden.fidelity import match_spikes
from ..golden.systems import Check
from ..sim.spice_noise import run_noise
from ..sim.spice_systems import Waves, run_case
from .cell import Outcome, Overlay, from_checks, from_verdict

__all__ = ["noise", "spice"]

NOISE_WINDOWS = 12


def spice(system: str) -> Outcome:
    """Run the circuit and compare its spikes, or its potential, with the reference."""
    if system == "noise":
        return noise()
    w = run_case(system)
    verdict = _times(w) if w.times is None else _potential(w)
    outcome = from_verdict(verdict, w.stimulus, because=w.because, against=w.against)
    if w.times is None:
        return outcome
    overlay = Overlay("time (s)", "potential (V)", w.times, w.expected, w.found)
    return Outcome(**{**vars(outcome), "overlay": overlay})


def noise() -> Outcome:
    """The rate of a noisy membrane against the Fokker-Planck equation of the plane."""
    run = run_noise(NOISE_WINDOWS)
    check = Check.sigma(
        "rate under coloured noise", run.rate, run.reference, run.error, 4.0, "Hz",
        "Fokker-Planck equation on cells of the plane",
        "four standard errors of the counts: one seed in 16,000 would differ by more",
    )  # fmt: skip
    return from_checks([check], f"{NOISE_WINDOWS} windows of 0.3 s of noise", 7)


def _times(w: Waves) -> Verdict:
    if w.expected.size == 0:
        raise RuntimeError("the reference has no spike to compare")
    worst, failed = match_spikes(w.expected, w.found, w.tolerance)
    if failed is None:
        return Verdict(
            "spice", w.against, Status.WITHIN, w.expected.size, worst, w.tolerance, w.unit
        )
    a, b = (float(x[failed]) if failed < x.size else np.nan for x in (w.expected, w.found))
    where = Difference(failed, "membrane", 0, f"time of spike {failed} (s)", a, b)
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
