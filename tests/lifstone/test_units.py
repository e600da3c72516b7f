"""Values with units at the door."""

from __future__ import annotations

import pytest

from lifstone.golden import InvalidValue
from lifstone.golden.systems import Quantity
from lifstone.units import parse_value

TAU = Quantity("tau", 20e-3, "s", "A time constant.", low=0.0, open_low=True)
COUNT = Quantity("count", 5, "1", "A count.", low=1, high=10)
KIND = Quantity("kind", "soft", "", "A word.", choices=("soft", "hard"))
FLAG = Quantity("flag", True, "", "A switch.")
WARM = Quantity("temperature", 300.0, "K", "A temperature.", low=0.0)


@pytest.mark.parametrize(
    ("q", "text", "value"),
    [
        (TAU, "5 ms", 5e-3),
        (TAU, "20us", 20e-6),
        (TAU, "1e-3", 1e-3),
        (TAU, "2 s", 2.0),
        (TAU, ".5", 0.5),
        (COUNT, "7", 7),
        (KIND, "hard", "hard"),
        (FLAG, "off", False),
        (WARM, "37 degC", 310.15),
        (Quantity("g", 1e-9, "S", ""), "3 nS", 3e-9),
        (Quantity("rate", 1.0, "1/s", ""), "3 Hz", 3.0),
        (Quantity("share", 1.0, "1", ""), "50 %", 0.5),
    ],
)
def test_text_becomes_si(q: Quantity, text: str, value: object) -> None:
    got = parse_value(q, text)
    assert type(got) is type(value)
    assert got == pytest.approx(value) if isinstance(value, float) else got == value


@pytest.mark.parametrize(
    ("q", "text", "message"),
    [
        (TAU, "3 V", "tau = '3 V': allowed is a unit that converts to s"),
        (TAU, "3 wombats", "a unit that converts to s"),
        (TAU, "fast", "a number, with a unit such as 5 ms"),
        (TAU, "-1 ms", "tau = -0.001: allowed is finite numbers above 0 s"),
        (TAU, "1e999", "finite numbers above 0 s"),
        (TAU, "1 s**9**9", "a number, with a unit"),
        (TAU, "__import__('os')", "a number, with a unit"),
        (TAU, "1 " + "s" * 90, "a number, with a unit"),
        (COUNT, "1.5", "count = 1.5: allowed is whole numbers from 1 up to 10"),
        (COUNT, "3 s", "a number without unit"),
        (COUNT, "11", "count = 11"),
        (KIND, "mild", "kind = 'mild': allowed is soft, hard"),
        (FLAG, "maybe", "flag = 'maybe': allowed is true or false"),
    ],
)
def test_wrong_text(q: Quantity, text: str, message: str) -> None:
    with pytest.raises(InvalidValue) as error:
        parse_value(q, text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
