"""Figures of a transistor neuron: leak curve, time constant by decay and AC, rate, energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..golden.errors import require
from ..golden.ota import CHARGE
from .leak import Leak, white_current
from .neuron import number
from .run import check_end, run_netlist
from .silicon import SiliconNeuron, current_source

__all__ = [
    "LeakCurve",
    "SiliconRun",
    "energy_a_spike",
    "leak_curve",
    "measure_ac",
    "measure_decay",
    "run_silicon",
]

Array = NDArray[np.float64]
SMALL = 2e-3
"""Volts from rest within which a decay and a conductance are taken."""
SPAN = 0.25
STEP = 1e-3


@dataclass(frozen=True, eq=False)
class LeakCurve:
    """Current in amperes that the leak draws from the membrane at each potential in volts."""

    v: Array
    current: Array

    @property
    def rest(self) -> float:
        """Where the leak draws nothing: ``v_leak`` and the OTA's offset."""
        above = int(np.argmax(self.current > 0))
        require(above > 0, "v_leak", float(self.v[0]), "a leak that balances within the sweep")
        a, b = self.current[above - 1], self.current[above]
        return float(self.v[above - 1] - a * (self.v[above] - self.v[above - 1]) / (b - a))

    @property
    def g_m(self) -> float:
        """Slope at rest, siemens."""
        near = np.abs(self.v - self.rest) <= 2 * SMALL
        return float(np.polyfit(self.v[near] - self.rest, self.current[near], 1)[0])

    @property
    def limits(self) -> tuple[float, float]:
        """Current at both ends of the sweep: what the OTA can at most give and take."""
        return float(self.current[0]), float(self.current[-1])

    def linear_range(self, error: float = 0.01) -> float:
        """Volts above rest at which the current is ``error`` short of ``g_m (v - rest)``."""
        x = self.v - self.rest
        short = 1.0 - self.current / np.where(x == 0, 1.0, self.g_m * x)
        beyond = np.flatnonzero((x > SMALL) & (short > error))
        return float(x[beyond[0]]) if beyond.size else float(x[-1])

    def period(self, current: float, c: float, v_reset: float, v_th: float) -> float:
        """Seconds from reset to threshold: ``c dv / (current - leak(v))`` summed over the curve."""
        v = np.linspace(v_reset, v_th, 4001)
        net = current - np.interp(v, self.v, self.current)
        return float(np.trapezoid(c / net, v)) if (net > 0).all() else float("inf")


def leak_curve(neuron: Leak, span: float = SPAN) -> LeakCurve:
    """Sweep the membrane ``span`` volts around ``v_leak``, within the supply.

    Raises
    ------
    RuntimeError
        If the simulator gives up.
    """
    low = max(neuron.v_leak - span, 0.0)
    high = min(neuron.v_leak + span, float(neuron.v_dd or 0.0))
    lines = [
        "* leak of the membrane over its potential",
        *neuron.leak_lines(),
        f"Vmem mem 0 {neuron.v_leak!r}",
        f".dc Vmem {low!r} {high!r} {STEP!r}",
        ".end",
    ]
    v, i = run_netlist("\n".join(lines) + "\n", ("v-sweep", "vmem#branch"))
    # The source's branch current flows into it; the leak draws the opposite.
    return LeakCurve(np.asarray(v, np.float64), -np.asarray(i, np.float64))


def measure_decay(neuron: Leak) -> float:
    """Time constant in seconds, from decays that start 2 mV above and below rest.

    Half their difference: the OTA's offset and its curvature of second order drop out.
    """
    curve = leak_curve(neuron)
    grid = np.linspace(0.0, 2.0, 201)
    above, below = (_decay(neuron, sign, curve, grid) for sign in (1.0, -1.0))
    half = (above - below) / 2.0
    if (half <= 0).any():
        raise RuntimeError("the membrane did not decay towards its rest")
    # The first tenth is left to the inner nodes of the OTA.
    late = grid > 0.1
    slope, _ = np.polyfit(grid[late], np.log(half[late]), 1)
    return float(-neuron.c / curve.g_m / slope)


def _decay(neuron: Leak, sign: float, curve: LeakCurve, grid: Array) -> Array:
    """Potential at ``grid`` time constants after a current that held it off rest ended."""
    expected = neuron.c / curve.g_m
    step, current = expected / 500, sign * SMALL * curve.g_m
    lines = [
        "* decay of the membrane",
        *neuron.leak_lines(),
        f"Iin 0 mem pwl(0 {current!r} {step!r} 0)",
        f".nodeset v(mem)={curve.rest!r}",
        f".tran {step!r} {2.2 * expected!r} 0 {step!r}",
        ".end",
    ]
    t, v = run_netlist("\n".join(lines) + "\n", ("time", "mem"))
    check_end(t, 2.2 * expected)
    return np.asarray(np.interp(grid * expected, t, v))


def measure_ac(neuron: Leak) -> float:
    """Time constant in seconds from the impedance of the membrane: ``1 / Z = g_m + j w C``."""
    curve = leak_curve(neuron)
    corner = curve.g_m / neuron.c / (2 * np.pi)
    lines = [
        "* impedance of the membrane",
        *neuron.leak_lines(),
        "Iac 0 mem dc 0 ac 1",
        f".nodeset v(mem)={curve.rest!r}",
        f".ac dec 20 {corner / 30!r} {corner!r}",
        ".end",
    ]
    f, z = run_netlist("\n".join(lines) + "\n", ("frequency", "mem"))
    admittance = 1.0 / np.asarray(z)
    omega = 2 * np.pi * np.real(f)
    # Both parts are straight below the corner: a constant, and a line through 0. The inner nodes
    # of the OTA bend them above it.
    capacitance = float(np.sum(admittance.imag * omega) / np.sum(omega**2))
    return capacitance / float(np.median(admittance.real))


