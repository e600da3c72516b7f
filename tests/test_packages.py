"""The wheel holds every package of the rooms."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("golden", "sim", "hdl", "analog")


def test_every_package_is_listed_and_mapped() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        setuptools = tomllib.load(file)["tool"]["setuptools"]
    on_disk = {
        "lifstone." + ".".join(path.parent.relative_to(ROOT).parts): str(
            path.parent.relative_to(ROOT)
        )
        for room in ROOMS
        for path in (ROOT / room).rglob("__init__.py")
    }
    for path in (ROOT / "lifstone").rglob("__init__.py"):
        folder = path.parent.relative_to(ROOT)
        on_disk[".".join(folder.parts)] = str(folder)
    assert set(setuptools["packages"]) == set(on_disk)
    assert setuptools["package-dir"] == on_disk
