"""Netlist text of the neuron: the same file runs in PySpice and in ``ngspice`` alone.

::

    drive --[synapse]-- G_in --> mem --+--------+----------+
                                       |        |          |
                                       C     OTA to     reset switch to v_reset,
                                       |     v_leak      closed while the latch is set
                                      gnd
    comparator: above v_th it sets the latch; the timer clears it after t_ref

Every state of the circuit is the charge of a capacitor. ngspice's own switch with hysteresis
is none: it keeps the position that a discarded iteration gave it, and closes unasked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..golden.errors import InvalidValue, require
from ..golden.ota import slope_voltage
from .neuron import OtaNeuron, number

__all__ = ["Transient", "body", "netlist", "title"]

Array = NDArray[np.float64]
RESET_SHARE = 1e-8
"""Time constant of the closed reset switch as a share of the shortest of the neuron's."""
HOLD = 15.0
"""A reset without refractory period lasts so many of them."""
NEVER = 1e6
"""A threshold of so many volts leaves the comparator out."""
SHARP = 1e-6
"""Width of the comparator's transition as a share of the swing."""
RELTOL = 1e-4
EDGE = 1e-4
"""Width of the timer's end as a share of the refractory period."""


@dataclass(frozen=True, eq=False)
class Transient:
    """What drives the neuron, and for how long.

    ``drive[k]`` volts hold over ``[k dt, (k + 1) dt)``; ``max_step`` bounds the simulator's
    step in seconds.
    """

    drive: Array
    dt: float
    max_step: float

    def __init__(self, drive: ArrayLike, dt: float, max_step: float | None = None) -> None:
        try:
            values = np.array(drive, dtype=np.float64)
        except (TypeError, ValueError):
            raise InvalidValue("drive", drive, "numbers") from None
        require(values.ndim == 1 and values.size > 0, "drive", list(values.shape), "one axis")
        for k in np.flatnonzero(~(np.abs(values) <= 1e15)):
            number(f"drive[{k}]", values[k])
        object.__setattr__(self, "drive", values)
        object.__setattr__(self, "dt", number("dt", dt, low=1e-24))
        step = self.dt / 100 if max_step is None else max_step
        object.__setattr__(self, "max_step", number("max_step", step, low=1e-27))

    @property
    def stop(self) -> float:
        """End of the simulation, seconds."""
        return self.drive.size * self.dt


def title(text: str) -> str:
    """A title that stays on its line and is no command."""
    good = isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.,:()+-]{0,79}", text)
    require(bool(good), "title", text, "letters, digits, spaces and _.,:()+-; up to 80")
    return text


def netlist(
    neuron: OtaNeuron,
    transient: Transient,
    g_in: float,
    *,
    name: str = "capacitor and OTA neuron",
    comments: Sequence[str] = (),
    channels: Sequence[str] = (),
) -> str:
    """The netlist, with the commands that let ``ngspice -b`` run it and print the potentials.

    Parameters
    ----------
    g_in
        Siemens from drive to membrane.
    name, comments
        The title, and lines that follow it.
    channels
        Elements on the membrane besides its leak, as :mod:`.channels` makes them.
    """
    return "\n".join(
        [
            f"* {title(name)}",
            *(f"* {title(line)}" for line in comments),
            "* volts above rest; a spike is where v(latch) rises through 0.5",
            *_drive(transient),
            *body(neuron, g_in, transient.stop, transient.max_step, channels),
            f".tran {transient.max_step!r} {transient.stop!r} 0 {transient.max_step!r} uic",
            ".print tran v(mem) v(latch)",
            ".end",
            "",
        ]
    )


def body(
    neuron: OtaNeuron, g_in: float, stop: float, max_step: float, channels: Sequence[str] = ()
) -> list[str]:
    """The neuron without what drives its node ``drive``, and without commands.

    ``stop`` and ``max_step`` in seconds are those of the run that it is for.
    """
    g_in = number("g_in", g_in)
    shortest = min(t for t in (neuron.tau, neuron.tau_syn, stop) if t is not None)
    # The simulator's steps have to stay above the rounding of time and above its smallest step.
    quick = max(RESET_SHARE * shortest, 1e-12 * stop, 1e-7 * max_step)
    hold = max(neuron.t_ref, HOLD * quick)
    return [
        *_input(neuron, g_in),
        f"Cmem mem 0 {neuron.c!r} ic={neuron.v_init!r}",
        *_leak(neuron),
        *channels,
        *_reset(neuron, quick, hold),
        f".temp {neuron.temperature - 273.15!r}",
        _options(neuron, shortest, max_step),
    ]


