"""Build the RTL with Icarus and run the bench: ``python -m lifstone.sim.mixed.lockstep_run``."""

from __future__ import annotations

import sys
from pathlib import Path

from cocotb_tools.runner import get_runner

from .lockstep_bench import FOLDER

SETTINGS = {"COCOTB_ANSI_OUTPUT": "0", "COCOTB_REWRITE_ASSERTION_FILES": ""}


def main(folder: Path, top: str) -> None:
    """Build and run in ``folder``."""
    runner = get_runner("icarus")
    runner.build(
        sources=[folder / f"{top}.v"],
        hdl_toplevel=top,
        build_dir=folder,
        always=True,
        timescale=("1ns", "1ps"),
    )
    runner.test(
        test_module=f"{__package__}.lockstep_bench",
        hdl_toplevel=top,
        hdl_toplevel_lang="verilog",
        build_dir=folder,
        test_dir=folder,
        results_xml=str(folder / "results.xml"),
        extra_env={FOLDER: str(folder), **SETTINGS},
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
