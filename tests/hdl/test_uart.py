"""A network behind its serial line, bit by bit at the pins."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator

from lifstone.case import contract_of
from lifstone.golden import (
    Connection,
    InvalidValue,
    Lif,
    Network,
    NetworkContract,
    Widths,
    quantise,
    run_contract,
)
from lifstone.hdl.board_top import BoardTop
from lifstone.hdl.boards import Board
from lifstone.hdl.uart import BAUD, TICK, Receiver, SerialNetwork, Transmitter
from lifstone.sim.digits import encode, load_digits
from lifstone.sim.nir_read import read_nir
from tests.hdl.contracts import lively

DIGITS = Path(__file__).resolve().parents[2] / "lifstone" / "data" / "digits.nir"


class Host:
    """The far end of the line: sends and collects bytes, 8N1, by the clock of the design."""

    def __init__(self, to_pin: Signal, from_pin: Signal, bit: int) -> None:
        self.to_pin, self.from_pin, self.bit = to_pin, from_pin, bit
        self.got: list[int] = []

    async def send(self, ctx: object, byte: int) -> None:
        for level in (0, *(byte >> k & 1 for k in range(8)), 1):
            ctx.set(self.to_pin, level)
            await ctx.tick().repeat(self.bit)

    @staticmethod
    async def wait(ctx: object, clocks: int) -> None:
        for _ in range(clocks):
            await ctx.tick()

    async def receive(self, ctx: object) -> None:
        """A process: samples each bit in its middle and checks start and stop."""
        while True:
            while ctx.get(self.from_pin):
                await ctx.tick()
            await self.wait(ctx, self.bit // 2)
            assert not ctx.get(self.from_pin), "a start bit that is too short"
            byte = 0
            for k in range(8):
                await self.wait(ctx, self.bit)
                byte |= ctx.get(self.from_pin) << k
            await self.wait(ctx, self.bit)
            assert ctx.get(self.from_pin), "no stop bit"
            self.got.append(byte)
            await self.wait(ctx, self.bit - self.bit // 2 - 1)


def feed(spikes: np.ndarray, size: int = 1) -> list[list[int]]:
    """Bytes of each step, ``size`` an event."""
    tick = (1 << (8 * size)) - 1
    events = [[*np.flatnonzero(row).tolist(), tick] for row in spikes]
    return [[b for e in step for b in e.to_bytes(size, "big")] for step in events]


def play(
    contract: NetworkContract, spikes: np.ndarray, bit: int, *, wait: bool, size: int = 1
) -> list[int]:
    """Bytes that come back; with ``wait`` the host waits for each step's tick."""
    dut = SerialNetwork(contract, clock=bit * BAUD)
    host = Host(dut.uart_rx, dut.uart_tx, bit)
    steps = feed(spikes, size)

    async def bench(ctx: object) -> None:
        for k, step in enumerate(steps):
            for byte in step:
                await host.send(ctx, byte)
            limit = 40_000
            while host.got.count(TICK) < size * (k + 1 if wait or k + 1 == len(steps) else 0):
                await ctx.tick()
                limit -= 1
                assert limit, f"no answer to step {k}"

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.add_testbench(host.receive, background=True)
    simulator.run()
    return host.got


def expected(contract: NetworkContract, spikes: np.ndarray, size: int = 1) -> list[int]:
    name = next(iter(contract.inputs))
    out = run_contract(contract, {name: spikes})[contract.outputs[0]]
    return [byte for step in feed(out.spikes, size) for byte in step]


@pytest.mark.parametrize(("seed", "bit", "wait"), [(1, 4, True), (3, 9, False), (5, 5, False)])
def test_a_small_network_answers_as_the_contract(seed: int, bit: int, wait: bool) -> None:
    contract = lively(seed)
    n = next(iter(contract.inputs.values()))
    spikes = np.random.default_rng(seed).random((12, n)) < 0.5
    answer = expected(contract, spikes)
    assert len(answer) > 12, "no spike would prove little"
    assert play(contract, spikes, bit, wait=wait) == answer


@pytest.mark.parametrize(("n_in", "n_out"), [(300, 3), (2, 260)])
def test_more_lines_than_a_byte_names_take_two(n_in: int, n_out: int) -> None:
    weight = np.zeros((n_out, n_in))
    weight[-3:, -1] = 9.0
    p = Lif(tau_mem=5e-3, v_th=1.0, n=n_out)
    net = Network(1e-3, {"x": n_in}, {"p": p}, (Connection("x", "p", weight),), ("p",))
    contract = quantise(net).contract
    spikes = np.random.default_rng(4).random((3, n_in)) < 0.1
    spikes[:, -1] = (True, False, False)
    answer = expected(contract, spikes, 2)
    assert len(answer) == 2 * (3 + 3), "three spikes and three ticks"
    assert play(contract, spikes, 4, wait=False, size=2) == answer


