"""Verilog of convolution cores and platforms is silent under the strictest lint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lifstone.golden.platforms.event_unit import EventContract
from lifstone.golden.unit import Projection, UnitContract
from lifstone.hdl import Design, generate
from lifstone.hdl.platforms.event_top import generate_events
from lifstone.hdl.unit_top import generate_unit
from tests.hdl import platform_cells as draw
from tests.hdl.test_convolution import case
from tests.hdl.test_verilog import lint

KINDS = ("convolution", "line", "loihi", "spinnaker", "truenorth", "synapses", "odin")


def design(kind: str) -> Design:
    rng = np.random.default_rng(1)
    if kind in ("convolution", "line"):
        contract, kernel = case("both" if kind == "convolution" else "line")
        return generate(contract, "net", trace=True, kernels={"p": kernel})
    if kind in ("odin", "synapses"):
        make = draw.odin if kind == "odin" else draw.truenorth_events
        return generate_events(EventContract(make(rng, 5, 3), rng.integers(-7, 8, (5, 3))), "net")
    cell = getattr(draw, kind)(rng, 5)
    weight = Projection("x", "input", rng.integers(-99, 99, (5, 3)))
    return generate_unit(UnitContract(cell, {"x": 3}, (weight,)), "net")


@pytest.mark.parametrize("kind", KINDS)
def test_strict_lint_is_silent(kind: str, tmp_path: Path) -> None:
    made = design(kind)
    made.write(tmp_path)
    assert lint(tmp_path, "net.vlt") == []
    again = design(kind)
    assert again.files() == made.files()
