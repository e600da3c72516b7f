"""Build a design and run its scenarios: ``python -m lifstone.sim.rtl.cocotb_bench FOLDER``.

The process must lead a group of its own: it ends, and everything in the group with it, as soon
as the process that started it is gone, for whatever reason.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import cocotb_tools.config
from cocotb_tools.runner import Runner, get_runner

from ..job import FOLDER, read_job
from ..toolchain import Verilator, find_verilator, run_tool
from ..verilate import compiler, runtime, verilate

BUILD_FAILED = 10
RESULTS = "results.xml"
# No colours; and no rewriting of assertions, which costs seconds and serves none here.
SETTINGS = {"COCOTB_ANSI_OUTPUT": "0", "COCOTB_REWRITE_ASSERTION_FILES": ""}
VPI = ["--vpi", "--public-flat-rw", "--timescale", "1ns/1ps"]
PARTS = ["verilated", "verilated_vpi", "verilated_dpi", "verilated_threads"]


def main(folder: Path, top: str, simulator: str, level: str) -> None:
    """Build the design ``top`` in ``folder`` and run the scenarios of its job.

    ``folder/results.xml`` holds cocotb's JUnit report. The exit code is ``BUILD_FAILED`` where
    the design does not compile; of the scenarios it tells nothing.
    """
    runner = get_runner(simulator)
    try:
        if simulator == "verilator":
            _build_verilator(folder, top, find_verilator(), level)
        else:
            _build_icarus(runner, folder, top)
    except RuntimeError as error:
        print(error, flush=True)
        sys.exit(BUILD_FAILED)
    names = "|".join(re.escape(s.name) for s in read_job(folder).scenarios)
    runner.test(
        test_module=f"{__package__}.scenarios",
        hdl_toplevel=top,
        hdl_toplevel_lang="verilog",
        build_dir=folder,
        test_dir=folder,
        results_xml=str(folder / RESULTS),
        extra_env={FOLDER: str(folder), **SETTINGS},
        test_filter=rf"\.({names})$",
    )


def _build_icarus(runner: Runner, folder: Path, top: str) -> None:
    runner.build(
        sources=[folder / f"{top}.v"],
        hdl_toplevel=top,
        build_dir=folder,
        always=True,
        timescale=("1ns", "1ps"),
    )


def _build_verilator(folder: Path, top: str, tool: Verilator, level: str) -> None:
    """What cocotb's runner does with make, with the runtime taken from the cache.

    Verilator's makefile compiles the runtime anew for every design, which takes several times
    as long as the design.
    """
    work = folder / "build.dir"  # a name that no design has
    work.mkdir()
    source = work / f"{top}.v"
    shutil.copyfile(folder / source.name, source)
    model = verilate(source, top, tool, "Vtop", VPI)
    main_file = cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
    whole = "".join(f'#include "{path}"\n' for path in (*model, main_file))
    (work / "all.cpp").write_text(whole, encoding="utf-8")
    options = [level, "-DVERILATOR=1"]
    libs = cocotb_tools.config.libs_dir
    run_tool(
        [
            *compiler(tool, options),
            f"-I{model[0].parent}",
            "all.cpp",
            *(str(path) for path in runtime(tool, options, PARTS)),
            f"-L{libs}",
            f"-Wl,-rpath,{libs}",
            "-lcocotbvpi_verilator",
            "-o",
            str(folder / top),
        ],
        work,
    )


def _end_with_parent() -> None:
    """End, and the simulator with it, when the process that started this one is gone."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    _end_with_parent()
    main(Path(sys.argv[1]), *sys.argv[2:5])
