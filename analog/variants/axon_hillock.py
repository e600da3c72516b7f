"""Mead's axon hillock: an amplifier with capacitive feedback, and a current that resets it.

::

    i_in --> mem --+-----------+---[amplifier]-[inverter]- spike
                   |           |                              |
                 C_mem        C_fb ---------------------------+
                   |
                  gnd      mem --[switch: spike]--[mirror: i_reset]-- gnd

When the amplifier switches, ``C_fb`` moves the membrane on by ``V_dd C_fb / (C_fb + C_mem)``. The
input has to fill that step again between spikes, and the reset current to empty it, so that
both times hold the same charge ``C_fb V_dd``, whatever ``C_mem`` and the amplifier's threshold::

    gap = C_fb V_dd / I_in,    pulse = C_fb V_dd / (I_reset - I_in).

Source: Mead, "Analog VLSI and Neural Systems" (1989), chapter 12.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...golden.errors import require
from ..blocks import MICRO, MIRROR, PAIR, SWITCH, Schematic, mirror
from ..conditions import Conditions
from ..neuron import number
from ..run import check_end, run_netlist
from ..technology import Size

__all__ = ["AxonHillock", "HillockRun", "run_axon_hillock", "schematic"]

Array = NDArray[np.float64]
STEPS = 150
"""The simulator takes at least so many steps in a gap, and 40 in a pulse."""


@dataclass(frozen=True)
class AxonHillock:
    """Capacitances in farads, currents in amperes; ``i_amplifier`` is the first stage's load."""

    c_mem: float = 1e-12
    c_fb: float = 0.2e-12
    i_reset: float = 10e-9
    i_amplifier: float = 500e-9
    conditions: Conditions = field(default_factory=Conditions)

    def __post_init__(self) -> None:
        for name in ("c_mem", "c_fb"):
            number(name, getattr(self, name), low=1e-15, high=1e-6)
        number("i_reset", self.i_reset, low=1e-13, high=1e-6)
        number("i_amplifier", self.i_amplifier, low=1e-11, high=1e-5)
        step = self.step
        allowed = f"a step on the membrane, now {step:.3g} V, of at most a fifth of the supply"
        require(step <= self.conditions.supply / 5, "c_fb", self.c_fb, allowed)

    @property
    def step(self) -> float:
        """Volts by which the membrane jumps when the amplifier switches."""
        return self.conditions.supply * self.c_fb / (self.c_fb + self.c_mem)

    def gap(self, current: float) -> float:
        """Theory's seconds from a pulse's end to the next one, for an input in amperes."""
        return self.c_fb * self.conditions.supply / self._driven(current)

    def pulse(self, current: float) -> float:
        """Theory's seconds for which ``spike`` is high."""
        return self.c_fb * self.conditions.supply / (self.i_reset - self._driven(current))

    def _driven(self, current: float) -> float:
        # An input above the reset current holds the amplifier high for ever.
        allowed = f"above 0 and below i_reset = {self.i_reset:g} A"
        require(0 < number("current", current) < self.i_reset, "current", current, allowed)
        return current


def schematic(neuron: AxonHillock) -> Schematic:
    """The circuit without its process; what drives ``mem`` is not included."""
    s = Schematic()
    # A common-source stage and an inverter. A starved inverter in the first place has a wide
    # range in which both its sources give the same current, and so little gain.
    s.p("ampd", "pamp", "pamp", "vdd", PAIR)
    s.p("ampl", "nspike", "pamp", "vdd", PAIR)
    s.n("amp", "nspike", "mem", "0", MIRROR)
    s.n("outn", "spike", "nspike", "0", SWITCH)
    s.p("outp", "spike", "nspike", "vdd", Size(2 * MICRO, 0.3 * MICRO))
    mirror(s, "mr", "nreset", "foot", size=Size(2 * MICRO, 4 * MICRO))
    s.n("reset", "mem", "spike", "foot", SWITCH)
    s.elements += [
        f"Cmem mem 0 {neuron.c_mem!r}",
        f"Cfb spike mem {neuron.c_fb!r}",
        f"Iamp pamp 0 {neuron.i_amplifier!r}",
        f"Ireset vdd nreset {neuron.i_reset!r}",
    ]
    return s


@dataclass(frozen=True, eq=False)
class HillockRun:
    """Waveforms; ``gap`` and ``pulse`` are means in seconds without the first, ``nan`` if none."""

    t: Array
    mem: Array
    spike: Array
    v_dd: float

    def _crossings(self, rising: bool) -> Array:
        high = self.spike > self.v_dd / 2
        at = np.flatnonzero(high[1:] & ~high[:-1] if rising else ~high[1:] & high[:-1]) + 1
        a, b = self.spike[at - 1], self.spike[at]
        return np.asarray(
            self.t[at - 1] + (self.v_dd / 2 - a) / (b - a) * (self.t[at] - self.t[at - 1])
        )

    @property
    def spike_times(self) -> Array:
        """Seconds at which ``spike`` rose."""
        return self._crossings(True)

    @property
    def pulse(self) -> float:
        """Mean seconds for which ``spike`` was high, half way up to half way down."""
        up, down = self.spike_times[1:], self._crossings(False)[1:]
        n = min(up.size, down.size)
        return float(np.mean(down[:n] - up[:n])) if n else float("nan")

    @property
    def gap(self) -> float:
        """Mean seconds from half way down to half way up."""
        up, down = self.spike_times[1:], self._crossings(False)
        n = min(up.size, down.size)
        return float(np.mean(up[:n] - down[:n])) if n else float("nan")


def run_axon_hillock(neuron: AxonHillock, current: float, spikes: int = 3) -> HillockRun:
    """Run under a constant input in amperes for so long that theory has ``spikes`` gaps.

    Raises
    ------
    InvalidValue
        For an input that is not between 0 and ``i_reset``, or fewer than 2 spikes.
    RuntimeError
        If the simulator gives up.
    """
    require(spikes >= 2, "spikes", spikes, "2 or more")
    gap, pulse = neuron.gap(current), neuron.pulse(current)
    stop = (spikes + 1.0) * (gap + pulse)
    step = min(gap / STEPS, pulse / 40)
    v_dd = neuron.conditions.supply
    # The first gap, from ground, is left out of the means.
    start = {"mem": 0.0, "spike": 0.0, "nspike": v_dd}
    lines = [
        "* axon hillock",
        *neuron.conditions.lines(schematic(neuron), 1e-4),
        f"Iin 0 mem {float(current)!r}",
        ".ic " + " ".join(f"v({node})={volts!r}" for node, volts in start.items()),
        f".tran {step!r} {stop!r} 0 {step!r} uic",
        ".end",
    ]
    t, mem, spike = run_netlist("\n".join(lines) + "\n", ("time", "mem", "spike"))
    check_end(t, stop)
    return HillockRun(t, mem, spike, v_dd)
