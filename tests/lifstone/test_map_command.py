"""``lifstone map``: what it prints and writes, and every way in which it says no."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from lifstone.sim.agreement import Judge, answers
from lifstone.sim.nir_read import read_nir
from lifstone.widths_file import read_widths
from tests.lifstone.conftest import Lifstone

SPIKES = (np.random.default_rng(0).random((30, 20, 4)) < 0.3).astype(np.uint8)


@pytest.fixture
def calibration(chain: Path, tmp_path: Path) -> Path:
    """Spikes for ``chain`` and the float model's own answers as labels."""
    model = read_nir(chain).network
    labels = answers(model, Judge(model, {"in": SPIKES}).floats)
    np.savez(tmp_path / "c.npz", **{"in": SPIKES}, labels=labels)
    np.savez(tmp_path / "spikes.npz", **{"in": SPIKES})
    np.save(tmp_path / "labels.npy", labels)
    np.savetxt(tmp_path / "labels.csv", labels)
    return tmp_path / "c.npz"


def test_widths_are_chosen_and_written(
    lifstone: Lifstone, chain: Path, calibration: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "w.toml"
    said = lifstone("map", chain, "--stimulus", calibration, "--out", out)
    assert said.code == 0, said.err
    assert "serves (chosen)" in said.out
    assert "on 5 samples that chose nothing: accuracy " in said.out
    assert f"use it with --widths {out}" in said.out
    widths = read_widths(out, ["p"])
    assert widths["p"].weight < 16
    assert "15 samples" in out.read_text().splitlines()[0]
    data = lifstone("map", chain, "--stimulus", calibration, "--json").json()
    assert data["goal"] == {"accuracy_loss": 0.005, "moved_spikes": None, "potential_error": None}
    assert data["samples"] == {"chosen_by": 15, "held_out": 5}
    assert data["widths"]["p"]["weight"] == widths["p"].weight
    assert data["chosen"]["serves"] is True
    assert data["chosen"]["score"]["accuracy"] >= data["float"]["accuracy"] - 0.005
    assert any(not t["serves"] and t["missed"] for t in data["trials"])
    assert data["plan"] is None
    made = lifstone("generate", chain, "--out", tmp_path / "rtl", "--widths", out, "--json").json()
    assert made["populations"][0]["weight_width"] == widths["p"].weight


@pytest.mark.parametrize("kind", ["npy", "csv", "none"])
def test_labels_from_a_file_or_none(
    lifstone: Lifstone, chain: Path, calibration: Path, tmp_path: Path, kind: str
) -> None:
    more = [] if kind == "none" else ["--labels", tmp_path / f"labels.{kind}"]
    spikes = tmp_path / "spikes.npz"
    said = lifstone("map", chain, "--stimulus", spikes, *more, "--holdout", 0, "--json")
    data = said.json()
    assert (data["goal"]["accuracy_loss"] is None) == (kind == "none")
    assert (data["goal"]["moved_spikes"] == 0.01) == (kind == "none")
    assert data["held_out"] is None
    if kind == "none":
        assert data["chosen"]["score"]["moved"] <= 0.01


def test_a_plan_for_a_board(lifstone: Lifstone, chain: Path, calibration: Path) -> None:
    given = ("map", chain, "--stimulus", calibration, "--board", "icebreaker")
    said = lifstone(*given, "--latency", "10ms", "--stores", "p=block")
    assert said.code == 0, said.err
    assert "icebreaker, forecast: logic cells" in said.out
    assert "build with --lanes p=1 --stores p=block" in said.out
    plan = lifstone(*given, "--json").json()["plan"]
    assert plan["lanes"] == {"p": 1}
    assert plan["clock"] == 12e6
    assert plan["latency"] == pytest.approx(plan["clocks"] / 12e6)
    quick = lifstone(*given, "--cells", 5000, "--clock", "24MHz", "--json").json()["plan"]
    assert quick["lanes"] == {"p": 2}
    assert quick["clocks"] < plan["clocks"]
    assert quick["clock"] == 24e6


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (["--weight-bits", "2"], "p.widths.weight = 2: allowed is at least"),
        (["--weight-bits", "q=2"], "weight-bits = 'q': allowed is populations p"),
        (["--weight-bits", "x"], "weight-bits = 'x': allowed is a number"),
        (["--accuracy-loss", "101"], "accuracy_loss = 101.0: allowed is 0 to 100 percent"),
        (["--moved-spikes", "-1"], "moved_spikes = -1.0"),
        (["--holdout", "100"], "holdout = 100.0: allowed is 0 to below 100"),
        (["--latency", "1ms"], "latency = '1ms': allowed is given with --board"),
        (["--board", "arty"], "board = 'arty'"),
        (["--board", "ulx3s", "--latency", "soon"], "latency = 'soon': allowed is a number with"),
        (["--board", "ulx3s", "--latency", "3m"], "latency = '3 m'"),
        (["--board", "ulx3s", "--cells", "0"], "cells = 0"),
        (["--board", "icebreaker", "--latency", "1ns"], "latency = 1e-09: allowed is at least"),
        (["--board", "ulx3s", "--stores", "spram"], "p.store = 'spram': allowed is auto, block"),
        (["--labels", "none.npy"], "labels = 'none.npy': allowed is an existing"),
        (["--out", "."], "out = '.': allowed is a file name"),
    ],
)
def test_what_is_wrong_is_one_line(
    lifstone: Lifstone,
    chain: Path,
    calibration: Path,
    monkeypatch: pytest.MonkeyPatch,
    rest: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(calibration.parent)
    before = {p.name for p in calibration.parent.iterdir()}
    said = lifstone("map", chain, "--stimulus", calibration, *rest)
    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    assert message in said.err
    assert {p.name for p in calibration.parent.iterdir()} == before


def test_broken_labels(lifstone: Lifstone, chain: Path, calibration: Path, tmp_path: Path) -> None:
    spikes = tmp_path / "spikes.npz"
    np.save(tmp_path / "short.npy", np.zeros(3))
    np.save(tmp_path / "half.npy", np.full(20, 0.5))
    np.save(tmp_path / "high.npy", np.full(20, 3))
    np.savez(tmp_path / "two.npz", a=np.zeros(20), b=np.zeros(20))
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    for name, message in (
        ("short.npy", "20 values, one a sample"),
        ("half.npy", "whole numbers"),
        ("high.npy", "0 to 2, neurons"),
        ("two.npz", "one array, or one named labels"),
        ("bad.npz", "an unbroken file of numbers"),
    ):
        said = lifstone("map", chain, "--stimulus", spikes, "--labels", tmp_path / name)
        assert (said.code, message in said.err) == (2, True), said.err
    said = lifstone("map", chain, "--stimulus", spikes, "--accuracy-loss", 1)
    assert "accuracy_loss = 1.0: allowed is given with --labels" in said.err


def test_the_asked_width_is_refused_with_one_that_serves(
    lifstone: Lifstone, chain: Path, calibration: Path, tmp_path: Path
) -> None:
    given = ("map", chain, "--stimulus", calibration, "--moved-spikes", 2)
    said = lifstone(*given, "--weight-bits", 3)
    assert said.code == 2
    assert "(--weight-bits)" in said.err
    named = int(said.err.split("at least ")[1].split()[0])
    out = tmp_path / "w.toml"
    assert lifstone(*given, "--weight-bits", named, "--out", out).code == 0
    assert tomllib.loads(out.read_text())["populations"]["p"]["weight"] == named
    assert lifstone(*given, "--weight-bits", named - 1).code == 2
