"""How the simulator solves, and what is tried next where it does not converge."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LADDER", "Solver"]


@dataclass(frozen=True)
class Solver:
    """Options of the simulator; ``loose`` multiplies a measurement's own relative tolerance."""

    name: str
    method: str = "gear"
    loose: float = 1.0
    gmin: float = 1e-18

    def options(self, reltol: float) -> str:
        """The line of options, for currents of a picoampere and charges of femtocoulombs."""
        return (
            f".options method={self.method} reltol={reltol * self.loose!r} vntol=1e-7 "
            f"abstol=1e-16 chgtol=1e-18 gmin={self.gmin!r} itl1=500 itl4=200 nopage"
        )


LADDER = (
    Solver("as designed"),
    Solver("trapezoidal", method="trap"),
    Solver("ten times looser", loose=10.0),
    Solver("gmin 1e-15", loose=10.0, gmin=1e-15),
)
"""One after the other, until one converges."""
