"""RTL simulation: the compiled harness for volume against a bench in Python, clock by clock.

The same core of 256 time-multiplexed neurons, the same rate of input spikes, one run. Both
compare the states and spikes of every neuron and step with the contract, and the comparison
counts; building the simulators does not.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from bench.ratio import Ratio
from lifstone.golden import (
    Connection,
    Lif,
    Network,
    NetworkContract,
    compare_exact,
    quantise,
    run_contract,
)
from lifstone.hdl import Design, generate
from lifstone.sim.rtl.bulk import BulkRtl
from lifstone.sim.rtl.cosim import SIMULATORS, run_cocotb

__all__ = ["measure"]

NEURONS = 256
LINES = 16
RATE = 0.01
BULK_STEPS = 8000
COCOTB_STEPS = 60
ROUNDS = 3
GOAL = 100.0


def measure() -> list[Ratio]:
    """One ratio a simulator; each figure is the best of the rounds.

    Raises
    ------
    MissingTool
        Without Icarus or Verilator.
    """
    contract = _core()
    design = generate(contract, "core256", trace=True)
    rtl = BulkRtl(design)
    spikes = _spikes(BULK_STEPS)
    expected = run_contract(contract, spikes)
    fast, slow = 0.0, dict.fromkeys(SIMULATORS, 0.0)
    for _ in range(ROUNDS):  # interleaved: a busy moment of the machine meets all alike
        start = time.perf_counter()
        run = rtl.run(spikes)
        verdict = compare_exact("rtl", "contract", expected, run.traces)
        seconds = time.perf_counter() - start
        assert run.failure == ""
        assert str(verdict) == "exact", verdict
        fast = max(fast, BULK_STEPS * NEURONS / seconds)
        for simulator in SIMULATORS:
            slow[simulator] = max(slow[simulator], _cocotb(contract, design, simulator))
    return [
        Ratio(f"compiled harness / cocotb on {name}", fast, updates, "neuron updates/s", GOAL)
        for name, updates in slow.items()
    ]


def _cocotb(contract: NetworkContract, design: Design, simulator: str) -> float:
    """Neuron updates a second of the whole scenario, read and compared."""
    run = run_cocotb(
        contract,
        _spikes(COCOTB_STEPS),
        design=design,
        simulator=simulator,
        scenarios=("full_speed",),
        optimise=True,
    )
    assert str(run.verdict) == "exact", run.verdict
    (outcome,) = run.outcomes
    assert outcome.updates == COCOTB_STEPS * NEURONS
    return outcome.updates / outcome.seconds


def _core() -> NetworkContract:
    weight = np.random.default_rng(0).normal(0.5, 2.0, (NEURONS, LINES))
    return quantise(
        Network(
            1e-3,
            {"x": LINES},
            {"p": Lif(tau_mem=10e-3, v_th=1.0, t_ref=2e-3, n=NEURONS)},
            (Connection("x", "p", weight),),
            ("p",),
        )
    ).contract


def _spikes(steps: int) -> dict[str, NDArray[np.uint8]]:
    drawn = np.random.default_rng(1).random((steps, LINES)) < RATE
    return {"x": drawn.astype(np.uint8)}
