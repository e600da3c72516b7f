"""Sweeps of the analog neuron against theory, and as labelled data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from lifstone.golden import InvalidValue, ota
from lifstone.sim.dataset_file import save
from lifstone.sim.spice_sweep import sweep

ROOM = [300.15]
MANY = np.geomspace(1e-12, 1e-6, 1001).tolist()


def test_tau_over_bias_capacitance_and_temperature() -> None:
    axes = {
        "i_bias": np.geomspace(1e-12, 1e-6, 4).tolist(),
        "c": [1e-13, 1e-11, 1e-9],
        "temperature": [233.15, 300.15, 398.15],
    }
    data = sweep(**axes, jobs=1)
    assert data["measured"].dims == ("i_bias", "c", "temperature")
    assert dict(data.sizes) == {"i_bias": 4, "c": 3, "temperature": 3}
    wanted = ota.tau(
        data["c"].values[None, :, None],
        data["i_bias"].values[:, None, None],
        1.3,
        data["temperature"].values[None, None, :],
    )
    np.testing.assert_allclose(data["expected"].values, wanted, rtol=1e-12)
    # Required: 0.5 %.
    np.testing.assert_allclose(data["measured"].values, wanted, rtol=1e-4)
    assert (data["failure"].values == "").all()
    units = {name: data[name].attrs["units"] for name in (*axes, "measured", "expected")}
    assert units == {"i_bias": "A", "c": "F", "temperature": "K", "measured": "s", "expected": "s"}


def test_rates_over_threshold_and_input() -> None:
    data = sweep(
        i_bias=[2e-8],
        c=[1e-11],
        temperature=ROOM,
        measure="fi",
        v_th=[2e-3, 5e-3, 60e-3, 200e-3],
        drive=[0.5, 0.9, 1.2, 2.0, 4.0],
        jobs=1,
    ).isel(i_bias=0, c=0, temperature=0)
    assert data["measured"].dims == ("v_th", "drive")
    linear = data["v_th"].values < ota.linear_range(0.01)
    assert linear.tolist() == [True, True, False, False]
    # In the linear range of the OTA: 1 % from the linear neuron.
    np.testing.assert_allclose(
        data["measured"][linear], data["expected"][linear], rtol=0.01, atol=0
    )
    # Outside, far more; and everywhere the tanh explains it.
    ratio = (data["measured"] / data["expected"]).values[~linear][:, 2:]
    assert ratio.min() > 1.015
    assert ratio[:, 0].min() > 1.2
    np.testing.assert_allclose(data["measured"], data["large_signal"], rtol=1e-3, atol=0)
    # A threshold that the linear neuron cannot reach is reached by the one whose leak saturates.
    silent = (data["expected"] == 0) & (data["measured"] > 0)
    assert silent.values.tolist() == [[False] * 5] * 2 + [[False, True] + [False] * 3] + [
        [True, True] + [False] * 3
    ]
    assert data["current"].attrs["units"] == "A"
    at = data["current"].sel(v_th=5e-3, drive=2.0)
    assert float(at) == pytest.approx(2 * 5e-3 * float(ota.g_m(2e-8)))


def test_one_rate_has_its_threshold_and_input_beside_it() -> None:
    data = sweep(i_bias=[2e-8, 1e-9], c=[1e-11], temperature=ROOM, measure="rate", jobs=1)
    assert data["measured"].dims == ("i_bias", "c", "temperature")
    assert (float(data["v_th"]), float(data["drive"])) == (1e-3, 2.0)
    np.testing.assert_allclose(data["measured"], data["expected"], rtol=1e-3)
    other = sweep(
        i_bias=[2e-8], c=[1e-11], temperature=ROOM, measure="rate", v_th=[5e-3], drive=[3.0], jobs=1
    )
    np.testing.assert_allclose(other["measured"], other["expected"], rtol=1e-2)
    assert float(other["drive"]) == 3.0


def test_processes_change_no_bit() -> None:
    axes: dict[str, Any] = {"i_bias": [1e-9, 2e-8], "c": [1e-12, 1e-11], "temperature": ROOM}
    one, two = (sweep(**axes, jobs=jobs) for jobs in (1, 2))
    xr.testing.assert_identical(one, two)


def test_a_failed_point_says_why_and_the_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lifstone.sim import spice_sweep

    plain = spice_sweep.measure_tau

    def sometimes(neuron: Any) -> float:
        if neuron.i_bias == 2e-9:
            raise RuntimeError("ngspice stopped at 0 s: timestep too small")
        return plain(neuron)

    monkeypatch.setattr(spice_sweep, "measure_tau", sometimes)
    seen: list[tuple[int, int]] = []
    data = sweep(
        i_bias=[1e-9, 2e-9, 3e-9],
        c=[1e-12],
        temperature=ROOM,
        jobs=1,
        progress=lambda *a: seen.append(a),
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert np.isnan(data["measured"].values.ravel()).tolist() == [False, True, False]
    assert data["failure"].values.ravel().tolist() == [
        "", "ngspice stopped at 0 s: timestep too small", ""
    ]  # fmt: skip
    assert np.isfinite(data["expected"].values).all()
    save(data, tmp_path / "x.nc")
    with xr.open_dataset(tmp_path / "x.nc", engine="h5netcdf") as back:
        assert back["failure"].values.ravel().tolist() == data["failure"].values.ravel().tolist()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"i_bias": []}, "i_bias"),
        ({"c": [1e-12, 1e-12]}, "c"),
        ({"c": ["1e-12\n.control"]}, "c"),
        ({"temperature": [True]}, "temperature"),
        ({"temperature": [np.nan]}, "temperature"),
        ({"temperature": [1e9]}, "temperature"),
        ({"i_bias": [0.0]}, "i_bias"),
        ({"i_bias": [-1e-9]}, "i_bias"),
        ({"i_bias": [np.inf]}, "i_bias"),
        ({"i_bias": [None]}, "i_bias"),
        ({"measure": "gain"}, "measure"),
        ({"measure": "tau", "v_th": [1e-3]}, "v_th"),
        ({"measure": "rate", "drive": [1.0, 2.0]}, "drive"),
        ({"measure": "fi", "drive": [-1.0]}, "drive"),
        ({"measure": "fi", "v_th": [1e7]}, "v_th"),
        ({"measure": "fi", "v_th": [100.0]}, "v_th"),
        ({"jobs": 0}, "jobs"),
        ({"jobs": 257}, "jobs"),
        ({"i_bias": MANY, "c": MANY}, "points"),
    ],
)  # fmt: skip
def test_refused_before_any_simulation(
    change: dict[str, Any], field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> list[tuple[float, str]]:
        raise AssertionError("simulated")

    monkeypatch.setattr("lifstone.sim.spice_sweep.run_points", never)
    good: dict[str, Any] = {"i_bias": [2e-8], "c": [1e-11], "temperature": ROOM}
    with pytest.raises(InvalidValue) as caught:
        sweep(**{**good, **change})
    assert caught.value.field == field
    assert "\n" not in str(caught.value)


def test_a_missing_library_ends_a_sweep_in_processes() -> None:
    code = (
        "from lifstone.golden import MissingTool\n"
        "from lifstone.sim.spice_sweep import sweep\n"
        "if __name__ == '__main__':\n"
        "    try:\n"
        "        sweep(i_bias=[1e-9, 2e-9], c=[1e-12], temperature=[300.0], jobs=2)\n"
        "    except MissingTool as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "NGSPICE_LIBRARY_PATH": "/nowhere/libngspice.so"},
    )
    assert done.stdout == "libngspice is not installed: apt-get install libngspice0\n"
    assert done.stderr == ""
