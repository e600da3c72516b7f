"""Verilog as formulas: Yosys writes SMT-LIB, z3 reads it."""

from __future__ import annotations

import importlib.util
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import z3

from ...golden.errors import MissingTool, require
from ..process import run_program
from .watched import WATCHED

__all__ = ["Circuit", "Source", "bit_places", "circuits", "stepped_bits"]

_MAPPED = ("memory -nomap", "memory_map", "opt_expr")
"""Memories become registers, so that a state is one bit vector and the logic stays QF_BV."""
_LAST = ("dffunmap", "setundef -undriven -anyseq", "opt_clean")
"""What nobody drives, and each ``x``, may be anything."""
_SIGNAL = re.compile(r"^; yosys-smt2-(input|output|register|wire) (\S+) (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """A circuit's text, Verilog or with ``rtlil`` RTLIL, and the name of its top module.

    With ``cut``, the outputs of the modules named there may be anything. With ``cut`` or
    ``watched``, of each memory that is read by the clock one word is kept (see :mod:`.memories`),
    and every wire with a name is found in the circuit.
    """

    text: str
    top: str
    rtlil: bool = False
    cut: tuple[str, ...] = ()
    watched: bool = False

    def script(self, stem: str) -> list[str]:
        """Commands for Yosys that read ``<stem>.txt`` and write ``<stem>.smt2``."""
        reader = "read_rtlil" if self.rtlil else "read_verilog -sv"
        script = [f"{reader} {stem}.txt", f"hierarchy -check -top {self.top}", "proc"]
        for module in self.cut:
            kept = f"setattr -set keep 1 {module}/i:* {module}/o:*"
            script += [kept, f"cutpoint {module}"]
        script.append("flatten")
        watched = self.watched or bool(self.cut)
        if watched:
            script += ["opt_clean", "memory_dff", "memory_collect"]
            script += ["techmap -autoproc -map watched.v", "proc"]
            script += ["memory_map", "opt_expr"] if self.watched else ["opt_expr"]
        else:
            script += _MAPPED
        wires = " -wires" if watched else ""
        return [*script, *_LAST, f"write_smt2 -stbv{wires} {stem}.smt2", "design -reset"]


class Circuit:
    """A circuit as formulas over one clock: before it in ``now``, after it in ``then``.

    Members
    -------
    now, then
        The whole state, inputs included, as bit vectors.
    signals
        Inputs, outputs and registers by name, terms of ``now``; one bit is a bit vector, too.
    registers, inputs, outward
        Names of the registers, the inputs and the outputs.
    initial, step
        Whether ``now`` is a state after power-up; whether ``then`` follows ``now``.
    assumed, asserted
        Assumptions and assertions of the text, conditions on ``now``.
    """

    def __init__(self, text: str, top: str) -> None:
        kinds = {m[2]: m[1] for m in _SIGNAL.finditer(text)}
        widths = {m[2]: int(m[3]) for m in _SIGNAL.finditer(text)}
        self.registers = sorted(n for n in widths if _is_register(text, n))
        self.inputs = sorted(n for n, kind in kinds.items() if kind == "input")
        self.outward = sorted(n for n, kind in kinds.items() if kind == "output")
        ask = [f"(declare-const now |{top}_s|) (declare-const then |{top}_s|)"]
        for letter in ("i", "a", "u"):
            ask.append(f"(assert (= true (|{top}_{letter}| now)))")
        ask.append(f"(assert (= true (|{top}_t| now then)))")
        for k, (name, width) in enumerate(widths.items()):
            sort = "Bool" if width == 1 else f"(_ BitVec {width})"
            ask += [f"(declare-const |?{k}| {sort})", f"(assert (= |?{k}| (|{top}_n {name}| now)))"]
        parsed = list(z3.parse_smt2_string(text + "\n" + "\n".join(ask)))
        sort = _state_sort(text, top)
        self.now, self.then = z3.Const("now", sort), z3.Const("then", sort)
        self.initial, self.asserted, self.assumed, self.step = (p.arg(1) for p in parsed[:4])
        self.signals: Mapping[str, z3.BitVecRef] = {
            name: _bits(p.arg(1)) for name, p in zip(widths, parsed[4:], strict=True)
        }

    def outputs(self, inputs: Mapping[str, z3.BitVecRef]) -> dict[str, z3.BitVecRef]:
        """What a circuit without registers answers to terms for its inputs."""
        require(not self.registers, "design", self.registers, "a step without registers")
        # A bit that is no input is driven by nobody: it may be anything.
        loose = z3.BitVec("undriven", self.now.size())
        bits = [z3.Extract(k, k, loose) for k in range(self.now.size())]
        for name, term in inputs.items():
            places = bit_places(self.signals[name]) if name in self.signals else []
            for k, place in enumerate(places):
                bits[place] = z3.Extract(k, k, term)
        whole = z3.simplify(z3.Concat(*reversed(bits)) if len(bits) > 1 else bits[0])
        found = self.signals.items()
        return {n: z3.simplify(z3.substitute(t, (self.now, whole))) for n, t in found}


def circuits(sources: Sequence[Source]) -> list[Circuit]:
    """Each source as formulas; one call of Yosys serves them all.

    Raises
    ------
    MissingTool
        Without pyosys.
    RuntimeError
        With Yosys' last words, for a text that it does not accept.
    """
    if importlib.util.find_spec("pyosys") is None:
        raise MissingTool("pyosys", "pip install pyosys")
    with tempfile.TemporaryDirectory(prefix="lifstone-") as name:
        folder = Path(name)
        (folder / "watched.v").write_text(WATCHED, encoding="utf-8")
        script = []
        for k, s in enumerate(sources):
            (folder / f"{k}.txt").write_text(s.text, encoding="utf-8")
            script += s.script(str(k))
        run = (
            "from pyosys import libyosys as y\nd = y.Design()\n"
            f"for c in {script!r}: y.run_pass(c, d)"
        )
        status, said = run_program([sys.executable, "-c", run], folder)
        if status != 0:
            tail = " | ".join(said.strip().splitlines()[-3:])
            raise RuntimeError(f"yosys failed with code {status}: {tail}")
        texts = [(folder / f"{k}.smt2").read_text("utf-8") for k in range(len(sources))]
    return [Circuit(text, s.top) for text, s in zip(texts, sources, strict=True)]


def bit_places(term: z3.ExprRef) -> list[int]:
    """Which bits of the state an input or a register is, the lowest first.

    Yosys may scatter them.
    """
    kind = term.decl().kind()
    if kind == z3.Z3_OP_CONCAT:
        return [place for part in reversed(term.children()) for place in bit_places(part)]
    if kind == z3.Z3_OP_EXTRACT:
        high, low = term.params()
        return bit_places(term.arg(0))[low : high + 1]
    if kind in (z3.Z3_OP_ITE, z3.Z3_OP_EQ):  # one bit as a boolean and back
        return bit_places(term.arg(0))
    assert z3.is_const(term), term
    return list(range(term.size()))


def stepped_bits(circuit: Circuit) -> set[int]:
    """The bits of the state that a clock sets: those of the registers, named or not."""
    found: set[int] = set()
    waiting, seen = [circuit.step], set()
    while waiting:
        term = waiting.pop()
        if term.get_id() in seen:
            continue
        seen.add(term.get_id())
        if z3.is_app_of(term, z3.Z3_OP_EXTRACT) and term.arg(0).eq(circuit.then):
            high, low = term.params()
            found |= set(range(low, high + 1))
        waiting += term.children()
    return found


def _is_register(text: str, name: str) -> bool:
    return f"\n; yosys-smt2-register {name} " in text


def _state_sort(text: str, top: str) -> z3.SortRef:
    found = re.search(rf"\(define-sort \|{re.escape(top)}_s\| \(\) \(_ BitVec (\d+)\)\)", text)
    assert found is not None, "yosys wrote no state"
    return z3.BitVecSort(int(found[1]))


def _bits(term: z3.ExprRef) -> z3.BitVecRef:
    if not z3.is_bool(term):
        return term
    return z3.If(term, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))
