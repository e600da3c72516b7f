"""Bits that keep their value in every clock of every run: found, and proved by induction.

Of all candidates "this bit of a register is as it was at the start" and "this address stays
below the depth of the memory", those that some clock breaks are dropped until none breaks
(Flanagan & Leino, "Houdini, an annotation assistant for ESC/Java", 2001). What remains holds
from the start on and is kept by every clock, whatever the inputs do; a wire is still if it has
only one value where all of that holds.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import z3

from ...golden.errors import require
from .smt import Circuit, Source, circuits

__all__ = ["Bit", "Memory", "instances", "memories", "still_bits"]

Bit = tuple[str, int]
"""Path of a signal from the top module, with dots, and which bit of it."""

_MODULE = re.compile(r"^module (\w+) \(.*?^endmodule$", re.MULTILINE | re.DOTALL)
_TRUE = z3.BoolVal(True)
_PART = re.compile(r"^  (\w+) (\w+) \($", re.MULTILINE)
_MEMORY = re.compile(r"^  reg \[(\d+):0\] (\w+) \[(\d+):0\]", re.MULTILINE)
_WORD = re.compile(r"^ +(\w+)\[(\d+)\] = \d+'h([0-9a-f]+);$", re.MULTILINE)


@dataclass(frozen=True, eq=False)
class Memory:
    """A memory of the design: bits of a word, and the words that it begins with."""

    width: int
    words: tuple[int, ...]

    def agreed(self) -> dict[int, int]:
        """Bits that are the same in all words. One that is set must be so beyond the end, too."""
        every, some = (1 << self.width) - 1, 0
        for word in self.words:
            every, some = every & word, some | word
        whole = len(self.words) & (len(self.words) - 1) == 0
        ones = {b: 1 for b in range(self.width) if whole and every >> b & 1}
        return ones | {b: 0 for b in range(self.width) if not some >> b & 1}


@dataclass(frozen=True, eq=False)
class _Fact:
    """A condition on the state before a clock, and the same after it."""

    before: z3.BoolRef
    after: z3.BoolRef


def instances(verilog: str, top: str) -> dict[str, list[str]]:
    """Module to the paths of its instances from the top, ``""`` for the top itself."""
    bodies = {m[1]: m[0] for m in _MODULE.finditer(verilog)}
    out: dict[str, list[str]] = {}
    waiting = [(top, "")]
    while waiting:
        module, path = waiting.pop()
        out.setdefault(module, []).append(path)
        for part in _PART.finditer(bodies[module]):
            if part[1] in bodies:
                waiting.append((part[1], f"{path}.{part[2]}" if path else part[2]))
    return out


def memories(verilog: str, top: str) -> dict[str, Memory]:
    """Memories by their path."""
    places = instances(verilog, top)
    out = {}
    for module in _MODULE.finditer(verilog):
        held: dict[str, dict[int, int]] = {}
        for m in _WORD.finditer(module[0]):
            held.setdefault(m[1], {})[int(m[2])] = int(m[3], 16)
        for m in _MEMORY.finditer(module[0]):
            words = held.get(m[2], {})
            depth = int(m[3]) + 1
            if len(words) == depth:
                memory = Memory(int(m[1]) + 1, tuple(words[k] for k in range(depth)))
                for path in places.get(module[1], []):
                    out[f"{path}.{m[2]}" if path else m[2]] = memory
    return out


def still_bits(
    verilog: str,
    top: str,
    wanted: Collection[Bit],
    moved: Collection[Bit] = (),
    *,
    bounded: bool = True,
    timeout: float = 60.0,
) -> set[Bit]:
    """Those of ``wanted`` that never change, in whatever run, from the first clock on.

    Registers without an initial value begin at zero, as they do in Verilator.

    Parameters
    ----------
    moved
        Bits that are known to change: they need not be tried.
    bounded
        Whether addresses that stay below the depth of a memory are looked for.
    timeout
        Seconds; what is not decided by then does not count as still.

    Raises
    ------
    MissingTool
        Without pyosys.
    RuntimeError
        For a text that Yosys does not accept.
    """
    end = time.perf_counter() + timeout
    (circuit,) = circuits([Source(verilog, top, watched=True)])
    known = memories(verilog, top)
    start = _start(circuit, known)
    facts = _registers(circuit, start, moved)
    facts += _words(circuit, known)
    if bounded:
        facts += _bounds(circuit, known, start)
    kept = _kept(circuit, facts, end)
    return set() if kept is None else _constant(circuit, kept, wanted, end)


def _fact(circuit: Circuit, condition: z3.BoolRef, given: z3.BoolRef = _TRUE) -> _Fact:
    after = z3.substitute(condition, (circuit.now, circuit.then))
    return _Fact(z3.And(condition, given), after)


def _start(circuit: Circuit, known: Mapping[str, Memory]) -> dict[Bit, int]:
    """Value of each bit of a register at the start; those of a watched memory aside."""
    watched = tuple(f"{name}." for name in known)
    bits = [
        (name, b)
        for name in circuit.registers
        if not name.startswith(watched) or name.endswith(".answer")
        for b in range(circuit.signals[name].size())
    ]
    solver = z3.SolverFor("QF_BV")
    solver.add(circuit.initial)
    require(solver.check() == z3.sat, "design", "its registers", "a design that can start")
    model = solver.model()

    def value(bit: Bit) -> int:
        term = _bit(circuit.signals[bit[0]], bit[1])
        if model.eval(term, model_completion=True).as_long() == 0:
            return 0
        return int(solver.check(term == 0) == z3.unsat)

    return {bit: value(bit) for bit in bits}


def _registers(circuit: Circuit, start: Mapping[Bit, int], moved: Collection[Bit]) -> list[_Fact]:
    """Each bit may stay as it was at the start; those of a memory's words do so together."""
    together: dict[tuple[str, int, int], list[Bit]] = {}
    for bit, v in start.items():
        together.setdefault((bit[0].partition("[")[0], bit[1], v), []).append(bit)
    out = []
    for (_, _, v), bits in together.items():
        if not any(bit in moved for bit in bits):
            still = [_bit(circuit.signals[name], b) == v for name, b in bits]
            out.append(_fact(circuit, z3.And(*still)))
    return out


