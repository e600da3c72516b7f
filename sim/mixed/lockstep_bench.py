"""The cocotb test of a lock-step run: RTL here, ngspice in its own process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge

from .lockstep import MAKERS
from .process import AnalogProcess

FOLDER = "LIFSTONE_LOCKSTEP"
PATIENCE = 20_000
"""Clocks that a step of the RTL may take."""


class _Core:
    """Ports of the plastic core: one event a handshake, weights as they come by."""

    def __init__(self, dut: Any, ports: list[str], lines: int) -> None:
        self.dut = dut
        self.ports = ports
        self.edge = RisingEdge(dut.clk)
        self.weight = np.zeros(lines, dtype=np.int64)
        self.spikes = 0

    async def reset(self) -> None:
        d = self.dut
        d.rst.value = 1
        for port in self.ports:
            getattr(d, f"in_{port}_valid").value = 0
            getattr(d, f"in_{port}_tick").value = 0
            getattr(d, f"in_{port}_address").value = 0
        d.out_neurons_ready.value = 1
        for _ in range(3):
            await self.edge
        d.rst.value = 0

    async def step(self, rows: dict[str, np.ndarray]) -> bool:
        """Send the spikes of a step by port; returns whether the relay fired."""
        queues = {
            port: [(0, int(j)) for j in np.flatnonzero(row)] + [(1, 0)]
            for port, row in rows.items()
        }
        fired = False
        for _ in range(PATIENCE):
            for port, queue in queues.items():
                getattr(self.dut, f"in_{port}_valid").value = int(bool(queue))
                if queue:
                    getattr(self.dut, f"in_{port}_tick").value = queue[0][0]
                    getattr(self.dut, f"in_{port}_address").value = queue[0][1]
            # What stands at the ports right before the edge is what the edge takes.
            await ReadOnly()
            taken = [p for p, q in queues.items() if q and self._high(f"in_{p}_ready")]
            out, tick = self._high("out_neurons_valid"), self._high("out_neurons_tick")
            self._watch()
            await self.edge
            for port in taken:
                queues[port].pop(0)
            if out and tick:
                return fired
            fired = fired or out
        raise AssertionError(f"the RTL did not end its step within {PATIENCE} clocks")

    def _high(self, name: str) -> bool:
        return int(getattr(self.dut, name).value) == 1

    def _watch(self) -> None:
        if self._high("trace_synapses_valid"):
            index = int(self.dut.trace_synapses_index.value)
            self.weight[index] = self.dut.trace_synapses_weight.value.to_signed()


@cocotb.test()
async def lockstep(dut: Any) -> None:
    """Run all steps and write what both sides did."""
    folder = Path(os.environ[FOLDER])
    job = json.loads((folder / "job.json").read_text())
    run = MAKERS[job.pop("system")](**job)
    Clock(dut.clk, 10, unit="ns", impl="gpi").start(start_high=False)
    core = _Core(dut, list(run.contract.sizes), run.contract.lines)
    core.weight = run.contract.start[0].copy()
    await core.reset()
    weights, post, drives = [], [], []
    times: list[np.ndarray] = []
    waves: list[np.ndarray] = []
    with AnalogProcess(run.netlist(), run.dt, ("mem", "latch")) as analog:
        last = 0.0
        for k in range(run.steps):
            x = run.drive(k, core.weight)
            t, v = analog.advance({"vdrive": x * run.mapping.scale})
            high = np.concatenate([[last], v[:, 1]])
            spike = bool(((high[1:] > 0.5) & (high[:-1] <= 0.5)).any())
            last = float(v[-1, 1])
            rows = {"plastic": run.plastic[k], "fixed": np.array([spike]), "signal": run.signal[k]}
            relayed = await core.step({p: rows[p] for p in core.ports})
            assert relayed == spike, f"step {k}: the relay fired {relayed}, the neuron {spike}"
            weights.append(core.weight.copy())
            post.append(spike)
            drives.append(x)
            times.append(t)
            waves.append(v)
    np.savez(
        folder / "waves.npz", weights=np.array(weights), post=np.array(post),
        drive=np.array(drives), t=np.concatenate(times), v=np.concatenate(waves),
    )  # fmt: skip
