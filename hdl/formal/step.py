"""The step circuit of generated Verilog against the contract's step, for every value at once.

One query: is there a state, a sum of weights and a set of parameters on which the modules
``leak`` and ``fire``, joined without the register between them, differ from
:func:`lifstone.golden.contract.step`? The golden side is that function itself, run on
:class:`~lifstone.hdl.formal.symbolic.Word`. No such values: proved.
"""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import z3
from amaranth.back import rtlil
from amaranth.lib import data, wiring

from ...golden.contract import Contract, Decay, IntState, step
from ...golden.errors import InvalidValue
from ...golden.fixed import limits
from ..step import Parameter, acc_shape, parameters, state_layout
from .smt import Circuit, Source
from .solve import ask
from .symbolic import Truth, Word, as_word, signed_word, unsigned_word

__all__ = [
    "StepCounterexample",
    "StepProof",
    "domain",
    "fields_of",
    "prove_step",
    "step_of_component",
    "step_of_verilog",
    "with_numbers",
]

_PORT = re.compile(r"^  (?:input|output) (?:\[\d+:0\] )?(\w+);", re.MULTILINE)
_ORDER = ("i", "spike", "hold", "u")
"""Outputs in the order of their proofs; each may use those before it, by then theorems."""
WORDS_SHARE = 0.25
"""Share of the time that the proof over whole words gets before neurons are taken one by one."""


@dataclass(frozen=True)
class StepCounterexample:
    """Values on which the two differ: what goes in, and what comes out on both sides."""

    state: Mapping[str, int]
    total: int
    numbers: Mapping[str, int]
    golden: Mapping[str, int]
    rtl: Mapping[str, int]

    @property
    def differing(self) -> tuple[str, ...]:
        """Names of the outputs that differ."""
        return tuple(k for k, v in self.golden.items() if self.rtl[k] != v)

    def lines(self) -> list[str]:
        """The golden-against-RTL trace as text."""
        state = {**self.state, "total": self.total}
        out = [
            f"given {', '.join(f'{k} = {v}' for k, v in state.items())}",
            f"parameters {', '.join(f'{k} = {v}' for k, v in self.numbers.items())}",
        ]
        for k, v in self.golden.items():
            mark = "" if self.rtl[k] == v else "   <-- differs"
            out.append(f"  {k:<6} golden {v:>12}   rtl {self.rtl[k]:>12}{mark}")
        return out


@dataclass(frozen=True)
class StepProof:
    """``unsat``: proved; ``sat``: with values on which the two differ; ``unknown``: no time left.

    ``sets`` counts the sets of parameters that were proved one by one; 0 where one proof
    covers every value that the words of the parameters and the contract allow.
    """

    word: str
    seconds: float
    sets: int = 0
    counterexample: StepCounterexample | None = None


def step_of_component(component: wiring.Component) -> Source:
    """A component with the members of :class:`~lifstone.hdl.step.LifStep`."""
    return Source(rtlil.convert(component, name="joined_step", emit_src=False), "joined_step", True)


def step_of_verilog(c: Contract, verilog: str, stem: str) -> Source:
    """The modules ``<stem>_leak`` and ``<stem>_fire`` of a design, joined.

    Raises
    ------
    InvalidValue
        For a design without them.
    """
    widths = {
        "state": state_layout(c).size,
        "numbers": data.StructLayout({p.name: p.shape for p in parameters(c)}).size,
        "total": acc_shape(c).width,
    }
    leak, fire = (_module(verilog, f"{stem}_{part}") for part in ("leak", "fire"))
    leaked = re.search(r"output (\[\d+:0\] )?leaked;", leak)
    if leaked is None:
        raise InvalidValue("design", f"{stem}_leak", "a module with an output leaked")
    lines = [f"input [{w - 1}:0] {name}" for name, w in widths.items()]
    lines += [f"output [{widths['state'] - 1}:0] after", "output spike"]
    calls = []
    for part, text in (("leak", leak), ("fire", fire)):
        pins = ", ".join(f".{p}({p})" for p in _PORT.findall(text))
        calls.append(f"  {stem}_{part} {part} ({pins});")
    head = f"module joined_step ({', '.join(lines)});\n  wire {leaked[1] or ''}leaked;"
    return Source("\n".join([leak, fire, head, *calls, "endmodule", ""]), "joined_step")


