"""The systems on integer cells: their RTL is exact, and clean for the strictest lint."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from lifstone.golden.cells.body import BODIES, integer_body
from lifstone.hdl import Design
from lifstone.hdl.cells import conductance as _conductance  # noqa: F401
from lifstone.hdl.cells import noise as _noise  # noqa: F401
from lifstone.hdl.cells import photo as _photo  # noqa: F401
from lifstone.hdl.lint import waiver_file
from lifstone.hdl.unit_top import generate_unit
from lifstone.sim.rtl.unit import verify_unit
from tests.hdl.test_verilog import lint

STEPS = 2500
"""The first of each run; the whole of it takes a minute."""

body = cache(integer_body)


@cache
def design(key: str) -> Design:
    return generate_unit(body(key).unit, "net", trace=True)


@pytest.mark.parametrize("key", BODIES)
def test_every_word_is_exact(key: str) -> None:
    made = body(key)
    steps = min(STEPS, made.steps)
    inputs = {name: a[:steps] for name, a in made.inputs.items()}
    verdict = verify_unit(made.unit, inputs, steps, design=design(key), optimise=False)
    assert str(verdict) == "exact", str(verdict)


@pytest.mark.parametrize("key", BODIES)
def test_strict_lint_is_silent(key: str, tmp_path: Path) -> None:
    (tmp_path / "net.v").write_text(design(key).verilog, encoding="utf-8")
    (tmp_path / "net.vlt").write_text(waiver_file("net.v"), encoding="utf-8")
    assert lint(tmp_path, "net.vlt") == []
