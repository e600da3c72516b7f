"""A core by itself through place and route."""

from __future__ import annotations

import pytest

from lifstone.golden import InvalidValue
from lifstone.hdl.figures import post_route
from lifstone.hdl.unit_top import generate_unit
from tests.hdl.toy_cell import toy_unit


def test_figures_of_a_core() -> None:
    found = post_route(generate_unit(toy_unit(1, 64, inputs=1, recurrent=False)), "ice40")
    # 64 neurons with 77 bits each: the state alone takes five block RAMs, 16 bits wide.
    assert 5 <= found.ram <= 30
    assert 150 < found.cells < 3000
    assert 10e6 < found.fmax < 200e6


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(InvalidValue, match="family = 'gowin': allowed is ice40, ecp5"):
        post_route(generate_unit(toy_unit(1, 2)), "gowin")
