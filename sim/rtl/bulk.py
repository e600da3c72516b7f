"""Compiled simulation of a design: Verilator's C++ and a harness, called through ctypes."""

from __future__ import annotations

import ctypes
import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...golden import Trace
from ...golden.cell import CellTrace
from ...golden.errors import require
from ...golden.network import check_inputs
from ...hdl import Design
from .harness import CODES, harness_text, ports_of, words_of
from .loading import design_loads, sources_text
from .toolchain import cache_folder, find_verilator
from .verilate import shared_object

__all__ = ["BulkRtl", "RtlRun"]

Spikes = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class RtlRun:
    """What a simulation of RTL gave.

    Parameters
    ----------
    traces
        Per population: with trace ports every population with states; without, the output
        populations, spikes alone. Arrays ``(steps, n)``, or ``(steps, samples, n)`` if the
        inputs had samples.
    cycles
        Clocks of each sample.
    has_states
        Whether ``v`` and ``i`` of the traces hold states.
    failure
        Empty, or what broke the protocol, and where.
    cells
        Per population with trace ports all that they show, by the names of the words; shapes
        as in ``traces``, whose ``v`` is the first word.
    """

    traces: dict[str, Trace]
    cycles: tuple[int, ...]
    has_states: bool
    failure: str = ""
    cells: dict[str, CellTrace] = field(default_factory=dict)


class BulkRtl:
    """A design compiled for volume.

    Parameters
    ----------
    design
        What :func:`lifstone.hdl.generate` returned, edited or not.
    coverage
        What to count: some of ``line`` and ``toggle``; see :mod:`lifstone.sim.rtl.coverage`.
    optimise
        ``False`` compiles faster and runs slower: for short runs of many designs.
    waves
        Compiled so that a probe can write waves, see :mod:`lifstone.sim.rtl.waves`.
    probe
        C++ that reaches into the design, see :func:`~.harness.harness_text`; what it exports is
        found in ``library``.

    Raises
    ------
    MissingTool
        Without Verilator, a C++ compiler, make or perl.
    RuntimeError
        If the design does not compile.
    """

    def __init__(
        self,
        design: Design,
        *,
        coverage: Sequence[str] = (),
        optimise: bool = True,
        waves: bool = False,
        probe: str = "",
    ) -> None:
        self.design = design
        self._inputs, self._outputs, self._traced = ports_of(design)
        for kind in coverage:
            require(kind in ("line", "toggle"), "coverage", kind, "line, toggle")
        extras = (*coverage, *(["waves"] if waves else []))
        path = _compiled(design, extras, optimise, probe)
        self.library = ctypes.CDLL(str(path))
        self._run = self.library.lif_run
        self._run.restype = ctypes.c_int
        self._loads = design_loads(design)

    def run(
        self,
        inputs: Spikes,
        steps: int | None = None,
        *,
        idle: float = 0.0,
        backpressure: float = 0.0,
        seed: int = 0,
        reset_at: int | None = None,
        patience: int = 100_000,
        coverage_file: Path | None = None,
    ) -> RtlRun:
        """Simulate; every sample starts with a reset.

        Parameters
        ----------
        inputs
            0/1 by input name, ``(steps, n)`` or ``(steps, samples, n)``.
        steps
            Needed only for a network without inputs.
        idle, backpressure
            Probability that a source or sink waits in a clock, from 0 to below 1.
        reset_at
            Clock at which the reset is asserted once more; the sample then starts again.
        patience
            Clocks without any event after which the design counts as hung.
        """
        for name, value in (("idle", idle), ("backpressure", backpressure)):
            require(0 <= value < 1, name, value, "0 to below 1")
        batched = any(np.ndim(a) == 3 for a in inputs.values())
        arrays, n_steps, samples = self._arrange(inputs, steps, batched)
        out = _Results(self, samples, n_steps)
        if self.design.manifest.get("load"):
            loads = self._loads.ctypes.data_as(ctypes.c_void_p)
            self.library.lif_load(loads, ctypes.c_int64(len(self._loads)))
        code = self._run(
            ctypes.c_int64(samples),
            ctypes.c_int64(n_steps),
            ctypes.c_double(idle),
            ctypes.c_double(backpressure),
            ctypes.c_uint64(seed + 1),
            ctypes.c_int64(-1 if reset_at is None else reset_at),
            ctypes.c_int64(patience),
            _pointers(arrays),
            _pointers(out.spikes),
            _pointers(out.words),
            _pointers(out.fired),
            out.cycles.ctypes.data_as(ctypes.c_void_p),
            out.where.ctypes.data_as(ctypes.c_void_p),
            None if coverage_file is None else str(coverage_file).encode(),
        )
        failure = self._failure(code, out.where) if code else self._unlike_trace(out)
        cycles = tuple(int(c) for c in out.cycles)
        cells = self._cells(out, batched)
        traces = self._traces(cells, out, batched)
        return RtlRun(traces, cycles, bool(self._traced), failure, cells)

    def _arrange(
        self, inputs: Spikes, steps: int | None, batched: bool
    ) -> tuple[list[NDArray[np.uint8]], int, int]:
        """One contiguous array ``(samples, steps, n)`` per input port."""
        sizes = {p["name"]: p["n"] for p in self._inputs if not p["pace_only"]}
        lead = check_inputs(sizes, inputs, 3 if batched else 2)
        n_steps = lead[0] if lead else int(steps or 0)
        samples = lead[1] if batched else 1
        out = []
        for p in self._inputs:
            shape = (n_steps, samples, p["n"])
            a = np.zeros(shape) if p["pace_only"] else np.asarray(inputs[p["name"]]).reshape(shape)
            out.append(np.ascontiguousarray(np.swapaxes(a, 0, 1), dtype=np.uint8))
        return out, n_steps, samples

    def _failure(self, code: int, where: NDArray[np.int64]) -> str:
        sample, step, port = (int(x) for x in where)
        kinds = {1: "the design", 4: "trace", 6: "trace", 7: "the design"}
        ports = self._traced if code in (4, 6) else self._outputs
        name = kinds.get(code, "output")
        if code not in (1, 7) and port < len(ports):
            name = f"{name} {ports[port]['name']}"
        return f"{name} at sample {sample}, step {step}: {CODES.get(code, 'unknown failure')}"

    def _unlike_trace(self, out: _Results) -> str:
        """Whether an output sent other spikes than its trace shows."""
        fired = {p["name"]: out.fired[k] for k, p in enumerate(self._traced)}
        for k, p in enumerate(self._outputs):
            for sample, step, j in np.argwhere(
                out.spikes[k] != fired.get(p["name"], out.spikes[k])
            ):
                sent = "sent a" if out.spikes[k][sample, step, j] else "did not send the"
                return (
                    f"output {p['name']} at sample {sample}, step {step}: "
                    f"{sent} spike of neuron {j}, unlike its trace"
                )
        return ""

    def _cells(self, out: _Results, batched: bool) -> dict[str, CellTrace]:
        found, arrays = {}, iter(out.words)
        for k, p in enumerate(self._traced):
            state = {word: _back(next(arrays), batched) for word in words_of(p)}
            found[p["name"]] = CellTrace(state, _back(out.fired[k], batched).astype(np.bool_))
        return found

    def _traces(
        self, cells: Mapping[str, CellTrace], out: _Results, batched: bool
    ) -> dict[str, Trace]:
        if self._traced:
            return {name: _as_trace(cell) for name, cell in cells.items()}
        found = {}
        for k, p in enumerate(self._outputs):
            spikes = _back(out.spikes[k], batched).astype(np.bool_)
            none = np.zeros(spikes.shape, dtype=np.int64)
            found[p["name"]] = Trace(none, none, spikes)
        return found


