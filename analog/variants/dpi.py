r"""The differential-pair integrator: a current-mode synapse of first order.

::

    vdd --+---------+----------+                 i_gain: a diode of M_syn's size holds the
          |         |          |                         gate of M_thr
        M_tau     C_syn      M_syn --> out
          |         |          |gate             M_in's gate is its drain, v_syn
    v_syn +---------+----------+
          |
        M_in     M_thr -- vdd
          +---+---+
              |
            M_pre (pulse)
              |
            M_w  (i_w)

The pair gives ``C_syn`` the share ``I_w / (1 + I_syn / I_gain)`` of the weight's current, the
exponential of ``M_syn`` makes of its charge a current of first order::

    tau dI_syn/dt + I_syn = I_w I_gain / I_tau,    tau = n C U_T / I_tau,

for ``I_syn`` far above ``I_gain``; the steady state of the pair itself is
``I_gain (I_w / I_tau - 1)^(n_n / n_p)``, with the slope factors of both channels, since the pair's
bulk is at ground and the output's at ``vdd``.

Source: Bartolozzi & Indiveri, Neural Computation 19, 2581 (2007), whose pair and output have one
slope factor; the exponent is an own derivation.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...golden.errors import require
from ...golden.ota import thermal_voltage
from ..blocks import MICRO, PAIR, Schematic, mirror
from ..conditions import Conditions
from ..neuron import number
from ..run import check_end, run_netlist
from ..technology import Size

__all__ = [
    "DpiSynapse",
    "measure_gain",
    "measure_slope",
    "measure_tau",
    "schematic",
    "steady",
]

Array = NDArray[np.float64]
OUTPUT = Size(6 * MICRO, 3 * MICRO)
"""Long, since the output's slope of saturation enters the gain, and wide for weak inversion."""
SINK = Size(2 * MICRO, 3 * MICRO)
"""Small, since its gates slow the end of an inhibitory output."""
PULSE = Size(0.5 * MICRO, MICRO)
"""Longer than other switches: what it leaks while it is off keeps the output from its end."""


@dataclass(frozen=True)
class DpiSynapse:
    """A synapse.

    Parameters
    ----------
    c
        ``C_syn``, farads.
    i_tau, i_w, i_gain
        Leak, weight and gain, amperes; ``i_w`` above ``i_tau``.
    inhibitory
        The output is drawn from ``out`` by one more mirror instead of given to it.
    """

    c: float = 2e-12
    i_tau: float = 50e-12
    i_w: float = 500e-12
    i_gain: float = 50e-12
    inhibitory: bool = False
    conditions: Conditions = field(default_factory=Conditions)

    def __post_init__(self) -> None:
        number("c", self.c, low=1e-15, high=1e-6)
        for name in ("i_tau", "i_w", "i_gain"):
            number(name, getattr(self, name), low=1e-13, high=1e-8)
        require(self.i_w > self.i_tau, "i_w", self.i_w, f"above i_tau = {self.i_tau:g} A")

    @property
    def gain(self) -> float:
        """Theory's steady output in amperes, ``i_w i_gain / i_tau``."""
        return self.i_w * self.i_gain / self.i_tau

    def pair_gain(self, slope_n: float, slope_p: float) -> float:
        """The steady output with the pair's own saturation and both slope factors."""
        return self.i_gain * float((self.i_w / self.i_tau - 1.0) ** (slope_n / slope_p))

    def tau(self, slope: float) -> float:
        """Theory's time constant in seconds for the slope factor of the output."""
        return slope * self.c * float(thermal_voltage(self.conditions.temperature)) / self.i_tau


def schematic(synapse: DpiSynapse) -> Schematic:
    """The circuit without its process; ``pulse`` and ``out`` are left open."""
    s = Schematic()
    mirror(s, "mw", "nw", "foot", size=OUTPUT)
    s.n("pre", "tail", "pulse", "foot", PULSE)
    s.n("in", "syn", "syn", "tail", PAIR)
    s.n("thr", "vdd", "vthr", "tail", PAIR)
    s.p("taud", "ptau", "ptau", "vdd", OUTPUT)
    s.p("tau", "syn", "ptau", "vdd", OUTPUT)
    s.p("gain", "vthr", "vthr", "vdd", OUTPUT)
    if synapse.inhibitory:
        s.p("syn", "nout", "syn", "vdd", OUTPUT)
        mirror(s, "mo", "nout", "out", size=SINK)
    else:
        s.p("syn", "out", "syn", "vdd", OUTPUT)
    s.elements += [
        f"Csyn vdd syn {synapse.c!r}",
        f"Iw vdd nw {synapse.i_w!r}",
        f"Itau ptau 0 {synapse.i_tau!r}",
        f"Igain vthr 0 {synapse.i_gain!r}",
    ]
    return s


