"""A neuron whose leak is a differential-pair integrator, after Livi and Indiveri.

::

    i_in --> pair (M_in, M_thr) --> mem --+--- M_mem: I_mem = I_0 exp(V_mem / n U_T)
                                          |        |-- share of I_mem mirrored back into mem
                      i_tau <-------------+        |-- against i_th: nspike falls when above
                                          |
                                        C_mem    reset switch to ground while spike is high

The membrane's variable is the current ``I_mem``. While it is below ``i_gain`` the membrane rises at
``(I_in - I_tau) / C``, above it as an integrator of first order; the feedback makes the upswing of
a spike. The spike is at ``i_th``; a capacitor that ``i_ref`` discharges holds the reset.

After Livi & Indiveri, IEEE ISCAS 2898 (2009); the refractory part is that of
:mod:`lifstone.analog.silicon`, and spike-frequency adaptation is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...golden.errors import require
from ..blocks import MICRO, MIRROR, PAIR, SWITCH, Schematic, mirror, starved_inverter
from ..conditions import Conditions
from ..neuron import number
from ..run import check_end, run_netlist
from ..silicon_measure import SiliconRun
from ..technology import Size

__all__ = ["DpiNeuron", "expected_rise", "run_dpi_neuron", "schematic"]

LONG = Size(2 * MICRO, 4 * MICRO)
"""Gives a fourth of ``I_mem`` back."""


@dataclass(frozen=True)
class DpiNeuron:
    """Capacitances in farads, currents in amperes; ``i_out`` is what an inverter may draw."""

    c: float = 2e-12
    i_tau: float = 50e-12
    i_gain: float = 50e-12
    i_th: float = 1e-9
    c_ref: float = 20e-15
    i_ref: float = 1e-9
    i_out: float = 50e-9
    conditions: Conditions = field(default_factory=Conditions)

    def __post_init__(self) -> None:
        for name in ("c", "c_ref"):
            number(name, getattr(self, name), low=1e-15, high=1e-6)
        for name in ("i_tau", "i_gain", "i_th", "i_ref"):
            number(name, getattr(self, name), low=1e-13, high=1e-7)
        number("i_out", self.i_out, low=1e-11, high=1e-5)
        require(self.i_th > self.i_gain, "i_th", self.i_th, f"above i_gain = {self.i_gain:g} A")


def schematic(neuron: DpiNeuron) -> Schematic:
    """The circuit without its process; the input is drawn from node ``pin``."""
    s = Schematic()
    s.p("ind", "pin", "pin", "vdd", PAIR)
    s.p("ins", "tail", "pin", "vdd", PAIR)
    s.p("in", "mem", "mem", "tail", PAIR)
    s.p("thr", "0", "vthr", "tail", PAIR)
    s.n("gain", "vthr", "vthr", "0", PAIR)
    mirror(s, "mt", "ntau", "mem", size=MIRROR)
    s.n("fb", "pfb", "mem", "0", LONG)
    s.p("fbd", "pfb", "pfb", "vdd", MIRROR)
    s.p("fbm", "mem", "pfb", "vdd", MIRROR)
    s.n("amp", "nth", "mem", "0", PAIR)
    s.p("ampd", "pth", "pth", "vdd", PAIR)
    s.p("ampl", "nth", "pth", "vdd", PAIR)
    mirror(s, "mo", "nout", "pout", size=Size(2 * MICRO, MICRO))
    s.p("mop", "pout", "pout", "vdd", PAIR)
    s.p("set", "ref", "nth", "vdd", Size(2 * MICRO, 0.3 * MICRO))
    mirror(s, "mr", "nref", "ref", size=Size(MICRO, 2 * MICRO))
    starved_inverter(s, "inv", "ref", "nspike", "nout", "pout")
    starved_inverter(s, "out", "nspike", "spike", "nout", "pout")
    s.n("reset", "mem", "spike", "0", SWITCH)
    s.elements += [
        f"Cmem mem 0 {neuron.c!r}",
        f"Cref ref 0 {neuron.c_ref!r}",
        f"Cfb spike ref {neuron.c_ref / 2!r}",
        f"Itau vdd ntau {neuron.i_tau!r}",
        f"Igain vdd vthr {neuron.i_gain!r}",
        f"Ith pth 0 {neuron.i_th!r}",
        f"Iref vdd nref {neuron.i_ref!r}",
        f"Iout vdd nout {neuron.i_out!r}",
    ]
    return s


def expected_rise(neuron: DpiNeuron, current: float) -> float:
    """Seconds from reset to spike by the membrane's own current, ``sum C dV / I(V)``.

    ``I`` is swept with the membrane held and ``spike`` low, from ground to where the threshold
    stage is half way; infinite where the current balances before.

    Raises
    ------
    RuntimeError
        If the simulator gives up.
    """
    number("current", current, low=1e-13, high=1e-6)
    half = neuron.conditions.supply / 2
    lines = [
        "* current of the membrane",
        *neuron.conditions.lines(schematic(neuron), 1e-5),
        f"Iin pin 0 {float(current)!r}",
        "Vhold spike 0 0",
        "Vmem mem 0 0",
        f".dc Vmem 0 {half!r} 2e-3",
        ".end",
    ]
    v, branch, stage = run_netlist("\n".join(lines) + "\n", ("v-sweep", "vmem#branch", "nth"))
    fell = int(np.argmax(stage < half))
    require(stage[fell] < half, "i_th", neuron.i_th, "a threshold below half the supply")
    net = np.asarray(branch)[: fell + 1]
    if not (net > 0).all():
        return float("inf")
    return float(np.trapezoid(neuron.c / net, v[: fell + 1]))


def run_dpi_neuron(neuron: DpiNeuron, current: float, stop: float, steps: int = 1000) -> SiliconRun:
    """Run for ``stop`` seconds under a constant input in amperes, from reset.

    Raises
    ------
    InvalidValue
        For a current or a time that is no number in range.
    RuntimeError
        If the simulator gives up.
    """
    number("current", current, low=1e-13, high=1e-6)
    step = number("stop", stop, low=1e-9, high=1e3) / steps
    v_dd = neuron.conditions.supply
    start = {"mem": 0.0, "ref": 0.0, "spike": 0.0, "nspike": v_dd, "nth": v_dd}
    lines = [
        "* neuron with a differential-pair integrator",
        *neuron.conditions.lines(schematic(neuron), 1e-3),
        f"Iin pin 0 {float(current)!r}",
        ".ic " + " ".join(f"v({node})={volts!r}" for node, volts in start.items()),
        f".tran {step!r} {stop!r} 0 {step!r} uic",
        ".end",
    ]
    names = ("time", "mem", "spike", "vdd#branch")
    t, mem, spike, branch = run_netlist("\n".join(lines) + "\n", names)
    check_end(t, stop)
    return SiliconRun(t, mem, spike, -branch, v_dd)
