"""Logic of the neurons with noise against their integer step, for every kind of contract."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.sim import Simulator

from lifstone.golden.cell import Cell
from lifstone.golden.cells.noise import NoisyLif, StochasticThreshold
from lifstone.golden.fixed import limits
from lifstone.golden.lfsr import advance, bell, draw
from lifstone.hdl.cell import cell_logic
from lifstone.hdl.cells.noise import NoiseLogic
from lifstone.hdl.lfsr import Bell, Register
from tests.hdl.contracts import options, random_contract

CHOICES = [o for o in options() if o[4] is not None]


def random_words(rng: np.random.Generator, cell: Cell, count: int) -> dict[str, np.ndarray]:
    """States from the whole range of every word, its ends included, ``(count, n)``."""
    out = {}
    for name, word in cell.words.items():
        values = rng.integers(word.low, word.high, (count, cell.n), endpoint=True)
        ends = rng.random(values.shape)
        values = np.where(ends < 0.05, word.low, np.where(ends > 0.95, word.high, values))
        out[name] = (
            np.where(rng.random(values.shape) < 0.6, 0, values) if name == "hold" else values
        )
    return out


def compare(cell: Cell, rng: np.random.Generator, count: int) -> int:
    """Hold random states against the golden step; returns how many spikes there were."""
    logic = cell_logic(cell)
    assert isinstance(logic, NoiseLogic)
    states = random_words(rng, cell, count)
    ((receptor, word),) = cell.receptors.items()
    totals = rng.integers(word.low, word.high, (count, cell.n), endpoint=True)
    after, spikes = cell.step(states, {receptor: totals})

    async def bench(ctx):  # type: ignore[no-untyped-def]
        for k in range(count):
            for j in range(cell.n):
                for name, value in states.items():
                    ctx.set(logic.state[name], int(value[k, j]))
                for name, value in cell.numbers.items():
                    ctx.set(logic.numbers[name], int(value[j]))
                ctx.set(logic.totals[receptor], int(totals[k, j]))
                for _ in range(logic.clocks):
                    await ctx.tick()
                got = {name: int(ctx.get(logic.after[name])) for name in cell.words}
                assert got == {name: int(after[name][k, j]) for name in cell.words}, (k, j)
                assert ctx.get(logic.spike) == spikes[k, j], (k, j)

    sim = Simulator(logic)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
    return int(spikes.sum())


@pytest.mark.parametrize("kind", [NoisyLif, StochasticThreshold])
def test_every_kind_of_contract(kind: type[NoisyLif] | type[StochasticThreshold]) -> None:
    rng = np.random.default_rng(7 if kind is NoisyLif else 8)
    spikes = 0
    for k in rng.permutation(len(CHOICES))[:12]:
        base = random_contract(rng, 3, CHOICES[k])
        gain = rng.integers(0, 1 << int(rng.integers(1, 17)), 3)
        cell = kind(base, gain, int(rng.integers(0, 13)), seed=int(rng.integers(100)))
        spikes += compare(cell, rng, 30)
    assert spikes > 100


def test_register_and_bell() -> None:
    rng = np.random.default_rng(4)
    words = rng.integers(0, 1 << 32, (60, 2))
    words[:3] = [[0, 0], [(1 << 32) - 1] * 2, [1, 1 << 31]]
    register, shape = Register(), Bell()
    drawn = draw(words[:, 0], words[:, 1])
    after = np.stack(advance(words[:, 0], words[:, 1]), axis=1)

    async def bench(ctx):  # type: ignore[no-untyped-def]
        for k, (s0, s1) in enumerate(words):
            ctx.set(register.s0, int(s0))
            ctx.set(register.s1, int(s1))
            assert [ctx.get(register.next_s0), ctx.get(register.next_s1)] == after[k].tolist()
            assert ctx.get(register.word) == drawn[k]

    async def bell_bench(ctx):  # type: ignore[no-untyped-def]
        for word in [*drawn.tolist(), 0, (1 << 32) - 1]:
            ctx.set(shape.word, int(word))
            assert ctx.get(shape.z) == bell(np.asarray(word))

    for part, test in ((register, bench), (shape, bell_bench)):
        sim = Simulator(part)
        sim.add_testbench(test)
        sim.run()


def test_states_of_the_whole_range_are_drawn() -> None:
    rng = np.random.default_rng(5)
    cell = NoisyLif(random_contract(rng, 2, CHOICES[5]), np.full(2, 9), 3)
    u = random_words(rng, cell, 400)["u"]
    assert (u.min(), u.max()) == limits(cell.base.width)
