"""Under which a circuit of transistors is simulated: process, corner, temperature, supply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .blocks import Schematic
from .neuron import number
from .silicon import find_technology
from .solver import LADDER, Solver
from .technology import Shift, check_corner

__all__ = ["Conditions"]


@dataclass(frozen=True)
class Conditions:
    """Process by name, corner, kelvin, supply in volts (nominal unless given), mismatch, solver."""

    technology: str = "generic"
    corner: str = "tt"
    temperature: float = 300.15
    v_dd: float | None = None
    shifts: Mapping[str, Shift] = field(default_factory=dict)
    solver: Solver = LADDER[0]

    def __post_init__(self) -> None:
        process = find_technology(self.technology)
        check_corner(self.corner)
        number("temperature", self.temperature, low=233.0, high=423.0)
        supply = process.v_dd if self.v_dd is None else self.v_dd
        object.__setattr__(self, "v_dd", number("v_dd", supply, low=0.5, high=process.v_dd * 1.2))

    @property
    def supply(self) -> float:
        """Volts of ``vdd``."""
        return float(self.v_dd or 0.0)

    def lines(self, s: Schematic, reltol: float) -> list[str]:
        """The circuit in this process, its supply, temperature and options.

        Raises
        ------
        InvalidValue
            For a shift of a transistor that the circuit has not.
        MissingTool
            Without the files of the process.
        """
        process = find_technology(self.technology)
        return [
            *s.lines(process, self.corner, self.temperature, self.shifts),
            f"Vdd vdd 0 {self.supply!r}",
            f".temp {self.temperature - 273.15!r}",
            self.solver.options(reltol),
        ]