def _back(a: NDArray[Any], batched: bool) -> NDArray[Any]:
    """An array of the harness with the steps first."""
    return np.swapaxes(a, 0, 1) if batched else a[0]


def _as_trace(cell: CellTrace) -> Trace:
    first = next(iter(cell.state.values()))
    current = cell.state.get("i")
    return Trace(first, np.zeros_like(first) if current is None else current, cell.spikes)


class _Results:
    """Arrays that the harness fills."""

    def __init__(self, rtl: BulkRtl, samples: int, steps: int) -> None:
        def empty(ports: list[dict[str, int]], kind: type) -> list[NDArray[np.generic]]:
            return [np.zeros((samples, steps, p["n"]), dtype=kind) for p in ports]

        self.spikes = empty(rtl._outputs, np.uint8)
        words = [p for p in rtl._traced for _ in words_of(p)]
        self.words = empty(words, np.int64)
        self.fired = empty(rtl._traced, np.uint8)
        self.cycles = np.zeros(samples, dtype=np.int64)
        self.where = np.zeros(3, dtype=np.int64)


def _pointers(
    arrays: list[NDArray[np.uint8]] | list[NDArray[np.generic]],
) -> ctypes.Array[ctypes.c_void_p]:
    kind = ctypes.c_void_p * (len(arrays) + 1)
    return kind(*(a.ctypes.data for a in arrays), None)


def _compiled(design: Design, extras: tuple[str, ...], optimise: bool, probe: str) -> Path:
    """The shared object, from the cache if it was made before."""
    tool = find_verilator()
    level = "-O3" if optimise else "-O0"
    key = "\n".join(
        [sources_text(design), harness_text(design, "V", probe), tool.version, level, str(extras)]
    )
    digest = hashlib.sha256(key.encode()).hexdigest()[:24]
    folder = cache_folder()
    target = folder / f"{digest}.so"
    if target.is_file():
        return target
    with tempfile.TemporaryDirectory(prefix="building-", dir=folder) as name:
        source = Path(name) / f"{design.name}.v"
        source.write_text(sources_text(design), encoding="utf-8")
        prefix = f"V{digest}"
        text = harness_text(design, prefix, probe)
        built = shared_object(source, design.name, tool, prefix, text, extras, level)
        os.replace(built, target)
    return target
