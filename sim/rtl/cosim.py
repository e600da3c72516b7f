"""RTL against the contract under cocotb, on Icarus or Verilator.

Idle sources, back-pressure, resets in mid-run and corners of the stimulus, one JUnit test case
each. For volume use :mod:`~lifstone.sim.rtl.bulk`: a bench in Python is hundreds of times
slower.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from ...golden import MissingTool, NetworkContract, Status, Verdict
from ...golden.errors import require
from ...hdl import Design, generate
from ...hdl.process import run_program
from ..whole_file import whole_file
from .job import Job, Outcome, read_outcomes
from .loading import sources_text
from .plan import SCENARIOS, plan
from .toolchain import find_icarus, find_verilator

__all__ = ["SIMULATORS", "CocotbRun", "run_cocotb", "simulator_environment", "verify_cocotb"]

Spikes = Mapping[str, NDArray[np.generic]]

SIMULATORS = ("icarus", "verilator")
SAID = 400
"""Characters of what a tool said that a message repeats."""


@dataclass(frozen=True)
class CocotbRun:
    """What a simulation under cocotb found.

    Parameters
    ----------
    simulator
        One of :data:`SIMULATORS`.
    outcomes
        One a scenario, in order.
    junit
        cocotb's report; where it wrote none, one with the failure.
    failure
        Empty, or why there are no outcomes: the design does not compile, the simulator crashed
        or ran too long.
    """

    simulator: str
    outcomes: tuple[Outcome, ...]
    junit: str
    failure: str = ""

    @property
    def verdict(self) -> Verdict:
        """One verdict over all scenarios: the first that deviates, in full."""
        body, compared = f"rtl (cocotb, {self.simulator})", sum(o.compared for o in self.outcomes)
        counted = f"of {len(self.outcomes)} scenarios"
        if self.failure:
            return Verdict(body, "contract", Status.DEVIATES, compared, reason=self.failure)
        bad = [o for o in self.outcomes if o.failure]
        if not bad:
            return Verdict(body, "contract", Status.EXACT, compared, 0.0, None, counted)
        first = bad[0]
        where = f"in scenario {first.scenario}; {len(bad)} {counted} deviate"
        return Verdict(
            body,
            "contract",
            Status.DEVIATES,
            compared,
            float(len(bad)),
            None,
            counted,
            first.difference,
            f"{first.reason or first.failure} ({where})",
        )


def verify_cocotb(
    contract: NetworkContract,
    inputs: Spikes,
    steps: int | None = None,
    *,
    design: Design | None = None,
    simulator: str = "icarus",
    scenarios: tuple[str, ...] = tuple(SCENARIOS),
    seed: int = 0,
    junit: Path | None = None,
    timeout: float = 600,
) -> Verdict:
    """Verdict of :func:`run_cocotb`; ``junit`` names a file for its report."""
    run = run_cocotb(
        contract,
        inputs,
        steps,
        design=design,
        simulator=simulator,
        scenarios=scenarios,
        seed=seed,
        timeout=timeout,
    )
    if junit is not None:
        with whole_file(junit) as temporary:
            temporary.write_text(run.junit, encoding="utf-8")
    return run.verdict


def run_cocotb(
    contract: NetworkContract,
    inputs: Spikes,
    steps: int | None = None,
    *,
    design: Design | None = None,
    simulator: str = "icarus",
    scenarios: tuple[str, ...] = tuple(SCENARIOS),
    seed: int = 0,
    optimise: bool = False,
    timeout: float = 600,
) -> CocotbRun:
    """Run the RTL of ``contract``, or ``design`` in its place, through the scenarios.

    Parameters
    ----------
    inputs, steps
        The stimulus ``(steps, n)`` of the scenarios that do not bring their own; ``steps``
        only for a network without inputs.
    simulator
        One of :data:`SIMULATORS`.
    scenarios
        Some of :data:`~lifstone.sim.rtl.plan.SCENARIOS`; those that make no sense for the
        network are left out.
    seed
        Of idle cycles and back-pressure.
    optimise
        Let the compiler optimise Verilator's model: slower to build, faster to run.
    timeout
        Seconds after which the simulator is ended.

    Raises
    ------
    InvalidValue
        For an unknown simulator or scenario, a stimulus that does not fit, or a design that
        shows nothing to compare.
    MissingTool
        Without the simulator, or what it needs.
    """
    require(simulator in SIMULATORS, "simulator", simulator, ", ".join(SIMULATORS))
    require(timeout > 0, "timeout", timeout, "greater than 0 s")
    _find(simulator)
    chosen = design or generate(contract, trace=True)
    traced = bool(chosen.manifest["trace"])
    shows = traced or bool(chosen.manifest["outputs"])
    require(shows, "design", chosen.name, "one with outputs or trace ports")
    job = Job(
        chosen.manifest,
        contract,
        plan(contract, inputs, steps, seed=seed, names=scenarios, traced=traced),
    )
    require(bool(job.scenarios), "scenarios", scenarios, "at least one that fits the network")
    with tempfile.TemporaryDirectory(prefix="lifstone-cocotb-") as name:
        folder = Path(name)
        job.write(folder)
        (folder / f"{chosen.name}.v").write_text(sources_text(chosen), encoding="utf-8")
        level = "-O3" if optimise else "-O0"
        failure = _simulate(folder, chosen.name, simulator, level, timeout)
        return _collect(folder, simulator, job, failure)


def _find(simulator: str) -> None:
    for package in ("cocotb_tools", "find_libpython"):
        if importlib.util.find_spec(package) is None:
            raise MissingTool("cocotb", "pip install cocotb")
    from find_libpython import find_libpython

    if find_libpython() is None:
        raise MissingTool("libpython", "apt-get install python3-dev")
    if simulator == "icarus":
        find_icarus()
    else:
        find_verilator()


def _simulate(folder: Path, top: str, simulator: str, level: str, timeout: float) -> str:
    """Run the bench in a process of its own; returns why it gave no results, or nothing."""
    from .cocotb_bench.__main__ import BUILD_FAILED, RESULTS

    command = [sys.executable, "-m", f"{__package__}.cocotb_bench"]
    command += [str(folder), top, simulator, level]
    try:
        code, said = run_program(command, folder, env=simulator_environment(), timeout=timeout)
    except RuntimeError:
        return f"{simulator} ran longer than {timeout:g} s"
    lines = [" ".join(line.split()) for line in said.replace(f"{folder}/", "").split("\n")]
    lines = [line for line in lines if line]
    if code == BUILD_FAILED:
        errors = [line for line in lines if "error" in line.lower()] or lines
        return f"the design does not compile: {' | '.join(errors)[:SAID]}"
    if not (folder / RESULTS).is_file():
        return f"{simulator} ended without results, code {code}: {' | '.join(lines)[-SAID:]}"
    return ""


def simulator_environment() -> dict[str, str]:
    """This process's, without what would steer cocotb or a simulator."""
    steering = ("COCOTB", "GPI_", "PYGPI_", "PYTEST_")
    single = ("WAVES", "GUI", "MAKEFLAGS", "TOPLEVEL_LANG", "IVERILOG_DUMPER")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(steering) and k not in single}
    return {**kept, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def _collect(folder: Path, simulator: str, job: Job, failure: str) -> CocotbRun:
    from .cocotb_bench.__main__ import RESULTS

    if failure:
        return CocotbRun(simulator, (), _failed(simulator, failure), failure)
    text = (folder / RESULTS).read_text(encoding="utf-8")
    cases = {c.get("name", ""): c for c in ElementTree.fromstring(text).iter("testcase")}
    found = read_outcomes(folder)
    outcomes = []
    for scenario in job.scenarios:
        name = scenario.name
        case = cases.get(name)
        if case is None:
            outcomes.append(Outcome(name, failure="the simulator did not run it"))
            continue
        bad = next((e for e in case if e.tag in ("failure", "error")), None)
        outcome = found.get(name)
        if outcome is None or (bad is not None and not outcome.failure):
            message = "it gave no outcome" if bad is None else bad.get("message", "failed")
            outcome = Outcome(name, failure=f"bench: {message}")
        outcomes.append(outcome)
    return CocotbRun(simulator, tuple(outcomes), text)


def _failed(simulator: str, failure: str) -> str:
    """A JUnit report of a run without results."""
    root = ElementTree.Element("testsuites", name="cocotb tests")
    suite = ElementTree.SubElement(
        root, "testsuite", name=f"cocotb {simulator}", tests="1", failures="0", errors="1"
    )
    case = ElementTree.SubElement(suite, "testcase", classname=f"cocotb.{simulator}", name="run")
    ElementTree.SubElement(case, "error", message=failure).text = failure
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
