"""One cell of the matrix: a verdict, what it rests on, and how to get it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..golden import Status, Verdict
from ..golden.systems import Check

__all__ = ["BODIES", "MatrixCell", "Outcome", "Overlay", "from_checks", "from_verdict", "joined"]

BODIES = ("golden", "network", "rtl", "spice")
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Overlay:
    """Two traces over each other, around where they first part or over the whole run."""

    x_label: str
    y_label: str
    x: Array
    reference: Array
    body: Array


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a body of a system gave.

    Parameters
    ----------
    status
        ``exact``, ``proved``, ``within`` or ``deviates``; ``skipped`` where the body does not
        apply, with the ``reason``.
    verdict
        The sentence.
    figure, tolerance, unit
        The measured distance that came nearest to its tolerance.
    against, because
        What it was compared with, and why the tolerance is what it is.
    stimulus, seed
        What was applied.
    checks
        All figures of the cell, the nearest to its tolerance first.
    overlay
        Traces to draw, if any.
    """

    status: Status
    verdict: str
    figure: float | None
    tolerance: float | None
    unit: str
    against: str
    because: str
    stimulus: str
    seed: int | None = None
    checks: tuple[Check, ...] = ()
    overlay: Overlay | None = None


@dataclass(frozen=True, eq=False)
class MatrixCell:
    """An outcome in its place."""

    system: str
    number: int
    body: str
    outcome: Outcome
    seconds: float
    command: str = field(default="")

    def __post_init__(self) -> None:
        command = f"lifstone conformance --system {self.system} --body {self.body}"
        object.__setattr__(self, "command", command)

    @property
    def agrees(self) -> bool:
        """Whether the body does what its reference does, or does not apply."""
        return self.outcome.status is not Status.DEVIATES

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        o = self.outcome
        return {
            "system": self.system,
            "number": self.number,
            "body": self.body,
            "verdict": o.verdict,
            "status": str(o.status),
            "figure": o.figure,
            "tolerance": o.tolerance,
            "unit": o.unit,
            "against": o.against,
            "because": o.because,
            "stimulus": o.stimulus,
            "seed": o.seed,
            "checks": [
                {"name": c.name, "error": c.error, "tolerance": c.tolerance, "kind": c.kind,
                 "value": c.value, "reference": c.reference, "unit": c.unit, "holds": c.holds,
                 "against": c.against, "because": c.because}
                for c in o.checks
            ],
            "seconds": round(self.seconds, 2),
            "command": self.command,
        }  # fmt: skip


def _share(c: Check) -> float:
    """Error as a share of its tolerance; infinite where an exact check fails."""
    if c.tolerance == 0:
        return 0.0 if c.holds else float("inf")
    return c.error / c.tolerance if np.isfinite(c.error) else float("inf")


def _unit(c: Check) -> str:
    unit = "" if c.unit == "1" else c.unit
    return {"relative": "relative", "sigma": "standard errors"}.get(c.kind, unit)


def from_checks(checks: Sequence[Check], stimulus: str, seed: int | None = None) -> Outcome:
    """The outcome of figures with tolerances; exact if no tolerance is above 0."""
    ordered = sorted(checks, key=_share, reverse=True)
    worst = ordered[0]
    failed = [c for c in ordered if not c.holds]
    unit = _unit(worst)
    if failed:
        verdict = (
            f"deviates: {worst.name} is {worst.value:.6g} instead of {worst.reference:.6g}, "
            f"off by {worst.error:.3g} {unit} where {worst.tolerance:.3g} is allowed"
        )
        status = Status.DEVIATES
    elif all(c.tolerance == 0 for c in checks):
        status, verdict = Status.EXACT, "exact"
    else:
        status = Status.WITHIN
        # A number without a unit says nothing alone.
        what = unit or f"({worst.name})"
        verdict = f"within {worst.tolerance:.3g} {what}"
    return Outcome(
        status, verdict, worst.error, worst.tolerance, unit, worst.against, worst.because,
        stimulus, seed, tuple(ordered),
    )  # fmt: skip


def from_verdict(
    v: Verdict, stimulus: str, *, seed: int | None = None, because: str = "", against: str = ""
) -> Outcome:
    """The outcome of a comparison of traces."""
    figure = v.figure if v.figure is not None else (0.0 if v.status is Status.EXACT else None)
    return Outcome(
        v.status,
        str(v),
        figure,
        0.0 if v.status is Status.EXACT else v.tolerance,
        v.unit,
        against or v.reference,
        because or ("bit for bit" if v.status is Status.EXACT else v.reason),
        stimulus,
        seed,
    )


def joined(outcomes: Sequence[Outcome]) -> Outcome:
    """One outcome of several of the same cell: the first that deviates, else the loosest."""
    order = [Status.DEVIATES, Status.WITHIN, Status.EXACT, Status.PROVED, Status.SKIPPED]
    return min(outcomes, key=lambda o: order.index(o.status))
