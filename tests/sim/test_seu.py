"""Upsets: a flip is where and when it was asked for, and what stays is mended by a reset."""

from __future__ import annotations

import numpy as np
import pytest

from lifstone.golden import InvalidValue, run_contract
from lifstone.hdl import Design, generate
from lifstone.sim.rtl.seu import Flips, Upsets, memories_of
from tests.hdl.contracts import lively

STEPS, SAMPLES = 12, 4
NONE = Flips(np.zeros((0, 5), dtype=np.int64))


@pytest.fixture(scope="module")
def dut() -> Upsets:
    return Upsets(generate(lively(), trace=True), optimise=False)


def inputs() -> dict[str, np.ndarray]:
    once = np.random.default_rng(3).random((STEPS, 1, 5)) < 0.5
    return {"x": np.repeat(once, SAMPLES, axis=1)}


def flips(*rows: tuple[int, int, int, int, int]) -> Flips:
    return Flips(np.array(rows, dtype=np.int64))


def place(dut: Upsets, core: str, name: str) -> int:
    return next(k for k, m in enumerate(dut.memories) if (m.core, m.name) == (core, name))


def test_without_flips_the_run_is_the_contract(dut: Upsets) -> None:
    run = dut.run(inputs(), NONE)
    assert run.failure == ""
    for name, trace in run_contract(lively(), {"x": inputs()["x"][:, 0]}).items():
        for k in range(SAMPLES):
            np.testing.assert_array_equal(run.traces[name].v[:, k], trace.v)


def test_a_flipped_state_differs_by_that_bit_and_only_in_its_sample(dut: Upsets) -> None:
    calm = dut.run(inputs(), NONE)
    memory = place(dut, "core_b", "state_memory")
    run = dut.run(inputs(), flips((1, 6, memory, 2, 3)))
    same = [np.array_equal(run.traces["b"].v[:, k], calm.traces["b"].v[:, k]) for k in range(4)]
    assert same == [True, False, True, True]
    first = np.argwhere(run.traces["b"].v[:, 1] != calm.traces["b"].v[:, 1])[0]
    assert tuple(first) == (0, 2)


def test_a_flipped_weight_stays_until_the_next_sample(dut: Upsets) -> None:
    calm = dut.run(inputs(), NONE)
    memory = place(dut, "core_a", "weight_memory")
    rows = [(2, 1, memory, word, 6) for word in range(dut.memories[memory].depth)]
    run = dut.run(inputs(), flips(*rows))
    same = [np.array_equal(run.traces["a"].v[:, k], calm.traces["a"].v[:, k]) for k in range(4)]
    assert same == [True, True, False, True]
    again = dut.run(inputs(), NONE)
    np.testing.assert_array_equal(again.traces["a"].v, calm.traces["a"].v)


def test_random_flips_fall_into_the_chosen_memories(dut: Upsets) -> None:
    rng = np.random.default_rng(0)
    table = Flips.random(rng, dut.memories, 50, 20, 100, ("sum_memory",)).table
    assert table.shape == (1000, 5)
    assert {dut.memories[k].name for k in table[:, 2]} == {"sum_memory"}
    for _, clock, k, word, bit in table:
        assert 0 <= clock < 100
        assert 0 <= word < dut.memories[k].depth
        assert 0 <= bit < dut.memories[k].width
    assert (np.diff(table[:, 0] * 100 + table[:, 1]) >= 0).all()
    chosen = np.array([m.bits * (m.name == "sum_memory") for m in dut.memories])
    found = np.bincount(table[:, 2], minlength=len(chosen))
    assert np.abs(found / 1000 - chosen / chosen.sum()).max() < 0.08


def test_unknown_memories_are_refused(dut: Upsets) -> None:
    with pytest.raises(InvalidValue, match="only"):
        Flips.random(np.random.default_rng(0), dut.memories, 1, 1, 10, ("cache",))
    with pytest.raises(InvalidValue, match="memories"):
        memories_of(Design("nothing", "module nothing ();\nendmodule\n", {}, {}))
