r"""Channels on the membrane: OTAs that pull it to their reversal potentials.

A channel of conductance ``g`` and reversal ``E`` is an OTA between ``E`` and the membrane whose
bias follows the conductance: ``I = g V tanh((E - v) / V)``, ``V = 2 n U_T``. Within a few
millivolts that is ``g (E - v)``. A node holds each conductance relative to the leak's, so that
one volt on it stands for a channel as strong as the leak. What moves the node is a circuit too:
a source over time, a gate that relaxes to the curve of a differential pair, a photocycle, a
synapse that spikes charge.

Potentials of a model become those of the circuit by :class:`Scale`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..golden.errors import require
from ..golden.gating import Gate
from ..golden.lif import Lif
from ..golden.ota import slope_voltage
from .netlist import Transient
from .neuron import OtaNeuron, from_lif, number

__all__ = [
    "Scale",
    "channel",
    "gate",
    "kinetics",
    "samples",
    "scaled",
    "steps",
    "synapse",
]

Array = NDArray[np.float64]
SWING = 0.4e-3
"""Volts from rest to threshold: reversal potentials ten times as far are still in the range."""
FARAD = 1e-12
"""Capacitance of nodes that hold a state."""


@dataclass(frozen=True)
class Scale:
    """``(v - rest) * volts`` is the circuit's potential of a model's ``v``."""

    neuron: OtaNeuron
    rest: float
    volts: float

    def up(self, v: float) -> float:
        """The circuit's potential."""
        return (v - self.rest) * self.volts

    def model(self) -> str:
        """The model's potential, as an expression of the netlist."""
        return f"(v(mem)/{self.volts!r}+({self.rest!r}))"


def scaled(lif: Lif, *, swing: float = SWING) -> Scale:
    """The membrane of one conductance-based neuron.

    Raises
    ------
    InvalidValue
        For more than one neuron.
    """
    m = from_lif(lif, swing=swing)
    return Scale(m.neuron, float(lif.v_leak[0]), m.scale)


def channel(s: Scale, name: str, reversal: float) -> str:
    """An OTA to ``reversal`` (the model's volts) of conductance ``v(name)`` leaks."""
    slope = float(slope_voltage(s.neuron.n_slope, s.neuron.temperature))
    target = s.up(number("reversal", reversal))
    strength = s.neuron.g_m * slope
    return f"Bc{name} 0 mem I={strength!r}*v({name})*tanh(({target!r}-v(mem))/{slope!r})"


def steps(name: str, values: ArrayLike, transient: Transient) -> list[str]:
    """A source that holds ``values[k]`` over the ``k``-th step of the transient."""
    a = np.asarray(values, dtype=np.float64)
    require(a.shape == transient.drive.shape, name, list(a.shape), "a value for every step")
    edge = transient.dt * 1e-4
    points = [(0.0, a[0])]
    for k in np.flatnonzero(np.diff(a)) + 1:
        points += [(k * transient.dt, a[k - 1]), (k * transient.dt + edge, a[k])]
    text = [f"{float(t)!r} {number(name, v)!r}" for t, v in points]
    rows = [" ".join(text[k : k + 4]) for k in range(0, len(text), 4)]
    return [f"V{name} {name} 0 pwl(", *(f"+ {row}" for row in rows), "+ )"]


def samples(name: str, values: ArrayLike, interval: float) -> list[str]:
    """A source through ``values``, ``interval`` seconds apart, joined by lines.

    For noise: ngspice draws its own from a state that no command sets again, these are the same
    in every run. Independent samples of deviation ``a`` have the area ``a^2 interval`` under
    their autocovariance, which is the density of white noise below ``1 / interval``.
    """
    number("interval", interval, low=1e-15)
    a = np.asarray(values, dtype=np.float64)
    require(a.ndim == 1 and a.size > 1, name, list(a.shape), "one axis of two values or more")
    text = [f"{k * interval!r} {number(name, v)!r}" for k, v in enumerate(a)]
    rows = [" ".join(text[k : k + 6]) for k in range(0, len(text), 6)]
    return [f"V{name} {name} 0 pwl(", *(f"+ {row}" for row in rows), "+ )"]


