"""A user's core against its contract: exact, or the first step that differs and why."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...golden import Difference, Status, Verdict
from ...golden.errors import require
from ...golden.fixed import limits
from .user_core import Plan, UserCore
from .user_core_build import build_core
from .user_core_cause import cause_of
from .user_core_coverage import Reached, reached
from .user_core_run import Answer, Bench
from .user_core_stimulus import Segment, segments

__all__ = ["Checked", "Row", "Shown", "check_core"]

BEFORE, AFTER = 4, 2
MAX_VALUES = 10_000_000
"""Steps times neurons: what fits in about a gigabyte."""


@dataclass(frozen=True)
class Row:
    """A segment of the stimulus: how many values it compared and how many differ."""

    segment: str
    aim: str
    steps: int
    spikes: int
    compared: int
    differing: int


@dataclass(frozen=True)
class Shown:
    """A step near the first difference; potentials are ``None`` without a port for them."""

    step: int
    input: int
    spike: bool
    got_spike: bool
    v: int | None
    got_v: int | None


@dataclass(frozen=True)
class Checked:
    """What a check found: the verdict, a row for each segment, and the steps at the difference."""

    verdict: Verdict
    rows: tuple[Row, ...] = ()
    around: tuple[Shown, ...] = ()
    cause: str = ""
    coverage: Reached | None = None
    notes: tuple[str, ...] = ()
    """What the stimulus left untried."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        more = {} if self.coverage is None else {"coverage": self.coverage.to_dict()}
        return {
            **self.verdict.to_dict(),
            "cause": self.cause,
            "notes": list(self.notes),
            "segments": [vars(row) for row in self.rows],
            "around": [vars(row) for row in self.around],
            **more,
        }


def check_core(core: UserCore, plan: Plan | None = None, *, coverage: bool = False) -> Checked:
    """Compile a core, run it on directed and random inputs, and compare every step.

    Raises
    ------
    InvalidValue
        For Verilog that does not compile, and ports that are not there.
    MissingTool
        Without Verilator or a C++ compiler.
    """
    plan = plan or Plan()
    most = MAX_VALUES // core.contract.n
    require(plan.steps <= most, "stimulus.steps", plan.steps, f"at most {most} for all neurons")
    built = build_core(core, ("line", "toggle") if coverage else ())
    bench = Bench(core, built, plan)
    low, high = bench.range
    parts = segments(core.contract, low, high, plan)
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        path = Path(folder) / "coverage.dat" if coverage else None
        got = bench.run(parts, coverage_file=path)
        covered = (
            None
            if path is None or not path.is_file()
            else reached(path.read_text(encoding="utf-8"), built.source, built.file)
        )
    if got is None:
        reason = "the core stopped the simulation: signals that never settle, $stop or $finish"
        return Checked(Verdict("core", "contract", Status.DEVIATES, reason=reason))
    wanted = [bench.seen(s.expected) for s in parts]
    rows = tuple(_row(s, a, b) for s, a, b in zip(parts, wanted, got, strict=True))
    found = next(
        (
            (k, *w)
            for k, (a, b) in enumerate(zip(wanted, got, strict=True))
            for w in np.argwhere(a.differs(b))[:1].tolist()
        ),
        None,
    )
    notes = _untried(core, parts)
    compared = sum(row.compared for row in rows)
    if found is None:
        verdict = Verdict("core", "contract", Status.EXACT, compared, 0.0, None, "spikes")
        return Checked(verdict, rows, coverage=covered, notes=notes)
    k, at, j = found
    cause = cause_of(bench, parts, got, j)
    verdict = Verdict(
        "core",
        "contract",
        Status.DEVIATES,
        compared,
        float(sum((a.spikes != b.spikes).sum() for a, b in zip(wanted, got, strict=True))),
        None,
        "spikes",
        _difference(core, parts[k], wanted[k], got[k], at, j),
        _reason(core, parts[k], at, j, cause),
    )
    around = _around(parts[k], wanted[k], got[k], at, j)
    return Checked(verdict, rows, around, cause, covered, notes)


def _untried(core: UserCore, parts: Sequence[Segment]) -> tuple[str, ...]:
    """What of the contract no step asked for."""
    c = core.contract
    out = []
    if c.threshold is not None and not any(s.expected.spikes.any() for s in parts):
        out.append("the contract never spikes on this stimulus")
    least = int(min(s.expected.v.min() for s in parts))
    most = int(max(s.expected.v.max() for s in parts))
    low, high = limits(c.width)
    ends = [name for name, hit in (("lower", least == low), ("upper", most == high)) if not hit]
    if ends:
        what = f"the {ends[0]} end is" if len(ends) == 1 else "both ends are"
        reach = f"the potential reaches {least} to {most} of {low} to {high}"
        out.append(f"{reach}: {what} untried")
    return tuple(out)


def _row(segment: Segment, wanted: Answer, got: Answer) -> Row:
    kinds = 1 if got.v is None else 2
    bad = int((wanted.spikes != got.spikes).sum())
    if wanted.v is not None and got.v is not None:
        bad += int((wanted.v != got.v).sum())
    spikes = int(wanted.spikes.sum())
    size = wanted.spikes.size * kinds
    return Row(segment.name, segment.aim, len(segment.inputs), spikes, size, bad)


def _difference(
    core: UserCore, segment: Segment, wanted: Answer, got: Answer, k: int, j: int
) -> Difference:
    where = segment.first + k, core.top, j
    if wanted.spikes[k, j] != got.spikes[k, j]:
        return Difference(*where, "spike", float(wanted.spikes[k, j]), float(got.spikes[k, j]))
    assert wanted.v is not None
    assert got.v is not None
    return Difference(*where, "v", float(wanted.v[k, j]), float(got.v[k, j]))


def _reason(core: UserCore, segment: Segment, k: int, j: int, cause: str) -> str:
    c, t = core.contract, segment.expected
    before = int(t.v[k - 1, j]) if k else int(c.u_init[j])
    current = f", i = {int(t.i[k - 1, j]) if k else 0}" if c.has_synapse else ""
    place = f"step {k} after the reset that begins the segment {segment.name!r}"
    spike = "spike" if t.spikes[k, j] else "no spike"
    said = (
        f"in {place}, from u = {before}{current} with input {int(segment.inputs[k, j])} the "
        f"contract gives u = {int(t.v[k, j])}, {spike}; likely cause: "
    )
    return said + (cause or "none of the mistakes known here gives all that the core gave")


def _around(segment: Segment, wanted: Answer, got: Answer, k: int, j: int) -> tuple[Shown, ...]:
    steps: Sequence[int] = range(max(0, k - BEFORE), min(len(segment.inputs), k + AFTER + 1))
    return tuple(
        Shown(
            segment.first + s,
            int(segment.inputs[s, j]),
            bool(wanted.spikes[s, j]),
            bool(got.spikes[s, j]),
            None if wanted.v is None else int(wanted.v[s, j]),
            None if got.v is None else int(got.v[s, j]),
        )
        for s in steps
    )