def _bench(synapse: DpiSynapse, pulse: str, reltol: float) -> list[str]:
    half = synapse.conditions.supply / 2
    return [
        *synapse.conditions.lines(schematic(synapse), reltol),
        f"Vpulse pulse 0 {pulse}",
        f"Vout out 0 {half!r}",
    ]


def steady(synapse: DpiSynapse) -> tuple[float, float]:
    """Amperes into ``out`` while ``pulse`` is high for ever, and volts of the pair's source.

    ``out`` is held at half the supply; the current is below 0 if inhibitory.

    Raises
    ------
    RuntimeError
        If the simulator gives up.
    """
    v_dd = synapse.conditions.supply
    lines = [
        "* steady output of a synapse",
        *_bench(synapse, f"{v_dd!r}", 1e-6),
        f".dc Vpulse {v_dd!r} {v_dd!r} 1",
        ".end",
    ]
    current, tail = run_netlist("\n".join(lines) + "\n", ("vout#branch", "tail"))
    return float(current[-1]), float(tail[-1])


def measure_gain(synapse: DpiSynapse) -> float:
    """Steady output over its theory ``i_w i_gain / i_tau``; 1 where they agree."""
    sign = -1.0 if synapse.inhibitory else 1.0
    return sign * steady(synapse)[0] / synapse.gain


def measure_tau(synapse: DpiSynapse, slope: float = 1.4) -> float:
    """Time constant in seconds of the output after a long pulse.

    Fitted to the logarithm of the current from 0.5 to 2.5 times the expected constant after the
    pulse's end; ``slope``, a guess of the slope factor, only sets how long to look.

    Raises
    ------
    RuntimeError
        If the simulator gives up, or the output does not decay.
    """
    expected = synapse.tau(slope)
    v_dd = synapse.conditions.supply
    on, step = expected / 50, expected / 250
    lines = [
        "* decay of a synapse",
        *_bench(synapse, f"pwl(0 {v_dd!r} {on!r} {v_dd!r} {on + step!r} 0)", 1e-5),
        f".tran {step!r} {on + 2.6 * expected!r} 0 {step!r}",
        ".end",
    ]
    t, current = run_netlist("\n".join(lines) + "\n", ("time", "vout#branch"))
    check_end(t, on + 2.6 * expected)
    used = (t > on + 0.5 * expected) & (t < on + 2.5 * expected)
    out = np.abs(np.asarray(current))[used]
    fit, _ = np.polyfit(t[used] / expected, np.log(out), 1)
    if not fit < 0:
        raise RuntimeError("the output of the synapse did not decay")
    return float(-expected / fit)


def measure_slope(
    channel: str,
    current: float,
    source: float = 0.0,
    size: Size = OUTPUT,
    conditions: Conditions | None = None,
) -> float:
    """Slope factor ``dV_g / (U_T d ln I)`` of a saturated transistor, from half to twice a current.

    ``source`` is how many volts its source lies above (below, for ``p``) its bulk: the slope
    factor falls with it in real processes.

    Raises
    ------
    InvalidValue
        For an unknown channel, a current or potential that is none, or a current so small that
        a diode is not saturated.
    """
    require(channel in ("n", "p"), "channel", channel, "n, p")
    number("current", current, low=1e-13, high=1e-6)
    here = conditions or Conditions()
    number("source", source, low=0.0, high=here.supply)
    s = Schematic()
    if channel == "n":
        s.n("q", "g", "g", "src", size)
        bias = [f"Vsrc src 0 {source!r}", f"Iq vdd g {current!r}"]
    else:
        s.p("q", "g", "g", "src", size)
        bias = [f"Vsrc vdd src {source!r}", f"Iq g 0 {current!r}"]
    lines = [
        "* a diode",
        *here.lines(s, 1e-7),
        *bias,
        f".dc Iq {current / 2!r} {current * 2.01!r} {current / 2!r}",
        ".end",
    ]
    i, gate = run_netlist("\n".join(lines) + "\n", ("i-sweep", "g"))
    u_t = float(thermal_voltage(here.temperature))
    drop = gate - source if channel == "n" else here.supply - source - gate
    allowed = "enough for four thermal voltages from gate to source"
    require(float(drop.min()) >= 4.0 * u_t, "current", current, allowed)
    return abs(float(np.polyfit(np.log(i), gate, 1)[0])) / u_t
