"""``lifstone fit``: files, options, plot; the numbers are tested with the estimators."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from lifstone.golden import InvalidValue
from lifstone.golden.estimation import NAMES, Recording, default_experiment, simulate
from lifstone.recording_input import load_recording
from tests.lifstone.conftest import Lifstone

E = default_experiment(1.5)
DT = 1e-3


@pytest.fixture(scope="module")
def recorded() -> Recording:
    return simulate(replace(E, dropped=0.02), 1, 1)[0]


def table(path: Path, r: Recording, times: bool, left_out: bool = False) -> Path:
    """A CSV of ``r`` whose dropped samples are empty cells, or rows that are not there."""
    assert r.x is not None
    assert r.spikes is not None
    fired = np.isin(np.arange(r.v.size), r.spikes)
    lines = ["t,v,x" if times else "v,x,spike"]
    for k, (v, x) in enumerate(zip(r.v.tolist(), r.x.tolist(), strict=True)):
        cell = "" if np.isnan(v) else repr(v)
        if left_out and not cell:
            continue
        lines.append(f"{0.5 + k * DT:.6f},{cell},{x}" if times else f"{cell},{x},{int(fired[k])}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_fit_reads_dropped_samples_and_spike_times(
    lifstone: Lifstone, recorded: Recording, tmp_path: Path
) -> None:
    archive = tmp_path / "r.npz"
    assert recorded.spikes is not None
    times = recorded.spikes * DT
    np.savez(archive, v=recorded.v, x=recorded.x, spike_times=times, dt=DT)
    csv = table(tmp_path / "r.csv", recorded, times=False)
    results = [
        lifstone("fit", archive, "--t-ref", 2e-3, "--json").json(),
        lifstone("fit", csv, "--dt", DT, "--t-ref", 2e-3, "--json").json(),
    ]
    assert results[0] == results[1]
    found = results[0]
    assert found["method"] == "likelihood"
    assert found["converged"] is True
    assert found["missing"] == int(np.isnan(recorded.v).sum()) > 10
    for name in NAMES:
        e = found[name]
        assert e["low"] < e["value"] < e["high"]
        # Seven parameters at five standard errors: no run in 100,000 fails.
        assert abs(e["value"] - getattr(E.neuron, name)) < 6 * e["error"], name
    assert np.shape(found["covariance"]["values"]) == (7, 7)
    assert found["covariance"]["of"][0] == "ln tau_mem"


def test_fit_finds_step_spikes_and_gaps_by_itself(recorded: Recording, tmp_path: Path) -> None:
    whole = load_recording(table(tmp_path / "a.csv", recorded, times=True))
    sparse = load_recording(table(tmp_path / "b.csv", recorded, times=True, left_out=True))
    for found in (whole, sparse):
        assert found.dt == pytest.approx(DT, rel=1e-9)
        assert found.spikes is None
        assert found.t_ref is None
        np.testing.assert_array_equal(found.v, recorded.v[: found.v.size])
    assert sparse.x is not None
    known = np.isfinite(recorded.v)
    np.testing.assert_array_equal(sparse.x[known], np.asarray(recorded.x)[known])


def test_fit_by_the_baseline_without_marks(
    lifstone: Lifstone, recorded: Recording, tmp_path: Path
) -> None:
    said = lifstone("fit", table(tmp_path / "r.csv", recorded, times=True), "--method", "baseline")
    assert (said.code, said.err) == (0, "")
    assert "method baseline" in said.out
    assert "spikes detected from the potential" in said.out
    assert "refractory period 0.00" in said.out


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_fit_draws_what_is_left(
    lifstone: Lifstone, recorded: Recording, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / "plots" / f"fit{suffix}"
    csv = table(tmp_path / "r.csv", recorded, times=False)
    said = lifstone("fit", csv, "--dt", DT, "--t-ref", 2e-3, "--method", "baseline", "--plot", path)
    assert (said.code, said.err) == (0, "")
    assert said.out.endswith(f"written to {path}\n")
    head = path.read_bytes()[:200]
    assert head.startswith(b"\x89PNG") if suffix == ".png" else b"<?xml" in head
    assert [p.name for p in path.parent.iterdir()] == [path.name]


WRONG = [
    ("t,v\n0,1\n0,2\n", (), "recording.t[1]", "ascending"),
    ("t,v\n0,1\n1,2\n2.5,2\n3,1\n4,1\n5,1\n", (), "recording.t[2]", "a grid of"),
    ("t,v\n0,1\nnan,2\n", (), "recording.t[1]", "finite numbers"),
    ("t,v\n0,1\n1e-6,2\n2e-6,1\n1,1\n", (), "recording.t", "samples, not mostly gaps"),
    ("v\n1\n2\n", (), "dt", "--dt with seconds, or a column t"),
    ("v\n1\n2\n", ("--dt", 1, "--t-ref", "soon"), "t-ref", "seconds, or auto"),
    ("v\n1\n2\n", ("--dt", 1, "--method", "magic"), "v", "at least 8 samples"),
    ("v\n1\n2\n", ("--dt", 1, "--series", "a"), "series", "only a .nwb file has series"),
    ("v\n1\n2\n", ("--dt", 1, "--plot", "fit.txt"), "plot", "a name in .svg"),
    ("v,spike\n" + "1,0\n2,2\n" * 5, ("--dt", 1), "spikes[1]", "0 or 1"),
]


@pytest.mark.parametrize(("text", "options", "field", "allowed"), WRONG)
def test_fit_refuses(
    lifstone: Lifstone,
    tmp_path: Path,
    text: str,
    options: tuple[object, ...],
    field: str,
    allowed: str,
) -> None:
    path = tmp_path / "r.csv"
    path.write_text(text)
    said = lifstone("fit", path, *options)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: {field} = "), said.err
    assert allowed in said.err
    assert [p.name for p in tmp_path.iterdir()] == ["r.csv"]


def test_fit_refuses_columns_of_a_file_that_names_them(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="columns = 'v,x': allowed is none"):
        load_recording(tmp_path / "r.nwb", columns="v,x")


def test_fit_says_what_reads_nwb(
    lifstone: Lifstone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pynwb", None)
    said = lifstone("fit", tmp_path / "cell.nwb")
    assert (said.code, said.out) == (3, "")
    assert "pynwb is not installed: pip install pynwb" in said.err


def write_nwb(path: Path, r: Recording, *, twice: bool = False) -> None:
    pynwb = pytest.importorskip("pynwb")
    icephys = pytest.importorskip("pynwb.icephys")
    assert r.spikes is not None
    file = pynwb.NWBFile("a neuron", "lif-1", datetime(2024, 1, 1, tzinfo=UTC))
    device = file.create_device("amplifier")
    electrode = file.create_icephys_electrode(name="e", description="one", device=device)
    for name in ("potential", "other") if twice else ("potential",):
        file.add_acquisition(
            icephys.CurrentClampSeries(
                name=name, data=r.v * 1e3, conversion=1e-3, electrode=electrode, gain=1.0,
                starting_time=2.0, rate=1 / r.dt,
            )
        )  # fmt: skip
    file.add_stimulus(
        icephys.CurrentClampStimulusSeries(
            name="current", data=r.x, electrode=electrode, gain=1.0, starting_time=2.0,
            rate=1 / r.dt,
        )
    )  # fmt: skip
    file.add_unit(spike_times=2.0 + r.spikes * r.dt)
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)


def test_fit_reads_nwb(lifstone: Lifstone, recorded: Recording, tmp_path: Path) -> None:
    write_nwb(tmp_path / "cell.nwb", recorded)
    found = load_recording(tmp_path / "cell.nwb")
    assert found.dt == pytest.approx(DT)
    np.testing.assert_allclose(found.v, recorded.v, rtol=1e-12)
    np.testing.assert_array_equal(found.x, recorded.x)
    np.testing.assert_array_equal(found.spikes, recorded.spikes)
    write_nwb(tmp_path / "two.nwb", recorded, twice=True)
    said = lifstone("fit", tmp_path / "two.nwb")
    assert said.code == 2
    assert "--series of other, potential" in said.err or "potential, other" in said.err
    again = load_recording(tmp_path / "two.nwb", series="potential")
    np.testing.assert_allclose(again.v, recorded.v, rtol=1e-12)


def test_fit_refuses_a_broken_nwb(lifstone: Lifstone, tmp_path: Path) -> None:
    pytest.importorskip("pynwb")
    (tmp_path / "cell.nwb").write_bytes(b"no HDF5")
    said = lifstone("fit", tmp_path / "cell.nwb")
    assert (said.code, said.out) == (2, "")
    assert "an unbroken .nwb file" in said.err
