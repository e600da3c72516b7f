"""Rows of the verdict table for RTL under cocotb, and their test cases in JUnit."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner

from lifstone import contract_of, generate, verify, write_nir
from lifstone.cli import cli
from lifstone.golden import Connection, InvalidValue, Lif, Network, Widths
from lifstone.junit import junit
from lifstone.sim.rtl.plan import SCENARIOS
from tests.sim.faulty import other_weight

NETWORK = Network(
    1e-3,
    {"x": 3},
    {"p": Lif(tau_mem=10e-3, v_th=1.0, n=2)},
    (Connection("x", "p", np.array([[8.0, 3.0, -4.0], [5.0, -2.0, 9.0]])),),
    ("p",),
)


def test_a_row_a_simulator_and_a_test_case_a_scenario(tmp_path: Path) -> None:
    write_nir(NETWORK, tmp_path / "net.nir")
    path = tmp_path / "verdict.xml"
    arguments = ["verify", str(tmp_path / "net.nir"), "--bodies", "network", "--steps", "60"]
    run = CliRunner().invoke(cli, [*arguments, "--cocotb", "icarus", "--junit", str(path)])
    assert run.exit_code == 0, run.output
    assert "rtl (cocotb, icarus)" in run.output
    assert "0 of 13 scenarios" in run.output
    suite = ElementTree.parse(path).getroot()
    cases = [c for c in suite if c.get("classname") == "lifstone.cocotb.icarus"]
    assert {c.get("name") for c in cases} == set(SCENARIOS)
    assert suite.get("tests") == str(len(suite)) == str(3 + len(SCENARIOS))
    assert suite.get("failures") == "0"


def test_a_fault_fails_its_row_and_its_scenarios() -> None:
    contract = contract_of(NETWORK, Widths()).contract
    old = int(contract.connections[0].weight[0, 2])
    wrong, _ = other_weight(generate(contract, "net", trace=True), contract, 0, 0, 2, old + 9)
    spikes = {"x": np.tile(np.uint8([1, 0, 1]), (9, 1))}
    result = verify(NETWORK, spikes, bodies=["network"], design=wrong, cocotb=["icarus"])
    assert not result.conforms
    row = result.rows[-1].verdict
    assert row.body == "rtl (cocotb, icarus)"
    assert row.difference is not None
    assert (row.difference.step, row.difference.population, row.difference.neuron) == (0, "p", 0)
    assert f"x[2] weight {old}" in row.reason
    suite = ElementTree.fromstring(junit(result, "net").encode())
    failed = {c.get("name") for c in suite if c.find("failure") is not None}
    assert {"full_speed", "all_ones"} <= failed
    assert "empty_steps" not in failed
    assert suite.get("failures") == str(len(failed))


def test_an_unknown_simulator_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"^cocotb = 'vcs': allowed is icarus, verilator$"):
        verify(NETWORK, cocotb=["vcs"], steps=3)
