"""A unit's RTL equals its contract, whatever the cell's words, the wiring and the timing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lifstone.golden import InvalidValue
from lifstone.golden.unit import Projection, UnitContract, run_unit
from lifstone.hdl.unit_top import clocks_per_step, generate_unit
from lifstone.sim.rtl.bulk import BulkRtl
from lifstone.sim.rtl.unit import judge_unit, verify_unit
from tests.hdl.toy_cell import Toy, toy_unit
from tests.sim.faulty import substitute

STEPS, SAMPLES = 60, 3
KINDS = (
    {"n": 5},
    {"n": 1, "stages": 2},
    {"n": 1, "recurrent": False},
    {"n": 2, "stages": 1},
    {"n": 4, "inputs": 0},
    {"n": 3, "inputs": 0, "recurrent": False},
    {"n": 3, "inputs": 3, "recurrent": False},
    {"n": 9, "inputs": 1, "stages": 3},
)


def stimulus(contract: UnitContract, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        name: (rng.random((STEPS, SAMPLES, lines)) < 0.4).astype(np.uint8)
        for name, lines in contract.inputs.items()
    }


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_random_units_are_exact(kind: dict[str, int]) -> None:
    contract = toy_unit(1, **kind)
    inputs = stimulus(contract)
    design = generate_unit(contract, trace=True)
    for timing in (
        {},
        {"idle": 0.4, "backpressure": 0.6, "seed": 3},
        {"reset_at": 177, "backpressure": 0.3},
    ):
        verdict = verify_unit(contract, inputs, STEPS, design=design, optimise=False, **timing)
        assert str(verdict) == "exact", (timing, str(verdict))


def test_the_random_units_spike_and_use_their_words() -> None:
    runs = [run_unit(c, stimulus(c), STEPS) for c in (toy_unit(1, **kind) for kind in KINDS)]
    assert all(run.spikes.any() for run in runs)
    assert max(int(run.state["wide"].max()) for run in runs) > 1 << 62
    assert min(int(run.state["u"].min()) for run in runs) < 0


def test_a_fault_is_named_by_step_neuron_and_word() -> None:
    contract = toy_unit(1, 5)
    inputs = {name: a[:, 0] for name, a in stimulus(contract).items()}
    design = generate_unit(contract, trace=True)
    expected = run_unit(contract, inputs)
    k, j = (int(x) for x in np.argwhere(expected.state["hold"] == 3)[0])
    faulty = substitute(design, r"= 2'h3;", "= 2'h2;", "lifstone_unit_core_unit")
    run = BulkRtl(faulty, optimise=False).run(inputs)
    verdict = judge_unit(contract, inputs, expected, run)
    where = f"deviates at step {k}, neuron unit[{j}]: hold is 2 instead of 3, because from u = "
    assert str(verdict).startswith(where), str(verdict)
    assert "it received" in verdict.reason
    assert "sum " in verdict.reason


def test_wide_words_are_named_in_full() -> None:
    contract = toy_unit(1, 5)
    inputs = stimulus(contract)
    design = generate_unit(contract, trace=True)
    wrong = replace(
        design, verilog=design.verilog.replace("63'h7ffffffffffffffa", "63'h7ffffffffffffffb")
    )
    assert wrong.verilog != design.verilog
    verdict = verify_unit(contract, inputs, design=wrong, optimise=False)
    high = (1 << 63) - 6
    assert f"sample 0, step 0, neuron unit[0]: wide is {high + 1} instead of {high}" in str(verdict)


def test_clocks_are_as_promised() -> None:
    contract = toy_unit(1, 5, inputs=1, recurrent=False, stages=2)
    inputs = {k: np.zeros((1, n), np.uint8) for k, n in contract.inputs.items()}
    inputs["x0"][0, 0] = 1
    fired = int(run_unit(contract, inputs).spikes.sum())
    run = BulkRtl(generate_unit(contract, trace=True), optimise=False).run(inputs)
    assert run.cycles[0] == 2 * 5 + clocks_per_step(contract, {"x0": 1}, fired)


def test_sums_that_could_overflow_are_refused() -> None:
    cell = Toy(2, np.array([5, 5]))
    weight = np.full((2, 2), 256)
    with pytest.raises(
        InvalidValue, match=r"receptors.plus\[0\] = 512: allowed is sums of 0 to 511"
    ):
        UnitContract(cell, {"x": 2}, (Projection("x", "plus", weight),))
    UnitContract(cell, {"x": 2}, (Projection("x", "plus", weight - 1),))


@pytest.mark.parametrize(
    ("source", "receptor", "shape", "named"),
    [
        ("y", "plus", (2, 2), r"projections\[0\].source = 'y': allowed is x, unit"),
        ("x", "other", (2, 2), r"projections\[0\].receptor = 'other': allowed is plus, minus"),
        ("x", "plus", (2, 3), r"projections\[0\].weight = \(2, 3\): allowed is \(2, 2\)"),
    ],
)
def test_projections_must_fit(
    source: str, receptor: str, shape: tuple[int, int], named: str
) -> None:
    cell = Toy(2, np.array([5, 5]))
    with pytest.raises(InvalidValue, match=named):
        UnitContract(cell, {"x": 2}, (Projection(source, receptor, np.zeros(shape, np.int64)),))


def test_an_input_that_nothing_reads_is_refused() -> None:
    with pytest.raises(InvalidValue, match="inputs = 'x'"):
        UnitContract(Toy(2, np.array([5, 5])), {"x": 2})
