"""An event unit's RTL equals its contract, and the contract its population's own runner."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lifstone.golden import InvalidValue
from lifstone.golden.platforms.event_unit import EventContract, run_events
from lifstone.golden.platforms.events import OdinEvents, TrueNorthEvents
from lifstone.golden.platforms.profile import PlatformNetwork, Projection, run_platform
from lifstone.hdl.platforms.event_top import event_clocks_per_step, generate_events
from lifstone.sim.rtl.bulk import BulkRtl
from lifstone.sim.rtl.events import verify_events
from tests.hdl import platform_cells as draw
from tests.sim.faulty import substitute

STEPS, SAMPLES = 40, 3


def contract(kind: str, n: int = 5, lines: int = 7, seed: int = 0) -> EventContract:
    rng = np.random.default_rng([seed, n, lines])
    cell: Any
    if kind == "truenorth":
        cell = draw.truenorth_events(rng, n, lines, leak_reversal=True, stochastic_leak=True)
    else:
        cell = draw.odin(rng, n, lines, kind == "tinyodin")
    word = cell.weight
    weight = rng.integers(word.low // 4, word.high + 1, (n, lines))
    return EventContract(cell, np.maximum(weight, -7) if kind == "odin" else weight)


def stimulus(c: EventContract, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {c.source: (rng.random((STEPS, SAMPLES, c.lines)) < 0.4).astype(np.uint8)}


@pytest.mark.parametrize("kind", ["odin", "tinyodin", "truenorth"])
@pytest.mark.parametrize("n", [1, 5])
def test_event_units_are_exact_whatever_the_timing(kind: str, n: int) -> None:
    c = contract(kind, n)
    inputs = stimulus(c)
    assert run_events(c, inputs).spikes.any()
    for timing in (
        {},
        {"idle": 0.4, "backpressure": 0.6, "seed": 3},
        {"reset_at": 177, "backpressure": 0.3},
    ):
        verdict = verify_events(c, inputs, optimise=False, **timing)
        assert str(verdict) == "exact", (timing, str(verdict))


@pytest.mark.parametrize("kind", ["odin", "tinyodin", "truenorth"])
def test_the_contract_is_what_the_platform_does(kind: str) -> None:
    c = contract(kind, seed=3)
    assert isinstance(c.cell, OdinEvents | TrueNorthEvents)
    inputs = stimulus(c, 5)
    trace = run_events(c, inputs)
    net = PlatformNetwork(
        {"input": c.lines}, {"unit": c.cell.population}, [Projection("input", "unit", c.weight, 0)]
    )
    for k in range(SAMPLES):
        alone = run_platform(net, {"input": inputs["input"][:, k]})["unit"]
        np.testing.assert_array_equal(alone.v, trace.state["v"][:, k])
        np.testing.assert_array_equal(alone.spikes > 0, trace.spikes[:, k])
        if "fired" in trace.state:
            np.testing.assert_array_equal(alone.spikes, trace.state["fired"][:, k])
            assert alone.spikes.max() > 1


def test_clocks_of_a_step() -> None:
    c = contract("odin")
    inputs = stimulus(c)
    trace = run_events(c, inputs)
    run = BulkRtl(generate_events(c, trace=True), optimise=False).run(inputs)
    for k in range(SAMPLES):
        clocks = [
            event_clocks_per_step(c, int(a.sum()), int(b.sum()))
            for a, b in zip(inputs["input"][:, k], trace.state["fired"][:, k], strict=True)
        ]
        # After reset the initial state is written, two clocks a neuron.
        assert run.cycles[k] == sum(clocks) + 2 * c.cell.n


def test_a_lost_spike_and_a_wrong_threshold_are_named() -> None:
    c = contract("odin")
    design = generate_events(c, trace=True)
    broken = substitute(design, r"left == 1'h1|left == \S*'h0*1\b", "1'h1")
    verdict = verify_events(c, stimulus(c), design=broken, optimise=False)
    assert not verdict.agrees
    assert "unlike its trace" in str(verdict)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": np.full((5, 7), 9)}, r"contract.weight\[0, 0\] = 9: allowed is -8 to 7"),
        ({"weight": np.zeros((4, 7), np.int64)}, r"weight = \[4, 7\]: allowed is 5 rows"),
        ({"weight": np.zeros((5, 9), np.int64)}, "events = 7: allowed is 9 lines"),
        ({"source": "unit"}, "another name than the input's"),
    ],
)
def test_wrong_contracts(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        replace(contract("odin"), **change)
