"""``lifstone systems`` and ``lifstone run``."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from lifstone import cli_systems
from lifstone.cli import main
from lifstone.golden.systems import KEYS, Check, Figure, Panel, Result, Series, find_system
from lifstone.panels import draw, save_figure

FAST = ["--set", "points=5", "--set", "dt=1ms"]


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def test_every_system_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("systems", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [s["key"] for s in listed] == list(KEYS)
    assert [s["number"] for s in listed] == list(range(1, 16))
    for s in listed:
        assert s["question"].endswith("?"), s["key"]
        assert s["sources"], s["key"]
        assert set(s["bodies"]) == {"network", "rtl", "spice"}, s["key"]
        assert all(p["meaning"] and p["allowed"] for p in s["parameters"]), s["key"]
    assert call("systems") == 0
    assert "trpv1" in capsys.readouterr().out


def test_run_prints_figures_checks_and_notes(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "fi", *FAST) == 0
    out = capsys.readouterr().out
    assert "rheobase: 150 pA" in out
    assert out.count("holds") == 3
    assert "note: " in out


def test_run_json_is_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "fi", *FAST, "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["agrees"] is True
    assert data["parameters"]["points"] == 5
    assert data["parameters"]["dt"] == pytest.approx(1e-3)
    curve = data["panels"][0]["series"][0]
    assert len(curve["x"]) == len(curve["y"]) == 5


def test_sweep_tabulates_the_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "sweep.csv"
    assert call("run", "fi", *FAST, "--sweep", "t_ref=0:5ms:3", "--out", str(out)) == 0
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert [float(r["t_ref"]) for r in rows] == pytest.approx([0, 2.5e-3, 5e-3])
    rates = [float(r["rate at i_max"]) for r in rows]
    assert 1 / rates[2] - 1 / rates[0] == pytest.approx(5e-3)
    capsys.readouterr()
    assert call("run", "fi", *FAST, "--sweep", "tau_mem=1ms:100ms:3:log", "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert [r["tau_mem"] for r in data["rows"]] == pytest.approx([1e-3, 1e-2, 1e-1])
    assert call("run", "fi", "--set", "dt=1ms", "--sweep", "points=2:4:3", "--json") == 0
    assert [r["points"] for r in json.loads(capsys.readouterr().out)["rows"]] == [2, 3, 4]


def test_plot_and_out_are_written(tmp_path: Path) -> None:
    plot, out = tmp_path / "fi.svg", tmp_path / "fi.json"
    assert call("run", "fi", *FAST, "--plot", str(plot), "--out", str(out)) == 0
    assert plot.read_text().startswith("<?xml")
    assert json.loads(out.read_text())["system"] == "fi"
    first = plot.read_bytes()
    assert call("run", "fi", *FAST, "--plot", str(plot)) == 0
    assert plot.read_bytes() == first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fi.json", "fi.svg"]


def test_parameters_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "fi", "--parameters") == 0
    assert "Refractory period." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nix"], "system = 'nix': allowed is trpv1, hcn"),
        (["fi", "--set", "tau_mem"], "set = 'tau_mem': allowed is NAME=VALUE"),
        (["fi", "--set", "size=3"], "fi parameter = 'size': allowed is tau_mem, r"),
        (["fi", "--set", "tau_mem=3V"], "a unit that converts to s"),
        (["fi", "--set", "v_th=-70mV"], "v_th = -0.07: allowed is above v_leak"),
        (["fi", "--sweep", "t_ref=1:2"], "allowed is NAME=A:B:N"),
        (["fi", "--sweep", "t_ref=1:2:0"], "1 to 10000 points"),
        (["fi", "--sweep", "t_ref=0:2:3:log"], "bounds above 0"),
        (["fi", "--sweep", "t_ref=1:2:3:cubic"], "NAME=A:B:N:log"),
        (["fi", "--plot", "x.bmp"], "plot = 'x.bmp': allowed is a name in .svg, .png, .pdf"),
        (["fi", "--out", "x.txt"], "out = 'x.txt': allowed is a name that ends in .json"),
        (["fi", "--sweep", "t_ref=0:1:2", "--plot", "x.svg"], "no plot with --sweep"),
    ],
)
def test_bad_input(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert call("run", *arguments) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_check_that_fails_gives_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fi = find_system("fi")

    def wrong(_: Any) -> Result:
        check = Check.relative("rate", 1.1, 1.0, 0.01, "Hz", "closed form", "a test")
        return Result("fi", {}, (Figure("rate", 1.1, "Hz"),), (check,))

    broken = type(fi)(**{**vars(fi), "run": wrong})
    monkeypatch.setattr(cli_systems, "find_system", lambda key: broken)
    assert call("run", "fi") == 1
    assert "fails" in capsys.readouterr().out
    assert call("run", "fi", "--sweep", "t_ref=0:1:2", "--json") == 1


def test_checks_compare_as_they_say() -> None:
    words = ("Hz", "closed form", "a reason")
    assert Check.relative("a", 1.1, 1.0, 0.11, *words).holds
    assert not Check.relative("a", 1.1, 1.0, 0.09, *words).holds
    assert not Check.absolute("a", 2.0, 1.0, 0.5, *words).holds
    assert Check.sigma("a", 2.0, 1.0, 0.5, 2.0, *words).holds
    assert not Check.sigma("a", 2.0, 1.0, 0.0, 3.0, *words).holds
    assert not Check.relative("a", float("nan"), 1.0, 1.0, *words).holds


def test_every_style_is_drawn(tmp_path: Path) -> None:
    x = [0.0, 1e-3, 2e-3]
    panel = Panel(
        "Title", "time", "s", "potential", "V",
        (
            Series("model", x, [0.0, 5e-3, 1e-2]),
            Series("reference", x, [0.0, 5e-3, 1e-2], "reference"),
            Series("points", x, [0.0, 4e-3, 9e-3], style="points"),
            Series("bars", x, [0.0, 4e-3, 9e-3], style="points", error=[1e-4] * 3),
            Series("steps", x, [0.0, 4e-3, 9e-3], "context", "steps"),
            Series("spikes", x, [0.0, 1.0, 2.0], style="spikes"),
        ),
    )  # fmt: skip
    result = Result("fi", {}, (), (), (panel,) * 4)
    fig = draw(result, "All")
    assert len(fig.axes) == 4
    assert fig.axes[0].get_xlabel() == "time (ms)"
    assert fig.axes[0].get_ylabel() == "potential (mV)"
    save_figure(fig, tmp_path / "all.png")
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")
