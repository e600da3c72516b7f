"""Whoever generates a unit need not know where the logic of its cell is."""

from __future__ import annotations

import subprocess
import sys

LINES = """
from lifstone.golden.cells.body import integer_body
from lifstone.hdl.unit_top import generate_unit
for key in ("noise", "hcn"):
    print(len(generate_unit(integer_body(key).unit).verilog) > 1000)
"""


def test_a_unit_finds_the_logic_of_its_cell() -> None:
    run = subprocess.run([sys.executable, "-c", LINES], capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["True", "True"], run.stderr
