r"""The logic of a cell against the cell's step, for every value at once.

One question an output: is there a state, sums of weights and numbers of a neuron on which the
logic, its inputs held for its ``clocks``, differs from :meth:`lifstone.golden.cell.Cell.step`?
The golden side is that method itself, run on :class:`~.symbolic.Word`.

*Products.* A product of two unknowns is more than a solver can take apart, and the two sides
multiply the same things: each product is an unknown of which four things are told, all true of
products. It lies between the products of its factors' bounds; it is 0 if a factor is; it equals
any product of the other side whose factors are equal; and
``x f = (x f1 2^16 + x f0)`` for ``f = f1 2^16 + f0``.
What is proved of every such unknown is proved of the product. What is refuted may not be: a
counterexample is computed anew on both sides with real products, and if they agree there the
question is asked once for each set of numbers that a neuron has, with multipliers by constants.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import z3
from amaranth.back import rtlil

from ...golden.cell import Cell
from ...golden.verdict import Status, Verdict
from ..cell import cell_logic, numbers_layout, state_layout, totals_layout
from .cell_symbols import symbolic_cell
from .held import Held
from .smt import Circuit, Source, circuits
from .solve import ask
from .step import fields_of
from .symbolic import Product, Word, as_word, cut_products

__all__ = ["CellCounterexample", "CellProof", "cell_proof", "prove_cell", "source_of_cell"]

TOP = "cell_step"
HALF = 16
"""Bits of the lower half where the golden step splits a factor."""
MATCH_SECONDS = 0.3
"""For the question whether two products have the same factors."""
WAYS = (
    (("simplify", "propagate-values", "solve-eqs", "simplify", "bit-blast", "sat"), 0.6),
    (("simplify", "smt"), 1.0),
)
Model = Mapping[str, int]
_Term = tuple[z3.BitVecRef, z3.BitVecRef, z3.BitVecRef]
"""An unknown in place of a product, and its factors."""


@dataclass(frozen=True)
class CellCounterexample:
    """Values on which the two differ: what goes in, and what comes out on both sides."""

    given: Mapping[str, Mapping[str, int]]
    golden: Mapping[str, int]
    rtl: Mapping[str, int]

    def __str__(self) -> str:
        name = next(k for k, v in self.golden.items() if self.rtl[k] != v)
        parts = [f"{k} {v}" for words in self.given.values() for k, v in words.items()]
        return f"{name} is {self.rtl[name]} instead of {self.golden[name]} at {', '.join(parts)}"


@dataclass(frozen=True)
class CellProof:
    """``unsat``: proved; ``sat``: with values on which the two differ; ``unknown``: no time left.

    ``sets`` counts the sets of numbers that were proved one by one; 0 where one proof covers
    every number between the least and the greatest that a neuron has.
    """

    word: str
    seconds: float
    sets: int = 0
    counterexample: CellCounterexample | None = None


def source_of_cell(cell: Cell) -> Source:
    """The logic of ``cell`` as text."""
    return Source(rtlil.convert(cell_logic(cell), name=TOP, emit_src=False), TOP, True)


def prove_cell(cell: Cell, source: Source | None = None, timeout: float = 60.0) -> Verdict:
    """Whether the logic of ``cell``, or the circuit in ``source``, is the cell's step.

    Skipped if that is not decided within ``timeout`` seconds.
    """
    proof = cell_proof(cell, source, timeout)
    label = f"step of {type(cell).__name__}"
    if proof.word == "unknown":
        reason = f"not decided within {timeout:g} s"
        return Verdict(label, "contract", Status.SKIPPED, reason=reason)
    if proof.counterexample is not None:
        reason = str(proof.counterexample)
        return Verdict(label, "contract", Status.DEVIATES, reason=reason)
    return Verdict(label, "contract", Status.PROVED)


def cell_proof(cell: Cell, source: Source | None = None, timeout: float = 60.0) -> CellProof:
    """As :func:`prove_cell`, with the seconds and the counterexample."""
    start = time.perf_counter()
    logic = cell_logic(cell)
    text = Source(rtlil.convert(logic, name=TOP, emit_src=False), TOP, True)
    (circuit,) = circuits([source or text])
    q = _question(cell, circuit, int(logic.clocks))
    word, model = q.ask(timeout - (time.perf_counter() - start))
    sets = sorted(set(zip(*(np.asarray(v).tolist() for v in cell.numbers.values()), strict=True)))
    done = 0
    found = None if model is None else q.replayed(model)
    if word == "sat" and found is None:
        word = "unsat"
        for values in sets:
            fixed = dict(zip(cell.numbers, values, strict=True))
            left = timeout - (time.perf_counter() - start)
            word, model = ("unknown", None) if left <= 0 else q.ask_exactly(fixed, left)
            if word != "unsat":
                break
            done += 1
        found = None if model is None else q.replayed(model, fixed)
        assert word != "sat" or found is not None, "a counterexample that is none"
    return CellProof(word, time.perf_counter() - start, done, found)


@dataclass(frozen=True, eq=False)
class _Question:
    """Inputs and both sides by name, the products of each, and what inputs satisfy."""

    given: Mapping[str, Mapping[str, Word]]
    golden: Mapping[str, Word]
    rtl: Mapping[str, Word]
    mine: Sequence[Product]
    theirs: Sequence[_Term]
    assumed: list[z3.BoolRef] = field(default_factory=list)

    def ask(self, timeout: float) -> tuple[str, z3.ModelRef | None]:
        """With products cut out; what is proved is told from then on."""
        end = time.perf_counter() + timeout
        told, others = [*self.assumed, *_bounds(self.mine)], []
        known: list[tuple[z3.ExprRef, z3.ExprRef]] = []
        free = list(self.mine)
        for result, a, b in self.theirs:
            factors = [z3.substitute(t, *known) if known else t for t in (a, b)]
            twin = next((p for p in free if _proved(told, p, factors, end)), None)
            if twin is None:
                others.append((result, *factors))
            else:
                known.append((result, _cut_to(twin.result.term, result.size())))
        told += _told(self.mine, others)
        return self._ask(told, end - time.perf_counter(), known)

    def ask_exactly(self, numbers: Model, timeout: float) -> tuple[str, z3.ModelRef | None]:
        """With real products, for one set of numbers."""
        exact = [p.result.term == _times(p.a, p.b, p.result.term.size()) for p in self.mine]
        exact += [result == a * b for result, a, b in self.theirs]
        terms = self.given["numbers"]
        fixed = [(terms[k].term, z3.BitVecVal(v, terms[k].term.size())) for k, v in numbers.items()]
        raw = [(_symbol(t), z3.BitVecVal(v.as_long(), _symbol(t).size())) for t, v in fixed]
        told = [*exact, *(t == v for t, v in raw)]
        return self._ask([*self.assumed, *told], timeout, raw)

    def _ask(
        self, told: list[z3.BoolRef], timeout: float, known: list[tuple[z3.ExprRef, z3.ExprRef]]
    ) -> tuple[str, z3.ModelRef | None]:
        """Each output with ``known`` terms in place of others, the easiest first."""
        end = time.perf_counter() + timeout
        left = {
            name: z3.substitute(_same(w.term, self.rtl[name].term), *known)
            for name, w in self.golden.items()
        }
        told = [z3.substitute(c, *known) for c in told]
        patience = 0.5
        while left:
            for name, same in list(left.items()):
                time_left = end - time.perf_counter()
                if time_left <= 0:
                    return "unknown", None
                word, model = ask([*told, z3.Not(same)], min(patience, time_left), WAYS)
                if word == "sat":
                    return word, model
                if word == "unsat":
                    told.append(same)
                    del left[name]
            patience *= 2
        return "unsat", None

    def replayed(
        self, model: z3.ModelRef, numbers: Model | None = None
    ) -> CellCounterexample | None:
        """The model's inputs through both sides with real products; ``None`` if they agree.

        ``numbers`` are those that were asked about: the model does not speak of them.
        """
        inputs = [_symbol(w.term) for words in self.given.values() for w in words.values()]
        set_to = {
            _symbol(self.given["numbers"][k].term).decl().name(): v
            for k, v in (numbers or {}).items()
        }
        known = [
            (s, z3.BitVecVal(set_to[s.decl().name()], s.size()))
            if s.decl().name() in set_to
            else (s, model.eval(s, model_completion=True))
            for s in inputs
        ]
        chosen = {s.decl().name() for s in inputs}
        loose = [d() for d in model.decls() if d.name() not in chosen and "loose" in d.name()]
        known += [(s, model.eval(s)) for s in loose]

        def number(term: z3.BitVecRef) -> int:
            value = z3.simplify(z3.substitute(term, *known))
            if not z3.is_bv_value(value):  # what the model leaves open may be anything
                open_ = [(s, z3.BitVecVal(0, s.size())) for s in z3.z3util.get_vars(value)]
                value = z3.simplify(z3.substitute(value, *open_))
            return int(value.as_signed_long())

        for p in self.mine:
            product = number(p.a.term) * number(p.b.term)
            known.append((p.result.term, z3.BitVecVal(product, p.result.term.size())))
        for result, a, b in self.theirs:
            known.append((result, z3.BitVecVal(number(a) * number(b), result.size())))
        golden = {k: number(w.term) for k, w in self.golden.items()}
        rtl = {k: number(w.term) for k, w in self.rtl.items()}
        given = {g: {k: number(w.term) for k, w in ws.items()} for g, ws in self.given.items()}
        return CellCounterexample(given, golden, rtl) if golden != rtl else None


def _question(cell: Cell, circuit: Circuit, clocks: int) -> _Question:
    layouts = {
        "state": state_layout(cell),
        "numbers": numbers_layout(cell),
        "totals": totals_layout(cell),
    }
    symbols = {
        group: {k: z3.BitVec(f"{group} {k}", f.width) for k, f in layout}
        for group, layout in layouts.items()
    }
    whole = {g: _joined(list(terms.values())) for g, terms in symbols.items() if terms}
    given = {g: fields_of(term, layouts[g]) for g, term in whole.items()}
    given = {g: {k: _plain(w, symbols[g][k]) for k, w in ws.items()} for g, ws in given.items()}
    given = {"state": {}, "numbers": {}, "totals": {}} | given
    numbers, assumed = {}, []
    for name, values in cell.numbers.items():
        low, high = int(np.min(values)), int(np.max(values))
        term = given["numbers"][name].extended(given["numbers"][name].term.size() + 1)
        assumed += [term >= low, term <= high]
        numbers[name] = Word(term, low, high)
    with cut_products() as mine:
        after, fired = symbolic_cell(cell, numbers).step(given["state"], given["totals"])
    held = Held(circuit, whole | {"rst": z3.BitVecVal(0, 1), "clk": z3.BitVecVal(0, 1)})
    outputs = fields_of(held.signal("after", clocks), layouts["state"])
    spike = as_word(fired)
    golden = {"spike": spike, **{k: as_word(v) for k, v in after.items()}}
    rtl = {"spike": Word(z3.ZeroExt(1, held.signal("spike", clocks)), 0, 1), **outputs}
    inputs = {**given, "numbers": numbers}
    return _Question(inputs, golden, rtl, mine, held.products, assumed)


def _bounds(mine: Sequence[Product]) -> list[z3.BoolRef]:
    """Where products lie, and that they are 0 if a factor is."""
    out = []
    for p in mine:
        width = p.result.term.size() + 1
        whole = p.result.extended(width)
        none = z3.Or(p.a.term == 0, p.b.term == 0)
        out += [whole >= p.result.low, whole <= p.result.high]
        out.append(z3.Implies(none, p.result.term == 0))
    return out


def _proved(
    told: list[z3.BoolRef], p: Product, factors: Sequence[z3.BitVecRef], end: float
) -> bool:
    """Whether a product has the factors of ``p``."""
    a, b = factors
    straight = z3.And(_same(p.a.term, a), _same(p.b.term, b))
    left = min(MATCH_SECONDS, end - time.perf_counter())
    return left > 0 and ask([*told, z3.Not(straight)], left, WAYS)[0] == "unsat"


def _told(mine: Sequence[Product], theirs: Sequence[_Term]) -> list[z3.BoolRef]:
    """What is said of products that have no twin: equal ones, halves."""
    out = []
    for p in mine:
        for result, a, b in theirs:
            straight = z3.And(_same(p.a.term, a), _same(p.b.term, b))
            crossed = z3.And(_same(p.a.term, b), _same(p.b.term, a))
            equal = result == _cut_to(p.result.term, result.size())
            out.append(z3.Implies(z3.Or(straight, crossed), equal))
    for high in mine:
        for low in mine:
            if high is low or not high.a.term.eq(low.a.term):
                continue
            for result, a, b in theirs:
                size = max(low.b.term.size(), high.b.term.size() + HALF) + 1
                factor = (high.b.extended(size) << HALF) + low.b.extended(size)
                split = z3.And(_same(high.a.term, a), _same(factor, b))
                upper = _cut_to(high.result.term, result.size()) << HALF
                whole = upper + _cut_to(low.result.term, result.size())
                out.append(z3.Implies(split, result == whole))
    return out


def _same(a: z3.BitVecRef, b: z3.BitVecRef) -> z3.BoolRef:
    """Whether two signed words hold the same number."""
    width = max(a.size(), b.size())
    return _cut_to(a, width) == _cut_to(b, width)


def _times(a: Word, b: Word, width: int) -> z3.BitVecRef:
    return _cut_to(a.term, width) * _cut_to(b.term, width)


def _cut_to(term: z3.BitVecRef, width: int) -> z3.BitVecRef:
    more = width - term.size()
    if more >= 0:
        return z3.SignExt(more, term) if more else term
    return z3.Extract(width - 1, 0, term)


def _joined(terms: list[z3.BitVecRef]) -> z3.BitVecRef:
    return z3.Concat(*reversed(terms)) if len(terms) > 1 else terms[0]


def _plain(word: Word, symbol: z3.BitVecRef) -> Word:
    """The word over its own symbol instead of a piece of the whole structure."""
    more = word.term.size() - symbol.size()
    return Word(z3.ZeroExt(more, symbol) if more else symbol, word.low, word.high)


def _symbol(term: z3.ExprRef) -> z3.BitVecRef:
    while term.num_args():
        term = term.arg(0)
    assert isinstance(term, z3.BitVecRef)
    return term
