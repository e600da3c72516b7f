"""Generated RTL under cocotb: it agrees in every scenario, and a fault is found where it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from lifstone.golden import (
    Connection,
    InvalidValue,
    Lif,
    MissingTool,
    Network,
    NetworkContract,
    Status,
    Widths,
    first_difference,
    quantise,
    run_contract,
)
from lifstone.hdl import Design, contract_hash, generate
from lifstone.sim.rtl import cosim
from lifstone.sim.rtl.cosim import CocotbRun, run_cocotb, verify_cocotb
from lifstone.sim.rtl.explain import explain
from lifstone.sim.rtl.job import Job, read_job
from lifstone.sim.rtl.plan import SCENARIOS, at_rails, plan
from tests.networks import random_inputs, random_quantised
from tests.sim.faulty import other_weight, substitute, wrap

STEPS = 12
HANG = "initial forever begin end"
PROC = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")


@cache
def saturating() -> tuple[NetworkContract, Design]:
    """Eight-bit states that two inputs drive to both rails: a spiking population, a readout."""
    network = Network(
        1e-3,
        {"x": 3},
        {
            "p": Lif(tau_mem=10e-3, tau_syn=5e-3, v_th=1.0, v_reset=0.0, t_ref=2e-3, n=2),
            "r": Lif(tau_mem=20e-3, v_th=np.inf, n=2),
        },
        (
            Connection("x", "p", [[60, 40, -90], [50, -20, -80]]),
            Connection("x", "r", [[90, 30, -70], [60, -10, -80]]),
            Connection("p", "r", [[20, -20], [-30, 20]], 1),
        ),
        ("p", "r"),
    )
    contract = quantise(network, Widths(state=8, weight=8, decay=8)).contract
    return contract, generate(contract, "net", trace=True)


def spikes(steps: int = STEPS) -> dict[str, np.ndarray]:
    drawn = np.random.default_rng(2).random((steps, 3)) < [0.5, 0.3, 0.2]
    return {"x": drawn.astype(np.uint8)}


def run(design: Design, *scenarios: str, simulator: str = "icarus", **kwargs: float) -> CocotbRun:
    contract, _ = saturating()
    return run_cocotb(
        contract, spikes(), design=design, simulator=simulator, scenarios=scenarios, **kwargs
    )


@pytest.mark.parametrize(
    ("simulator", "seed"), [("icarus", 1), ("icarus", 4), ("icarus", 10), ("verilator", 7)]
)
def test_random_networks_agree_in_every_scenario(simulator: str, seed: int) -> None:
    q = random_quantised(seed, inputs=seed % 4)
    inputs = random_inputs(q, STEPS, seed)
    result = run_cocotb(q.contract, inputs, STEPS, simulator=simulator, seed=seed)
    assert str(result.verdict) == "exact", result.verdict
    assert result.verdict.body == f"rtl (cocotb, {simulator})"
    stimuli = {"empty_steps", "all_ones", "saturation_up", "saturation_down"}
    wanted = set(SCENARIOS) - (set() if inputs else stimuli)
    assert {o.scenario for o in result.outcomes} == wanted
    neurons = sum(c.n for c in q.contract.populations.values())
    outputs = sum(q.contract.populations[name].n for name in q.contract.outputs)
    for outcome in result.outcomes:
        assert outcome.compared == STEPS * (3 * neurons + outputs)
        assert outcome.updates >= STEPS * neurons
    cases = list(ElementTree.fromstring(result.junit).iter("testcase"))
    assert {c.get("name") for c in cases} == wanted
    assert not [e for c in cases for e in c if e.tag in ("failure", "error", "skipped")]


@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_states_at_their_rails_agree(simulator: str) -> None:
    contract, design = saturating()
    names = ("saturation_up", "saturation_down")
    up, down = plan(contract, spikes(), names=names)
    assert at_rails(contract, up.expected)[1] > 10
    assert at_rails(contract, down.expected)[0] > 10
    assert str(run(design, *names, simulator=simulator).verdict) == "exact"


def test_a_design_without_trace_ports_is_compared_at_its_outputs() -> None:
    contract, _ = saturating()
    result = run(generate(contract, "net"), "full_speed", "reset_in_sweep")
    assert str(result.verdict) == "exact"
    assert result.verdict.compared == 2 * STEPS * 4


def test_a_wrong_weight_is_found_in_its_step_and_neuron_with_its_inputs(tmp_path: Path) -> None:
    contract, design = saturating()
    old = int(contract.connections[0].weight[1, 0])
    wrong, other = other_weight(design, contract, 0, post=1, pre=0, weight=old - 3)
    expected = run_contract(contract, spikes())
    difference = first_difference(expected, run_contract(other, spikes()))
    assert difference is not None
    assert difference.neuron == 1
    path = tmp_path / "new" / "results.xml"
    verdict = verify_cocotb(
        contract,
        spikes(),
        design=wrong,
        scenarios=("full_speed", "empty_steps", "reset_in_accept"),
        junit=path,
    )
    assert verdict.status is Status.DEVIATES
    assert verdict.difference == difference
    because = explain(contract, spikes(), expected, difference)
    assert f"x[0] weight {old}" in because
    assert because in verdict.reason
    assert "in scenario full_speed; 2 of 3 scenarios deviate" in verdict.reason
    assert os.listdir(path.parent) == ["results.xml"]
    cases = {c.get("name"): c for c in ElementTree.parse(path).getroot().iter("testcase")}
    assert cases["empty_steps"].find("failure") is None
    for name in ("full_speed", "reset_in_accept"):
        failure = cases[name].find("failure")
        assert failure is not None
        assert failure.get("message") == f"deviates at {difference}, because {because}"


def test_a_wrong_rail_is_found_where_a_state_first_reaches_it() -> None:
    contract, design = saturating()
    (up,) = plan(contract, spikes(), names=("saturation_up",))
    wrong = substitute(design, "8'h7f", "8'h7e", "net_core_r_fire")
    verdict = run(wrong, "saturation_up", simulator="verilator").verdict
    assert verdict.status is Status.DEVIATES
    step, neuron = (int(k) for k in np.argwhere(up.expected["r"].v == 127)[0])
    assert f"step {step}, neuron r[{neuron}]: v is 126 instead of 127" in str(verdict)


@pytest.mark.parametrize(
    ("changes", "scenario", "words"),
    [
        (
            {"out_p_valid": "inner_out_p_valid & (out_p_ready | ~count[0])"},
            "slow_sinks",
            "an event went away while it waited",
        ),
        (
            {"out_p_address": "inner_out_p_address ^ (~out_p_ready & count[0])"},
            "slow_sinks",
            "in waiting",
        ),
        ({"in_x_ready": "inner_in_x_ready & (count < 99)"}, "full_speed", "stopped answering"),
        ({"trace_r_u": "count < 99 ? inner_trace_r_u : 8'bx"}, "full_speed", "u is undefined"),
    ],
)
def test_broken_rules_are_named(changes: dict[str, str], scenario: str, words: str) -> None:
    _, design = saturating()
    verdict = run(wrap(design, changes), scenario).verdict
    assert verdict.status is Status.DEVIATES
    assert words in str(verdict)
    assert "step" in str(verdict)


def test_a_reset_that_leaves_states_alone_is_found_by_the_resets() -> None:
    _, design = saturating()
    once = wrap(design, {"rst": "rst & (count < 9)"})
    first, second = run(once, "full_speed", "reset_in_sweep").outcomes
    assert first.failure == ""
    assert second.failure != ""


@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_text_that_is_no_design_deviates_with_the_tools_words(simulator: str) -> None:
    _, design = saturating()
    result = run(substitute(design, "endmodule", "endmodul"), "full_speed", simulator=simulator)
    assert result.verdict.status is Status.DEVIATES
    assert "does not compile" in str(result.verdict)
    assert "syntax error" in str(result.verdict)
    (error,) = ElementTree.fromstring(result.junit).iter("error")
    assert "syntax error" in str(error.get("message"))


def test_a_design_that_ends_the_simulation_does_not_agree() -> None:
    _, design = saturating()
    early = wrap(design, {}, "always @(posedge clk) if (count == 50) $finish;")
    verdict = run(early, "full_speed", "slow_sinks").verdict
    assert verdict.status is Status.DEVIATES
    assert verdict.reason != ""


def running(mark: str) -> list[int]:
    """Processes whose command line holds ``mark``."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if mark.encode() in line:
            found.append(int(folder.name))
    return found


