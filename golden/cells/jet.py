"""Bounds of a curve's second derivative, by interval arithmetic.

A :class:`Jet` carries intervals that hold a function's value and its first two derivatives
everywhere on a piece of its domain, for many pieces at once. The rules of differentiation
carry them through sums, products, ``exp`` and reciprocals (Moore, "Interval Analysis" (1966)).
Arithmetic is that of doubles: whoever uses a bound adds a share for their rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Interval", "Jet"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Interval:
    """``low`` to ``high``, a piece each."""

    low: Array
    high: Array

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def __mul__(self, other: Interval) -> Interval:
        corners = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Interval(np.minimum.reduce(corners), np.maximum.reduce(corners))

    def times(self, factor: float) -> Interval:
        """Every number of it times ``factor``."""
        a, b = self.low * factor, self.high * factor
        return Interval(np.minimum(a, b), np.maximum(a, b))

    def square(self) -> Interval:
        """Never below 0, unlike the product with itself."""
        a, b = self.low**2, self.high**2
        inside = (self.low < 0) & (self.high > 0)
        return Interval(np.where(inside, 0.0, np.minimum(a, b)), np.maximum(a, b))

    def largest(self) -> Array:
        """Greatest magnitude."""
        return np.asarray(np.maximum(np.abs(self.low), np.abs(self.high)))


@dataclass(frozen=True, eq=False)
class Jet:
    """A function, its slope and its bend on each piece."""

    value: Interval
    slope: Interval
    bend: Interval

    @staticmethod
    def identity(low: ArrayLike, high: ArrayLike) -> Jet:
        """The argument itself, from ``low`` to ``high``."""
        a, b = np.asarray(low, np.float64), np.asarray(high, np.float64)
        one, none = np.ones_like(a), np.zeros_like(a)
        return Jet(Interval(a, b), Interval(one, one), Interval(none, none))

    def scaled(self, factor: float, offset: float = 0.0) -> Jet:
        """``factor f + offset``."""
        value = self.value.times(factor)
        moved = Interval(value.low + offset, value.high + offset)
        return Jet(moved, self.slope.times(factor), self.bend.times(factor))

    def __add__(self, other: Jet) -> Jet:
        return Jet(self.value + other.value, self.slope + other.slope, self.bend + other.bend)

    def exp(self) -> Jet:
        """``exp(f)``."""
        e = Interval(np.exp(self.value.low), np.exp(self.value.high))
        return Jet(e, e * self.slope, e * (self.bend + self.slope.square()))

    def reciprocal(self) -> Jet:
        """``1 / f`` of an ``f`` above 0."""
        r = Interval(1.0 / self.value.high, 1.0 / self.value.low)
        inner = (r * self.slope.square()).times(2.0) + self.bend.times(-1.0)
        return Jet(r, (r.square() * self.slope).times(-1.0), r.square() * inner)
