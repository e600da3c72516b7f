"""How bytes get to a device and back: a serial port, or any SPI controller."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any, Protocol

from ..golden.errors import InvalidValue, MissingTool, require

__all__ = ["BAUD", "Link", "SerialLink", "SpiLink"]

BAUD = 115_200
CHUNK = 16


class Link(Protocol):
    """Bytes to and from a device."""

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""

    def read(self, timeout: float) -> bytes:
        """What came, or comes within ``timeout`` seconds; empty if nothing does."""

    def now(self) -> float:
        """Seconds on the clock by which the device lives."""

    def close(self) -> None:
        """Give the line back."""


class SerialLink:
    """A serial port, 8N1; needs the extra ``serial``.

    Raises
    ------
    MissingTool
        Without pyserial.
    InvalidValue
        If the port cannot be opened.
    """

    def __init__(self, port: str, baud: int = BAUD) -> None:
        require(baud > 0, "baud", baud, "a positive number")
        try:
            serial: Any = importlib.import_module("serial")
        except ImportError as error:
            raise MissingTool("pyserial", "pip install lifstone[serial]") from error
        try:
            self._port = serial.Serial(port, baud, timeout=0)
        except (serial.SerialException, ValueError) as error:
            reason = " ".join(str(error).split())
            raise InvalidValue("port", port, f"a serial port that opens ({reason})") from error
        self._port.reset_input_buffer()

    def write(self, data: bytes) -> None:
        """See :class:`Link`."""
        self._port.write(data)
        self._port.flush()

    def read(self, timeout: float) -> bytes:
        """See :class:`Link`."""
        self._port.timeout = timeout
        first = self._port.read(1)
        return bytes(first + self._port.read(self._port.in_waiting)) if first else b""

    def now(self) -> float:
        """See :class:`Link`."""
        return time.monotonic()

    def close(self) -> None:
        """See :class:`Link`."""
        self._port.close()


class SpiLink:
    """An SPI controller, mode 0, of which only an exchange of bytes is asked.

    Parameters
    ----------
    exchange
        Sends bytes in one selection of the device and returns as many that came: ``xfer2`` of
        spidev, ``exchange`` of pyftdi, or a simulated line.
    now
        Seconds by the clock of the device.
    """

    def __init__(
        self, exchange: Callable[[bytes], bytes], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._exchange, self._now = exchange, now
        self._waiting = b""

    def write(self, data: bytes) -> None:
        """See :class:`Link`."""
        self._waiting += bytes(self._exchange(data))

    def read(self, timeout: float) -> bytes:
        """See :class:`Link`; zeros between frames count as nothing."""
        end = self._now() + timeout
        found, self._waiting = self._waiting, b""
        while not found.strip(b"\0") and self._now() < end:
            found += bytes(self._exchange(bytes(CHUNK)))
        return found if found.strip(b"\0") else b""

    def now(self) -> float:
        """See :class:`Link`."""
        return self._now()

    def close(self) -> None:
        """The controller belongs to the caller."""
