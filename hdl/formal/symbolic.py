"""Exact integers over bit vectors: the golden step runs on them as it stands.

A :class:`Word` stands for all integers of an interval at once. It answers the NumPy calls that
:func:`lifstone.golden.contract.step` makes, so that the formula handed to the solver is made by
the very function that the tests and the reference runner call; there is no second statement of
the step that could differ from the first.

Every result is as wide as its operands make it (a sum one bit more, a product their sum), so
nothing wraps. Where a value might leave ``int64``, on which the golden step computes,
:class:`InvalidValue` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import z3
from numpy.lib.mixins import NDArrayOperatorsMixin

from ...golden.errors import InvalidValue
from ...golden.fixed import width_for

__all__ = ["Product", "Table", "Truth", "Word", "as_word", "cut_products", "signed_word",
           "unsigned_word"]  # fmt: skip

_INT64 = np.iinfo(np.int64)
# Taken for true, as Python does by default, one side of a branch would go unproved.
_BRANCHED = "a symbol stands for many values at once: write np.where in place of a branch on it"


class Word(NDArrayOperatorsMixin):
    """An integer from ``low`` to ``high``, as an array of one neuron.

    Parameters
    ----------
    term
        Bit vector, read as signed; wide enough for both bounds.
    low, high
        Bounds that hold for every value of the free variables.
    """

    shape = (1,)

    def __init__(self, term: z3.BitVecRef, low: int, high: int) -> None:
        if low < _INT64.min or high > _INT64.max:
            raise InvalidValue("contract", f"{low} to {high}", "what the golden step's int64 holds")
        assert term.size() >= width_for(low, high), "a word too narrow for its bounds"
        self.term = term
        self.low, self.high = low, high

    def extended(self, width: int) -> z3.BitVecRef:
        """The term at ``width`` bits, at least its own."""
        return _resize(self.term, width)

    def max(self) -> int:
        """The largest value, as of an array that holds them all."""
        return self.high

    def astype(self, dtype: Any) -> Word:
        """Itself: it stands for int64."""
        assert dtype is np.int64
        return self

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        known = method == "__call__" and not options and ufunc in _UFUNCS
        return _UFUNCS[ufunc](*map(as_word, inputs)) if known else NotImplemented

    def __array_function__(self, func: Any, types: Any, args: Any, options: Any) -> Any:
        return _FUNCTIONS[func](*args) if func in _FUNCTIONS and not options else NotImplemented

    def __bool__(self) -> bool:
        raise TypeError(_BRANCHED)


class Truth(NDArrayOperatorsMixin):
    """A condition on the free variables, as a boolean array of one neuron."""

    shape = (1,)

    def __init__(self, term: z3.BoolRef) -> None:
        self.term = term

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if ufunc in (np.add, np.multiply) and not options:
            return _UFUNCS[ufunc](*map(as_word, inputs))
        terms = [_truth(x) for x in inputs]
        if ufunc is np.bitwise_and and not options:
            return Truth(z3.And(*terms))
        return Truth(z3.Not(*terms)) if ufunc is np.invert and not options else NotImplemented

    def __array_function__(self, func: Any, types: Any, args: Any, options: Any) -> Any:
        return _where(*args) if func is np.where and not options else NotImplemented

    def __bool__(self) -> bool:
        raise TypeError(_BRANCHED)


class Table:
    """An array of integers that a :class:`Word` may index, in its first axis alone."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.shape, self.size = self.values.shape, self.values.size

    def __getitem__(self, at: Any) -> Word:
        first, *others = at if isinstance(at, tuple) else (at,)
        column = self.values[(slice(None), *others)].tolist()
        index = as_word(first)
        if index.low < 0 or index.high >= len(column):
            raise IndexError(f"{index.low} to {index.high} of {len(column)}")
        column = column[index.low : index.high + 1]
        low, high = min(column), max(column)
        width, bits = width_for(low, high), index.term.size()
        out = z3.BitVecVal(column[-1], width)
        for k, value in list(enumerate(column, index.low))[-2::-1]:
            here = index.term == z3.BitVecVal(k, bits)
            out = z3.If(here, z3.BitVecVal(value, width), out)
        return Word(out, low, high)


