"""``lifstone convert``: what it writes, reports and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lifstone.cli import main
from lifstone.golden import Widths
from lifstone.options import contract_of
from lifstone.sim.nir_read import read_nir
from lifstone.sim.rtl.run import verify_rtl
from lifstone.sim.train_relu import main as train_relu

pytest.importorskip("safetensors", reason="safetensors is not installed")


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["convert", *arguments])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("relu") / "relu.safetensors"
    train_relu(["--out", str(path), "--hidden", "12", "--epochs", "8"])
    return path


def test_a_model_becomes_a_network_that_the_rtl_runs(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, curve, plot = (tmp_path / n for n in ("net.nir", "curve.csv", "curve.svg"))
    files = ["--out", str(out), "--curve", str(curve), "--plot", str(plot)]
    assert call(str(model), *files, "--bias", "neuron", "--steps", "24", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["test_images"] == 360
    assert found["accuracy_float"] > found["accuracy_relu"] - 0.1
    assert max(found["largest_error_over_bound"]) <= 1
    rows = np.loadtxt(curve, delimiter=",", skiprows=1)
    assert rows[:, 0].tolist() == list(range(1, 25))
    assert rows[-1, 1:].tolist() == pytest.approx(
        [found["accuracy_float"], found["accuracy_contract"], found["accuracy_relu"]], rel=1e-5
    )
    assert plot.read_text().startswith("<?xml")
    contract = contract_of(read_nir(out).network, Widths()).contract
    rng = np.random.default_rng(0)
    spikes = {n: (rng.random((24, k)) < 0.4).astype(np.uint8) for n, k in contract.inputs.items()}
    verdict = verify_rtl(contract, spikes, optimise=False)
    assert verdict.difference is None, verdict
    assert verdict.compared > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "n.txt"], "out = 'n.txt': allowed is a name that ends in .nir"),
        (["--out", "n.nir", "--steps", "0"], "steps = 0: allowed is 1 to 4096"),
        (["--out", "n.nir", "--curve", "c.txt"], "curve = 'c.txt': allowed is a name in .csv"),
        (["--out", "n.nir", "--plot", "c.csv"], "plot = 'c.csv': allowed is a name in .svg"),
        (["--out", "n.nir", "--bias", "both"], "bias = 'both': allowed is current or neuron"),
        (["--out", "n.nir", "--percentile", "0"], "percentile = 0.0"),
        (["--out", "n.nir", "--weight-bits", "1"], "weight"),
        (["--out", "n.nir", "--data", "nowhere"], "data = 'nowhere'"),
    ],
)
def test_bad_input(
    model: Path, arguments: list[str], words: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert call(str(model), *arguments) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(str(tmp_path / "no.onnx"), "--out", str(tmp_path / "n.nir")) == 2
    assert "an existing file" in capsys.readouterr().err
