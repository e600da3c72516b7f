"""The words of a verification: what each row asks, what was found, and the sentence on top."""

from __future__ import annotations

import math

from .golden import Status
from .verdicts import Role, Row, Verification

__all__ = ["finding", "label", "measured", "question", "si", "summary", "tone", "word"]

_LABELS = {
    "rtl": "RTL",
    "rtl (cocotb, icarus)": "RTL on Icarus",
    "rtl (cocotb, verilator)": "RTL on Verilator",
    "spice": "SPICE",
}
_TIMING = "Does it do so with pauses, back-pressure, resets in mid-run and at the rails?"
_QUESTIONS = {
    ("golden", "event-driven"): "Does the time grid keep the spikes of continuous time?",
    ("contract", "golden"): "Do the integers keep the spikes of the float model?",
    ("network", "golden"): "Does the fast network layer compute what the float model states?",
    ("network", "contract"): "Does its integer mode compute the contract, bit for bit?",
    ("rtl", "contract"): "Does the Verilog compute the integer contract, bit for bit?",
    ("rtl (cocotb, icarus)", "contract"): _TIMING,
    ("rtl (cocotb, verilator)", "contract"): _TIMING,
    ("spice", "event-driven"): "Does the circuit spike when the exact solution does?",
}
_TIMES = ("s", "step", "steps")
_COSTS = {"golden": "the time grid", "contract": "the integers"}


def label(body: str) -> str:
    """Name of a body for people."""
    return _LABELS.get(body, body)


def question(row: Row) -> str:
    """What a row asks."""
    v = row.verdict
    asked = _QUESTIONS.get((v.body, v.reference))
    return asked or f"Does {label(v.body)} do what {label(v.reference)} does?"


def word(row: Row) -> str:
    """The verdict in one word; a fidelity row that fails no run ``differs``."""
    parted = not row.verdict.agrees
    return "differs" if parted and row.role is Role.FIDELITY else str(row.verdict.status)


def tone(row: Row) -> str:
    """``good``, ``bad``, or ``warn`` for what fails no run."""
    if row.verdict.status is Status.SKIPPED:
        return "warn"
    if row.verdict.agrees:
        return "good"
    return "warn" if row.role is Role.FIDELITY else "bad"


def finding(row: Row) -> str:
    """Step, neuron and reason of a row that parts, or why it was skipped; else empty."""
    v = row.verdict
    if v.difference is None:
        return v.reason
    return f"{v.difference}, because {v.reason}" if v.reason else str(v.difference)


def measured(row: Row) -> str:
    """The figure of a row, with what was allowed where that is a number."""
    v = row.verdict
    if v.figure is None:
        return ""
    if v.unit == "spikes":
        return f"{v.figure:,.0f} {'spike' if v.figure == 1 else 'spikes'} differ"
    if v.unit == "s":
        value, limit = si(v.figure, "s"), None if v.tolerance is None else si(v.tolerance, "s")
    else:
        unit = {"step": "steps"}.get(v.unit, v.unit.strip("()"))
        value = f"{v.figure:.3g} {unit}".strip()
        limit = None if v.tolerance is None else f"{v.tolerance:.3g}"
    if not v.agrees and v.unit in _TIMES:  # the figure is that of the pairs before
        return f"beyond the limit of {limit}{'' if v.unit == 's' else ' step'}"
    return value if limit is None else f"{value} (limit {limit})"


def summary(result: Verification) -> list[str]:
    """The outcome in sentences, the most important first."""
    asked = [r for r in result.rows if r.role is Role.CONFORMANCE]
    out = []
    for row in asked:
        v = row.verdict
        if not v.agrees:
            out.append(f"{label(v.body)} deviates from {label(v.reference)}{_place(row)}.")
    ran = [r for r in asked if r.verdict.agrees and r.verdict.status is not Status.SKIPPED]
    names = _listed(list(dict.fromkeys(label(r.verdict.body) for r in ran)))
    if ran and not out:
        several = len({r.verdict.body for r in ran}) > 1
        verb = "do what their references do" if several else "does what its reference does"
        out.append(f"Agrees: {names} {verb}.")
    elif ran:
        out.append(f"These agree with their reference: {names}.")
    out += [
        f"{label(r.verdict.body)} was skipped: {r.verdict.reason}."
        for r in asked
        if r.verdict.status is Status.SKIPPED
    ]
    return [*out, *_fidelity(result)]


def _place(row: Row) -> str:
    where = row.verdict.difference
    if where is None:
        return f": {row.verdict.reason}" if row.verdict.reason else ""
    sample = "" if where.sample is None else f"sample {where.sample}, "
    return f" at {sample}step {where.step}, neuron {where.population}[{where.neuron}]"


def _fidelity(result: Verification) -> list[str]:
    rows = [r for r in result.rows if r.role is Role.FIDELITY]
    if not rows:
        return []
    parted = [r for r in rows if not r.verdict.agrees]
    if not parted:
        return [f"No spike was moved by {_listed([_cost(r) for r in rows])}."]
    return [
        f"Spikes were moved by {_listed([_cost(r) for r in parted])}: what the chosen step and "
        "widths cost, not a defect of a body."
    ]


def _cost(row: Row) -> str:
    v = row.verdict
    name = _COSTS.get(v.body, label(v.body))
    if v.unit == "spikes" and not v.agrees:
        return f"{name} ({v.figure or 0:,.0f} of {v.compared:,} values differ)"
    return name


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def si(value: float, unit: str) -> str:
    """Three digits and an SI prefix: ``si(4.2e-7, "s")`` is ``420 ns``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    rounded = float(f"{value:.3g}")
    exponent = min(max(math.floor(math.log10(abs(rounded)) / 3 + 1e-9), -6), 4)
    prefix = {-6: "a", -5: "f", -4: "p", -3: "n", -2: "µ", -1: "m", 0: "", 1: "k", 2: "M"}
    prefix |= {3: "G", 4: "T"}
    return f"{rounded / 1000.0**exponent:.3g} {prefix[exponent]}{unit}"