def gate(s: Scale, name: str, g: Gate, shift: float, strength: float) -> list[str]:
    """A gate whose steady state is the curve of a differential pair; ``strength`` leaks open.

    ``1 / (1 + exp(u / k)) = (1 - tanh(u / 2k)) / 2``: the Boltzmann curve is the pair's tanh.
    """
    v = f"({s.model()}-({number('shift', shift)!r}))"
    steady = f"0.5*(1+tanh(({v}-({g.v_half!r}))/{2 * g.slope!r}))"
    speed = f"({g.rate_a!r}*exp(-{v}/{g.slope_a!r})+{g.rate_b!r}*exp({v}/{g.slope_b!r}))"
    speed = f"1/({g.tau_min!r}+1/{speed})"
    start = float(g.steady(s.rest + s.neuron.v_init / s.volts, shift))
    return [
        f"B{name}x 0 {name}x I={FARAD!r}*({steady}-v({name}x))*{speed}",
        f"C{name}x {name}x 0 {FARAD!r} ic={start!r}",
        f"B{name} {name} 0 V={number('strength', strength)!r}*v({name}x)",
    ]


def kinetics(
    name: str, dark: Array, lit: Array, light: str, start: Array, weights: Array
) -> list[str]:
    """States that pass into each other: ``dp/dt = (dark + v(light) (lit - dark)) p``.

    ``v(light)`` is 0 or 1. A capacitor holds each state; ``v(name)`` is their weighted sum.
    """
    lines = []
    m = len(start)
    for i in range(m):
        terms = []
        for j in range(m):
            off, on = float(dark[i, j]), float(lit[i, j])
            if off or on:
                terms.append(f"({off!r}+v({light})*{on - off!r})*v({name}{j})")
        flow = "+".join(terms) or "0"
        lines += [
            f"B{name}{i} 0 {name}{i} I={FARAD!r}*({flow})",
            f"C{name}{i} {name}{i} 0 {FARAD!r} ic={float(start[i])!r}",
        ]
    total = "+".join(f"{float(w)!r}*v({name}{i})" for i, w in enumerate(weights) if w)
    return [*lines, f"B{name} {name} 0 V={total}"]


def synapse(name: str, times: Sequence[float], jump: float, tau: float, width: float) -> list[str]:
    """A node that jumps by ``jump`` at each time in seconds and decays with ``tau``.

    Every spike is a charge pulse of ``width`` seconds that ends at its time.

    Raises
    ------
    InvalidValue
        For a width or tau not above 0, or spikes closer than the width.
    """
    number("tau", tau, low=1e-12)
    number("width", width, low=1e-15)
    ordered = sorted(times)
    gaps = np.diff([0.0, *ordered])
    require(bool((gaps > 1.01 * width).all()), name, float(gaps.min(initial=0.0)),
            f"spikes more than {width:g} s apart")  # fmt: skip
    edge = width * 1e-3
    # The pulse's own decay is made up for, so that the jump is exact at its end.
    level = float(FARAD * jump / (tau * -np.expm1(-width / tau)))
    points = ["0 0"]
    for t in ordered:
        points += [f"{t - width!r} 0", f"{t - width + edge!r} {level!r}",
                   f"{t!r} {level!r}", f"{t + edge!r} 0"]  # fmt: skip
    rows = [" ".join(points[k : k + 4]) for k in range(0, len(points), 4)]
    return [
        f"I{name} 0 {name} pwl(", *(f"+ {row}" for row in rows), "+ )",
        f"C{name} {name} 0 {FARAD!r} ic=0",
        f"R{name} {name} 0 {tau / FARAD!r}",
    ]  # fmt: skip
