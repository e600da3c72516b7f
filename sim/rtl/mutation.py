"""Mutation: how many small faults of a design the comparison with the contract notices.

Yosys picks the faults (``mutate -list``): a bit of a cell's port stuck, inverted, or inverted
where another bit of the port says so. All faults of a design lie in one netlist, and a port
chooses which of them acts, so that Verilator compiles once for hundreds. A fault is *killed*
when the design hangs, breaks the protocol, shows a spike or a state that the contract does not
have, or takes another number of clocks than without it; whether a fault that survived can be
noticed at all is a question of proof (:mod:`.mutation_proof`).
"""

from __future__ import annotations

import importlib.util
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...golden import NetworkContract, Trace, run_contract
from ...golden.errors import MissingTool, require
from ...hdl import Design
from ...hdl.process import run_program
from .bulk import BulkRtl, RtlRun

__all__ = ["SELECT", "Campaign", "Mutant", "Stimulus", "campaign", "kills", "mutants"]

SELECT = "mutsel"
"""The port that chooses the fault; 0 is none."""
_BITS = 16
_UNFIT = re.compile(r"-port (CLK|RD_CLK|WR_CLK|RD_ARST|RD_SRST) ")
"""Clocks, and ports of memories that no netlist of ours uses."""
_PROBE = f"""
static int chosen_fault = 0;
extern "C" __attribute__((visibility("default"))) void lif_fault(int k) {{ chosen_fault = k; }}
static inline void probe(Top* t, int64_t, int64_t clock) {{
  if (clock < 0) t->{SELECT} = chosen_fault;
}}
"""


@dataclass(frozen=True)
class Mutant:
    """A fault: its number, its kind, and the wire, bit and line of the Verilog that it sits at."""

    number: int
    mode: str
    wire: str
    line: str

    def __str__(self) -> str:
        return f"{self.mode} of {self.wire} at: {self.line}"


@dataclass(frozen=True)
class Stimulus:
    """Input spikes ``(steps, samples, n)`` by input, and how the surroundings behave."""

    inputs: Mapping[str, NDArray[np.generic]]
    steps: int
    idle: float = 0.0
    backpressure: float = 0.0
    seed: int = 0
    reset_at: int | None = None


@dataclass(frozen=True, eq=False)
class Campaign:
    """What became of each fault: what noticed it, or ``""``; and which are proved harmless."""

    design: str
    found: Mapping[Mutant, str]
    harmless: frozenset[Mutant] = field(default_factory=frozenset)

    @property
    def survivors(self) -> list[Mutant]:
        """Faults that nothing noticed, and that are not proved harmless."""
        return [m for m, by in self.found.items() if not by and m not in self.harmless]

    @property
    def rate(self) -> float:
        """Killed share, per cent, of all faults that are not proved harmless."""
        killed = sum(bool(by) for by in self.found.values())
        open_ = killed + len(self.survivors)
        return 100.0 * killed / open_ if open_ else 100.0

    @property
    def raw_rate(self) -> float:
        """Killed share, per cent, of all faults."""
        return 100.0 * sum(bool(by) for by in self.found.values()) / max(1, len(self.found))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "design": self.design,
            "faults": len(self.found),
            "killed": sum(bool(by) for by in self.found.values()),
            "by": dict(Counter(by for by in self.found.values() if by)),
            "harmless": [str(m) for m in self.found if m in self.harmless],
            "survivors": [str(m) for m in self.survivors],
            "rate": round(self.rate, 2),
            "raw_rate": round(self.raw_rate, 2),
        }