@dataclass(frozen=True, eq=False)
class SiliconRun:
    """Waveforms of a transistor neuron; ``supply`` is the current out of ``v_dd``, amperes.

    Bias currents come from the supply too.
    """

    t: Array
    mem: Array
    spike: Array
    supply: Array
    v_dd: float

    def _edges(self, rising: bool) -> Array:
        high = self.spike > self.v_dd / 2
        at = np.flatnonzero(high[1:] & ~high[:-1] if rising else ~high[1:] & high[:-1]) + 1
        a, b = self.spike[at - 1], self.spike[at]
        share = (self.v_dd / 2 - a) / (b - a)
        return np.asarray(self.t[at - 1] + share * (self.t[at] - self.t[at - 1]))

    @property
    def spike_times(self) -> Array:
        """Seconds at which ``spike`` rose."""
        return self._edges(True)

    @property
    def rate(self) -> float:
        """Hertz, from the mean interval without the first; 0 with fewer than three spikes."""
        times = self.spike_times[1:]
        return float((times.size - 1) / (times[-1] - times[0])) if times.size > 1 else 0.0

    @property
    def refractory(self) -> float:
        """Mean seconds for which ``spike`` stays high."""
        up, down = self.spike_times, self._edges(False)
        down = down[down > up[0]] if up.size else down
        n = min(up.size, down.size)
        return float(np.mean(down[:n] - up[:n])) if n else 0.0

    @property
    def power(self) -> float:
        """Mean watts from the supply over whole intervals, or over all where there is none."""
        times = self.spike_times
        used = np.ones(self.t.size, dtype=np.bool_)
        if times.size > 2:
            used = (self.t >= times[1]) & (self.t <= times[-1])
        t, i = self.t[used], self.supply[used]
        return float(self.v_dd * np.trapezoid(i, t) / (t[-1] - t[0]))


def run_silicon(
    neuron: SiliconNeuron,
    current: Array | float,
    dt: float,
    max_step: float | None = None,
    *,
    noise: float = 0.0,
    seed: int = 0,
) -> SiliconRun:
    """Drive the neuron with ``current[k]`` amperes over ``[k dt, (k + 1) dt)``, from reset.

    ``noise`` above 0 adds the shot noise of the leak, drawn every ``noise`` seconds: both
    branches of the pair and of its mirror carry half the bias, and shot noise in weak inversion
    is ``2 q I`` each (Sarpeshkar, Delbrueck & Mead, IEEE Circuits Devices 9(6), 23 (1993)).

    Raises
    ------
    InvalidValue
        For currents or times that are no finite numbers.
    RuntimeError
        If the simulator gives up.
    """
    number("dt", dt, low=1e-12, high=1e3)
    values = np.atleast_1d(np.asarray(current, dtype=np.float64))
    stop = values.size * dt
    step = stop / 500 if max_step is None else number("max_step", max_step, low=1e-15)
    v_dd = float(neuron.v_dd or 0.0)
    start = {"mem": neuron.v_reset, "ref": 0.0, "spike": 0.0, "nspike": v_dd, "cout": v_dd}
    lines = [
        "* transistor neuron",
        *neuron.lines(),
        *current_source(values, dt),
        *_shot_noise(neuron, noise, stop, seed),
        ".ic " + " ".join(f"v({node})={volts!r}" for node, volts in start.items()),
        f".tran {step!r} {stop!r} 0 {step!r} uic",
        ".end",
    ]
    names = ("time", "mem", "spike", "vdd#branch")
    t, mem, spike, branch = run_netlist("\n".join(lines) + "\n", names)
    check_end(t, stop)
    return SiliconRun(t, mem, spike, -branch, v_dd)


def _shot_noise(neuron: SiliconNeuron, interval: float, stop: float, seed: int) -> list[str]:
    """A current through samples, ``interval`` seconds apart, of the shot noise's density."""
    number("noise", interval, low=1e-15, zero=True)
    if interval == 0:
        return []
    # Four transistors of half the bias each, 2 q I each.
    return white_current(4.0 * CHARGE * neuron.i_bias, interval, stop, seed)


def energy_a_spike(
    neuron: SiliconNeuron, current: float, intervals: int = 8
) -> tuple[float, float]:
    """Joules that a spike adds to the rest power, and the rest power in watts.

    The rest power is that of the same neuron without input; ``current`` has to make it fire.
    """
    require(intervals >= 3, "intervals", intervals, "3 or more")
    curve = leak_curve(neuron)
    expected = curve.period(current, neuron.c, neuron.v_reset, neuron.v_th)
    require(np.isfinite(expected), "current", current, "enough to reach the threshold")
    idle = run_silicon(neuron, 0.0, 5 * expected).power
    busy = run_silicon(neuron, current, (intervals + 1) * 2 * expected)
    rate = busy.rate
    if rate == 0:
        raise RuntimeError("the neuron did not fire")
    return (busy.power - idle) / rate, idle
