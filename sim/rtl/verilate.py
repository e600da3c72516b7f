"""C++ from a design by Verilator, and Verilator's own runtime, compiled once."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .toolchain import Verilator, cache_folder, run_tool

__all__ = ["compiler", "runtime", "shared_object", "verilate"]


def verilate(
    source: Path, top: str, tool: Verilator, prefix: str, options: Sequence[str] = ()
) -> list[Path]:
    """Translate a file; the C++ lies beside it, in a folder ``model``.

    Parameters
    ----------
    top
        Top module.
    prefix
        Name of the C++ class.
    options
        Further options of Verilator.

    Raises
    ------
    RuntimeError
        If the design is no Verilog that Verilator understands.
    """
    model = source.parent / "model"
    run_tool(
        [
            str(tool.bin / "verilator_bin"),
            "--cc",
            "-O3",
            "-Wno-fatal",
            "-Wno-lint",
            "--no-timing",
            "--prefix",
            prefix,
            "--top-module",
            top,
            "--Mdir",
            str(model),
            *options,
            source.name,
        ],
        source.parent,
        tool.environment(),
    )
    return sorted(model.glob("*.cpp"))


def compiler(tool: Verilator, options: Sequence[str]) -> list[str]:
    """The compiler's command line up to the files, the same for a model and the runtime."""
    include = tool.root / "include"
    paths = [f"-I{include}", f"-I{include / 'vltstd'}"]
    return ["g++", "-std=c++17", "-pthread", "-w", *options, *paths]


def runtime(tool: Verilator, options: Sequence[str], parts: Sequence[str]) -> list[Path]:
    """Object files of Verilator's own runtime, kept from one design to the next.

    Parameters
    ----------
    options
        Those of :func:`compiler`.
    parts
        Files of Verilator's ``include`` folder, without ``.cpp``.
    """
    text = "\n".join([tool.version, str(tool.root), *options, *parts])
    folder = cache_folder() / f"runtime-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    found = [folder / f"{part}.o" for part in parts]
    if all(path.is_file() for path in found):
        return found
    with tempfile.TemporaryDirectory(prefix="building-", dir=cache_folder()) as name:
        work = Path(name) / "objects"
        work.mkdir()
        for part in parts:
            source = str(tool.root / "include" / f"{part}.cpp")
            run_tool([*compiler(tool, options), "-c", source, "-o", f"{part}.o"], work)
        if not folder.is_dir():
            try:
                work.rename(folder)
            except OSError:  # another process was first
                shutil.rmtree(work, ignore_errors=True)
    return found


def shared_object(
    source: Path,
    top: str,
    tool: Verilator,
    prefix: str,
    harness: str,
    extras: Sequence[str] = (),
    level: str = "-O3",
) -> Path:
    """A design and a C++ harness as one library, beside the source.

    Parameters
    ----------
    harness
        C++ text that knows the class ``prefix``.
    extras
        Some of ``line`` and ``toggle``, for coverage, and ``waves``.
    level
        Of the compiler's optimisation.

    Raises
    ------
    RuntimeError
        If the design or the harness does not compile.
    """
    work = source.parent
    coverage = [kind for kind in extras if kind != "waves"]
    flags = [f"--coverage-{kind}" for kind in coverage]
    if "waves" in extras:
        flags.append("--trace-fst")
    model = verilate(source, top, tool, prefix, flags)
    (work / "harness.cpp").write_text(harness, encoding="utf-8")
    whole = "".join(f'#include "{path}"\n' for path in model)
    (work / "all.cpp").write_text(whole + '#include "harness.cpp"\n', encoding="utf-8")
    # Hidden symbols: several designs live in one process.
    # The harness reports what would otherwise end the whole process.
    hidden = ["-fvisibility=hidden", "-fno-gnu-unique", "-fPIC"]
    options = [level, *hidden, "-DVL_USER_FATAL", "-DVL_USER_FINISH"]
    parts = ["verilated", "verilated_threads"]
    if coverage:
        options += ["-DVM_COVERAGE=1", "-DLIF_COVERAGE"]
        parts.append("verilated_cov")
    libraries = []
    if "waves" in extras:
        options += ["-DVM_TRACE=1", "-DVM_TRACE_FST=1"]
        parts.append("verilated_fst_c")
        libraries = ["-lz", "-llz4"]
    output = work / "harness.so"
    run_tool(
        [
            *compiler(tool, options),
            "-shared",
            f"-I{work / 'model'}",
            "all.cpp",
            *(str(path) for path in runtime(tool, options, parts)),
            *libraries,
            "-o",
            output.name,
        ],
        work,
    )
    return output
