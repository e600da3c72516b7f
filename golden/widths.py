"""Widths of a contract's words: what a quantised population is asked to look like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from .contract import MAX_WEIGHT_WIDTH
from .errors import InvalidValue, require
from .fixed import Rounding

__all__ = ["DecayMode", "Widths", "each_population"]


class DecayMode(StrEnum):
    """How a state decays in hardware."""

    MULTIPLY = "multiply"
    SHIFT = "shift"


@dataclass(frozen=True)
class Widths:
    """Word and fraction widths, and the arithmetic between them.

    Parameters
    ----------
    state
        Bits of the membrane word, 4 to 32.
    fraction
        How many of them lie behind the point; the threshold's distance from rest is
        ``2**fraction``. ``state - 4`` unless given: eight times the threshold fits.
    syn
        Bits of the synaptic word; as ``state`` unless given.
    weight
        Bits of a weight, 2 to 24.
    decay
        Fraction bits of a decay coefficient, 1 to 24.
    decay_mode, rounding
        See :class:`DecayMode` and :class:`~lifstone.golden.fixed.Rounding`.
    """

    state: int = 16
    fraction: int | None = None
    syn: int | None = None
    weight: int = 8
    decay: int = 12
    decay_mode: DecayMode = DecayMode.MULTIPLY
    rounding: Rounding = Rounding.NEAREST

    def __post_init__(self) -> None:
        require(4 <= self.state <= 32, "widths.state", self.state, "4 to 32 bits")
        f = self.behind_point
        require(0 <= f <= self.state - 2, "widths.fraction", f, f"0 to {self.state - 2} bits")
        syn = self.syn_bits
        require(max(4, f + 2) <= syn <= 32, "widths.syn", syn, f"{max(4, f + 2)} to 32 bits")
        top = MAX_WEIGHT_WIDTH
        require(2 <= self.weight <= top, "widths.weight", self.weight, f"2 to {top} bits")
        require(1 <= self.decay <= 24, "widths.decay", self.decay, "1 to 24 bits")
        for name, kind in (("decay_mode", DecayMode), ("rounding", Rounding)):
            try:
                object.__setattr__(self, name, kind(getattr(self, name)))
            except ValueError:
                allowed = ", ".join(str(m) for m in kind)
                raise InvalidValue(f"widths.{name}", getattr(self, name), allowed) from None

    @property
    def behind_point(self) -> int:
        """Fraction bits of the state."""
        return max(self.state - 4, 0) if self.fraction is None else self.fraction

    @property
    def syn_bits(self) -> int:
        """Bits of the synaptic word."""
        return self.state if self.syn is None else self.syn


def each_population(
    names: Iterable[str], widths: Widths | Mapping[str, Widths]
) -> dict[str, Widths]:
    """Widths of each population in ``names``.

    Raises
    ------
    InvalidValue
        If there are none for one of them, or some for a name that is not among them.
    """
    known = list(names)
    if isinstance(widths, Widths):
        return dict.fromkeys(known, widths)
    for name in known:
        require(name in widths, f"widths.{name}", None, "a Widths for every population")
    for name in widths:
        require(name in known, f"widths.{name}", name, f"populations {', '.join(known)}")
    return {name: widths[name] for name in known}
