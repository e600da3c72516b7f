"""The neuron in transistors: capacitor, OTA, comparator, refractory latch, reset switch.

::

    i_in --> mem --+------------+-------------+
                   |            |             |
                   C        OTA follower   reset switch to v_reset, closed while spike is high
                   |        to v_leak         |
                  gnd                         |
    comparator(mem > v_th) --> p-switch charges C_ref; i_ref discharges it
    C_ref --> two inverters --> spike --C_fb--> C_ref

While the membrane is above the threshold the comparator charges ``C_ref``; the inverters raise
``spike``, which closes the reset switch, and the comparator lets go. ``i_ref`` then discharges
``C_ref`` to the switching level of the inverters, which is the refractory period. The capacitor
``C_fb`` pushes ``C_ref`` on in the direction in which it goes, as in Mead's axon hillock: without
it spike and reset would meet half way, and the loop rest at the threshold.

Potentials are absolute, between ground and ``v_dd``. The bias currents are ideal sources into
mirrors; ``v_leak``, ``v_th`` and ``v_reset`` are ideal too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..golden.errors import InvalidValue, require
from .blocks import (
    MICRO,
    PAIR,
    Schematic,
    five_transistor_ota,
    mirror,
    starved_inverter,
    wide_range_ota,
)
from .generic import GENERIC
from .neuron import number
from .sky130 import SKY130
from .solver import LADDER, Solver
from .technology import Shift, Size, Technology, check_corner

__all__ = [
    "OTAS",
    "TECHNOLOGIES",
    "SiliconNeuron",
    "current_source",
    "find_technology",
    "schematic",
]

TECHNOLOGIES: Mapping[str, Technology] = {"generic": GENERIC, "sky130": SKY130}
OTAS = {"five": five_transistor_ota, "wide": wide_range_ota}

FEEDBACK = 0.5
"""``C_fb`` as a share of ``C_ref``."""


def find_technology(name: str) -> Technology:
    """The process of that name.

    Raises
    ------
    InvalidValue
        Naming those that there are.
    """
    if name not in TECHNOLOGIES:
        raise InvalidValue("technology", name, ", ".join(TECHNOLOGIES))
    return TECHNOLOGIES[name]


@dataclass(frozen=True)
class SiliconNeuron:
    """A neuron of transistors.

    Parameters
    ----------
    technology, corner, temperature, v_dd
        Process by name, corner, kelvin, supply in volts (nominal unless given).
    ota
        ``five`` or ``wide``: the leak's amplifier.
    c, i_bias
        Membrane capacitance, farads; tail current of the leak's OTA, amperes.
    v_leak, v_th, v_reset
        Volts from ground.
    c_ref, i_ref
        Capacitance and discharge current of the refractory period.
    i_comparator
        Tail current of the comparator; also what each inverter may draw.
    shifts
        Mismatch, by transistor's name.
    solver
        How the simulator solves.
    """

    technology: str = "generic"
    corner: str = "tt"
    temperature: float = 300.15
    v_dd: float | None = None
    ota: str = "five"
    c: float = 1e-12
    i_bias: float = 1e-9
    v_leak: float = 0.70
    v_th: float = 0.72
    v_reset: float = 0.68
    c_ref: float = 20e-15
    i_ref: float = 1e-9
    i_comparator: float = 50e-9
    shifts: Mapping[str, Shift] = field(default_factory=dict)
    solver: Solver = LADDER[0]

    def __post_init__(self) -> None:
        process = find_technology(self.technology)
        check_corner(self.corner)
        require(self.ota in OTAS, "ota", self.ota, ", ".join(OTAS))
        supply = process.v_dd if self.v_dd is None else self.v_dd
        object.__setattr__(self, "v_dd", number("v_dd", supply, low=0.5, high=process.v_dd * 1.2))
        number("temperature", self.temperature, low=233.0, high=423.0)
        number("c", self.c, low=1e-15, high=1e-6)
        number("c_ref", self.c_ref, low=1e-15, high=1e-6)
        # Above this the mirrors and pairs are no longer in weak inversion, below it the
        # simulator's own leakage is of the same order.
        for name in ("i_bias", "i_ref"):
            number(name, getattr(self, name), low=1e-13, high=1e-6)
        number("i_comparator", self.i_comparator, low=1e-11, high=1e-5)
        for name in ("v_leak", "v_th", "v_reset"):
            number(name, getattr(self, name), low=0.0, high=float(self.v_dd or 0.0))
        require(self.v_reset < self.v_th, "v_reset", self.v_reset, f"below v_th = {self.v_th:g}")
        known = {t.name for t in schematic(self).transistors}
        for name in self.shifts:
            require(name in known, "shifts", name, ", ".join(sorted(known)))

    def lines(self) -> list[str]:
        """Models, transistors, capacitors and supplies; what drives ``mem`` is not included."""
        return _realised(self, schematic(self), self.shifts, 1e-3)

    def leak_lines(self) -> list[str]:
        """The same of membrane and leak alone."""
        s = _leak(self)
        kept = {t.name for t in s.transistors}
        # Millivolts upon a good part of the supply: a share of 1e-6 of that.
        return _realised(self, s, {k: v for k, v in self.shifts.items() if k in kept}, 1e-6)


def schematic(neuron: SiliconNeuron) -> Schematic:
    """The neuron without its process."""
    s = _leak(neuron)
    mirror(s, "mc", "ncmp", "ctail", "pcmp", size=Size(2 * MICRO, MICRO))
    s.p("mcp", "pcmp", "pcmp", "vdd", PAIR)
    # Low while the membrane is above the threshold.
    five_transistor_ota(s, "cmp", "vth", "mem", "cout", "ctail")
    s.p("set", "ref", "cout", "vdd", Size(2 * MICRO, 0.3 * MICRO))
    mirror(s, "mr", "nref", "ref", size=Size(MICRO, 2 * MICRO))
    starved_inverter(s, "inv", "ref", "nspike", "ncmp", "pcmp")
    starved_inverter(s, "out", "nspike", "spike", "ncmp", "pcmp")
    s.n("reset", "mem", "spike", "vreset", Size(0.5 * MICRO, 0.3 * MICRO))
    s.elements += [
        f"Cref ref 0 {neuron.c_ref!r}",
        f"Cfb spike ref {neuron.c_ref * FEEDBACK!r}",
        f"Vth vth 0 {neuron.v_th!r}",
        f"Vreset vreset 0 {neuron.v_reset!r}",
        f"Icmp vdd ncmp {neuron.i_comparator!r}",
        f"Iref vdd nref {neuron.i_ref!r}",
    ]
    return s


def _leak(neuron: SiliconNeuron) -> Schematic:
    s = Schematic()
    mirror(s, "mb", "nbias", "tail")
    OTAS[neuron.ota](s, "leak", "vleak", "mem", "mem", "tail")
    s.elements += [
        f"Cmem mem 0 {neuron.c!r}",
        f"Vdd vdd 0 {neuron.v_dd!r}",
        f"Vleak vleak 0 {neuron.v_leak!r}",
        f"Ibias vdd nbias {neuron.i_bias!r}",
    ]
    return s


def _realised(
    neuron: SiliconNeuron, s: Schematic, shifts: Mapping[str, Shift], reltol: float
) -> list[str]:
    technology = find_technology(neuron.technology)
    return [
        *s.lines(technology, neuron.corner, neuron.temperature, shifts),
        f".temp {neuron.temperature - 273.15!r}",
        neuron.solver.options(reltol),
    ]


def current_source(values: ArrayLike, dt: float) -> list[str]:
    """Amperes into ``mem``, ``values[k]`` over ``[k dt, (k + 1) dt)``."""
    i: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    require(i.ndim == 1 and i.size > 0, "current", list(i.shape), "one axis")
    edge = dt * 1e-4
    points = [(0.0, i[0])]
    for k in np.flatnonzero(np.diff(i)) + 1:
        points += [(k * dt, i[k - 1]), (k * dt + edge, i[k])]
    text = [f"{float(a)!r} {number(f'current at {a:g} s', v)!r}" for a, v in points]
    rows = [" ".join(text[k : k + 4]) for k in range(0, len(text), 4)]
    return ["Iin 0 mem pwl(", *(f"+ {row}" for row in rows), "+ )"]
