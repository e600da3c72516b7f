"""Memories and resources before synthesis, against what the tools made of the same networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lifstone.case import contract_of
from lifstone.golden import (
    Connection,
    InvalidValue,
    Lif,
    Network,
    NetworkContract,
    Widths,
    quantise,
)
from lifstone.hdl import devices
from lifstone.hdl.devices import CELLS, DSP, RAM, SPRAM, boards_by_size, device_of
from lifstone.hdl.estimate import check_fits, estimate, what_fits
from lifstone.hdl.lanes import parameter_words, weight_words
from lifstone.hdl.placement import Memory, memories_of, place, placed_as
from lifstone.hdl.weights import Store
from lifstone.sim.nir_read import read_nir
from tests.hdl.contracts import lively

DIGITS = Path(__file__).parents[2] / "lifstone" / "data" / "digits.nir"


def digits(**widths: int) -> NetworkContract:
    return contract_of(read_nir(DIGITS).network, Widths(**widths)).contract


def layered(*sizes: int, **widths: int) -> NetworkContract:
    rng = np.random.default_rng(0)
    names = ["in", *(f"p{k}" for k in range(len(sizes) - 1))]
    populations = {
        n: Lif(tau_mem=13e-3, r=10.0, n=k) for n, k in zip(names[1:], sizes[1:], strict=True)
    }
    connections = tuple(
        Connection(a, b, rng.normal(0.3, 1.0, (m, k)))
        for a, b, k, m in zip(names, names[1:], sizes, sizes[1:], strict=False)
    )
    net = Network(1e-3, {"in": sizes[0]}, populations, connections, (names[-1],))
    return quantise(net, Widths(**{"fraction": 6, **widths})).contract


@pytest.mark.parametrize(("lanes", "blocks", "products"), [(1, 12, 2), (2, 15, 4), (4, 16, 8)])
def test_blocks_and_multipliers_of_the_digits_are_those_of_the_tools(
    lanes: int, blocks: int, products: int
) -> None:
    # ICESTORM_RAM and ICESTORM_DSP of nextpnr for the network alone; DP16KD of ECP5 is 3.
    found = estimate(digits(), "icebreaker", lanes, host=False)
    assert (found.used[RAM], found.used[DSP]) == (blocks, products)
    assert estimate(digits(), "ulx3s", lanes, host=False).used[RAM] == 3


@pytest.mark.parametrize(
    ("family", "depth", "width", "fixed", "blocks"),
    [
        # Counted by synthesis of the memory alone.
        ("ice40", 4, 16, False, 0),
        ("ice40", 8, 16, False, 1),
        ("ice40", 8, 17, False, 0),
        ("ice40", 10, 17, False, 2),
        ("ice40", 300, 48, False, 6),
        ("ice40", 1290, 17, False, 7),
        ("ice40", 1290, 34, False, 13),
        ("ice40", 65, 48, True, 3),
        ("ice40", 65, 32, True, 0),
        ("ice40", 64, 128, True, 0),
        ("ice40", 128, 6, True, 0),
        ("ice40", 256, 6, True, 1),
        ("ecp5", 64, 16, False, 0),
        ("ecp5", 64, 32, False, 1),
        ("ecp5", 64, 48, False, 0),
        ("ecp5", 65, 48, False, 2),
        ("ecp5", 128, 6, False, 0),
        ("ecp5", 300, 6, True, 0),
        ("ecp5", 512, 6, True, 1),
        ("ecp5", 4161, 6, False, 3),
        ("ecp5", 8192, 6, False, 3),
    ],
)
def test_a_memory_takes_the_blocks_that_synthesis_takes(
    family: str, depth: int, width: int, fixed: bool, blocks: int
) -> None:
    assert placed_as(Memory("p", "state", width, depth, fixed), family).blocks == blocks


def test_sizes_are_those_of_the_words() -> None:
    c = lively()
    for lanes in (1, 2):
        found = {(m.population, m.role): m for m in memories_of(c, lanes, loadable=True)}
        for name, p in c.populations.items():
            words = weight_words(p, [k.weight for k in c.into(name)], lanes)
            assert found[name, "weight"].depth == len(words)
            assert found[name, "weight"].width == p.weight_width * lanes
        varying = found["a", "parameter"]
        words = parameter_words(c.populations["a"], varying.width // lanes, lanes)
        assert varying.depth == len(words)
        assert max(words).bit_length() <= varying.width
        assert ("a", "delay") in found
        assert (("a", "queue") in found) == (lanes == 2)
    delayed = replace(c, connections=(*c.connections[:-1], replace(c.connections[-1], delay=4)))
    late = {(m.population, m.role): m.depth for m in memories_of(delayed)}
    assert late["a", "delay"] == 4 * (3 + 1)


def test_columns_that_never_change_are_left_out() -> None:
    net = layered(16, 16)
    c = net.connections[0]
    even = replace(net, connections=(replace(c, weight=c.weight >> 2 << 2),))
    (wide, narrow) = (memories_of(n)[0] for n in (net, even))
    assert (wide.width, narrow.width) == (8, 6)
    assert memories_of(even, loadable=True)[0].width == 8
    assert (wide.role, narrow.role) == ("weight", "weight")


def test_the_largest_weights_go_to_spram_once_block_ram_is_full() -> None:
    small, large = layered(64, 64, 10), layered(400, 64, 10)
    assert place(small, "icebreaker").blocks(Store.SPRAM) == 0
    plan = place(large, "icebreaker")
    assert plan.stores == {"p0": Store.SPRAM, "p1": Store.AUTO}
    assert plan.blocks(Store.BLOCK) <= device_of("icebreaker").available[RAM]
    assert not estimate(large, "icebreaker").short
    assert place(large, "ulx3s").stores == {"p0": Store.AUTO, "p1": Store.AUTO}
    rows = plan.to_dict()["memories"]
    assert {r["store"] for r in rows if r["memory"] == "weight"} == {"spram", "block"}


def test_what_is_asked_is_kept() -> None:
    c = layered(64, 64, 10)
    plan = place(c, "icebreaker", asked={"p0": "spram", "p1": "distributed"})
    assert plan.stores == {"p0": Store.SPRAM, "p1": Store.DISTRIBUTED}
    full = place(layered(400, 64, 10), "icebreaker", asked={"p0": "block"})
    assert full.stores["p0"] is Store.AUTO  # a block is what synthesis takes by itself
    assert full.blocks(Store.BLOCK) > 30
    with pytest.raises(InvalidValue, match=r"p0.store = 'spram': allowed is auto, block or dist"):
        place(c, "ulx3s", asked={"p0": "spram"})
    with pytest.raises(InvalidValue, match="stores = 'q'"):
        place(c, "ulx3s", asked={"q": "block"})


def test_a_network_that_does_not_fit_says_what_ran_out_and_what_would_fit() -> None:
    c = digits()
    check_fits(c, "icebreaker", 4)
    with pytest.raises(
        InvalidValue, match=r"^network = 'on icebreaker: DSP 16 of 8 \(8 too many\)'"
    ) as e:
        check_fits(c, "icebreaker", 8)
    assert e.value.allowed == "what fits: --lanes 4, or --board ulx3s-12f"
    for part in ("--lanes 4", "--board ulx3s-12f"):
        assert part in what_fits(c, "icebreaker", 8)
    check_fits(c, "ulx3s-12f", 8)


def test_narrower_weights_are_named_where_they_would_fit() -> None:
    c = layered(60, 64, 64, 64, weight=10)
    stores = dict.fromkeys(c.populations, "block")
    with pytest.raises(InvalidValue, match=r"RAM blocks \d+ of 30") as caught:
        check_fits(c, "icebreaker", 1, stores)
    bits = int(caught.value.allowed.split("at most ")[1].split()[0])
    narrow = layered(60, 64, 64, 64, weight=bits)
    assert not estimate(narrow, "icebreaker", 1, stores).short
    wide = layered(60, 64, 64, 64, weight=bits + 1)
    assert estimate(wide, "icebreaker", 1, stores).short


def test_weights_that_would_fit_in_spram_are_told_so() -> None:
    c = layered(400, 64, 10)
    with pytest.raises(InvalidValue, match=r"RAM blocks \d+ of 30") as caught:
        check_fits(c, "icebreaker")
    assert caught.value.allowed.startswith("what fits: --stores p0=spram")
    check_fits(c, "icebreaker", 1, {"p0": "spram"})


def test_where_the_tools_find_otherwise_no_number_is_promised() -> None:
    said = what_fits(digits(), "icebreaker", 1)
    assert said == "what fits: fewer lanes, or fewer bits (map), or --board ulx3s-12f"


def test_nothing_fits_a_network_that_is_too_big_for_all() -> None:
    c = layered(2000, 2000)
    with pytest.raises(InvalidValue, match="what fits: a smaller network"):
        check_fits(c, "ulx3s")


@pytest.mark.parametrize(("lines", "blocks"), [(255, 2), (256, 4)])
def test_an_event_of_two_bytes_takes_wider_queues(lines: int, blocks: int) -> None:
    # ICESTORM_RAM of whole bitstreams: 14 against 12 for the digits, 11 against 7 for MNIST.
    c = layered(lines, 4)
    both = [estimate(c, "icebreaker", host=host).used[RAM] for host in (True, False)]
    assert both[0] - both[1] == blocks


def test_boards_are_ordered_by_size() -> None:
    sizes = [device_of(b).available[CELLS] for b in boards_by_size()]
    assert sizes == sorted(sizes)
    assert device_of("icebreaker").available == {CELLS: 5280, RAM: 30, DSP: 8, SPRAM: 4}


def test_every_board_has_a_device() -> None:
    for board in devices.BOARDS:
        assert device_of(board).available[CELLS] > 5000