def wait_for(condition: object, seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.1)
    return False


@PROC
def test_a_simulation_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    _, design = saturating()
    result = run(wrap(design, {}, HANG), "full_speed", timeout=5)
    assert str(result.verdict) == "deviates: icarus ran longer than 5 s"
    assert wait_for(lambda: running(str(tmp_path)) == [])
    assert list(tmp_path.iterdir()) == []
    (error,) = ElementTree.fromstring(result.junit).iter("error")
    assert error.get("message") == "icarus ran longer than 5 s"


@PROC
def test_the_simulator_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "from tests.sim.test_cocotb import *\n"
        "run(wrap(saturating()[1], {}, HANG), 'full_speed', timeout=300)\n"
    )
    path = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, sys.path)])
    caller = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": path},
    )
    try:
        assert wait_for(lambda: len(running(f"{tmp_path}/lifstone-cocotb")) >= 2, 60)
    finally:
        os.kill(caller.pid, signal.SIGKILL)
        caller.wait()
    assert wait_for(lambda: running(f"{tmp_path}/lifstone-cocotb") == [])


@pytest.mark.parametrize(
    ("kwargs", "field"),
    [
        ({"simulator": "modelsim"}, "simulator"),
        ({"scenarios": ("full_speed", "fast")}, "scenarios"),
        ({"timeout": 0.0}, "timeout"),
        ({"inputs": {"x": np.zeros((0, 3))}}, "steps"),
        ({"inputs": {"x": np.zeros((5, 2))}}, "inputs.x"),
    ],
)
def test_wrong_arguments_are_refused(kwargs: dict[str, object], field: str) -> None:
    contract, design = saturating()
    arguments = {"inputs": spikes(), "design": design, **kwargs}
    with pytest.raises(InvalidValue, match=rf"^{field} = "):
        run_cocotb(contract, **arguments)


