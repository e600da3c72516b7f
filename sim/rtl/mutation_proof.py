"""Which faults nobody can notice: the faulty design and the right one, side by side, for ever.

Both read the same inputs. What ties their registers together is looked for, not given
(Flanagan & Leino, "Houdini, an annotation assistant for ESC/Java", 2001): of all candidates
"register r is the same in both" and "... while register c has the value v", those that a step
breaks are dropped until none breaks. If what remains makes every output the same wherever an
output means something, the fault is harmless: proved for runs of any length and any input.
States that no run reaches are left out by facts about the right design alone, found the same way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import z3

from ...hdl import Design
from ...hdl.formal.smt import Circuit, Source, bit_places, circuits, stepped_bits
from .mutation import SELECT, Mutant

__all__ = ["Harmless"]

_MOST = 8_000
"""Candidates at once; a fault that needs more is taken for one that can be noticed."""
_SMALL = 4
"""Registers up to so many bits steer; facts and conditions are about their values."""


@dataclass(frozen=True, eq=False)
class _Fact:
    """A condition, before a clock and after it; and what to try where a clock breaks it."""

    before: z3.BoolRef
    after: z3.BoolRef
    weaker: Callable[[], list[_Fact]] = list


class _Copy:
    """A run of the circuit: every register and port, before a clock and after it."""

    def __init__(self, circuit: Circuit, before: z3.BitVecRef, after: z3.BitVecRef) -> None:
        self.circuit = circuit
        self._before, self._after = (circuit.now, before), (circuit.now, after)
        both = ((circuit.now, before), (circuit.then, after))
        self.step = z3.substitute(circuit.step, *both)

    def of(self, term: z3.ExprRef) -> z3.ExprRef:
        """``term`` of the state before the clock."""
        return z3.substitute(term, self._before)

    def now(self, name: str) -> z3.BitVecRef:
        return z3.simplify(z3.substitute(self.circuit.signals[name], self._before))

    def then(self, name: str) -> z3.BitVecRef:
        return z3.simplify(z3.substitute(self.circuit.signals[name], self._after))

    def initial(self) -> z3.BoolRef:
        return z3.substitute(self.circuit.initial, self._before)


class Harmless:
    """Proofs for the faults of one netlist, as :func:`.mutation.mutants` wrote it.

    ``timeout`` is in seconds for each fault.
    """

    def __init__(self, netlist: Design, timeout: float = 30.0) -> None:
        (self.circuit,) = circuits([Source(netlist.verilog, netlist.name)])
        self.timeout = timeout
        c, sort = self.circuit, self.circuit.now.sort()
        self.right = _Copy(c, z3.Const("right", sort), z3.Const("right_then", sort))
        places = [p for r in c.registers for p in bit_places(c.signals[r])]
        assert stepped_bits(c) <= {*places}, "a register without a name"
        own = {*places, *bit_places(c.signals[SELECT])}
        # All but the registers and the choice of the fault is the same for both.
        source = {k: "own" if k in own else "right" for k in range(c.now.size())}
        bits = [z3.Extract(k, k, z3.Const(source[k], sort)) for k in range(c.now.size())]
        wrong = z3.Concat(*reversed(bits))
        self.wrong = _Copy(c, wrong, z3.Const("wrong_then", sort))
        self.steering = [r for r in c.registers if c.signals[r].size() <= _SMALL]
        self.facts = self._facts()
        self._pair = self._joined()

    def proves(self, fault: Mutant) -> bool:
        """Whether nobody can notice ``fault``; ``False`` also where it is not decided."""
        end = time.perf_counter() + self.timeout
        given = [*self._pair, self.wrong.now(SELECT) == fault.number]
        kept = _settled([self._tie(r) for r in self.circuit.registers], given, end)
        if kept is None:
            return False
        differ = z3.Or(*(self._differs(name) for name in self.circuit.outward))
        return bool(_check(_solver([*given, *(f.before for f in kept), differ]), end) == z3.unsat)

    def _joined(self) -> list[z3.BoolRef]:
        """Both take a step; equal factors have equal products, which the solver need not find."""
        out = [self.right.now(SELECT) == 0, self.right.step, self.wrong.step]
        for term in _products(self.circuit.step):
            one, two = self.right.of(term), self.wrong.of(term)
            factors = zip(one.children(), two.children(), strict=True)
            out.append(z3.Implies(z3.And(*(x == y for x, y in factors)), one == two))
        return [*out, *(f.before for f in self.facts)]

    def _tie(self, name: str, *whiles: tuple[str, int]) -> _Fact:
        """Register ``name`` is the same in both, while others have the values given."""
        before, after = (
            z3.Implies(
                z3.And(*(value(self.right, r) == v for r, v in whiles)),
                value(self.right, name) == value(self.wrong, name),
            )
            for value in (_Copy.now, _Copy.then)
        )
        return _Fact(before, after, lambda: self._ties_while(name, *whiles))

    def _ties_while(self, name: str, *whiles: tuple[str, int]) -> list[_Fact]:
        """The same at fewer times: for a value of a flag or a phase, then of one more register."""
        if len(whiles) > 1 or (whiles and not whiles[0][0].endswith("phase")):
            return []
        near = [r for r in self._near(name) if whiles or self._says_when(r)]
        return [
            self._tie(name, *whiles, (c, v))
            for c in near
            if c not in dict(whiles)
            for v in range(1 << self.circuit.signals[c].size())
        ]

    def _says_when(self, name: str) -> bool:
        """Whether a register is a flag or a phase."""
        return self.circuit.signals[name].size() == 1 or name.endswith("phase")

    def _near(self, name: str) -> list[str]:
        """Steering registers of the same part of the design, or of no part that is known.

        Where a fault sits on a register, Yosys gives that register a name of its own.
        """
        parts = ("", _part(name))
        return [r for r in self.steering if r != name and (parts[1] == "" or _part(r) in parts)]

    def _facts(self) -> list[_Fact]:
        """What holds in every state that the right design reaches, of pairs of small registers."""
        found = []
        for r in self.steering:
            for v in range(1 << self.circuit.signals[r].size()):
                never = _Fact(self.right.now(r) != v, self.right.then(r) != v)
                found.append(never)
                for c in self._near(r):
                    if not self._says_when(c) or not (_part(c) == _part(r) or c.endswith("phase")):
                        continue
                    for w in range(1 << self.circuit.signals[c].size()):
                        found.append(
                            _Fact(
                                z3.Or(never.before, self.right.now(c) != w),
                                z3.Or(never.after, self.right.then(c) != w),
                            )
                        )
        chosen = self.right.now(SELECT) == 0
        end = time.perf_counter() + 10 * self.timeout
        at_first = _true_of(found, [chosen, self.right.initial()])
        return _settled(at_first, [chosen, self.right.step], end) or []

    def _differs(self, name: str) -> z3.BoolRef:
        """Whether an output differs while it means something: a tick has no address."""
        outward = self.circuit.outward
        means = [self.right.now(name) != self.wrong.now(name)]
        for valid in (v for v in outward if v.endswith("_valid") and v != name):
            stem = valid.removesuffix("valid")
            if name.startswith(stem):
                means.append(self.right.now(valid) == 1)
                if name == f"{stem}address":
                    means.append(self.right.now(f"{stem}tick") == 0)
        return z3.And(*means)


def _part(name: str) -> str:
    """The part of the design that a register belongs to; empty where its name does not say."""
    stem, dot, _ = name.partition(".")
    return stem if dot else ""


def _settled(
    candidates: Sequence[_Fact], given: Sequence[z3.BoolRef], end: float
) -> list[_Fact] | None:
    """The largest set of the candidates that a clock keeps; ``None`` without time for it.

    What a clock breaks makes way for what is weaker; so nothing breaks because of a candidate
    that was dropped too early.
    """
    kept, most = list(candidates), max(_MOST, len(candidates))
    while 0 < len(kept) <= most:
        broken = z3.Or(*(z3.Not(f.after) for f in kept))
        solver = _solver([*given, *(f.before for f in kept), broken])
        word = _check(solver, end)
        if word != z3.sat:
            return kept if word == z3.unsat else None
        model = solver.model()
        waiting, kept = kept, []
        while waiting:
            f = waiting.pop()
            if z3.is_true(model.eval(f.after, model_completion=True)):
                kept.append(f)
            else:
                waiting += f.weaker()
    return None if kept else kept


def _true_of(candidates: Sequence[_Fact], given: Sequence[z3.BoolRef]) -> list[_Fact]:
    """The candidates that hold before a clock wherever ``given`` does."""
    kept = list(candidates)
    solver = _solver(given)
    while (word := solver.check(z3.Or(*(z3.Not(f.before) for f in kept)))) == z3.sat:
        model = solver.model()
        kept = [f for f in kept if z3.is_true(model.eval(f.before, model_completion=True))]
    return kept if word == z3.unsat else []


def _solver(conditions: Sequence[z3.BoolRef]) -> z3.Solver:
    solver = z3.SolverFor("QF_BV")
    solver.add(*conditions)
    return solver


def _check(solver: z3.Solver, end: float) -> z3.CheckSatResult:
    solver.set("timeout", max(1, int(1000 * (end - time.perf_counter()))))
    return solver.check()


def _products(term: z3.ExprRef) -> list[z3.ExprRef]:
    found, waiting, seen = [], [term], set()
    while waiting:
        t = waiting.pop()
        if t.get_id() not in seen:
            seen.add(t.get_id())
            waiting += t.children()
            if z3.is_app_of(t, z3.Z3_OP_BMUL) and not any(map(z3.is_bv_value, t.children())):
                found.append(t)
    return found
