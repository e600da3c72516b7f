"""Distances of spike trains against closed forms, an integral and every possible edit."""

from __future__ import annotations

from math import exp, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.golden import InvalidValue
from lifstone.golden.spike_distance import rate_difference, van_rossum, victor_purpura

trains = st.lists(st.integers(0, 40), max_size=5, unique=True)


def test_van_rossum_in_closed_form() -> None:
    assert van_rossum([], [], 3.0) == 0.0
    assert van_rossum([5.0], [], 3.0) == pytest.approx(sqrt(0.5), rel=1e-15)
    assert van_rossum([5.0], [7.0], 3.0) == pytest.approx(sqrt(1 - exp(-2 / 3)), rel=1e-14)
    # Two spikes against none: each alone, and their overlap.
    assert van_rossum([1.0, 4.0], [], 3.0) == pytest.approx(sqrt(1 + exp(-1)), rel=1e-14)
    # Far apart, spikes without partner add up in squares.
    assert van_rossum([0.0, 1e4], [2e4], 3.0) == pytest.approx(sqrt(1.5), rel=1e-14)


def test_van_rossum_is_its_integral() -> None:
    a, b, tau, h = [1.0, 2.5, 7.0], [1.5, 6.0], 2.0, 1e-3
    t = np.arange(h / 2, 60, h)

    def filtered(train: list[float]) -> np.ndarray:
        return sum(np.where(t > s, np.exp(-(t - s) / tau), 0.0) for s in train)

    integral = ((filtered(a) - filtered(b)) ** 2).sum() * h / tau
    assert van_rossum(a, b, tau) ** 2 == pytest.approx(integral, rel=1e-5)


def test_victor_purpura_by_hand() -> None:
    assert victor_purpura([], [], 1.0) == 0.0
    assert victor_purpura([1, 2, 3], [], 1.0) == 3.0
    assert victor_purpura([10], [13], 0.1) == pytest.approx(0.3, rel=1e-14)
    # A move by 30 would cost 3; deleting and adding costs 2.
    assert victor_purpura([10], [40], 0.1) == 2.0
    # 10 -> 11 and 30 -> 28 cost 0.3, 20 is deleted.
    assert victor_purpura([10, 20, 30], [11, 28], 0.1) == pytest.approx(1.3, rel=1e-14)
    assert victor_purpura([1, 5, 9], [2], 0.0) == 2.0


def edits(a: tuple[int, ...], b: tuple[int, ...], cost: float) -> float:
    """The definition, by trying every edit."""
    if not a or not b:
        return len(a) + len(b)
    moved = edits(a[1:], b[1:], cost) + cost * abs(a[0] - b[0])
    return min(moved, 1 + edits(a[1:], b, cost), 1 + edits(a, b[1:], cost))


@settings(max_examples=60, deadline=None)
@given(trains, trains, st.sampled_from([0.0, 0.05, 0.3, 2.0]))
def test_victor_purpura_is_the_cheapest_edit(a: list[int], b: list[int], cost: float) -> None:
    wanted = edits(tuple(sorted(a)), tuple(sorted(b)), cost)
    assert victor_purpura(a, b, cost) == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(trains, trains, trains)
def test_both_are_metrics(a: list[int], b: list[int], c: list[int]) -> None:
    for d in (lambda x, y: van_rossum(x, y, 4.0), lambda x, y: victor_purpura(x, y, 0.3)):
        assert d(a, a) == 0.0
        assert d(a, b) == pytest.approx(d(b, a), abs=1e-9)
        assert d(a, c) <= d(a, b) + d(b, c) + 1e-9
        assert (d(a, b) > 1e-9) == (set(a) != set(b))


def test_rate() -> None:
    assert rate_difference([1, 2, 3], [1], 2.0) == -1.0
    assert rate_difference([], [], 2.0) == 0.0


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: van_rossum([1], [2], 0.0), "tau"),
        (lambda: van_rossum([1], [np.nan], 1.0), r"b\[0\]"),
        (lambda: victor_purpura([1], [2], -1.0), "cost"),
        (lambda: victor_purpura([[1]], [2], 1.0), "a = "),
        (lambda: rate_difference([1], [2], 0.0), "duration"),
    ],
)
def test_refused(call: object, field: str) -> None:
    with pytest.raises(InvalidValue, match=field):
        call()  # type: ignore[operator]