@pytest.mark.parametrize(
    ("simulator", "tool"), [("icarus", "iverilog"), ("verilator", "verilator")]
)
def test_a_missing_simulator_is_named(
    simulator: str, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise MissingTool(tool, "install it")

    monkeypatch.setattr(cosim, f"find_{simulator}", missing)
    with pytest.raises(MissingTool, match=tool):
        run(saturating()[1], "full_speed", simulator=simulator)


def test_a_job_survives_its_files(tmp_path: Path) -> None:
    q = random_quantised(6, inputs=2)
    design = generate(q.contract, trace=True)
    scenarios = plan(q.contract, random_inputs(q, 9, 0), seed=5)
    Job(design.manifest, q.contract, scenarios).write(tmp_path)
    back = read_job(tmp_path)
    assert contract_hash(back.contract) == contract_hash(q.contract)
    assert back.contract.order == q.contract.order
    assert [s.name for s in back.scenarios] == list(SCENARIOS)
    for a, b in zip(scenarios, back.scenarios, strict=True):
        assert (a.idle, a.backpressure, a.resets, a.seed) == (
            b.idle,
            b.backpressure,
            b.resets,
            b.seed,
        )
        assert first_difference(a.expected, b.expected) is None
        for name, rows in a.inputs.items():
            np.testing.assert_array_equal(rows, b.inputs[name])