def _words(circuit: Circuit, known: Mapping[str, Memory]) -> list[_Fact]:
    """Bits that are the same in all words of a memory; what is read elsewhere is a word, too."""
    out = []
    for name, memory in known.items():
        s = circuit.signals
        if f"{name}.word" in s:
            word, other = s[f"{name}.word"], s[f"{name}.other"]
            for b, v in memory.agreed().items():
                out.append(_fact(circuit, _bit(word, b) == v, _bit(other, b) == v))
    return out


def _bounds(
    circuit: Circuit, known: Mapping[str, Memory], start: Mapping[Bit, int]
) -> Iterator[_Fact]:
    """A register may stay below the depth of a memory that it is as wide as the address of."""
    depths = sorted({len(m.words) for m in known.values()})
    for name in circuit.registers:
        term = circuit.signals[name]
        first = sum(start.get((name, b), 1) << b for b in range(term.size()))
        for depth in depths:
            if (depth - 1).bit_length() == term.size() and first < depth:
                yield _fact(circuit, z3.ULE(term, depth - 1))


def _kept(circuit: Circuit, facts: Sequence[_Fact], end: float) -> list[_Fact] | None:
    """The largest set of the facts that a clock keeps; ``None`` without time for it."""
    kept = list(facts)
    solver = z3.SolverFor("QF_BV")
    solver.add(circuit.step)
    while True:
        solver.push()
        solver.add(*(f.before for f in kept))
        solver.add(z3.Or(*(z3.Not(f.after) for f in kept)))
        word = _check(solver, end)
        if word != z3.sat:
            return kept if word == z3.unsat else None
        model = solver.model()
        kept = [f for f in kept if z3.is_true(model.eval(f.after, model_completion=True))]
        solver.pop()


def _constant(
    circuit: Circuit, kept: Sequence[_Fact], wanted: Collection[Bit], end: float
) -> set[Bit]:
    """The bits that have one value in every state where ``kept`` holds."""
    terms = {
        (name, b): _bit(circuit.signals[name], b)
        for name, b in wanted
        if name in circuit.signals and b < circuit.signals[name].size()
    }
    solver = z3.SolverFor("QF_BV")
    solver.add(*(f.before for f in kept))
    if _check(solver, end) != z3.sat:
        return set()
    model = solver.model()
    left = {bit: t == model.eval(t, model_completion=True) for bit, t in terms.items()}
    while left:
        solver.push()
        solver.add(z3.Or(*(z3.Not(same) for same in left.values())))
        word = _check(solver, end)
        if word != z3.sat:
            return set(left) if word == z3.unsat else set()
        model = solver.model()
        left = {
            bit: same
            for bit, same in left.items()
            if z3.is_true(model.eval(same, model_completion=True))
        }
        solver.pop()
    return set()


def _check(solver: z3.Solver, end: float) -> z3.CheckSatResult:
    solver.set("timeout", max(1, int(1000 * (end - time.perf_counter()))))
    return solver.check()


def _bit(term: z3.BitVecRef, place: int) -> z3.BitVecRef:
    return z3.Extract(place, place, term)
