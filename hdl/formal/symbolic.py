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

from collections.abc import Callable
from typing import Any

import numpy as np
import z3
from numpy.lib.mixins import NDArrayOperatorsMixin

from ...golden.errors import InvalidValue
from ...golden.fixed import width_for

__all__ = ["Truth", "Word", "as_word", "signed_word", "unsigned_word"]

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
        terms = [_truth(x) for x in inputs]
        if ufunc is np.bitwise_and and not options:
            return Truth(z3.And(*terms))
        return Truth(z3.Not(*terms)) if ufunc is np.invert and not options else NotImplemented

    def __array_function__(self, func: Any, types: Any, args: Any, options: Any) -> Any:
        return _where(*args) if func is np.where and not options else NotImplemented

    def __bool__(self) -> bool:
        raise TypeError(_BRANCHED)


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
    """A word, or an integer, or an array of one, as a word."""
    if isinstance(value, Word):
        return value
    (number,) = np.asarray(value).reshape(-1).tolist()
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
    width = a.term.size() + b.term.size() - (a.low >= 0 or b.low >= 0)
    return Word(a.extended(width) * b.extended(width), min(corners), max(corners))


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
    np.maximum: _maximum,
    np.less: _compare(lambda x, y: x < y),
    np.greater: _compare(lambda x, y: x > y),
    np.equal: _compare(lambda x, y: x == y),
}
_FUNCTIONS: dict[Any, Callable[..., Any]] = {np.where: _where, np.clip: _clip}
