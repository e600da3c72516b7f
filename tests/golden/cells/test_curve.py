"""Tables with linear interpolation stay within their proved bound, at every argument."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.golden import InvalidValue
from lifstone.golden.cells.curve import Curve, boltzmann_curve, relaxation_curve, tabulate
from lifstone.golden.cells.jet import Jet
from lifstone.golden.cells.membrane import PHI_FRACTION, share_curve


def error(curve: Curve, exact: np.ndarray, at: np.ndarray) -> float:
    return float(np.abs(curve(at) / 2.0**curve.fraction - exact).max())


def arguments(curve: Curve) -> np.ndarray:
    """Every integer of the table, and the knot after the last."""
    return np.arange(curve.low, curve.high + 1)


@pytest.mark.parametrize("slope", [-700.0, -60.0, 90.0, 2000.0])
@pytest.mark.parametrize(("bits", "pieces", "fraction"), [(5, 64, 16), (6, 64, 24), (0, 32, 8)])
def test_the_sigmoid_is_within_its_bound_everywhere(
    slope: float, bits: int, pieces: int, fraction: int
) -> None:
    curve = boltzmann_curve(37.4, slope, -1000, bits, pieces, fraction)
    u = arguments(curve)
    found = error(curve, 1.0 / (1.0 + np.exp((37.4 - u) / slope)), u)
    assert found <= curve.bound
    # A bound that says nothing would be of no use.
    # The bend of a piece is taken at its worst: that costs most where it changes within a piece.
    assert curve.bound < 1.6 * found + 2.0**-fraction


def test_the_bound_is_tight_where_the_bend_is_large() -> None:
    curve = boltzmann_curve(0.0, 200.0, -2048, 6, 64, 24)
    u = arguments(curve)
    found = error(curve, 1.0 / (1.0 + np.exp(-u / 200.0)), u)
    # The sigmoid bends most by 1 / (6 sqrt 3): the closed form of what the jets enclose.
    closed = 64**2 / 8 / (6 * np.sqrt(3)) / 200.0**2
    assert closed == pytest.approx(curve.bound, rel=0.03)
    assert found <= curve.bound
    assert found > 0.9 * closed


def test_a_bound_of_another_curve_is_broken() -> None:
    curve = boltzmann_curve(0.0, 200.0, -2048, 6, 64, 24)
    u = arguments(curve)
    assert error(curve, 1.0 / (1.0 + np.exp(-(u - 1) / 200.0)), u) > curve.bound


def test_the_relaxation_is_within_its_bound_everywhere() -> None:
    rates = ((0.002, -80.0), (0.05, 70.0))
    curve = relaxation_curve(rates, 2.0, -300, 4, 64, 20)
    u = arguments(curve)
    total = sum(a * np.exp(u / s) for a, s in rates)
    found = error(curve, 1.0 - np.exp(-1.0 / (2.0 + 1.0 / total)), u)
    assert found <= curve.bound
    assert curve.bound < 1.25 * found


def test_the_share_is_within_its_bound_everywhere() -> None:
    curve = share_curve(12, 1.0)
    u = arguments(curve)
    x = np.maximum(u / 4096, 1e-12)
    found = error(curve, (1 - np.exp(-x)) / x, u)
    assert found <= curve.bound < 2 * found
    assert curve(np.array([0]))[0] == 1 << PHI_FRACTION
    assert curve.high >= 4095


def test_outside_the_table_the_end_counts() -> None:
    curve = boltzmann_curve(0.0, 10.0, -64, 3, 16, 12)
    ends = curve(np.array([-64, 63]))
    assert curve(np.array([-(10**9), 10**9])).tolist() == ends.tolist()


def test_real_arguments_between_integers_are_covered() -> None:
    """The interpolant of the exact knots, unrounded, at reals: the first term of the bound."""
    curve = boltzmann_curve(3.0, 25.0, -128, 4, 16, 28)
    u = np.linspace(curve.low, curve.high, 20001)
    knots = curve.low + np.arange(17) * 16
    line = np.interp(u, knots, 1.0 / (1.0 + np.exp((3.0 - knots) / 25.0)))
    assert np.abs(line - 1.0 / (1.0 + np.exp((3.0 - u) / 25.0))).max() <= curve.bound


@given(st.floats(-3, 3), st.floats(0.01, 2), st.floats(-3, 3), st.floats(0.2, 3), st.floats(0.1, 3))
@settings(max_examples=60, deadline=None)
def test_jets_enclose_derivatives(a: float, width: float, c: float, k: float, rest: float) -> None:
    """Against central differences of ``1 / (rest + exp(c - k x) + x^2-free part)``."""
    x = np.linspace(a, a + width, 41)
    jet = Jet.identity(np.array([a]), np.array([a + width]))
    made = (jet.scaled(-k, c).exp() + jet.scaled(0.1 * k).exp()).scaled(1.0, rest).reciprocal()

    def f(y: np.ndarray) -> np.ndarray:
        return 1.0 / (rest + np.exp(c - k * y) + np.exp(0.1 * k * y))

    h = 1e-4
    slack = 1e-5
    first, second = (f(x + h) - f(x - h)) / (2 * h), (f(x + h) - 2 * f(x) + f(x - h)) / h**2
    for interval, values in ((made.value, f(x)), (made.slope, first), (made.bend, second)):
        assert interval.low[0] - slack <= values.min()
        assert values.max() <= interval.high[0] + slack


def test_a_curve_beyond_its_word_pays_for_it() -> None:
    def one(u: np.ndarray) -> np.ndarray:
        return np.ones_like(u)

    curve = tabulate(one, lambda a, b: np.zeros_like(a), 0, 2, 4, 8, top=255)
    assert curve.bound == pytest.approx(1.5 / 256)
    assert error(curve, np.ones(16), np.arange(16)) == 1 / 256


def test_pieces_must_be_a_power_of_two() -> None:
    with pytest.raises(InvalidValue, match="knots"):
        Curve(0, 3, np.zeros(4, np.int64), 8, 0.0)
