"""The netlist after synthesis equals the contract on the stimulus that the RTL ran."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from lifstone.golden import MissingTool, run_contract
from lifstone.hdl import generate
from lifstone.sim.rtl.gate_level import gate_level
from lifstone.sim.rtl.run import verify_rtl
from tests.hdl.contracts import lively, one_core, options, random_contract
from tests.hdl.test_weights import inputs
from tests.sim.faulty import substitute


def test_netlist_of_a_network_is_exact() -> None:
    net = lively()
    gates = gate_level(generate(net, "net", trace=True, lanes={"a": 2}, stores={"a": "spram"}))
    assert "SB_LUT4 #(" in gates.verilog
    assert "SB_MAC16 #(" in gates.verilog
    assert "SB_SPRAM256KA" in gates.verilog
    assert "module net_core_a" not in gates.verilog, "it is flat"
    for timing in ({}, {"idle": 0.3, "backpressure": 0.5, "seed": 1}, {"reset_at": 90}):
        verdict = verify_rtl(net, inputs(net), design=gates, optimise=False, **timing)
        assert str(verdict) == "exact", (timing, str(verdict))
    fired = run_contract(net, inputs(net))
    assert sum(int(t.spikes.sum()) for t in fired.values()) > 50


def test_netlist_with_block_ram_is_exact_and_a_fault_in_it_is_named() -> None:
    rng = np.random.default_rng(2)
    chosen = next(o for o in options() if o[1:3] == ("shift", "none") and o[4] is not None)
    c = random_contract(rng, 40, chosen)
    net = one_core(c, rng.integers(-3, 4, (40, 6)))
    design = generate(net, "net", trace=True)
    gates = gate_level(design)
    assert gates.verilog.count("SB_RAM40_4K") >= 3
    assert str(verify_rtl(net, inputs(net), design=gates, optimise=False)) == "exact"
    # An address line of the first block RAM that is always low.
    at = gates.verilog.index("SB_RAM40_4K")
    faulty = substitute(gates, r"\.RADDR\(\{(.*?), [^,{}]+ \}\)", r".RADDR({\1, 1'h0 })")
    assert at > 0
    verdict = verify_rtl(net, inputs(net), design=faulty, optimise=False)
    assert not verdict.agrees
    assert verdict.difference is not None or verdict.reason


def test_without_yosys_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingTool, match="pip install pyosys"):
        gate_level(None)  # type: ignore[arg-type]
