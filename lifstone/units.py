"""Values with units: text such as ``5 nS`` becomes a plain number in SI, and back."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from .golden import InvalidValue
from .golden.errors import require
from .golden.systems import Check, Quantity
from .wording import si

if TYPE_CHECKING:
    from .golden.systems.parameter import Value

__all__ = ["check_error", "parse_value", "to_si", "with_unit"]

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-zµμΩ°%/*^0-9 .-]*)")
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def parse_value(q: Quantity, text: str) -> Value:
    """The value that ``text`` gives to the parameter ``q``.

    A number alone is in the parameter's SI unit; a number with a unit is converted.

    Raises
    ------
    InvalidValue
        For text that is no value, a unit of another dimension, or a value out of range.
    """
    if isinstance(q.default, str):
        return q.checked(text)
    if isinstance(q.default, bool):
        require(text.lower() in _WORDS, q.name, text, "true or false")
        return _WORDS[text.lower()]
    match = _NUMBER.fullmatch(text.strip()) if len(text) <= 80 else None
    if match is None or "**" in text:
        raise InvalidValue(q.name, text, f"a number, with a unit such as {_example(q)}")
    value = float(match[1])
    if match[2].strip():
        value = to_si(q.name, value, match[2].strip(), q.unit)
    whole = isinstance(q.default, int) and value.is_integer()
    return q.checked(int(value) if whole else value)


def to_si(field: str, value: float, unit: str, wanted: str) -> float:
    """``value`` in ``unit`` as a number in the SI unit ``wanted``.

    Raises
    ------
    InvalidValue
        For a unit that does not exist or has another dimension.
    """
    pure = wanted in ("", "1")
    allowed = "a number without unit" if pure else f"a unit that converts to {wanted}"
    registry = _registry()
    try:
        target = registry.Unit("dimensionless" if pure else wanted)
        return float(registry.Quantity(value, unit).to(target).magnitude)
    except Exception as error:  # pint raises a dozen kinds on text that is no unit
        raise InvalidValue(field, f"{value:g} {unit}", allowed) from error


def _example(q: Quantity) -> str:
    return "0.5" if q.unit in ("", "1") else f"5 m{q.unit}" if q.unit.isalpha() else f"5 {q.unit}"


@cache
def _registry() -> Any:
    from pint import UnitRegistry

    return UnitRegistry(autoconvert_offset_to_baseunit=True, cache_folder=None)


def with_unit(value: float, unit: str, digits: int) -> str:
    """A value for people: an SI prefix where the unit takes one, else ``digits`` digits."""
    if unit.isalpha():
        return si(value, unit)
    return f"{value:.{digits}g}" if unit in ("", "1") else f"{value:.{digits}g} {unit}"


def check_error(check: Check, value: float, digits: int, share_digits: int) -> str:
    """An error or tolerance of ``check``: a share, standard errors, or in its unit."""
    if check.kind == "absolute":
        return with_unit(value, check.unit, digits)
    return f"{value:.{share_digits}g}" + (" sigma" if check.kind == "sigma" else "")
