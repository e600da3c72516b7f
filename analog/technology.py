"""What a circuit needs of a process: corners, model text, and one line a transistor.

Circuits are written once, without a process; a :class:`Technology` writes their transistors.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Protocol

from ..golden.errors import InvalidValue, require

__all__ = ["CORNERS", "NO_SHIFT", "Shift", "Size", "Technology", "Transistor", "check_corner"]

CORNERS = ("tt", "ff", "ss", "fs", "sf")
"""Typical, and fast or slow n-channel and p-channel transistors, in this order."""


@dataclass(frozen=True)
class Size:
    """Width and length of a channel, metres."""

    w: float
    length: float

    def __post_init__(self) -> None:
        for name, value in (("w", self.w), ("length", self.length)):
            require(isfinite(value) and 1e-8 <= value <= 1e-2, name, value, "10 nm to 1 cm")

    @property
    def area(self) -> float:
        """Square metres of gate."""
        return self.w * self.length


@dataclass(frozen=True)
class Shift:
    """How one transistor differs from its model: volts of threshold, and share of ``beta``."""

    v_t: float = 0.0
    beta: float = 0.0

    def __post_init__(self) -> None:
        require(abs(self.v_t) <= 0.5, "shift.v_t", self.v_t, "-0.5 to 0.5 V")
        require(-0.9 <= self.beta <= 9, "shift.beta", self.beta, "-0.9 to 9")


NO_SHIFT = Shift()


@dataclass(frozen=True)
class Transistor:
    """A transistor of a circuit: its name, channel (``n`` or ``p``), nodes and size.

    Names and nodes come from the circuits of this package, never from a user.
    """

    name: str
    channel: str
    drain: str
    gate: str
    source: str
    bulk: str
    size: Size


class Technology(Protocol):
    """A process."""

    @property
    def name(self) -> str:
        """As users write it."""

    @property
    def v_dd(self) -> float:
        """Nominal supply, volts."""

    @property
    def mismatch(self) -> tuple[float, float]:
        """Pelgrom's constants: volt metres of threshold, metres of relative ``beta``."""

    @property
    def least(self) -> Size:
        """The smallest transistor."""

    def models(self, corner: str, temperature: float) -> list[str]:
        """Lines that come before the first transistor.

        Raises
        ------
        InvalidValue
            For an unknown corner.
        MissingTool
            Without the files of the process.
        """

    def transistor(self, t: Transistor, shift: Shift) -> list[str]:
        """Lines of one transistor."""


def check_corner(corner: str) -> None:
    """Refuse a corner that no process has."""
    if corner not in CORNERS:
        raise InvalidValue("corner", corner, ", ".join(CORNERS))
