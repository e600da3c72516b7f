"""A network with one queue of event words in and one out, for whatever host there is.

All inputs share one range of addresses, in the order of the contract, and so do all outputs;
:data:`~.frames.TICK` ends the step of all of them.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, ResetInserter, Signal, Value, unsigned
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.quantise import NetworkContract
from ..aer import Merge, event_stream
from ..fixed import named
from ..lanes import Lanes
from ..network import NetworkTop
from ..weights import Store, Stores, address_bits, load_stream
from .frames import QUEUE, TICK, Identity

__all__ = ["COUNTED", "NetworkPort", "weight_places"]


def weight_places(m: Module, identity: Identity, population: Value) -> tuple[Signal, Signal]:
    """Bytes of a weight, and places of weights, of a population; 0 where there is none."""
    size, places = Signal(3, name="weight_bytes"), Signal(25, name="places")
    with m.Switch(population):
        for k, p in enumerate(identity.populations):
            if p.rows == 0:
                continue
            with m.Case(k):
                stride = 1 << address_bits(p.n, 1) - 1
                m.d.comb += [size.eq(p.weight_bytes), places.eq(p.rows * stride)]
    return size, places


LEVEL = range(QUEUE + 1)
COUNTED = ("ticks_in", "spikes_in", "ticks_out", "spikes_out")


class NetworkPort(wiring.Component):
    """The network, its queues and its counters.

    Parameters
    ----------
    contract, lanes, stores
        As for :class:`~..network.NetworkTop`; all weights can be loaded.

    Members
    -------
    words : In(stream of 16 bits)
        Events for the inputs; an address that no input has is taken and ignored.
    room : Out
        Words that the queue still takes.
    answers : Out(stream of 16 bits)
        Events of the outputs.
    level : Out
        Words that wait in its queue.
    load : In(load_stream(contract))
        Weights; see :mod:`~..weights`.
    clear : In(1)
        States and queues as after power-up, counters and weights not.
    ticks_in, spikes_in, ticks_out, spikes_out : Out(32)
        Events that passed the queues; they wrap.
    """

    def __init__(
        self, contract: NetworkContract, lanes: Lanes = 1, stores: Stores = Store.AUTO
    ) -> None:
        self.contract = contract
        self.network = NetworkTop(contract, lanes=lanes, stores=stores, loadable=True)
        super().__init__(
            {
                "words": In(stream.Signature(unsigned(16))),
                "room": Out(LEVEL),
                "answers": Out(stream.Signature(unsigned(16))),
                "level": Out(LEVEL),
                "load": In(load_stream(contract)),
                "clear": In(1),
                **{name: Out(32) for name in COUNTED},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        clears = ResetInserter(self.clear)
        m.submodules.network = clears(self.network)
        m.submodules.queue_in = inward = clears(fifo.SyncFIFOBuffered(width=16, depth=QUEUE))
        m.submodules.queue_out = outward = clears(fifo.SyncFIFOBuffered(width=16, depth=QUEUE))
        net, load = self.network, self.load
        m.d.comb += [
            inward.w_data.eq(self.words.payload),
            inward.w_en.eq(self.words.valid),
            self.words.ready.eq(inward.w_rdy),
            self.room.eq(QUEUE - inward.level),
            self.answers.payload.eq(outward.r_data),
            self.answers.valid.eq(outward.r_rdy),
            outward.r_en.eq(self.answers.ready),
            self.level.eq(outward.level),
            net.load_valid.eq(load.valid),
            load.ready.eq(net.load_ready),
        ]
        for field in ("population", "address", "data"):
            m.d.comb += getattr(net, f"load_{field}").eq(getattr(load.payload, field))
        self._inputs(m, inward)
        self._outputs(m, outward, clears)
        self._counters(m, inward, outward)
        return m

    def _inputs(self, m: Module, inward: fifo.SyncFIFOBuffered) -> None:
        """A spike goes to the input that has its address, a tick to all."""
        net = self.network
        ports = [f"in_{word}" for word in net.input_names.values()]
        sizes = list(self.contract.inputs.values()) or [0]
        tick = named(m, "tick", inward.r_data == TICK)
        taken, ready = Signal(len(ports), name="taken"), Signal(len(ports), name="took")
        first, mine = 0, []
        for k, (port, n) in enumerate(zip(ports, sizes, strict=True)):
            above = inward.r_data >= first if first else Const(1)
            here = named(m, f"is_{port}", ~tick & above & (inward.r_data < first + n))
            wanted = here | (tick & ~taken[k])
            m.d.comb += [
                getattr(net, f"{port}_valid").eq(inward.r_rdy & wanted),
                getattr(net, f"{port}_tick").eq(tick),
                getattr(net, f"{port}_address").eq(Mux(tick, 0, inward.r_data - first)),
                ready[k].eq(taken[k] | getattr(net, f"{port}_ready")),
            ]
            mine.append(here)
            first += n
        spike = Cat(mine)
        m.d.comb += inward.r_en.eq(Mux(tick, ready.all(), (ready & spike).any() | (spike == 0)))
        with m.If(inward.r_rdy & tick):
            m.d.sync += taken.eq(Mux(ready.all(), 0, ready))
        with m.If(self.clear):
            m.d.sync += taken.eq(0)

    def _outputs(self, m: Module, outward: fifo.SyncFIFOBuffered, clears: ResetInserter) -> None:
        """All outputs as one stream."""
        names = list(dict.fromkeys(self.contract.outputs))
        sizes = [self.contract.size(name) for name in names]
        merged = event_stream(sum(sizes)).create(path=["merged"])
        if not names:  # nobody would know when a step has ended
            return
        merge = Merge(sizes)
        m.submodules.merge = clears(merge)
        for k, name in enumerate(names):
            port = f"out_{self.network.population_names[name]}"
            source = getattr(merge, f"source_{k}")
            m.d.comb += [
                source.valid.eq(getattr(self.network, f"{port}_valid")),
                source.payload.tick.eq(getattr(self.network, f"{port}_tick")),
                source.payload.address.eq(getattr(self.network, f"{port}_address")),
                getattr(self.network, f"{port}_ready").eq(source.ready),
            ]
        wiring.connect(m, wiring.flipped(merged), merge.sink)
        m.d.comb += [
            outward.w_data.eq(Mux(merged.payload.tick, TICK, merged.payload.address)),
            outward.w_en.eq(merged.valid),
            merged.ready.eq(outward.w_rdy),
        ]

    def _counters(
        self, m: Module, inward: fifo.SyncFIFOBuffered, outward: fifo.SyncFIFOBuffered
    ) -> None:
        into = (inward.r_rdy & inward.r_en, inward.r_data == TICK)
        out = (outward.w_rdy & outward.w_en, outward.w_data == TICK)
        for side, (passes, tick) in (("in", into), ("out", out)):
            with m.If(passes & tick):
                ticks = getattr(self, f"ticks_{side}")
                m.d.sync += ticks.eq(ticks + 1)
            with m.If(passes & ~tick):
                spikes = getattr(self, f"spikes_{side}")
                m.d.sync += spikes.eq(spikes + 1)
