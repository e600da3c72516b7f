"""The boards: what amaranth-boards says of them, and what is refused."""

from __future__ import annotations

import importlib

import pytest

from lifstone.golden import InvalidValue, MissingTool
from lifstone.hdl.boards import BOARDS, Pin, find_board


@pytest.mark.parametrize(
    ("name", "device", "clock", "pins"),
    [
        ("icebreaker", "iCE40UP5K", 12e6, {"clk": "35", "uart_rx": "6", "uart_tx": "9"}),
        ("ulx3s", "LFE5U-85F", 25e6, {"clk": "G2", "uart_rx": "M1", "uart_tx": "L4"}),
        ("ulx3s-12f", "LFE5U-12F", 25e6, {"clk": "G2", "uart_rx": "M1", "uart_tx": "L4"}),
        ("up5k-b-evn", "iCE40UP5K", 12e6, {"clk": "35", "uart_rx": "12", "uart_tx": "21"}),
        ("icesugar-pro", "LFE5U-25F", 25e6, {"clk": "P6", "uart_rx": "A9", "uart_tx": "B9"}),
        ("colorlight-5a-75b", "LFE5U-25F", 25e6, {"clk": "P6", "uart_rx": "M13", "uart_tx": "P11"}),
    ],
)
def test_known_boards(name: str, device: str, clock: float, pins: dict[str, str]) -> None:
    board = find_board(name)
    assert (board.name, board.device, board.clock) == (name, device, clock)
    assert board.pins == pins


@pytest.mark.parametrize("name", BOARDS)
def test_every_listed_board_is_whole(name: str) -> None:
    board = find_board(name)
    assert board.family in ("ice40", "ecp5")
    assert set(board.pins) == {"clk", "uart_rx", "uart_tx"}
    assert board.flash
    assert 1e6 <= board.clock <= 200e6
    used = [*board.pins.values(), *(led.name for led in board.leds)]
    used += [board.button.name] if board.button else []
    assert len(used) == len(set(used)), "a pin with two meanings"
    assert set(board.memory) >= {"cs", "clk", "copi", "cipo"} or board.family == "ecp5"


def test_lights_button_and_flash_of_a_board() -> None:
    board = find_board("icebreaker")
    assert board.leds == (Pin("11", True), Pin("37", True))
    assert board.button == Pin("10", True)
    assert (board.memory["cs"], board.memory["cipo"]) == ("16", "17")
    assert len(find_board("ulx3s").leds) == 8
    assert find_board("ulx3s").button == Pin("R1", False)
    assert find_board("colorlight-5a-75b").leds == ()
    assert [led.name for led in find_board("icesugar-pro").leds] == ["A11", "A12", "B11"]


@pytest.mark.parametrize("name", ["", "ICEBREAKER", "arty", "ulx3s-99f"])
def test_an_unknown_board_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(InvalidValue, match=r"^board = .*icebreaker, up5k-b-evn, ulx3s") as error:
        find_board(name)
    assert error.value.value == name


def test_without_amaranth_boards_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> object:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingTool, match="pip install amaranth-boards"):
        find_board("icebreaker")
