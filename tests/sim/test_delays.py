"""Delays of several steps: every body of the same network spikes in the same steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lifstone.api import verify
from lifstone.golden import Connection, Lif, Network, quantise
from lifstone.hdl import generate
from lifstone.sim.nir_read import read_nir
from lifstone.sim.nir_write import not_expressed, write_nir


def loop() -> Network:
    """Two populations that reach each other after three and five steps, the input after two."""
    lif = Lif(tau_mem=10e-3, r=10.0, n=2)
    connections = (
        Connection("x", "a", [[1.2, 0.4], [0.3, 1.1]], 2),
        Connection("a", "b", [[1.5, 0.2], [0.4, 1.4]], 3),
        Connection("b", "a", [[-0.3, 0.2], [0.1, -0.4]], 5),
    )
    return Network(1e-3, {"x": 2}, {"a": lif, "b": lif}, connections, ("b",))


def test_every_body_agrees() -> None:
    result = verify(loop(), steps=60)
    rows = {(r.verdict.body, r.verdict.reference): str(r.verdict.status) for r in result.rows}
    assert rows["network", "golden"] == "within"
    assert rows["network", "contract"] == "exact"
    assert rows["rtl", "contract"] == "exact"
    assert rows["spice", "event-driven"] == "within"
    assert result.conforms
    first = {n: np.flatnonzero(t.spikes.any(axis=(1, 2)))[0] for n, t in result.case.floats.items()}
    assert first["a"] >= 2
    assert first["b"] >= first["a"] + 3


def test_a_longer_delay_is_another_design() -> None:
    contract = quantise(loop()).contract
    design = generate(contract)
    assert [s["delay"] for p in design.manifest["populations"] for s in p["sources"]] == [2, 5, 3]
    assert '"b" to "a", 5 time steps later' in design.verilog


def test_a_file_keeps_the_delays(tmp_path: Path) -> None:
    path = tmp_path / "loop.nir"
    write_nir(loop(), path)
    again = read_nir(path).network
    assert [c.delay for c in again.connections] == [2, 3, 5]
    assert "b to a: delay of 5 steps" in not_expressed(again)
