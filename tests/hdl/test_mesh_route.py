"""Ways through the mesh, and how a network is dealt to its tiles."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from amaranth.hdl import unsigned
from amaranth.lib import data
from amaranth.sim import Simulator

from lifstone.golden import InvalidValue, run_contract
from lifstone.hdl.mesh.plan import plan_mesh
from lifstone.hdl.mesh.route import (
    Channel,
    Direction,
    Position,
    dependencies,
    neighbour,
    ring_of,
    route,
    turns,
    way,
)
from lifstone.hdl.mesh.router import Router, packet_layout
from tests.networks import random_inputs, random_quantised

SIZES = [(1, 1), (2, 1), (1, 3), (2, 2), (3, 2), (4, 4), (7, 5)]


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_no_ring_of_waits_exists(columns: int, rows: int) -> None:
    waits = dependencies(columns, rows)
    assert ring_of(waits) == []
    links = 2 * (rows * (columns - 1) + columns * (rows - 1))
    channels = {*waits, *itertools.chain.from_iterable(waits.values())}
    assert (
        len(channels) == links + columns * rows * (columns * rows > 1) + (columns * rows == 1) * 0
    )


def test_waits_are_those_of_the_turns_that_routers_have() -> None:
    for held, wanted in dependencies(4, 4).items():
        here = neighbour(*held)
        for place, direction in wanted:
            assert place == here
            assert direction in turns(held[1])


def test_a_ring_is_found_where_there_is_one() -> None:
    def clockwise(here: Position, there: Position) -> Direction:
        """Corner to corner of 2 x 2, always the same way round."""
        if here[0] != there[0] and here[1] != there[1]:
            return {
                (0, 0): Direction.EAST,
                (1, 0): Direction.SOUTH,
                (1, 1): Direction.WEST,
                (0, 1): Direction.NORTH,
            }[here]
        return route(here, there)

    ring = ring_of(dependencies(2, 2, clockwise))
    assert len(set(ring)) == 4
    assert {direction for _, direction in ring} == set(Direction) - {Direction.LOCAL}


def test_ways_are_shortest_and_end_at_the_tile() -> None:
    tiles = list(itertools.product(range(4), range(3)))
    for here, there in itertools.product(tiles, tiles):
        channels: list[Channel] = list(way(here, there))
        assert channels[-1] == (there, Direction.LOCAL)
        assert len(channels) == 1 + abs(here[0] - there[0]) + abs(here[1] - there[1])


@pytest.mark.parametrize("here", [(0, 0), (1, 1), (2, 0), (2, 2)])
def test_the_router_goes_the_way_that_the_route_says(here: Position) -> None:
    """Every tile of 3 x 3 from every side; an event that no way leads on stays."""
    layout = packet_layout(3, 3, data.StructLayout({"tag": unsigned(1)}))
    links = [d for d in list(Direction)[1:] if all(0 <= at < 3 for at in neighbour(here, d))]
    dut = Router(layout, here, tuple(links))
    seen: list[tuple[str, Position, set[str]]] = []

    async def bench(ctx: object) -> None:
        for d in dut.ways_out:
            ctx.set(getattr(dut, f"out_{d.name.lower()}").ready, 1)
        for there in itertools.product(range(3), range(3)):
            inlet = dut.in_local
            ctx.set(inlet.payload, {"x": there[0], "y": there[1], "load": {"tag": 1}})
            ctx.set(inlet.valid, 1)
            await ctx.tick()
            ctx.set(inlet.valid, 0)
            out = {
                d.name for d in dut.ways_out if ctx.get(getattr(dut, f"out_{d.name.lower()}").valid)
            }
            seen.append(("local", there, out))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert len(seen) == 9
    for _, there, out in seen:
        assert out == {route(here, there).name}


def test_the_parts_compute_what_the_whole_does() -> None:
    cut = 0
    for seed in range(8):
        q = random_quantised(seed, inputs=seed % 4)
        inputs = random_inputs(q, 60, seed)
        plan = plan_mesh(q.contract, 2, 2, 2)
        whole = run_contract(q.contract, inputs, 60)
        parts = run_contract(plan.split, inputs, 60)
        for name, trace in whole.items():
            names = plan.parts_of(name)
            cut += len(names) > 1
            for field in ("v", "i", "spikes"):
                joined = np.concatenate([getattr(parts[p], field) for p in names], axis=1)
                np.testing.assert_array_equal(joined, getattr(trace, field))
            assert [plan.parts[p].first for p in names] == list(
                np.cumsum([0, *(plan.parts[p].n for p in names)])[:-1]
            )
            assert max(plan.parts[p].n for p in names) <= 2
    assert cut > 8


def test_tiles_share_the_neurons() -> None:
    plan = plan_mesh(random_quantised(0, inputs=1).contract, 2, 2)
    filled = [
        sum(p.n for p in plan.parts.values() if p.tile == tile)
        for tile in itertools.product(range(2), range(2))
    ]
    assert sum(filled) == sum(c.n for c in plan.contract.populations.values())
    assert all(filled)


@pytest.mark.parametrize(
    ("mesh", "message"),
    [
        ((0, 2, None), r"mesh\.columns = 0: allowed is 1 to 64"),
        ((2, 65, None), r"mesh\.rows = 65"),
        ((2, 2, 0), r"mesh\.largest = 0: allowed is at least 1 neuron"),
    ],
)
def test_a_mesh_that_cannot_be_is_refused(mesh: tuple[int, int, int | None], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        plan_mesh(random_quantised(0, inputs=1).contract, *mesh)
