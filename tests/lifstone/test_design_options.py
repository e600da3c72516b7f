"""The options of the commands that make hardware."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifstone.cli_design import BOARD_NAMES
from lifstone.golden import InvalidValue
from lifstone.hdl import build as hdl_build
from lifstone.hdl.boards import BOARDS
from lifstone.options import stores_from
from tests.lifstone.conftest import Lifstone

DIGITS = str(Path(__file__).resolve().parents[2] / "lifstone" / "data" / "digits.nir")


def test_the_help_names_every_board() -> None:
    assert tuple(BOARD_NAMES.replace(" (85F)", "").split(", ")) == BOARDS


def test_stores_of_all_or_by_population() -> None:
    assert stores_from("spram") == "spram"
    assert stores_from("hidden=spram, digit=block") == {"hidden": "spram", "digit": "block"}
    for wrong in ("=spram", "a=spram,a=block", "a=spram,block"):
        with pytest.raises(InvalidValue, match="stores"):
            stores_from(wrong)


def test_stores_and_loads_reach_the_design(lifstone: Lifstone, tmp_path: Path) -> None:
    out = tmp_path / "rtl"
    said = lifstone("generate", DIGITS, "--out", out, "--stores", "hidden=spram", "--json")
    assert said.code == 0
    manifest = said.json()
    assert [p["store"] for p in manifest["populations"]] == ["spram", "auto"]
    assert [p["loadable"] for p in manifest["populations"]] == [True, False]
    assert manifest["load"]["fields"] == {"population": 1, "address": 12, "data": 8}
    assert (out / "SB_SPRAM256KA.v").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--clock", "24MHx"], "clock = 24 MHx"),
        (["--clock", "0"], "clock"),
        (["--clock", "1MHz"], "clock = 1 MHz: allowed is the boards 12 MHz"),
        (["--stores", "ddr"], "store = ddr"),
        (["--stores", "hiden=spram"], "stores = hiden: allowed is populations hidden, digit"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(
    lifstone: Lifstone, options: list[str], message: str, tmp_path: Path
) -> None:
    out = tmp_path / "bits"
    said = lifstone("build", DIGITS, "--board", "icebreaker", "--out", out, *options)
    assert said.code == 2
    assert message in said.err.replace("'", "")
    assert said.err.count("\n") == 1
    assert not out.exists()


def test_clock_and_stores_reach_the_build(
    lifstone: Lifstone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, object] = {}

    def fake(contract: object, board: str, out: Path, **options: object) -> object:
        seen.update(options, board=board)
        raise InvalidValue("network", "enough", "seen")

    monkeypatch.setattr(hdl_build, "build", fake)
    options = ("--clock", "50 MHz", "--stores", "block")
    said = lifstone("build", DIGITS, "--board", "ulx3s", "--out", tmp_path / "bits", *options)
    assert "seen" in said.err
    assert (seen["board"], seen["clock"], seen["stores"]) == ("ulx3s", 50e6, "block")
