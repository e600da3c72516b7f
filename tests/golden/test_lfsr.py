"""The register's period by algebra, and the statistics of what is drawn from it.

All numbers come from fixed streams, so that these tests never fail by chance. A level of 1e-4
for each family of figures is what a fair source would miss once in ten thousand sets of streams.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lifstone.golden import InvalidValue
from lifstone.golden.gf2 import apply, columns_of, has_order, power, square_chain
from lifstone.golden.lfsr import (
    BELL_TOP,
    BELL_VARIANCE,
    ORIGIN,
    PERIOD,
    PERIOD_PRIMES,
    STRIDE,
    advance,
    bell,
    bell_odds,
    draw,
    register_map,
    seeds,
)

LEVEL = 1e-4
NEURONS, STEPS = 256, 2048


def walk(word: int, steps: int) -> int:
    """The register after plain steps."""
    s0, s1 = np.asarray(word & 0xFFFFFFFF), np.asarray(word >> 32)
    for _ in range(steps):
        s0, s1 = advance(s0, s1)
    return int(s0) | int(s1) << 32


@pytest.fixture(scope="module")
def words() -> np.ndarray:
    """Draws of neighbouring streams, ``(STEPS, NEURONS)``."""
    s0, s1 = seeds(NEURONS, 5)
    out = np.zeros((STEPS, NEURONS), np.int64)
    for row in out:
        row[:] = draw(s0, s1)
        s0, s1 = advance(s0, s1)
    return out


def test_the_period_is_all_states_but_nought() -> None:
    assert np.prod([float(p) for p in PERIOD_PRIMES]) == pytest.approx(2.0**64)
    assert has_order(register_map(), PERIOD, PERIOD_PRIMES)


def test_a_register_of_shorter_period_is_told() -> None:
    """x^7 + x + 1 is primitive; x^6 + x^3 + 1 is irreducible of order 9; x^4 + x^2 + 1 neither."""

    def fibonacci(bits: int, taps: tuple[int, ...]) -> tuple[int, ...]:
        def step(word: int) -> int:
            new = sum(word >> t for t in taps) & 1
            return word >> 1 | new << (bits - 1)

        return columns_of(step, bits)

    assert has_order(fibonacci(7, (0, 1)), 127, (127,))
    assert not has_order(fibonacci(6, (0, 3)), 63, (3, 7))
    assert has_order(fibonacci(6, (0, 3)), 9, (3,))
    assert not has_order(fibonacci(4, (0, 2)), 15, (3, 5))


@pytest.mark.parametrize("primes", [(3,), (3, 5, 7), (1, 15), (15,)])
def test_factors_that_are_not_all_primes_are_refused(primes: tuple[int, ...]) -> None:
    with pytest.raises(InvalidValue, match="primes"):
        has_order(columns_of(lambda w: w, 4), 15, primes)


def test_leaps_land_where_steps_do() -> None:
    chain = square_chain(register_map(), 64)
    for steps in (0, 1, 2, 77, 4099):
        assert apply(power(chain, steps), ORIGIN) == walk(ORIGIN, steps)


def test_streams_start_a_stride_apart() -> None:
    """The leap by a stride, taken as 2^20 leaps of 2^12 steps each."""
    chain = square_chain(register_map(), 64)
    short = power(chain, 1 << 12)
    assert apply(short, ORIGIN) == walk(ORIGIN, 1 << 12)
    long = power(square_chain(short, 21), STRIDE >> 12)
    s0, s1 = seeds(3)
    starts = [int(a) | int(b) << 32 for a, b in zip(s0, s1, strict=True)]
    assert starts == [ORIGIN, apply(long, ORIGIN), apply(long, apply(long, ORIGIN))]
    (next_s0,), (next_s1,) = (a[-1:] for a in seeds(2, 0))
    assert (next_s0, next_s1) == (s0[1], s1[1])


def test_seeds_do_not_share_streams() -> None:
    chain = square_chain(register_map(), 64)
    s0, s1 = seeds(1, 3)
    expected = apply(power(chain, 3 * (1 << 16) * STRIDE), ORIGIN)
    assert int(s0[0]) | int(s1[0]) << 32 == expected


@pytest.mark.parametrize(("n", "seed", "field"), [(0, 0, "n"), (1, -1, "seed"), (1, 65536, "seed")])
def test_bad_seeds_are_refused(n: int, seed: int, field: str) -> None:
    with pytest.raises(InvalidValue, match=field):
        seeds(n, seed)


def test_every_byte_is_uniform(words: np.ndarray) -> None:
    worst = 1.0
    for k in range(0, 32, 8):
        counts = np.bincount(((words >> k) & 255).ravel(), minlength=256)
        worst = min(worst, float(stats.chisquare(counts).pvalue))
        for column in range(0, NEURONS, 16):
            nibbles = np.bincount((words[:, column] >> k) & 15, minlength=16)
            worst = min(worst, float(stats.chisquare(nibbles).pvalue) * NEURONS / 16)
    assert worst > LEVEL


def test_pairs_of_digits_are_uniform(words: np.ndarray) -> None:
    """Digits of one step against those of the next, all 64 pairs of places."""
    worst = 1.0
    for a in range(0, 32, 4):
        for b in range(0, 32, 4):
            pair = ((words[:-1] >> a) & 15) * 16 + ((words[1:] >> b) & 15)
            p = stats.chisquare(np.bincount(pair.ravel(), minlength=256)).pvalue
            worst = min(worst, float(p) * 64)
    assert worst > LEVEL


def products(z: np.ndarray) -> np.ndarray:
    """Sums of products over two and three steps, in standard deviations of a fair source."""
    out = []
    for lag in range(1, 9):
        both = z[lag:] * z[:-lag]
        out.append(both.sum() / np.sqrt((both**2).sum()))
        squared = z[lag:] * (z[:-lag] ** 2 - 1.0)
        out.append(squared.sum() / np.sqrt((squared**2).sum()))
        for more in range(1, 9):
            triple = z[lag + more :] * z[more:-lag] * z[: -lag - more]
            out.append(triple.sum() / np.sqrt((triple**2).sum()))
    return np.array(out)


def threshold(count: int) -> float:
    """Bound of the largest of ``count`` normal numbers at :data:`LEVEL`."""
    return float(stats.norm.isf(LEVEL / 2 / count))


def test_steps_are_independent(words: np.ndarray) -> None:
    z = products(bell(words) / BELL_VARIANCE**0.5)
    assert np.abs(z).max() < threshold(z.size)


def test_a_register_with_few_taps_fails_the_same_test() -> None:
    """b_k = b_(k-62) + b_(k-63), 31 bits a step, counted: sums two steps apart are correlated."""
    rng = np.random.default_rng(2)
    bits = np.zeros((63 + 31 * 600, 64), np.int64)
    bits[:63] = rng.integers(0, 2, (63, 64))
    for k in range(63, len(bits)):
        bits[k] = bits[k - 62] ^ bits[k - 63]
    z = (bits[63:].reshape(600, 31, 64).sum(axis=1) - 15.5) / np.sqrt(31 / 4)
    found = products(z)
    assert np.abs(found).max() > 3 * threshold(found.size)


def test_neurons_are_independent(words: np.ndarray) -> None:
    z = bell(words) / BELL_VARIANCE**0.5
    for lag in (0, 1):
        matrix = z[lag:].T @ z[: STEPS - lag] / np.sqrt(STEPS - lag)
        if lag == 0:
            matrix = matrix[np.triu_indices(NEURONS, 1)]
        found = matrix.ravel()
        assert np.abs(found).max() < threshold(found.size)
        p = stats.chi2.sf((found**2).sum(), found.size)
        assert LEVEL < p < 1 - LEVEL


def test_the_bell_curve_is_the_stated_one(words: np.ndarray) -> None:
    values = np.arange(-BELL_TOP, BELL_TOP + 1)
    odds = bell_odds()
    assert odds.sum() == pytest.approx(1, abs=1e-14)
    assert odds @ values == pytest.approx(0, abs=1e-12)
    assert odds @ values**2 == pytest.approx(BELL_VARIANCE, rel=1e-13)
    assert odds @ values**4 / BELL_VARIANCE**2 - 3 == pytest.approx(-0.1512, abs=1e-4)
    cumulative = np.cumsum(odds)
    gap = np.abs(cumulative - stats.norm.cdf((values + 0.5) / BELL_VARIANCE**0.5)).max()
    assert gap == pytest.approx(0.00351, abs=1e-5)
    seen = np.bincount((bell(words) + BELL_TOP).ravel(), minlength=121)
    common = odds * words.size > 8
    chi = stats.chisquare(seen[common], odds[common] / odds[common].sum() * seen[common].sum())
    assert chi.pvalue > LEVEL