def _module(text: str, name: str) -> str:
    found = re.search(rf"^module {name} \(.*?^endmodule$", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise InvalidValue("design", "its Verilog", f"a design with the module {name}")
    return found[0]


def domain(c: Contract, p: Parameter) -> tuple[int, int]:
    """The values for which a parameter is proved, ends included.

    One value where all neurons share it, since the core then holds a constant; else all that
    the word of the parameter and the contract allow.
    """
    if p.uniform:
        return p.values[0], p.values[0]
    low, high = -(1 << (p.shape.width - 1)), (1 << (p.shape.width - 1)) - 1
    if not p.shape.signed:
        low, high = 0, (1 << p.shape.width) - 1
    u_low, u_high = limits(c.width)
    allowed = {
        "threshold": (low, u_high - 1),
        "u_reset": (u_low, u_high),
        "u_init": (u_low, u_high),
        "u_drop": (0, 2 * u_high + 1),
        "couple": (-max(map(abs, p.values)), max(map(abs, p.values))),
    }
    for name, decay in (("decay_mem", c.decay_mem), ("decay_syn", c.decay_syn)):
        allowed[name] = (0, 1 << decay.fraction) if decay is not None else (low, high)
    least, most = allowed.get(p.name, (low, high))
    return max(low, least), min(high, most)


@dataclass(frozen=True, eq=False)
class _Question:
    """Inputs by name, both sides by name, and what the inputs are assumed to satisfy."""

    state: Mapping[str, Word]
    total: Word
    numbers: Mapping[str, Word]
    golden: Mapping[str, Word]
    rtl: Mapping[str, Word]
    assumed: z3.BoolRef


def prove_step(c: Contract, circuit: Circuit, timeout: float) -> StepProof:
    """Whether ``circuit``, of one of the sources above, is the step of ``c``.

    First over whole words of the parameters. A product of two unknowns may take the solver too
    long; then each set of parameters that a neuron has is proved by itself, for all states and
    sums. ``timeout`` is in seconds, for all of it.
    """
    start = time.perf_counter()
    sets = sorted(set(zip(*(p.values for p in parameters(c)), strict=True)))
    first = timeout if len(sets) == 1 else timeout * WORDS_SHARE
    word, found = _ask(c, circuit, first)
    done = 0
    if word == "unknown" and len(sets) > 1:
        word = "unsat"
        for values in sets:
            left = timeout - (time.perf_counter() - start)
            word, found = ("unknown", None) if left <= 0 else _ask(c, circuit, left, values)
            if word != "unsat":
                break
            done += 1
    return StepProof(word, time.perf_counter() - start, done, found)


def _ask(
    c: Contract, circuit: Circuit, timeout: float, values: tuple[int, ...] | None = None
) -> tuple[str, StepCounterexample | None]:
    known = parameters(c)
    if values is not None:
        known = [replace(p, values=(v,)) for p, v in zip(known, values, strict=True)]
    q = _question(c, circuit, known)
    lemmas, end = [q.assumed], time.perf_counter() + timeout
    for name in _ORDER:
        same = _equal(q.golden[name], q.rtl[name])
        word, model = ask([*lemmas, z3.Not(same)], end - time.perf_counter())
        if word != "unsat":
            return word, None if model is None else _counterexample(q, model)
        lemmas.append(same)
    return "unsat", None


def _equal(a: Word, b: Word) -> z3.BoolRef:
    width = max(a.term.size(), b.term.size())
    return a.extended(width) == b.extended(width)


def _question(c: Contract, circuit: Circuit, known: Sequence[Parameter]) -> _Question:
    layout = state_layout(c)
    free, outputs = _inputs(c, circuit, known)
    before = fields_of(free["state"], layout)
    after = fields_of(outputs["after"], layout)
    total = signed_word(free["total"])
    numbers, assumed = _numbers(c, free["numbers"], known)
    zero = np.zeros(1, np.int64)
    state: Any = {"u": None, "i": zero, "hold": zero, **before}
    expected, fired = step(with_numbers(c, numbers), IntState(**state), total)  # type: ignore[arg-type]
    golden = {"u": expected.u, "i": expected.i, "hold": expected.hold, "spike": fired}
    spike = unsigned_word(outputs["spike"])
    rtl = {"u": 0, "i": 0, "hold": 0, **after, "spike": spike}
    wide = {k: _number(v) for k, v in golden.items()}
    sides = wide, {k: _number(v) for k, v in rtl.items()}
    return _Question(before, total, numbers, *sides, assumed)


def _inputs(
    c: Contract, circuit: Circuit, known: Sequence[Parameter]
) -> tuple[dict[str, z3.BitVecRef], dict[str, z3.BitVecRef]]:
    """Inputs, in which a parameter that all neurons share is a constant, and outputs of them."""
    pieces = []
    for p in known:
        low, high = domain(c, p)
        fixed = z3.BitVecVal(low, p.shape.width)
        pieces.append(fixed if low == high else z3.BitVec(p.name, p.shape.width))
    free = {
        "state": z3.BitVec("state", state_layout(c).size),
        "total": z3.BitVec("total", acc_shape(c).width),
        "numbers": z3.Concat(*reversed(pieces)) if len(pieces) > 1 else pieces[0],
    }
    outputs = circuit.outputs({name: z3.simplify(term) for name, term in free.items()})
    return free, outputs


def _number(value: Any) -> Word:
    if isinstance(value, Truth):
        one, zero = z3.BitVecVal(1, 2), z3.BitVecVal(0, 2)
        return Word(z3.If(value.term, one, zero), 0, 1)
    return as_word(value)


def fields_of(term: z3.BitVecRef, layout: data.StructLayout) -> dict[str, Word]:
    """The fields of a packed structure, each over all its values."""
    out, at = {}, 0
    for name, field in layout:
        bits = z3.Extract(at + field.width - 1, at, term)
        out[name] = signed_word(bits) if field.shape.signed else unsigned_word(bits)
        at += field.width
    return out


def _numbers(
    c: Contract, term: z3.BitVecRef, known: Sequence[Parameter]
) -> tuple[dict[str, Word], z3.BoolRef]:
    """The parameters, and that each lies in its domain."""
    fields = fields_of(term, data.StructLayout({p.name: p.shape for p in known}))
    rules, out = [], {}
    for p in known:
        low, high = domain(c, p)
        whole = fields[p.name].term
        rules += [whole >= low, whole <= high]
        out[p.name] = Word(whole, low, high)
    return out, z3.And(*rules)


def with_numbers(c: Contract, numbers: Mapping[str, Word]) -> Contract:
    """The contract with symbols for numbers; past the checks, which want integers."""
    out = copy.copy(c)
    for name, value in numbers.items():
        held: Any = value
        if name in ("decay_mem", "decay_syn"):
            held = copy.copy(getattr(c, name))
            assert isinstance(held, Decay)
            object.__setattr__(held, "coefficient", value)
        object.__setattr__(out, name, held)
    return out


def _counterexample(q: _Question, model: z3.ModelRef) -> StepCounterexample:
    def value(word: Word) -> int:
        return int(model.eval(word.term, model_completion=True).as_signed_long())

    def values(words: Mapping[str, Word]) -> dict[str, int]:
        return {k: value(w) for k, w in words.items()}

    return StepCounterexample(
        values(q.state), value(q.total), values(q.numbers), values(q.golden), values(q.rtl)
    )
