"""Signals of a value change dump, one value a step: a step is a clock edge, or ``dt``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from vcd.reader import TokenKind, VarDecl, tokenize

from .golden import InvalidValue
from .golden.errors import require
from .trace_names import MAX_CELLS, SPIKE, Array, TraceData, named, quantity_of, signals_of

__all__ = ["read_vcd"]

CLOCKS = ("clk", "clock")
MAX_BITS = 64
Value = float | int | str
CHANGES = (TokenKind.CHANGE_SCALAR, TokenKind.CHANGE_VECTOR, TokenKind.CHANGE_REAL)


@dataclass
class _Dump:
    """What a dump declares, and the changes of each time, in ticks of ``tick`` seconds."""

    tick: float
    names: dict[str, tuple[tuple[str, ...], VarDecl]]
    times: Iterator[tuple[int, dict[str, Value]]]


@dataclass
class _Column:
    """The values of one signal, kept where they change."""

    steps: list[int] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)


def read_vcd(
    path: Path, dt: float | None, clock: str | None, keep: tuple[str, ...] = ()
) -> TraceData:
    """Signals called spike, v, i or alike, and those of ``keep``; all where none is.

    A step ends at a rising edge of ``clock``, with the values from before it, or after ``dt``
    seconds. The bits of a spike word are neurons, the lowest first; other words are two's
    complement. Unknown bits make a value ``nan``.

    Raises
    ------
    InvalidValue
        For a broken dump, one without step, or too many values.
    """
    with path.open("rb") as stream:
        try:
            dump = _declared(path.name, tokenize(stream))
            chosen = _chosen(dump, keep)
            edge = _clock(path.name, dump, dt, clock)
            width = sum(dump.names[c][1].size for c in chosen)
            columns, steps = _sampled(path.name, dump, chosen, edge, dt, MAX_CELLS // max(width, 1))
        except InvalidValue:
            raise
        except Exception as error:  # the tokenizer raises several kinds on a broken dump
            raise InvalidValue(path.name, "broken", "a value change dump") from error
    require(steps > 0, path.name, "no step", "an edge of the clock, or a run longer than --dt")
    prefix = _common([dump.names[c][0] for c in chosen])
    out = []
    for code in chosen:
        scopes, var = dump.names[code]
        text = ".".join((*scopes[prefix:], _leaf(var)))
        out.append((text, _expanded(f"{path.name}.{text}", var, columns[code], steps)))
    return TraceData(path.name, signals_of(path.name, out), dt)


def _declared(name: str, tokens: Iterator[object]) -> _Dump:
    scopes: list[str] = []
    names: dict[str, tuple[tuple[str, ...], VarDecl]] = {}
    tick = 1.0
    for token in tokens:
        kind, data = token.kind, token.data  # type: ignore[attr-defined]
        if kind is TokenKind.SCOPE:
            scopes.append(data.ident)
        elif kind is TokenKind.UPSCOPE:
            scopes.pop()
        elif kind is TokenKind.TIMESCALE:
            exponents = {"s": 0, "ms": -3, "us": -6, "ns": -9, "ps": -12, "fs": -15}
            tick = float(f"{data.magnitude.value}e{exponents[data.unit.value]}")
        elif kind is TokenKind.VAR:
            # A wire that is passed through scopes has one code: the outermost name is kept.
            names.setdefault(data.id_code, (tuple(scopes), data))
        elif kind is TokenKind.ENDDEFINITIONS:
            break
    return _Dump(tick, names, _times(name, tokens))


def _times(name: str, tokens: Iterator[object]) -> Iterator[tuple[int, dict[str, Value]]]:
    """All changes of a time together; ends with the last time."""
    now = 0
    changes: dict[str, Value] = {}
    for token in tokens:
        kind, data = token.kind, token.data  # type: ignore[attr-defined]
        if kind is TokenKind.CHANGE_TIME and data != now:
            require(data > now, f"{name}.time", data, f"above {now}, ascending")
            yield now, changes
            now, changes = data, {}
        elif kind in CHANGES:
            changes[data.id_code] = data.value
    yield now, changes


def _leaf(var: VarDecl) -> str:
    return f"{var.reference}[{var.bit_index}]" if isinstance(var.bit_index, int) else var.reference


def _chosen(dump: _Dump, keep: tuple[str, ...]) -> list[str]:
    """Codes of the signals to read."""
    usable = {c: v for c, (_, v) in dump.names.items() if v.reference.lower() not in CLOCKS}
    known = [
        c for c, v in usable.items()
        if quantity_of(named(_leaf(v))[0][1]) is not None or v.reference in keep
    ]  # fmt: skip
    known = [c for c in known if named(_leaf(usable[c]))[0][1] not in ("time", "step")]
    return known or [c for c, v in usable.items() if v.size <= MAX_BITS]


def _clock(name: str, dump: _Dump, dt: float | None, clock: str | None) -> str | None:
    """Code of the clock; ``None`` where steps are of ``dt``."""
    if clock is None and dt is not None:
        return None
    wires = {c: v for c, (_, v) in dump.names.items() if v.size == 1}
    full = {c: ".".join((*dump.names[c][0], v.reference)) for c, v in wires.items()}
    for code, var in wires.items():
        if clock in (var.reference, full[code]) or (
            clock is None and var.reference.lower() in CLOCKS
        ):
            return code
    allowed = f"--clock of {', '.join(list(full.values())[:5])}, or --dt with seconds"
    raise InvalidValue(f"{name}.clock", clock or "not given", allowed)


def _sampled(
    name: str, dump: _Dump, chosen: list[str], clock: str | None, dt: float | None, most: int
) -> tuple[dict[str, _Column], int]:
    columns = {code: _Column() for code in chosen}
    steps, level, end = 0, "x", 0
    ticks = 0.0 if dt is None else dt / dump.tick
    for now, changes in dump.times:
        after = steps
        if clock is None:
            # A step ends with the values of its last tick, so that tick opens no new one.
            after = max(steps, int(np.ceil(now / ticks - 1e-6)) - 1)
        elif clock in changes:
            after += changes[clock] == "1" and level == "0"
            level = str(changes[clock])
        steps, end = after, now
        require(steps < most, name, f"{steps} steps", f"at most {most} of its signals")
        for code in columns.keys() & changes.keys():
            columns[code].steps.append(steps)
            columns[code].values.append(changes[code])
    if clock is None:
        steps = int(np.floor(end / ticks + 1e-6))
    return columns, steps


def _common(scopes: list[tuple[str, ...]]) -> int:
    """How many outer scopes all of them share."""
    count = 0
    while scopes and all(
        len(s) > count and s[: count + 1] == scopes[0][: count + 1] for s in scopes
    ):
        count += 1
    return count


def _expanded(at: str, var: VarDecl, column: _Column, steps: int) -> Array:
    """Values ``(steps,)``, or ``(steps, bits)`` of a word of spikes; the last of a step counts."""
    word = var.size > 1 and named(_leaf(var))[0][1] == SPIKE
    require(word or var.size <= MAX_BITS, at, f"{var.size} bits", f"at most {MAX_BITS}")
    rows = np.full((len(column.values) + 1, var.size if word else 1), np.nan)
    for row, value in zip(rows[1:], column.values, strict=True):
        if isinstance(value, str) and value not in ("0", "1"):
            continue
        row[:] = (
            [(int(value) >> bit) & 1 for bit in range(var.size)] if word else _number(var, value)
        )
    # The change that holds in a step is the last one by then; the first row is that of none.
    return rows[np.searchsorted(column.steps, np.arange(steps), side="right")]


def _number(var: VarDecl, value: Value) -> float:
    if isinstance(value, float) or var.size == 1:
        return float(value)
    number = int(value)
    return float(number - (1 << var.size) if number >> (var.size - 1) else number)
