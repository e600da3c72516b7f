"""A device that is a compiled simulation of its RTL, down to the lines of its link."""

from __future__ import annotations

import ctypes
import hashlib
import math
import os
import tempfile
from pathlib import Path

from ..golden import NetworkContract
from ..golden.errors import require
from ..hdl.host import LINKS, host_verilog
from ..hdl.lanes import Lanes
from .host_harness import harness_text
from .host_link import Link, SpiLink
from .rtl.toolchain import cache_folder, find_verilator, run_tool
from .rtl.verilate import compiler, runtime, verilate

__all__ = ["CLOCK", "SimulatedLines", "simulated_link"]

CLOCK = 12e6
"""Clocks a second of the simulated device: by them its seconds pass."""
TOP = "lifstone_host"
BIT = 4
"""Clocks of a bit on the simulated serial line."""


def simulated_link(contract: NetworkContract, link: str = "uart", *, lanes: Lanes = 1) -> Link:
    """A link to a simulated device made for ``contract``.

    Parameters
    ----------
    link
        ``uart`` or ``spi``.

    Raises
    ------
    MissingTool
        Without Verilator, a C++ compiler, make or perl.
    """
    require(link in LINKS, "link", link, ", ".join(LINKS))
    lines = SimulatedLines(host_verilog(contract, link, TOP, divisor=BIT, lanes=lanes), link)
    return SpiLink(lines.exchange, lines.now) if link == "spi" else lines


class SimulatedLines:
    """Verilog of a device, compiled, and the far end of its lines.

    With ``uart`` it is a :class:`~.host_link.Link`; with ``spi`` it lends its :meth:`exchange`
    to an :class:`~.host_link.SpiLink`.
    """

    def __init__(self, verilog: str, link: str) -> None:
        self._code = ctypes.CDLL(str(_compiled(verilog, link)))
        for name, result in (("open", ctypes.c_void_p), ("clocks", ctypes.c_int64)):
            getattr(self._code, f"device_{name}").restype = result
        self._code.device_run.restype = ctypes.c_int64
        self._device: int | None = self._code.device_open()

    def _run(self, data: bytes, room: int, clocks: int) -> bytes:
        require(self._device is not None, "device", "closed", "an open one")
        came = ctypes.create_string_buffer(room)
        found = self._code.device_run(
            ctypes.c_void_p(self._device),
            data,
            ctypes.c_int64(len(data)),
            came,
            ctypes.c_int64(room),
            ctypes.c_int64(clocks),
        )
        return came.raw[:found]

    def write(self, data: bytes) -> None:
        """See :class:`~.host_link.Link`; what comes meanwhile is kept."""
        self._run(data, 0, 0)

    def read(self, timeout: float) -> bytes:
        """See :class:`~.host_link.Link`."""
        return self._run(b"", 4096, math.ceil(timeout * CLOCK))

    def exchange(self, data: bytes) -> bytes:
        """SPI: bytes out, as many in."""
        return self._run(data, len(data), 0)

    def now(self) -> float:
        """Seconds since power-up."""
        require(self._device is not None, "device", "closed", "an open one")
        return int(self._code.device_clocks(ctypes.c_void_p(self._device))) / CLOCK

    def reset(self) -> None:
        """The reset line, as a board's button moves it."""
        require(self._device is not None, "device", "closed", "an open one")
        self._code.device_reset(ctypes.c_void_p(self._device))

    def close(self) -> None:
        """Let the simulation go."""
        if self._device is not None:
            self._code.device_close(ctypes.c_void_p(self._device))
            self._device = None


def _compiled(verilog: str, link: str) -> Path:
    """The shared object, from the cache if it was made before."""
    tool = find_verilator()
    key = "\n".join([verilog, harness_text("V", link, BIT), tool.version])
    digest = hashlib.sha256(key.encode()).hexdigest()[:24]
    target = cache_folder() / f"device-{digest}.so"
    if target.is_file():
        return target
    with tempfile.TemporaryDirectory(prefix="building-", dir=cache_folder()) as name:
        work = Path(name)
        (work / f"{TOP}.v").write_text(verilog, encoding="utf-8")
        model = verilate(work / f"{TOP}.v", TOP, tool, f"V{digest}")
        text = "".join(f'#include "{path}"\n' for path in model)
        (work / "all.cpp").write_text(text + harness_text(f"V{digest}", link, BIT), "utf-8")
        options = ["-O1", "-fvisibility=hidden", "-fno-gnu-unique", "-fPIC"]
        objects = runtime(tool, options, ["verilated", "verilated_threads"])
        command = [*compiler(tool, options), "-shared", f"-I{work / 'model'}", "all.cpp"]
        run_tool([*command, *map(str, objects), "-o", "device.so"], work)
        os.replace(work / "device.so", target)
    return target
