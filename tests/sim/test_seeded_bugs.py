"""Wrong hardware is found, and the verdict says where: bugs sown into generated Verilog.

Every bug is an edit of one module of a design that passes; each edit must find its place
exactly as often as it says, so that a bug never silently turns into no bug.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from lifstone.golden import (
    Connection,
    Lif,
    Network,
    NetworkContract,
    Reset,
    Status,
    Verdict,
    Widths,
    quantise,
    run_contract,
)
from lifstone.golden.fixed import limits
from lifstone.hdl import Design, generate
from lifstone.sim.rtl.run import verify_rtl

STEPS = 60
WAITING = {"idle": 0.3, "backpressure": 0.4}


def network() -> NetworkContract:
    """Two populations in a loop that use every part of the step and reach both rails."""
    rng = np.random.default_rng(8)
    a = Lif(
        tau_mem=8e-3, v_th=rng.uniform(0.8, 1.0, 4), v_reset=-0.1, v_init=0.2, n=4, tau_syn=4e-3
    )
    tau = rng.uniform(5e-3, 15e-3, 3)
    b = Lif(tau_mem=tau, v_th=1.0, n=3, reset=Reset.SUBTRACT, t_ref=2e-3)
    connections = (
        Connection("x", "a", rng.normal(1.0, 8.0, (4, 5))),
        Connection("a", "b", rng.normal(3.0, 20.0, (3, 4))),
        Connection("b", "a", rng.normal(-2.0, 8.0, (4, 3)), 1),
    )
    net = Network(
        1e-3, {"x": 5}, {"a": a, "b": b}, connections, ("b",), {"a": rng.uniform(1, 3, 4)}
    )
    return quantise(net, Widths(state=9, weight=7, fraction=7, decay=6)).contract


CONTRACT = network()
SPIKES = {"x": (np.random.default_rng(0).random((STEPS, 5)) < 0.4).astype(np.uint8)}


@dataclass(frozen=True)
class Bug:
    """Edits ``(old, new)`` of a module, and the population that parts or the broken rule."""

    name: str
    module: str
    edits: tuple[tuple[str, str], ...]
    where: str = ""
    broken: str = ""
    timing: dict[str, float] = field(default_factory=dict)


def numbers(name: str, module: str, old: str, new: str, where: str) -> Bug:
    """One edit that lets population ``where`` part from the contract."""
    return Bug(name, module, ((old, new),), where)


A, B, FIRE_A, FIRE_B = "core_a", "core_b", "core_a_fire", "core_b_fire"
SUM = "$signed(total) + $signed(weight_read__data)"
ABOVE = "$signed(u_sum) > $signed({ 1'h0, numbers_threshold })"
ARITHMETIC = [
    numbers(
        "rounding towards minus infinity", "core_b_leak", "$signed(7'h20)", "$signed(7'h00)", B
    ),
    Bug("halves rounded down", "core_a_leak", (("$signed(7'h20)", "$signed(7'h1f)"),) * 3, A),
    numbers("no saturation at the top", FIRE_B, "? 9'h100 : 9'h0ff", "? 9'h100 : u_sum[8:0]", B),
    numbers(
        "no saturation at the bottom",
        FIRE_A,
        "u_sum[17] ? 9'h100 : 9'h0ff",
        "u_sum[17] ? u_sum[8:0] : 9'h0ff",
        A,
    ),
    numbers("fires at the threshold", FIRE_A, ABOVE, ABOVE.replace(">", ">="), A),
    numbers("signs lost in the comparison", FIRE_A, ABOVE, ABOVE.replace("$signed", ""), A),
    numbers("wrong reset potential", A, "numbers[38:34] = 5'h13", "numbers[38:34] = 5'h14", A),
    numbers("subtracts too much", B, "numbers[23:16] = 8'h80", "numbers[23:16] = 8'h81", B),
    numbers("refractory too short", B, "numbers[25:24] = 2'h2", "numbers[25:24] = 2'h1", B),
    numbers(
        "integrates while refractory",
        FIRE_B,
        "= free ? u_integrated : state_u",
        "= u_integrated",
        B,
    ),
    numbers("fires while refractory", FIRE_B, "spike = free & n_6", "spike = n_6", B),
    numbers(
        "synapse decays as membrane", "core_a_leak", "syn = numbers[14:9]", "syn = numbers[8:3]", A
    ),
    numbers("old current forgotten", FIRE_A, "+ $signed(leaked_share)", "+ $signed(1'h0)", A),
    numbers(
        "bias forgotten", "core_a_leak", "numbers_bias = numbers[2:0]", "numbers_bias = 3'h0", A
    ),
    numbers(
        "weights not aligned",
        "core_b_leak",
        "total[6], total, 4'h0",
        "total[6], total[6], total, 3'h0",
        B,
    ),
    numbers("weights without sign", A, SUM, SUM.replace("$signed", ""), A),
    numbers(
        "one wrong bit in a weight", A, "weight_memory[3] = 7'h6b", "weight_memory[3] = 7'h6a", A
    ),
    numbers("wrong initial potential", A, "__data[8:0] = 9'h01a", "__data[8:0] = 9'h000", A),
    Bug(
        "leaks after integrating",
        FIRE_B,
        (
            ("u_sum = $signed(leaked_u) +", "u_sum = $signed(state_u) +"),
            (
                "u_integrated = n_4 ? u_sum[8:0] : n_5",
                "u_integrated = ($signed(n_4 ? u_sum[8:0] : n_5)"
                " * $signed({ 1'h0, numbers[6:1] }) + 32) >>> 6",
            ),
        ),
        B,
    ),
]
IF = "          if"
ORDER = [
    numbers(
        "neighbour's parameters",
        A,
        "// READ\n          parameter_read__addr = index",
        "// READ\n          parameter_read__addr = following_index",
        A,
    ),
    numbers(
        "sums not cleared",
        B,
        "// FIRE\n          sum_write__en = 1'h1",
        "// FIRE\n          sum_write__en = 1'h0",
        B,
    ),
    Bug(
        "state survives a reset",
        A,
        (("            state_write__en = 1'h1", "            state_write__en = 1'h0"),),
        A,
        timing={"reset_at": 700},
    ),
    numbers("rows of two sources overlap", "merge_a", "_address + 3'h5", "_address + 3'h4", A),
    Bug(
        "recurrent spikes two steps late",
        "delay_a_1",
        (
            ("    if (started) begin\n      sink", "    if (twice) begin\n      sink"),
            ("sink__valid = n_1 | r_rdy", "sink__valid = ~twice | r_rdy"),
            ("r_en = started & sink__ready", "r_en = twice & sink__ready"),
            (
                "  always @(posedge clk)\n    begun <=",
                "  reg twice = 0;\n  always @(posedge clk)\n"
                "    twice <= started & (twice | sink__ready) & ~rst;\n"
                "  always @(posedge clk)\n    begun <=",
            ),
        ),
        A,
    ),
    Bug(
        "last neuron never sends",
        B,
        (
            (
                f"{IF} (spike) begin\n            phase",
                f"{IF} (spike & ~last) begin\n            phase",
            ),
            (f"{IF} (spike) begin\n          end", f"{IF} (spike & ~last) begin\n          end"),
        ),
        broken="did not send the spike of neuron 2",
    ),
    Bug(
        "output without its last neuron",
        "fork_b",
        (
            ("sink_1__valid = source__valid & n_3", "sink_1__valid = source__valid & n_3 & ~drop"),
            ("n_4 = taken[1] | sink_1__ready", "n_4 = taken[1] | sink_1__ready | drop"),
            ("  assign n_1 = ", "  wire drop = sink_0__payload == 3'h4;\n  assign n_1 = "),
        ),
        broken="did not send the spike of neuron 2",
    ),
]
PROTOCOL = [
    Bug(
        "a step ends with its first source",
        "merge_a",
        (("last = & ending", "last = | ending"),),
        broken="stopped answering",
    ),
    Bug(
        "delay without its first tick",
        "delay_a_1",
        (("begun_next = 1'h0", "begun_next = 1'h1"),),
        broken="stopped answering",
    ),
    Bug(
        "tick lost",
        B,
        (("// END\n          sink__valid = 1'h1", "// END\n          sink__valid = 1'h0"),),
        broken="stopped answering",
    ),
    Bug(
        "tick sent as a spike",
        B,
        (("sink__payload[0] = 1'h1", "sink__payload[2:1] = 2'h3"),),
        broken="an address out of range",
    ),
    Bug(
        "last neuron forgotten",
        B,
        (("last = index == 2'h2", "last = index == 2'h1"),),
        broken="a trace beat out of order",
    ),
    Bug(
        "does not wait for a slow sink",
        B,
        ((f"{IF} (sink__ready) begin", f"{IF} (1'h1) begin"),) * 3,
        broken="an event that changed while it waited",
        timing=WAITING,
    ),
    Bug(
        "address moves while it waits",
        B,
        (("sink__payload[2:1] = index", "sink__payload[2:1] = sink__ready ? index : 2'h0"),),
        broken="an event that changed while it waited",
        timing=WAITING,
    ),
    Bug(
        "a fork forgets who has taken",
        "fork_b",
        (("taken_next = n_5", "taken_next = 2'h0"),),
        broken="an event after the last step",
        timing=WAITING,
    ),
    Bug(
        "a loop without a register",
        FIRE_B,
        (("+ $signed(leaked_x);", "+ ($signed(leaked_x) ^ {16{spike}});"),),
        broken="signals that never settle",
    ),
    Bug(
        "ends the simulation itself",
        B,
        (("  assign row_sum", "  always @(posedge clk) if (spike) $finish;\n  assign row_sum"),),
        broken="never settle, or a \\$stop or \\$finish",
    ),
]
BUGS = [*ARITHMETIC, *ORDER, *PROTOCOL]


@pytest.fixture(scope="module")
def good() -> Design:
    return generate(CONTRACT, "net", trace=True)


def edit(verilog: str, bug: Bug) -> str:
    """The design with the bug in it; every edit must find its place, and only there."""
    head, body, tail = re.split(
        rf"(^module net_{bug.module} .*?^endmodule$)", verilog, flags=re.M | re.S
    )
    for old, new in dict.fromkeys(bug.edits):
        assert body.count(old) == bug.edits.count((old, new)), (bug.name, old, body.count(old))
        body = body.replace(old, new)
    assert head + body + tail != verilog, bug.name
    return head + body + tail


def verdict_on(design: Design, **timing: float) -> Verdict:
    return verify_rtl(CONTRACT, SPIKES, design=design, optimise=False, seed=1, **timing)


@pytest.mark.parametrize("timing", [{}, WAITING, {"reset_at": 700}])
def test_the_design_without_a_bug_passes(good: Design, timing: dict[str, float]) -> None:
    verdict = verdict_on(good, **timing)
    assert str(verdict) == "exact"
    assert verdict.compared == 3 * STEPS * 7


def test_the_stimulus_reaches_what_the_bugs_change() -> None:
    traces = run_contract(CONTRACT, SPIKES)
    for name, trace in traces.items():
        low, high = limits(CONTRACT.populations[name].width)
        assert trace.spikes.any(axis=0).sum() >= 3, name
        assert (low, high) == (-256, 255)
        # The top shows only in what a spike leaves: 255 - 128.
        assert (trace.v.min(), trace.v.max()) == (low, 128 if name == "a" else 127)
    assert len({b.name for b in BUGS}) == len(BUGS) >= 14


@pytest.mark.parametrize("bug", BUGS, ids=lambda b: b.name.replace(" ", "-"))
def test_a_bug_is_found_and_named(good: Design, bug: Bug) -> None:
    wrong = replace(good, verilog=edit(good.verilog, bug))
    verdict = verdict_on(wrong, **bug.timing)
    assert verdict.status is Status.DEVIATES
    text = str(verdict)
    assert "\n" not in text
    if bug.broken:
        assert verdict.difference is None
        assert re.fullmatch(rf"deviates: [\w ]+ at sample 0, step \d+: .*{bug.broken}.*", text), (
            text
        )
        return
    d = verdict.difference
    assert d is not None
    assert f"core_{d.population}" == bug.where, text
    assert d.got != d.expected
    values = (
        rf"{d.quantity} is {d.got:.0f} instead of {d.expected:.0f}"
        if d.quantity != "spike"
        else r"(a|no) spike instead of (none|one)"
    )
    place = rf"deviates at step {d.step}, neuron {d.population}\[{d.neuron}\]: {values}, because "
    because = r"from u = -?\d+(, i = -?\d+)? it received .*\(sum -?\d+, bias -?\d+\)"
    assert re.fullmatch(place + because, text), text
    agree_before_and_part_there(d.population, d.step, d.neuron, text)


def agree_before_and_part_there(name: str, step: int, neuron: int, text: str) -> None:
    """The inputs that the verdict names are those that the contract counts."""
    c = CONTRACT.populations[name]
    traces = run_contract(CONTRACT, SPIKES)
    total = 0
    for connection in CONTRACT.into(name):
        k = step - connection.delay
        pre = SPIKES["x"] if connection.pre == "x" else traces[connection.pre].spikes
        if k >= 0:
            total += int(connection.weight[neuron] @ pre[k].astype(np.int64))
    assert text.endswith(f"(sum {total}, bias {int(c.bias[neuron])})")
    before = int(traces[name].v[step - 1, neuron]) if step else int(c.u_init[neuron])
    assert f"from u = {before}" in text


def test_text_that_is_no_verilog_deviates_with_the_tools_words(good: Design) -> None:
    wrong = replace(good, verilog=good.verilog.replace("endmodule", "endmodul", 1))
    verdict = verdict_on(wrong)
    assert verdict.status is Status.DEVIATES
    assert "verilator" in verdict.reason
    assert "syntax error" in verdict.reason