def _options(neuron: OtaNeuron, shortest: float, max_step: float) -> str:
    """Tolerances in proportion to the neuron's own volts, amperes and coulombs.

    The simulator's defaults are for volts and milliamperes. ``trtol=1``: with 7, the default, a
    jump passes in a single step. ngspice also reads ``abstol`` as the least third difference
    of a charge, in C/s^3, which would keep the steps of a slow neuron short.
    """
    levels = [neuron.v_reset, neuron.v_leak, neuron.v_init]
    if neuron.v_th < NEVER:
        levels.append(neuron.v_th)
    swing = max(max(levels) - min(levels), 1e-6)
    charge = neuron.c * swing
    abstol = charge * min(1e-5 / shortest, RELTOL / max_step**3)
    return (
        f".options method=gear reltol={RELTOL!r} trtol=1 vntol={swing * 1e-6!r} "
        f"abstol={abstol!r} chgtol={charge!r} gmin=1e-18 nopage"
    )


def _drive(t: Transient) -> list[str]:
    """A piecewise linear voltage whose edges take a millionth of a step."""
    edge = t.dt * 1e-6
    points = [(0.0, t.drive[0])]
    for k in np.flatnonzero(np.diff(t.drive)) + 1:
        points += [(k * t.dt, t.drive[k - 1]), (k * t.dt + edge, t.drive[k])]
    text = [f"{float(a)!r} {float(v)!r}" for a, v in points]
    rows = [" ".join(text[k : k + 4]) for k in range(0, len(text), 4)]
    return ["Vdrive drive 0 pwl(", *(f"+ {row}" for row in rows), "+ )"]


def _input(neuron: OtaNeuron, g_in: float) -> list[str]:
    if neuron.tau_syn is None:
        return [f"Gin 0 mem drive 0 {g_in!r}"]
    # One picofarad and its conductance: the filter's time constant is exact.
    c_syn = 1e-12
    return [
        f"Gsyn 0 syn drive syn {c_syn / neuron.tau_syn!r}",
        f"Csyn syn 0 {c_syn!r} ic=0",
        f"Gin 0 mem syn 0 {g_in!r}",
    ]


def _leak(neuron: OtaNeuron) -> list[str]:
    if neuron.i_bias == 0:
        return []
    slope = float(slope_voltage(neuron.n_slope, neuron.temperature))
    return [
        "* OTA: a tanh-limited transconductor between v_leak and the membrane",
        f"Bota 0 mem I={neuron.i_bias!r}*tanh(({neuron.v_leak!r}-v(mem))/{slope!r})",
    ]


def _reset(neuron: OtaNeuron, quick: float, hold: float) -> list[str]:
    if neuron.v_th >= NEVER:
        # The latch stays, at rest: results have the same columns for every neuron.
        return ["Rlatch latch 0 1"]
    swing = neuron.v_th - neuron.v_reset
    # Charges of the membrane's order, for which the tolerances are.
    c = neuron.c * swing
    g = c / quick

    def rises(node: str, level: float) -> str:
        return f"0.5*(1+tanh(40*(v({node})-{level})))"

    return [
        "* comparator and timer's end: logarithmic, and with a capacitor, so that the simulator's",
        "* steps shrink with the distance that is left",
        f"Bcmp cmp 0 V=asinh((v(mem)-({neuron.v_th!r}))/{swing * SHARP!r})",
        f"Ccmp cmp 0 {c!r}",
        f"Bend end 0 V=asinh((v(timer)-1)/{max(EDGE, quick / hold)!r})",
        f"Cend end 0 {c!r}",
        "* latch: set by the comparator, holds itself above a level that the timer's end raises",
        "* from 0.3 to 1.2",
        "Bhold hold 0 V=0.5*(1+tanh(40*(v(latch)-0.75-0.45*tanh(v(end)))))",
        f"Blatch 0 latch I={g!r}*(1-(1-v(hold))*0.5*(1-tanh(v(cmp)))-v(latch))",
        f"Clatch latch 0 {c!r} ic=0",
        "* timer: from 0 to 1 in the refractory period while the latch is set",
        f"Btimer 0 timer I={c / hold!r}*{rises('latch', 0.6)}"
        f"-{g!r}*v(timer)*(1-{rises('latch', 0.15)})",
        f"Ctimer timer 0 {c!r} ic=0",
        "* reset switch",
        f"Breset mem 0 I={neuron.c / quick!r}*{rises('latch', 0.7)}*(v(mem)-({neuron.v_reset!r}))",
    ]
