"""``lifstone device``: boards and simulated ones; and the serial port under the driver."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lifstone.case import contract_of
from lifstone.golden import InvalidValue, MissingTool
from lifstone.hdl.host import host_verilog
from lifstone.sim.host import Device
from lifstone.sim.host_link import SerialLink
from lifstone.sim.host_simulated import BIT, TOP, SimulatedLines
from lifstone.sim.nir_read import read_nir
from tests.lifstone.conftest import Lifstone


@pytest.mark.parametrize("link", ["uart", "spi"])
def test_a_simulated_device_agrees_with_the_contract(
    lifstone: Lifstone, chain: Path, link: str
) -> None:
    said = lifstone("device", "run", chain, "--simulate", "--link", link, "--steps", 40, "--json")
    assert (said.code, said.err) == (0, "")
    found = said.json()
    assert found["verdict"] == "exact"
    assert found["spikes"] > 10
    assert (found["inputs"], found["outputs"], found["neurons"]) == (4, 3, [3])


class FakePort:
    """pyserial's port, with a simulated device at its far end."""

    def __init__(self, lines: SimulatedLines) -> None:
        self.lines, self.timeout, self.came, self.closed = lines, 0.0, b"", False

    def write(self, data: bytes) -> None:
        self.lines.write(data)

    def read(self, count: int) -> bytes:
        if len(self.came) < count:
            self.came += self.lines.read(min(self.timeout, 0.01))
        out, self.came = self.came[:count], self.came[count:]
        return out

    @property
    def in_waiting(self) -> int:
        return len(self.came)

    def flush(self) -> None:
        pass

    def reset_input_buffer(self) -> None:
        self.came = b""

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakePort]:
    """Ports by name, for a pyserial that is not needed."""
    known: dict[str, FakePort] = {}

    class SerialException(OSError):
        pass

    def opened(name: str, baud: int, timeout: float) -> FakePort:
        if name not in known:
            raise SerialException(2, f"could not open port {name}:\n no such file")
        assert baud == 115_200
        return known[name]

    fake = SimpleNamespace(Serial=opened, SerialException=SerialException)
    monkeypatch.setitem(sys.modules, "serial", fake)
    return known


def test_a_board_is_identified_loaded_and_run_through_its_port(
    lifstone: Lifstone, chain: Path, ports: dict[str, FakePort]
) -> None:
    contract = contract_of(read_nir(chain).network).contract
    ports["COM3"] = FakePort(
        SimulatedLines(host_verilog(contract, "uart", TOP, divisor=BIT), "uart")
    )
    said = lifstone("device", "identify", "--port", "COM3", "--json")
    assert (said.code, said.err) == (0, "")
    assert said.json()["weights"] == "whole"
    said = lifstone("device", "run", chain, "--port", "COM3", "--load", "--steps", 20)
    assert (said.code, said.err) == (0, "")
    assert "verdict: exact" in said.out
    assert ports["COM3"].closed
    said = lifstone("device", "run", chain, "--port", "COM3", "--weight-bits", 7)
    assert said.code == 2
    assert "device.contract = " in said.err
    assert "build for it" in said.err


def test_a_spike_that_differs_gives_exit_code_1(
    lifstone: Lifstone, chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Device.run

    def wrong(self: Device, *arguments: object) -> dict[str, np.ndarray]:
        out = right(self, *arguments)  # type: ignore[arg-type]
        out["p"][7, 1] ^= True
        return out

    monkeypatch.setattr(Device, "run", wrong)
    said = lifstone("device", "run", chain, "--simulate", "--steps", 20)
    assert said.code == 1
    assert "verdict: sample 0: deviates" in said.out
    assert "step 7" in said.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "CHAIN"), "port = None: allowed is either --port or --simulate"),
        (("run", "CHAIN", "--port", "x", "--simulate"), "either --port or --simulate"),
        (("run", "CHAIN", "--simulate", "--link", "usb"), "link = 'usb': allowed is uart, spi"),
        (("identify",), "port = None: allowed is the serial port of the board"),
        (("identify", "--port", "COM9"), "port = 'COM9': allowed is a serial port that opens"),
        (("identify", "--port", "x", "--baud", 0), "baud = 0"),
        (("generate", "CHAIN", "--out", "OUT", "--link", "usb"), "link = 'usb'"),
    ],
)
@pytest.mark.usefixtures("ports")
def test_bad_input_gives_one_line(
    lifstone: Lifstone, chain: Path, tmp_path: Path, arguments: tuple[object, ...], message: str
) -> None:
    places = {"CHAIN": chain, "OUT": tmp_path / "out"}
    said = lifstone("device", *(places.get(str(a), a) for a in arguments))
    assert said.code == 2
    assert message in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_without_pyserial_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(MissingTool, match=r"pip install lifstone\[serial\]"):
        SerialLink("COM3")
    with pytest.raises(InvalidValue, match="baud = -1"):
        SerialLink("COM3", -1)


def test_verilog_of_a_host_is_written(lifstone: Lifstone, chain: Path, tmp_path: Path) -> None:
    out = tmp_path / "rtl"
    said = lifstone("device", "generate", chain, "--out", out, "--link", "wishbone", "--name", "w")
    assert (said.code, said.err) == (0, "")
    assert {p.name for p in out.iterdir()} == {"w.v", "w.vlt"}
    assert "input wb_cyc" in (out / "w.v").read_text(encoding="utf-8")
