"""The narrowest words that keep a goal: found by running contracts on calibration samples.

First all populations together: the weights as narrow as the goal allows, then the states, then
the decays. Then each population alone, the field first that saves most memory a bit. What is
found is a minimum in the sense that no single bit less of one field serves; another set of
widths may take less memory still.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..golden import DecayMode, InvalidValue, Lif, Network, NetworkContract, Widths, quantise
from ..golden.calibrate import calibrate
from ..golden.contract import MAX_WEIGHT_WIDTH
from .agreement import Goal, Judge, Score

__all__ = ["FIELDS", "Choice", "Requests", "Trial", "choose_widths", "memory_bits"]

FIELDS = {"weight": (2, MAX_WEIGHT_WIDTH), "state": (4, 32), "decay": (1, 24)}
"""What is searched, with the least and the largest width of each."""
WIDEST = Widths(state=24, weight=16, decay=16)
"""Where a search begins: wide enough that only the goal itself can fail."""
Requests = Mapping[str, Mapping[str, int]]
"""Widths that are asked for, by field and population; the rest is chosen."""
Progress = Callable[[str, int, int], None]


def memory_bits(contract: NetworkContract) -> int:
    """Bits of all weights, states and sums of a contract."""
    total = sum(c.weight.size * contract.populations[c.post].weight_width
                for c in contract.connections)  # fmt: skip
    for p in contract.populations.values():
        hold = int(p.hold.max()).bit_length() if p.threshold is not None else 0
        total += p.n * (p.width + p.syn_width + hold + p.acc_width)
    return int(total)


@dataclass(frozen=True, eq=False)
class Trial:
    """One set of widths, what it was, its score and bits, and why it does not serve, if so.

    ``score`` is ``None`` where the words cannot hold the network at all.
    """

    label: str
    widths: Mapping[str, Widths]
    score: Score | None
    bits: int
    missed: str

    @property
    def serves(self) -> bool:
        """Whether it keeps the goal."""
        return not self.missed


@dataclass(frozen=True, eq=False)
class Choice:
    """The widths that were chosen, by population, binary point included, and all trials."""

    widths: Mapping[str, Widths]
    contract: NetworkContract
    reference: Score
    trials: tuple[Trial, ...]

    @property
    def chosen(self) -> Trial:
        """The trial of the chosen widths: the last that serves."""
        return [t for t in self.trials if t.serves][-1]


class _Search:
    """Trials of one network against one goal, each set of widths once."""

    def __init__(self, judge: Judge, goal: Goal, base: Widths, progress: Progress) -> None:
        self.judge, self.goal, self.base, self.progress = judge, goal, base, progress
        self.trials: list[Trial] = []
        self._known: dict[tuple[Widths, ...], Trial] = {}

    @property
    def model(self) -> Network:
        return self.judge.model

    def try_out(self, label: str, widths: Mapping[str, Widths]) -> Trial:
        key = tuple(widths[name] for name in self.model.populations)
        if key not in self._known:
            self.progress(label, len(self.trials), 0)
            self._known[key] = self._tried(label, widths)
            self.trials.append(self._known[key])
        return self._known[key]

    def contract(self, widths: Mapping[str, Widths]) -> tuple[dict[str, Widths], NetworkContract]:
        placed = calibrate(self.model, self.judge.floats, widths)
        return placed, quantise(self.model, placed).contract

    def _tried(self, label: str, widths: Mapping[str, Widths]) -> Trial:
        try:
            _, contract = self.contract(widths)
        except InvalidValue as error:
            return Trial(label, widths, None, 0, f"{error.field} needs {error.allowed}")
        score = self.judge.score(contract)
        missed = self.goal.missed(score, self.judge.reference)
        return Trial(label, widths, score, memory_bits(contract), missed)

    def lowest(
        self, label: str, widths: Mapping[str, Widths], field: str, names: list[str]
    ) -> dict[str, Widths]:
        """``widths`` with ``field`` of ``names`` at the least that serves, by bisection."""
        low, high = FIELDS[field][0], max(getattr(widths[n], field) for n in names)
        best = dict(widths)
        while low < high:
            middle = (low + high) // 2
            less = with_width(widths, field, dict.fromkeys(names, middle))
            if self.try_out(f"{label} {field} {middle}", less).serves:
                best, high = less, middle
            else:
                low = middle + 1
        return best


def with_width(
    widths: Mapping[str, Widths], field: str, values: Mapping[str, int]
) -> dict[str, Widths]:
    """``widths`` with ``field`` of each population in ``values``; the point is placed anew."""
    out = dict(widths)
    for name, value in values.items():
        # Fraction and synapse follow the state; a fraction that does not fit it is refused.
        change: dict[str, Any] = {field: value}
        out[name] = replace(out[name], **change)
    return out


def choose_widths(
    judge: Judge,
    goal: Goal,
    requests: Requests | None = None,
    base: Widths = WIDEST,
    progress: Progress = lambda *_: None,
) -> Choice:
    """The narrowest widths with which the contract of ``judge.model`` keeps ``goal``.

    Parameters
    ----------
    judge
        The network and the calibration samples.
    requests
        Widths that are fixed beforehand.
    base
        Where the search begins, and what it takes of decay mode and rounding.

    Raises
    ------
    InvalidValue
        If not even the widest words keep the goal, or a request does not: it then names the
        smallest width that does.
    """
    search = _Search(judge, goal, base, progress)
    names = list(judge.model.populations)
    asked = requests or {}
    start = dict.fromkeys(names, base)
    first = search.try_out("widest", start)
    if not first.serves:
        raise InvalidValue("goal", first.missed, "what the widest words tried can keep")
    for field, values in asked.items():
        start = _requested(search, start, field, values)
    free = {f: [n for n in names if n not in asked.get(f, {})] for f in FIELDS}
    free["decay"] = [n for n in free["decay"] if _multiplies(judge.model.populations[n], base)]
    found = start
    for field, those in free.items():
        if those:
            found = search.lowest("all", found, field, those)
    while (fewer := _each(search, found, free)) != found:
        found = fewer
    search.try_out("chosen", found)
    placed, contract = search.contract(found)
    return Choice(placed, contract, judge.reference, tuple(_last(search.trials, found)))


def _multiplies(lif: Lif, base: Widths) -> bool:
    """Whether a population has a decay that is a product."""
    decays = bool(np.isfinite(lif.tau_mem).any()) or lif.tau_syn is not None
    return decays and base.decay_mode is DecayMode.MULTIPLY


def _each(
    search: _Search, found: dict[str, Widths], free: Mapping[str, list[str]]
) -> dict[str, Widths]:
    """Bits of single fields taken away while the goal is kept, the costliest first."""
    model = search.model
    links = {n: sum(c.weight.size for c in model.into(n)) for n in model.populations}

    def saved(item: tuple[str, str]) -> int:
        field, name = item
        n = model.populations[name].n
        return {"weight": links[name], "state": 2 * n, "decay": n // 2}[field]

    items = sorted(((f, n) for f, those in free.items() for n in those), key=saved, reverse=True)
    for field, name in items:
        while getattr(found[name], field) > FIELDS[field][0]:
            width = getattr(found[name], field) - 1
            less = with_width(found, field, {name: width})
            if not search.try_out(f"{name} {field} {width}", less).serves:
                break
            found = less
    return found


def _last(trials: list[Trial], widths: Mapping[str, Widths]) -> list[Trial]:
    """``trials``, that of ``widths`` last."""
    chosen = [t for t in trials if t.widths == widths]
    return [t for t in trials if t.widths != widths] + chosen


def _requested(
    search: _Search, start: dict[str, Widths], field: str, values: Mapping[str, int]
) -> dict[str, Widths]:
    """``start`` with what is asked for, refused with the smallest width that serves if it fails."""
    for name, width in values.items():
        given = with_width(start, field, {name: width})
        trial = search.try_out(f"{name} {field} {width}, as asked", given)
        if trial.serves:
            start = given
            continue
        for wider in range(width + 1, FIELDS[field][1] + 1):
            more = with_width(start, field, {name: wider})
            if search.try_out(f"{name} {field} {wider}", more).serves:
                allowed = f"at least {wider} bits: with {width}, {trial.missed}"
                raise InvalidValue(f"{name}.widths.{field}", width, allowed)
        allowed = f"left to the search: no width serves, {trial.missed}"
        raise InvalidValue(f"{name}.widths.{field}", width, allowed)
    return start
