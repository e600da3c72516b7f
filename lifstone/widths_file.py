"""Widths of each population as a TOML file: what ``map`` chooses and other commands read."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from .console import write_text
from .golden import InvalidValue, Widths
from .golden.errors import require
from .golden.widths import each_population

__all__ = ["read_widths", "widths_row", "widths_text", "write_widths"]

FORMAT = "lifstone widths 1"
MAX_BYTES = 1 << 22
_KEYS = tuple(f.name for f in fields(Widths))
_WORDS = ("decay_mode", "rounding")


def widths_text(widths: Mapping[str, Widths], notes: Iterable[str] = ()) -> str:
    """The file's text; ``notes`` become comments at its top."""
    lines = [f"# {' '.join(note.split())}" for note in notes]
    lines.append(f'format = "{FORMAT}"')
    for name, w in widths.items():
        lines += ["", f"[populations.{_quoted(name)}]"]
        for key in _KEYS:
            value = getattr(w, key)
            if value is not None:
                lines.append(f"{key} = {_quoted(str(value)) if key in _WORDS else value}")
    return "\n".join(lines) + "\n"


def write_widths(path: Path, widths: Mapping[str, Widths], notes: Iterable[str] = ()) -> None:
    """Write a widths file, whole or not at all."""
    write_text(path, widths_text(widths, notes))


def _quoted(text: str) -> str:
    # A JSON string is a basic string of TOML, but for this one character.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def read_widths(path: Path, populations: Iterable[str]) -> dict[str, Widths]:
    """Widths of each of ``populations``.

    Raises
    ------
    InvalidValue
        For a file that is missing or no widths file, unknown keys or populations, a population
        without widths, or values out of range.
    """
    require(path.is_file(), "widths", str(path), "an existing widths file")
    size = path.stat().st_size
    require(size <= MAX_BYTES, "widths", f"{size} bytes", f"at most {MAX_BYTES} bytes")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:80]
        raise InvalidValue("widths", str(path), f"a TOML file ({reason})") from error
    got = data.get("format")
    require(got == FORMAT, "widths.format", got, repr(FORMAT))
    extra = [k for k in data if k not in ("format", "populations")]
    require(not extra, "widths", ", ".join(extra), "format and populations")
    rows: Any = data.get("populations")
    require(isinstance(rows, dict), "widths.populations", rows, "a table for each population")
    return each_population(
        populations, {name: widths_row(f"widths.{name}", row) for name, row in rows.items()}
    )


def widths_row(at: str, row: Any) -> Widths:
    """Widths from a table; ``at`` is its name for errors."""
    require(isinstance(row, dict), at, row, f"a table with {', '.join(_KEYS)}")
    for key, value in row.items():
        require(key in _KEYS, f"{at}.{key}", value, f"one of {', '.join(_KEYS)}")
        if key in _WORDS:
            require(isinstance(value, str), f"{at}.{key}", value, "a text")
        else:
            whole = isinstance(value, int) and not isinstance(value, bool)
            require(whole, f"{at}.{key}", value, "a whole number")
    try:
        return Widths(**row)
    except InvalidValue as error:
        field = error.field.removeprefix("widths.")
        raise InvalidValue(f"{at}.{field}", error.value, error.allowed) from None
