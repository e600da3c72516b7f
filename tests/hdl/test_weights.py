"""Weight memories of every kind hold the same bits, and take loads while the network runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lifstone.golden import InvalidValue, NetworkContract, run_contract
from lifstone.hdl import generate
from lifstone.hdl.core import pack_weights
from lifstone.hdl.weights import Store, WeightMemory, loads, spram_blocks, stores_of
from lifstone.sim.rtl.bulk import BulkRtl
from lifstone.sim.rtl.loading import design_loads
from lifstone.sim.rtl.run import verify_rtl
from tests.hdl.contracts import lively, one_core, options, random_contract

# Neurons, lanes and bits of a weight: words that fold into a block's word, fill it, and span two;
# slots of four, eight and sixteen bits.
SHAPES = [(5, 1, 3), (5, 2, 4), (9, 4, 6), (9, 8, 8), (1, 1, 6), (6, 2, 12)]


def network(n: int, width: int, seed: int = 0) -> NetworkContract:
    """A population of ``n`` behind nine lines, its weights the widest that fit."""
    rng = np.random.default_rng(seed)
    chosen = next(o for o in options() if o[4] is not None and o[2] == "none" and o[1] == "shift")
    c = random_contract(rng, n, chosen)
    high = 1 << (width - 1)
    zero = np.zeros(n, dtype=np.int64)
    c = replace(
        c,
        width=width + 3,
        weight_width=width,
        weight_shift=0,
        acc_width=width + 4,
        threshold=zero + high,
        u_reset=zero,
        u_drop=zero + high,
        u_init=zero,
        bias=zero,
    )
    weight = rng.integers(-high, high, (n, 9))
    weight[:, 0], weight[:, 1] = -high, high - 1
    return one_core(c, weight)


def inputs(net: NetworkContract, steps: int = 60) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {k: (rng.random((steps, n)) < 0.4).astype(np.uint8) for k, n in net.inputs.items()}


@pytest.mark.parametrize(("n", "lanes", "width"), SHAPES)
def test_spram_holds_the_same_bits(n: int, lanes: int, width: int) -> None:
    net = network(n, width, seed=n)
    design = generate(net, trace=True, lanes=lanes, stores=Store.SPRAM)
    verdict = verify_rtl(net, inputs(net), design=design, optimise=False, backpressure=0.2)
    assert str(verdict) == "exact", str(verdict)
    fired = run_contract(net, inputs(net))["p"].spikes
    assert fired.any()
    assert not fired.all()


def test_without_its_loads_spram_deviates(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network(5, 4)
    design = generate(net, trace=True, stores=Store.SPRAM)
    monkeypatch.setattr("lifstone.sim.rtl.bulk.design_loads", lambda d: design_loads(d)[:-4])
    verdict = verify_rtl(net, inputs(net), design=design, optimise=False)
    assert not verdict.agrees
    assert verdict.difference is not None
    assert verdict.difference.neuron == 4, "whose weight of the last line was left out"


@pytest.mark.parametrize(("lanes", "store"), [(1, Store.AUTO), (4, Store.BLOCK), (2, Store.SPRAM)])
def test_loads_replace_every_weight(lanes: int, store: Store) -> None:
    net, other = network(6, 6, seed=1), network(6, 6, seed=2)
    mixed = replace(net, connections=other.connections)
    design = generate(net, trace=True, lanes=lanes, stores=store, loadable=True)
    rtl = BulkRtl(design, optimise=False)
    rtl._loads = np.ascontiguousarray(loads(mixed))
    run = rtl.run(inputs(net))
    expected = run_contract(mixed, inputs(net))["p"]
    np.testing.assert_array_equal(run.traces["p"].v, expected.v)
    assert (run_contract(net, inputs(net))["p"].v != expected.v).any()


def test_a_load_for_another_population_leaves_weights_alone() -> None:
    net = lively()
    design = generate(net, trace=True, loadable=True)
    rtl = BulkRtl(design, optimise=False)
    wrong = loads(net, ["a"])
    wrong[:, 2] += 1
    rtl._loads = np.ascontiguousarray(np.concatenate([wrong, loads(net)]))
    run = rtl.run(inputs(net))
    for name, trace in run_contract(net, inputs(net)).items():
        np.testing.assert_array_equal(run.traces[name].v, trace.v)


def test_loads_are_the_places_of_the_weight_memory() -> None:
    net = lively()
    for index, (name, c) in enumerate(net.populations.items()):
        packed = pack_weights(c, [k.weight for k in net.connections if k.post == name])
        mask = (1 << c.weight_width) - 1
        mine = loads(net, [name])
        assert set(mine[:, 0]) == {index}
        assert (np.diff(mine[:, 1]) > 0).all()
        assert [packed[a] for a in mine[:, 1]] == [int(v) & mask for v in mine[:, 2]]
        rest = set(range(len(packed))) - set(mine[:, 1].tolist())
        assert not any(packed[a] for a in rest)
    assert len(loads(net)) == sum(k.weight.size for k in net.connections)


@pytest.mark.parametrize(
    ("n", "rows", "width", "lanes", "blocks"),
    [
        (128, 784, 8, 8, 4),
        (128, 784, 8, 4, 4),
        (128, 784, 8, 1, 4),
        (128, 784, 4, 8, 2),
        (128, 256, 8, 2, 1),
        (10, 128, 8, 8, 4),
        (10, 128, 8, 2, 1),
        (256, 784, 6, 8, 8),
        (3, 2, 16, 1, 1),
        (3, 2, 16, 2, 2),
    ],
)
def test_blocks_that_weights_take(n: int, rows: int, width: int, lanes: int, blocks: int) -> None:
    c = replace(network(n, 6).populations["p"], weight_width=width)
    assert spram_blocks(c, rows, lanes) == blocks


def test_what_does_not_fit_spram_is_refused_before_anything_is_made() -> None:
    net = network(9, 12)
    with pytest.raises(InvalidValue, match=r"^stores.spram = '8 blocks \(p 8\)'.*at most 4 blocks"):
        generate(net, lanes=8, stores=Store.SPRAM)


@pytest.mark.parametrize("stores", ["ddr", {"q": "block"}, {"p": "ddr"}, {"p": 3}, 7])
def test_an_unknown_store_is_refused(stores: object) -> None:
    with pytest.raises(InvalidValue, match="store"):
        generate(network(5, 4), stores=stores)


def test_stores_of_all_or_of_some_populations() -> None:
    net = lively()
    assert stores_of(net, "block") == {"a": Store.BLOCK, "b": Store.BLOCK}
    assert stores_of(net, {"b": Store.SPRAM}) == {"a": Store.AUTO, "b": Store.SPRAM}


def test_store_and_style_are_seen_in_the_verilog() -> None:
    net = network(5, 4)
    assert '(* ram_style = "block" *)' in generate(net, stores="block").verilog
    assert '(* ram_style = "distributed" *)' in generate(net, stores="distributed").verilog
    assert "ram_style" not in generate(net).verilog
    assert generate(net, stores="auto").verilog == generate(net).verilog
    assert "SB_SPRAM256KA block_0_0 (" in generate(net, stores="spram").verilog


def simulate_memory(memory: WeightMemory, words: list[int]) -> None:
    """Every word of ``memory`` is read back."""
    from amaranth.sim import Simulator

    async def bench(ctx: object) -> None:
        ctx.set(memory.en, 1)
        for address, word in enumerate(words):
            ctx.set(memory.addr, address)
            await ctx.tick()
            assert ctx.get(memory.data) == word

    simulator = Simulator(memory)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_a_memory_that_begins_with_its_words() -> None:
    words = [0x21, 0x43, 0x65]
    simulate_memory(WeightMemory(4, 2, words, Store.BLOCK), words)


REWRITE = """
static int64_t again[][3] = {@LOADS@}; static int64_t at = 0, taken = 0, waited = 0;
extern "C" __attribute__((visibility("default"))) int64_t lif_taken() { return taken; }
extern "C" __attribute__((visibility("default"))) int64_t lif_waited() { return waited; }
static inline void probe(Top* t, int64_t, int64_t clock) {
  t->load_valid = clock >= 0;
  t->load_population = again[at][0]; t->load_address = again[at][1]; t->load_data = again[at][2];
  if (clock < 0) return;
  t->eval();
  if (!t->load_ready) { ++waited; return; }
  ++taken;
  at = (at + 1) % (sizeof again / sizeof again[0]);
}
"""


@pytest.mark.parametrize(("lanes", "store", "waits"), [(4, "spram", True), (2, "block", False)])
def test_loads_while_the_network_runs_disturb_nothing(lanes: int, store: str, waits: bool) -> None:
    net = network(9, 6)
    mask = (1 << 6) - 1
    # The weights that lie there anyway: whatever a write disturbs, shows.
    rows = ", ".join(f"{{{p}, {a}, {v & mask}}}" for p, a, v in loads(net).tolist())
    design = generate(net, trace=True, lanes=lanes, stores=store, loadable=True)
    rtl = BulkRtl(design, optimise=False, probe=REWRITE.replace("@LOADS@", rows))
    run = rtl.run(inputs(net), backpressure=0.2)
    assert run.failure == ""
    np.testing.assert_array_equal(run.traces["p"].v, run_contract(net, inputs(net))["p"].v)
    assert rtl.library.lif_taken() > 5 * len(loads(net))
    assert (rtl.library.lif_waited() > 100) is waits