@dataclass(frozen=True)
class Product:
    """A product that was cut out: an unknown ``result`` in place of ``a`` times ``b``."""

    result: Word
    a: Word
    b: Word


_cut: list[list[Product]] = []
"""Where products go while they are cut out; empty otherwise."""


@contextmanager
def cut_products() -> Iterator[list[Product]]:
    """Within, each product is an unknown between its bounds; the list says of what."""
    found: list[Product] = []
    _cut.append(found)
    try:
        yield found
    finally:
        _cut.pop()


def signed_word(term: z3.BitVecRef) -> Word:
    """All values of a signed bit vector."""
    half = 1 << (term.size() - 1)
    return Word(term, -half, half - 1)


def unsigned_word(term: z3.BitVecRef) -> Word:
    """All values of an unsigned bit vector."""
    return Word(z3.ZeroExt(1, term), 0, (1 << term.size()) - 1)


def _resize(term: z3.BitVecRef, width: int) -> z3.BitVecRef:
    more = width - term.size()
    if more == 0:
        return term
    return z3.SignExt(more, term) if more > 0 else z3.Extract(width - 1, 0, term)


def as_word(value: Any) -> Word:
    """A word, a condition, an integer, or an array of one of them, as a word."""
    if isinstance(value, Word):
        return value
    if isinstance(value, Truth):
        return Word(z3.If(value.term, z3.BitVecVal(1, 2), z3.BitVecVal(0, 2)), 0, 1)
    (number,) = np.asarray(value).reshape(-1).tolist()
    if isinstance(number, (Word, Truth)):  # ``np.asarray`` wraps what it does not know
        return as_word(number)
    return Word(z3.BitVecVal(number, width_for(number, number)), number, number)


def _truth(value: Any) -> z3.BoolRef:
    return value.term if isinstance(value, Truth) else z3.BoolVal(np.asarray(value).item())


def _sum(a: Word, b: Word) -> Word:
    width = max(a.term.size(), b.term.size()) + 1
    return Word(a.extended(width) + b.extended(width), a.low + b.low, a.high + b.high)


def _difference(a: Word, b: Word) -> Word:
    width = max(a.term.size(), b.term.size()) + 1
    return Word(a.extended(width) - b.extended(width), a.low - b.high, a.high - b.low)


def _product(a: Word, b: Word) -> Word:
    """As wide as the product of a signed and an unsigned word needs, where one is such."""
    corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    for one, other in ((a, b), (b, a)):
        if _is_sign(one):
            return _times_sign(other, one, min(corners), max(corners))
    if _cut:
        bits = width_for(min(corners), max(corners))
        term = z3.BitVec(f"product {len(_cut)}.{len(_cut[-1])}", bits)
        result = Word(term, min(corners), max(corners))
        _cut[-1].append(Product(result, a, b))
        return result
    width = a.term.size() + b.term.size() - (a.low >= 0 or b.low >= 0)
    return Word(a.extended(width) * b.extended(width), min(corners), max(corners))


def _is_sign(a: Word) -> bool:
    """Whether it comes from ``np.sign``, a condition or the like: two bits and no parameter."""
    return a.term.size() == 2 and a.low >= -1


def _times_sign(a: Word, sign: Word, low: int, high: int) -> Word:
    width = a.term.size() + 1
    whole, zero = a.extended(width), z3.BitVecVal(0, width)
    negative = z3.If(sign.term < 0, -whole, whole)
    return Word(z3.If(sign.term == 0, zero, negative), low, high)


def _left(a: Word, bits: Word) -> Word:
    k = _constant(bits)
    term = z3.Concat(a.term, z3.BitVecVal(0, k)) if k else a.term
    return Word(term, a.low << k, a.high << k)


