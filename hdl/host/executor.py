"""Carries requests out: all of one, or nothing.

A request is looked at twice. The first reading decides its status; only if that is ``OK`` does
the second one change anything.
"""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..fixed import named
from ..weights import Store
from .frames import COUNTERS, HASH_AT, MAX_WORDS, TICK, Command, Identity, Status, encode
from .port import COUNTED, NetworkPort, weight_places
from .receive import FrameReceiver
from .reply import ReplyBuffer
from .words import WordReader

__all__ = ["Executor"]


class Executor(wiring.Component):
    """The device's side of :mod:`~.frames`, between two streams of bytes and a network.

    Parameters
    ----------
    port
        The network; a submodule of this component.

    Members
    -------
    source : In(stream of bytes)
    sink : Out(stream of bytes)
    """

    def __init__(self, port: NetworkPort) -> None:
        self.port = port
        self.identity = Identity.of(port.contract)
        byte = stream.Signature(unsigned(8))
        super().__init__({"source": In(byte), "sink": Out(byte)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.port = self.port
        m.submodules.receiver = self._frame = frame = FrameReceiver()
        refusal = encode(bytes([0, Command.NONE, Status.BROKEN]))
        m.submodules.reply = self._reply = reply = ReplyBuffer(refusal)
        m.submodules.reader = self._reader = reader = WordReader()
        wiring.connect(m, wiring.flipped(self.source), frame.source)
        wiring.connect(m, reply.sink, wiring.flipped(self.sink))
        self._status = Signal(Status, name="status")
        self._sequence, self._command = Signal(8, name="number"), Signal(8, name="command")
        self._known = Signal(8, name="last_number")
        # Weights outlive a reset, and so does what is known of them. SPRAM begins empty.
        whole = Store.SPRAM not in self.port.network.stores.values()
        self._sealed = Signal(name="sealed", init=int(whole), reset_less=True)
        self._count = Signal(9, name="count")
        # Population and address that a load is at.
        self._population, self._place = Signal(8, name="population"), Signal(24, name="place")
        m.d.comb += [
            frame.address.eq(reader.address),
            reader.data.eq(frame.data),
            reader.beyond.eq(frame.length),
        ]
        self._size, self._places = weight_places(m, self.identity, self._population)
        self._identity_memory(m)
        self._counters(m)
        with m.FSM(name="phase") as phase:
            m.d.comb += frame.locked.eq(~phase.ongoing("IDLE"))
            self._idle(m)
            self._start(m)
            self._check_events(m)
            self._check_load(m)
            self._carry_out(m)
            self._answer(m)
        return m

    def _identity_memory(self, m: Module) -> None:
        body = self.identity.pack()
        m.submodules.identity = rom = memory.Memory(
            shape=unsigned(8), depth=len(body), init=list(body)
        )
        self._rom_r, self._rom_w = rom.read_port(), rom.write_port()
        m.d.comb += self._rom_r.addr.eq(self._count)
        self._identity_bytes = len(body)

    def _counters(self, m: Module) -> None:
        clocks = Signal(32, name="clocks")
        m.d.sync += clocks.eq(clocks + 1)
        values = {"clocks": clocks} | {name: getattr(self.port, name) for name in COUNTED}
        for name, event in (
            ("frames", self._frame.good),
            ("broken", self._frame.broken),
            ("dropped", self._frame.dropped),
        ):
            values[name] = counter = Signal(32, name=name)
            with m.If(event):
                m.d.sync += counter.eq(counter + 1)
        self._counted = Array(values[name] for name in COUNTERS)

    def _idle(self, m: Module) -> None:
        frame, reply = self._frame, self._reply
        with m.State("IDLE"):
            with m.If(frame.good):
                m.next = "START"
            with m.Elif(frame.broken):
                m.d.comb += reply.refuse.eq(1)
                m.next = "SEND"

    def _start(self, m: Module) -> None:
        """What the header alone decides; a repeated request only gets its reply again."""
        frame, reply, reader = self._frame, self._reply, self._reader
        with m.State("START"):
            repeated = (frame.number != 0) & (frame.number == self._known)
            m.d.comb += reader.start.eq(1)
            m.d.sync += [
                self._sequence.eq(frame.number),
                self._command.eq(frame.command),
                self._known.eq(frame.number),
                self._count.eq(0),
                self._status.eq(Status.OK),
            ]
            with m.If(repeated):
                m.d.comb += reply.again.eq(1)
                m.next = "SEND"
            with m.Else():
                m.d.comb += reply.open.eq(1)
                m.next = "CARRY_OUT"
                with m.Switch(frame.command):
                    with m.Case(Command.IDENTIFY, Command.RESET, Command.READ, Command.COUNTERS):
                        self._demand(m, frame.length == 0, Status.BODY)
                    with m.Case(Command.SEAL):
                        m.d.comb += reader.size.eq(1)
                        self._demand(m, frame.length == 32, Status.BODY)
                    with m.Case(Command.EVENTS):
                        m.d.comb += reader.size.eq(2)
                        m.next = "CHECK_EVENTS"
                        self._demand(m, frame.length[1:] <= self.port.room, Status.BUSY)
                    with m.Case(Command.LOAD):
                        m.d.comb += reader.size.eq(4)
                        m.next = "CHECK_HEAD"
                        self._demand(m, frame.length > 4, Status.BODY)
                    with m.Default():
                        self._demand(m, Const(0), Status.UNKNOWN)

    def _demand(self, m: Module, condition: Value, status: Status) -> None:
        """Answer ``status`` at once unless ``condition`` holds."""
        with m.If(~condition.bool()):
            m.d.sync += self._status.eq(status)
            m.next = "SEQUENCE"

    def _check_events(self, m: Module) -> None:
        reader = self._reader
        word = reader.words.payload[:16]
        with m.State("CHECK_EVENTS"):
            m.d.comb += reader.words.ready.eq(1)
            with m.If(reader.words.valid):
                self._demand(m, (word == TICK) | (word < self.identity.inputs), Status.RANGE)
            with m.Elif(reader.finished):
                m.d.comb += [reader.size.eq(2), reader.start.eq(1)]
                m.next = "CARRY_OUT"
                self._demand(m, ~reader.torn, Status.BODY)

    def _check_load(self, m: Module) -> None:
        """The head of a load names population and address; all its weights must have a place."""
        reader = self._reader
        size, places = self._size, self._places
        head = reader.words.payload
        with m.State("CHECK_HEAD"):
            m.d.comb += reader.words.ready.eq(1)
            with m.If(reader.words.valid):
                m.d.sync += [self._population.eq(head[24:]), self._place.eq(head[:24])]
                m.next = "CHECK_LOAD"
        with m.State("CHECK_LOAD"):
            m.d.comb += [reader.first.eq(4), reader.size.eq(size), reader.start.eq(1)]
            m.d.sync += self._count.eq(0)
            m.next = "CHECK_WEIGHTS"
            self._demand(m, size != 0, Status.RANGE)
        with m.State("CHECK_WEIGHTS"):
            m.d.comb += reader.words.ready.eq(1)
            with m.If(reader.words.valid):
                m.d.sync += self._count.eq(self._count + 1)
            with m.Elif(reader.finished):
                m.d.comb += [reader.first.eq(4), reader.size.eq(size), reader.start.eq(1)]
                m.next = "CARRY_OUT"
                self._demand(m, self._place + self._count <= places, Status.RANGE)
                self._demand(m, ~reader.torn, Status.BODY)

    def _carry_out(self, m: Module) -> None:
        """Only requests whose status is ``OK`` come here."""
        port, reader = self.port, self._reader
        words, load = reader.words, port.load.payload
        m.d.comb += [
            port.words.payload.eq(words.payload),
            load.population.eq(self._population),
            load.address.eq(self._place),
            load.data.eq(words.payload),
            self._rom_w.addr.eq(self._count + HASH_AT),
            self._rom_w.data.eq(words.payload),
        ]
        with m.State("CARRY_OUT"):
            with m.Switch(self._command):
                with m.Case(Command.EVENTS):
                    m.d.comb += [
                        port.words.valid.eq(words.valid),
                        words.ready.eq(port.words.ready),
                    ]
                with m.Case(Command.LOAD):
                    m.d.comb += [port.load.valid.eq(words.valid), words.ready.eq(port.load.ready)]
                    m.d.sync += self._sealed.eq(0)
                    with m.If(words.valid & port.load.ready):
                        m.d.sync += self._place.eq(self._place + 1)
                with m.Case(Command.SEAL):
                    m.d.comb += [self._rom_w.en.eq(words.valid), words.ready.eq(1)]
                    m.d.sync += self._sealed.eq(reader.finished)
                    with m.If(words.valid):
                        m.d.sync += self._count.eq(self._count + 1)
                with m.Case(Command.RESET):
                    m.d.comb += port.clear.eq(1)
            with m.If(reader.finished):
                m.next = "SEQUENCE"

    def _answer(self, m: Module) -> None:
        reply = self._reply
        for state, byte, after in (
            ("SEQUENCE", self._sequence, "COMMAND"),
            ("COMMAND", self._command, "STATUS"),
            ("STATUS", Value.cast(self._status), "FINISH"),
        ):
            with m.State(state):
                m.d.comb += [reply.put.eq(1), reply.value.eq(byte)]
                m.next = after
                if state == "STATUS":
                    self._choose(m)
        with m.State("IDENTITY"):
            # The memory answers a clock later: the first clock only asks.
            flags = Cat(self._sealed, Const(1, 1))
            m.d.sync += self._count.eq(self._count + 1)
            m.d.comb += [
                reply.put.eq(self._count != 0),
                reply.value.eq(Mux(self._count == 2, flags, self._rom_r.data)),
            ]
            with m.If(self._count == self._identity_bytes):
                m.next = "FINISH"
        self._numbers(m)
        with m.State("FINISH"):
            m.d.comb += reply.finish.eq(1)
            m.next = "SEND"
        with m.State("SEND"), m.If(~reply.busy):
            m.next = "IDLE"

    def _choose(self, m: Module) -> None:
        """The body that follows the status."""
        m.d.sync += self._count.eq(0)
        with m.If(self._status == Status.OK), m.Switch(self._command):
            with m.Case(Command.IDENTIFY):
                m.next = "IDENTITY"
            with m.Case(Command.READ):
                level = self.port.level
                m.d.sync += self._count.eq(Mux(level > MAX_WORDS, MAX_WORDS, level))
                m.next = "WORD_HIGH"
            with m.Case(Command.COUNTERS):
                m.next = "COUNTER"

    def _numbers(self, m: Module) -> None:
        """Words of the answer queue, and counters."""
        reply, answers = self._reply, self.port.answers
        with m.State("WORD_HIGH"):
            with m.If(self._count == 0):
                m.next = "FINISH"
            with m.Else():
                m.d.comb += [reply.put.eq(answers.valid), reply.value.eq(answers.payload[8:])]
                with m.If(answers.valid):
                    m.next = "WORD_LOW"
        with m.State("WORD_LOW"):
            m.d.comb += [
                reply.put.eq(1),
                reply.value.eq(answers.payload[:8]),
                answers.ready.eq(1),
            ]
            m.d.sync += self._count.eq(self._count - 1)
            m.next = "WORD_HIGH"
        with m.State("COUNTER"):
            value = named(m, "counter", self._counted[self._count[2:5]])
            last = named(m, "last_byte", self._count == 4 * len(COUNTERS) - 1)
            m.d.comb += [
                reply.put.eq(1),
                reply.value.eq(
                    Array(value[8 * k : 8 * k + 8] for k in (3, 2, 1, 0))[self._count[:2]]
                ),
            ]
            m.d.sync += self._count.eq(self._count + 1)
            with m.If(last):
                m.next = "FINISH"
