"""Verilog of the neurons with noise and of the plastic cores is silent under strict lint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lifstone.hdl.cells.noise  # noqa: F401  registers the logic
from lifstone.golden.cells.noise import NoisyLif, StochasticThreshold
from lifstone.golden.unit import Projection, UnitContract
from lifstone.hdl import Design
from lifstone.hdl.plastic_top import generate_plastic
from lifstone.hdl.unit_top import generate_unit
from tests.hdl.contracts import options, random_contract
from tests.hdl.plastic_contracts import random_plastic
from tests.hdl.test_verilog import lint

CHECKED = ("inhibitory", "pseudo_teacher", "pair_reward")
CELLS = {"noise": NoisyLif, "threshold": StochasticThreshold}


def design(kind: str) -> Design:
    rng = np.random.default_rng(4)
    if kind in CELLS:
        chosen = next(o for o in options() if o[1] == o[2] == "multiply" and o[4] is not None)
        base = random_contract(rng, 5, chosen)
        cell = CELLS[kind](base, rng.integers(1, 999, 5), 4)
        weight = Projection("x", "input", rng.integers(-3, 4, (5, 2)))
        return generate_unit(UnitContract(cell, {"x": 2}, (weight,)), "net", trace=True)
    return generate_plastic(random_plastic(rng, kind, 5, 6), "net", trace=True)


@pytest.mark.parametrize("kind", [*CELLS, *CHECKED])
def test_strict_lint_is_silent(kind: str, tmp_path: Path) -> None:
    made = design(kind)
    made.write(tmp_path)
    assert lint(tmp_path, "net.vlt") == []
    assert design(kind).files() == made.files()
