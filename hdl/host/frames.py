"""The frames between a host and a network: what a byte means, and how errors are seen.

A frame is ``sequence, command, [status,] body, CRC`` (most significant byte first), stuffed by
COBS (Cheshire & Baker, "Consistent overhead byte stuffing", IEEE/ACM Trans. Networking 7(2),
1999) so that the byte 0 occurs nowhere else than at its end. The CRC is CRC-16/IBM-3740 of all
bytes before it. Frames are so short that COBS adds exactly one byte.

A request is answered by one reply with the same sequence number and command. Sequence number 0
is for requests that may be carried out twice; any other that equals the last one is a repeated
request: it is not carried out again, and its reply is sent again. Where a frame is damaged, too
long or cut short, nothing of it is carried out, and the reply is ``0, 0, BROKEN``.

The hardware is in the modules beside this one; both read the constants here.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from ...golden.errors import InvalidValue, require
from ...golden.quantise import NetworkContract
from ..generate import contract_hash
from ..network import sources_of

__all__ = [
    "COUNTERS",
    "MAX_BODY",
    "MAX_FRAME",
    "MAX_WORDS",
    "QUEUE",
    "TICK",
    "Command",
    "Identity",
    "PopulationShape",
    "Status",
    "decode",
    "encode",
    "pack_words",
    "shape_hash",
    "unpack_words",
]

VERSION = 1
MAX_FRAME = 250
"""Bytes of a frame before stuffing, CRC included."""
MAX_BODY = MAX_FRAME - 5
MAX_WORDS = 120
"""Words of two bytes in a frame of events."""
QUEUE = 512
"""Words of each of a device's two queues of events."""
TICK = 0xFFFF
"""The word that ends a step; any other is the address of a spike."""
COUNTERS = (
    "frames",
    "broken",
    "dropped",
    "ticks_in",
    "spikes_in",
    "ticks_out",
    "spikes_out",
    "clocks",
)
"""Counters in the order of the reply, 32 bits each, that wrap: frames that passed their check,
that failed it, that came while a device was busy; events in and out; clocks since power-up."""
HASH_AT, SHAPE_AT, HEAD = 8, 40, 57


class Command(IntEnum):
    """What a request asks for, and what its body and the reply's body hold."""

    NONE = 0
    """only in the reply to a broken frame"""
    IDENTIFY = 1
    """nothing; an :class:`Identity`"""
    RESET = 2
    """nothing; nothing. States and queues are as after power-up, weights stay."""
    LOAD = 3
    """population, a byte; first address, three; weights of one to three bytes each; nothing"""
    SEAL = 4
    """SHA-256 of the contract whose weights were loaded; nothing"""
    EVENTS = 5
    """words for the network; nothing. All are taken, or with ``BUSY`` none."""
    READ = 6
    """nothing; the words that the network has sent, at most :data:`MAX_WORDS`"""
    COUNTERS = 7
    """nothing; :data:`COUNTERS`"""


class Status(IntEnum):
    """How a request fared; only after ``OK`` has it changed anything."""

    OK = 0
    UNKNOWN = 1
    """no such command"""
    BODY = 2
    """a body of the wrong length"""
    RANGE = 3
    """an address or a population that is not there"""
    BUSY = 4
    """no room for so many events: read first"""
    BROKEN = 5
    """a frame that failed its check"""


def encode(frame: bytes) -> bytes:
    """Append the CRC, stuff, and end with the delimiter.

    Raises
    ------
    InvalidValue
        For more bytes than :data:`MAX_FRAME` allows.
    """
    require(len(frame) <= MAX_FRAME - 2, "frame", len(frame), f"at most {MAX_FRAME - 2} bytes")
    whole = frame + binascii.crc_hqx(frame, 0xFFFF).to_bytes(2, "big")
    return b"".join(bytes([len(part) + 1]) + part for part in whole.split(b"\0")) + b"\0"


def decode(stuffed: bytes) -> bytes | None:
    """The frame of what stands between two delimiters, without CRC; ``None`` if it is damaged."""
    whole, at = bytearray(), 0
    while at < len(stuffed):
        code = stuffed[at]
        part = stuffed[at + 1 : at + code]
        if code in (0, 0xFF) or len(part) != code - 1 or 0 in part:
            return None
        whole += (b"\0" if at else b"") + part
        at += code
    if not 4 <= len(whole) <= MAX_FRAME or binascii.crc_hqx(whole, 0xFFFF) != 0:
        return None
    return bytes(whole[:-2])


def pack_words(words: Sequence[int]) -> bytes:
    """Two bytes a word."""
    return np.asarray(words, dtype=">u2").tobytes()


