"""Neurons with noise: white and coloured in the membrane, and in the threshold."""

from __future__ import annotations

import numpy as np

from ....golden import Connection, Lif, Network, Widths, quantise
from ....golden.cells.noise import NoisyLif, StochasticThreshold
from ....golden.unit import Projection, UnitContract
from ....hdl.cells import noise as _registers_the_logic  # noqa: F401
from ..soak_case import unit_case

__all__ = ["CASES"]

N, LINES = 64, 8


def _unit(kind: type[NoisyLif] | type[StochasticThreshold], tau_syn: float | None) -> UnitContract:
    rng = np.random.default_rng(5)
    lif = Lif(
        tau_mem=rng.uniform(5e-3, 30e-3, N),
        v_th=rng.uniform(0.8, 1.2, N),
        v_reset=-0.1,
        n=N,
        tau_syn=tau_syn,
        t_ref=rng.integers(0, 4, N) * 1e-3,
    )
    weights = Connection("x", "p", rng.normal(1.0, 2.5, (N, LINES)))
    net = Network(1e-3, {"x": LINES}, {"p": lif}, (weights,), ("p",))
    contract = quantise(net, Widths(state=14, weight=8, fraction=9)).contract
    cell = kind(contract.populations["p"], rng.integers(0, 2600, N), 9, seed=11)
    (connection,) = contract.connections
    return UnitContract(cell, {"x": LINES}, (Projection("x", "input", connection.weight),), "p")


CASES = (
    unit_case("noise_white", lambda: _unit(NoisyLif, None)),
    unit_case("noise_coloured", lambda: _unit(NoisyLif, 5e-3)),
    unit_case("noise_threshold", lambda: _unit(StochasticThreshold, 5e-3)),
)
