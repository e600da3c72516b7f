"""A netlist for ngspice in the syntax of other simulators: Xyce, and Spectre.

The elements are sources, capacitors, resistors and expressions, which all three have; so is the
order of nodes and the sign of currents: from the first node through the element to the second.
Transistors, subcircuits and models differ in more than syntax, and are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ..golden.errors import InvalidValue, require

__all__ = ["DIALECTS", "check_dialect", "translate"]

NAME = re.compile(r"[A-Za-z0-9_]+")


def translate(text: str, dialect: str) -> str:
    """The netlist, as :func:`~lifstone.analog.netlist.netlist` writes it, in another dialect.

    Raises
    ------
    InvalidValue
        For an unknown dialect, or a line that has no plain form in it.
    """
    check_dialect(dialect)
    writer = DIALECTS[dialect]
    return text if writer is None else "\n".join(writer(_joined(text))) + "\n"


def check_dialect(dialect: str) -> None:
    """Refuse a dialect that there is not."""
    require(dialect in DIALECTS, "format", dialect, ", ".join(DIALECTS))


def _joined(text: str) -> list[str]:
    """Lines with their continuations."""
    out: list[str] = []
    for line in text.splitlines():
        if line.startswith("+"):
            require(bool(out), "netlist", line, "a line before a continuation")
            out[-1] += " " + line[1:].strip()
        elif line.strip():
            out.append(line.strip())
    return out


def _refuse(dialect: str, line: str) -> InvalidValue:
    return InvalidValue("format", dialect, f"ngspice: {line.split()[0]} has no plain form in it")


def _settings(line: str) -> dict[str, str]:
    """``a=b`` of a line of options."""
    return dict(word.split("=", 1) for word in line.split() if "=" in word)


def _expression(line: str) -> tuple[str, str, str, str, str]:
    """Name, nodes, ``i`` or ``v``, and the expression of a behavioural source."""
    name, a, b, rest = line.split(maxsplit=3)
    kind, body = rest.split("=", 1)
    require(kind in ("I", "V"), name, kind, "I, V")
    return name, a, b, kind.lower(), body.strip()


def _rows(words: list[str], width: int = 4) -> list[str]:
    return [" ".join(words[k : k + width]) for k in range(0, len(words), width)]


def _wave(line: str, dialect: str) -> tuple[str, str, str, list[str]]:
    """Name, nodes and points of a piecewise linear voltage."""
    match = re.fullmatch(r"(V\w+) (\w+) (\w+) pwl\((.*)\)", line)
    if match is None:
        raise _refuse(dialect, line)
    name, a, b, points = match.groups()
    return name, a, b, points.split()


def _xyce(lines: list[str]) -> list[str]:
    out: list[str] = []
    for line in lines:
        head = line.split()[0].lower()
        if head[0] == "b":
            name, a, b, kind, body = _expression(line)
            out.append(f"{name} {a} {b} {kind.upper()}={{{body}}}")
        elif head[0] == "v":
            name, a, b, points = _wave(line, "xyce")
            out += [f"{name} {a} {b} pwl(", *(f"+ {row}" for row in _rows(points)), "+ )"]
        elif head == ".temp":
            out.append(f".options device temp={line.split()[1]}")
        elif head == ".options":
            o = _settings(line)
            method = "gear" if o.get("method") == "gear" else "trap"
            out.append(f".options timeint method={method} reltol={o['reltol']} abstol={o['vntol']}")
            out.append(f".options device gmin={o['gmin']}")
        elif head[0] in "*cgr" or head in (".tran", ".print", ".end"):
            out.append(line)
        else:
            raise _refuse("xyce", line)
    return out


def _spectre(lines: list[str]) -> list[str]:
    out = ["simulator lang=spectre"]
    # The first line of SPICE is a title; here it is a comment like the others.
    for line in lines:
        head = line.split()[0].lower()
        if head[0] in "cgr":
            out.append(_spectre_element(line))
        elif head[0] == "*":
            out.append("//" + line[1:])
        elif head[0] == "b":
            name, a, b, kind, body = _expression(line)
            out.append(f"{name} ({a} {b}) bsource {kind}={body}")
        elif head[0] == "v":
            name, a, b, points = _wave(line, "spectre")
            rows = (f"    {row} \\" for row in _rows(points))
            out += [f"{name} ({a} {b}) vsource type=pwl wave=[ \\", *rows, "    ]"]
        elif head == ".temp":
            out.append(f"heat options temp={line.split()[1]}")
        elif head == ".options":
            o = _settings(line)
            out.append(
                f"tolerances options reltol={o['reltol']} vabstol={o['vntol']} "
                f"iabstol={o['abstol']} gmin={o['gmin']}"
            )
        elif head == ".tran":
            _, step, stop, start, longest, *how = line.split()
            require(how in ([], ["uic"]), ".tran", " ".join(how), "uic, or nothing")
            skip = " skipdc=yes" if how else ""
            out.append(
                f"run tran step={step} stop={stop} outputstart={start} maxstep={longest}"
                f"{skip} method=gear2only"
            )
        elif head == ".print":
            out.append("save " + " ".join(re.findall(r"v\((\w+)\)", line)))
        elif head != ".end":
            raise _refuse("spectre", line)
    return out


def _spectre_element(line: str) -> str:
    """A capacitor, a resistor or a voltage-controlled current source."""
    words = line.split()
    letter = words[0][0].lower()
    count = 4 if letter == "g" else 2
    nodes, value, *rest = words[1 : count + 1], *words[count + 1 :]
    good = all(NAME.fullmatch(node) for node in nodes) and (letter == "c" or not rest)
    if not good or any(not word.startswith("ic=") for word in rest):
        raise _refuse("spectre", line)
    master, parameter = {"c": ("capacitor", "c"), "r": ("resistor", "r"), "g": ("vccs", "gm")}[
        letter
    ]
    return " ".join([words[0], f"({' '.join(nodes)})", master, f"{parameter}={value}", *rest])


DIALECTS: Mapping[str, Callable[[list[str]], list[str]] | None] = {
    "ngspice": None,
    "xyce": _xyce,
    "spectre": _spectre,
}
"""Writers by the name that users give."""
