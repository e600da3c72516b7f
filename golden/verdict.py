"""Agreement of a body with its reference: the verdict, and where the two first part."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from .discrete import Trace
from .errors import require

__all__ = ["Difference", "Status", "Verdict", "compare_exact", "first_difference"]


class Status(StrEnum):
    """The four answers, and the plain word for a comparison that was not made."""

    EXACT = "exact"
    PROVED = "proved"
    WITHIN = "within"
    DEVIATES = "deviates"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Difference:
    """The first place where two traces part: earliest step, then population, then neuron.

    ``sample`` counts the stimuli of a batch and is ``None`` where there is only one.
    """

    step: int
    population: str
    neuron: int
    quantity: str
    expected: float
    got: float
    sample: int | None = None

    def __str__(self) -> str:
        where = (
            f"step {self.step}"
            if self.sample is None
            else f"sample {self.sample}, step {self.step}"
        )
        return f"{where}, neuron {self.population}[{self.neuron}]: {self._what()}"

    def _what(self) -> str:
        if self.quantity == "spike":
            return "a spike instead of none" if self.got else "no spike instead of one"
        expected, got = _number(self.expected), _number(self.got)
        if expected == got:  # parted in digits that the short form leaves out
            expected, got = repr(self.expected), repr(self.got)
        return f"{self.quantity} is {got} instead of {expected}"


def _number(value: float) -> str:
    """Integers in full, other numbers short; ``nan`` stands for an event that is not there."""
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "none"
    whole = float(value).is_integer() and abs(value) < 1e15
    return str(int(value)) if whole else f"{value:.6g}"


@dataclass(frozen=True)
class Verdict:
    """What a comparison found.

    ``body`` against ``reference`` over ``compared`` values; ``figure`` is the measured
    distance in ``unit`` and ``tolerance`` what was allowed; ``reason`` is a sentence.
    """

    body: str
    reference: str
    status: Status
    compared: int = 0
    figure: float | None = None
    tolerance: float | None = None
    unit: str = ""
    difference: Difference | None = None
    reason: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the body agrees with its reference; a skipped one makes no claim."""
        return self.status is not Status.DEVIATES

    def __str__(self) -> str:
        if self.status is Status.WITHIN:
            return f"within {self.tolerance:g} {self.unit}".rstrip()
        if self.status is Status.DEVIATES and self.difference is not None:
            because = f", because {self.reason}" if self.reason else ""
            return f"deviates at {self.difference}{because}"
        if self.status in (Status.DEVIATES, Status.SKIPPED) and self.reason:
            return f"{self.status}: {self.reason}"
        return str(self.status)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with the sentence as ``verdict``."""
        return {**asdict(self), "status": str(self.status), "verdict": str(self)}


def first_difference(
    expected: Mapping[str, Trace],
    got: Mapping[str, Trace],
    *,
    states: bool = True,
    tolerance: float = 0.0,
) -> Difference | None:
    """The first differing spike or, with ``states``, state beyond ``tolerance``.

    ``tolerance`` is relative to the larger of 1 and the expected magnitude.
    """
    best: Difference | None = None
    for name, ref in expected.items():
        require(name in got, "population", name, f"one of {', '.join(got)}")
        other = got[name]
        same = ref.spikes.shape == other.spikes.shape
        require(same, f"{name}.spikes", list(other.spikes.shape), f"{list(ref.spikes.shape)}")
        pairs: list[tuple[str, Any, Any]] = [("spike", ref.spikes, other.spikes)]
        if states:
            pairs += [("v", ref.v, other.v), ("i", ref.i, other.i)]
        for quantity, a, b in pairs:
            found = _first(name, quantity, a, b, tolerance)
            if found is not None and (best is None or found.step < best.step):
                best = found
    return best


def _first(name: str, quantity: str, a: Any, b: Any, tolerance: float) -> Difference | None:
    wide_a, wide_b = np.asarray(a), np.asarray(b)
    if quantity == "spike" or tolerance == 0.0:
        bad = wide_a != wide_b
    else:
        bad = ~(np.abs(wide_a - wide_b) <= tolerance * np.maximum(1.0, np.abs(wide_a)))
    if not bad.any():
        return None
    k, j = (int(x) for x in np.argwhere(bad)[0])
    return Difference(k, name, j, quantity, float(wide_a[k, j]), float(wide_b[k, j]))


def compare_exact(
    body: str,
    reference: str,
    expected: Mapping[str, Trace],
    got: Mapping[str, Trace],
    *,
    states: bool = True,
) -> Verdict:
    """Verdict on bit-for-bit agreement of spikes and, with ``states``, states."""
    difference = first_difference(expected, got, states=states)
    kinds = 3 if states else 1
    compared = sum(t.spikes.size * kinds for t in expected.values())
    status = Status.EXACT if difference is None else Status.DEVIATES
    figure = 0.0 if difference is None else _differing(expected, got)
    return Verdict(body, reference, status, compared, figure, None, "spikes", difference)


def _differing(expected: Mapping[str, Trace], got: Mapping[str, Trace]) -> float:
    return float(sum((t.spikes != got[n].spikes).sum() for n, t in expected.items()))
