"""Why bits did not change: proved of the design, or read from its text; never asserted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ...hdl import Design
from ...hdl.formal.still import Bit, instances, still_bits
from .coverage import Coverage, Point

__all__ = ["CONSTANT", "IN_RANGE", "READ_ONLY", "explained"]

CONSTANT = "proved still: constants and the words of the memories allow one value"
IN_RANGE = "proved still: addresses stay below the depth of their memory"
READ_ONLY = "a word of a memory that nothing in the module writes"

_WHAT = re.compile(r"(\w+(?:\[\d+\])?)\[(\d+)\]:.*|(\w+):.*")
_WORD = re.compile(r"(\w+)\[\d+\]\[\d+\]:.*")


def explained(design: Design, coverage: Coverage, timeout: float = 60.0) -> Coverage:
    """``coverage`` with a reason for each bit that cannot change.

    ``timeout`` is in seconds for each proof; what is not decided by then has no reason.

    Raises
    ------
    MissingTool
        Without pyosys.
    RuntimeError
        For a text that Yosys does not accept.
    """
    top = design.name
    places = instances(design.verilog, top)
    points = [p for p in coverage.points if p.kind == "toggle"]
    still = [p for p in points if p.count == 0]
    reasons = {(p.module, p.what): READ_ONLY for p in still if _read_only(design, p)}
    bits = {p: _bits(p, places) for p in still if (p.module, p.what) not in reasons}
    wanted = {b for found in bits.values() for b in found}
    halves: dict[Bit, int] = {}
    for p in points:
        for b in _bits(p, places) if p.count else ():
            halves[b] = halves.get(b, 0) + 1
    moved = {b for b, n in halves.items() if n > 1}
    for reason, bounded in ((CONSTANT, False), (IN_RANGE, True)):
        kept = (
            still_bits(design.verilog, top, wanted, moved, bounded=bounded, timeout=timeout)
            if wanted
            else set()
        )
        for p, found in bits.items():
            if found and kept.issuperset(found):
                reasons.setdefault((p.module, p.what), reason)
        wanted -= kept
    return replace(coverage, reasons=reasons)


def _bits(point: Point, places: dict[str, list[str]]) -> Sequence[Bit]:
    """The bit that a point is about, in each instance of its module."""
    found = _WHAT.fullmatch(point.what)
    if found is None:
        return ()
    name, bit = (found[1], int(found[2])) if found[1] else (found[3], 0)
    return [(f"{path}.{name}" if path else name, bit) for path in places.get(point.module, [])]


def _read_only(design: Design, point: Point) -> bool:
    found = _WORD.fullmatch(point.what)
    if found is None:
        return False
    module = re.search(
        rf"^module {point.module} \(.*?^endmodule$", design.verilog, re.MULTILINE | re.DOTALL
    )
    return module is not None and not re.search(rf"\b{found[1]}\[[^\]]*\](\[.*\])? <=", module[0])
