"""Netlist text of the neuron: the same file runs in PySpice and in ``ngspice`` alone.

::

    drive --[synapse]-- G_in --> mem --+--------+----------+
                                       |        |          |
                                       C     OTA to     S_reset to v_reset,
                                       |     v_leak      from timer full to empty
                                      gnd
    comparator: above v_th it fills the timer, which runs down in t_ref
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..golden.errors import require
from ..golden.ota import thermal_voltage
from .neuron import OtaNeuron, number

__all__ = ["Transient", "netlist", "title"]

Array = NDArray[np.float64]
RESET_SHARE = 1e-6
"""Time constant of the closed reset switch as a share of the shortest of the neuron's."""
HOLD = 15.0
"""A reset without refractory period lasts so many of them."""
NEVER = 1e6
"""A threshold of so many volts leaves the comparator out."""
FULL, FIRE, LOW = 1.0, 0.9, 0.05
"""Potentials of the timer, volts: filled, where the reset switch closes, and where it opens."""
SHARP = 1e-5
"""Width of the comparator's transition as a share of the swing."""


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
        values = np.array(drive, dtype=np.float64)
        require(values.ndim == 1 and values.size > 0, "drive", list(values.shape), "one axis")
        for k in np.flatnonzero(~np.isfinite(values)):
            number(f"drive[{k}]", values[k])
        object.__setattr__(self, "drive", values)
        object.__setattr__(self, "dt", number("dt", dt, low=0.0, above=True))
        step = self.dt / 100 if max_step is None else max_step
        object.__setattr__(self, "max_step", number("max_step", step, low=0.0, above=True))

    @property
    def stop(self) -> float:
        """End of the simulation, seconds."""
        return self.drive.size * self.dt


def title(text: str) -> str:
    """A title that stays on its line and is no command."""
    good = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _,:()+-]{0,79}", text) is not None
    require(good, "title", text, "letters, digits, spaces and _,:()+-; up to 80")
    return text


def netlist(
    neuron: OtaNeuron,
    transient: Transient,
    g_in: float,
    *,
    name: str = "capacitor and OTA neuron",
    alone: bool = True,
) -> str:
    """The netlist.

    Parameters
    ----------
    g_in
        Siemens from drive to membrane.
    alone
        With the commands that let ``ngspice -b`` run it and print the potentials.
    """
    g_in = number("g_in", g_in)
    shortest = min(t for t in (neuron.tau, neuron.tau_syn, transient.stop) if t is not None)
    quick = RESET_SHARE * shortest
    hold = max(neuron.t_ref, HOLD * quick)
    lines = [
        f"* {title(name)}",
        *_drive(transient),
        *_input(neuron, g_in),
        f"Cmem mem 0 {neuron.c!r} ic={neuron.v_init!r}",
        *_leak(neuron),
        *_reset(neuron, quick, hold),
        f".temp {neuron.temperature - 273.15!r}",
        _options(neuron, shortest),
    ]
    if alone:
        # In a saved file the result is a table; in the process the caller reads the vectors.
        lines += [
            f".tran {transient.max_step!r} {transient.stop!r} 0 {transient.max_step!r} uic",
            ".print tran v(mem) v(timer)",
        ]
    return "\n".join([*lines, ".end"]) + "\n"


def _options(neuron: OtaNeuron, shortest: float) -> str:
    """Tolerances in proportion to the neuron's own volts, amperes and coulombs.

    The simulator's defaults are for volts and milliamperes; values far below the neuron's own
    would make it creep.
    """
    levels = [neuron.v_reset, neuron.v_leak, neuron.v_init]
    if neuron.v_th < NEVER:
        levels.append(neuron.v_th)
    swing = max(max(levels) - min(levels), 1e-6)
    charge = neuron.c * swing
    return (
        f".options method=gear reltol=1e-4 vntol={swing * 1e-6!r} "
        f"abstol={charge / shortest * 1e-5!r} chgtol={charge * 1e-5!r} gmin=1e-18"
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
    slope = 2.0 * neuron.n_slope * float(thermal_voltage(neuron.temperature))
    return [
        "* OTA: a tanh-limited transconductor between v_leak and the membrane",
        f"Bota 0 mem I={neuron.i_bias!r}*tanh(({neuron.v_leak!r}-v(mem))/{slope!r})",
    ]


def _reset(neuron: OtaNeuron, quick: float, hold: float) -> list[str]:
    if neuron.v_th >= NEVER:
        # The timer stays, at rest: results have the same columns for every neuron.
        return ["Rtimer timer 0 1"]
    c_timer = 1e-12
    slope = c_timer * (FULL - LOW) / hold
    # The membrane takes far longer to fall by half: the timer is full by then.
    gain = c_timer / quick * 20
    band = (neuron.v_th - neuron.v_reset) * SHARP
    closed, half = (FIRE + LOW) / 2, (FIRE - LOW) / 2
    return [
        "* comparator: above v_th it fills the timer, and goes on until the membrane has",
        "* fallen by half",
        f"Bset 0 timer I={gain!r}*({FULL!r}-v(timer))*0.5*(1+tanh((v(mem)-{neuron.v_th!r}"
        f"+{(neuron.v_th - neuron.v_reset) / 4!r}*(1+tanh(40*(v(timer)-0.5))))/{band!r}))",
        "* timer: runs down evenly",
        f"Ctimer timer 0 {c_timer!r} ic=0",
        f"Btimer timer 0 I={slope!r}*tanh(v(timer)*200)",
        "* reset switch: closes when the timer is full, opens when it has run down",
        "Sreset mem rest timer 0 closed off",
        f".model closed sw vt={closed!r} vh={half!r} ron={quick / neuron.c!r} roff=1e18",
        f"Vrest rest 0 {neuron.v_reset!r}",
    ]
