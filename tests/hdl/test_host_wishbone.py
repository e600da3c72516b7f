"""A network on a Wishbone bus, access by access; and the generated text of every host."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
from amaranth.sim import Simulator

from lifstone.golden import InvalidValue, NetworkContract, run_contract
from lifstone.hdl import contract_hash
from lifstone.hdl.board_top import BoardTop
from lifstone.hdl.boards import find_board
from lifstone.hdl.host import BusTop, host_verilog
from lifstone.hdl.host.frames import QUEUE
from lifstone.hdl.host.wishbone import MAGIC, Register
from lifstone.hdl.lint import waiver_file
from lifstone.hdl.spram import SPRAM_MODEL
from lifstone.hdl.verilog import to_verilog
from lifstone.hdl.weights import loads
from tests.hdl.contracts import lively
from tests.hdl.test_verilog import lint
from tests.networks import random_quantised
from tests.sim.test_host import mirrored

ERR = -1


class Bus:
    """A bus master."""

    def __init__(self, ctx: object, dut: BusTop) -> None:
        self.ctx, self.dut = ctx, dut

    async def access(self, at: int, value: int | None = None) -> int:
        """Read, or write ``value``; what was read, 0, or ``ERR``."""
        ctx, d = self.ctx, self.dut
        for signal, level in (
            (d.wb_cyc, 1),
            (d.wb_stb, 1),
            (d.wb_we, value is not None),
            (d.wb_adr, at),
            (d.wb_dat_w, value or 0),
        ):
            ctx.set(signal, level)
        clock = ctx.tick().sample(d.wb_ack, d.wb_err, d.wb_dat_r)
        ack, err, read = await clock.until(d.wb_ack | d.wb_err)
        assert ack + err == 1
        out = ERR if err else read * (value is None)
        ctx.set(d.wb_cyc, 0)
        ctx.set(d.wb_stb, 0)
        await ctx.tick()
        return out

    async def run(self, rows: np.ndarray, outputs: int) -> np.ndarray:
        """Send a stimulus step by step; the spikes that come back."""
        out = np.zeros((len(rows), outputs), dtype=bool)
        for k, row in enumerate(rows):
            for line in (*np.flatnonzero(row), 1 << 16):
                assert await self.access(Register.EVENT, int(line)) == 0
            while True:
                word = await self.access(Register.SPIKE)
                if word >> 31 == 0:
                    continue
                if word >> 16 & 1:
                    break
                out[k, word & 0xFFFF] = True
        return out


def drive(contract: NetworkContract, bench: Callable[[Bus], Awaitable[None]]) -> None:
    dut = BusTop(contract)

    async def process(ctx: object) -> None:
        await bench(Bus(ctx, dut))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(process)
    simulator.run()


def test_the_bus_runs_and_loads_a_network() -> None:
    contract = lively(1)
    other = mirrored(contract)
    rows = (np.random.default_rng(1).random((12, 5)) < 0.5).astype(np.uint8)
    wanted = [run_contract(c, {"x": rows})["b"].spikes for c in (contract, other)]
    assert (wanted[0] != wanted[1]).any()

    async def bench(bus: Bus) -> None:
        assert await bus.access(Register.MAGIC) == MAGIC
        assert await bus.access(Register.LINES) == 5 << 16 | 3
        digest = [await bus.access(Register.HASH + k) for k in range(8)]
        assert "".join(f"{w:08x}" for w in digest) == contract_hash(contract)
        np.testing.assert_array_equal(await bus.run(rows, 3), wanted[0])
        for population, address, weight in loads(other):
            assert await bus.access(Register.PLACE, int(population) << 24 | int(address)) == 0
            assert await bus.access(Register.WEIGHT, int(weight) & 0xFFFFFFFF) == 0
        assert await bus.access(Register.PLACE) == (int(population) << 24) + int(address) + 1
        assert await bus.access(Register.CONTROL, 1) == 0
        np.testing.assert_array_equal(await bus.run(rows, 3), wanted[1])
        assert await bus.access(Register.TICKS_IN) == await bus.access(Register.TICKS_OUT) == 24
        assert await bus.access(Register.SPIKES_IN) == 2 * rows.sum()
        assert await bus.access(Register.SPIKES_OUT) == sum(w.sum() for w in wanted)

    drive(contract, bench)


def test_what_is_not_there_answers_an_error_and_changes_nothing() -> None:
    async def bench(bus: Bus) -> None:
        assert await bus.access(12) == ERR
        assert await bus.access(31) == ERR
        for register in (Register.MAGIC, Register.SPIKE, Register.HASH, Register.TICKS_IN):
            assert await bus.access(register, 1) == ERR
        assert await bus.access(Register.EVENT, 5) == ERR
        assert await bus.access(Register.PLACE, 2 << 24) == 0
        assert await bus.access(Register.WEIGHT, 1) == ERR
        assert await bus.access(Register.PLACE, 32) == 0
        assert await bus.access(Register.WEIGHT, 1) == ERR
        assert await bus.access(Register.SPIKE) == 0
        assert await bus.access(Register.STATUS) == QUEUE << 16
        for count in (Register.TICKS_IN, Register.SPIKES_IN):
            assert await bus.access(count) == 0
        # Without a reader both queues fill; then no event is taken.
        sent = 0
        while await bus.access(Register.EVENT, 1 << 16) == 0:
            sent += 1
        assert QUEUE < sent < 3 * QUEUE
        got = 0
        while (await bus.access(Register.SPIKE)) >> 31 or got < sent:
            got += 1
        assert got == sent

    drive(lively(1), bench)


@pytest.mark.parametrize("link", ["uart", "spi", "wishbone"])
def test_strict_lint_is_silent(link: str, tmp_path: Path) -> None:
    for contract in (lively(), random_quantised(2, inputs=2).contract):
        text = host_verilog(contract, link, "net", lanes={"a": 2} if contract.inputs else 1)
        assert f"sha256 {contract_hash(contract)}" in text
        (tmp_path / "net.v").write_text(text, encoding="utf-8")
        (tmp_path / "net.vlt").write_text(waiver_file("net.v"), encoding="utf-8")
        assert lint(tmp_path, "net.vlt") == []


def test_a_framed_board_passes_lint_and_knows_that_spram_is_empty(tmp_path: Path) -> None:
    board = find_board("icebreaker")
    for store, whole in (("auto", 1), ("spram", 0)):
        top = BoardTop(lively(), board, stores={"a": store}, framed=True)
        text = to_verilog(top, "net", "framed")
        assert f"reg sealed = 1'h{whole};" in text
        assert text.count("SB_SPRAM256KA") == (1 - whole)
        (tmp_path / "net.v").write_text(text + SPRAM_MODEL * (1 - whole), encoding="utf-8")
        (tmp_path / "net.vlt").write_text(waiver_file("net.v"), encoding="utf-8")
        assert lint(tmp_path, "net.vlt") == []


def test_an_unknown_link_is_refused() -> None:
    with pytest.raises(InvalidValue, match="link = 'usb': allowed is uart, spi, wishbone"):
        host_verilog(lively(), "usb")
