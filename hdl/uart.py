"""A network behind a serial line, for boards.

One byte is one event, 8N1 at :data:`BAUD`. Towards the network, a byte below the number of
input lines is a spike of that line; ``0xFF`` ends the time step; other bytes are ignored.
Back comes a byte for each output spike, in ascending order, and ``0xFF`` at the end of each
step. A host that sends a step and waits for its ``0xFF`` can never lose an event; one that
does not wait has room for :data:`QUEUE` events in each direction. Where a population has more
lines than a byte can name, each event takes two bytes, the high one first, and ``0xFFFF`` ends
the step.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from ..golden.errors import InvalidValue, require
from ..golden.quantise import NetworkContract
from .boot import BootedNetwork
from .convolution import Kernels
from .lanes import Lanes
from .network import NetworkTop
from .weights import Store, Stores, stores_of

__all__ = ["BAUD", "QUEUE", "TICK", "Receiver", "SerialNetwork", "Transmitter"]

BAUD = 115_200
QUEUE = 512
TICK = 0xFF
MAX_LINES = 65_535

BOOT_MEMBERS = {
    **{name: Out(1) for name in ("flash_cs", "flash_clk", "flash_copi", "booted", "bad_image")},
    "flash_cipo": In(1),
}


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

    Parameters
    ----------
    clock
        Frequency that it runs at, hertz.
    lanes, stores
        As for :class:`~.network.NetworkTop`; with weights in SPRAM, a
        :class:`~.boot.BootedNetwork` takes its place.

    Members
    -------
    uart_rx : In(1)
    uart_tx : Out(1)
    passed : Out(1)
        An event goes into the network or comes out in this clock.
    last : Out(8)
        Address of the last spike that came out, its low bits.
    flash_cs, flash_clk, flash_copi, flash_cipo, booted, bad_image
        With weights in SPRAM: as for :class:`~.boot.BootedNetwork`.
    """

    def __init__(
        self,
        contract: NetworkContract,
        clock: float,
        baud: int = BAUD,
        lanes: Lanes = 1,
        stores: Stores = Store.AUTO,
        kernels: Kernels | None = None,
    ) -> None:
        inputs = list(contract.inputs)
        require(len(inputs) <= 1, "inputs", inputs, "one input, or none, behind a serial line")
        outputs = list(dict.fromkeys(contract.outputs))
        require(len(outputs) == 1, "outputs", outputs, "one output behind a serial line")
        for name in (*inputs, *outputs):
            n = contract.size(name)
            require(n <= MAX_LINES, f"{name}.n", n, f"at most {MAX_LINES} lines")
        self.contract = contract
        self.bytes = 1 if all(contract.size(k) <= TICK for k in (*inputs, *outputs)) else 2
        self.divisor = round(clock / baud)
        self.boots = Store.SPRAM in stores_of(contract, stores).values()
        for name in (kernels or {}) if self.boots else ():
            raise InvalidValue(f"kernels.{name}", "weights in SPRAM", "plain memory beside kernels")
        self.network: NetworkTop | BootedNetwork = (
            BootedNetwork(contract, clock, lanes=lanes, stores=stores)
            if self.boots
            else NetworkTop(contract, lanes=lanes, stores=stores, kernels=kernels)
        )
        super().__init__(
            {
                "uart_rx": In(1, init=1),
                "uart_tx": Out(1, init=1),
                "passed": Out(1),
                "last": Out(8),
                **(BOOT_MEMBERS if self.boots else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.network = net = self.network
        m.submodules.receiver = receiver = Receiver(self.divisor)
        m.submodules.transmitter = transmitter = Transmitter(self.divisor)
        into = f"in_{next(iter(net.input_names.values()))}"
        out = f"out_{net.population_names[self.contract.outputs[0]]}"
        m.d.comb += [receiver.line.eq(self.uart_rx), self.uart_tx.eq(transmitter.line)]
        self._inward(m, receiver.sink, into)
        self._outward(m, transmitter.source, out)
        valid, ready = getattr(net, f"{out}_valid"), getattr(net, f"{out}_ready")
        leaves = valid & ready
        m.d.comb += self.passed.eq(
            leaves | (getattr(net, f"{into}_valid") & getattr(net, f"{into}_ready"))
        )
        with m.If(leaves & ~getattr(net, f"{out}_tick")):
            m.d.sync += self.last.eq(getattr(net, f"{out}_address"))
        for name, member in BOOT_MEMBERS.items() if self.boots else ():
            mine, its = getattr(self, name), getattr(net, name)
            m.d.comb += mine.eq(its) if member.flow is Out else its.eq(mine)
        return m

    def _inward(self, m: Module, source: stream.Interface, port: str) -> None:
        """Bytes from the line as events for the network."""
        m.submodules.queue_in = queue = fifo.SyncFIFOBuffered(width=8 * self.bytes, depth=QUEUE)
        lines = next(iter(self.contract.inputs.values()), 0)
        m.d.comb += [queue.w_data.eq(source.payload), queue.w_en.eq(source.valid)]
        m.d.comb += source.ready.eq(queue.w_rdy)
        if self.bytes == 2:
            high, second = Signal(8, name="high_byte"), Signal(name="second_byte")
            m.d.comb += [
                queue.w_data.eq(Cat(source.payload, high)),
                queue.w_en.eq(source.valid & second),
                source.ready.eq(queue.w_rdy | ~second),
            ]
            with m.If(source.valid & source.ready):
                m.d.sync += [second.eq(~second), high.eq(source.payload)]
        tick, known = Signal(), Signal()
        end = (1 << (8 * self.bytes)) - 1
        m.d.comb += [
            tick.eq(queue.r_data == end),
            known.eq(tick | (queue.r_data < lines)),
            getattr(self.network, f"{port}_valid").eq(queue.r_rdy & known),
            getattr(self.network, f"{port}_tick").eq(tick),
            getattr(self.network, f"{port}_address").eq(Mux(tick, 0, queue.r_data)),
            queue.r_en.eq(getattr(self.network, f"{port}_ready") | ~known),
        ]

    def _outward(self, m: Module, sink: stream.Interface, port: str) -> None:
        """The network's events as bytes for the line."""
        m.submodules.queue_out = queue = fifo.SyncFIFOBuffered(width=8 * self.bytes, depth=QUEUE)
        end = (1 << (8 * self.bytes)) - 1
        tick = getattr(self.network, f"{port}_tick")
        m.d.comb += [
            queue.w_data.eq(Mux(tick, end, getattr(self.network, f"{port}_address"))),
            queue.w_en.eq(getattr(self.network, f"{port}_valid")),
            getattr(self.network, f"{port}_ready").eq(queue.w_rdy),
            sink.payload.eq(queue.r_data),
            sink.valid.eq(queue.r_rdy),
            queue.r_en.eq(sink.ready),
        ]
        if self.bytes == 2:
            second = Signal(name="second_byte")
            m.d.comb += [
                sink.payload.eq(Mux(second, queue.r_data[:8], queue.r_data[8:])),
                queue.r_en.eq(sink.ready & second),
            ]
            with m.If(sink.valid & sink.ready):
                m.d.sync += second.eq(~second)
