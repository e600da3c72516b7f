"""Every command once: exit code, what it prints, what it writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nir
import numpy as np
import pytest
import xarray as xr

import lifstone as package
from lifstone.cli import COMMANDS, cli
from tests.lifstone.conftest import Lifstone
from tests.sim.nir_convolutions import two_layers

ASKED = ("demo", "generate", "verify", "sweep", "build", "fit", "report", "doctor")
SHARED = Path(__file__).parents[3] / "shared" / "nir"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="the folder ../shared/nir is absent")


@pytest.mark.parametrize("name", sorted({*COMMANDS, *ASKED}))
def test_help_has_an_example_and_explains_every_option(lifstone: Lifstone, name: str) -> None:
    said = lifstone(name, "--help")
    assert (said.code, said.err) == (0, "")
    assert f"  lifstone {name}" in said.out.split("Example", 1)[1]
    command = cli.get_command(None, name)  # type: ignore[arg-type]
    assert command is not None
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert getattr(parameter, "help", None), f"{name} {parameter.opts}"


@pytest.mark.parametrize("name", ASKED)
def test_every_command_has_json(name: str) -> None:
    command = cli.get_command(None, name)  # type: ignore[arg-type]
    assert command is not None
    assert any("--json" in p.opts for p in command.params)


def test_version_and_help_need_no_heavy_import() -> None:
    code = (
        "import sys\nfrom lifstone.cli import main\n"
        "try:\n    main(['--version'])\nexcept SystemExit as stop:\n"
        "    print(stop.code, [m for m in ('numpy', 'amaranth', 'matplotlib') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [f"lifstone, version {package.__version__}", "0 []"]


def test_module_runs() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "lifstone", "--version"], capture_output=True, text=True, check=True
    )
    assert run.stdout == f"lifstone, version {package.__version__}\n"


def test_help_lists_every_command(lifstone: Lifstone) -> None:
    out = lifstone("--help").out
    assert all(f"\n  {name} " in out for name in COMMANDS)
    assert "0 agrees, 1 deviates, 2 bad input, 3 missing tool" in out


def test_verify_prints_a_row_for_each_body(lifstone: Lifstone, chain: Path) -> None:
    said = lifstone("verify", chain, "--steps", 60)
    assert (said.code, said.err) == (0, "")
    lines = [line.split() for line in said.out.splitlines()]
    assert lines[0] == ["body", "against", "verdict", "compared", "measured", "time"]
    assert [line[:2] for line in lines[1:7]] == [
        ["golden", "event-driven"],
        ["contract", "golden"],
        ["network", "golden"],
        ["network", "contract"],
        ["rtl", "contract"],
        ["spice", "event-driven"],
    ]
    assert [line[2] for line in lines[3:7]] == ["within", "exact", "exact", "within"]
    assert "\nAgrees: network, RTL and SPICE do what their references do." in said.out
    assert "\nassumed: p names no v_reset: 0\n" in said.out


def test_verify_a_convolutional_network(lifstone: Lifstone, tmp_path: Path) -> None:
    nir.write(tmp_path / "small_conv.nir", two_layers())
    said = lifstone("verify", tmp_path / "small_conv.nir", "--steps", 40, "--json")
    data = said.json()
    assert (said.code, data["agrees"]) == (0, True)
    rows = {(r["body"], r["reference"]): r for r in data["rows"]}
    for body in ("network", "rtl"):
        assert rows[body, "contract"]["status"] == "exact"
        assert rows[body, "contract"]["compared"] == 3 * 40 * (32 + 12)
    assert any(a.endswith("spread over the inferred shape [2, 4, 4]") for a in data["assumptions"])


def test_verify_as_json(lifstone: Lifstone, loop: Path) -> None:
    said = lifstone("verify", loop, "--steps", 50, "--bodies", "golden,network,spice", "--json")
    data = said.json()
    assert said.code == 0
    assert data["agrees"] is True
    assert data["model"] == "loop.nir"
    assert (data["steps"], data["samples"], data["dt"]) == (50, 1, 1e-3)
    assert data["stimulus"] == "random, probability 0.2 a line and step, seed 0"
    rows = {(r["body"], r["reference"]): r for r in data["rows"]}
    assert len(rows) == len(data["rows"]) == 5
    assert rows["network", "contract"]["status"] == "exact"
    assert rows["network", "contract"]["compared"] == 50 * 5 * 3
    assert rows["spice", "event-driven"]["compared"] > 0
    assert {r["role"] for r in data["rows"]} == {"conformance", "fidelity"}
    assert any("closes a loop" in a for a in data["assumptions"])


def test_the_same_seed_gives_the_same_rows(lifstone: Lifstone, loop: Path) -> None:
    def rows(seed: int) -> list[dict[str, object]]:
        said = lifstone("verify", loop, "--bodies", "golden,network", "--seed", seed, "--json")
        return [{k: v for k, v in row.items() if k != "seconds"} for row in said.json()["rows"]]

    assert rows(1) == rows(1)
    assert rows(1) != rows(2)


def test_verify_a_chosen_sample_of_neurons(lifstone: Lifstone, chain: Path) -> None:
    def spikes(neurons: str) -> int:
        chosen = ("--neurons", neurons, "--bodies", "spice", "--steps", 60, "--json")
        return int(lifstone("verify", chain, *chosen).json()["rows"][0]["compared"])

    one, other = spikes("p:0"), spikes("p:2")
    assert 0 < one < other
    assert spikes("p:0,p:2") == spikes(" p:2 ,p:0,p:0") == one + other
    assert spikes("1") == one
    said = lifstone("verify", chain, "--neurons", 0, "--bodies", "spice")
    assert said.code == 0
    assert "spice against event-driven: no spiking neuron was chosen" in said.out


def test_stimulus_from_a_file(lifstone: Lifstone, chain: Path, tmp_path: Path) -> None:
    spikes = (np.random.default_rng(0).random((30, 2, 4)) < 0.4).astype(np.uint8)
    np.savez(tmp_path / "s.npz", **{"in": spikes})
    np.savetxt(tmp_path / "s.csv", spikes[:, 0], delimiter=",")
    chosen = ("--bodies", "network", "--json")
    several = lifstone("verify", chain, "--stimulus", tmp_path / "s.npz", *chosen).json()
    assert (several["steps"], several["samples"], several["stimulus"]) == (30, 2, "file s.npz")
    assert several["rows"][0]["compared"] == 30 * 2 * 3 * 3
    one = lifstone("verify", chain, "--stimulus", tmp_path / "s.csv", *chosen).json()
    assert (one["steps"], one["samples"]) == (30, 1)


@real
@pytest.mark.parametrize("path", sorted(SHARED.glob("*.nir")), ids=lambda p: p.name)
def test_real_files_agree_on_the_bodies_without_compiler(lifstone: Lifstone, path: Path) -> None:
    said = lifstone("verify", path, "--bodies", "golden,network,spice", "--json")
    data = said.json()
    assert said.code == 0, said.out
    conformance = [r for r in data["rows"] if r["role"] == "conformance"]
    assert [r["status"] for r in conformance] == ["within", "exact", "within"]
    assert len(data["assumptions"]) >= 2


@real
def test_a_real_recurrent_network_agrees_in_rtl(lifstone: Lifstone) -> None:
    path = SHARED / "braille_noDelay_bias_zero.nir"
    said = lifstone("verify", path, "--bodies", "rtl", "--json")
    (row,) = said.json()["rows"]
    assert (said.code, row["status"], row["compared"]) == (0, "exact", 200 * 45 * 3)


def test_generate_writes_a_design(lifstone: Lifstone, chain: Path, tmp_path: Path) -> None:
    out = tmp_path / "rtl"
    said = lifstone("generate", chain, "--out", out, "--name", "net", "--weight-bits", 6)
    assert (said.code, said.err) == (0, "")
    assert f"written to {out}: net.v and 2 memory files" in said.out
    names = {p.name for p in out.iterdir()}
    assert {"net.v", "manifest.json", "net.core", "net_p_weight.hex"} <= names
    data = lifstone("generate", chain, "--out", out, "--name", "net", "--json").json()
    assert data["name"] == "net"
    assert data["populations"][0]["weight_width"] == 8
    assert data["assumptions"]


def test_sweep_saves_and_prints(lifstone: Lifstone, tmp_path: Path) -> None:
    out = tmp_path / "new" / "tau.nc"
    said = lifstone("sweep", "--i-bias", "1e-8,2e-8", "--jobs", 1, "--out", out, "--json")
    assert said.code == 0
    assert said.json()["attrs"]["measure"] == "tau"
    with xr.open_dataset(out, engine="h5netcdf") as data:
        ratio = (data["measured"] / data["expected"]).values.ravel()
    np.testing.assert_allclose(ratio, [1, 1], rtol=0.01)
    assert [p.name for p in out.parent.iterdir()] == ["tau.nc"]
    said = lifstone("sweep", "--jobs", 1, "--out", tmp_path / "t.nc")
    assert said.code == 0
    assert "measured" in said.out
    assert f"written to {tmp_path / 't.nc'}" in said.out


def test_build_makes_a_bitstream(lifstone: Lifstone, chain: Path, tmp_path: Path) -> None:
    out = tmp_path / "bits"
    said = lifstone("build", chain, "--board", "icebreaker", "--out", out, "--json")
    assert said.code == 0, said.err
    data = said.json()
    assert Path(data["bitstream"]).stat().st_size > 100_000
    assert 0 < data["used"]["logic cells"] < data["available"]["logic cells"] == 5280
    assert data["meets_timing"] is True
    assert data["fmax"] > data["clock"] == 12e6
    assert not [p for p in out.iterdir() if p.name.startswith(".")]


def test_demo_on_two_images(lifstone: Lifstone, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    said = lifstone("demo", "--images", 2, "--board", "none", "--out", out, "--json")
    assert said.code == 0, said.err
    data = said.json()
    assert data["agrees"] is True
    assert data["images"] == 2
    assert data["bitstream"] is None
    assert data["accuracy_contract"] in (0.0, 0.5, 1.0)
    assert [r["status"] for r in data["rows"]][2:] == ["within", "exact", "exact", "within"]
    assert sorted(p.name for p in out.iterdir()) == ["report.html", "rtl"]
    assert "lifstone demo --images 2 --board none" in (out / "report.html").read_text()
    assert (out / "rtl" / "digits.v").is_file()
