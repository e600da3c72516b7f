r"""The random numbers of the integer contracts: a shift register of 64 bits, 32 bits a draw.

The register is *xoroshiro64*: two words ``s0`` and ``s1`` of 32 bits, a linear map over GF(2)::

    t   = s0 ^ s1
    s0' = rotl(s0, 26) ^ t ^ (t << 9)
    s1' = rotl(t, 13)

and the draw is ``rotl(s0 + s1, 7) + s0`` modulo ``2^32``, of the words before the map. The map
is about a hundred exclusive-ors, the draw two adders. Its period is ``2^64 - 1`` from every
state but 0 (tested by the order of the map, not by counting). The additions matter: the bits of
a register with few taps obey short linear relations, and sums of such bits are correlated from
step to step.

All neurons draw from one cycle. Neuron ``j`` of seed ``k`` starts ``(2^16 k + j) 2^32`` draws
after :data:`ORIGIN`, computed by powers of the map: no two of them meet in ``2^32`` steps.

:func:`bell` makes a bell curve of a draw: the sum of its eight digits of four bits, less 60. It
has the mean 0, the variance 170 and no odd moments; it ends at 60, which is 4.60 standard
deviations, and its excess kurtosis is -0.151.

Source: Blackman & Vigna, "Scrambled linear pseudorandom number generators", ACM Trans. Math.
Softw. 47, 36 (2021): the engine of 2 x 32 bits with the constants 26, 9, 13, and the ``++``
scrambler.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from .errors import require
from .fixed import Ints
from .gf2 import Columns, apply, columns_of, power, square_chain

__all__ = [
    "BELL_TOP",
    "BELL_VARIANCE",
    "ORIGIN",
    "PERIOD",
    "PERIOD_PRIMES",
    "SCRAMBLE",
    "STRIDE",
    "WORD",
    "advance",
    "bell",
    "bell_odds",
    "draw",
    "register_map",
    "seeds",
    "turn",
]

WORD = 32
"""Bits of a draw."""
MASK = np.int64((1 << WORD) - 1)
TURN_LOW, SHIFT, TURN_HIGH = 26, 9, 13
SCRAMBLE = 7
"""Rotation of the sum in a draw."""
PERIOD = (1 << 64) - 1
PERIOD_PRIMES = (3, 5, 17, 257, 641, 65537, 6700417)
ORIGIN = 0x243F6A8885A308D3
"""Register at the start of stream 0 of seed 0: the first 64 bits of pi's fraction."""
STRIDE = 1 << 32
"""Draws between the starts of neighbouring streams."""
MOST = 1 << 16
BELL_TOP, BELL_VARIANCE = 60, 170
"""Largest magnitude and variance of :func:`bell`."""


def turn(word: Ints, bits: int | Ints) -> Ints:
    """Words of 32 bits rotated left by 0 to 31."""
    return ((word << bits) | (word >> (WORD - bits))) & MASK


def advance(s0: Ints, s1: Ints) -> tuple[Ints, Ints]:
    """Both words after the map; int64 arrays of 0 to ``2**32 - 1``."""
    t = s0 ^ s1
    return turn(s0, TURN_LOW) ^ t ^ ((t << SHIFT) & MASK), turn(t, TURN_HIGH)


def draw(s0: Ints, s1: Ints) -> Ints:
    """32 bits from the words before the map."""
    return (turn((s0 + s1) & MASK, SCRAMBLE) + s0) & MASK


def bell(word: Ints) -> Ints:
    """Sum of the eight digits of four bits, less 60: -60 to 60."""
    total = np.zeros_like(word)
    for k in range(0, WORD, 4):
        total = total + ((word >> k) & 15)
    return total - BELL_TOP


@cache
def bell_odds() -> NDArray[np.float64]:
    """Probability of each value of :func:`bell` from -60 to 60 for uniform draws, ``(121,)``."""
    odds = np.ones(1)
    for _ in range(8):
        odds = np.convolve(odds, np.full(16, 1 / 16))
    return odds


@cache
def register_map() -> Columns:
    """The map as columns; ``s0`` is the low half of a word of 64 bits."""

    def step(word: int) -> int:
        s0, s1 = advance(np.asarray(word & int(MASK)), np.asarray(word >> WORD))
        return int(s0) | int(s1) << WORD

    return columns_of(step, 2 * WORD)


@cache
def _chain() -> list[Columns]:
    return square_chain(register_map(), 2 * WORD)


def seeds(n: int, seed: int = 0) -> tuple[Ints, Ints]:
    """``s0`` and ``s1`` of ``n`` neurons, ``(n,)`` each.

    Raises
    ------
    InvalidValue
        For more than 65,536 neurons, or a seed outside 0 to 65,535.
    """
    require(1 <= n <= MOST, "n", n, f"1 to {MOST}")
    require(0 <= seed < MOST, "seed", seed, f"0 to {MOST - 1}")
    word = apply(power(_chain(), seed * MOST * STRIDE), ORIGIN)
    leap = power(_chain(), STRIDE)
    words = []
    for _ in range(n):
        words.append(word)
        word = apply(leap, word)
    both = np.array(words, dtype=np.uint64)
    low = (both & np.uint64(int(MASK))).astype(np.int64)
    return low, (both >> np.uint64(WORD)).astype(np.int64)
