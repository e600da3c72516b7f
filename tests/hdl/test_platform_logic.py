"""The platforms' logic equals their contracts: corners and random states, every option."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.sim import Simulator

from lifstone.golden import InvalidValue, Lif
from lifstone.golden.cell import Cell
from lifstone.golden.platforms.cells import LoihiCell, SpinnakerCell, TrueNorthCell
from lifstone.golden.platforms.events import EventCell, OdinEvents, TrueNorthEvents
from lifstone.golden.platforms.loihi import LoihiPopulation
from lifstone.golden.platforms.odin import OdinPopulation
from lifstone.golden.platforms.spinnaker import SpinnakerPopulation
from lifstone.golden.platforms.truenorth import TrueNorthPopulation
from lifstone.hdl.cell import cell_logic
from lifstone.hdl.platforms.event_logic import event_logic
from lifstone.hdl.platforms.loihi import LoihiLogic
from lifstone.hdl.platforms.spinnaker import SpinnakerLogic
from tests.hdl import platform_cells as draw

VECTORS = 60


def run_logic(
    dut: object, cell: Cell | EventCell, feed: dict[str, np.ndarray], spike: str
) -> dict[str, np.ndarray]:
    """Outputs for one vector a neuron; ``feed`` names members, parts of views with a dot."""
    out = {k: np.zeros(cell.n, np.int64) for k in (*cell.words, "spike")}
    clocks = int(getattr(dut, "clocks", 0))
    feed = {**feed, **{f"numbers.{k}": v for k, v in cell.numbers.items()}}

    async def bench(ctx: object) -> None:
        for j in range(cell.n):
            for name, values in feed.items():
                view, _, member = name.partition(".")
                port = getattr(dut, view)
                ctx.set(getattr(port, member) if member else port, int(values[j]))
            if clocks:
                await ctx.tick().repeat(clocks)
            await ctx.delay(1e-9)
            for word in cell.words:
                out[word][j] = ctx.get(getattr(dut.after, word))
            out["spike"][j] = ctx.get(getattr(dut, spike))

    simulator = Simulator(dut)
    if clocks:
        simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return out


def assert_cell(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    state = draw.states(rng, cell.words, cell.n)
    totals = draw.states(rng, cell.receptors, cell.n)
    after, spikes = cell.step(state, totals)
    feed = {f"state.{k}": v for k, v in state.items()}
    feed |= {f"totals.{k}": v for k, v in totals.items()}
    got = run_logic(cell_logic(cell), cell, feed, "spike")
    for word, value in {**after, "spike": spikes}.items():
        np.testing.assert_array_equal(got[word], value, word)
    return spikes


def assert_events(cell: EventCell, rng: np.random.Generator) -> tuple[int, int]:
    """Both an event and the end of a step; how often each fired."""
    state = draw.states(rng, cell.words, cell.n)
    if "fired" in state:
        state["fired"] = rng.integers(0, cell.events, cell.n)
    weight = draw.corners(rng, cell.weight, cell.n)
    feed = {f"state.{k}": v for k, v in state.items()} | {"weight": weight}
    if isinstance(cell, TrueNorthEvents | OdinEvents):
        received, (ended, count) = cell.receive(state, weight), cell.end(state)
    none, every = np.zeros(cell.n, np.int64), np.ones(cell.n, np.int64)
    got = run_logic(event_logic(cell), cell, {**feed, "tick": none}, "count")
    for word, value in received.items():
        np.testing.assert_array_equal(got[word], value, word)
    got = run_logic(event_logic(cell), cell, {**feed, "tick": every}, "count")
    for word, value in {**ended, "spike": count}.items():
        np.testing.assert_array_equal(got[word], value, word)
    return int((received["v"] != state["v"]).sum()), int((count > 0).sum())


@pytest.mark.parametrize("seed", range(6))
def test_loihi(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert assert_cell(draw.loihi(rng, VECTORS, wide=seed % 2 == 0), rng).any()


@pytest.mark.parametrize(("synapse", "hold"), [(True, 2), (True, 0), (False, 1), (False, 0)])
def test_spinnaker(synapse: bool, hold: int) -> None:
    rng = np.random.default_rng([synapse, hold])
    cell = draw.spinnaker(rng, VECTORS, synapse=synapse, hold=hold)
    spikes = assert_cell(cell, rng)
    assert spikes.any()
    assert not spikes.all()


def at_threshold(cell: Cell, level: np.ndarray) -> None:
    """Cells that forget at once fire above their threshold, or at it, as their contract says."""
    state = {k: np.zeros(cell.n, np.int64) for k in cell.words} | {
        "v": np.full(cell.n, cell.start()["v"][0])
    }
    totals = {"input": level + np.arange(cell.n) % 3 - 1}
    after, spikes = cell.step(state, totals)
    assert 0 < spikes.sum() < cell.n
    feed = {f"state.{k}": v for k, v in state.items()}
    feed |= {f"totals.{k}": v for k, v in totals.items()}
    got = run_logic(cell_logic(cell), cell, feed, "spike")
    np.testing.assert_array_equal(got["spike"], spikes)
    np.testing.assert_array_equal(got["v"], after["v"])


def test_equality_with_the_threshold() -> None:
    chip = LoihiPopulation(6, 4095, 4096, 5 << 6, bias=7)
    at_threshold(LoihiCell(chip), chip.v_th - 7)
    lif = Lif(tau_mem=1e-6, v_leak=-0.065, v_th=-0.05, v_reset=-0.07, n=6)
    cell = SpinnakerCell(SpinnakerPopulation(lif, 1e-3))
    at_threshold(cell, np.full(6, 15 << 15))


@pytest.mark.parametrize("flags", draw.truenorth_flags(), ids=str)
def test_truenorth_in_every_mode(flags: dict[str, object]) -> None:
    rng = np.random.default_rng([len(str(flags)), 3])
    assert assert_cell(draw.truenorth(rng, VECTORS, **flags), rng).any()


@pytest.mark.parametrize("flags", draw.truenorth_flags()[::5], ids=str)
def test_truenorth_with_stochastic_synapses(flags: dict[str, object]) -> None:
    rng = np.random.default_rng([len(str(flags)), 4])
    moved, fired = assert_events(draw.truenorth_events(rng, VECTORS, 8, **flags), rng)
    assert moved > 0
    assert fired > 0


@pytest.mark.parametrize("tiny", [False, True])
def test_odin(tiny: bool) -> None:
    for seed in range(3):
        rng = np.random.default_rng([seed, tiny])
        moved, fired = assert_events(draw.odin(rng, VECTORS, 6, tiny), rng)
        assert moved > 0
        assert fired > 0


@pytest.mark.parametrize(("kind", "clocks"), [("loihi", 0), ("spinnaker", 1)])
def test_each_clock_of_the_logic_is_needed(
    kind: str, clocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    cell = getattr(draw, kind)(rng, VECTORS)
    logic = {"loihi": LoihiLogic, "spinnaker": SpinnakerLogic}[kind]
    assert logic.clocks == clocks + 1
    monkeypatch.setattr(logic, "clocks", clocks)
    with pytest.raises(AssertionError, match="v"):
        assert_cell(cell, rng)


def test_which_kind_of_cell_a_population_is() -> None:
    plain, chancy = (TrueNorthPopulation(1, 9, stochastic_synapses=s) for s in (False, True))
    with pytest.raises(InvalidValue, match="stochastic_synapses = True: allowed is False"):
        TrueNorthCell(chancy)
    with pytest.raises(InvalidValue, match="stochastic_synapses = False: allowed is True"):
        TrueNorthEvents(plain, 3)
    with pytest.raises(InvalidValue, match="events = 0"):
        OdinEvents(OdinPopulation(1, 9), 0)
