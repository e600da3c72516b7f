"""Proofs of the step: right circuits are proved, and what refutes a wrong one really does."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import z3

from lifstone.golden import Contract, Decay, Drive, InvalidValue, Reset, Rounding
from lifstone.golden.contract import IntState, step
from lifstone.hdl import Design, generate
from lifstone.hdl.formal.smt import circuits
from lifstone.hdl.formal.step import (
    StepCounterexample,
    StepProof,
    domain,
    prove_step,
    step_of_component,
    step_of_verilog,
    with_numbers,
)
from lifstone.hdl.formal.symbolic import Truth, Word, as_word, signed_word, unsigned_word
from lifstone.hdl.step import LifStep, parameters, state_layout
from tests.hdl.contracts import options, random_contract
from tests.hdl.test_step import draw
from tests.sim.test_seeded_bugs import ARITHMETIC, CONTRACT, Bug, edit

SECONDS = 60.0
EVERY = list(options())
CHOSEN = EVERY[::11]
IN_THE_STEP = [b for b in ARITHMETIC if b.module.endswith(("_fire", "_leak"))]


def evaluate(value: object, known: list[tuple[z3.BitVecRef, z3.BitVecRef]]) -> int:
    if isinstance(value, Truth):
        return int(z3.is_true(z3.simplify(z3.substitute(value.term, *known))))
    return z3.simplify(z3.substitute(as_word(value).term, *known)).as_signed_long()


def test_the_golden_step_on_symbols_is_the_golden_step_on_numbers() -> None:
    """Of every combination of options, each symbol replaced by the numbers of every neuron."""
    checked = 0
    for k, chosen in enumerate(EVERY):
        rng = np.random.default_rng([7, k])
        c = random_contract(rng, 6, chosen)
        state, total = draw(rng, c)
        expected, spikes = step(c, state, total)
        fields = dict(iter(state_layout(c)))
        free: dict[str, z3.BitVecRef] = {"total": z3.BitVec("total", c.acc_width)}
        words: dict[str, object] = {"i": np.zeros(1, np.int64), "hold": np.zeros(1, np.int64)}
        for name, field in fields.items():
            free[name] = z3.BitVec(name, field.width)
            words[name] = (signed_word if field.shape.signed else unsigned_word)(free[name])
        numbers = {}
        for p in parameters(c):
            free[f"n.{p.name}"] = term = z3.BitVec(f"n.{p.name}", p.shape.width)
            word = (signed_word if p.shape.signed else unsigned_word)(term)
            numbers[p.name] = Word(word.term, *domain(c, p))
        got, fired = step(
            with_numbers(c, numbers),
            IntState(**words),
            signed_word(free["total"]),  # type: ignore[arg-type]
        )
        for j in range(c.n):
            values = {n: int(getattr(state, n)[j]) for n in fields} | {"total": int(total[j])}
            values |= {f"n.{p.name}": p.values[j] for p in parameters(c)}
            known = [(t, z3.BitVecVal(values[n], t.size())) for n, t in free.items()]
            assert evaluate(fired, known) == int(spikes[j])
            for name in ("u", "i", "hold"):
                assert evaluate(getattr(got, name), known) == int(getattr(expected, name)[j])
                checked += 1
    assert checked == 252 * 6 * 3


def test_a_golden_step_that_branches_on_a_symbol_is_refused() -> None:
    """Else it would be taken for true, and the other side be left out of the proof."""
    word = signed_word(z3.BitVec("u", 4))
    condition = word > 3
    assert isinstance(condition, Truth)
    for symbol in (word, condition, ~condition, word + 1, np.where(condition, word, 0)):
        with pytest.raises(TypeError, match=r"write np\.where in place of a branch"):
            bool(symbol)
    with pytest.raises(TypeError, match="branch"):
        max(word, word + 1)  # type: ignore[type-var]
    with pytest.raises(TypeError, match="branch"):
        _ = (condition and word) or 0


def test_right_steps_are_proved() -> None:
    contracts = [random_contract(np.random.default_rng([1, k]), 3, o) for k, o in enumerate(CHOSEN)]
    assert {o[0] for o in CHOSEN} == set(Rounding)
    assert {o[3] for o in CHOSEN} == set(Drive)
    assert {o[4] for o in CHOSEN} == {*Reset, None}
    small = [replace_widths(c) for c in contracts]
    made = circuits([step_of_component(LifStep(c)) for c in small])
    for chosen, c, circuit in zip(CHOSEN, small, made, strict=True):
        proof = prove_step(c, circuit, SECONDS)
        assert (proof.word, proof.counterexample) == ("unsat", None), (chosen, proof)


def replace_widths(c: Contract) -> Contract:
    """The same options in words of 8 bits, so that no product takes the solver long."""

    def words(values: np.ndarray, low: int, high: int) -> np.ndarray:
        return np.clip(values, low, high)

    def decay(d: Decay | None) -> Decay | None:
        if d is None or d.shift is not None:
            return d
        assert d.coefficient is not None
        bits = min(d.fraction, 6)
        return Decay(d.coefficient >> (d.fraction - bits), bits)

    return replace(
        c,
        width=8,
        fraction=4,
        syn_width=8 if c.has_synapse else 0,
        acc_width=6,
        decay_mem=decay(c.decay_mem),
        decay_syn=decay(c.decay_syn),
        threshold=None if c.threshold is None else words(c.threshold, -64, 126),
        u_reset=words(c.u_reset, -128, 127),
        u_drop=words(c.u_drop, 0, 255),
        u_init=words(c.u_init, -128, 127),
        bias=words(c.bias, -60, 60),
    )


@pytest.fixture(scope="module")
def good() -> Design:
    return generate(CONTRACT, "net")


def prove_verilog(verilog: str, name: str) -> StepProof:
    c = CONTRACT.populations[name]
    (circuit,) = circuits([step_of_verilog(c, verilog, f"net_core_{name}")])
    return prove_step(c, circuit, SECONDS)


@pytest.mark.parametrize("name", list(CONTRACT.populations))
def test_the_generated_verilog_is_proved(good: Design, name: str) -> None:
    assert prove_verilog(good.verilog, name).word == "unsat"


@pytest.mark.parametrize("bug", IN_THE_STEP, ids=lambda b: b.name.replace(" ", "-"))
def test_a_bug_is_refuted_by_values_that_tell_the_two_apart(
    good: Design, bug: Bug, tmp_path: Path
) -> None:
    name = bug.module.split("_")[1]
    wrong = edit(good.verilog, bug)
    proof = prove_verilog(wrong, name)
    assert proof.word == "sat"
    found = proof.counterexample
    assert found is not None
    assert found.differing
    c = CONTRACT.populations[name]
    assert golden_of(c, found) == dict(found.golden)
    text = step_of_verilog(c, wrong, f"net_core_{name}").text
    seen = icarus_of(c, text, found, tmp_path)
    assert seen == {k: v for k, v in found.rtl.items() if k in seen}
    assert any(seen[k] != found.golden[k] for k in seen)
    assert any("<-- differs" in line for line in found.lines())


def test_there_are_bugs_enough() -> None:
    assert len(IN_THE_STEP) >= 12


def golden_of(c: Contract, found: StepCounterexample) -> dict[str, int]:
    """What the contract's step makes of the values, on plain integers."""
    one = replace(
        c,
        n=1,
        **{
            p.name: decay_of(getattr(c, p.name), found.numbers[p.name])
            if p.name.startswith("decay")
            else np.array([found.numbers[p.name]])
            for p in parameters(c)
        },
        **{k: getattr(c, k)[:1] for k in ("lsb", "i_lsb", "v_rest")},
        **{k: getattr(c, k)[:1] for k in ("u_reset", "u_drop", "hold") if k not in found.numbers},
    )
    words = {k: np.array([found.state.get(k, 0)]) for k in ("u", "i", "hold")}
    after, spikes = step(one, IntState(**words), np.array([found.total]))
    out = {k: int(getattr(after, k)[0]) for k in ("u", "i", "hold")}
    return {**out, "spike": int(spikes[0])}


