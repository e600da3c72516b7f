"""Which lines, branches and bits of a design a stimulus exercised.

Verilator counts how often each statement and branch is reached (``line``) and each bit
changes (``toggle``). A point that was never reached is either *excused*, by an exclusion with
a reason that holds for every design, or *missed*: then the stimulus never asked for it.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...golden.errors import InvalidValue, require
from ...hdl import Design
from .bulk import BulkRtl

__all__ = [
    "EXCLUSIONS",
    "Coverage",
    "Exclusion",
    "Point",
    "Site",
    "measure",
    "read_coverage",
    "union",
]

Site = tuple[str, str, int, str]
"""Role of the module, its line without widths, which of such lines, and what of it."""


@dataclass(frozen=True)
class Point:
    """Something that is counted.

    Parameters
    ----------
    kind
        ``line``, ``branch`` or ``toggle``.
    module, line, text
        Where: the module, the line counted from 1, and what it says.
    what
        The part of the line, such as ``if`` and ``else``, or a bit and its change.
    count
        How often.
    """

    kind: str
    module: str
    line: int
    text: str
    what: str
    count: int

    def __str__(self) -> str:
        return f"{self.module}, line {self.line}, {self.what}: {self.text}"


@dataclass(frozen=True)
class Exclusion:
    """Points that no stimulus can reach, in whatever design, and why.

    ``kinds``, and regular expressions that ``what`` and the line's text must match.
    """

    kinds: tuple[str, ...]
    what: str
    text: str
    reason: str

    def holds(self, point: Point) -> bool:
        """Whether it is about ``point``."""
        return (
            point.kind in self.kinds
            and re.fullmatch(self.what, point.what) is not None
            and re.search(self.text, point.text) is not None
        )


EXCLUSIONS = (
    Exclusion(
        ("branch", "toggle"),
        r"if|at_start:.*",
        r"\bat_start\b",
        "only starts the block when a simulation begins; it is never true",
    ),
)


@dataclass(frozen=True, eq=False)
class Coverage:
    """All points of a design, after one or several runs.

    Parameters
    ----------
    reasons
        Why a bit cannot change, by module and :attr:`Point.what`; see :mod:`.still`.
    directed
        How many points of each kind only :func:`.directed.directed_inputs` reached.
    """

    points: tuple[Point, ...]
    reasons: Mapping[tuple[str, str], str] = field(default_factory=dict)
    directed: Mapping[str, int] = field(default_factory=dict)

    def of(self, kind: str) -> list[Point]:
        """The points of a kind that some stimulus could reach, as far as is known."""
        return [p for p in self.points if p.kind == kind and (p.count or self.excuse(p) is None)]

    def excuse(self, point: Point) -> Exclusion | None:
        """The exclusion that is about ``point``, or what was proved of it."""
        reason = self.reasons.get((point.module, point.what))
        if reason is not None:
            return Exclusion((point.kind,), re.escape(point.what), re.escape(point.text), reason)
        return next((e for e in EXCLUSIONS if e.holds(point)), None)

    def percent(self, kind: str) -> float:
        """Share of the reachable points that were reached; 100 where there are none."""
        points = self.of(kind)
        return 100.0 * sum(p.count > 0 for p in points) / len(points) if points else 100.0

    def missed(self, kind: str) -> list[Point]:
        """Points that were not reached and are not excused."""
        return [p for p in self.of(kind) if p.count == 0]

    def excused(self) -> list[tuple[Point, Exclusion]]:
        """Points that were not reached, with the reason."""
        found = [(p, self.excuse(p)) for p in self.points if p.count == 0]
        return [(p, e) for p, e in found if e is not None]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: percentages, what was missed, and why what was left out."""
        reasons = Counter(e.reason for _, e in self.excused())
        kinds = {p.kind: None for p in self.points}
        return {
            "percent": {k: round(self.percent(k), 2) for k in kinds},
            "points": {k: len(self.of(k)) for k in kinds},
            "covered": {k: sum(p.count > 0 for p in self.of(k)) for k in kinds},
            "directed": {k: self.directed.get(k, 0) for k in kinds},
            "unexplained": {k: len(self.missed(k)) for k in kinds},
            "missed": [str(p) for k in kinds for p in self.missed(k)],
            "excused": [{"reason": r, "points": n} for r, n in reasons.items()],
        }

    def sentences(self) -> list[str]:
        """The same for people."""
        data = self.to_dict()
        kinds = ", ".join(
            f"{percent:.1f} % of {data['points'][kind]:,} {kind} points"
            for kind, percent in data["percent"].items()
        )
        out = [f"the stimulus covers {kinds} of the RTL"]
        for kind, count in data["directed"].items():
            if count:
                out.append(
                    f"only by directed stimuli, to the rails and to silence: {count:,} {kind}"
                )
        out += [f"not covered: {point}" for point in data["missed"]]
        out += [f"left out: {e['points']:,}, {e['reason']}" for e in data["excused"]]
        unexplained = sum(data["unexplained"].values())
        out.append(f"neither covered nor explained: {unexplained:,}")
        return out

    def sites(self) -> Counter[Site]:
        """Counts of lines and branches by :data:`Site`, the same in every design."""
        out: Counter[Site] = Counter()
        seen: dict[tuple[str, str], list[int]] = {}
        for p in self.points:
            if p.kind == "toggle":
                continue
            role, text = _role(p.module), _without_widths(p.text)
            lines = seen.setdefault((p.module, text), [])
            if p.line not in lines:
                lines.append(p.line)
            out[role, text, lines.index(p.line), p.what] += p.count
        return out


