"""Run RTL and ngspice in lock-step under cocotb, and judge both halves."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...golden import Difference, Status, Verdict, solve
from ...golden.errors import require
from ...golden.fidelity import match_spikes
from ...golden.learning.plastic import plastic_steps
from ...hdl.plastic_top import generate_plastic
from ...hdl.process import run_program
from ..rtl.cosim import simulator_environment
from ..rtl.toolchain import find_icarus
from ..whole_file import whole_file
from . import inhibition, three_factor
from .halves import Lockstep

__all__ = ["MAKERS", "LockstepRun", "judge_analog", "judge_digital", "run_lockstep", "write_vcd"]

Array = NDArray[np.float64]
SAID = 400
TOP = "lifstone_plastic"


@dataclass(frozen=True, eq=False)
class LockstepRun:
    """What both sides did.

    ``weights`` after each step, ``(steps, lines)``; ``post`` whether the analog neuron fired in
    it; ``drive`` its input in the neuron's unit; ``t`` and ``v`` the waveform, potentials of
    membrane (circuit's volts) and latch, ``(points, 2)``.
    """

    made: Lockstep
    weights: NDArray[np.int64]
    post: NDArray[np.bool_]
    drive: Array
    t: Array
    v: Array


MAKERS = {"istdp": inhibition.make, "eprop": three_factor.make}
"""By system's key what makes its halves."""


def run_lockstep(
    system: str = "istdp", steps: int = 600, seed: int = 3, *, timeout: float = 600.0
) -> LockstepRun:
    """Run a rule's RTL on Icarus with a neuron in ngspice.

    Raises
    ------
    InvalidValue
        For a system without a rule.
    MissingTool
        Without Icarus, cocotb, PySpice or libngspice.
    RuntimeError
        If either side gives up or dies; no process is left.
    """
    require(system in MAKERS, "system", system, ", ".join(MAKERS))
    find_icarus()
    made = MAKERS[system](steps, seed)
    design = generate_plastic(made.contract, TOP, trace=True)
    with tempfile.TemporaryDirectory(prefix="lifstone-lockstep-") as name:
        folder = Path(name)
        (folder / f"{TOP}.v").write_text(design.verilog, encoding="utf-8")
        job = {"system": system, "steps": steps, "seed": seed}
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        command = [sys.executable, "-m", f"{__package__}.lockstep_run", str(folder), TOP]
        code, said = run_program(command, folder, env=simulator_environment(), timeout=timeout)
        waves = folder / "waves.npz"
        if not waves.is_file():
            lines = " | ".join(line.strip() for line in said.splitlines() if line.strip())
            raise RuntimeError(f"lock-step ended without results, code {code}: {lines[-SAID:]}")
        with np.load(waves) as data:
            return LockstepRun(made, *(data[k] for k in ("weights", "post", "drive", "t", "v")))


def judge_digital(run: LockstepRun) -> Verdict:
    """Weights of every step against the contract, given the spikes that the neuron fired."""
    steps = plastic_steps(run.made.contract, dict(run.made.inputs(run.post)))
    expected = np.array([state.weight[0] for state, _ in steps])
    parted = np.argwhere(expected != run.weights)
    if not parted.size:
        return Verdict("rtl", "contract", Status.EXACT, expected.size, 0.0, None, "weights")
    k, j = (int(x) for x in parted[0])
    where = Difference(k, "synapses", j, "weight", int(expected[k, j]), int(run.weights[k, j]))
    return Verdict("rtl", "contract", Status.DEVIATES, expected.size, None, None, "", where)


def judge_analog(run: LockstepRun, tolerance: float) -> Verdict:
    """Spike times of the circuit against the exact solution under the same input."""
    high = run.v[:, 1]
    at = np.flatnonzero((high[1:] > 0.5) & (high[:-1] <= 0.5)) + 1
    share = (0.5 - high[at - 1]) / (high[at] - high[at - 1])
    found = run.t[at - 1] + share * (run.t[at] - run.t[at - 1])
    exact = solve(run.made.lif, run.drive, run.made.dt).spike_times
    worst, failed = match_spikes(exact, found, tolerance)
    status = Status.WITHIN if failed is None else Status.DEVIATES
    where = None
    if failed is not None:
        a, b = (float(x[failed]) if failed < x.size else np.nan for x in (exact, found))
        step = int(np.nanmin([a, b]) / run.made.dt)
        where = Difference(step, "neuron", 0, f"time of spike {failed} (s)", a, b)
    return Verdict(
        "spice", "event-driven", status, exact.size, worst, tolerance, "s", where,
        "" if where is None else "the circuit leaves the exact solution there",
    )  # fmt: skip


def write_vcd(run: LockstepRun, path: Path) -> None:
    """Analog and digital waves in one file: membrane, spike, and every weight."""
    unit = 1e-9
    events: list[tuple[int, str]] = []
    for t, (mem, latch) in zip(run.t, run.v, strict=True):
        events.append((round(t / unit), f"r{mem:.9g} m\nr{latch:.6g} l"))
    for k, (weight, post) in enumerate(zip(run.weights, run.post, strict=True)):
        end = round((k + 1) * run.made.dt / unit)
        words = [f"b{int(w):b} w{j}" for j, w in enumerate(weight)]
        events.append((end, "\n".join([f"{int(post)}s", *words])))
    events.sort(key=lambda e: e[0])
    width = run.made.contract.weight.width
    names = [f"$var wire {width} w{j} weight{j} $end" for j in range(run.weights.shape[1])]
    head = [
        "$timescale 1ns $end", "$scope module lockstep $end", "$var real 64 m mem $end",
        "$var real 64 l latch $end", "$var wire 1 s spike $end", *names, "$upscope $end",
        "$enddefinitions $end",
    ]  # fmt: skip
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        out.write("\n".join(head) + "\n")
        now = None
        for at, text in events:
            if at != now:
                out.write(f"#{at}\n")
                now = at
            out.write(text + "\n")
