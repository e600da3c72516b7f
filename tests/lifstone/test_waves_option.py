"""``--waves`` and ``--gate-level`` of verify."""

from __future__ import annotations

from pathlib import Path

from tests.lifstone.conftest import Lifstone
from tests.sim.test_waves import header, needs_libraries


@needs_libraries
def test_verify_writes_waves_only_of_what_deviates(
    lifstone: Lifstone, chain: Path, tmp_path: Path
) -> None:
    rtl, out = tmp_path / "rtl", tmp_path / "waves"
    assert lifstone("generate", chain, "--out", rtl, "--trace").code == 0
    options = ("--bodies", "rtl", "--design", rtl, "--steps", 30, "--waves", out, "--json")
    said = lifstone("verify", chain, *options)
    assert said.code == 0
    assert "waves" not in said.json()
    assert not out.exists()
    verilog = rtl / "lifstone_net.v"
    text = verilog.read_text()
    verilog.write_text(text.replace("weight_memory[1] = ", "weight_memory[1] = 8'h7f; // ", 1))
    said = lifstone("verify", chain, *options)
    assert said.code == 1
    window = said.json()["waves"]
    (file,) = out.iterdir()
    assert file.name.startswith("p-")
    assert window["path"] == str(file)
    assert header(file)[:2] == (10 * window["first"], 10 * window["last"] + 5)


def test_verify_at_gate_level(lifstone: Lifstone, chain: Path) -> None:
    said = lifstone("verify", chain, "--bodies", "rtl", "--steps", 30, "--gate-level", "--json")
    (row,) = [r for r in said.json()["rows"] if r["body"] == "rtl"]
    assert (said.code, row["status"]) == (0, "exact")
