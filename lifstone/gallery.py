"""``python -m lifstone.gallery``: one figure a system, and one page with all of them.

The page is Markdown; figures are SVG files beside it. Everything on it is computed here: the
parameters, the checks with their errors, the time a run takes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from .console import write_text
from .golden.systems import KEYS, Check, Result, System, find_system, quantities
from .golden.systems.parameter import Value
from .panels import draw, save_figure
from .units import check_error, with_unit

__all__ = ["make_gallery"]


def make_gallery(folder: Path, keys: Sequence[str] = KEYS) -> dict[str, Result]:
    """Run ``keys`` with their defaults; write ``figures/<key>.svg`` and ``systems/README.md``.

    The page lists the systems that were run; it is written only with all of them.
    """
    found: dict[str, Result] = {}
    parts: list[str] = []
    for key in keys:
        system = find_system(key)
        start = time.perf_counter()
        result = system.run(system.parameters())
        seconds = time.perf_counter() - start
        print(f"{key}: {'agrees' if result.agrees else 'FAILS'}, {seconds:.1f} s", flush=True)
        save_figure(draw(result, system.title), folder / "figures" / f"{key}.svg")
        found[key] = result
        parts.append(_section(system, result))
    if tuple(keys) == KEYS:
        write_text(folder / "systems" / "README.md", _page(found, parts))
    return found


def _page(found: dict[str, Result], parts: list[str]) -> str:
    rows = [f"| [{k}](#{k}) | {_worst(r)} |" for k, r in found.items()]
    head = [
        "# The fifteen systems",
        "",
        "Made by `make gallery`: every figure and number below was computed by that command.",
        "A check names its reference; its error must not exceed its tolerance.",
        "",
        "| system | checks |",
        "|---|---|",
        *rows,
        "",
    ]
    return "\n".join([*head, *parts])


def _worst(r: Result) -> str:
    held = sum(c.holds for c in r.checks)
    return f"{held} of {len(r.checks)} hold"


def _section(s: System, r: Result) -> str:
    lines = [
        f'<a id="{s.key}"></a>',
        f"## {s.number}. {s.title}",
        "",
        f"{s.question} [More]({s.key}.md).",
        "",
        f"![{s.title}](../figures/{s.key}.svg)",
        "",
        "| check | value | reference | error | tolerance | against |",
        "|---|---|---|---|---|---|",
        *(_check(c) for c in r.checks),
        "",
        "| parameter | default | meaning |",
        "|---|---|---|",
        *(
            f"| `{q.name}` | {_default(q.default, q.unit)} | {q.meaning}{_source(q.source)} |"
            for q in quantities(s.parameters)
        ),
        "",
        *(f"* {note}" for note in r.notes),
        "",
    ]
    return "\n".join(lines)


def _source(text: str) -> str:
    return f" ({text})" if text else ""


def _check(c: Check) -> str:
    error, tolerance = (check_error(c, e, 4, 2) for e in (c.error, c.tolerance))
    mark = "" if c.holds else " **fails**"
    values = (with_unit(c.value, c.unit, 4), with_unit(c.reference, c.unit, 4))
    return f"| {c.name} | {values[0]} | {values[1]} | {error}{mark} | {tolerance} | {c.against} |"


def _default(value: Value, unit: str) -> str:
    if isinstance(value, bool | str):
        return str(value)
    return with_unit(float(value), unit, 4)


def main() -> None:
    """Command line of the gallery."""
    parser = argparse.ArgumentParser(prog="lifstone.gallery", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("systems", nargs="*", help=f"some of {', '.join(KEYS)}; all by default")
    args = parser.parse_args()
    found = make_gallery(args.out, tuple(args.systems) or KEYS)
    raise SystemExit(0 if all(r.agrees for r in found.values()) else 1)


if __name__ == "__main__":
    main()
