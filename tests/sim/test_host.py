"""The driver with simulated devices: the same spikes as the contract, whatever the line does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lifstone.case import contract_of
from lifstone.golden import InvalidValue, NetworkContract, run_contract
from lifstone.hdl import contract_hash
from lifstone.hdl.host import Command, Status, host_verilog
from lifstone.hdl.host.frames import QUEUE, TICK, decode, encode, pack_words
from lifstone.sim.digits import encode as encode_digits
from lifstone.sim.digits import load_digits
from lifstone.sim.host import Device, NoAnswer
from lifstone.sim.host_simulated import BIT, CLOCK, TOP, SimulatedLines, simulated_link
from lifstone.sim.nir_read import read_nir
from tests.hdl.contracts import lively

DIGITS = Path(__file__).resolve().parents[2] / "lifstone" / "data" / "digits.nir"
QUICK = {"timeout": 0.01, "patience": 0.2}
"""Seconds of the simulated clock."""


def spikes_of(contract: NetworkContract, x: np.ndarray) -> np.ndarray:
    return run_contract(contract, {"x": x})["b"].spikes


def mirrored(contract: NetworkContract) -> NetworkContract:
    """The same shape, other weights, sums of the same width."""
    turned = (replace(k, weight=k.weight[:, ::-1].copy()) for k in contract.connections)
    return replace(contract, connections=tuple(turned))


@pytest.fixture(scope="module")
def contract() -> NetworkContract:
    return lively(1)


@pytest.fixture(scope="module")
def stimulus() -> np.ndarray:
    return (np.random.default_rng(1).random((30, 5)) < 0.5).astype(np.uint8)


@pytest.fixture(scope="module")
def verilog(contract: NetworkContract) -> str:
    return host_verilog(contract, "uart", TOP, divisor=BIT)


@pytest.fixture
def link(verilog: str) -> SimulatedLines:
    """A device just after power-up."""
    return SimulatedLines(verilog, "uart")


@pytest.fixture
def device(link: SimulatedLines) -> Iterator[Device]:
    with Device(link, **QUICK) as opened:
        yield opened


@pytest.mark.parametrize("kind", ["uart", "spi"])
def test_a_device_answers_as_the_contract(
    contract: NetworkContract, stimulus: np.ndarray, kind: str
) -> None:
    expected = spikes_of(contract, stimulus)
    assert expected.any()
    with Device(simulated_link(contract, kind), **QUICK) as device:
        assert device.identity.contract_sha256 == contract_hash(contract)
        for _ in range(2):  # a run begins with a reset
            np.testing.assert_array_equal(device.run(contract, {"x": stimulus})["b"], expected)
        counters = device.counters()
        assert device.repeated == 0
    assert counters["ticks_in"] == counters["ticks_out"] == 2 * len(stimulus)
    assert counters["spikes_in"] == 2 * stimulus.sum()
    assert counters["spikes_out"] == 2 * expected.sum()
    assert counters["broken"] == counters["dropped"] == 0


def test_digits_through_the_device_are_the_contracts() -> None:
    digits = contract_of(read_nir(DIGITS).network).contract
    images = encode_digits(load_digits().test_images[:6])
    expected = np.stack(
        [run_contract(digits, {"pixels": images[:, k]})["digit"].spikes for k in range(6)], axis=1
    )
    with Device(simulated_link(digits), timeout=0.05) as device:
        np.testing.assert_array_equal(device.run(digits, {"pixels": images})["digit"], expected)
        assert expected.any(axis=(0, 2)).all()
        other = mirrored(digits)
        with pytest.raises(InvalidValue, match="load it"):
            device.run(other, {"pixels": images})
        device.load(other)
        changed = device.run(other, {"pixels": images[:, 0]})["digit"]
    wanted = run_contract(other, {"pixels": images[:, 0]})["digit"].spikes
    np.testing.assert_array_equal(changed, wanted)
    assert (changed != expected[:, 0]).any()


def test_weights_that_do_not_fit_are_refused(device: Device, contract: NetworkContract) -> None:
    with pytest.raises(InvalidValue, match=r"device\.contract = .*: build for it"):
        device.run(lively(2), {"x": np.zeros((1, 5))})
    with pytest.raises(InvalidValue, match=r"device\.shape = .*build for it"):
        device.load(lively(2))
    wide = replace(contract.populations["b"], acc_width=20)
    greedy = replace(contract, populations={**contract.populations, "b": wide})
    with pytest.raises(InvalidValue, match=r"device\.b\.acc_width = 9: allowed is at least 20"):
        device.load(greedy)


def test_half_loaded_weights_are_known_as_such(
    device: Device, link: SimulatedLines, contract: NetworkContract, stimulus: np.ndarray
) -> None:
    device._ask(Command.LOAD, bytes([0, 0, 0, 2, 5]))
    assert not device.identify().sealed
    with pytest.raises(InvalidValue, match=r"device\.weights = 'half loaded': .* load it"):
        device.run(contract, {"x": stimulus})
    link.reset()
    assert not device.identify().sealed
    device.load(contract)
    link.reset()
    assert device.identify().sealed
    out = device.run(contract, {"x": stimulus})["b"]
    np.testing.assert_array_equal(out, spikes_of(contract, stimulus))


class Noisy:
    """A link that changes, loses and repeats bytes by chance, both ways."""

    def __init__(self, link: SimulatedLines, share: float, seed: int) -> None:
        self.link, self.share = link, share
        self.rng = np.random.default_rng(seed)
        self.now, self.close = link.now, link.close

    def disturb(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            chance = self.rng.random()
            if chance < self.share:
                kind = int(self.rng.integers(0, 3))
                out += (bytes([int(self.rng.integers(0, 256))]), b"", bytes([byte] * 2))[kind]
            else:
                out.append(byte)
        return bytes(out)

    def write(self, data: bytes) -> None:
        self.link.write(self.disturb(data))

    def read(self, timeout: float) -> bytes:
        return self.disturb(self.link.read(timeout))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_noisy_line_changes_nothing(
    contract: NetworkContract, stimulus: np.ndarray, link: SimulatedLines, seed: int
) -> None:
    """Nothing is lost, and nothing happens twice."""
    other = mirrored(contract)
    with Device(Noisy(link, 0.003, seed), timeout=0.005, retries=20) as device:
        for wanted in (contract, other):
            device.load(wanted)
            for _ in range(6):
                out = device.run(wanted, {"x": stimulus})["b"]
                np.testing.assert_array_equal(out, spikes_of(wanted, stimulus))
        assert device.repeated > 3
        counters = device.counters()
    assert counters["ticks_in"] == counters["ticks_out"] == 12 * len(stimulus)


def answers(link: SimulatedLines, data: bytes) -> list[bytes | None]:
    """Send bytes, wait until the device has answered; what it said."""
    link.write(data)
    came = b""
    while more := link.read(2_000 / CLOCK):
        came += more
    return [decode(part) for part in came.split(b"\0")[:-1] if part]


REFUSED = bytes([0, Command.NONE, Status.BROKEN])


def test_a_damaged_frame_is_refused_and_does_nothing(
    contract: NetworkContract, stimulus: np.ndarray, link: SimulatedLines
) -> None:
    """Bytes changed, lost, put in, frames cut short or joined: as the software reads them."""
    rng = np.random.default_rng(5)
    requests = [
        bytes([9, Command.LOAD, 0, 0, 0, 1, 100, 100, 100]),
        bytes([9, Command.EVENTS]) + pack_words([1, 4, TICK]),
        bytes([9, Command.SEAL]) + bytes(range(32)),
        bytes([9, Command.RESET]),
    ]
    with Device(link, **QUICK) as device:
        before = device.counters()
        refused = 0
        for k in range(160):
            frame = encode(requests[k % len(requests)])
            at = int(rng.integers(0, len(frame)))
            junk = rng.integers(0, 256, int(rng.integers(1, 4))).astype(np.uint8).tobytes()
            changed = (
                frame[:at] + junk[:1] + frame[at + 1 :],
                frame[:at] + b"\0",
                frame[:at] + junk + frame[at:],
                frame[:at] + frame[at + 1 :] + b"\0",
                frame[:at] + frame,
            )[k % 5]
            parts = [decode(part) for part in (changed + b"\0").split(b"\0") if part]
            if any(p is not None for p in parts):
                continue  # the change left a whole frame, or made none
            said = answers(link, changed + b"\0")
            assert set(said) <= {REFUSED}
            assert bool(said) == bool(parts)
            refused += len(said)
        assert refused > 100
        after = device.counters()
        assert device.identify().sealed
        assert device.identity.contract_sha256 == contract_hash(contract)
        assert after["broken"] + after["dropped"] >= refused
        for name in ("ticks_in", "spikes_in", "ticks_out", "spikes_out"):
            assert after[name] == before[name] == 0
        out = device.run(contract, {"x": stimulus})["b"]
    np.testing.assert_array_equal(out, spikes_of(contract, stimulus))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (bytes([200, 77]), Status.UNKNOWN),
        (bytes([200, Command.RESET, 0]), Status.BODY),
        (bytes([200, Command.SEAL]) + bytes(31), Status.BODY),
        (bytes([200, Command.LOAD, 0, 0, 0, 0]), Status.BODY),
        (bytes([200, Command.EVENTS, 0, 1, 0]), Status.BODY),
        (bytes([200, Command.EVENTS]) + pack_words([0, TICK, 5]), Status.RANGE),
        (bytes([200, Command.LOAD, 2, 0, 0, 0, 1]), Status.RANGE),
        (bytes([200, Command.LOAD, 0, 0, 0, 31, 1, 1]), Status.RANGE),
        (bytes([200, Command.LOAD, 0, 1, 0, 0, 1]), Status.RANGE),
    ],
)
def test_a_request_that_makes_no_sense_does_nothing(
    contract: NetworkContract,
    stimulus: np.ndarray,
    link: SimulatedLines,
    request_: bytes,
    status: Status,
) -> None:
    with Device(link, **QUICK) as device:
        assert answers(link, encode(request_)) == [bytes([200, request_[1], status])]
        assert device.counters()["ticks_in"] == device.counters()["spikes_in"] == 0
        assert device.identify().sealed
        out = device.run(contract, {"x": stimulus[:10]})["b"]
    np.testing.assert_array_equal(out, spikes_of(contract, stimulus[:10]))


def test_a_repeated_request_is_answered_again_and_not_carried_out(
    link: SimulatedLines,
) -> None:
    with Device(link, **QUICK) as device:
        events = encode(bytes([50, Command.EVENTS]) + pack_words([0, TICK]))
        read = encode(bytes([51, Command.READ]))
        assert answers(link, events) == [bytes([50, Command.EVENTS, 0])]
        (first,) = answers(link, read)
        assert first is not None
        assert first[-2:] == pack_words([TICK])
        assert answers(link, read[:3] + b"\0") == [REFUSED]
        assert answers(link, read) == [first]
        assert answers(link, encode(bytes([52, Command.READ]))) == [bytes([52, Command.READ, 0])]
        assert device.counters()["ticks_in"] == 1


def test_events_that_find_no_room_are_not_taken_in_part(link: SimulatedLines) -> None:
    with Device(link, **QUICK) as device:
        sent = 0
        status = Status.OK
        while status is Status.OK:
            status, _ = device._exchange(Command.EVENTS, pack_words([TICK] * 120))
            sent += 120 * (status is Status.OK)
        assert status is Status.BUSY
        assert sent > QUEUE  # both queues, and what is between them
        came = 0
        while words := device._ask(Command.READ):
            came += len(words) // 2
        assert came == sent


class Mute:
    """A link at whose far end is nobody."""

    def __init__(self, talk: bytes = b"") -> None:
        self.time, self.talk, self.sent = 0.0, talk, 0

    def write(self, data: bytes) -> None:
        self.sent += 1

    def read(self, timeout: float) -> bytes:
        self.time += timeout
        return self.talk

    def now(self) -> float:
        return self.time

    def close(self) -> None:
        pass


@pytest.mark.parametrize("talk", [b"", b"login: ", b"\x02\x02\0", encode(bytes([0, 1]))])
def test_what_is_no_device_gives_one_clear_error(talk: bytes) -> None:
    link = Mute(talk)
    with pytest.raises(
        NoAnswer, match=r"no answer to identify: allowed is one in 3 tries of 0.5 s"
    ):
        Device(link, retries=2)
    assert link.sent == 3
