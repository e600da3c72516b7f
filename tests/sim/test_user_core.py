"""A core of somebody else: exact where it is right, and named where it is not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lifstone.core_file import read_core
from lifstone.golden import Contract, InvalidValue, Rounding, Status, Trace
from lifstone.golden.contract import initial_state, step
from lifstone.sim.rtl.user_core import Plan
from lifstone.sim.rtl.user_core_cause import alternatives
from lifstone.sim.rtl.user_core_check import Checked, check_core
from lifstone.sim.rtl.user_core_stimulus import segments, trace_of

CORES = Path(__file__).parent / "user_core"
STEPS = 2000


def altered(folder: Path, changes: dict[str, str], core: str = "sprout") -> Path:
    """A copy of a core with parts of its Verilog replaced; its core file."""
    text = (CORES / f"{core}.v").read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    (folder / f"{core}.v").write_text(text, encoding="utf-8")
    shutil.copy(CORES / f"{core}.toml", folder)
    return folder / f"{core}.toml"


def check(path: Path, steps: int = STEPS) -> Checked:
    core, plan = read_core(path, steps=steps)
    return check_core(core, plan)


@pytest.mark.parametrize("core", ["sprout", "cluster"])
def test_a_right_core_is_exact(core: str) -> None:
    found = check(CORES / f"{core}.toml", steps=10_000)
    assert str(found.verdict) == "exact"
    n = 3 if core == "cluster" else 1
    assert found.verdict.compared == 10_000 * n * (2 if core == "sprout" else 1)
    assert sum(row.spikes for row in found.rows) > 500
    assert {row.segment for row in found.rows if row.spikes == 0} <= {"silence"}


KINDS = {
    "answers in the same clock": (
        {
            "output reg                  fire": "output wire fire, output reg fired",
            "assign charge = q;": "assign charge = q; assign fire = stb && hit && pause == 0;",
            "fire <= ": "fired <= ",
        },
        {"latency = 1": "latency = 0", 'membrane = "charge"\nmembrane_fraction = 4': ""},
    ),
    "steps in every clock": ({"else if (stb)": "else"}, {'enable = "stb"': ""}),
    "takes three clocks": (
        {
            "reg [3:0] pause;": "reg [3:0] pause; reg one, two;",
            "always @(posedge ck) begin": "always @(posedge ck) begin one <= stb; two <= one;",
            "else if (stb)": "else if (two)",
        },
        {"latency = 1": "latency = 3"},
    ),
    "shows fewer bits": (
        {
            "output wire signed [VW-1:0] charge": "output wire [9:0] charge",
            "charge = q;": "charge = q >>> 2;",
        },
        {"membrane_fraction = 4": "membrane_fraction = 2"},
    ),
    "resets at once, with delays and a file included": (
        {
            "always @(posedge ck) begin": "always @(posedge ck or negedge rstn) begin",
            "q <= nxt;": "q <= #1 nxt;",
            "pause <= pause - 1;": "pause <= pause - `ONE;",
            "module sprout": '`include "one.vh"\nmodule sprout',
        },
        {'sources = ["sprout.v"]': 'sources = ["sprout.v"]\ninclude = ["one.vh"]'},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", [False, True])
def test_ways_to_answer(kind: str, wrong: bool, tmp_path: Path) -> None:
    verilog, file = KINDS[kind]
    (tmp_path / "one.vh").write_text("`define ONE 1\n", encoding="utf-8")
    path = altered(tmp_path, verilog | ({"FIRE  = 600": "FIRE  = 599"} if wrong else {}))
    text = path.read_text(encoding="utf-8")
    for old, new in file.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    found = check(path)
    assert found.cause == ("it compares with >= where the contract says >" if wrong else "")
    assert found.verdict.agrees is not wrong


BROKEN = {
    "rounding": ({"(q >>> LEAK)": "((q + 8) >>> LEAK)"}, "its leak rounds nearest, not floor"),
    "reset": ({"q <= REST;": "q <= nxt - (FIRE - REST);"}, "it resets by subtraction"),
    "compare": ({"nxt > FIRE": "nxt >= FIRE"}, "it compares with >= where the contract says >"),
    "wrap": (
        {"raw > TOP ? TOP[VW-1:0] : raw < BOT ? BOT[VW-1:0] : raw": "raw"},
        "its potential wraps where it must saturate",
    ),
    "count": ({"pause <= PAUSE;": "pause <= PAUSE - 1;"}, "its refractory time is 2 steps, not 3"),
    "held": (
        {"pause <= pause - 1;": "begin pause <= pause - 1; q <= nxt; end"},
        "it goes on integrating while refractory",
    ),
    "late": (
        {
            "output reg                  fire": "output reg fire_, output reg fire",
            "assign charge = q;": "reg signed [VW-1:0] r; assign charge = r;",
            "fire <= 1;": "fire_ <= 1;",
            "fire <= 0;": "fire_ <= 0;",
            "always @(posedge ck) begin": "always @(posedge ck) begin fire <= fire_; r <= q;",
        },
        "its answer comes one step late: latency is 2 clocks, not 1",
    ),
    "old": ({"nxt > FIRE": "q > FIRE"}, "it compares the potential before this step's input"),
    "strobe": ({"else if (stb)": "else if (1'b1)"}, "it acts in clocks in which enable is low"),
    "uncleared": (
        {"      q <= 0;\n": "", "reg signed [VW-1:0] q;": "reg signed [VW-1:0] q = 0;"},
        "a reset does not clear the potential",
    ),
    "floor": ({"BOT = -(1 << (VW-1))": "BOT = 0"}, "its potential stops at 0 below"),
    "unsigned": (
        {"leaked + isyn": "leaked + $signed({2'b0, isyn})"},
        "it reads its input as unsigned",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_core_is_named_with_its_cause(fault: str, tmp_path: Path) -> None:
    changes, cause = BROKEN[fault]
    found = check(altered(tmp_path, changes))
    assert found.verdict.status is Status.DEVIATES
    assert found.cause.startswith(cause)
    where = found.verdict.difference
    assert where is not None
    assert where.population == "sprout"
    near = {shown.step: shown for shown in found.around}[where.step]
    assert f"with input {near.input} the contract gives" in found.verdict.reason
    assert (near.spike, near.v) != (near.got_spike, near.got_v)


def test_the_first_difference_is_the_first(tmp_path: Path) -> None:
    path = altered(tmp_path, {"(q >>> LEAK)": "((q + 8) >>> LEAK)"})
    found = check(path)
    core, plan = read_core(path, steps=STEPS)
    wrong = replace(core.contract, rounding=Rounding.NEAREST)
    for part in segments(core.contract, -512, 511, plan):
        bad = trace_of(wrong, part.inputs).v != part.expected.v
        if bad.any():
            assert found.verdict.difference is not None
            assert found.verdict.difference.step == part.first + int(np.argmax(bad[:, 0]))
            return
    raise AssertionError("the stimulus does not tell the roundings apart")


def test_an_unknown_fault_has_no_invented_cause(tmp_path: Path) -> None:
    odd = {"raw = leaked + isyn;": "raw = leaked + (isyn ^ (q[3:0] == 5));"}
    found = check(altered(tmp_path, odd))
    assert found.verdict.status is Status.DEVIATES
    assert found.cause == ""
    assert "none of the mistakes known here" in found.verdict.reason


def test_a_core_that_takes_the_neighbour(tmp_path: Path) -> None:
    turned = "wire [1:0] who = which == 2 ? 0 : which + 1;"
    changes = {
        "input  wire [1:0] who": "input  wire [1:0] which",
        "reg [15:0] limit;": f"reg [15:0] limit; {turned}",
    }
    path = altered(tmp_path, changes, "cluster")
    path.write_text(path.read_text("utf-8").replace('"who"', '"which"'), encoding="utf-8")
    found = check(path)
    assert found.verdict.status is Status.DEVIATES
    where = found.verdict.difference
    assert where is not None
    assert found.cause == f"it has the parameters of neuron {(where.neuron + 1) % 3}"


def test_a_stimulus_that_reaches_little_is_told() -> None:
    core, plan = read_core(CORES / "sprout.toml", steps=STEPS)
    notes = check_core(core, plan).notes
    assert notes == (
        "the potential reaches -2048 to 600 of -2048 to 2047: the upper end is untried",
    )
    deaf = replace(core.contract, bias=np.array([-2000]))
    assert (
        "the contract never spikes on this stimulus"
        in check_core(replace(core, contract=deaf), plan).notes
    )


def test_a_core_that_stops_is_told(tmp_path: Path) -> None:
    found = check(altered(tmp_path, {"fire <= 1;": "begin fire <= 1; $finish; end"}))
    assert "stopped the simulation" in found.verdict.reason


def contract_with(**change: object) -> Contract:
    core, _ = read_core(CORES / "sprout.toml")
    return replace(core.contract, **change)  # type: ignore[arg-type]


def test_alternatives_are_mistakes() -> None:
    """Each differs from the contract on the stimulus, but for resets, which need the bench."""
    c = contract_with(threshold=np.array([1900]))  # so high that both ends are reached
    parts = segments(c, -512, 511, Plan(steps=4000))
    for alternative in alternatives(c, 10, True):
        if alternative.kept or "stops at -2047" in alternative.cause:
            continue
        assert any(differs(alternative.step, c, p.inputs, p.expected) for p in parts), (
            alternative.cause
        )


def differs(wrong: object, c: Contract, inputs: np.ndarray, expected: Trace) -> bool:
    state = initial_state(c)
    assert callable(wrong)
    for k, x in enumerate(inputs):
        state, spikes = wrong(state, x)
        if state.u[0] != expected.v[k, 0] or spikes[0] != expected.spikes[k, 0]:
            return True
    return False


def test_a_neuron_of_a_contract_runs_alone() -> None:
    core, _ = read_core(CORES / "cluster.toml")
    whole, inputs = core.contract, np.random.default_rng(0).integers(-90, 120, (300, 3))
    together = trace_of(whole, inputs)
    for j in range(3):
        alone = trace_of(whole.neuron(j), inputs[:, j : j + 1])
        assert (alone.v[:, 0] == together.v[:, j]).all()
        assert (alone.spikes[:, 0] == together.spikes[:, j]).all()
    assert step(whole, initial_state(whole), inputs[0])[0].u.shape == (3,)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"ck"', '"clk"', "ports.clock = 'clk': allowed is an input of sprout: ck (1 bits)"),
        ('"fire"', '"stb2"', "ports.spike = 'stb2': allowed is an output of sprout"),
        ("input_bits = 10", "input_bits = 12", "ports.input_bits = 12: allowed is 10"),
        ('"sprout"', '"sprint"', "core.sources = 'sprout.v': allowed is Verilog with a module"),
        ("membrane_fraction = 4", "membrane_fraction = 6", "ports.membrane = '12 bits': allowed"),
    ],
)
def test_ports_that_are_not_there(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = altered(tmp_path, {})
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InvalidValue) as error:
        check(path)
    assert str(error.value).startswith(message)
