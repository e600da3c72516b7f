"""The table of all boards, with the tools' part replaced by figures that are known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lifstone import bitstreams
from lifstone.golden import InvalidValue
from lifstone.hdl.boards import BOARDS, find_board
from lifstone.hdl.build import BuildReport


def fake(contract: object, board: str, out: Path, **options: object) -> BuildReport:
    if board == "ulx3s-12f":
        raise InvalidValue("network", "too much", "what fits the device")
    assert options == {"name": "digits", "lanes": 2, "stores": "block"}
    out.mkdir(parents=True)
    (out / "digits.bin").write_bytes(b"x" * 1234)
    used = {"logic cells": 1500, "RAM blocks": 3, "DSP": 2}
    device = find_board(board).device
    return BuildReport(board, device, out / "digits.bin", used, used, 33.33e6, 12e6, {}, {}, "", {})


def test_every_board_has_a_row_or_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bitstreams, "build", fake)
    options = ["--out", str(tmp_path), "--lanes", "2", "--stores", "block"]
    run = CliRunner().invoke(bitstreams.main, options)
    assert run.exit_code == 0, run.output
    rows = [line for line in run.stdout.splitlines() if line.startswith("| ")][1:]
    assert [row.split(" | ")[0].strip("| ") for row in rows] == [
        b for b in BOARDS if b != "ulx3s-12f"
    ]
    assert "ulx3s-12f: network = 'too much'" in run.stderr
    head = "| icebreaker | iCE40UP5K | 1,500 | 3 | - | 2 | 12 | 33.3 | 1,234 | "
    assert rows[0].startswith(head)
    data = json.loads((tmp_path / "boards.json").read_text())
    assert len(data) == len(rows)
    assert data[0]["energy"]["kind"] == "estimate"
    assert data[0]["energy"]["sops"] > 10_000, "an image of digits"
