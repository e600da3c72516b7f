"""The mesh as hardware: a router and a tile for each crossing, inputs and outputs at one."""

from __future__ import annotations

from collections import defaultdict

from amaranth.hdl import Cat, Module, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..aer import Merge, address_shape
from ..core import Core, trace_members
from ..flat import flat_ports
from ..laned import LanedCore
from ..lanes import Lanes, lanes_of
from ..network import input_sizes, port_names, sources_of
from .plan import IO, MeshPlan
from .route import Position
from .router import Choice, Fabric
from .tile import Barrier, Gate, Goal, Receive, Room, Send, Series

__all__ = ["MeshTop"]


class MeshTop(wiring.Component):
    """A network on a mesh.

    Members
    -------
    in_<input>_valid, ..., out_<population>_valid, ..., trace_<part>_valid, ...
        As of :class:`~..network.NetworkTop`; outputs are whole populations, traces parts.
    """

    def __init__(self, plan: MeshPlan, *, trace: bool = False, lanes: Lanes = 1) -> None:
        self.plan, self.trace = plan, trace
        self.lanes = lanes_of(plan.split, lanes)
        self.sizes = input_sizes(plan.split)
        split, whole = port_names(plan.split), port_names(plan.contract)
        self.words = split["inputs"] | split["populations"]
        self.output_words = {
            name: whole["populations"][name] for name in dict.fromkeys(plan.contract.outputs)
        }
        self._assign()
        members: dict[str, wiring.Member] = {}
        for name in self.sizes:
            members |= flat_ports(f"in_{self.words[name]}", In, self.sizes[name])
        for name, word in self.output_words.items():
            members |= flat_ports(f"out_{word}", Out, plan.contract.size(name))
        for name in plan.parts if trace else ():
            fields = {"valid": 1, **trace_members(plan.split.populations[name])}
            members |= {f"trace_{self.words[name]}_{k}": Out(s) for k, s in fields.items()}
        super().__init__(members)

    def _size(self, name: str) -> int:
        return self.sizes[name] if name in self.sizes else self.plan.split.size(name)

    def _assign(self) -> None:
        """Number the receivers of each tile, and tell each sender its goals."""
        self.receivers: dict[Position, list[int]] = defaultdict(list)
        self.goals: dict[str, list[Goal]] = defaultdict(list)
        self.inlets: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for name, part in self.plan.parts.items():
            for s in sources_of(self.plan.split, name):
                ticks_only = s.connection is None
                n = 1 if ticks_only else self._size(s.pre)
                port = self._receiver(part.tile, n)
                self.goals[s.pre].append(Goal(part.tile, port, ticks_only))
                self.inlets[name].append((port, s.delay))
        self.outlets: dict[str, list[int]] = defaultdict(list)
        for name in self.output_words:
            for part_name in self.plan.parts_of(name):
                port = self._receiver(IO, self._size(part_name))
                self.goals[part_name].append(Goal(IO, port))
                self.outlets[name].append(port)

    def _receiver(self, tile: Position, n: int) -> int:
        self.receivers[tile].append(n)
        return len(self.receivers[tile]) - 1

    def _load_layout(self) -> data.StructLayout:
        """What a packet carries: the receiver, and the event."""
        ports = max((len(r) for r in self.receivers.values()), default=1)
        lines = max(self._size(name) for name in (*self.sizes, *self.plan.parts))
        shapes = {"port": unsigned(max(1, (ports - 1).bit_length())), "tick": unsigned(1)}
        return data.StructLayout({**shapes, "address": address_shape(lines)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        plan = self.plan
        m.submodules.fabric = self._fabric = Fabric(plan.columns, plan.rows, self._load_layout())
        self._senders: dict[Position, list[stream.Interface]] = defaultdict(list)
        self._ended: list[Value] = []
        self._received = {tile: self._receive(m, tile) for tile in self._fabric.routers}
        gates = [self._input(m, name) for name in self.sizes]
        for name in plan.parts:
            self._part(m, name)
        for name in self.output_words:
            self._output(m, name)
        for tile in self._fabric.routers:
            self._inject(m, tile)
        m.submodules.barrier = barrier = Barrier(len(self._ended))
        m.d.comb += barrier.ended.eq(Cat(self._ended))
        for gate in gates:
            m.d.comb += [gate.even.eq(barrier.even), gate.odd.eq(barrier.odd)]
        return m

    def _receive(self, m: Module, tile: Position) -> Receive:
        x, y = tile
        receive = Receive(self.receivers[tile], self._fabric.layout)
        m.submodules[f"receive_{x}_{y}"] = receive
        wiring.connect(m, getattr(self._fabric, f"eject_{x}_{y}"), receive.source)
        return receive

    def _inject(self, m: Module, tile: Position) -> None:
        """The senders of a tile take turns."""
        x, y = tile
        senders = self._senders[tile]
        if senders:
            choice = Choice(self._fabric.layout, len(senders))
            m.submodules[f"inject_{x}_{y}"] = choice
            for k, sender in enumerate(senders):
                wiring.connect(m, sender, getattr(choice, f"source_{k}"))
            wiring.connect(m, choice.sink, getattr(self._fabric, f"inject_{x}_{y}"))

    def _send(self, m: Module, name: str, tile: Position) -> Send:
        send = Send(self._size(name), self.goals[name], self._fabric.layout)
        m.submodules[f"send_{self.words[name]}"] = send
        self._senders[tile].append(send.sink)
        return send

    def _input(self, m: Module, name: str) -> Gate:
        word = self.words[name]
        m.submodules[f"gate_{word}"] = gate = Gate(self.sizes[name])
        m.d.comb += [
            gate.source.valid.eq(getattr(self, f"in_{word}_valid")),
            gate.source.payload.tick.eq(getattr(self, f"in_{word}_tick")),
            gate.source.payload.address.eq(getattr(self, f"in_{word}_address")),
            getattr(self, f"in_{word}_ready").eq(gate.source.ready),
        ]
        wiring.connect(m, gate.sink, self._send(m, name, IO).source)
        self._ended.append(gate.ended)
        return gate

    def _part(self, m: Module, name: str) -> None:
        """A core with the rooms of its sources before it and its sender behind it."""
        split, word, tile = self.plan.split, self.words[name], self.plan.parts[name].tile
        c, lanes = split.populations[name], self.lanes[name]
        matrices = [k.weight for k in split.into(name)]
        sizes = [self.receivers[tile][port] for port, _ in self.inlets[name]]
        core: Core | LanedCore = (
            Core(c, matrices, sum(sizes))
            if lanes == 1
            else LanedCore(c, matrices, sum(sizes), lanes, trace=self.trace)
        )
        m.submodules[f"core_{word}"] = core
        inlets = [core.source]
        if len(sizes) > 1:
            m.submodules[f"merge_{word}"] = merge = Merge(sizes)
            wiring.connect(m, merge.sink, core.source)
            inlets = [getattr(merge, f"source_{k}") for k in range(len(sizes))]
        for k, (port, delay) in enumerate(self.inlets[name]):
            m.submodules[f"room_{word}_{k}"] = room = Room(sizes[k], delay)
            wiring.connect(m, getattr(self._received[tile], f"sink_{port}"), room.source)
            wiring.connect(m, room.sink, inlets[k])
        send = self._send(m, name, tile)
        wiring.connect(m, core.sink, send.source)
        self._ended.append(send.ended)
        if self.trace:
            m.d.comb += getattr(self, f"trace_{word}_valid").eq(core.trace_valid)
            for field in trace_members(c):
                m.d.comb += getattr(self, f"trace_{word}_{field}").eq(core.trace[field])

    def _output(self, m: Module, name: str) -> None:
        word, ports = self.output_words[name], self.outlets[name]
        sizes = [self.receivers[IO][port] for port in ports]
        m.submodules[f"series_{word}"] = series = Series(sizes)
        for k, port in enumerate(ports):
            m.submodules[f"room_out_{word}_{k}"] = room = Room(sizes[k], 0)
            wiring.connect(m, getattr(self._received[IO], f"sink_{port}"), room.source)
            wiring.connect(m, room.sink, getattr(series, f"source_{k}"))
        m.d.comb += [
            getattr(self, f"out_{word}_valid").eq(series.sink.valid),
            getattr(self, f"out_{word}_tick").eq(series.sink.payload.tick),
            getattr(self, f"out_{word}_address").eq(series.sink.payload.address),
            series.sink.ready.eq(getattr(self, f"out_{word}_ready")),
        ]
        self._ended.append(series.ended)