def mutants(design: Design, count: int, seed: int = 1) -> tuple[Design, list[Mutant]]:
    """A netlist of ``design`` with ``count`` faults and the port :data:`SELECT`, and the faults.

    Raises
    ------
    MissingTool
        Without pyosys.
    RuntimeError
        With Yosys' last words.
    """
    require(1 <= count < 1 << _BITS, "count", count, f"1 to {(1 << _BITS) - 1}")
    if importlib.util.find_spec("pyosys") is None:
        raise MissingTool("pyosys", "pip install pyosys")
    with tempfile.TemporaryDirectory(prefix="lifstone-") as name:
        folder = Path(name)
        (folder / "design.v").write_text(design.verilog, encoding="utf-8")
        script = [
            "read_verilog -sv design.v",
            f"hierarchy -check -top {design.name}",
            # Without what cannot matter, such as the branches of phases that read nothing.
            *(
                "proc",
                "flatten",
                "opt -full",
                "wreduce",
                "opt -full",
                "memory_collect",
                "opt_clean",
            ),
            "write_rtlil small.il",
            f"mutate -list {2 * count} -seed {seed} -o list.ys -ctrl {SELECT} {_BITS} 1",
        ]
        _yosys(script, folder)
        rows = (folder / "list.ys").read_text(encoding="utf-8").splitlines()
        rows = [r for r in rows if r.startswith("mutate ") and not _UNFIT.search(r)][:count]
        (folder / "list.ys").write_text("\n".join(rows) + "\n", encoding="utf-8")
        apply = [
            "read_rtlil small.il",
            "script list.ys",
            "write_verilog -noattr -noparallelcase m.v",
        ]
        _yosys(apply, folder)
        text = (folder / "m.v").read_text(encoding="utf-8")
    lines = design.verilog.splitlines()
    return replace(design, verilog=text), [_mutant(row, lines) for row in rows]


def _yosys(script: Sequence[str], folder: Path) -> None:
    run = f"from pyosys import libyosys as y\nd = y.Design()\nfor c in {script!r}: y.run_pass(c, d)"
    status, said = run_program([sys.executable, "-c", run], folder)
    if status != 0:
        tail = " | ".join(said.strip().splitlines()[-3:])
        raise RuntimeError(f"yosys failed with code {status}: {tail}")


def _mutant(row: str, lines: Sequence[str]) -> Mutant:
    words = row.split()
    of = {w: words[k + 1] for k, w in enumerate(words[:-1]) if w.startswith("-") and w != "-src"}
    place = f"{of['-wire']}[{of['-wirebit']}]" if "-wire" in of else f"port {of['-port']}"
    sources = [int(m[1]) for m in re.finditer(r"-src \S*?:(\d+)\.", row)]
    line = lines[sources[-1] - 1].strip() if sources else of["-cell"]
    return Mutant(int(words[words.index("-ctrl") + 3]), of["-mode"], place, line)


def campaign(
    contract: NetworkContract,
    design: Design,
    stimuli: Sequence[Stimulus],
    count: int,
    seed: int = 1,
) -> tuple[Campaign, Design]:
    """Run ``count`` faults of ``design``, and the netlist that holds them.

    Raises
    ------
    RuntimeError
        If the netlist without a fault does not do what ``contract`` says.
    """
    netlist, faults = mutants(design, count, seed)
    rtl = BulkRtl(netlist, optimise=False, probe=_PROBE)
    wanted = [run_contract(contract, s.inputs, s.steps) for s in stimuli]
    clocks: list[tuple[int, ...]] = []
    for s, w in zip(stimuli, wanted, strict=True):
        noticed, found = kills(rtl, s, w)
        if noticed:
            raise RuntimeError(f"the netlist without a fault deviates: {noticed}")
        clocks.append(found)

    def by(fault: Mutant) -> str:
        rtl.library.lif_fault(fault.number)
        for s, w, right in zip(stimuli, wanted, clocks, strict=True):
            noticed, found = kills(rtl, s, w)
            if noticed or found != right:
                return noticed or "clocks"
        return ""

    return Campaign(design.name, {m: by(m) for m in faults}), netlist


def kills(
    rtl: BulkRtl, stimulus: Stimulus, wanted: Mapping[str, Trace]
) -> tuple[str, tuple[int, ...]]:
    """What of a run is not as the contract has it, empty if all is; and the clocks it took."""
    s = stimulus
    run = rtl.run(
        s.inputs,
        s.steps,
        idle=s.idle,
        backpressure=s.backpressure,
        seed=s.seed,
        reset_at=s.reset_at,
        patience=2_000,
    )
    return _unlike(run, wanted), run.cycles


def _unlike(run: RtlRun, wanted: Mapping[str, Trace]) -> str:
    if run.failure:
        return "hang" if "stopped" in run.failure else "protocol"
    for name, trace in run.traces.items():
        if not np.array_equal(trace.spikes, wanted[name].spikes):
            return "spikes"
        if run.has_states and not np.array_equal(trace.v, wanted[name].v):
            return "state"
        if run.has_states and not np.array_equal(trace.i, wanted[name].i):
            return "state"
    return ""