def unpack_words(body: bytes) -> list[int]:
    """The words of a body of events.

    Raises
    ------
    InvalidValue
        For an odd number of bytes.
    """
    require(len(body) % 2 == 0, "body", len(body), "an even number of bytes")
    return [int(w) for w in np.frombuffer(body, dtype=">u2")]


def shape_hash(contract: NetworkContract) -> str:
    """First half of the SHA-256 of all that loading weights cannot change.

    That is everything but the weights and the width of the sums, which need only be wide enough.
    """
    bare = tuple(replace(c, weight=np.zeros_like(c.weight)) for c in contract.connections)
    sums = {k: replace(c, acc_width=1) for k, c in contract.populations.items()}
    return contract_hash(replace(contract, populations=sums, connections=bare))[:32]


@dataclass(frozen=True)
class PopulationShape:
    """Neurons, rows of weights, and bits of a weight and of the sum of a population."""

    n: int
    rows: int
    weight_width: int
    acc_width: int

    @property
    def weight_bytes(self) -> int:
        """Bytes of a weight in a frame."""
        return -(-self.weight_width // 8)


@dataclass(frozen=True)
class Identity:
    """What a device says of itself.

    Parameters
    ----------
    inputs, outputs
        Lines, of all inputs and of all outputs in the order of the contract.
    contract_sha256
        Of the contract whose weights it holds, in hexadecimal.
    shape
        Of :func:`shape_hash`.
    populations
        In the order of the contract.
    sealed
        Whether the weights are those of ``contract_sha256``: not between a load and its seal.
    loadable
        Whether weights can be loaded.
    """

    inputs: int
    outputs: int
    contract_sha256: str
    shape: str
    populations: tuple[PopulationShape, ...]
    sealed: bool = True
    loadable: bool = True

    @classmethod
    def of(cls, contract: NetworkContract, *, loadable: bool = True) -> Identity:
        """The identity of a device made for ``contract``.

        Raises
        ------
        InvalidValue
            For a network with more lines, populations or rows than frames can name.
        """
        shapes = []
        for name, c in contract.populations.items():
            known = [s for s in sources_of(contract, name) if s.connection is not None]
            rows = sum(contract.size(s.pre) for s in known)
            require(max(rows, c.n) < TICK, f"{name}.rows", max(rows, c.n), f"below {TICK}")
            shapes.append(PopulationShape(c.n, rows, c.weight_width, c.acc_width))
        most = (MAX_BODY - HEAD) // 6
        require(len(shapes) <= most, "populations", len(shapes), f"at most {most}")
        inputs = sum(contract.inputs.values())
        outputs = sum(contract.size(name) for name in dict.fromkeys(contract.outputs))
        for field, lines in (("inputs", inputs), ("outputs", outputs)):
            require(lines < TICK, field, lines, f"below {TICK} lines")
        digest, shape = contract_hash(contract), shape_hash(contract)
        return cls(inputs, outputs, digest, shape, tuple(shapes), True, loadable)

    def pack(self) -> bytes:
        """As the body of a reply."""
        flags = int(self.sealed) | int(self.loadable) << 1
        out = bytes([VERSION, flags])
        out += b"".join(n.to_bytes(2, "big") for n in (self.inputs, self.outputs, QUEUE))
        out += bytes.fromhex(self.contract_sha256) + bytes.fromhex(self.shape)
        out += bytes([len(self.populations)])
        for p in self.populations:
            out += p.n.to_bytes(2, "big") + p.rows.to_bytes(2, "big")
            out += bytes([p.weight_width, p.acc_width])
        return out

    @classmethod
    def unpack(cls, body: bytes) -> Identity:
        """From the body of a reply.

        Raises
        ------
        InvalidValue
            For another version of the frames, or a body of the wrong length.
        """
        require(len(body) >= HEAD, "identity", len(body), f"at least {HEAD} bytes")
        require(body[0] == VERSION, "identity.version", body[0], str(VERSION))
        count = body[HEAD - 1]
        if len(body) != HEAD + 6 * count:
            raise InvalidValue("identity", len(body), f"{HEAD + 6 * count} bytes")
        rows = [body[HEAD + 6 * k : HEAD + 6 * k + 6] for k in range(count)]
        whole = int.from_bytes
        return cls(
            whole(body[2:4], "big"),
            whole(body[4:6], "big"),
            body[HASH_AT:SHAPE_AT].hex(),
            body[SHAPE_AT : HEAD - 1].hex(),
            tuple(
                PopulationShape(whole(r[:2], "big"), whole(r[2:4], "big"), r[4], r[5]) for r in rows
            ),
            bool(body[1] & 1),
            bool(body[1] & 2),
        )
