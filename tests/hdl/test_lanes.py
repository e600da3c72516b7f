"""Cores with parallel lanes: the same bits in fewer clocks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lifstone.golden import InvalidValue, NetworkContract, run_contract
from lifstone.golden.fixed import limits
from lifstone.hdl import cycles_per_step, generate, read_design
from lifstone.hdl.core import pack_parameters, pack_weights
from lifstone.hdl.laned import LanedCore
from lifstone.hdl.lanes import lanes_of, parameter_words, weight_words
from lifstone.hdl.step import parameters
from lifstone.sim.rtl.run import verify_rtl
from tests.hdl.contracts import lively, one_core, options, random_contract
from tests.hdl.test_core import Case, case, expected_beats, feed, simulate
from tests.networks import random_inputs, random_quantised

# Neurons and lanes: one group, full groups, a last group that is not full.
SHAPES = [(2, 2), (3, 2), (4, 2), (5, 2), (4, 4), (5, 4), (8, 4), (11, 4), (8, 8), (13, 8)]
TIMINGS = [("1", "1"), ("001", "1"), ("1", "01"), ("01", "001")]


def laned(a: Case, lanes: int, trace: bool = True) -> LanedCore:
    return LanedCore(a.contract, [a.weight], a.weight.shape[1], lanes, trace=trace)


@pytest.mark.parametrize(("n", "lanes"), SHAPES)
def test_core_equals_the_contract_whatever_the_timing(n: int, lanes: int) -> None:
    for seed, (ready, valid) in enumerate(TIMINGS):
        a = case(seed + 10 * n, n)
        seen = simulate(laned(a, lanes), feed(a.spikes), ready, valid)
        assert seen.beats == expected_beats(a.trace)
        assert seen.events == feed(a.trace.spikes)


@pytest.mark.parametrize(("n", "lanes"), SHAPES)
@pytest.mark.parametrize("trace", [False, True])
def test_clocks_of_each_step_are_as_promised(n: int, lanes: int, trace: bool) -> None:
    a = case(7 + n, n)
    net = one_core(a.contract, a.weight)
    seen = simulate(laned(a, lanes, trace), feed(a.spikes))
    assert seen.events == feed(a.trace.spikes)
    promised = [
        cycles_per_step(net, "p", int(into.sum()), int(out.sum()), lanes=lanes) + n * trace
        for into, out in zip(a.spikes, a.trace.spikes, strict=True)
    ]
    # The first step waits for the sweep after reset, two clocks a group.
    assert seen.clocks == [promised[0] + 2 * -(-n // lanes), *promised[1:]]


def test_more_lanes_take_fewer_clocks() -> None:
    net = one_core(case(1, 16).contract, case(1, 16).weight)
    clocks = [cycles_per_step(net, "p", 10, 3, lanes=k) for k in (1, 2, 4, 8, 16)]
    assert clocks == [10 * 16 + 1 + 48 + 4, 80 + 1 + 10 + 4, 40 + 1 + 6 + 4, 20 + 9, 10 + 8]


def lanes_below(contract: NetworkContract, most: int) -> dict[str, int]:
    """For each population the widest allowed lanes up to ``most``."""
    sizes = {name: c.n for name, c in contract.populations.items()}
    return {name: min(most, 1 << (n.bit_length() - 1)) for name, n in sizes.items()}


@pytest.mark.parametrize(("seed", "most"), [(17, 2), (7, 4), (14, 8), (18, 8)])
def test_random_networks_are_exact(seed: int, most: int) -> None:
    q = random_quantised(seed, inputs=seed % 4, largest=19)
    inputs = random_inputs(q, 60, seed)
    lanes = lanes_below(q.contract, most)
    assert max(lanes.values()) == most
    for trace in (True, False) if seed == 14 else (True,):
        design = generate(q.contract, trace=trace, lanes=lanes)
        for timing in (
            {},
            {"idle": 0.4, "backpressure": 0.6, "seed": seed},
            {"reset_at": 37 + 11 * seed, "backpressure": 0.3, "seed": seed},
        ):
            verdict = verify_rtl(q.contract, inputs, 60, design=design, optimise=False, **timing)
            assert str(verdict) == "exact", (seed, trace, timing, str(verdict))
        assert verdict.compared > 0
    fired = run_contract(q.contract, inputs, 60)
    assert sum(int(t.spikes.sum()) for t in fired.values()) > 50


@pytest.mark.parametrize("lanes", [2, 4])
def test_states_and_sums_saturate_in_every_lane(lanes: int) -> None:
    rng = np.random.default_rng(5)
    chosen = next(o for o in options() if o[4] is not None and o[2] == "multiply")
    c = replace(random_contract(rng, 7, chosen), weight_shift=3, acc_width=8, weight_width=6)
    low, high = limits(6)
    weight = np.where(np.arange(7)[:, None] % 2, high, low) * np.ones((7, 3), dtype=np.int64)
    spikes = (rng.random((20, 3)) < 0.8).astype(np.uint8)
    trace = run_contract(one_core(c, weight), {"x": spikes})["p"]
    ends = {int(trace.v.min()), int(trace.v.max()), int(trace.i.min()), int(trace.i.max())}
    assert ends & {*limits(c.width), *limits(c.syn_width)}, "nothing saturates"
    seen = simulate(laned(Case(c, weight, spikes, trace), lanes), feed(spikes))
    assert seen.beats == expected_beats(trace)


def test_words_hold_a_number_for_each_lane() -> None:
    c = case(3, 5).contract
    matrix = np.array([[1, -1], [2, -2], [3, -3], [4, -4], [5, -5]])
    plain, mask = pack_weights(c, [matrix]), (1 << c.weight_width) - 1
    words = weight_words(c, [matrix], 2)
    assert len(words) == 2 * 4
    assert [(w >> s) & mask for w in words for s in (0, c.weight_width)] == plain
    width = sum(p.shape.width for p in parameters(c) if not p.uniform)
    assert width > 0
    first, second, third = parameter_words(c, width, 2)
    numbers = pack_parameters(c)
    assert first == numbers[0] | numbers[1] << width
    assert (second >> width, third) == (numbers[3], numbers[4])


def test_one_lane_is_the_core_as_it_was() -> None:
    net = lively()
    assert generate(net, lanes=1).files() == generate(net).files()
    assert generate(net, lanes={"a": 1, "b": 1}).verilog == generate(net).verilog


def test_the_manifest_records_lanes_and_a_design_is_read_back(tmp_path: Path) -> None:
    net = lively()
    design = generate(net, "net", trace=True, lanes={"a": 4})
    assert [p["lanes"] for p in design.manifest["populations"]] == [4, 1]
    design.write(tmp_path)
    assert read_design(tmp_path, net).verilog == design.verilog
    text = (tmp_path / "manifest.json").read_text()
    for wrong in ('"lanes": 8', '"lanes": 3', '"lanes": "4"'):
        (tmp_path / "manifest.json").write_text(text.replace('"lanes": 4', wrong))
        with pytest.raises(InvalidValue, match="lanes"):
            read_design(tmp_path, net)


@pytest.mark.parametrize("lanes", [0, -1, 3, 8, True, 2.0, {"a": 8}, {"c": 2}, {"a": 4, "b": 4}])
def test_lanes_that_are_not_allowed_are_refused(lanes: object) -> None:
    with pytest.raises(InvalidValue, match="lanes"):
        generate(lively(), lanes=lanes)


def test_lanes_of_all_or_of_some_populations() -> None:
    assert lanes_of(lively(), 2) == {"a": 2, "b": 2}
    assert lanes_of(lively(), {"a": 4}) == {"a": 4, "b": 1}
