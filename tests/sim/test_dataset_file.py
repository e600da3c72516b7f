"""Datasets on disk: round trips, what is replaced and what is not, nothing half-written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from lifstone.golden import InvalidValue
from lifstone.sim.dataset_file import check_path, save

SUFFIXES = [".nc", ".zarr"]


def dataset(scale: float = 1.0) -> xr.Dataset:
    values = scale * np.array([[1.0, np.nan], [1 / 3, 1e-300]])
    failure = np.array([["", "ngspice stopped: µ, | and more"], ["", ""]])
    return xr.Dataset(
        {
            "measured": (("i_bias", "c"), values, {"units": "s"}),
            "failure": (("i_bias", "c"), failure),
        },
        coords={
            "i_bias": ("i_bias", [1e-9, 2e-9], {"units": "A"}),
            "c": [1e-12, 3e-12],
            "v_th": 1e-3,
        },
        attrs={"measure": "tau", "n_slope": 1.3},
    )


def load(path: Path) -> xr.Dataset:
    if path.suffix == ".zarr":
        with xr.open_zarr(path) as data:
            return data.load()
    with xr.open_dataset(path, engine="h5netcdf") as data:
        return data.load()


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_round_trip_to_the_bit(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "new" / f"x{suffix}"
    save(dataset(), path)
    back = load(path)
    xr.testing.assert_identical(back.drop_vars("failure"), dataset().drop_vars("failure"))
    assert back["failure"].values.tolist() == dataset()["failure"].values.tolist()
    assert back["measured"].attrs == {"units": "s"}
    assert back["i_bias"].attrs == {"units": "A"}
    assert names(path.parent) == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_earlier_result_is_replaced_whole(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    save(dataset(), path)
    save(dataset(2.0).drop_vars("failure").isel(c=[0]), path)
    back = load(path)
    assert list(back.data_vars) == ["measured"]
    assert back["measured"].values.tolist() == [[2.0], [2 / 3]]
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("when", ["write", "rename"])
def test_a_failed_write_leaves_what_was_there(
    tmp_path: Path, suffix: str, error: BaseException, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"x{suffix}"
    save(dataset(), path)
    method = "to_zarr" if suffix == ".zarr" else "to_netcdf"
    plain = getattr(xr.Dataset, method)

    def breaks_off(data: xr.Dataset, target: Path, *rest: object, **options: object) -> None:
        plain(data, target, *rest, **options)
        raise error

    def rename(source: Path, target: Path) -> None:
        if Path(target) == path and "former" not in Path(source).name:
            raise error
        Path(source).rename(target)

    with monkeypatch.context() as m:
        if when == "write":
            m.setattr(xr.Dataset, method, breaks_off)
        else:
            m.setattr("lifstone.sim.dataset_file.os.replace", rename)
        with pytest.raises(type(error)):
            save(dataset(2.0), path)
    assert names(tmp_path) == [path.name]
    assert load(path)["measured"].values[0, 0] == 1.0


@pytest.mark.parametrize("name", ["x", "x.txt", "x.nc.gz", "x.NC", ".zarr"])
def test_formats_go_by_the_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidValue, match=r"ends in \.nc or \.zarr"):
        save(dataset(), tmp_path / name)
    assert names(tmp_path) == []


def test_what_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder.nc").mkdir()
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "thesis.tex").write_text("kept")
    (tmp_path / "file.zarr").write_text("kept")
    save(dataset(), tmp_path / "real.zarr")
    (tmp_path / "link.zarr").symlink_to(tmp_path / "real.zarr")
    (tmp_path / "dangling.zarr").symlink_to(tmp_path / "nowhere")
    before = names(tmp_path)
    for name in ("folder.nc", "mine.zarr", "file.zarr", "link.zarr", "dangling.zarr"):
        for attempt in (check_path, lambda p: save(dataset(), p)):
            with pytest.raises(InvalidValue, match="out = "):
                attempt(tmp_path / name)
    assert names(tmp_path) == before
    assert (tmp_path / "mine.zarr" / "thesis.tex").read_text() == "kept"
    assert (tmp_path / "file.zarr").read_text() == "kept"
    assert load(tmp_path / "real.zarr")["measured"].values[0, 0] == 1.0
