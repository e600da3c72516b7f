"""Parameters of a system: a frozen dataclass whose fields carry unit, range and source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from ..errors import InvalidValue, require

__all__ = ["Parameters", "Quantity", "Value", "quantities", "quantity", "replaced", "validate"]

Value = float | int | bool | str


class Parameters(Protocol):
    """Any dataclass; its fields are made with :func:`quantity`."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


@dataclass(frozen=True)
class Quantity:
    """What a parameter is and which values it takes.

    Parameters
    ----------
    name, default
        Field and its default; the default's type (``float``, ``int``, ``bool``, ``str``) is
        the parameter's.
    unit
        SI unit as text, such as ``"S"`` or ``"1/s"``; ``"1"`` for a pure number, empty for
        words.
    meaning, source
        One sentence each; the source of the default, empty for a free choice.
    low, high, open_low
        Inclusive bounds; with ``open_low`` the lower one is excluded.
    choices
        The words allowed, for a parameter of words.
    """

    name: str
    default: Value
    unit: str
    meaning: str
    source: str = ""
    low: float = -np.inf
    high: float = np.inf
    open_low: bool = False
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What is accepted, in words."""
        if self.choices:
            return ", ".join(self.choices)
        if isinstance(self.default, bool):
            return "true or false"
        kind = "whole numbers" if isinstance(self.default, int) else "finite numbers"
        unit = "" if self.unit in ("", "1") else f" {self.unit}"
        if np.isfinite(self.low):
            word = "above" if self.open_low else "from"
            kind += f" {word} {self.low:g}{unit}"
        return kind + (f" up to {self.high:g}{unit}" if np.isfinite(self.high) else "")

    def checked(self, value: Any) -> Value:
        """``value`` as this parameter's type.

        Raises
        ------
        InvalidValue
            Naming the parameter, the value and what is allowed.
        """
        if isinstance(self.default, str):
            good = isinstance(value, str) and (not self.choices or value in self.choices)
            require(good, self.name, value, self.allowed)
            return str(value)
        if isinstance(self.default, bool):
            require(isinstance(value, bool | np.bool_), self.name, value, self.allowed)
            return bool(value)
        numeric = isinstance(value, int | float | np.integer | np.floating)
        numeric = numeric and not isinstance(value, bool | np.bool_)
        require(numeric and bool(np.isfinite(value)), self.name, value, self.allowed)
        inside = (value > self.low if self.open_low else value >= self.low) and value <= self.high
        require(inside, self.name, value, self.allowed)
        if isinstance(self.default, int):
            require(float(value).is_integer(), self.name, value, self.allowed)
            return int(value)
        return float(value)


def quantity(
    default: Value,
    unit: str,
    meaning: str,
    *,
    source: str = "",
    low: float = -np.inf,
    above: float | None = None,
    high: float = np.inf,
    choices: tuple[str, ...] = (),
) -> Any:
    """A dataclass field with unit, meaning and range; ``above`` is an excluded lower bound."""
    made = Quantity(
        "",
        default,
        unit,
        meaning,
        source,
        low if above is None else above,
        high,
        above is not None,
        choices,
    )
    return field(default=default, metadata={"quantity": made})


def quantities(kind: type[Any]) -> Iterator[Quantity]:
    """The quantities of a dataclass of parameters, in order."""
    require(is_dataclass(kind), "parameters", kind, "a dataclass")
    for f in fields(kind):
        q = f.metadata["quantity"]
        assert f.default is not MISSING
        yield Quantity(**{**vars(q), "name": f.name})


def validate(instance: Any) -> None:
    """Check every field and give it its type; to be called in ``__post_init__``."""
    for q in quantities(type(instance)):
        object.__setattr__(instance, q.name, q.checked(getattr(instance, q.name)))


def replaced(instance: Any, changes: dict[str, Value]) -> Any:
    """A copy with some parameters changed.

    Raises
    ------
    InvalidValue
        Naming a parameter that there is not, or a value that is not allowed.
    """
    known = {q.name: q for q in quantities(type(instance))}
    for name, value in changes.items():
        if name not in known:
            raise InvalidValue("parameter", name, ", ".join(known))
        known[name].checked(value)
    return type(instance)(**{**{n: getattr(instance, n) for n in known}, **changes})
