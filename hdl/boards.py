"""The boards that lifstone builds for; pins come from amaranth-boards."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from ..golden.errors import InvalidValue, MissingTool

__all__ = ["BOARDS", "Board", "find_board"]


@dataclass(frozen=True)
class Board:
    """A board: its device, its clock, and where clock and serial line are.

    ``family`` is ``ice40`` or ``ecp5``; ``clock`` in hertz; ``pins`` maps ``clk``, ``uart_rx``,
    ``uart_tx`` to the package's pins.
    """

    name: str
    family: str
    device: str
    package: str
    clock: float
    pins: dict[str, str]
    flash: str


_KNOWN = {
    "icebreaker": ("ice40", "icebreaker", "ICEBreakerPlatform", "iceprog"),
    "ulx3s": ("ecp5", "ulx3s", "ULX3S_85F_Platform", "openFPGALoader -b ulx3s"),
    "ulx3s-12f": ("ecp5", "ulx3s", "ULX3S_12F_Platform", "openFPGALoader -b ulx3s"),
    "ulx3s-25f": ("ecp5", "ulx3s", "ULX3S_25F_Platform", "openFPGALoader -b ulx3s"),
    "ulx3s-45f": ("ecp5", "ulx3s", "ULX3S_45F_Platform", "openFPGALoader -b ulx3s"),
}
BOARDS = tuple(_KNOWN)


def find_board(name: str) -> Board:
    """The board of that name; ``ulx3s`` alone means the one with an 85F.

    Raises
    ------
    InvalidValue
        Naming the boards there are.
    MissingTool
        Without amaranth-boards.
    """
    if name not in _KNOWN:
        raise InvalidValue("board", name, ", ".join(BOARDS))
    family, module, kind, flash = _KNOWN[name]
    try:
        platform = getattr(importlib.import_module(f"amaranth_boards.{module}"), kind)()
    except ImportError as error:
        raise MissingTool("amaranth-boards", "pip install amaranth-boards") from error
    clock = platform.resources[platform.default_clk, 0]
    uart = platform.resources["uart", 0]
    pins = {"clk": clock.ios[0].names[0]}
    for part in uart.ios:
        if part.name in ("rx", "tx"):
            pins[f"uart_{part.name}"] = part.ios[0].names[0]
    return Board(
        name,
        family,
        platform.device,
        platform.package,
        float(
            clock.clock.frequency
            if hasattr(clock.clock, "frequency")
            else platform.default_clk_frequency
        ),
        pins,
        flash,
    )
