"""What a spike reaches through a shared kernel, one place a clock: no multiplication by sizes.

::

    spike --> line = (c H + y) W + x --> tables of c, y, x --> start, counts
                                                    |
              (neuron, place in the kernel) <-- three counters, added steps

A line becomes its channel and its place by a division by constants, an axis a clock. A table
for each axis says where its taps begin and how many there are
(:class:`~lifstone.golden.layers.shared.AxisReach`); from there on both addresses move by constant
steps. Pooling in front lies in the tables.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..golden.fixed import Ints
from ..golden.layers.shared import SharedKernel
from .aer import address_shape, event_stream
from .fixed import named

__all__ = ["Reach", "kernel_order", "place_layout", "reach_clocks", "reciprocal"]


class Phase(Enum):
    """What the reach is doing."""

    IDLE = 0
    """wait for an event; a tick passes"""
    SPLIT_X = 1
    SPLIT_Y = 2
    """take an axis from the line"""
    START = 3
    """the tables answer"""
    RUN = 4
    """offer one place after the other"""


def kernel_order(kernel: SharedKernel) -> Ints:
    """Weights in the order of the memory: input channel, taps, and output channel last."""
    w, groups = kernel.conv.weight, kernel.conv.groups
    taps = w.shape[2:]
    grouped = w.reshape(groups, w.shape[0] // groups, w.shape[1], *taps)
    return np.asarray(np.moveaxis(grouped, 1, -1).reshape(-1), dtype=np.int64)


def place_layout(kernel: SharedKernel) -> data.StructLayout:
    """A tick, or a neuron and the place of its weight."""
    return data.StructLayout(
        {
            "tick": unsigned(1),
            "neuron": address_shape(kernel.n_out),
            "weight": address_shape(kernel.conv.weight.size),
        }
    )


def reach_clocks(kernel: SharedKernel) -> Ints:
    """Clocks that a spike of each line takes, ``(n_in,)``."""
    return kernel.fan_out() + (1 + kernel.conv.axes + 1)


def reciprocal(divisor: int, below: int) -> tuple[int, int]:
    """``m, s`` with ``(a * m) >> s == a // divisor`` for all ``0 <= a < below``.

    Granlund & Montgomery, PLDI 1994: with ``m = ceil(2^s / d)`` the quotient is exact while
    ``a (m d - 2^s) < 2^s``.
    """
    shift = 0
    while True:
        factor = -(-(1 << shift) // divisor)
        if (below - 1) * (factor * divisor - (1 << shift)) < 1 << shift:
            return factor, shift
        shift += 1


@dataclass(frozen=True, eq=False)
class _Table:
    """Entries of an axis or of the channels, and what one more tap adds."""

    neuron: Ints
    weight: Ints
    count: Ints
    neuron_step: int
    weight_step: int


def _tables(kernel: SharedKernel) -> list[_Table]:
    """Channels first, then the axes in their order."""
    conv = kernel.conv
    taps, sizes = conv.weight.shape[2:], conv.out_shape[1:]
    o, c = conv.weight.shape[0] // conv.groups, conv.weight.shape[1]
    area, channels = math.prod(sizes), np.arange(conv.shape[0])
    out = [
        _Table(
            channels // c * o * area,
            channels * math.prod(taps) * o,
            np.full(len(channels), o),
            area,
            1,
        )
    ]
    for axis, reach in enumerate(kernel.reaches):
        in_row, in_kernel = math.prod(sizes[axis + 1 :]), math.prod(taps[axis + 1 :]) * o
        out.append(
            _Table(
                reach.first_out * in_row,
                reach.first_tap * in_kernel,
                reach.count,
                -reach.out_step * in_row,
                reach.tap_step * in_kernel,
            )
        )
    return out


class Reach(wiring.Component):
    """Turns spikes of input lines into places: neurons and weights.

    Members
    -------
    events : In(event_stream(lines))
        Input spikes; lines beyond the kernel's are never sent.
    places : Out(stream)
        :func:`place_layout`; between the places of two spikes passes at least one clock.
    """

    def __init__(self, kernel: SharedKernel, lines: int) -> None:
        self.kernel = kernel
        super().__init__(
            {
                "events": In(event_stream(lines)),
                "places": Out(stream.Signature(place_layout(kernel))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._phase = Signal(Phase, name="phase")
        tables = _tables(self.kernel)
        self._reads = [self._table(m, k, t) for k, t in enumerate(tables)]
        # Neuron and weight at the beginning of each axis's run, and how many taps are left.
        # The counters of the channels come first, but move first of all: they are innermost.
        order = [1, 0] if len(tables) == 2 else [1, 2, 0]
        with m.Switch(self._phase):
            self._split(m)
            self._run(m, [tables[k] for k in order], [self._reads[k] for k in order])
        return m

    def _table(self, m: Module, k: int, table: _Table) -> memory.ReadPort:
        fields = {"neuron": table.neuron, "weight": table.weight, "count": table.count}
        layout = data.StructLayout(
            {name: unsigned(max(1, int(v.max()).bit_length())) for name, v in fields.items()}
        )
        rows = [{name: int(v[j]) for name, v in fields.items()} for j in range(len(table.count))]
        name = ["channel_table", "y_table", "x_table"][k if self.kernel.conv.axes == 2 else 2 * k]
        m.submodules[name] = rom = memory.Memory(shape=layout, depth=len(rows), init=rows)
        port = rom.read_port()
        m.d.comb += port.en.eq(0)
        return port

    def _ask(self, m: Module, k: int, index: Value) -> None:
        m.d.comb += [self._reads[k].addr.eq(index), self._reads[k].en.eq(1)]

    def _split(self, m: Module) -> None:
        """Line to channel and places; the tables answer in ``START``."""
        event = self.events.payload
        sizes = self.kernel.shape
        left = Signal(address_shape(self.kernel.n_in), name="line", reset_less=True)
        with m.Case(Phase.IDLE):
            m.d.comb += [
                self.places.payload.tick.eq(1),
                self.places.valid.eq(self.events.valid & event.tick),
                self.events.ready.eq(self.places.ready | ~event.tick),
            ]
            m.d.sync += left.eq(event.address)
            with m.If(self.events.valid & ~event.tick):
                m.d.sync += self._phase.eq(Phase.SPLIT_X)
        axes = self.kernel.conv.axes
        above = self.kernel.n_in
        for axis in range(axes, 0, -1):
            phase = Phase.SPLIT_X if axis == axes else Phase.SPLIT_Y
            with m.Case(phase):
                rest, place = _divided(m, phase.name.lower(), left, sizes[axis], above)
                above //= sizes[axis]
                self._ask(m, axis, place)
                m.d.sync += left.eq(rest)
                if axis == 1:
                    self._ask(m, 0, rest)
                m.d.sync += self._phase.eq(Phase.START if axis == 1 else Phase.SPLIT_Y)

    def _run(self, m: Module, tables: list[_Table], reads: list[memory.ReadPort]) -> None:
        """Outermost axis first, the channels last: the counters of a nested loop."""
        place = self.places.payload
        neurons = [Signal.like(place.neuron, name=f"neuron_{k}") for k in range(len(tables))]
        weights = [Signal.like(place.weight, name=f"weight_{k}") for k in range(len(tables))]
        lefts = [Signal.like(r.data.count, name=f"left_{k}") for k, r in enumerate(reads)]
        with m.Case(Phase.START):
            first = sum((r.data.neuron for r in reads[1:]), reads[0].data.neuron)
            weight = sum((r.data.weight for r in reads[1:]), reads[0].data.weight)
            m.d.sync += [n.eq(first) for n in neurons] + [w.eq(weight) for w in weights]
            m.d.sync += [left.eq(r.data.count) for left, r in zip(lefts, reads, strict=True)]
            # A line in the middle of a stride may reach nothing; channels are always there.
            none = named(m, "none", Cat(r.data.count == 0 for r in reads[:-1]).any())
            m.d.sync += self._phase.eq(Mux(none, Phase.IDLE, Phase.RUN))
        with m.Case(Phase.RUN):
            m.d.comb += [
                self.places.valid.eq(1),
                place.neuron.eq(neurons[-1]),
                place.weight.eq(weights[-1]),
            ]
            with m.If(self.places.ready):
                self._advance(m, tables, reads, neurons, weights, lefts)

    def _advance(
        self,
        m: Module,
        tables: list[_Table],
        reads: list[memory.ReadPort],
        neurons: list[Signal],
        weights: list[Signal],
        lefts: list[Signal],
    ) -> None:
        """The innermost counter that is not done takes a step; those inside begin anew."""
        more = [named(m, f"more_{k}", left != 1) for k, left in enumerate(lefts)]
        for k in reversed(range(len(tables))):
            with m.If(more[k]) if k == len(tables) - 1 else m.Elif(more[k]):
                m.d.sync += lefts[k].eq(lefts[k] - 1)
                for inner in range(k, len(tables)):
                    m.d.sync += [
                        neurons[inner].eq(neurons[k] + tables[k].neuron_step),
                        weights[inner].eq(weights[k] + tables[k].weight_step),
                    ]
                    if inner > k:
                        m.d.sync += lefts[inner].eq(reads[inner].data.count)
        with m.Else():
            m.d.sync += self._phase.eq(Phase.IDLE)


def _divided(m: Module, name: str, value: Value, divisor: int, below: int) -> tuple[Value, Value]:
    """Quotient and rest of a value below ``below``."""
    if divisor & (divisor - 1) == 0:
        bits = divisor.bit_length() - 1
        return value >> bits, value[:bits] if bits else Const(0, 1)
    factor, shift = reciprocal(divisor, below)
    quotient = named(m, f"{name}_quotient", (value * factor) >> shift)
    rest = Signal(range(divisor), name=f"{name}_rest")
    m.d.comb += rest.eq(value - quotient * divisor)
    return quotient, rest
