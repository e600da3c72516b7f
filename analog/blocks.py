"""Circuits of transistors without a process: mirrors, OTAs, inverters.

Every function adds a block to a :class:`Schematic`; ``name`` begins the names of its transistors
and inner nodes. Bulks are at ground and ``vdd``. Sizes follow one rule: pairs and mirrors long and
wide, for matching and output resistance; gates that only switch short.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..golden.errors import require
from .technology import NO_SHIFT, Shift, Size, Technology, Transistor

__all__ = [
    "Schematic",
    "five_transistor_ota",
    "mirror",
    "starved_inverter",
    "wide_range_ota",
]

MICRO = 1e-6
PAIR = Size(4 * MICRO, 2 * MICRO)
MIRROR = Size(2 * MICRO, 2 * MICRO)
SWITCH = Size(0.5 * MICRO, 0.3 * MICRO)


@dataclass
class Schematic:
    """Transistors and other elements, in the order in which they were added."""

    transistors: list[Transistor] = field(default_factory=list)
    elements: list[str] = field(default_factory=list)

    def n(self, name: str, drain: str, gate: str, source: str, size: Size) -> None:
        """An n-channel transistor, its bulk at ground."""
        self.transistors.append(Transistor(name, "n", drain, gate, source, "0", size))

    def p(self, name: str, drain: str, gate: str, source: str, size: Size) -> None:
        """A p-channel transistor, its bulk at ``vdd``."""
        self.transistors.append(Transistor(name, "p", drain, gate, source, "vdd", size))

    def lines(
        self,
        technology: Technology,
        corner: str,
        temperature: float,
        shifts: Mapping[str, Shift] | None = None,
    ) -> list[str]:
        """Models, transistors and elements as a netlist.

        Raises
        ------
        InvalidValue
            For an unknown corner, a transistor smaller than the process allows, or a shift of a
            transistor that is not there.
        """
        moved = dict(shifts or {})
        names = {t.name for t in self.transistors}
        for name in moved:
            require(name in names, "shifts", name, f"transistors {', '.join(sorted(names))}")
        out = technology.models(corner, temperature)
        for t in self.transistors:
            least = technology.least
            fits = t.size.w >= least.w * (1 - 1e-9) and t.size.length >= least.length * (1 - 1e-9)
            allowed = f"at least {least.w:g} by {least.length:g} m in {technology.name}"
            require(fits, f"{t.name}.size", (t.size.w, t.size.length), allowed)
            out += technology.transistor(t, moved.get(t.name, NO_SHIFT))
        return out + self.elements


def mirror(s: Schematic, name: str, reference: str, *outputs: str, size: Size = MIRROR) -> None:
    """An n-channel mirror: a diode at ``reference``, and a copy for every output."""
    s.n(f"{name}d", reference, reference, "0", size)
    for k, node in enumerate(outputs):
        s.n(f"{name}{k}", node, reference, "0", size)


def five_transistor_ota(
    s: Schematic, name: str, plus: str, minus: str, out: str, tail: str
) -> None:
    """Pair ``a``, ``b`` on the tail node, mirrored to ``out``: ``I_b tanh`` of plus over minus.

    ``tail`` is where a mirror draws the bias. Source: Mead, "Analog VLSI and Neural Systems"
    (1989), figure 5.2.
    """
    inner = f"{name}x"
    s.n(f"{name}a", inner, plus, tail, PAIR)
    s.n(f"{name}b", out, minus, tail, PAIR)
    s.p(f"{name}c", inner, inner, "vdd", PAIR)
    s.p(f"{name}d", out, inner, "vdd", PAIR)


def wide_range_ota(s: Schematic, name: str, plus: str, minus: str, out: str, tail: str) -> None:
    """The pair with both currents mirrored out of it: the output reaches both rails.

    Source: Mead (1989), chapter 5, the wide-range amplifier.
    """
    left, right, low = (f"{name}{k}" for k in ("x", "y", "z"))
    s.n(f"{name}a", left, minus, tail, PAIR)
    s.n(f"{name}b", right, plus, tail, PAIR)
    s.p(f"{name}c", left, left, "vdd", PAIR)
    s.p(f"{name}d", right, right, "vdd", PAIR)
    s.p(f"{name}e", low, left, "vdd", PAIR)
    s.p(f"{name}f", out, right, "vdd", PAIR)
    s.n(f"{name}g", low, low, "0", MIRROR)
    s.n(f"{name}h", out, low, "0", MIRROR)


def starved_inverter(
    s: Schematic, name: str, gate: str, out: str, n_bias: str, p_bias: str
) -> None:
    """An inverter through which at most the bias current flows, also half way."""
    foot, head = f"{name}foot", f"{name}head"
    s.n(f"{name}f", foot, n_bias, "0", MIRROR)
    s.n(f"{name}n", out, gate, foot, SWITCH)
    s.p(f"{name}p", out, gate, head, SWITCH)
    s.p(f"{name}h", head, p_bias, "vdd", PAIR)