def measure(
    design: Design,
    inputs: Mapping[str, NDArray[np.generic]],
    steps: int | None = None,
    *,
    toggle: bool = False,
    seed: int = 0,
    directed: Mapping[str, NDArray[np.generic]] | None = None,
) -> Coverage:
    """What a stimulus covers: run at full speed, with waiting on both sides, and with a reset.

    Arguments as in :meth:`~.bulk.BulkRtl.run`. ``directed`` is a second stimulus, at full speed,
    which counts where the first falls short.

    Raises
    ------
    RuntimeError
        If the design does not compile, or breaks the protocol.
    """
    rtl = BulkRtl(design, coverage=("line", "toggle") if toggle else ("line",), optimise=False)
    own = _added(_runs(rtl, inputs, steps, seed))
    if not directed:
        return own
    both = _added([own, *_runs(rtl, directed, None, seed, 1)])
    only = Counter(
        p.kind for p, q in zip(own.points, both.points, strict=True) if q.count > p.count == 0
    )
    return replace(both, directed=only)


def _runs(
    rtl: BulkRtl,
    inputs: Mapping[str, NDArray[np.generic]],
    steps: int | None,
    seed: int,
    count: int = 3,
) -> list[Coverage]:
    runs = []
    with tempfile.TemporaryDirectory(prefix="coverage-") as folder:
        for k in range(count):
            path = Path(folder) / f"{k}.dat"
            run = rtl.run(
                inputs,
                steps,
                idle=0.3 * (k > 0),
                backpressure=0.4 * (k > 0),
                seed=seed + k,
                reset_at=97 if k == 2 else None,
                coverage_file=path,
            )
            if run.failure:
                raise RuntimeError(run.failure)
            runs.append(read_coverage(path.read_text(encoding="utf-8"), rtl.design.verilog))
    return runs


def read_coverage(data: str, verilog: str) -> Coverage:
    """Parse what Verilator writes.

    Parameters
    ----------
    data
        Text of a coverage file.
    verilog
        Text of the design that it is about.

    Raises
    ------
    InvalidValue
        If the two do not belong together, or ``data`` is no coverage file.
    """
    source = verilog.splitlines()
    lines = data.splitlines()
    head = lines[0] if lines else ""
    require(head.startswith("# SystemC::Coverage"), "coverage", head, "a file of Verilator")
    points = [_point(line, source) for line in lines[1:] if line]
    return Coverage(tuple(sorted(points, key=lambda p: (p.line, p.kind, p.what))))


def _point(row: str, source: Sequence[str]) -> Point:
    found = re.fullmatch(r"C '(.*)' (\d+)", row)
    pairs = found[1].split("\x01")[1:] if found else []
    try:
        fields = dict(pair.split("\x02", 1) for pair in pairs)
        kind, line, what = fields["t"], int(fields["l"]), fields["o"]
        module = fields["page"].partition("/")[2]
        text = source[line - 1].strip()
    except (KeyError, ValueError, IndexError) as error:
        raise InvalidValue("coverage", row, "a line of this design's coverage file") from error
    assert found is not None
    # Verilator writes two underscores of a name as a code.
    return Point(kind, module, line, text, what.replace("___05F", "__"), int(found[2]))


def _added(runs: Sequence[Coverage]) -> Coverage:
    counts: Counter[Point] = Counter()
    for run in runs:
        for p in run.points:
            counts[Point(p.kind, p.module, p.line, p.text, p.what, 0)] += p.count
    return Coverage(
        tuple(Point(p.kind, p.module, p.line, p.text, p.what, count) for p, count in counts.items())
    )


def union(coverages: Iterable[Coverage]) -> Counter[Site]:
    """Counts by site over several designs: what at least one of them reached counts."""
    out: Counter[Site] = Counter()
    for coverage in coverages:
        # Counter's own addition would drop the zeros.
        out.update(coverage.sites())
    return out


def _role(module: str) -> str:
    """What kind of part a module is: core, core_fire, merge, ..."""
    found = re.search(r"_(core|merge|fork|delay|pace)_\w*?(_leak|_fire|_queue)?$", module)
    return f"{found[1]}{found[2] or ''}" if found else "top"


def _without_widths(text: str) -> str:
    """A line without what differs with widths, sizes and numbering."""
    text = re.sub(r"\d+'h[0-9a-f]+", "#", text)
    text = re.sub(r"\[\d+(:\d+)?\]", "[#]", text)
    return re.sub(r"\bn_\d+\b", "n", re.sub(r"\b(source|sink)_\d+", r"\1", text))
