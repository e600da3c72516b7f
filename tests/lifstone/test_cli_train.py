"""``lifstone train``: what it writes, resumes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lifstone.cli import main
from lifstone.sim.nir_read import read_nir

SHORT = ["--hidden", "10", "--epochs", "3", "--batch", "128", "--seed", "4"]


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["train", *arguments])
    return int(ended.value.code or 0)


def test_a_network_is_trained_written_and_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, checkpoint = tmp_path / "net.nir", tmp_path / "run.npz"
    files = ["--out", str(out), "--checkpoint", str(checkpoint), "--plot", str(tmp_path / "c.svg")]
    assert call(*SHORT, *files, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert 0.3 < found["accuracy_float"] == found["history"][-1]["accuracy"]
    assert abs(found["accuracy_contract"] - found["accuracy_float"]) < 0.05
    assert found["synaptic_operations_an_image"] > 64
    assert len(found["history"]) == 3
    net = read_nir(out).network
    assert [c.weight.shape for c in net.connections] == [(10, 64), (10, 10)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.svg", "net.nir", "run.npz"]


def test_sparse_input_and_neurons_without_leak(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "net.nir"
    options = ["--neuron", "perfect", "--thresholds", "3,9", "--steps", "12", "--augment", "0.5"]
    options += ["--slope", "2", "--spike-score", "1", "--rate", "0.01"]
    assert call(*SHORT, *options, "--out", str(out), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["settings"]["neuron"] == "perfect"
    assert found["accuracy_contract"] == found["accuracy_float"] > 0.2
    assert dict(read_nir(out).network.fraction) == {"hidden": 6, "digit": 6}


def test_a_finished_run_resumes_into_the_same_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, checkpoint = tmp_path / "a.nir", tmp_path / "b.nir", tmp_path / "run.npz"
    assert call(*SHORT, "--out", str(first), "--checkpoint", str(checkpoint)) == 0
    text = capsys.readouterr().out
    assert "accuracy contract: " in text
    again = ["--out", str(second), "--checkpoint", str(checkpoint), "--resume"]
    assert call(*SHORT, *again) == 0
    for a, b in zip(
        read_nir(first).network.connections, read_nir(second).network.connections, strict=True
    ):
        np.testing.assert_array_equal(a.weight, b.weight)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "net.pt"], "out = 'net.pt': allowed is a name that ends in .nir"),
        (["--out", "n.nir", "--hidden", "ten"], "hidden = 'ten': allowed is whole numbers"),
        (["--out", "n.nir", "--rate", "-1"], "rate = -1.0"),
        (["--out", "n.nir", "--steps", "0"], "steps = 0: allowed is 1 to 1000"),
        (
            ["--out", "n.nir", "--data", "nowhere"],
            "data = 'nowhere': allowed is 'digits', 'delayed-match' or",
        ),
        (["--out", "n.nir", "--resume"], "resume = True: allowed is together with --checkpoint"),
        (["--out", "n.nir", "--resume", "--checkpoint", "x.npz"], "an existing checkpoint"),
        (["--out", "n.nir", "--surrogate", "sharp"], "surrogate = 'sharp'"),
        (["--out", "n.nir", "--thresholds", "3,x"], "thresholds = '3,x': allowed is whole numbers"),
        (["--out", "n.nir", "--plot", "curves.txt"], "plot = 'curves.txt': allowed is a name in"),
        (["--out", "n.nir", "--resume", "--checkpoint", "broken.npz"], "an unbroken checkpoint"),
    ],
)
def test_bad_input(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.npz").write_bytes(b"PK nothing")
    assert call(*arguments) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["broken.npz"]
