"""Sweeps and netlists at the prompt."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from rich.progress import Progress

from lifstone.analog import spike_times
from lifstone.console import _Count
from lifstone.golden import InvalidValue
from lifstone.ranges import numbers
from tests.lifstone.conftest import Lifstone
from tests.sim.test_spice import read_table


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1e-9", [1e-9]),
        ("1e-9, 5nA ,0.1 uA", [1e-9, 5e-9, 1e-7]),
        ("1:2:3", [1.0, 1.5, 2.0]),
        ("2:1:2", [2.0, 1.0]),
        ("1e-9:1e-6:4:log", [1e-9, 1e-8, 1e-7, 1e-6]),
        ("1nA:1uA:4:log,5", [1e-9, 1e-8, 1e-7, 1e-6, 5.0]),
    ],
)
def test_lists_and_ranges(text: str, values: list[float]) -> None:
    assert numbers("i-bias", text, "A") == pytest.approx(values, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    ["", "1,", "a", "1:2", "1:2:1", "1:2:0", "1:2:x", "1:2:3:lin", "1:2:3:log:4", "0:1:3:log",
     "-1:1:3:log", "1:2:10001", "1:2:" + "9" * 30, "1V", "1e-9\n.end", "nan", "inf", "1:nan:3"],
)  # fmt: skip
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        numbers("i-bias", text, "A")
    assert (caught.value.field, caught.value.value) == ("i-bias", text)


def test_a_sweep_of_rates_tells_where_the_ota_leaves_its_range(
    lifstone: Lifstone, tmp_path: Path
) -> None:
    out = tmp_path / "fi.zarr"
    axes = ("--v-th", "1mV,200mV", "--drive", "0.5:2:2")
    said = lifstone("sweep", "--measure", "fi", *axes, "--jobs", 1, "--out", out, "--json")
    assert (said.code, said.err) == (0, "")
    told = said.json()
    assert told["dims"] == {"i_bias": 1, "c": 1, "temperature": 1, "v_th": 2, "drive": 2}
    with xr.open_zarr(out) as data:
        d = data.isel(i_bias=0, c=0, temperature=0).load()
    np.testing.assert_array_equal(
        d["measured"].values, np.squeeze(told["data_vars"]["measured"]["data"])
    )
    assert (d["measured"].values[0, 0], d["expected"].values[1, 0]) == (0, 0)
    np.testing.assert_allclose(d["measured"][0, 1], d["expected"][0, 1], rtol=0.01)
    np.testing.assert_allclose(d["measured"][1], d["large_signal"][1], rtol=1e-3)
    assert d["measured"].values[1, 1] > 1.1 * d["expected"].values[1, 1]


def test_the_table_has_units_and_errors(lifstone: Lifstone, tmp_path: Path) -> None:
    said = lifstone("sweep", "--temperature", "273.15", "--jobs", 1, "--out", tmp_path / "t.nc")
    head, row, last = said.out.splitlines()
    assert head.split() == ["i_bias", "c", "temperature", "measured", "expected", "error"]
    assert row.split()[:6] == ["20", "nA", "10", "pF", "273.15", "K"]
    assert row.split()[6:10] == ["30.6", "µs", "30.6", "µs"]
    assert row.split()[11] == "%"
    assert abs(float(row.split()[10])) < 0.5
    assert last == f"written to {tmp_path / 't.nc'}"


def test_failed_points_are_counted_and_kept(
    lifstone: Lifstone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(neuron: object) -> float:
        raise RuntimeError("ngspice stopped at 1e-9 s:\n timestep too small")

    monkeypatch.setattr("lifstone.sim.spice_sweep.measure_tau", give_up)
    said = lifstone("sweep", "--i-bias", "1nA,2nA", "--jobs", 1, "--out", tmp_path / "t.nc")
    assert said.code == 0
    assert said.err == "2 of 2 points failed\n"
    assert said.out.count("nan s") == 2
    assert said.out.count("timestep too small") == 2
    with xr.open_dataset(tmp_path / "t.nc", engine="h5netcdf") as data:
        assert np.isnan(data["measured"].values).all()
        assert "timestep too small" in str(data["failure"].values[0, 0, 0])


def test_the_bar_says_how_much_is_done_and_what_is_left() -> None:
    clock = iter(np.arange(0.0, 1000.0, 1.0))
    bar = Progress(_Count(), disable=True, get_time=lambda: float(next(clock)))
    task = bar.add_task("x", total=None)
    assert str(_Count().render(bar.tasks[0])) == ""
    bar.update(task, total=10)
    assert str(_Count().render(bar.tasks[0])) == "0/10"
    for _ in range(4):
        bar.advance(task)
    assert str(_Count().render(bar.tasks[0])).startswith("4/10, 0:00:")
    assert str(_Count().render(bar.tasks[0])).endswith(" left")
    bar.update(task, completed=10)
    assert str(_Count().render(bar.tasks[0])) == "10/10"


@pytest.mark.skipif(shutil.which("ngspice") is None, reason="the program ngspice is absent")
def test_a_netlist_runs_alone_and_spikes_as_the_exact_solution(
    lifstone: Lifstone, chain: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "n.cir"
    options = ("--neuron", "p:2", "--steps", 60, "--seed", 3, "--out", out)
    told = lifstone("netlist", chain, *options, "--json").json()
    assert (told["neuron"], told["steps"]) == ("p:2", 60)
    assert len(told["spike_times"]) > 3
    assert [p.name for p in out.parent.iterdir()] == ["n.cir"]
    done = subprocess.run(["ngspice", "-b", str(out)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = spike_times(read_table(done.stdout))
    np.testing.assert_allclose(found, told["spike_times"], rtol=0, atol=2e-6)
    said = lifstone("netlist", chain, *options)
    assert said.out.splitlines()[-1] == (
        f"written to {out}: 60 steps, {len(told['spike_times'])} spikes in the exact solution"
    )


@pytest.mark.parametrize(
    ("neuron", "allowed"),
    [("q:0", "population:index of p"), ("p:3", "p:0 to p:2"), ("p", "of p"), ("p:-1", "p:0 to")],
)
def test_a_neuron_that_is_not_there(
    lifstone: Lifstone, chain: Path, tmp_path: Path, neuron: str, allowed: str
) -> None:
    said = lifstone("netlist", chain, "--neuron", neuron, "--out", tmp_path / "n.cir")
    assert said.code == 2
    assert said.err.startswith(f"error: neuron = '{neuron}': allowed is ")
    assert allowed in said.err
    assert not (tmp_path / "n.cir").exists()


def test_a_netlist_for_other_simulators(lifstone: Lifstone, chain: Path, tmp_path: Path) -> None:
    out = tmp_path / "n.scs"
    options = ("--neuron", "p:2", "--steps", 5, "--out", out)
    assert lifstone("netlist", chain, *options, "--format", "spectre").code == 0
    assert out.read_text().startswith("simulator lang=spectre\n// neuron p:2\n")
    out.unlink()
    said = lifstone("netlist", chain, *options, "--format", "hspice")
    assert said.code == 2
    assert said.err.startswith("error: format = 'hspice': allowed is ngspice, xyce, spectre")
    assert not out.exists()


def test_a_folder_is_no_netlist(lifstone: Lifstone, chain: Path, tmp_path: Path) -> None:
    said = lifstone("netlist", chain, "--neuron", "p:0", "--out", tmp_path)
    assert said.code == 2
    assert said.err.startswith("error: out = ")
