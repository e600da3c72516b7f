"""What the devices of the boards hold, and how their memories are cut.

Sources: Lattice FPGA-DS-02008, "iCE40 UltraPlus Family Data Sheet", and FPGA-DS-02012, "ECP5 and
ECP5-5G Family Data Sheet". The 12F is sold with less; the open tools give it all of the 25F.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..golden.errors import InvalidValue
from .boards import BOARDS, find_board
from .spram import BLOCKS

__all__ = ["CELLS", "DSP", "RAM", "SPRAM", "Device", "boards_by_size", "device_of"]

CELLS, RAM, DSP, SPRAM = "logic cells", "RAM blocks", "DSP", "SPRAM"
"""Kinds of resource, as a build report names them."""


@dataclass(frozen=True)
class Device:
    """A device's family and how much it has of each kind."""

    name: str
    family: str
    available: dict[str, int]


def _ecp5(cells: int, ram: int, dsp: int) -> dict[str, int]:
    return {CELLS: cells, RAM: ram, DSP: dsp, SPRAM: 0}


_ICE40 = {"up5k": {CELLS: 5280, RAM: 30, DSP: 8, SPRAM: BLOCKS}}
_ECP5 = {
    "12F": _ecp5(24288, 56, 28),
    "25F": _ecp5(24288, 56, 28),
    "45F": _ecp5(43848, 108, 72),
    "85F": _ecp5(83640, 208, 156),
}


def device_of(board: str) -> Device:
    """The device of a board.

    Raises
    ------
    InvalidValue
        For an unknown board, or a device that is not known here.
    """
    found = find_board(board)
    table = _ICE40 if found.family == "ice40" else _ECP5
    for word, available in table.items():
        if word.lower() in found.device.lower():
            return Device(found.device, found.family, available)
    raise InvalidValue("board", f"{board} ({found.device})", f"a device of {', '.join(table)}")


def boards_by_size() -> list[str]:
    """All boards, the smallest device first; of each device the first board."""
    first: dict[str, str] = {}
    for name in BOARDS:
        first.setdefault(device_of(name).name, name)
    return sorted(first.values(), key=lambda name: device_of(name).available[CELLS])
