"""A network behind a serial line, for boards.

One byte is one event, 8N1 at :data:`BAUD`. Towards the network, a byte below the number of
input lines is a spike of that line; ``0xFF`` ends the time step; other bytes are ignored.
Back comes a byte for each output spike, in ascending order, and ``0xFF`` at the end of each
step. A host that sends a step and waits for its ``0xFF`` can never lose an event; one that
does not wait has :data:`QUEUE` bytes of room in each direction.
"""

from __future__ import annotations

from amaranth.hdl import Cat, ClockDomain, Module, Mux, Signal, unsigned
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from ..golden.errors import require
from ..golden.quantise import NetworkContract
from .lanes import Lanes
from .network import NetworkTop

__all__ = ["BAUD", "QUEUE", "TICK", "BoardTop", "Receiver", "SerialNetwork", "Transmitter"]

BAUD = 115_200
QUEUE = 512
TICK = 0xFF
MAX_LINES = 255


class Receiver(wiring.Component):
    """Serial line to bytes.

    Members
    -------
    line : In(1)
    sink : Out(stream.Signature(8))
        A byte that nobody takes before the next is complete is lost.
    """

    def __init__(self, divisor: int) -> None:
        require(divisor >= 4, "divisor", divisor, "at least 4 clocks a bit")
        self.divisor = divisor
        super().__init__({"line": In(1, init=1), "sink": Out(stream.Signature(unsigned(8)))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        level = Signal(init=1)
        m.submodules.synchroniser = FFSynchronizer(self.line, level, init=1)
        count = Signal(range(self.divisor))
        # Bits still to sample: 10 in the start bit, 1 in the stop bit, 0 on an idle line.
        bits = Signal(range(11))
        shift = Signal(8)
        with m.If(self.sink.ready):
            m.d.sync += self.sink.valid.eq(0)
        with m.If(bits == 0), m.If(~level):
            m.d.sync += [bits.eq(10), count.eq(self.divisor // 2 - 1)]
        with m.Elif(count != 0):
            m.d.sync += count.eq(count - 1)
        with m.Else():
            m.d.sync += [bits.eq(bits - 1), count.eq(self.divisor - 1)]
            with m.If((bits == 10) & level):
                # A start bit that is over by its middle was noise.
                m.d.sync += bits.eq(0)
            with m.If((bits == 1) & level):
                # Without the stop bit the byte is noise.
                m.d.sync += [self.sink.payload.eq(shift), self.sink.valid.eq(1)]
            with m.If(bits != 1):
                m.d.sync += shift.eq(Cat(shift[1:], level))
        return m


class Transmitter(wiring.Component):
    """Bytes to serial line.

    Members
    -------
    source : In(stream.Signature(8))
    line : Out(1)
    """

    def __init__(self, divisor: int) -> None:
        require(divisor >= 4, "divisor", divisor, "at least 4 clocks a bit")
        self.divisor = divisor
        super().__init__({"source": In(stream.Signature(unsigned(8))), "line": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = Signal(range(self.divisor))
        bits = Signal(range(11))
        shift = Signal(9, init=0x1FF)
        m.d.comb += [self.line.eq(shift[0]), self.source.ready.eq(bits == 0)]
        with m.If(bits == 0), m.If(self.source.valid):
            m.d.sync += [
                shift.eq(Cat(0, self.source.payload)),
                bits.eq(10),
                count.eq(self.divisor - 1),
            ]
        with m.Elif(count != 0):
            m.d.sync += count.eq(count - 1)
        with m.Else():
            m.d.sync += [
                shift.eq(Cat(shift[1:], 1)),
                bits.eq(bits - 1),
                count.eq(self.divisor - 1),
            ]
        return m


class SerialNetwork(wiring.Component):
    """A network with one input and one output behind a serial line.

    Members
    -------
    uart_rx : In(1)
    uart_tx : Out(1)
    """

    def __init__(
        self, contract: NetworkContract, clock: float, baud: int = BAUD, lanes: Lanes = 1
    ) -> None:
        inputs = list(contract.inputs)
        require(len(inputs) <= 1, "inputs", inputs, "one input, or none, behind a serial line")
        outputs = list(dict.fromkeys(contract.outputs))
        require(len(outputs) == 1, "outputs", outputs, "one output behind a serial line")
        for name in (*inputs, *outputs):
            n = contract.size(name)
            require(n <= MAX_LINES, f"{name}.n", n, f"at most {MAX_LINES} lines")
        self.contract = contract
        self.lanes = lanes
        self.divisor = round(clock / baud)
        super().__init__({"uart_rx": In(1, init=1), "uart_tx": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.network = net = NetworkTop(self.contract, lanes=self.lanes)
        m.submodules.receiver = receiver = Receiver(self.divisor)
        m.submodules.transmitter = transmitter = Transmitter(self.divisor)
        m.submodules.queue_in = inward = fifo.SyncFIFOBuffered(width=8, depth=QUEUE)
        m.submodules.queue_out = outward = fifo.SyncFIFOBuffered(width=8, depth=QUEUE)
        into = f"in_{next(iter(net.input_names.values()))}"
        out = f"out_{net.population_names[self.contract.outputs[0]]}"
        lines = next(iter(self.contract.inputs.values()), 0)
        tick = Signal()
        known = Signal()
        out_tick = getattr(net, f"{out}_tick")
        m.d.comb += [
            receiver.line.eq(self.uart_rx),
            inward.w_data.eq(receiver.sink.payload),
            inward.w_en.eq(receiver.sink.valid),
            receiver.sink.ready.eq(inward.w_rdy),
            tick.eq(inward.r_data == TICK),
            known.eq(tick | (inward.r_data < lines)),
            getattr(net, f"{into}_valid").eq(inward.r_rdy & known),
            getattr(net, f"{into}_tick").eq(tick),
            getattr(net, f"{into}_address").eq(Mux(tick, 0, inward.r_data)),
            inward.r_en.eq(getattr(net, f"{into}_ready") | ~known),
            outward.w_data.eq(Mux(out_tick, TICK, getattr(net, f"{out}_address"))),
            outward.w_en.eq(getattr(net, f"{out}_valid")),
            getattr(net, f"{out}_ready").eq(outward.w_rdy),
            transmitter.source.payload.eq(outward.r_data),
            transmitter.source.valid.eq(outward.r_rdy),
            outward.r_en.eq(transmitter.source.ready),
            self.uart_tx.eq(transmitter.line),
        ]
        return m


class BoardTop(wiring.Component):
    """A :class:`SerialNetwork` with the board's clock and a reset at power-on.

    Members
    -------
    clk : In(1)
    uart_rx : In(1)
    uart_tx : Out(1)
    """

    def __init__(
        self, contract: NetworkContract, clock: float, baud: int = BAUD, lanes: Lanes = 1
    ) -> None:
        self.serial = SerialNetwork(contract, clock, baud, lanes)
        super().__init__({"clk": In(1), "uart_rx": In(1, init=1), "uart_tx": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.start = start = ClockDomain("start", reset_less=True, local=True)
        m.domains.sync = sync = ClockDomain("sync", local=True)
        m.submodules.serial = self.serial
        # Block RAM of iCE40 answers rightly only some clocks after configuration.
        count = Signal(8)
        with m.If(count != 255):
            m.d.start += count.eq(count + 1)
        m.d.comb += [
            start.clk.eq(self.clk),
            sync.clk.eq(self.clk),
            sync.rst.eq(count != 255),
            self.serial.uart_rx.eq(self.uart_rx),
            self.uart_tx.eq(self.serial.uart_tx),
        ]
        return m
