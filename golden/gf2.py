"""Linear maps over GF(2): powers, and the order, which is the period of a shift register.

A map of ``n`` bits is the tuple of its columns: what it makes of each single bit, as integers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .errors import require

__all__ = ["Columns", "apply", "columns_of", "has_order", "power", "square_chain"]

Columns = tuple[int, ...]


def columns_of(step: Callable[[int], int], bits: int) -> Columns:
    """The map that ``step`` is, from what it makes of each of ``bits`` single bits."""
    return tuple(step(1 << k) for k in range(bits))


def apply(columns: Columns, word: int) -> int:
    """The map's value at ``word``."""
    out = 0
    while word:
        low = word & -word
        out ^= columns[low.bit_length() - 1]
        word ^= low
    return out


def _after(second: Columns, first: Columns) -> Columns:
    return tuple(apply(second, c) for c in first)


def square_chain(columns: Columns, count: int) -> list[Columns]:
    """Powers 1, 2, 4, ... ``2**(count - 1)``."""
    out = [columns]
    for _ in range(count - 1):
        out.append(_after(out[-1], out[-1]))
    return out


def power(chain: Sequence[Columns], exponent: int) -> Columns:
    """A power of the first of ``chain``, which :func:`square_chain` made long enough."""
    require(0 <= exponent < 1 << len(chain), "exponent", exponent, f"below 2^{len(chain)}")
    out = tuple(1 << k for k in range(len(chain[0])))
    for k, square in enumerate(chain):
        if exponent >> k & 1:
            out = _after(square, out)
    return out


def has_order(columns: Columns, order: int, primes: Sequence[int]) -> bool:
    """Whether ``order`` is the least power that is the identity.

    Where the order of a map of ``n`` bits is ``2**n - 1``, its characteristic polynomial is
    primitive: every word but 0 lies on one cycle.

    Parameters
    ----------
    primes
        All prime factors of ``order``.

    Raises
    ------
    InvalidValue
        If the factors are not those of ``order``.
    """
    rest = order
    for p in primes:
        require(p > 1 and all(p % k for k in range(2, int(p**0.5) + 1)), "primes", p, "a prime")
        require(rest % p == 0, "primes", p, f"a factor of {order}")
        while rest % p == 0:
            rest //= p
    require(rest == 1, "primes", list(primes), f"all prime factors of {order}")
    chain = square_chain(columns, order.bit_length())
    one = tuple(1 << k for k in range(len(columns)))
    whole = power(chain, order) == one
    return whole and all(power(chain, order // p) != one for p in primes)
