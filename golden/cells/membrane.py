r"""The membrane with conductances in integers: what the conductance-based cells share.

``u`` is the potential above rest in units of ``lsb``. Conductances are pure numbers
``a = g dt / C`` with ``fraction`` bits behind the point. One step under conductances ``a_k``
with reversals ``e_k``, in this order:

1. **load**       ``x = leak + sum a_k``,  ``drive = current - leak u + sum a_k (e_k - u)``
2. **share**      ``phi(x)`` from a table, for ``phi(x) = (1 - exp(-x)) / x``
3. **integrate**  ``d = round(drive / 2^(fraction - GUARD))``,
   ``u' = sat(u + round(d phi / 2^(GUARD + phi.fraction)))``
4. **compare, reset, refractory**  as in :mod:`..contract`: held while refractory, a spike
   where ``u' > threshold``, then ``u' = u_reset`` and ``hold`` steps

Steps 1 to 3 are the exact step of :mod:`..conductance` under a held load,
``v + (target - v) (1 - exp(-dt / tau))``, with ``dt / tau = x`` and ``(target - v) x = drive``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cell import Word
from ..errors import InvalidValue, require
from ..fixed import Ints, Rounding, limits, saturate, shift_right
from .curve import Curve, tabulate

__all__ = ["GUARD", "Load", "Membrane", "membrane_step", "share_curve"]

GUARD = 4
"""Bits of the drive behind the point of ``u`` that the multiplication keeps."""
PHI_FRACTION = 16

Load = tuple[Ints, Ints]
"""A conductance and its reversal, ``(..., n)``; a negative conductance takes away."""


@dataclass(frozen=True, eq=False)
class Membrane:
    """``n`` membranes; arrays are int64 ``(n,)``.

    Parameters
    ----------
    width
        Bits of ``u``, 4 to 32.
    fraction
        Bits of a conductance behind the point, 5 to 28.
    leak
        Conductance of the leak, above 0.
    current
        Of a constant current: ``i dt / C`` in units of ``u``, with ``fraction`` bits.
    threshold, u_reset, u_init
        In units of ``u``; a threshold of ``2^(width - 1) - 1`` is never exceeded.
    hold
        Refractory steps, 0 to 65535.
    phi
        Table of the share, from :func:`share_curve`.

    Raises
    ------
    InvalidValue
        Naming the field, its value and what is allowed.
    """

    n: int
    width: int
    fraction: int
    leak: Ints
    current: Ints
    threshold: Ints
    u_reset: Ints
    u_init: Ints
    hold: Ints
    phi: Curve

    def __post_init__(self) -> None:
        require(self.n >= 1, "n", self.n, "at least 1")
        require(4 <= self.width <= 32, "width", self.width, "4 to 32 bits")
        require(GUARD < self.fraction <= 28, "fraction", self.fraction, "5 to 28 bits")
        low, high = limits(self.width)
        ranges = {
            "leak": (1, (1 << self.fraction) - 1),
            "current": (-(1 << 40), 1 << 40),
            "threshold": (low, high),
            "u_reset": (low, high),
            "u_init": (low, high),
            "hold": (0, (1 << 16) - 1),
        }
        for name, (least, most) in ranges.items():
            a = getattr(self, name)
            require(a.shape == (self.n,), name, list(a.shape), f"{self.n} values")
            for j in np.flatnonzero((a < least) | (a > most)):
                raise InvalidValue(f"{name}[{j}]", int(a[j]), f"{least} to {most}")
        good = self.phi.low == 0 and self.phi.fraction == PHI_FRACTION
        require(good, "phi", (self.phi.low, self.phi.fraction), f"(0, {PHI_FRACTION})")

    @property
    def word(self) -> Word:
        """Of ``u``."""
        return Word(self.width)

    @property
    def hold_word(self) -> Word | None:
        """Of the refractory count; ``None`` where no neuron is ever refractory."""
        bits = int(self.hold.max()).bit_length()
        return Word(bits, False) if bits else None

    @property
    def numbers(self) -> dict[str, Ints]:
        """What the step reads of each neuron."""
        out = {k: getattr(self, k) for k in ("leak", "current", "threshold", "u_reset")}
        return {**out, **({"hold": self.hold} if self.hold_word else {})}

    def start(self) -> dict[str, Ints]:
        """Initial words."""
        zero = np.zeros(self.n, np.int64)
        return {"u": self.u_init.copy(), **({"hold": zero} if self.hold_word else {})}


def share_curve(fraction: int, largest: float) -> Curve:
    """``phi(x) = (1 - exp(-x)) / x`` up to ``largest``, of ``x`` with ``fraction`` bits.

    ``phi(x)`` is the mean of ``exp(-x s)`` over ``s`` from 0 to 1, hence ``0 < phi'' <= 1 / 3``
    for every ``x >= 0``. 32 pieces; the range is rounded up to a power of two.
    """
    require(0 < largest <= 8, "largest", largest, "above 0, at most 8 of x in a step")
    bits = max(0, int(np.ceil(np.log2(largest * 2.0**fraction))) - 5)

    def phi(x: NDArray[np.float64]) -> NDArray[np.float64]:
        y = np.maximum(x * 2.0**-fraction, 1e-300)
        return np.asarray(-np.expm1(-y) / y)

    def bend(a: NDArray[np.float64], _: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full(a.shape, 4.0**-fraction / 3.0)

    return tabulate(phi, bend, 0, bits, 32, PHI_FRACTION)


def membrane_step(
    m: Membrane, u: Ints, hold: Ints | None, loads: Sequence[Load]
) -> tuple[dict[str, Ints], NDArray[np.bool_]]:
    """Words ``u`` and ``hold`` after a step, and who fired."""
    x, drive = m.leak, m.current - m.leak * u
    for a, e in loads:
        x, drive = x + a, drive + a * (e - u)
    coarse = shift_right(drive, m.fraction - GUARD, Rounding.NEAREST)
    moved = shift_right(coarse * m.phi(x), GUARD + PHI_FRACTION, Rounding.NEAREST)
    grown = saturate(u + moved, m.width)
    if hold is None:
        spikes = grown > m.threshold
        return {"u": np.where(spikes, m.u_reset, grown)}, spikes
    free = hold == 0
    spikes = free & (grown > m.threshold)
    after = np.where(spikes, m.u_reset, np.where(free, grown, u))
    left = np.where(spikes, m.hold, np.where(free, 0, hold - 1))
    return {"u": after, "hold": left}, spikes
