"""Integer arithmetic against exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lifstone.golden import InvalidValue, Rounding
from lifstone.golden.fixed import limits, saturate, shift_right, width_for


def rounded(value: Fraction, rounding: Rounding) -> int:
    """The definition of each mode, in exact arithmetic."""
    if rounding is Rounding.FLOOR:
        return math.floor(value)
    if rounding is Rounding.NEAREST:
        return math.floor(value + Fraction(1, 2))
    if rounding is Rounding.EVEN:
        return round(value)
    return math.trunc(value)


@given(
    values=st.lists(st.integers(-(2**60), 2**60), min_size=1, max_size=20),
    bits=st.integers(0, 40),
    rounding=st.sampled_from(list(Rounding)),
)
def test_shift_equals_exact_division(values: list[int], bits: int, rounding: Rounding) -> None:
    got = shift_right(np.array(values, dtype=np.int64), bits, rounding)
    exact = [Fraction(v, 2**bits) for v in values]
    assert got.tolist() == [rounded(v, rounding) for v in exact]
    assert all(abs(g - v) <= rounding.error for g, v in zip(got.tolist(), exact, strict=True))


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        ("floor", [-2, -2, -1, -1, 0, 0, 1, 1, 1]),
        ("nearest", [-2, -1, -1, 0, 0, 1, 1, 2, 2]),
        ("even", [-2, -2, -1, 0, 0, 0, 1, 2, 2]),
        ("zero", [-2, -1, -1, 0, 0, 0, 1, 1, 1]),
    ],
)
def test_halves_and_quarters_by_hand(rounding: str, expected: list[int]) -> None:
    # Quarters: -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 1.75.
    value = np.array([-8, -6, -4, -2, 0, 2, 4, 6, 7], dtype=np.int64)
    assert shift_right(value, 2, Rounding(rounding)).tolist() == expected


@pytest.mark.parametrize("rounding", list(Rounding))
def test_the_error_named_is_reached(rounding: Rounding) -> None:
    value = np.arange(-(1 << 10), 1 << 10, dtype=np.int64)
    error = np.abs(shift_right(value, 8, rounding) - value / 256).max()
    assert rounding.error - 1 / 128 <= error <= rounding.error


def test_a_negative_shift_is_refused() -> None:
    with pytest.raises(InvalidValue, match="bits = -1: allowed is 0 or greater"):
        shift_right(np.zeros(1, np.int64), -1, Rounding.FLOOR)


@pytest.mark.parametrize("width", [1, 2, 8, 32])
def test_words_hold_their_limits_and_no_more(width: int) -> None:
    low, high = limits(width)
    assert (low, high) == (-(2 ** (width - 1)), 2 ** (width - 1) - 1)
    assert saturate(np.array([low - 1, low, 0, high, high + 1]), width).tolist() == [
        low,
        low,
        0,
        high,
        high,
    ]
    assert width_for(low, high) == width
    assert width_for(low, low) == width_for(high, high) == max(width, 1)


@given(low=st.integers(-(2**40), 2**40), high=st.integers(-(2**40), 2**40))
@example(low=-1, high=-1)
@example(low=-9, high=-5)
def test_width_for_is_the_smallest(low: int, high: int) -> None:
    low, high = min(low, high), max(low, high)
    width = width_for(low, high)
    bottom, top = limits(width)
    assert bottom <= low
    assert high <= top
    if width > 1:
        bottom, top = limits(width - 1)
        assert low < bottom or high > top
