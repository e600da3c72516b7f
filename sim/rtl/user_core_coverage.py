"""What of a user's own source a stimulus reached: nothing is excused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .coverage import Point, read_coverage

__all__ = ["Reached", "reached"]

SHOWN = 20
"""Points that the sentences name."""


@dataclass(frozen=True, eq=False)
class Reached:
    """All points of the core's sources, counted; those in included files are left out."""

    points: tuple[Point, ...]

    def missed(self) -> list[str]:
        """Points that no step reached."""
        return [str(p) for p in self.points if not p.count]

    def percent(self) -> dict[str, float]:
        """By kind."""
        out = {}
        for kind in sorted({p.kind for p in self.points}):
            counts = [p.count > 0 for p in self.points if p.kind == kind]
            out[kind] = round(100.0 * sum(counts) / len(counts), 2)
        return out

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"percent": self.percent(), "missed": self.missed()}

    def sentences(self) -> list[str]:
        """The same for people."""
        shares = ", ".join(f"{share:.1f} % of {kind}" for kind, share in self.percent().items())
        missed = self.missed()
        out = [f"the stimulus covers {shares or 'nothing: there are no points'} points"]
        out += [f"not covered: {point}" for point in missed[:SHOWN]]
        more = len(missed) - SHOWN
        return [*out, f"and {more} more"] if more > 0 else out


def reached(data: str, source: str, file: str) -> Reached:
    """Parse a coverage file of Verilator for the part ``file``, whose text is ``source``."""
    head, *rows = data.split("\n")
    own = [row for row in rows if f"\x01f\x02{file}\x01" in row]
    return Reached(read_coverage("\n".join([head, *own]), source).points)