def test_a_digit_over_the_line_gives_the_spikes_of_the_contract() -> None:
    contract = contract_of(read_nir(DIGITS).network, Widths()).contract
    spikes = encode(load_digits().test_images[:1])[:5, 0]
    answer = expected(contract, spikes)
    assert len(answer) > 5
    assert play(contract, spikes, 4, wait=False) == answer


def test_bytes_that_mean_nothing_are_ignored() -> None:
    contract = lively(1)
    n = next(iter(contract.inputs.values()))
    dut = SerialNetwork(contract, clock=4 * BAUD)
    host = Host(dut.uart_rx, dut.uart_tx, 4)

    async def bench(ctx: object) -> None:
        for byte in (n, 0, 0xFE, TICK, 100, TICK):
            await host.send(ctx, byte)
        await ctx.tick().repeat(600)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.add_testbench(host.receive, background=True)
    simulator.run()
    spikes = np.zeros((2, n), dtype=bool)
    spikes[0, 0] = True
    assert host.got == expected(contract, spikes)


def test_a_network_without_input_is_paced_by_ticks() -> None:
    p = Lif(tau_mem=5e-3, v_th=1.0, n=3)
    net = Network(1e-3, {}, {"p": p}, (), ("p",), {"p": np.array([1.2, 2.0, 3.0])})
    contract = quantise(net).contract
    out = run_contract(contract, {}, 10)["p"].spikes
    assert out.any()
    answer = [byte for step in feed(out) for byte in step]
    assert play(contract, np.zeros((10, 0), dtype=bool), 4, wait=False) == answer


def listen(divisor: int, drive: Callable[[object, Signal], object], clocks: int = 400) -> list[int]:
    """Bytes that the receiver hands on while ``drive`` moves the line."""
    dut = Receiver(divisor)
    got: list[int] = []

    async def take(ctx: object) -> None:
        ctx.set(dut.sink.ready, 1)
        while True:
            if ctx.get(dut.sink.valid):
                got.append(ctx.get(dut.sink.payload))
            await ctx.tick()

    async def bench(ctx: object) -> None:
        await drive(ctx, dut.line)  # type: ignore[misc]
        await ctx.tick().repeat(clocks)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.add_testbench(take, background=True)
    simulator.run()
    return got


@pytest.mark.parametrize("divisor", [4, 7, 104])
def test_every_byte_arrives_back_to_back(divisor: int) -> None:
    words = [0x00, 0xFF, 0x55, 0xAA, 0x01, 0x80]

    async def drive(ctx: object, line: Signal) -> None:
        host = Host(line, line, divisor)
        for byte in words:
            await host.send(ctx, byte)

    assert listen(divisor, drive) == words


@pytest.mark.parametrize("off", [-3, 3])
def test_a_clock_three_percent_off_is_followed(off: int) -> None:
    async def drive(ctx: object, line: Signal) -> None:
        host = Host(line, line, 100 + off)
        for byte in (0x00, 0xFF, 0xA5):
            await host.send(ctx, byte)

    assert listen(100, drive) == [0x00, 0xFF, 0xA5]


def test_a_glitch_is_no_byte() -> None:
    async def drive(ctx: object, line: Signal) -> None:
        for clocks in (1, 3, 7):
            ctx.set(line, 0)
            await ctx.tick().repeat(clocks)
            ctx.set(line, 1)
            await ctx.tick().repeat(200)
        await Host(line, line, 16).send(ctx, 0x42)

    assert listen(16, drive) == [0x42]


def test_a_byte_without_stop_bit_is_dropped() -> None:
    async def drive(ctx: object, line: Signal) -> None:
        for level in (0, *([1] * 8), 0):
            ctx.set(line, level)
            await ctx.tick().repeat(16)
        ctx.set(line, 1)
        await ctx.tick().repeat(400)
        await Host(line, line, 16).send(ctx, 0x42)

    assert listen(16, drive) == [0x42]


@pytest.mark.parametrize("divisor", [4, 104])
def test_the_transmitter_sends_8n1(divisor: int) -> None:
    dut = Transmitter(divisor)
    host = Host(dut.line, dut.line, divisor)

    async def bench(ctx: object) -> None:
        assert ctx.get(dut.line) == 1
        for byte in (0x00, 0xFF, 0x96):
            ctx.set(dut.source.payload, byte)
            ctx.set(dut.source.valid, 1)
            await ctx.tick().until(dut.source.ready)
        ctx.set(dut.source.valid, 0)
        await ctx.tick().repeat(12 * divisor)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.add_testbench(host.receive, background=True)
    simulator.run()
    assert host.got == [0x00, 0xFF, 0x96]


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_too_few_clocks_a_bit_are_refused() -> None:
    for kind in (Receiver, Transmitter):
        with pytest.raises(InvalidValue, match="divisor = 3"):
            kind(3)
    gc.collect()


