"""Weights from the flash: the loader against a flash at its pins, and a network that boots."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from amaranth.sim import Simulator

from lifstone.golden import InvalidValue, NetworkContract, run_contract
from lifstone.hdl import generate
from lifstone.hdl.boot import (
    MAGIC,
    OFFSET,
    BootedNetwork,
    FlashLoader,
    flash_image,
    with_image,
)
from lifstone.hdl.verilog import to_verilog
from lifstone.hdl.weights import Store, loads
from lifstone.sim.rtl.bulk import BulkRtl
from tests.hdl.contracts import lively
from tests.hdl.test_weights import inputs, network


def test_image_and_bitstream_lie_where_the_design_looks() -> None:
    net = lively()
    image = flash_image(net, {"b"})
    assert image[:4] == MAGIC
    values = np.frombuffer(image[4:-2], dtype="<i1")
    np.testing.assert_array_equal(values, loads(net, ["b"])[:, 2])
    whole = with_image(b"bits", image)
    assert whole[:4] == b"bits"
    assert whole[4:OFFSET] == b"\xff" * (OFFSET - 4)
    assert whole[OFFSET:] == image
    with pytest.raises(InvalidValue, match="bitstream = 131073"):
        with_image(bytes(OFFSET + 1), image)


class FlashPins:
    """A SPI flash at its pins, mode 0: asleep until AB, then 03 and an address read."""

    def __init__(self, images: list[bytes]) -> None:
        self.images = list(images)
        self.asleep, self.broken = True, ""
        self.commands: list[bytes] = []
        self.last_clk, self.out = 0, 0
        self.bits: list[int] = []

    def step(self, cs: int, clk: int, copi: int) -> int:
        """Pins of a clock; what the flash then drives."""
        if not cs:
            if self.bits:
                self._ended()
            self.bits, self.last_clk = [], clk
            return 0
        rising, falling = clk and not self.last_clk, self.last_clk and not clk
        self.last_clk = clk
        if rising:
            self.bits.append(copi)
        if falling and len(self.bits) >= 32:
            self.out = self._bit(len(self.bits) - 32)
        return self.out

    def _word(self, first: int, count: int) -> int:
        return int("".join(map(str, self.bits[first : first + count])), 2)

    def _bit(self, at: int) -> int:
        if self.asleep or self._word(0, 8) != 0x03 or self._word(8, 24) != OFFSET:
            self.broken = "a question that a flash does not answer"
            return 1
        image = self.images[0]
        return image[at // 8] >> (7 - at % 8) & 1 if at // 8 < len(image) else 1

    def _ended(self) -> None:
        """Chip select rises: AB alone wakes the flash, a read is over."""
        if len(self.bits) == 8 and self._word(0, 8) == 0xAB:
            self.asleep = False
        elif self.images[1:]:
            self.images.pop(0)


def boot(
    net: NetworkContract, images: list[bytes], clock: float = 1e6, slow: bool = False
) -> tuple[list[tuple[int, int, int]], FlashPins, bool]:
    """Loads that a loader offers, the flash, and whether the loader ever said ``bad``."""
    dut = FlashLoader(net, list(net.populations), clock)
    flash, got, was_bad = FlashPins(images), [], False

    async def bench(ctx: object) -> None:
        nonlocal was_bad
        rng = np.random.default_rng(0)
        for _ in range(60_000):
            pins = flash.step(ctx.get(dut.cs), ctx.get(dut.sck), ctx.get(dut.copi))
            ctx.set(dut.cipo, pins)
            ready = int(not slow or rng.random() < 0.02)
            ctx.set(dut.load.ready, ready)
            if ctx.get(dut.load.valid) and ready:
                p = dut.load.payload
                got.append((ctx.get(p.population), ctx.get(p.address), ctx.get(p.data)))
            was_bad |= bool(ctx.get(dut.bad))
            if ctx.get(dut.done):
                return
            await ctx.tick()
        raise AssertionError("the loader is never done")

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return got, flash, was_bad


def expected(net: NetworkContract) -> list[tuple[int, int, int]]:
    mask = (1 << max(c.weight_width for c in net.populations.values())) - 1
    return [(p, a, v & mask) for p, a, v in loads(net).tolist()]


@pytest.mark.parametrize("clock", [1e6, 60e6])
@pytest.mark.parametrize("slow", [False, True])
def test_every_weight_is_offered_once_in_its_place(clock: float, slow: bool) -> None:
    net = lively()
    got, flash, was_bad = boot(net, [flash_image(net, net.populations)], clock, slow)
    assert got == expected(net)
    assert not was_bad
    assert flash.broken == ""
    assert not flash.asleep


def test_weights_of_two_bytes() -> None:
    net = network(3, 11)
    got, _, _ = boot(net, [flash_image(net, net.populations)])
    assert got == expected(net)
    assert min(v for _, _, v in loads(net).tolist()) == -1024


@pytest.mark.parametrize("at", [0, 3, 20, -1])
def test_a_wrong_image_is_read_again(at: int) -> None:
    net = lively()
    good = flash_image(net, net.populations)
    wrong = bytearray(good)
    wrong[at] ^= 0x10
    got, _, was_bad = boot(net, [bytes(wrong), good])
    assert was_bad
    assert got[len(got) // 2 :] == expected(net)


FLASH = """
static const uint8_t image[] = {@IMAGE@};
static int asleep = 1, last = 0, count = 0; static uint64_t word = 0; static uint8_t out = 0;
static inline void probe(Top* t, int64_t, int64_t clock) {
  if (clock < 0) { asleep = 1; last = count = 0; word = 0; return; }
  if (!t->flash_cs) { if (count == 8 && word == 0xAB) asleep = 0; last = count = 0; word = 0;
    return; }
  if (t->flash_clk && !last && count < 32) word = word << 1 | t->flash_copi;
  if (t->flash_clk && !last) ++count;
  if (!t->flash_clk && last && count >= 32 && !asleep && word == (0x03000000u | @OFFSET@u)) {
    const int at = count - 32;
    t->flash_cipo = at / 8 < (int)sizeof image ? image[at / 8] >> (7 - at % 8) & 1 : 1;
  }
  last = t->flash_clk;
}
"""


@pytest.mark.parametrize(("names", "lanes", "flaw"), [("ab", 2, False), ("b", 2, True)])
def test_a_network_that_boots_equals_the_contract(names: str, lanes: int, flaw: bool) -> None:
    net, stores = lively(), dict.fromkeys(names, Store.SPRAM)
    design = generate(net, "net", trace=True, lanes=lanes, stores=stores)
    top = BootedNetwork(net, 1e6, trace=True, lanes=lanes, stores=stores)
    booted = replace(
        design,
        verilog=to_verilog(top, "net", "boots from its flash"),
        manifest={**design.manifest, "load": None},
    )
    image = flash_image(net, stores)
    if flaw:
        image = flash_image(replace(net, connections=tuple(_flip(net))), stores)
    text = FLASH.replace("@IMAGE@", ", ".join(map(str, image))).replace("@OFFSET@", str(OFFSET))
    run = BulkRtl(booted, optimise=False, probe=text).run(inputs(net), backpressure=0.2)
    assert run.failure == ""
    wanted = run_contract(net, inputs(net))
    same = all((run.traces[k].v == t.v).all() for k, t in wanted.items())
    assert same is not flaw


def _flip(net: NetworkContract) -> list[object]:
    return [replace(c, weight=-1 - c.weight) if c.post == "b" else c for c in net.connections]
