"""Interval statistics: do the standard errors keep their word, whatever the train."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gamma, kstest

from lifstone.golden import InvalidValue
from lifstone.golden.noise.intervals import interval_statistics, intervals, kolmogorov


@pytest.mark.parametrize("shape", [0.5, 1.0, 4.0, 100.0])
def test_errors_are_the_scatter_of_repetitions(shape: float) -> None:
    rng = np.random.default_rng(int(10 * shape))
    drawn = rng.gamma(shape, 0.02 / shape, (400, 1000))
    found = [interval_statistics(row) for row in drawn]
    for value, error, exact in (
        ([s.mean for s in found], [s.mean_error for s in found], 0.02),
        ([s.cv for s in found], [s.cv_error for s in found], shape**-0.5),
        ([s.serial for s in found], [s.serial_error for s in found], 0.0),
    ):
        z = (np.array(value) - exact) / np.array(error)
        # 400 repetitions: the scatter of z is known to 3.5 %; 4 of those.
        assert abs(z.std() - 1) < 0.14
        # The estimator of CV has a bias of order 1 / n, below a tenth of its error here.
        assert abs(z.mean()) < 4 / 20 + 0.1


def test_a_rate_is_one_over_the_mean() -> None:
    s = interval_statistics(np.random.default_rng(1).exponential(0.1, 5000))
    assert s.rate == 1 / s.mean
    assert s.rate_error / s.rate == pytest.approx(s.mean_error / s.mean)
    assert s.count == 5000


def test_a_clock_has_no_error_and_alternation_shows() -> None:
    clock = interval_statistics(np.full(100, 0.25))
    assert (clock.mean, clock.cv, clock.cv_error) == (0.25, 0.0, 0.0)
    assert np.isnan(clock.serial)
    swing = interval_statistics(np.tile([0.1, 0.3], 100))
    assert swing.serial < -0.98


@given(st.floats(1e-6, 1e6))
def test_time_units_do_not_matter(scale: float) -> None:
    gaps = np.random.default_rng(2).gamma(2.0, 1.0, 50)
    one, other = interval_statistics(gaps), interval_statistics(scale * gaps)
    assert other.cv == pytest.approx(one.cv, rel=1e-9)
    assert other.cv_error == pytest.approx(one.cv_error, rel=1e-9)
    assert other.mean_error == pytest.approx(scale * one.mean_error, rel=1e-9)


def test_intervals_of_one_train_and_of_several() -> None:
    assert [g.tolist() for g in intervals([1.0, 2.0, 4.0])] == [[1.0, 2.0]]
    assert [g.tolist() for g in intervals(np.array([1.0, 2.0, 4.0]))] == [[1.0, 2.0]]
    several = intervals([np.array([0.0, 1.0]), [], [5.0]])
    assert [g.tolist() for g in several] == [[1.0], [], []]
    # No interval reaches from one train into the next.
    assert interval_statistics([np.full(4, 1.0), np.full(4, 1.0)]).count == 8


def test_kolmogorov_agrees_with_scipy() -> None:
    x = np.random.default_rng(3).gamma(2.0, 1.0, 500)
    ours, theirs = kolmogorov(x, gamma.cdf(x, 2.0)), kstest(x, "gamma", args=(2.0,))
    assert ours == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9)
    assert kolmogorov(x, gamma.cdf(x, 3.0))[1] < 1e-10


def test_wrong_trains() -> None:
    for trains, message in (
        ([0.0, 2.0, 1.0], r"trains\[0\]\[2\] = 1\.0: allowed is later than the one before"),
        ([[0.0], [np.nan]], r"trains\[1\]\[0\] = nan: allowed is finite numbers"),
        (np.zeros((2, 2)), r"trains\[0\] = \[2, 2\]: allowed is one dimension"),
    ):
        with pytest.raises(InvalidValue, match=message):
            intervals(trains)
    for gaps, message in (
        (np.zeros(0), "intervals = '0 intervals': allowed is at least 8"),
        ([], "at least 8"),
        (np.full(9, np.nan), r"intervals\[0\] = nan"),
        (np.append(np.ones(9), -1.0), r"intervals\[9\] = -1\.0: allowed is greater than 0"),
    ):
        with pytest.raises(InvalidValue, match=message):
            interval_statistics(gaps)
    with pytest.raises(InvalidValue, match="cumulative = 2: allowed is 3 values"):
        kolmogorov([1.0, 2.0, 3.0], [0.1, 0.2])
