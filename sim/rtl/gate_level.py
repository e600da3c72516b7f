"""The netlist that synthesis makes of a design, as a design: simulated and judged like the RTL.

Yosys maps the Verilog to the cells of the iCE40, and the models of these cells that come with
Yosys stand for them. Ports and manifest stay, so that the same harness runs the same stimulus
and compares the same states. What is simulated is the netlist that place and route starts from.
"""

from __future__ import annotations

import importlib.util
import tempfile
from dataclasses import replace
from pathlib import Path

from ...golden.errors import MissingTool
from ...hdl import Design
from ...hdl.build import run_yosys

__all__ = ["cell_models", "gate_level"]


def gate_level(design: Design) -> Design:
    """``design`` with the netlist for iCE40 in place of its Verilog.

    Raises
    ------
    MissingTool
        Without pyosys.
    RuntimeError
        If synthesis fails.
    """
    cells = cell_models()
    with tempfile.TemporaryDirectory(prefix="lifstone-") as folder:
        work = Path(folder)
        (work / "rtl.v").write_text(design.verilog, encoding="utf-8")
        synthesis = f"synth_ice40 -dsp -top {design.name}"
        run_yosys(work, f"read_verilog rtl.v; {synthesis}; write_verilog -noattr gates.v")
        gates = (work / "gates.v").read_text(encoding="utf-8")
    return replace(design, verilog=gates, models={"cells_sim.v": cells})


def cell_models() -> str:
    """Verilog of the iCE40's cells, from Yosys.

    Raises
    ------
    MissingTool
        Without pyosys.
    """
    spec = importlib.util.find_spec("pyosys")
    for folder in spec.submodule_search_locations or [] if spec is not None else []:
        path = Path(folder) / "share" / "ice40" / "cells_sim.v"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise MissingTool("pyosys", "pip install pyosys")
