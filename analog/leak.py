"""The leak at three levels behind one interface: ideal, behavioural, transistors.

:func:`~lifstone.analog.silicon_measure.leak_curve` and the time constants by decay and AC take
any :class:`Leak`; :func:`leak_at` makes one of a level's name.

* ideal: a voltage-controlled current source, ``g (v_leak - v)``.
* behavioural: ``I_b tanh((v_leak + offset - v) / (2 n U_T))``, the OTA's output conductance
  ``g_m / gain``, and an output range: the mirror that gives the current runs out of drain voltage
  at ``high``, the pair that takes it at ``low``, both as ``1 - exp(-V / U_T)``.
* transistors: :class:`~lifstone.analog.silicon.SiliconNeuron`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, isinf
from typing import Protocol

import numpy as np

from ..golden import ota
from ..golden.errors import InvalidValue, require
from ..golden.ota import CHARGE, slope_voltage, thermal_voltage
from .channels import samples
from .neuron import number
from .silicon import SiliconNeuron
from .solver import LADDER

__all__ = ["LEVELS", "BehaviouralLeak", "IdealLeak", "Leak", "leak_at", "white_current"]

LEVELS = ("ideal", "behavioural", "transistor")


class Leak(Protocol):
    """A membrane capacitor on node ``mem`` and what leaks it to rest."""

    @property
    def c(self) -> float:
        """Farads of the membrane."""

    @property
    def v_leak(self) -> float:
        """Volts to which it leaks, apart from an offset."""

    @property
    def v_dd(self) -> float | None:
        """Supply, volts: the end of the membrane's range."""

    def leak_lines(self) -> list[str]:
        """Netlist of both, with temperature and options."""


@dataclass(frozen=True)
class IdealLeak:
    """Capacitor in farads and linear conductance in siemens to ``v_leak`` volts."""

    c: float
    g: float
    v_leak: float = 0.7
    v_dd: float = 1.8

    def __post_init__(self) -> None:
        number("c", self.c, low=1e-15, high=1e-6)
        number("g", self.g, low=1e-15, high=1.0)
        number("v_dd", self.v_dd, low=0.1, high=100.0)
        number("v_leak", self.v_leak, low=0.0, high=self.v_dd)

    def leak_lines(self) -> list[str]:
        """See :class:`Leak`."""
        return [
            f"Cmem mem 0 {self.c!r}",
            f"Vleak vleak 0 {self.v_leak!r}",
            f"Gleak 0 mem vleak mem {self.g!r}",
            LADDER[0].options(1e-6),
        ]