def _right(a: Word, bits: Word) -> Word:
    k, top = _constant(bits), a.term.size() - 1
    return Word(z3.Extract(top, min(k, top), a.term), a.low >> k, a.high >> k)


def _and(a: Word, mask: Word) -> Word:
    m = _constant(mask)
    width = mask.term.size()
    return Word(_resize(a.term, width) & mask.term, 0, m)


def _bits(relation: Callable[[Any, Any], Any]) -> Callable[[Word, Word], Word]:
    """Bit by bit, of words that are not negative."""

    def combined(a: Word, b: Word) -> Word:
        if a.low < 0 or b.low < 0:
            raise TypeError("only words of 0 or more may stand here")
        width = max(width_for(0, a.high), width_for(0, b.high))
        term = relation(_resize(a.term, width), _resize(b.term, width))
        return Word(term, 0, (1 << (width - 1)) - 1)

    return combined


def _sign(a: Word) -> Word:
    one, none, less = (z3.BitVecVal(k, 2) for k in (1, 0, -1))
    return Word(z3.If(a.term < 0, less, z3.If(a.term == 0, none, one)), -1, 1)


def _magnitude(a: Word) -> Word:
    whole = a.extended(a.term.size() + 1)
    low = max(a.low, -a.high, 0)
    return Word(z3.If(whole < 0, -whole, whole), low, max(-a.low, a.high))


def _minimum(a: Word, b: Word) -> Word:
    kept = _where(_compare(lambda x, y: x < y)(a, b), a, b)
    return Word(kept.term, min(a.low, b.low), min(a.high, b.high))


def _maximum(a: Word, b: Word) -> Word:
    kept = _where(_compare(lambda x, y: x > y)(a, b), a, b)
    return Word(kept.term, max(a.low, b.low), max(a.high, b.high))


def _constant(a: Word) -> int:
    if a.low != a.high or a.low < 0:
        raise TypeError("only a constant of 0 or more may stand here")
    return a.low


def _compare(relation: Callable[[Any, Any], Any]) -> Callable[[Word, Word], Truth]:
    def compared(a: Word, b: Word) -> Truth:
        width = max(a.term.size(), b.term.size())
        return Truth(relation(a.extended(width), b.extended(width)))

    return compared


def _where(condition: Any, yes: Any, no: Any) -> Word:
    a, b = as_word(yes), as_word(no)
    width = max(a.term.size(), b.term.size())
    chosen = z3.If(_truth(condition), a.extended(width), b.extended(width))
    return Word(chosen, min(a.low, b.low), max(a.high, b.high))


def _clip(value: Word, low: int, high: int) -> Word:
    a, bottom, top = as_word(value), as_word(low), as_word(high)
    kept = _where(_UFUNCS[np.greater](a, top), top, _where(_UFUNCS[np.less](a, bottom), bottom, a))
    return Word(_resize(kept.term, width_for(low, high)), low, high)


_UFUNCS: dict[Any, Callable[..., Any]] = {
    np.add: _sum,
    np.subtract: _difference,
    np.multiply: _product,
    np.left_shift: _left,
    np.right_shift: _right,
    np.bitwise_and: _and,
    np.bitwise_or: _bits(lambda x, y: x | y),
    np.bitwise_xor: _bits(lambda x, y: x ^ y),
    np.negative: lambda a: _difference(as_word(0), a),
    np.sign: _sign,
    np.absolute: _magnitude,
    np.minimum: _minimum,
    np.maximum: _maximum,
    np.less: _compare(lambda x, y: x < y),
    np.greater: _compare(lambda x, y: x > y),
    np.greater_equal: _compare(lambda x, y: x >= y),
    np.equal: _compare(lambda x, y: x == y),
}
_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: _where,
    np.clip: _clip,
    np.zeros_like: lambda _: as_word(0),
    np.full_like: lambda _, value: as_word(value),
}