def decay_of(decay: Decay, coefficient: int) -> Decay:
    return replace(decay, coefficient=np.array([coefficient]))


def icarus_of(c: Contract, text: str, found: StepCounterexample, folder: Path) -> dict[str, int]:
    """What a simulator that has nothing to do with the proof makes of the Verilog."""
    layout = state_layout(c)
    widths = {k: f.width for k, f in layout}
    state = packed({k: found.state[k] for k in widths}, widths)
    shapes = {p.name: p.shape.width for p in parameters(c)}
    numbers = packed({k: found.numbers[k] for k in shapes}, shapes)
    total = packed({"total": found.total}, {"total": c.acc_width})
    bench = f"""module bench;
  wire [{layout.size - 1}:0] after;
  wire spike;
  joined_step dut (.state({state}), .numbers({numbers}), .total({total}),
    .after(after), .spike(spike));
  initial #1 $display("%b %b", after, spike);
endmodule
"""
    (folder / "bench.v").write_text(text + bench)
    compiled = str(folder / "bench.vvp")
    subprocess.run(
        ["iverilog", "-g2012", "-s", "bench", "-o", compiled, str(folder / "bench.v")], check=True
    )
    said = subprocess.run(["vvp", "-n", compiled], check=True, capture_output=True, text=True)
    bits, spike = said.stdout.split()
    out, at = {"spike": int(spike)}, len(bits)
    for name, field in layout:
        word = int(bits[at - field.width : at], 2)
        at -= field.width
        sign = field.shape.signed and word >> (field.width - 1)
        out[name] = word - (1 << field.width) if sign else word
    return out


def packed(values: dict[str, int], widths: dict[str, int]) -> str:
    word, at = 0, 0
    for name, width in widths.items():
        word |= (values[name] & ((1 << width) - 1)) << at
        at += width
    return f"{at}'h{word:x}"


def test_what_nobody_drives_may_be_anything(good: Design) -> None:
    undriven = re.sub(r"(?m)^  assign spike = .*$", "", good.verilog)
    assert undriven != good.verilog
    assert prove_verilog(undriven, "a").word == "sat"


def test_too_little_time_is_not_a_proof(good: Design) -> None:
    c = CONTRACT.populations["a"]
    (circuit,) = circuits([step_of_verilog(c, good.verilog, "net_core_a")])
    assert prove_step(c, circuit, 1e-6).word == "unknown"


def test_a_step_with_a_register_is_refused() -> None:
    c = CONTRACT.populations["a"]
    text = f"""module s_leak (leaked);
  output leaked;
  assign leaked = 0;
endmodule
module s_fire (total, after, spike);
  input [{c.acc_width - 1}:0] total;
  output [{state_layout(c).size - 1}:0] after;
  output spike;
  reg spike = 0;
  assign after = 0;
  always @(posedge total[0]) spike <= ~spike;
endmodule
"""
    (circuit,) = circuits([step_of_verilog(c, text, "s")])
    with pytest.raises(InvalidValue, match="a step without registers"):
        prove_step(c, circuit, SECONDS)


def test_a_design_without_the_modules_is_refused() -> None:
    with pytest.raises(InvalidValue, match="net_core_a_leak"):
        prove_verilog("module other (); endmodule\n", "a")