@dataclass(frozen=True)
class BehaviouralLeak:
    """An OTA by its figures.

    Parameters
    ----------
    c, i_bias
        Farads, and amperes of tail current.
    v_leak, offset
        Volts; ``offset`` is added to ``v_leak``.
    gain
        Voltage gain: transconductance over output conductance; infinite without the latter.
    low, high
        Range of the output, volts; infinite without.
    n_slope, temperature
        Slope factor of the pair, kelvin.
    shot
        Shot noise of the four transistors, as a share of theory's: 1 unless measured.
    """

    c: float
    i_bias: float
    v_leak: float = 0.7
    offset: float = 0.0
    gain: float = inf
    low: float = -inf
    high: float = inf
    n_slope: float = 1.35
    temperature: float = 300.15
    v_dd: float = 1.8
    shot: float = 1.0

    def __post_init__(self) -> None:
        number("c", self.c, low=1e-15, high=1e-6)
        number("i_bias", self.i_bias, low=1e-13, high=1e-3)
        number("v_dd", self.v_dd, low=0.1, high=100.0)
        number("v_leak", self.v_leak, low=0.0, high=self.v_dd)
        number("offset", self.offset, low=-1.0, high=1.0)
        require(self.gain >= 1, "gain", self.gain, "1 or greater, or inf")
        number("n_slope", self.n_slope, low=1.0, high=10.0)
        number("temperature", self.temperature, low=1.0, high=1e4)
        number("shot", self.shot, low=1e-6, high=1e6, zero=True)
        rest = self.v_leak + self.offset
        for name, good in (("low", self.low < rest), ("high", self.high > rest)):
            allowed = f"{'below' if name == 'low' else 'above'} the rest, {rest:g} V"
            require(good, name, getattr(self, name), allowed)

    @property
    def g_m(self) -> float:
        """Transconductance of the pair, siemens."""
        return float(ota.g_m(self.i_bias, self.n_slope, self.temperature))

    @property
    def conductance(self) -> float:
        """Small-signal siemens of the leak: the pair's and the output's."""
        return self.g_m * (1.0 + 1.0 / self.gain)

    def leak_lines(self) -> list[str]:
        """See :class:`Leak`."""
        slope = float(slope_voltage(self.n_slope, self.temperature))
        rest, u_t = self.v_leak + self.offset, float(thermal_voltage(self.temperature))
        drive = f"tanh(({rest!r}-v(mem))/{slope!r})"
        # Halves of a sum and a difference: max and min would have no slope at rest.
        given = f"({drive}+abs({drive}))" + _room(f"{self.high!r}-v(mem)", self.high, u_t)
        taken = f"({drive}-abs({drive}))" + _room(f"v(mem)-({self.low!r})", self.low, u_t)
        lines = [
            f"Cmem mem 0 {self.c!r}",
            f"Bleak 0 mem I={self.i_bias / 2!r}*({given}+{taken})",
        ]
        if not isinf(self.gain):
            lines += [f"Vrest rest 0 {rest!r}", f"Gout 0 mem rest mem {self.g_m / self.gain!r}"]
        return [
            *lines,
            f".temp {self.temperature - 273.15!r}",
            LADDER[0].options(1e-6),
        ]

    @property
    def noise_density(self) -> float:
        """Noise current squared, A^2/Hz on one side: ``2 q I`` of four halves of the bias."""
        return self.shot * 4.0 * CHARGE * self.i_bias

    @property
    def noise_voltage(self) -> float:
        """Theory's standard deviation of the membrane in volts, from that current alone."""
        return float(np.sqrt(self.noise_density / (4.0 * self.conductance * self.c)))

    def noise_lines(self, interval: float, stop: float, seed: int = 0) -> list[str]:
        """That noise as a current into ``mem``, drawn every ``interval`` seconds."""
        return white_current(self.noise_density, interval, stop, seed)


def white_current(density: float, interval: float, stop: float, seed: int) -> list[str]:
    """A current into ``mem`` of one-sided ``density`` in A^2/Hz, drawn every ``interval`` s."""
    number("interval", interval, low=1e-15)
    deviation = float(np.sqrt(density / (2.0 * interval)))
    white = np.random.default_rng((seed, 2)).standard_normal(int(stop / interval) + 2)
    # In nanoamperes, so that the source's volts are of order one.
    return [*samples("shot", deviation * 1e9 * white, interval), "Gshot 0 mem shot 0 1e-9"]


def _room(drop: str, end: float, u_t: float) -> str:
    """What a transistor with ``drop`` volts from drain to source gives of its saturation."""
    return "" if isinf(end) else f"*(1-exp(-max({drop},0)/{u_t!r}))"


def leak_at(level: str, neuron: SiliconNeuron, model: BehaviouralLeak | None = None) -> Leak:
    """The leak of ``neuron`` at a level, from its capacitor, bias and ``v_leak``.

    ``model`` holds the other figures of the OTA at both upper levels; without it they are those
    of :class:`BehaviouralLeak`, an OTA without flaws.

    Raises
    ------
    InvalidValue
        For an unknown level.
    """
    if level == "transistor":
        return neuron
    v_dd = float(neuron.v_dd or 0.0)
    start = model or BehaviouralLeak(neuron.c, neuron.i_bias, v_dd=v_dd)
    ota_leak = replace(
        start,
        c=neuron.c,
        i_bias=neuron.i_bias,
        v_leak=neuron.v_leak,
        v_dd=v_dd,
        temperature=neuron.temperature,
    )
    if level == "behavioural":
        return ota_leak
    if level == "ideal":
        return IdealLeak(neuron.c, ota_leak.g_m, neuron.v_leak, v_dd)
    raise InvalidValue("level", level, ", ".join(LEVELS))
