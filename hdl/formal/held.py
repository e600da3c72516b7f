"""A circuit whose inputs stand still: its outputs some clocks later, as formulas of the inputs."""

from __future__ import annotations

from collections.abc import Mapping

import z3

from .smt import Circuit, bit_places

__all__ = ["Held"]

_Bit = tuple[z3.BitVecRef, int]


class Held:
    """What a circuit's signals are after clocks with the same inputs, from any register contents.

    Each product is cut out: an unknown in its place, of the two factors in :attr:`products`.
    Bits that nobody drives may be anything in each clock.

    Parameters
    ----------
    circuit
        From :func:`~.smt.circuits`.
    inputs
        Terms of all inputs.
    """

    def __init__(self, circuit: Circuit, inputs: Mapping[str, z3.BitVecRef]) -> None:
        self.products: list[tuple[z3.BitVecRef, z3.BitVecRef, z3.BitVecRef]] = []
        self._circuit = circuit
        self._given: dict[int, _Bit] = {}
        for name, term in inputs.items():
            places = bit_places(circuit.signals[name]) if name in circuit.signals else []
            self._given |= {place: (term, k) for k, place in enumerate(places)}
        self._next = _next_bits(circuit)
        self._known: dict[tuple[int, int], z3.ExprRef] = {}
        self._factors: dict[tuple[int, int], z3.BitVecRef] = {}

    def signal(self, name: str, clock: int) -> z3.BitVecRef:
        """A signal after ``clock`` clocks."""
        return self._value(self._circuit.signals[name], clock)

    def _value(self, term: z3.ExprRef, clock: int) -> z3.ExprRef:
        key = (clock, term.get_id())
        if key not in self._known:
            self._known[key] = self._made(term, clock)
        return self._known[key]

    def _made(self, term: z3.ExprRef, clock: int) -> z3.ExprRef:
        now = self._circuit.now
        if z3.is_app_of(term, z3.Z3_OP_EXTRACT) and term.arg(0).eq(now):
            high, low = term.params()
            return self._bits(low, high, clock)
        if term.eq(now):
            return self._bits(0, now.size() - 1, clock)
        if term.num_args() == 0:
            return term
        args = [self._value(a, clock) for a in term.children()]
        if z3.is_app_of(term, z3.Z3_OP_BMUL):
            assert len(args) == 2, term
            return self._product(*args)
        array = (z3.Ast * len(args))(*[a.as_ast() for a in args])
        made = z3.Z3_update_term(term.ctx_ref(), term.as_ast(), len(args), array)
        out = type(term)(made, term.ctx)
        assert isinstance(out, z3.ExprRef)
        return out

    def _product(self, a: z3.BitVecRef, b: z3.BitVecRef) -> z3.BitVecRef:
        key = (a.get_id(), b.get_id())
        if key not in self._factors:
            result = z3.BitVec(f"rtl product {len(self.products)}", a.size())
            self._factors[key] = result
            self.products.append((result, a, b))
        return self._factors[key]

    def _bits(self, low: int, high: int, clock: int) -> z3.BitVecRef:
        """Bits of the state, neighbours of one term taken together."""
        runs: list[tuple[z3.BitVecRef, int, int]] = []
        for place in range(low, high + 1):
            term, k = self._bit(place, clock)
            last = runs[-1] if runs else None
            if last is not None and last[0].eq(term) and last[2] + 1 == k:
                runs[-1] = (term, last[1], k)
            else:
                runs.append((term, k, k))
        pieces = [
            t if (a, b) == (0, t.size() - 1) else z3.Extract(b, a, t) for t, a, b in reversed(runs)
        ]
        return z3.Concat(*pieces) if len(pieces) > 1 else pieces[0]

    def _bit(self, place: int, clock: int) -> _Bit:
        if place in self._given:
            return self._given[place]
        if place in self._next and clock > 0:
            term, k = self._next[place]
            return self._value(term, clock - 1), k
        return z3.BitVec(f"loose {clock}", self._circuit.now.size()), place


def _next_bits(circuit: Circuit) -> dict[int, _Bit]:
    """By bit of the state what the clock sets it to."""
    out: dict[int, _Bit] = {}
    waiting = [circuit.step]
    while waiting:
        term = waiting.pop()
        if z3.is_and(term):
            waiting += term.children()
        elif not z3.is_true(term):
            assert z3.is_eq(term), term
            value, then = term.children()
            if z3.is_bool(value):
                value = z3.If(value, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))
                then = then.arg(0)
            assert z3.is_app_of(then, z3.Z3_OP_EXTRACT), term
            assert then.arg(0).eq(circuit.then), term
            high, low = then.params()
            out |= {place: (value, place - low) for place in range(low, high + 1)}
    return out
