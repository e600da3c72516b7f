"""Frames in software, and the hardware's reading of them, which must be the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.golden import InvalidValue
from lifstone.hdl.host import Identity
from lifstone.hdl.host.frames import (
    MAX_BODY,
    MAX_FRAME,
    QUEUE,
    TICK,
    decode,
    encode,
    pack_words,
    shape_hash,
    unpack_words,
)
from lifstone.hdl.host.receive import CRC, FrameReceiver
from lifstone.hdl.host.reply import ReplyBuffer
from tests.hdl.contracts import lively


@given(st.binary(min_size=2, max_size=MAX_FRAME - 2))
def test_what_is_encoded_is_decoded(frame: bytes) -> None:
    stuffed = encode(frame)
    assert len(stuffed) == len(frame) + 4  # CRC, one byte of stuffing, delimiter
    assert stuffed.index(0) == len(stuffed) - 1
    assert decode(stuffed[:-1]) == frame


def test_the_crc_is_the_catalogues() -> None:
    frame = bytes(range(1, 40))
    whole = frame + CRC(8).compute(frame).to_bytes(2, "big")
    assert 0 not in whole
    assert encode(frame) == bytes([len(whole) + 1]) + whole + b"\0"


def test_every_change_of_one_byte_is_seen() -> None:
    stuffed = encode(bytes([7, 5]) + pack_words([3, 0, TICK, 1, TICK]))[:-1]
    for k in range(len(stuffed)):
        for byte in range(1, 256):
            if byte != stuffed[k]:
                assert decode(stuffed[:k] + bytes([byte]) + stuffed[k + 1 :]) is None, (k, byte)


def test_too_long_a_frame_is_refused() -> None:
    with pytest.raises(InvalidValue, match="frame = 249: allowed is at most 248 bytes"):
        encode(bytes(MAX_FRAME - 1))
    with pytest.raises(InvalidValue, match="body = 3"):
        unpack_words(b"abc")


def test_an_identity_survives_its_bytes() -> None:
    identity = Identity.of(lively(2))
    assert Identity.unpack(identity.pack()) == identity
    assert Identity.unpack(replace(identity, sealed=False).pack()).sealed is False
    assert int.from_bytes(identity.pack()[6:8], "big") == QUEUE
    for broken in (identity.pack()[:-1], identity.pack()[:20], b"\xff" + identity.pack()[1:]):
        with pytest.raises(InvalidValue, match="identity"):
            Identity.unpack(broken)


def test_the_shape_is_all_but_the_weights() -> None:
    c = lively(1)
    other = replace(c, connections=tuple(replace(k, weight=-k.weight) for k in c.connections))
    assert shape_hash(other) == shape_hash(c)
    bias = replace(c.populations["a"], bias=c.populations["a"].bias + 1)
    assert shape_hash(replace(c, populations={**c.populations, "a": bias})) != shape_hash(c)


def received(data: bytes) -> list[bytes | None]:
    """What the hardware makes of bytes, one a clock: a frame, or ``None`` for a broken one."""
    dut = FrameReceiver()
    out: list[bytes | None] = []

    async def bench(ctx: object) -> None:
        for byte in data:
            ctx.set(dut.source.payload, byte)
            ctx.set(dut.source.valid, 1)
            good, broken = ctx.get(dut.good), ctx.get(dut.broken)
            await ctx.tick()
            if broken:
                out.append(None)
            if good:
                ctx.set(dut.source.valid, 0)
                head = bytes([ctx.get(dut.number), ctx.get(dut.command)])
                body = []
                for k in range(ctx.get(dut.length)):
                    ctx.set(dut.address, k)
                    await ctx.tick()
                    body.append(ctx.get(dut.data))
                out.append(head + bytes(body))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return out


def expected(data: bytes) -> list[bytes | None]:
    return [decode(part) for part in data.split(b"\0")[:-1] if part]


def test_the_hardware_reads_whole_and_damaged_frames_as_the_software_does() -> None:
    rng = np.random.default_rng(0)
    frames = [encode(rng.integers(0, 3, n).astype(np.uint8).tobytes()) for n in (2, 3, 9, 40)]
    frames += [encode(bytes([k]) * MAX_BODY) for k in (0, 1, 255)]
    damaged = []
    for frame in frames:
        for _ in range(4):
            at = int(rng.integers(0, len(frame)))
            damaged.append(frame[:at] + bytes([int(rng.integers(0, 256))]) + frame[at + 1 :])
        damaged.append(frame[:at] + b"\0")
        damaged.append(frame[:-1] + frame)
    damaged.append(bytes([254]) + bytes([7]) * 253 + b"\0")
    damaged.append(b"\xff" * 300 + b"\0")
    noise = rng.integers(0, 40, 300).astype(np.uint8).tobytes() + b"\0"
    data = b"".join(frames) + b"".join(damaged) + noise + b"\0\0".join(frames)
    answer = expected(data)
    assert sum(a is None for a in answer) > 30
    assert sum(a is not None for a in answer) >= 2 * len(frames)
    assert received(data) == answer


def test_a_frame_that_comes_while_another_is_worked_on_is_dropped() -> None:
    dut = FrameReceiver()
    first, second = encode(b"\x01\x02kept"), encode(b"\x03\x04lost")

    async def send(ctx: object, data: bytes) -> list[str]:
        seen = []
        for byte in data:
            ctx.set(dut.source.payload, byte)
            ctx.set(dut.source.valid, 1)
            seen += [n for n in ("good", "broken", "dropped") if ctx.get(getattr(dut, n))]
            await ctx.tick()
        return seen

    async def bench(ctx: object) -> None:
        assert await send(ctx, first) == ["good"]
        ctx.set(dut.locked, 1)
        assert await send(ctx, second) == ["dropped"]
        assert await send(ctx, second[:4]) == []
        assert (ctx.get(dut.number), ctx.get(dut.command), ctx.get(dut.length)) == (1, 2, 4)
        ctx.set(dut.source.valid, 0)
        await ctx.tick()
        assert ctx.get(dut.data) == ord("k")
        ctx.set(dut.locked, 0)
        # The rest of a frame whose beginning came too early is no frame.
        assert await send(ctx, second[4:]) == ["broken"]
        assert await send(ctx, second) == ["good"]

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@settings(max_examples=12, deadline=None)
@given(st.binary(min_size=2, max_size=MAX_FRAME - 2))
def test_the_hardware_stuffs_as_the_software_does(frame: bytes) -> None:
    dut = ReplyBuffer(b"\x01\x02\x00")
    sent: list[bytes] = []

    async def collect(ctx: object) -> bytes:
        out = bytearray()
        while not out or out[-1]:
            for ready in (0, 1):
                ctx.set(dut.sink.ready, ready)
                if ready and ctx.get(dut.sink.valid):
                    out.append(ctx.get(dut.sink.payload))
                await ctx.tick()
        return bytes(out)

    async def pulse(ctx: object, signal: object) -> None:
        ctx.set(signal, 1)
        await ctx.tick()
        ctx.set(signal, 0)

    async def bench(ctx: object) -> None:
        await pulse(ctx, dut.open)
        for byte in frame:
            ctx.set(dut.value, byte)
            await pulse(ctx, dut.put)
        await pulse(ctx, dut.finish)
        sent.append(await collect(ctx))
        assert not ctx.get(dut.busy)
        await pulse(ctx, dut.refuse)
        sent.append(await collect(ctx))
        await pulse(ctx, dut.again)
        sent.append(await collect(ctx))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert sent == [encode(frame), b"\x01\x02\x00", encode(frame)]


def test_more_lines_than_frames_can_name_are_refused() -> None:
    c = lively(1)
    wide = replace(c.connections[0], weight=np.zeros((4, 70_000), dtype=np.int64))
    many = replace(c, inputs={"x": 70_000}, connections=(wide, *c.connections[1:]))
    with pytest.raises(InvalidValue, match=r"a\.rows = 70003: allowed is below 65535"):
        Identity.of(many)
