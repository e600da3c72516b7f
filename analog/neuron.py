"""The capacitor + OTA neuron as numbers, and how a LIF model becomes one."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ..golden import ota
from ..golden.errors import InvalidValue, require
from ..golden.lif import Lif

__all__ = ["Mapping", "OtaNeuron", "from_lif", "number"]

SWING = 1e-3
"""Volts that the larger of threshold and reset lies from rest in :func:`from_lif`: at 1 mV
the OTA's tanh departs from its tangent by less than 1e-4."""
REACH = 5e-3
"""Volts from rest beyond which :func:`from_lif` lets no potential go: 0.2 % from the tangent."""
CAPACITANCE = 10e-12


def number(
    field: str, value: object, *, low: float = -1e15, high: float = 1e15, zero: bool = False
) -> float:
    """``value`` as a float; nothing that could be text reaches a netlist.

    The bounds keep every product that a netlist holds a finite number.

    Raises
    ------
    InvalidValue
        For anything but a number from ``low`` to ``high``, or 0 if ``zero``.
    """
    numeric = isinstance(value, int | float | np.integer | np.floating)
    good = numeric and not isinstance(value, bool | np.bool_)
    require(good, field, value, "a number")
    try:
        out = float(value)  # type: ignore[arg-type]
    except OverflowError:
        out = np.inf
    if not (low <= out <= high or (zero and out == 0)):
        raise InvalidValue(field, out, f"{'0, or ' if zero else ''}{low:g} to {high:g}")
    return out


LIMITS = {
    "c": (1e-21, 1e3),
    "i_bias": (1e-24, 1e3),
    "t_ref": (1e-15, 1e9),
    "tau_syn": (1e-15, 1e9),
    "n_slope": (1e-3, 1e3),
    "temperature": (1e-3, 1e4),
    "potential": (-1e6, 1e6),
}
"""The least and the largest value in SI units."""


@dataclass(frozen=True)
class OtaNeuron:
    """A capacitor, an OTA that leaks to ``v_leak``, a comparator and a reset switch.

    Parameters
    ----------
    c
        Membrane capacitance, farads.
    i_bias
        Bias of the OTA, amperes; 0 leaves it out: an integrator without leak.
    v_leak, v_th, v_reset, v_init
        Potentials, volts; ``v_reset < v_th``. A ``v_th`` of 1e6 V, the largest, never fires.
    t_ref
        Refractory period, seconds.
    tau_syn
        Time constant of the synapse's low-pass filter, or ``None``.
    n_slope, temperature
        Slope factor of the pair, and kelvin.
    """

    c: float
    i_bias: float
    v_leak: float = 0.0
    v_th: float = 1e-3
    v_reset: float = 0.0
    v_init: float = 0.0
    t_ref: float = 0.0
    tau_syn: float | None = None
    n_slope: float = 1.3
    temperature: float = 300.15

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name == "tau_syn" and value is None:
                continue
            low, high = LIMITS.get(f.name, LIMITS["potential"])
            clean = number(f.name, value, low=low, high=high, zero=f.name in ("i_bias", "t_ref"))
            object.__setattr__(self, f.name, clean)
        require(self.v_reset < self.v_th, "v_reset", self.v_reset, f"below v_th = {self.v_th:g}")

    @property
    def g_m(self) -> float:
        """Small-signal conductance of the leak, siemens; 0 without OTA."""
        if self.i_bias == 0:
            return 0.0
        return float(ota.g_m(self.i_bias, self.n_slope, self.temperature))

    @property
    def tau(self) -> float:
        """``C / g_m``; infinite without OTA."""
        return self.c / self.g_m if self.i_bias > 0 else float("inf")

    def period(self, current: float) -> float:
        """Theory's seconds from spike to spike under a constant input in amperes, tanh and all.

        Infinite where it never fires; see :func:`lifstone.golden.ota.period`.
        """
        current = number("current", current)
        if self.i_bias == 0:
            charge = self.c * (self.v_th - self.v_reset)
            return self.t_ref + charge / current if current > 0 else float("inf")
        rise = ota.period(
            current,
            c=self.c,
            i_bias=self.i_bias,
            v_th=self.v_th,
            v_reset=self.v_reset,
            v_leak=self.v_leak,
            n_slope=self.n_slope,
            temperature=self.temperature,
        )
        return self.t_ref + float(rise)


@dataclass(frozen=True)
class Mapping:
    """A neuron and the units that lead back to its model.

    ``scale`` volts are one unit of the model's potential; an input ``x`` becomes the drive
    voltage ``x * scale``, which a transconductor ``g_in`` turns into current.
    """

    neuron: OtaNeuron
    scale: float
    g_in: float


def from_lif(
    lif: Lif,
    *,
    reach: float = 0.0,
    swing: float = SWING,
    c: float = CAPACITANCE,
    n_slope: float = 1.3,
    temperature: float = 300.15,
) -> Mapping:
    """Realise one LIF neuron so that its threshold lies within ``swing`` volts of rest.

    ``reach`` is how far from rest the stimulus drives the potential, in the model's units:
    inhibition can take it many thresholds down, and the swing is then made smaller.

    A subtracting reset is the same as a reset to ``v_reset`` here: in continuous time the
    potential sits at the threshold when it is reset.

    Raises
    ------
    InvalidValue
        For more than one neuron, or values that no circuit has.
    """
    require(lif.n == 1, "n", lif.n, "1: take one neuron with Lif.neuron(j)")
    number("swing", swing, low=1e-6, high=1e3)
    number("reach", reach, low=0.0)
    v_leak, v_th, v_reset, v_init = (
        float(a[0]) for a in (lif.v_leak, lif.v_th, lif.v_reset, lif.v_init)
    )
    spans = [abs(v_reset - v_leak), abs(v_init - v_leak)]
    if np.isfinite(v_th):
        spans.append(abs(v_th - v_leak))
    span = max(spans) or 1.0
    scale = min(swing / span, REACH / reach) if reach > 0 else swing / span
    leaky = bool(np.isfinite(lif.tau_mem[0]))
    tau_mem = float(lif.tau_mem[0])
    i_bias = float(ota.bias_for_tau(tau_mem, c, n_slope, temperature)) if leaky else 0.0
    conductance = c / tau_mem if leaky else c
    gain = float(lif.r[0]) * (1.0 if lif.tau_syn is None else float(lif.w_in[0]))
    neuron = OtaNeuron(
        c,
        i_bias,
        v_leak=0.0,
        v_th=(v_th - v_leak) * scale if np.isfinite(v_th) else 1e6,
        v_reset=(v_reset - v_leak) * scale,
        v_init=(v_init - v_leak) * scale,
        t_ref=float(lif.t_ref[0]),
        tau_syn=None if lif.tau_syn is None else float(lif.tau_syn[0]),
        n_slope=n_slope,
        temperature=temperature,
    )
    return Mapping(neuron, scale, conductance * gain)
