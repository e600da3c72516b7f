"""What a bench inside a simulator is asked to do, and what it found, as files.

A simulator runs its own Python. Scenarios, contract and expected traces reach it in a folder:
``job.json`` holds the structure, ``job.npz`` the arrays. Nothing else is read back than the
classes named in ``KINDS``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...golden import (
    Contract,
    Decay,
    Difference,
    Drive,
    IntConnection,
    NetworkContract,
    Reset,
    Rounding,
    Trace,
)
from ...golden.errors import require

__all__ = ["FOLDER", "Job", "Moment", "Outcome", "Scenario", "Wait", "read_job", "read_outcomes"]

FOLDER = "LIFSTONE_BENCH"
"""Environment variable with the folder of the job; outcomes are written there."""

MOMENTS = ("clock", "accept", "sweep", "send")


@dataclass(frozen=True)
class Wait:
    """How often a source or sink makes the other side wait.

    Parameters
    ----------
    probability
        Chance that a pause begins in a clock, 0 to below 1.
    burst
        Longest pause in clocks; the length is drawn from 1 to ``burst``.
    """

    probability: float = 0.0
    burst: int = 1

    def __post_init__(self) -> None:
        require(0 <= self.probability < 1, "wait.probability", self.probability, "0 to below 1")
        require(self.burst >= 1, "wait.burst", self.burst, "1 clock or more")


@dataclass(frozen=True)
class Moment:
    """When the reset is asserted in mid-run, by what can be seen at the ports.

    Parameters
    ----------
    kind
        ``clock``: ``count`` clocks after the reset before.
        ``accept``: in the clock after the ``count``-th spike (or, where the network has no
        input, tick) was taken.
        ``sweep``: in the clock after the ``count``-th trace beat of the first population.
        ``send``: while the first output offers an event of step ``count`` and must wait.
    """

    kind: str
    count: int

    def __post_init__(self) -> None:
        require(self.kind in MOMENTS, "moment.kind", self.kind, ", ".join(MOMENTS))
        require(self.count >= 0, "moment.count", self.count, "0 or greater")


@dataclass(frozen=True, eq=False)
class Scenario:
    """One run of the bench.

    Parameters
    ----------
    inputs
        0/1 by input name, ``(steps, n)``.
    expected
        The contract's trace of each population for these inputs.
    idle, backpressure
        How the sources and the sinks wait.
    resets
        The run is broken off at each of these moments in turn and begins again.
    """

    name: str
    inputs: Mapping[str, NDArray[np.uint8]]
    steps: int
    expected: Mapping[str, Trace]
    idle: Wait = Wait()
    backpressure: Wait = Wait()
    seed: int = 0
    resets: tuple[Moment, ...] = ()


@dataclass(frozen=True, eq=False)
class Job:
    """A design's ports and its scenarios.

    Parameters
    ----------
    manifest
        Of the design.
    contract
        What the design must compute.
    """

    manifest: Mapping[str, Any]
    contract: NetworkContract
    scenarios: tuple[Scenario, ...]

    def write(self, folder: Path) -> None:
        """Write ``job.json`` and ``job.npz``."""
        arrays: dict[str, NDArray[np.generic]] = {}
        text = json.dumps(_encode(self, arrays))
        np.savez(folder / "job.npz", allow_pickle=False, **arrays)
        (folder / "job.json").write_text(text, encoding="utf-8")


def read_job(folder: Path) -> Job:
    """Read what :meth:`Job.write` wrote."""
    with np.load(folder / "job.npz", allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    job = _decode(json.loads((folder / "job.json").read_text(encoding="utf-8")), arrays)
    require(isinstance(job, Job), "job", str(folder), "a job")
    return job  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Outcome:
    """What a scenario found.

    Parameters
    ----------
    compared
        Values compared with the contract: states and spikes of every neuron and step, and
        the spikes of every output.
    clocks
        Of the last, complete run.
    updates
        Neuron updates seen in all runs, and ``seconds`` they took.
    difference
        The first place that differs, and in ``reason`` the inputs that led there.
    failure
        Empty, or a sentence: what differs, what broke the protocol, or that the design hangs.
    """

    scenario: str
    compared: int = 0
    clocks: int = 0
    updates: int = 0
    seconds: float = 0.0
    difference: Difference | None = None
    reason: str = ""
    failure: str = ""

    def write(self, folder: Path) -> None:
        """Write ``outcome-<scenario>.json``."""
        text = json.dumps(_encode(self, {}))
        (folder / f"outcome-{self.scenario}.json").write_text(text, encoding="utf-8")


def read_outcomes(folder: Path) -> dict[str, Outcome]:
    """All outcomes in a folder by the name of their scenario."""
    found = {}
    for path in sorted(folder.glob("outcome-*.json")):
        outcome = _decode(json.loads(path.read_text(encoding="utf-8")), {})
        require(isinstance(outcome, Outcome), "outcome", str(path), "an outcome")
        found[outcome.scenario] = outcome
    return found


_CLASSES: tuple[Any, ...] = (
    Contract,
    Decay,
    Difference,
    Drive,
    IntConnection,
    Job,
    Moment,
    NetworkContract,
    Outcome,
    Reset,
    Rounding,
    Scenario,
    Trace,
    Wait,
)
KINDS = {c.__name__: c for c in _CLASSES}


def _encode(value: Any, arrays: dict[str, NDArray[np.generic]]) -> Any:
    """JSON data; arrays go into ``arrays``, classes and mappings become tagged objects."""
    if isinstance(value, np.ndarray):
        arrays[f"a{len(arrays)}"] = value
        return {"array": f"a{len(arrays) - 1}"}
    if isinstance(value, Enum):
        return {"kind": type(value).__name__, "value": value.value}
    if is_dataclass(value):
        body = {f.name: _encode(getattr(value, f.name), arrays) for f in fields(value)}
        return {"kind": type(value).__name__, "fields": body}
    if isinstance(value, Mapping):
        return {"map": [[k, _encode(v, arrays)] for k, v in value.items()]}
    if isinstance(value, tuple | list):
        return [_encode(v, arrays) for v in value]
    return value.item() if isinstance(value, np.generic) else value


def _decode(data: Any, arrays: Mapping[str, NDArray[np.generic]]) -> Any:
    if isinstance(data, list):
        return tuple(_decode(v, arrays) for v in data)
    if not isinstance(data, dict):
        return data
    if "array" in data:
        return arrays[data["array"]]
    if "map" in data:
        return {k: _decode(v, arrays) for k, v in data["map"]}
    kind = KINDS[data["kind"]]
    if "value" in data:
        return kind(data["value"])
    return kind(**{k: _decode(v, arrays) for k, v in data["fields"].items()})
