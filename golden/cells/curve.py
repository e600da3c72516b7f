r"""A curve as a table with linear interpolation, and a proved bound on its error.

With knots every ``2^bits`` from ``low`` on, an argument in piece ``k``, ``r`` behind its
first knot, gives ``y = knot[k] + round((knot[k + 1] - knot[k]) r / 2^bits)``. An argument
outside is moved to the nearest end. The output has ``fraction`` bits behind the point.

Three errors add up, in units of the output:

* interpolation, at most ``h^2 / 8 max|f''|`` on a piece of length ``h`` (Davis, "Interpolation
  and Approximation" (1963), section 3.1), with ``max|f''|`` from :mod:`.jet` or in closed form;
* rounding of the knots, half of the last bit: interpolation mixes two of them;
* rounding of the result, another half.

So the bound holds for every real argument, and for every integer one by test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidValue, require
from ..fixed import Ints, Rounding, shift_right
from .jet import Jet

__all__ = ["Curve", "boltzmann_curve", "relaxation_curve", "tabulate"]

Array = NDArray[np.float64]
SLACK = 1e-9
"""Share by which a bound grows, for the rounding of doubles that computed it."""
PARTS = 64
"""Parts of a piece whose bend is enclosed apart: intervals are tight only where short."""


@dataclass(frozen=True, eq=False)
class Curve:
    """The table; see the module.

    Parameters
    ----------
    low
        First argument.
    bits
        Of the length of a piece: ``2^bits`` integers.
    knots
        Values, int64, one more than there are pieces; a power of two pieces.
    fraction
        Bits of a value behind the point.
    bound
        Largest distance from the curve between ``low`` and the last knot, as a real number.
    """

    low: int
    bits: int
    knots: Ints
    fraction: int
    bound: float

    def __post_init__(self) -> None:
        require(0 <= self.bits <= 31, "bits", self.bits, "0 to 31")
        require(0 <= self.fraction <= 30, "fraction", self.fraction, "0 to 30")
        pieces = self.knots.size - 1
        good = pieces >= 1 and pieces & (pieces - 1) == 0
        require(good, "knots", self.knots.size, "one more than a power of two")
        for k in np.flatnonzero((self.knots < -(1 << 31)) | (self.knots >= 1 << 31)):
            raise InvalidValue(f"knots[{k}]", int(self.knots[k]), "a word of 32 bits")

    @property
    def pieces(self) -> int:
        """Number of pieces."""
        return int(self.knots.size - 1)

    @property
    def high(self) -> int:
        """Last argument: one before the last knot."""
        return self.low + (self.pieces << self.bits) - 1

    def __call__(self, argument: Ints) -> Ints:
        """Values at integer arguments."""
        at = np.clip(argument, self.low, self.high) - self.low
        k, r = at >> self.bits, at & ((1 << self.bits) - 1)
        rise = self.knots[k + 1] - self.knots[k]
        return np.asarray(self.knots[k] + shift_right(rise * r, self.bits, Rounding.NEAREST))


def tabulate(
    curve: Callable[[Array], Array],
    bend: Callable[[Array, Array], Array],
    low: int,
    bits: int,
    pieces: int,
    fraction: int,
    top: int | None = None,
) -> Curve:
    """The table of ``curve``, a function of integers taken as reals.

    Parameters
    ----------
    bend
        Largest ``|curve''|`` between each of the first ends and its second.
    top
        Largest value that the output's word holds; a curve that exceeds it is cut there, and
        the bound grows by what is cut.
    """
    ends = low + (np.arange(pieces + 1, dtype=np.float64) * 2.0**bits)
    exact = np.asarray(curve(ends)) * 2.0**fraction
    knots = np.rint(exact).astype(np.int64)
    cut = 0.5
    if top is not None:
        knots = np.minimum(knots, top)
        cut = float(np.max(np.abs(exact - knots), initial=0.5))
    fine = low + np.arange(pieces * PARTS + 1, dtype=np.float64) * (2.0**bits / PARTS)
    worst = float(np.max(bend(fine[:-1], fine[1:]))) * 4.0**bits / 8.0
    bound = worst + (cut + 0.5) * 2.0**-fraction
    return Curve(low, bits, knots, fraction, bound * (1.0 + SLACK))


def boltzmann_curve(
    half: float, slope: float, low: int, bits: int, pieces: int, fraction: int
) -> Curve:
    """``1 / (1 + exp((half - u) / slope))`` of integers ``u``; ``half``, ``slope`` in their unit.

    Values stay below ``2^fraction``: they are words of ``fraction`` bits.
    """
    require(bool(np.isfinite(slope)) and slope != 0, "slope", slope, "finite and not 0")

    def curve(u: Array) -> Array:
        return np.asarray(1.0 / (1.0 + np.exp((half - u) / slope)))

    def bend(a: Array, b: Array) -> Array:
        grown = Jet.identity(a, b).scaled(-1.0 / slope, half / slope).exp()
        return grown.scaled(1.0, 1.0).reciprocal().bend.largest()

    return tabulate(curve, bend, low, bits, pieces, fraction, (1 << fraction) - 1)


def relaxation_curve(
    rates: tuple[tuple[float, float], ...],
    rest: float,
    low: int,
    bits: int,
    pieces: int,
    fraction: int,
) -> Curve:
    """``1 - exp(-1 / tau(u))``: the share of its way that a gate goes in a step.

    ``tau(u) = rest + 1 / sum_k rate_k exp(u / scale_k)`` in steps, with ``rates`` as pairs
    ``(rate_k, scale_k)`` in the unit of ``u``.
    """

    def curve(u: Array) -> Array:
        total = sum((a * np.exp(u / s) for a, s in rates), np.zeros_like(u))
        return np.asarray(-np.expm1(-1.0 / (rest + 1.0 / total)))

    def bend(a: Array, b: Array) -> Array:
        u = Jet.identity(a, b)
        first, *others = [u.scaled(1.0 / s).exp().scaled(rate) for rate, s in rates]
        total = first
        for other in others:
            total = total + other
        tau = total.reciprocal().scaled(1.0, rest)
        return tau.reciprocal().scaled(-1.0).exp().bend.largest()

    return tabulate(curve, bend, low, bits, pieces, fraction, (1 << fraction) - 1)
