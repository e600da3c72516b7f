"""A generic process: one equation, :mod:`lifstone.golden.ekv`, as a subcircuit.

Its numbers are those of no foundry, but of the order of a 0.18 um process; it needs no files, so
that every transistor circuit runs without a design kit, and every one can be held against the
closed form. The gate's capacitances are constant: overlaps, and to the bulk what weak inversion
shows of the oxide; junctions leak a constant current density. A fast corner has a threshold
50 mV lower and ``beta`` 10 % higher.
"""

from __future__ import annotations

from dataclasses import replace

from ..golden.ekv import Mos
from ..golden.errors import require
from ..golden.ota import thermal_voltage
from .technology import Shift, Size, Transistor, check_corner

__all__ = ["GENERIC", "Generic", "generic_mos"]

N_CHANNEL = Mos(v_t=0.45, n_slope=1.35, beta=300e-6, early=0.1e-6)
P_CHANNEL = Mos(v_t=0.45, n_slope=1.40, beta=70e-6, early=0.1e-6)
CORNER_V_T = 0.05
CORNER_BETA = 0.10
OXIDE = 8e-3
"""Farads of gate a square metre."""
OVERLAP = 0.3e-9
"""Farads of drain and of source to gate a metre of width."""
WEAK = 0.25
"""Share of the oxide's capacitance that is left to the bulk: that of the depleted layer."""
JUNCTION = 1e-6
"""Amperes a square metre of drain at 300.15 K, doubling every ten kelvin."""
DIFFUSION = 0.5e-6
"""Metres that a drain is long."""


def generic_mos(channel: str, corner: str) -> Mos:
    """The transistor of a channel in a corner, at 300.15 K.

    Raises
    ------
    InvalidValue
        For an unknown channel or corner.
    """
    require(channel in ("n", "p"), "channel", channel, "n, p")
    check_corner(corner)
    typical = N_CHANNEL if channel == "n" else P_CHANNEL
    letter = corner[0 if channel == "n" else 1]
    sign = {"t": 0.0, "f": 1.0, "s": -1.0}[letter]
    return replace(
        typical,
        v_t=typical.v_t - sign * CORNER_V_T,
        beta=typical.beta * (1.0 + sign * CORNER_BETA),
    )


class Generic:
    """The process; see :class:`~lifstone.analog.technology.Technology`."""

    name = "generic"
    v_dd = 1.8
    mismatch = (5e-9, 1e-8)
    least = Size(0.22e-6, 0.18e-6)

    def models(self, corner: str, temperature: float) -> list[str]:
        """Two subcircuits, with the numbers of this corner and temperature."""
        lines = ["* generic process: EKV, weak to strong inversion (Enz et al. 1995)"]
        u_t = float(thermal_voltage(temperature))
        leak = JUNCTION * DIFFUSION * 2.0 ** ((temperature - 300.15) / 10.0)
        for channel, sign in (("n", ""), ("p", "-")):
            mos = generic_mos(channel, corner).at(temperature)
            gate = f"({sign}(v(g)-v(b))-{mos.v_t!r}-{{dvt}})/{mos.n_slope!r}"
            specific = 2.0 * mos.n_slope * mos.beta * u_t**2
            slope = f"(1+{{{mos.early!r}/l}}*min(abs(v(d)-v(s)),10))"
            lines += [
                f".subckt lif_{channel}mos d g s b w=1u l=1u dvt=0 dbeta=0",
                f"Bd d s I={sign}{{{specific!r}*w/l*(1+dbeta)}}*({_inversion(gate, 's', sign, u_t)}"
                f"-{_inversion(gate, 'd', sign, u_t)})*{slope}",
                f"Cgs g s {{{OVERLAP!r}*w}}",
                f"Cgd g d {{{OVERLAP!r}*w}}",
                f"Cgb g b {{{WEAK * OXIDE!r}*w*l}}",
                f"Bj d b I={sign}{leak!r}*{{w}}*tanh({sign}(v(d)-v(b))/{u_t!r})",
                f".ends lif_{channel}mos",
            ]
        return lines

    def transistor(self, t: Transistor, shift: Shift) -> list[str]:
        """An instance of the channel's subcircuit."""
        return [
            f"X{t.name} {t.drain} {t.gate} {t.source} {t.bulk} lif_{t.channel}mos "
            f"w={t.size.w!r} l={t.size.length!r} dvt={shift.v_t!r} dbeta={shift.beta!r}"
        ]


def _inversion(gate: str, node: str, sign: str, u_t: float) -> str:
    """``F`` of the equation; beyond an exponent of 400, where no circuit is, guesses end."""
    return f"(ln(1+exp(min(({gate}-({sign}(v({node})-v(b))))/{2.0 * u_t!r},400)))^2)"


GENERIC = Generic()
