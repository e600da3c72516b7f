"""Bad input: one line that names field, value and what is allowed; exit 2; nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.lifstone.conftest import Lifstone, Said
from tests.sim.nir_files import ends, lif, linear, write

CHAIN = [("in", "w"), ("w", "p"), ("p", "out")]


def network(folder: Path, weight: object = 2.0, **neuron: object) -> Path:
    """A file of one neuron with what is wrong about it."""
    fields = {k: np.array([v]) for k, v in neuron.items()}
    nodes = {**ends(), "w": linear([[weight]]), "p": lif(1, **fields)}
    return write(folder / "model.nir", nodes, CHAIN)


def cut(folder: Path) -> Path:
    path = network(folder)
    path.write_bytes(path.read_bytes()[:3000])
    return path


def no_hdf5(folder: Path) -> Path:
    path = folder / "model.nir"
    path.write_text("no HDF5")
    return path


def unknown_node(folder: Path) -> Path:
    nodes = {**ends(), "w": {"type": "Conv9"}, "p": lif()}
    return write(folder / "model.nir", nodes, CHAIN)


def cycle(folder: Path) -> Path:
    nodes = {**ends(), "a": linear([[1.0]]), "b": linear([[1.0]]), "p": lif()}
    edges = [("in", "a"), ("a", "b"), ("b", "a"), ("a", "p"), ("p", "out")]
    return write(folder / "model.nir", nodes, edges)


def wrong_shape(folder: Path) -> Path:
    nodes = {**ends(2, 3), "w": linear([[1.0, 2.0], [3.0, 4.0]]), "p": lif(3)}
    return write(folder / "model.nir", nodes, CHAIN)


def newline(folder: Path) -> Path:
    name = "a\nb\x1b[31m"
    nodes = {**ends(), "w": linear([[1.0]]), name: lif(1, tau=np.array([-1.0]))}
    return write(folder / "model.nir", nodes, [("in", "w"), ("w", name), (name, "out")])


def absent(folder: Path) -> Path:
    return folder / "absent.nir"


FILES: list[tuple[Callable[[Path], Path], str, str, str]] = [
    (absent, "model", "absent.nir'", "an existing .nir file"),
    (no_hdf5, "model", "model.nir'", "an unbroken NIR file in HDF5"),
    (cut, "model", "model.nir'", "an unbroken NIR file in HDF5"),
    (unknown_node, "w.type", "'Conv9'", "one of Input, Output, Affine, Linear"),
    (cycle, "edges", "'a, b'", "a neuron in every cycle"),
    (wrong_shape, "w.weight", "[2, 2]", "[3, 2]"),
    (lambda f: network(f, np.nan), "w.weight[0, 0]", "nan", "finite numbers"),
    (lambda f: network(f, np.inf), "w.weight[0, 0]", "inf", "finite numbers"),
    (lambda f: network(f, tau=0.0), "p.tau_mem[0]", "0.0", "greater than 0"),
    (lambda f: network(f, tau=-0.01), "p.tau_mem[0]", "-0.01", "greater than 0"),
    (lambda f: network(f, tau=np.nan), "p.tau_mem[0]", "nan", "finite numbers"),
    (lambda f: network(f, v_threshold=np.nan), "p.v_th[0]", "nan", "finite numbers"),
    (lambda f: network(f, v_threshold=-1.0), "p.v_reset[0]", "0.0", "less than v_th = -1"),
    (newline, "a b\ufffd[31m.tau_mem[0]", "-1.0", "greater than 0"),
]


def refused(said: Said, field: str, value: str, allowed: str, code: int = 2) -> None:
    assert said.code == code, said
    assert said.out == ""
    assert said.err.endswith("\n")
    assert len(said.err.splitlines()) == 1, said.err
    assert "Traceback" not in said.err
    assert said.err.startswith(f"error: {field} = "), said.err
    given, _, rest = said.err.removeprefix(f"error: {field} = ").partition(": allowed is ")
    assert value in given, said.err
    assert allowed in rest, said.err


def everything(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.mark.parametrize(("make", "field", "value", "allowed"), FILES)
def test_a_file_that_is_no_network(
    lifstone: Lifstone,
    tmp_path: Path,
    make: Callable[[Path], Path],
    field: str,
    value: str,
    allowed: str,
) -> None:
    path = make(tmp_path)
    before = everything(tmp_path)
    for arguments in (
        ("verify", path, "--report", tmp_path / "r.html", "--junit", tmp_path / "j.xml"),
        ("report", path, "--out", tmp_path / "r.html"),
        ("generate", path, "--out", tmp_path / "rtl"),
        ("build", path, "--board", "icebreaker", "--out", tmp_path / "bits"),
    ):
        refused(lifstone(*arguments), field, value, allowed)
        assert everything(tmp_path) == before


OPTIONS = [
    (("--weight-bits", 1), "widths.weight", "1", "2 to 24 bits (--weight-bits)"),
    (("--state-bits", 3), "widths.state", "3", "4 to 32 bits (--state-bits)"),
    (("--fraction-bits", 15), "widths.fraction", "15", "0 to 14 bits (--fraction-bits)"),
    (("--syn-bits", 40), "widths.syn", "40", "32 bits (--syn-bits)"),
    (("--decay-bits", 2), "p.tau_mem: widths.decay", "2", "at least 6 bits"),
    (("--dt", 0), "dt", "0.0", "greater than 0"),
    (("--dt", "nan"), "dt", "nan", "finite"),
    (("--dt", 1, "--method", "euler"), "dt", "1.0", "at most tau_mem[0] = 0.01 s"),
    (("--method", "rk4"), "method", "'rk4'", "exponential, euler"),
    (("--decay-mode", "half"), "decay_mode", "'half'", "multiply, shift"),
    (("--rounding", "up"), "rounding", "'up'", "floor, nearest"),
    (("--steps", 0), "steps", "0", "1 to 10000000"),
    (("--rate", 1.5), "rate", "1.5", "0 to 1"),
    (("--rate", "nan"), "rate", "nan", "0 to 1"),
    (("--seed", -1), "seed", "-1", "0 or greater"),
    (("--bodies", "golden,silicon"), "bodies", "'silicon'", "golden, network, rtl, spice"),
    (("--bodies", ""), "bodies", "''", "golden, network, rtl, spice"),
    (("--neurons", -1), "neurons", "'-1'", "a number, or population:index of p"),
    (("--neurons", "p:1"), "neurons", "'p:1'", "p:0 to p:0"),
    (("--neurons", "q:0"), "neurons", "'q:0'", "population:index of p"),
    (("--tolerance", 0, "--bodies", "spice"), "tolerance", "0.0", "above 0 seconds"),
    (("--design", "nowhere"), "design", "'nowhere'", "a folder with manifest.json"),
    (("--stimulus", "none.npz"), "stimulus", "'none.npz'", "an existing .npz or .csv file"),
]


@pytest.mark.parametrize(("options", "field", "value", "allowed"), OPTIONS)
def test_an_option_out_of_range(
    lifstone: Lifstone,
    tmp_path: Path,
    options: tuple[object, ...],
    field: str,
    value: str,
    allowed: str,
) -> None:
    path = network(tmp_path)
    before = everything(tmp_path)
    chosen = options if "--bodies" in options else (*options, "--bodies", "golden")
    refused(lifstone("verify", path, *chosen), field, value, allowed)
    report = lifstone("report", path, *chosen, "--out", tmp_path / "r.html")
    refused(report, field, value, allowed)
    assert everything(tmp_path) == before


def test_weights_too_large_for_the_widths(lifstone: Lifstone, tmp_path: Path) -> None:
    path = network(tmp_path, 3e4)
    said = lifstone("generate", path, "--out", tmp_path / "rtl", "--weight-bits", 4)
    refused(said, "p.widths.weight", "4", "(--weight-bits)")
    assert not (tmp_path / "rtl").exists()


USAGE = [
    (("verify",), "Missing argument 'MODEL'", "lifstone verify --help"),
    (("verify", "m.nir", "--steps", "many"), "'--steps': 'many' is not a valid integer", "--help"),
    (("verify", "m.nir", "--dt", "1 ms"), "'--dt': '1 ms' is not a valid float", "--help"),
    (("verify", "m.nir", "--nope"), "No such option '--nope'", "lifstone verify --help"),
    (("report", "m.nir"), "Missing option '--out'", "lifstone report --help"),
    (("bake",), "No such command 'bake'", "lifstone --help"),
    (("fit", "r.csv", "--dt", "1 ms"), "'--dt': '1 ms' is not a valid float", "fit --help"),
]


@pytest.mark.parametrize(("arguments", "what", "where"), USAGE)
def test_a_wrong_command_line(
    lifstone: Lifstone, arguments: tuple[str, ...], what: str, where: str
) -> None:
    said = lifstone(*arguments)
    assert (said.code, said.out) == (2, "")
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("error: ")
    assert what in said.err
    assert where in said.err


def test_outputs_are_refused_before_any_work(
    lifstone: Lifstone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = network(tmp_path)
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    before = everything(tmp_path)

    def work(*_: object) -> None:
        raise AssertionError("work was done")

    for module in ("cli_verify", "cli_design"):
        monkeypatch.setattr(f"lifstone.{module}.load", work)
    monkeypatch.setattr("lifstone.demo._case", work)
    monkeypatch.setattr("lifstone.sim.spice_sweep.sweep", work)
    file, folder, below = tmp_path / "file", tmp_path / "folder", tmp_path / "file" / "x.nc"
    for arguments, field, value in (
        (("verify", path, "--report", folder), "report", "folder"),
        (("verify", path, "--junit", folder), "junit", "folder"),
        (("verify", path, "--junit", below), "junit", "x.nc"),
        (("report", path, "--out", folder), "out", "folder"),
        (("report", path, "--out", below), "out", "x.nc"),
        (("generate", path, "--out", file), "out", "file"),
        (("generate", path, "--out", below), "out", "x.nc"),
        (("build", path, "--board", "icebreaker", "--out", file), "out", "file"),
        (("demo", "--out", file), "out", "file"),
        (("sweep", "--out", below), "out", "x.nc"),
        (("sweep", "--out", tmp_path / "tau.txt"), "out", "tau.txt"),
        (("sweep", "--out", tmp_path / "t.nc", "--i-bias", "1,b"), "i-bias", "1,b"),
        (("build", path, "--board", "de10", "--out", tmp_path / "b"), "board", "de10"),
        (("report", path, "--board", "de10", "--out", tmp_path / "r"), "board", "de10"),
        (("demo", "--board", "de10", "--out", tmp_path / "d"), "board", "de10"),
    ):
        refused(lifstone(*arguments), field, value, "")
    assert everything(tmp_path) == before
    assert file.read_text() == "kept"


@pytest.mark.parametrize("images", [0, 361])
def test_demo_has_so_many_images(lifstone: Lifstone, tmp_path: Path, images: int) -> None:
    out = tmp_path / "demo"
    said = lifstone("demo", "--images", images, "--board", "none", "--out", out)
    refused(said, "images", str(images), "1 to 360")
    assert not out.exists()


def test_a_name_that_is_no_module(lifstone: Lifstone, tmp_path: Path) -> None:
    said = lifstone("generate", network(tmp_path), "--out", tmp_path / "rtl", "--name", "1st net")
    refused(said, "name", "'1st net'", "a letter or _")
    assert not (tmp_path / "rtl").exists()


SWEEPS = [
    (("--i-bias", -1), "i_bias", "-1.0", "above 0"),
    (("--temperature", "nan"), "temperature", "nan", "numbers in K"),
    (("--temperature", "0:300:3"), "temperature", "0.0", "above 0"),
    (("--capacitance", "1e-12,1e-12"), "c", "[1e-12, 1e-12]", "each value once"),
    (("--measure", "gain"), "measure", "'gain'", "tau, rate"),
    (("--jobs", 0), "jobs", "0", "1 to 256"),
]


@pytest.mark.parametrize(("options", "field", "value", "allowed"), SWEEPS)
def test_a_sweep_out_of_range(
    lifstone: Lifstone,
    tmp_path: Path,
    options: tuple[object, ...],
    field: str,
    value: str,
    allowed: str,
) -> None:
    refused(lifstone("sweep", *options, "--out", tmp_path / "t.nc"), field, value, allowed)
    assert everything(tmp_path) == []


def test_a_design_of_another_contract(lifstone: Lifstone, tmp_path: Path) -> None:
    path = network(tmp_path)
    assert lifstone("generate", path, "--out", tmp_path / "rtl").code == 0
    said = lifstone("verify", path, "--design", tmp_path / "rtl", "--weight-bits", 7)
    refused(said, "design.contract_sha256", "'", "the contract of this model with these widths")


def test_an_interrupted_write_leaves_what_was_there(
    lifstone: Lifstone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = network(tmp_path), tmp_path / "r.html"
    out.write_text("before")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(out))

    monkeypatch.setattr("lifstone.sim.whole_file.os.replace", full)
    said = lifstone("report", path, "--bodies", "golden", "--steps", 5, "--out", out)
    assert said.code == 2
    assert said.err == f"error: {out}: No space left on device\n"
    assert out.read_text() == "before"
    assert everything(tmp_path) == ["model.nir", "r.html"]


def test_a_failing_build_takes_its_folder_with_it(
    lifstone: Lifstone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = network(tmp_path)

    def fail(*_: object, **__: object) -> tuple[int, str]:
        return 1, "ERROR: Unable to place cell 'x'\n"

    monkeypatch.setattr("lifstone.hdl.build.run_program", fail)
    said = lifstone("build", path, "--board", "icebreaker", "--out", tmp_path / "bits")
    refused(said, "network", "Unable to place cell", "what fits: ")
    assert everything(tmp_path) == ["model.nir"]
    (tmp_path / "bits").mkdir()
    (tmp_path / "bits" / "mine").write_text("kept")
    assert lifstone("build", path, "--board", "icebreaker", "--out", tmp_path / "bits").code == 2
    assert everything(tmp_path) == ["bits", "bits/mine", "model.nir"]
