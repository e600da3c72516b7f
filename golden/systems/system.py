"""What a system is, and what running it gives: curves, headline figures and checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import require

__all__ = ["Check", "Figure", "Panel", "Result", "Series", "System"]

Array = NDArray[Any]
"""Numbers of any kind; they become float64."""


@dataclass(frozen=True, eq=False)
class Series:
    """One curve: ``x`` and ``y`` of the same shape ``(n,)``.

    ``role`` is ``model`` (what the system did), ``reference`` (the closed form or independent
    method it is held against) or ``context`` (a threshold, another regime). ``error`` is the
    standard error of ``y``, ``(n,)``, or ``None``. ``style`` is ``line``, ``points``, ``steps``
    or ``spikes`` (``x`` are times, ``y`` rows).
    """

    label: str
    x: Array
    y: Array
    role: str = "model"
    style: str = "line"
    error: Array | None = None

    def __post_init__(self) -> None:
        require(self.role in ("model", "reference", "context"), "role", self.role, "a known role")
        styles = ("line", "points", "steps", "spikes")
        require(self.style in styles, "style", self.style, ", ".join(styles))
        for name in ("x", "y"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        require(self.x.shape == self.y.shape, "y", list(self.y.shape), f"{list(self.x.shape)}")


@dataclass(frozen=True, eq=False)
class Panel:
    """One pair of axes; labels without units, units as in SI (values are unscaled)."""

    title: str
    x_label: str
    x_unit: str
    y_label: str
    y_unit: str
    series: tuple[Series, ...]
    x_log: bool = False
    y_log: bool = False


@dataclass(frozen=True)
class Figure:
    """A headline figure of a run: what ``--sweep`` tabulates."""

    name: str
    value: float
    unit: str
    error: float | None = None
    """Standard error, where the figure is a statistic."""


@dataclass(frozen=True)
class Check:
    """A figure against its reference.

    ``error`` is in the sense of ``kind``: ``relative`` (of the reference), ``absolute`` (in
    ``unit``) or ``sigma`` (in standard errors); it must not exceed ``tolerance``, whose reason
    is ``because``.
    """

    name: str
    value: float
    reference: float
    error: float
    tolerance: float
    kind: str
    unit: str
    against: str
    because: str

    @property
    def holds(self) -> bool:
        """Whether the error is within the tolerance; never for a figure that is no number."""
        return bool(self.error <= self.tolerance)

    @staticmethod
    def relative(
        name: str,
        value: float,
        reference: float,
        tolerance: float,
        unit: str,
        against: str,
        because: str,
    ) -> Check:
        """Compare in units of the reference."""
        error = abs(value - reference) / abs(reference) if reference else abs(value)
        return Check(name, value, reference, error, tolerance, "relative", unit, against, because)

    @staticmethod
    def absolute(
        name: str,
        value: float,
        reference: float,
        tolerance: float,
        unit: str,
        against: str,
        because: str,
    ) -> Check:
        """Compare in ``unit``."""
        error = abs(value - reference)
        return Check(name, value, reference, error, tolerance, "absolute", unit, against, because)

    @staticmethod
    def sigma(
        name: str,
        value: float,
        reference: float,
        error: float,
        tolerance: float,
        unit: str,
        against: str,
        because: str,
    ) -> Check:
        """Compare in standard errors; ``error`` is one of them in ``unit``."""
        distance = abs(value - reference) / error if error > 0 else np.inf
        return Check(
            name, value, reference, float(distance), tolerance, "sigma", unit, against, because
        )


@dataclass(frozen=True, eq=False)
class Result:
    """What a run gave.

    Parameters
    ----------
    system, parameters
        Key and the values used.
    figures
        Headline figures, the observable first.
    checks
        Each against its reference; a result without any makes no claim.
    panels
        Curves to draw.
    notes
        Approximations and what they cost, a sentence each.
    """

    system: str
    parameters: Mapping[str, Any]
    figures: tuple[Figure, ...]
    checks: tuple[Check, ...]
    panels: tuple[Panel, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether every check holds."""
        return all(c.holds for c in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, curves included."""
        return {
            "system": self.system,
            "parameters": dict(self.parameters),
            "agrees": self.agrees,
            "figures": [asdict(f) for f in self.figures],
            "checks": [{**asdict(c), "holds": c.holds} for c in self.checks],
            "panels": [_panel(p) for p in self.panels],
            "notes": list(self.notes),
        }


def _panel(p: Panel) -> dict[str, Any]:
    head = {k: v for k, v in vars(p).items() if k != "series"}
    rows = [
        {**vars(s), "x": s.x.tolist(), "y": s.y.tolist(), "error": _list(s.error)} for s in p.series
    ]
    return {**head, "series": rows}


def _list(a: Array | None) -> list[float] | None:
    return None if a is None else [float(v) for v in a]


@dataclass(frozen=True)
class System:
    """One of the fifteen.

    Parameters
    ----------
    key, number, title
        Name on the command line, number in the list, name for people.
    question
        What it answers, one sentence.
    equation
        The equations in plain text, one a line.
    reference
        What the observable is held against.
    sources
        Papers and books.
    stimulus
        The default stimulus in words.
    parameters
        Dataclass of parameters, all with defaults.
    run
        From parameters to :class:`Result`; random numbers come from ``parameters.seed``.
    bodies
        How the system maps to ``network``, ``rtl`` and ``spice``, a sentence each.
    """

    key: str
    number: int
    title: str
    question: str
    equation: str
    reference: str
    sources: tuple[str, ...]
    stimulus: str
    parameters: type[Any]
    run: Callable[[Any], Result]
    bodies: Mapping[str, str] = field(default_factory=dict)