def wide(n_in: int, n_out: int, inputs: int = 1, outputs: int = 1) -> NetworkContract:
    names = [f"x{k}" for k in range(inputs)]
    populations = {f"p{k}": Lif(tau_mem=5e-3, v_th=1.0, n=n_out) for k in range(outputs)}
    connections = tuple(
        Connection(a, b, np.ones((n_out, n_in))) for a in names for b in populations
    )
    sizes = dict.fromkeys(names, n_in)
    return quantise(Network(1e-3, sizes, populations, connections, tuple(populations))).contract


@pytest.mark.parametrize(
    ("contract", "message"),
    [
        (wide(2, 2, inputs=2), "inputs = .*one input"),
        (wide(2, 2, outputs=2), "outputs = .*one output"),
        (wide(65_536, 1), r"x0\.n = 65536: allowed is at most 65535 lines"),
    ],
)
@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_what_two_bytes_cannot_carry_is_refused(contract: NetworkContract, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        SerialNetwork(contract, 12e6)
    gc.collect()


PLAIN = Board("plain", "ice40", "none", "none", 4 * BAUD, dict.fromkeys(("clk",), "1"), "")
"""A board with a clock and a serial line alone."""


class Bench:
    """A board's clock and serial line, moved by hand; bits of four clocks."""

    BIT = 4

    def __init__(self, contract: NetworkContract, board: Board = PLAIN) -> None:
        self.dut = BoardTop(contract, board)
        self.tx: list[int] = []

    async def clock(self, ctx: object, count: int) -> None:
        for _ in range(count):
            ctx.set(self.dut.clk, 1)
            await ctx.delay(1e-7)
            ctx.set(self.dut.clk, 0)
            await ctx.delay(1e-7)
            self.tx.append(ctx.get(self.dut.uart_tx))

    async def send(self, ctx: object, byte: int) -> None:
        for level in (0, *(byte >> k & 1 for k in range(8)), 1):
            ctx.set(self.dut.uart_rx, level)
            await self.clock(ctx, self.BIT)

    def bytes(self) -> list[int]:
        out, k = [], 0
        while k < len(self.tx):
            if self.tx[k]:
                k += 1
                continue
            bits = self.tx[k + self.BIT // 2 :: self.BIT][:10]
            assert (bits[0], bits[9]) == (0, 1)
            out.append(sum(b << j for j, b in enumerate(bits[1:9])))
            k += 10 * self.BIT - 1
        return out


def test_the_board_holds_the_network_in_reset_after_power_on() -> None:
    contract = lively(1)
    board = Bench(contract)
    spikes = np.random.default_rng(1).random((5, next(iter(contract.inputs.values())))) < 0.6
    steps = feed(spikes)

    async def bench(ctx: object) -> None:
        ctx.set(board.dut.uart_rx, 1)
        for _ in range(6):
            await board.send(ctx, TICK)
        assert len(board.tx) == 240
        await board.clock(ctx, 14)
        # 254 edges in: one more byte would still begin in the reset and be lost.
        assert board.bytes() == []
        await board.clock(ctx, 6)
        for step in steps:
            for byte in step:
                await board.send(ctx, byte)
        await board.clock(ctx, 4000)

    simulator = Simulator(board.dut)
    simulator.add_testbench(bench)
    simulator.run()
    assert board.bytes() == expected(contract, spikes)
    assert all(board.tx[:260]), "the line idles high, or the host sees a byte that is none"


def test_a_reset_makes_used_memories_as_new() -> None:
    contract = lively(3)
    dut = SerialNetwork(contract, clock=4 * BAUD)
    host = Host(dut.uart_rx, dut.uart_tx, 4)
    n = next(iter(contract.inputs.values()))
    spikes = np.random.default_rng(2).random((6, n)) < 0.6
    reset = Signal()

    async def once(ctx: object) -> None:
        for step in feed(spikes):
            for byte in step:
                await host.send(ctx, byte)
        await ctx.tick().repeat(4000)

    async def bench(ctx: object) -> None:
        await once(ctx)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        await once(ctx)

    simulator = Simulator(ResetInserter(reset)(dut))
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.add_testbench(host.receive, background=True)
    simulator.run()
    answer = expected(contract, spikes)
    assert len(answer) > 6
    assert host.got == answer * 2
