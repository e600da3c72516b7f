"""A pytest plugin: the fixture ``lifstone_verify`` holds a Verilog core against its contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .golden import Verdict

__all__ = ["lifstone_verify"]


@pytest.fixture(scope="session")
def lifstone_verify() -> Callable[..., Verdict]:
    """``lifstone_verify("core.toml")`` gives a verdict; ``steps`` and ``seed`` may be given.

    ``assert verdict.agrees, verdict`` then fails with the first step that deviates and why.
    Bad input raises :class:`~lifstone.InvalidValue`, and :class:`~lifstone.MissingTool` where
    there is no Verilator: nothing is skipped.
    """

    def verify(
        core_toml: str | Path, *, steps: int | None = None, seed: int | None = None
    ) -> Verdict:
        from .core_file import read_core
        from .sim.rtl.user_core_check import check_core

        core, plan = read_core(Path(core_toml), steps=steps, seed=seed)
        return check_core(core, plan).verdict

    return verify
