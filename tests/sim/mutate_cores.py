"""The mutation campaign: plain and laned cores, joins, forks, delays and queues."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifstone.golden import (
    Connection,
    DecayMode,
    Lif,
    Network,
    NetworkContract,
    Reset,
    Widths,
    quantise,
)
from lifstone.hdl import Design, generate
from lifstone.sim.rtl.mutation import Campaign, Stimulus, campaign
from lifstone.sim.rtl.mutation_proof import Harmless
from tests.hdl.contracts import lively

GOAL = 95.0
"""Per cent of the faults that can be noticed."""


def brief() -> NetworkContract:
    """A loop of two small populations that also saturates: shifts, a readout, no trace of ``i``."""
    rng = np.random.default_rng(5)
    a = Lif(tau_mem=8e-3, v_th=1.0, n=3, t_ref=3e-3, reset=Reset.SUBTRACT)
    b = Lif(tau_mem=6e-3, v_th=np.inf, n=5)
    connections = (
        Connection("x", "a", rng.normal(4.0, 6.0, (3, 4))),
        Connection("a", "a", rng.normal(2.0, 3.0, (3, 3)), 1),
        Connection("a", "b", rng.normal(0.0, 9.0, (5, 3))),
    )
    net = Network(1e-3, {"x": 4}, {"a": a, "b": b}, connections, ("a", "b"), {})
    return quantise(net, Widths(state=8, weight=6, fraction=6, decay_mode=DecayMode.SHIFT)).contract


def stimuli(contract: NetworkContract, seed: int = 0, steps: int = 30) -> list[Stimulus]:
    """Sparse to full, at full speed and with waiting on both sides; a reset at many moments."""
    rng = np.random.default_rng(seed)
    out = []
    for k, density in enumerate([0.5, 0.2, 1.0, 0.05, 0.7, 0.9, *rng.random(18)]):
        inputs = {p: rng.random((steps, n)) < density for p, n in contract.inputs.items()}
        waits = {"idle": (0.3, 0.95)[k % 4 // 2], "backpressure": rng.random()} if k % 2 else {}
        if k % 6 == 5:  # an output that hardly ever takes anything: what can fill up does
            waits = {"backpressure": 0.97}
        reset = int(rng.integers(4, 400)) if k >= 4 else None
        out.append(Stimulus(inputs, steps, seed=k, reset_at=reset, **waits))
    for k in range(24):
        shape = (bursts, held, alone)[k % 3]
        inputs = {p: shape(rng, 7 * steps, n) for p, n in contract.inputs.items()}
        waits = {"idle": 0.5, "backpressure": (0.5, 0.9, 0.98)[k // 2 % 3]} if k % 2 else {}
        out.append(Stimulus(inputs, 7 * steps, seed=100 + k, **waits))
    return out


def bursts(rng: np.random.Generator, steps: int, n: int) -> NDArray[np.bool_]:
    """All lines at once, for a few steps, then none."""
    length = int(rng.integers(1, 12))
    on = np.repeat(rng.random(steps) < 0.5, length)[:steps]
    return np.repeat(on[:, None], n, axis=1)


def held(rng: np.random.Generator, steps: int, n: int) -> NDArray[np.bool_]:
    """Some lines in every step for a while, then others: sums at their extremes, states at rest."""
    length = int(rng.integers(1, 20))
    return np.repeat(rng.random((steps, n)) < 0.5, length, axis=0)[:steps]


def alone(rng: np.random.Generator, steps: int, n: int) -> NDArray[np.bool_]:
    """One line in every step for a while, with breaks: what only that line can push."""
    length = int(rng.integers(4, 20))
    line = np.repeat(rng.integers(0, n + 1, steps), length)[:steps]  # n: none
    return np.asarray(line[:, None] == np.arange(n))


def designs() -> Iterator[tuple[NetworkContract, Design]]:
    """What is mutated."""
    for name, contract in (("lively", lively(fraction=12)), ("brief", brief())):
        yield contract, generate(contract, f"{name}_plain", trace=True)
        yield contract, generate(contract, f"{name}_laned", trace=True, lanes=2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=150, help="faults of each design")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds of a proof")
    parser.add_argument("--out", type=Path, default=Path("out/mutation.json"))
    given = parser.parse_args()
    results: list[dict[str, Any]] = []
    for contract, design in designs():
        start = time.perf_counter()
        result, netlist = campaign(contract, design, stimuli(contract), given.count)
        proofs = Harmless(netlist, given.timeout)
        harmless = frozenset(m for m in result.survivors if proofs.proves(m))
        result = replace(result, harmless=harmless)
        results.append({**result.to_dict(), "seconds": round(time.perf_counter() - start, 1)})
        print(_line(result), flush=True)
        for mutant in result.survivors:
            print(f"  survives: {mutant}", flush=True)
    rows = {"designs": results, **_total(results)}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    print(f"{rows['rate']:.1f} % of {rows['faults']} faults killed, without the harmless ones")
    return 0 if rows["rate"] >= GOAL else 1


def _line(r: Campaign) -> str:
    killed = sum(bool(by) for by in r.found.values())
    return (
        f"{r.design}: {len(r.found)} faults, {killed} killed, {len(r.harmless)} proved harmless, "
        f"{len(r.survivors)} survive: {r.rate:.1f} %"
    )


def _total(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    killed, alive = sum(r["killed"] for r in rows), sum(len(r["survivors"]) for r in rows)
    return {
        "faults": sum(r["faults"] for r in rows),
        "killed": killed,
        "harmless": sum(len(r["harmless"]) for r in rows),
        "rate": round(100.0 * killed / max(1, killed + alive), 2),
    }


if __name__ == "__main__":
    sys.exit(main())
