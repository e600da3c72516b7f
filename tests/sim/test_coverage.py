"""Coverage of generated RTL: what is counted, what is left out and why, and the whole of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lifstone.cli import main
from lifstone.golden import Drive, InvalidValue, NetworkContract, Reset, Rounding
from lifstone.golden.fixed import limits
from lifstone.hdl import Design, generate
from lifstone.sim.rtl.bulk import BulkRtl
from lifstone.sim.rtl.coverage import EXCLUSIONS, Coverage, measure, read_coverage, union
from lifstone.sim.rtl.directed import directed_inputs
from lifstone.sim.rtl.still import CONSTANT, IN_RANGE, READ_ONLY, explained
from tests.hdl.contracts import Options, lively, one_core, random_contract
from tests.networks import random_inputs, random_quantised

DIGITS = Path(__file__).resolve().parents[2] / "lifstone" / "data" / "digits.nir"
STEPS = 60


def spikes(contract: NetworkContract, seed: int = 0, rate: float = 0.5) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    sizes = contract.inputs.items()
    return {k: (rng.random((STEPS, n)) < rate).astype(np.uint8) for k, n in sizes}


@pytest.fixture(scope="module")
def design() -> Design:
    return generate(lively(), "net", trace=True)


@pytest.fixture(scope="module")
def coverage(design: Design) -> Coverage:
    return measure(design, spikes(lively()), toggle=True)


@pytest.fixture(scope="module")
def reasoned(design: Design, coverage: Coverage) -> Coverage:
    return explained(design, coverage)


def test_every_point_belongs_to_its_line(design: Design, coverage: Coverage) -> None:
    source = design.verilog.splitlines()
    assert {p.kind for p in coverage.points} == {"line", "branch", "toggle"}
    assert all(source[p.line - 1].strip() == p.text for p in coverage.points)
    branches = {p.what for p in coverage.points if p.kind == "branch"}
    assert branches == {"if", "else", "cond_then", "cond_else"}
    first = next(p for p in coverage.points if p.text.startswith("assign u_integrated = "))
    assert re.fullmatch(r"net_core_\w_fire, line \d+, \w+: assign u_integrated = .*", str(first))


def test_a_lively_stimulus_reaches_every_line(coverage: Coverage, reasoned: Coverage) -> None:
    assert coverage.percent("line") == 100.0
    assert len(coverage.of("line")) > 300
    assert coverage.percent("branch") > 90
    assert reasoned.percent("toggle") > 80


def test_a_silent_stimulus_leaves_spikes_uncovered(design: Design, coverage: Coverage) -> None:
    silent = measure(design, spikes(lively(), rate=0.0), toggle=True)
    assert silent.percent("line") < 100
    missed = {p.text for p in silent.missed("branch")}
    assert "if (spike) begin" in missed
    # No weight is ever added.
    assert any(
        p.module == "net_core_a" and p.text.startswith("3'h2:") for p in silent.missed("line")
    )
    assert len(silent.missed("branch")) > len(coverage.missed("branch")) + 10


def test_counts_add_up_over_steps_and_designs(design: Design, tmp_path: Path) -> None:
    rtl = BulkRtl(design, coverage=("line", "toggle"), optimise=False)
    found = []
    for steps in (10, 20):
        path = tmp_path / f"{steps}.dat"
        inputs = {"x": spikes(lively())["x"][:steps]}
        assert rtl.run(inputs, coverage_file=path).failure == ""
        found.append(read_coverage(path.read_text(encoding="utf-8"), design.verilog))
    few, many = (c.sites() for c in found)
    # In each step every neuron fires once: four of a and three of b.
    fire = next(s for s in few if s[0] == "core" and "FIRE" in s[1])
    assert many[fire] >= 2 * few[fire] - 7 > 0
    total = union(found)
    assert all(total[s] == few[s] + many[s] for s in {*few, *many})
    assert set(total) == {*few, *many}


COMBINATIONS: list[tuple[Options, int]] = [
    ((Rounding.ZERO, "multiply", "multiply", Drive.BLEND, Reset.SUBTRACT), 3),
    ((Rounding.EVEN, "shift", "shift", Drive.OLD, Reset.SET), 2),
    ((Rounding.FLOOR, "none", "none", Drive.NEW, None), 1),
    ((Rounding.NEAREST, "shift", "multiply", Drive.NEW, Reset.SUBTRACT), 1),
]


def cores() -> list[tuple[Design, dict[str, np.ndarray]]]:
    """One core for some combinations of options, with weights that drive it to its rails."""
    out = []
    for k, (chosen, n) in enumerate(COMBINATIONS):
        rng = np.random.default_rng(k)
        c = random_contract(rng, n, chosen)
        # Half of them refractory.
        c = replace(c, hold=np.full(n, 2 * (k % 2), dtype=np.int64))
        low, high = limits(min(c.weight_width, c.acc_width - 2))
        contract = one_core(c, rng.integers(low, high + 1, (n, 3)))
        inputs = {"x": (rng.random((STEPS, 3)) < rng.random((STEPS, 1))).astype(np.uint8)}
        out.append((generate(contract, trace=True), inputs))
    return out


def networks() -> list[tuple[Design, dict[str, np.ndarray]]]:
    """Every kind of part between cores: merges, forks, delays, paces."""
    out = []
    for seed in (3, 5):
        q = random_quantised(seed, inputs=seed % 3)
        out.append((generate(q.contract, trace=seed == 3), random_inputs(q, STEPS, seed)))
    return out


def test_together_a_few_designs_reach_every_line_and_branch(
    design: Design, coverage: Coverage
) -> None:
    made = [*cores(), *networks()]
    measured = [coverage, *(measure(d, inputs, STEPS) for d, inputs in made)]
    total = union(measured)
    roles = {site[0] for site in total}
    assert roles == {"core", "core_leak", "core_fire", "merge", "fork", "delay", "delay_queue"}
    assert len(total) > 300
    excused = {p.text for c in measured for p, _ in c.excused()}
    missed = [site for site, count in total.items() if count == 0 and site[1] not in excused]
    assert missed == []


def test_the_reasons_for_what_is_left_out_are_true(design: Design, reasoned: Coverage) -> None:
    reasons = {exclusion.reason for _, exclusion in reasoned.excused()}
    assert reasons == {CONSTANT, IN_RANGE, READ_ONLY, *(e.reason for e in EXCLUSIONS)}
    # Never true: set once, at the start, to zero.
    assert set(re.findall(r".*\bat_start\b.*=.*", design.verilog)) == {"  initial at_start = 0;"}
    # Read-only: set in the initial block alone.
    for name in ("weight_memory", "parameter_memory"):
        assert not re.search(rf"\b{name}\[.*\] <=", design.verilog)
    for p, exclusion in reasoned.excused():
        assert p.count == 0
        assert exclusion.holds(p)
        written = re.match(r"(state|sum)_memory\[", p.what)
        assert exclusion.reason != READ_ONLY or not written


def test_a_point_that_was_reached_is_never_excused(reasoned: Coverage) -> None:
    excused = {p for p, _ in reasoned.excused()}
    assert all(p.count == 0 for p in excused)
    counted = sum(len(reasoned.of(kind)) for kind in ("line", "branch", "toggle"))
    assert counted + len(excused) == len(reasoned.points)


def test_no_bit_that_a_longer_run_moves_is_proved_still(design: Design, reasoned: Coverage) -> None:
    """Of few steps almost nothing moves; what is proved then holds of the long run, too."""
    short = explained(design, measure(design, {"x": spikes(lively())["x"][:2]}, toggle=True))
    counts = {(p.module, p.what): p.count for p in reasoned.points}
    assert len(short.reasons) > 100
    assert {k: counts[k] for k in short.reasons if counts[k]} == {}


SEEDED = """  (* keep *) reg [39:0] clocks = 0;
  (* keep *) reg idle = 0;
  always @(posedge clk) begin
    clocks <= clocks + 1;
    idle <= idle & rst;
  end
