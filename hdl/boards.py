"""The boards that lifstone builds for; pins come from amaranth-boards."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

from ..golden.errors import InvalidValue, MissingTool

__all__ = ["BOARDS", "Board", "Pin", "find_board"]


@dataclass(frozen=True)
class Pin:
    """A pin of the package; ``inverted`` if it is low where its meaning is true."""

    name: str
    inverted: bool = False


@dataclass(frozen=True)
class Board:
    """A board: its device, its clock, and where everything is.

    Parameters
    ----------
    family
        ``ice40`` or ``ecp5``.
    clock
        In hertz.
    pins
        ``clk``, ``uart_rx`` and ``uart_tx`` by package pin.
    flash
        The command that loads a bitstream.
    leds
        Lights that are free, most useful first.
    button
        Resets the network; none where no button is free.
    memory
        Pins of the configuration flash, if the design may read it: ``cs``, ``clk``, ``copi``,
        ``cipo``.
    """

    name: str
    family: str
    device: str
    package: str
    clock: float
    pins: dict[str, str]
    flash: str
    leds: tuple[Pin, ...] = ()
    button: Pin | None = None
    memory: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Known:
    """Where amaranth-boards has a board, how it is loaded, and what is chosen here.

    ``button`` names the resource that resets; ``uart`` gives pins where the board has no serial
    line of its own.
    """

    family: str
    module: str
    kind: str
    flash: str
    button: str | None = None
    uart: dict[str, str] = field(default_factory=dict)
    has_leds: bool = True


_ULX3S = "openFPGALoader -b ulx3s"
_KNOWN = {
    "icebreaker": _Known("ice40", "icebreaker", "ICEBreakerPlatform", "iceprog", "button"),
    # Its USB chip has no serial line to the FPGA: an adapter goes on header C, pins 3 and 4.
    "up5k-b-evn": _Known(
        "ice40",
        "ice40_up5k_b_evn",
        "ICE40UP5KBEVNPlatform",
        "iceprog",
        uart={"rx": "12", "tx": "21"},
    ),
    "ulx3s": _Known("ecp5", "ulx3s", "ULX3S_85F_Platform", _ULX3S, "button_fire"),
    "ulx3s-12f": _Known("ecp5", "ulx3s", "ULX3S_12F_Platform", _ULX3S, "button_fire"),
    "ulx3s-25f": _Known("ecp5", "ulx3s", "ULX3S_25F_Platform", _ULX3S, "button_fire"),
    "ulx3s-45f": _Known("ecp5", "ulx3s", "ULX3S_45F_Platform", _ULX3S, "button_fire"),
    # Its serial line takes the pins of its only light and button.
    "colorlight-5a-75b": _Known(
        "ecp5",
        "colorlight_5a75b_r7_0",
        "Colorlight_5A75B_R70Platform",
        "openFPGALoader -b colorlight",
        has_leds=False,
    ),
    "icesugar-pro": _Known(
        "ecp5", "icesugar_pro", "ICESugarProPlatform", "openFPGALoader -b icesugar-pro"
    ),
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
    known = _KNOWN[name]
    try:
        module = importlib.import_module(f"amaranth_boards.{known.module}")
    except ImportError as error:
        raise MissingTool("amaranth-boards", "pip install amaranth-boards") from error
    platform = getattr(module, known.kind)()
    clock = platform.resources[platform.default_clk, 0]
    frequency = getattr(clock.clock, "frequency", None) or platform.default_clk_frequency
    uart = known.uart or _parts(platform, "uart")
    pins = {"clk": clock.ios[0].names[0], "uart_rx": uart["rx"], "uart_tx": uart["tx"]}
    return Board(
        name,
        known.family,
        platform.device,
        platform.package,
        float(frequency),
        pins,
        known.flash,
        _leds(platform) if known.has_leds else (),
        None if known.button is None else _pin(platform.resources[known.button, 0].ios[0]),
        _parts(platform, "spi_flash_1x"),
    )


def _parts(platform: Any, resource: str) -> dict[str, str]:
    """Pins of a resource by the name of its parts; none where the board lacks it."""
    found = platform.resources.get((resource, 0))
    if found is None:
        return {}
    return {part.name: part.ios[0].names[0] for part in found.ios}


def _pin(pins: Any) -> Pin:
    return Pin(pins.names[0], bool(pins.invert))


def _leds(platform: Any) -> tuple[Pin, ...]:
    """Lights in order: those that are numbered, or the colours of one."""
    numbered = sorted(key for key in platform.resources if key[0] == "led")
    if numbered:
        return tuple(_pin(platform.resources[key].ios[0]) for key in numbered)
    rgb = platform.resources.get(("rgb_led", 0))
    return () if rgb is None else tuple(_pin(part.ios[0]) for part in rgb.ios)
