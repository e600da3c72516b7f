"""A network on a board: clock, reset, serial line, lights, and the flash with its weights.

Lights, as far as the board has them: the first blinks once a second (steady while weights are
loaded, which takes a moment); the second shows that events pass (steady while an image of weights
is wrong); the others show the lowest bits of the last output spike's address.
"""

from __future__ import annotations

from amaranth.hdl import Cat, ClockDomain, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from ..golden.errors import InvalidValue, require
from ..golden.quantise import NetworkContract
from .boards import Board
from .convolution import Kernels
from .fixed import named
from .host import HostTop
from .lanes import Lanes
from .pll import find_pll, pll_block
from .uart import BAUD, SerialNetwork
from .weights import Store, Stores, stores_of

__all__ = ["BoardTop", "check_choices"]

SETTLE = 255
"""Clocks of reset after power-up: block RAM of iCE40 answers rightly only some clocks later."""


def check_choices(
    contract: NetworkContract, board: Board, clock: float | None, stores: Stores
) -> None:
    """Refuse a clock that the board's PLL cannot make, and SPRAM where there is none."""
    find_pll(board.family, board.clock, clock or board.clock)
    spram = Store.SPRAM in stores_of(contract, stores).values()
    if spram and (board.family != "ice40" or not board.memory):
        raise InvalidValue("store", "spram", f"what {board.name} has: no SPRAM")


class BoardTop(wiring.Component):
    """A network behind its serial line, with everything that a board needs.

    Parameters
    ----------
    clock
        Frequency that the network runs at, hertz; the board's own unless given.
    framed
        Whether the line carries checked frames, see :class:`~.host.HostTop`, by which weights
        in SPRAM then come; else plain bytes, see :class:`~.uart.SerialNetwork`.

    Attributes
    ----------
    pins
        Package pin of each port.
    frequency
        What the clock then is, hertz.

    Members
    -------
    clk : In(1)
    uart_rx : In(1)
    uart_tx : Out(1)
    button : In(1)
        Where the board has one: resets the network.
    led_0, ... : Out(1)
    flash_cs, flash_clk, flash_copi : Out(1), flash_cipo : In(1)
        With weights in SPRAM.
    """

    def __init__(
        self,
        contract: NetworkContract,
        board: Board,
        clock: float | None = None,
        *,
        baud: int = BAUD,
        lanes: Lanes = 1,
        stores: Stores = Store.AUTO,
        kernels: Kernels | None = None,
        framed: bool = False,
    ) -> None:
        check_choices(contract, board, clock, stores)
        require(not (framed and kernels), "framed", framed, "no kernels behind checked frames")
        self.board = board
        self.pll = find_pll(board.family, board.clock, clock or board.clock)
        self.frequency = board.clock if self.pll is None else self.pll.frequency
        self.serial: SerialNetwork | HostTop
        if framed:
            divisor = round(self.frequency / baud)
            self.serial = HostTop(contract, divisor=divisor, lanes=lanes, stores=stores)
        else:
            self.serial = SerialNetwork(contract, self.frequency, baud, lanes, stores, kernels)
        self.pins = dict(board.pins)
        members = {"clk": In(1), "uart_rx": In(1, init=1), "uart_tx": Out(1, init=1)}
        if board.button is not None:
            members["button"] = In(1, init=int(board.button.inverted))
            self.pins["button"] = board.button.name
        for k, led in enumerate(board.leds):
            members[f"led_{k}"] = Out(1)
            self.pins[f"led_{k}"] = led.name
        if self.serial.boots:
            for part in ("cs", "clk", "copi", "cipo"):
                members[f"flash_{part}"] = In(1) if part == "cipo" else Out(1)
                self.pins[f"flash_{part}"] = board.memory[part]
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.start = start = ClockDomain("start", reset_less=True, local=True)
        m.domains.sync = sync = ClockDomain("sync", local=True)
        m.submodules.serial = serial = self.serial
        steady: Value | None = None
        if self.pll is None:
            m.d.comb += [start.clk.eq(self.clk), sync.clk.eq(self.clk)]
        else:
            made, steady = pll_block(m, self.pll, self.clk)
            m.d.comb += [start.clk.eq(made), sync.clk.eq(made)]
        m.d.comb += [
            sync.rst.eq(self._reset(m, steady)),
            serial.uart_rx.eq(self.uart_rx),
            self.uart_tx.eq(serial.uart_tx),
        ]
        if serial.boots:
            m.d.comb += [
                self.flash_cs.eq(~serial.flash_cs),  # low chooses the chip
                self.flash_clk.eq(serial.flash_clk),
                self.flash_copi.eq(serial.flash_copi),
                serial.flash_cipo.eq(self.flash_cipo),
            ]
        if self.board.leds:
            self._lights(m)
        return m

    def _reset(self, m: Module, steady: Value | None) -> Value:
        """From power-up, and from the button, until the clock is steady and some time more."""
        count = Signal(range(SETTLE + 1), name="count")
        with m.If(count != SETTLE):
            m.d.start += count.eq(count + 1)
        if steady is not None:
            m.submodules.steadiness = FFSynchronizer(
                steady, late := Signal(name="steady"), o_domain="start"
            )
            with m.If(~late):
                m.d.start += count.eq(0)
        if self.board.button is not None:
            pressed = self.button ^ int(self.board.button.inverted)
            m.submodules.press = FFSynchronizer(
                pressed, held := Signal(name="pressed"), o_domain="start"
            )
            with m.If(held):
                m.d.start += count.eq(0)
        return named(m, "settling", count != SETTLE)

    def _lights(self, m: Module) -> None:
        serial = self.serial
        bits = max(5, (int(self.frequency) - 1).bit_length())
        clocks = Signal(bits, name="clocks")
        seen, shown = Signal(name="seen"), Signal(name="shown")
        m.d.sync += clocks.eq(clocks + 1)
        m.d.sync += seen.eq(seen | serial.passed)
        with m.If(clocks[: bits - 4] == 0):
            m.d.sync += [seen.eq(serial.passed), shown.eq(seen)]
        beat, active = clocks[-1], shown
        if serial.boots:
            beat = Mux(serial.booted, beat, 1)
            active = Mux(serial.bad_image, 1, active)
        lights = Cat(beat, active, serial.last)
        for k, led in enumerate(self.board.leds):
            m.d.comb += getattr(self, f"led_{k}").eq(lights[k] ^ int(led.inverted))