endmodule
"""


def test_a_bit_without_a_reason_is_listed(design: Design) -> None:
    """Of a counter of clocks the upper bits do not move in this run; in a longer one they do."""
    head, tail = design.verilog.split("\nmodule net_core_a (", 1)
    body, rest = tail.split("endmodule\n", 1)
    seeded = replace(design, verilog=f"{head}\nmodule net_core_a ({body}{SEEDED}{rest}")
    found = explained(seeded, measure(seeded, {"x": spikes(lively())["x"][:8]}, toggle=True))
    missed = {p.what.partition(":")[0] for p in found.missed("toggle")}
    assert {f"clocks[{k}]" for k in range(20, 40)} <= missed
    assert not any("clocks" in what for _, what in found.reasons)
    assert ("net_core_a", "idle:0->1") in found.reasons
    data = found.to_dict()
    assert data["unexplained"]["toggle"] == len(found.missed("toggle")) >= 40
    unexplained = sum(data["unexplained"].values())
    assert found.sentences()[-1] == f"neither covered nor explained: {unexplained:,}"


def test_directed_stimuli_drive_and_hold_each_neuron() -> None:
    options: Options = (Rounding.FLOOR, "none", "none", Drive.NEW, Reset.SET)
    c = random_contract(np.random.default_rng(1), 2, options)
    inputs = directed_inputs(one_core(c, np.array([[1, -1], [-1, 1]])), steps=5)
    assert set(inputs) == {"x"}
    assert {tuple(p) for p in inputs["x"][0].tolist()} == {(1, 1), (0, 0), (1, 0), (0, 1)}
    assert (inputs["x"] == inputs["x"][0]).all()


def test_points_that_only_directed_stimuli_reach_are_counted(design: Design) -> None:
    silent = spikes(lively(), rate=0.0)
    alone = measure(design, silent, toggle=True)
    both = measure(design, silent, toggle=True, directed=directed_inputs(lively(), 20))
    for kind in ("line", "branch", "toggle"):
        gained = len(alone.missed(kind)) - len(both.missed(kind))
        assert both.directed[kind] == gained > 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "# SystemC::Coverage-3\nnonsense",
        "# SystemC::Coverage-3\nC '\x01t\x02line\x01l\x02999999\x01o\x02if\x01page\x02v/net' 1",
        "# SystemC::Coverage-3\nC '\x01t\x02line\x01o\x02if' 1",
    ],
)
def test_what_is_no_coverage_of_this_design_is_refused(design: Design, text: str) -> None:
    with pytest.raises(InvalidValue, match=r"^coverage = ") as error:
        read_coverage(text, design.verilog)
    assert "\n" not in str(error.value)


def test_an_unknown_kind_is_refused(design: Design) -> None:
    with pytest.raises(InvalidValue, match="coverage = 'expr'"):
        BulkRtl(design, coverage=("expr",))


def test_a_design_that_breaks_the_protocol_has_no_coverage(design: Design) -> None:
    text = design.verilog.replace("sink__payload[0] = 1'h1", "sink__payload[2:1] = 2'h3")
    assert text != design.verilog
    wrong = Design("net", text, {}, design.manifest)
    with pytest.raises(RuntimeError, match="stopped answering"):
        measure(wrong, spikes(lively()))


def test_verify_says_what_the_stimulus_covers(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["verify", str(DIGITS), "--bodies", "rtl", "--coverage", "--steps", "30", "--json"]
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 0
    found = json.loads(capsys.readouterr().out)["coverage"]
    kinds = {"line", "branch", "toggle"}
    assert set(found["percent"]) == kinds
    assert found["percent"]["line"] == found["percent"]["branch"] == 100.0
    assert found["percent"]["toggle"] > 99
    for kind in kinds:
        assert found["covered"][kind] + found["unexplained"][kind] == found["points"][kind]
    assert len(found["missed"]) == sum(found["unexplained"].values())
    assert {e["reason"] for e in found["excused"]} >= {CONSTANT, IN_RANGE, READ_ONLY}
    with pytest.raises(SystemExit):
        main([*arguments[:-1]])
    said = capsys.readouterr().out.splitlines()
    assert any(" 100.0 % of 304 line points" in line for line in said)
    assert sum(line.startswith("not covered: ") for line in said) == len(found["missed"])
