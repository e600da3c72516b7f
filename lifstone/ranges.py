"""Lists of numbers at the door: ``1e-9,5nA`` or ``1e-9:1e-6:7:log``."""

from __future__ import annotations

import numpy as np

from .golden import InvalidValue
from .golden.errors import require
from .golden.systems import Quantity
from .units import parse_value

__all__ = ["numbers"]

MAX_POINTS = 10_000


def numbers(field: str, text: str, unit: str) -> list[float]:
    """The values of a list whose items are numbers or ranges, comma separated.

    ``a:b:n`` is ``n`` values evenly from ``a`` to ``b``, ``a:b:n:log`` as many in even ratios.
    A number may carry a unit; without one it is in ``unit``.

    Raises
    ------
    InvalidValue
        Naming ``field`` and the whole of ``text``.
    """
    allowed = f"numbers in {unit}, A:B:N or A:B:N:log, comma separated"
    found: list[float] = []
    for item in text.split(","):
        parts = [part.strip() for part in item.split(":")]
        if len(parts) == 1:
            found.append(_number(field, item, unit, text, allowed))
            continue
        good = len(parts) in (3, 4) and parts[2].isdecimal() and parts[3:] in ([], ["log"])
        require(good, field, text, allowed)
        start, stop = (_number(field, part, unit, text, allowed) for part in parts[:2])
        count = int(parts[2]) if len(parts[2]) < 9 else MAX_POINTS + 1
        require(2 <= count <= MAX_POINTS, field, text, f"ranges of 2 to {MAX_POINTS} values")
        if len(parts) == 4:
            require(start > 0 and stop > 0, field, text, "bounds above 0 for even ratios")
            found += np.geomspace(start, stop, count).tolist()
        else:
            found += np.linspace(start, stop, count).tolist()
    return found


def _number(field: str, text: str, unit: str, whole: str, allowed: str) -> float:
    try:
        return float(parse_value(Quantity(field, 0.0, unit, ""), text))
    except InvalidValue:
        raise InvalidValue(field, whole, allowed) from None
