"""Two speeds in the same unit, taken in one run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Ratio"]


@dataclass(frozen=True)
class Ratio:
    """``fast`` and ``slow`` in ``unit``; ``goal`` is the ratio aimed at, if any."""

    name: str
    fast: float
    slow: float
    unit: str
    goal: float | None = None

    @property
    def ratio(self) -> float:
        """How many times faster."""
        return self.fast / self.slow

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "ratio": self.ratio}

    def __str__(self) -> str:
        goal = "" if self.goal is None else f" (goal {self.goal:g}x)"
        return (
            f"{self.name}: {self.ratio:.1f}x{goal}; {self.fast:,.0f} against "
            f"{self.slow:,.0f} {self.unit}"
        )
