"""The driver of a device: the same for a board and for a simulated one.

One request is under way at a time. What is lost or damaged on the line is asked for again under
the same sequence number, so that nothing happens twice; see :mod:`lifstone.hdl.host.frames`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from ..golden import InvalidValue, NetworkContract
from ..golden.errors import require
from ..golden.network import check_inputs
from ..hdl import contract_hash
from ..hdl.host.frames import (
    COUNTERS,
    MAX_BODY,
    MAX_WORDS,
    TICK,
    Command,
    Identity,
    Status,
    decode,
    encode,
    pack_words,
    shape_hash,
    unpack_words,
)
from ..hdl.weights import address_bits, loads
from .host_link import Link

__all__ = ["Device", "NoAnswer"]

Spikes = Mapping[str, NDArray[np.generic]]


class NoAnswer(RuntimeError):
    """A device that is not there, not powered, or does not speak this language."""


class Device(AbstractContextManager["Device"]):
    """A network behind a link.

    Parameters
    ----------
    link
        Where the device is; closed with the device.
    timeout
        Seconds for which a reply is waited for.
    retries
        How often a request is sent again.
    patience
        Seconds without progress after which a run is given up.

    Raises
    ------
    NoAnswer
        If nothing answers.
    """

    def __init__(
        self, link: Link, *, timeout: float = 0.5, retries: int = 4, patience: float = 10.0
    ) -> None:
        require(timeout > 0, "timeout", timeout, "above 0 seconds")
        require(retries >= 0, "retries", retries, "0 or greater")
        self._link, self._timeout = link, timeout
        self._retries, self._patience = retries, patience
        self._number, self._pending = 0, bytearray()
        self.repeated = 0
        self.identity = self.identify()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the link."""
        self._link.close()

    def identify(self) -> Identity:
        """What the device says of itself."""
        self.identity = Identity.unpack(self._ask(Command.IDENTIFY, number=0))
        return self.identity

    def counters(self) -> dict[str, int]:
        """The device's counters by name; each wraps at 32 bits."""
        body = self._ask(Command.COUNTERS)
        words = np.frombuffer(body, dtype=">u4")
        return {name: int(w) for name, w in zip(COUNTERS, words, strict=True)}

    def reset(self) -> None:
        """States and queues as after power-up; weights stay."""
        self._ask(Command.RESET)

    def check(self, contract: NetworkContract) -> None:
        """Refuse a device that does not hold the weights of ``contract``.

        Raises
        ------
        InvalidValue
            Naming both contracts, and whether loading would help.
        """
        has, wanted = self.identity.contract_sha256, contract_hash(contract)
        if has == wanted and self.identity.sealed:
            return
        cure = "load it" if self._misfit(contract) is None else "build for it"
        field, value = "device.contract", f"{has[:16]}..."
        if not self.identity.sealed:
            field, value = "device.weights", "half loaded"
        raise InvalidValue(field, value, f"contract {wanted[:16]}... of this model: {cure}")

    def _misfit(self, contract: NetworkContract) -> InvalidValue | None:
        """Why weights of ``contract`` do not fit the device."""
        if shape_hash(contract) != self.identity.shape:
            allowed = f"{shape_hash(contract)[:16]}..., as this model has: build for it"
            return InvalidValue("device.shape", f"{self.identity.shape[:16]}...", allowed)
        if not self.identity.loadable:
            return InvalidValue("device.loadable", False, "a device whose weights can be loaded")
        for (name, c), p in zip(
            contract.populations.items(), self.identity.populations, strict=True
        ):
            if c.acc_width > p.acc_width:
                allowed = f"at least {c.acc_width} bits for the sums of these weights"
                return InvalidValue(f"device.{name}.acc_width", p.acc_width, allowed)
        return None

    def load(self, contract: NetworkContract) -> None:
        """Give the device the weights of ``contract``, and reset it.

        Raises
        ------
        InvalidValue
            If the device was made for a network of another shape, or its sums are too narrow.
        """
        misfit = self._misfit(contract)
        if misfit is not None:
            raise misfit
        table = loads(contract)
        for index, (shape, c) in enumerate(
            zip(self.identity.populations, contract.populations.values(), strict=True)
        ):
            mine = table[table[:, 0] == index]
            if not len(mine):
                continue
            words = np.zeros(shape.rows << (address_bits(c.n, 1) - 1), dtype=np.int64)
            words[mine[:, 1]] = mine[:, 2]
            self._load(index, words, shape.weight_bytes)
        self._ask(Command.SEAL, bytes.fromhex(contract_hash(contract)))
        self.reset()
        self.identify()

    def _load(self, population: int, words: NDArray[np.int64], size: int) -> None:
        step = (MAX_BODY - 5) // size
        for at in range(0, len(words), step):
            head = bytes([population]) + at.to_bytes(3, "big")
            part = b"".join(
                int(w).to_bytes(size, "big", signed=True) for w in words[at : at + step]
            )
            self._ask(Command.LOAD, head + part)

    def run(
        self, contract: NetworkContract, inputs: Spikes, steps: int | None = None
    ) -> dict[str, NDArray[np.bool_]]:
        """Spikes of the outputs, ``(steps, n)``; every run, and every sample, begins with a reset.

        Parameters
        ----------
        contract
            Whose names and sizes the inputs have; the device must hold its weights.
        inputs
            0/1 by input name, ``(steps, n)`` or ``(steps, samples, n)``.
        steps
            Needed only for a network without inputs.

        Raises
        ------
        InvalidValue
            For another contract than the device's, or inputs that do not fit.
        RuntimeError
            If the device stops answering, or answers what makes no sense.
        """
        self.check(contract)
        batched = any(np.ndim(a) == 3 for a in inputs.values())
        lead = check_inputs(contract.inputs, inputs, 3 if batched else 2)
        n_steps = lead[0] if lead else int(steps or 0)
        rows = np.zeros((n_steps, *lead[1:], 0), dtype=np.uint8)
        whole = np.concatenate([rows, *(np.asarray(inputs[k]) for k in contract.inputs)], axis=-1)
        if batched:
            each = [self._run(whole[:, k]) for k in range(lead[1])]
            spikes = np.stack(each, axis=1) if each else np.zeros((n_steps, 0, self._lines), bool)
        else:
            spikes = self._run(whole)
        names = list(dict.fromkeys(contract.outputs))
        ends = np.cumsum([contract.size(name) for name in names])
        parts = np.split(spikes, ends[:-1], axis=-1) if names else []
        return dict(zip(names, parts, strict=True))

    @property
    def _lines(self) -> int:
        return self.identity.outputs

    def _run(self, rows: NDArray[np.generic]) -> NDArray[np.bool_]:
        self.reset()
        words = [w for row in rows for w in (*np.flatnonzero(row).tolist(), TICK)]
        out = np.zeros((len(rows), self._lines), dtype=np.bool_)
        sent = step = 0
        last = self._link.now()
        while step < len(rows):
            moved = 0
            if sent < len(words):
                moved = self._events(words[sent : sent + MAX_WORDS])
                sent += moved
            came = unpack_words(self._ask(Command.READ))
            step = _note(out, step, came)
            if moved or came:
                last = self._link.now()
            elif self._link.now() - last > self._patience:
                raise NoAnswer(f"device = no tick for step {step}: allowed is {self._patience:g} s")
        return out

    def _events(self, words: list[int]) -> int:
        """How many of the words the device took: all or none."""
        status, _ = self._exchange(Command.EVENTS, pack_words(words))
        if status is Status.BUSY:
            return 0
        _accept(Command.EVENTS, status)
        return len(words)

    def _ask(self, command: Command, body: bytes = b"", number: int | None = None) -> bytes:
        status, answer = self._exchange(command, body, number)
        _accept(command, status)
        return answer

    def _exchange(
        self, command: Command, body: bytes = b"", number: int | None = None
    ) -> tuple[Status, bytes]:
        """Send a request until it is answered."""
        if number is None:
            self._number = number = self._number % 255 + 1
        # What a line in disorder made of the bytes before ends with a delimiter.
        request = b"\0" + encode(bytes([number, command]) + body)
        for attempt in range(self._retries + 1):
            self.repeated += attempt > 0
            self._link.write(request)
            for frame in self._frames():
                if frame[:3] == bytes([0, Command.NONE, Status.BROKEN]):
                    break
                if frame[:2] == bytes([number, command]) and len(frame) >= 3:
                    return Status(frame[2]) if frame[2] in list(Status) else Status.BODY, frame[3:]
        tries = f"{self._retries + 1} tries of {self._timeout:g} s"
        raise NoAnswer(f"device = no answer to {command.name.lower()}: allowed is one in {tries}")

    def _frames(self) -> Iterator[bytes]:
        """Undamaged frames as they come, until none has come for the time allowed."""
        end = self._link.now() + self._timeout
        while True:
            head, found, rest = self._pending.partition(b"\0")
            if found:
                self._pending = rest
                frame = decode(bytes(head)) if head else None
                if frame is not None:
                    yield frame
                continue
            left = end - self._link.now()
            if left <= 0:
                return
            self._pending += self._link.read(left)


def _accept(command: Command, status: Status) -> None:
    if status is not Status.OK:
        said = f"device refused {command.name.lower()}: {status.name.lower()}"
        raise RuntimeError(said)


def _note(out: NDArray[np.bool_], step: int, words: list[int]) -> int:
    """Enter what came into ``out``; the step that is open after it."""
    for word in words:
        if step >= len(out):
            raise RuntimeError(f"device sent event {word} after the last step")
        if word == TICK:
            step += 1
        elif word < out.shape[1]:
            out[step, word] = True
        else:
            raise RuntimeError(f"device sent address {word}: there are {out.shape[1]} lines")
    return step
