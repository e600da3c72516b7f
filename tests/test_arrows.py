"""Arrows between the rooms point to ``golden`` only; the runners in ``sim`` are the exception."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("golden", "sim", "hdl", "analog")
ALLOWED = {"golden": {"golden"}, "hdl": {"golden", "hdl"}, "analog": {"golden", "analog"}}
GOLDEN_NEEDS = {"numpy", "scipy"}
RUNNERS = ("rtl", "mixed", "sweep")
"""Packages of ``sim`` in which the bodies meet; files of it by their beginning."""
RUNNER_FILES = ("spice*.py", "host*.py", "calibration*.py", "image_figures.py")


def is_runner(path: Path) -> bool:
    """Whether a file of ``sim`` may drive the hardware rooms."""
    named = any(path.match(f"sim/{pattern}") for pattern in RUNNER_FILES)
    return named or (path.parts[0] == "sim" and path.parts[1] in RUNNERS)


def imported(source: str, package: tuple[str, ...]) -> set[tuple[str, ...]]:
    """Absolute dotted names a module of ``package`` imports, type-checking imports included."""
    found: set[tuple[str, ...]] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = base + tuple(node.module.split(".") if node.module else ())
            found |= {(*module, alias.name) for alias in node.names}
    return found


def faults(path: Path, source: str) -> list[str]:
    """What a file ``room/...`` imports against the arrows."""
    room = path.parts[0]
    package = ("lifstone", *path.parts[:-1])
    allowed = set(ROOMS) if is_runner(path) else ALLOWED.get(room, {"golden", "sim"})
    out = []
    for name in sorted(imported(source, package)):
        top = name[0]
        if top in ROOMS:
            out.append(f"{path}: {'.'.join(name)} skips the installed name lifstone.{top}")
        elif top == "lifstone":
            target = name[1] if len(name) > 1 else ""
            if target not in ROOMS:
                out.append(f"{path}: {'.'.join(name)} is of the front door")
            elif target not in allowed:
                out.append(f"{path}: {'.'.join(name)} is against the arrows")
        elif room == "golden" and top not in GOLDEN_NEEDS | set(sys.stdlib_module_names):
            out.append(f"{path}: {top} is neither NumPy, SciPy nor standard library")
    return out


@pytest.mark.parametrize("room", ROOMS)
def test_arrows(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert len(files) > 3
    found = [
        fault
        for path in files
        for fault in faults(path.relative_to(ROOT), path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("path", "source", "words"),
    [
        ("golden/x.py", "import torch", "torch is neither NumPy"),
        ("golden/x.py", "from ..sim import simulate", "against the arrows"),
        ("golden/x.py", "def f():\n    from lifstone.hdl import generate", "against the arrows"),
        ("hdl/x.py", "from ..analog import netlist", "against the arrows"),
        ("hdl/x.py", "from ..sim.simulate import Simulator", "against the arrows"),
        ("analog/x.py", "import lifstone.hdl.core", "against the arrows"),
        ("analog/x.py", "from ..report import render", "front door"),
        ("sim/x.py", "from lifstone import verify", "front door"),
        ("sim/x.py", "import lifstone", "front door"),
        ("sim/x.py", "from ..hdl import generate", "against the arrows"),
        ("sim/rtl/x.py", "from ...cli import main", "front door"),
        ("sim/x.py", "from golden import Lif", "skips the installed name"),
    ],
)
def test_the_check_finds_a_bad_import(path: str, source: str, words: str) -> None:
    (fault,) = faults(Path(path), source)
    assert words in fault


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("golden/x.py", "import numpy as np\nfrom scipy import sparse\nfrom .lif import Lif"),
        ("sim/x.py", "import h5py\nfrom ..golden import Lif\nfrom .digits import encode"),
        ("sim/rtl/x.py", "from ...hdl import generate\nfrom ...golden.lif import Lif"),
        ("sim/spice_sweep.py", "from ..analog.netlist import netlist"),
        ("sim/host.py", "from ..hdl.host.frames import encode"),
        ("sim/mixed/x.py", "from ...hdl import generate\nfrom ...analog import netlist"),
        ("sim/calibration.py", "from ..analog.silicon import SiliconNeuron"),
        ("hdl/x.py", "from ..golden.contract import Contract\nfrom amaranth import Module"),
    ],
)
def test_the_check_lets_good_imports_pass(path: str, source: str) -> None:
    assert faults(Path(path), source) == []
