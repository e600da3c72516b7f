"""Labelled arrays as netCDF or Zarr: a whole file or none."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..golden.errors import require

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["check_path", "save"]


def check_path(path: Path) -> None:
    """Refuse, before any work is done, a name that :func:`save` could not write.

    A file is replaced, and so is a folder that holds a Zarr store; no other folder is touched.

    Raises
    ------
    InvalidValue
        Naming the path.
    """
    require(path.suffix in (".nc", ".zarr"), "out", str(path), "a name that ends in .nc or .zarr")
    if path.suffix == ".nc":
        require(not path.is_dir(), "out", str(path), "a file, no folder")
        return
    store = path.is_dir() and any((path / name).is_file() for name in (".zgroup", "zarr.json"))
    require(store or not os.path.lexists(path), "out", str(path), "a new name or an earlier .zarr")
    require(not path.is_symlink(), "out", str(path), "no link to a folder")


def save(data: xr.Dataset, path: Path) -> None:
    """Write netCDF (``.nc``) or Zarr (``.zarr``), whole or not at all."""
    check_path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    former = path.with_name(f".{os.getpid()}-former-{path.name}")
    try:
        if path.suffix == ".nc":
            data.to_netcdf(temporary, engine="h5netcdf")
            os.replace(temporary, path)
            return
        data.to_zarr(temporary, mode="w", zarr_format=2, consolidated=True)
        if path.exists():
            os.replace(path, former)
        try:
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.replace(former, path)
            raise
    finally:
        for left in (temporary, former):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
