"""The LIF cores: one and two exponentials, both resets, laned, and a loop of two populations."""

from __future__ import annotations

import numpy as np

from ....golden import Connection, Lif, Network, NetworkContract, Reset, Widths, quantise
from ..soak_case import network_case

__all__ = ["CASES"]


def _network(
    n: int,
    lines: int,
    *,
    tau_syn: float | None = None,
    reset: Reset = Reset.SET,
    loop: bool = False,
) -> NetworkContract:
    rng = np.random.default_rng(n)
    lif = Lif(
        tau_mem=rng.uniform(5e-3, 30e-3, n),
        v_th=rng.uniform(0.8, 1.2, n),
        v_reset=-0.1,
        n=n,
        tau_syn=tau_syn,
        t_ref=rng.integers(0, 4, n) * 1e-3,
        reset=reset,
    )
    scale = 20.0 / lines
    connections = [Connection("x", "p", rng.normal(0.4 * scale, scale, (n, lines)))]
    if loop:
        connections.append(Connection("p", "p", rng.normal(-0.05, 0.3, (n, n)) * scale, 1))
    net = Network(1e-3, {"x": lines}, {"p": lif}, tuple(connections), ("p",))
    return quantise(net, Widths(state=14, weight=8, fraction=9)).contract


CASES = (
    network_case("lif_one_exponential", lambda: _network(64, 8)),
    network_case("lif_two_exponentials", lambda: _network(64, 8, tau_syn=5e-3)),
    network_case("lif_subtract", lambda: _network(64, 8, reset=Reset.SUBTRACT)),
    network_case("lif_recurrent", lambda: _network(16, 8, tau_syn=5e-3, loop=True)),
    network_case("lif_laned", lambda: _network(60, 8, tau_syn=5e-3), lanes=8),
)
