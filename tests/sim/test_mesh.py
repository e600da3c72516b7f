"""A network over the tiles of a mesh gives the contract's spikes, whatever the timing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lifstone.cli import cli
from lifstone.golden import InvalidValue, run_contract
from lifstone.hdl import contract_hash
from lifstone.hdl.lint import waiver_file
from lifstone.hdl.mesh import generate_mesh, plan_mesh
from lifstone.sim.rtl.bulk import BulkRtl
from lifstone.sim.rtl.run import verify_rtl
from tests.hdl.contracts import lively
from tests.hdl.test_verilog import lint
from tests.networks import random_inputs, random_quantised

DIGITS = Path(__file__).resolve().parents[2] / "lifstone" / "data" / "digits.nir"
STEPS = 80


@pytest.mark.parametrize(
    ("seed", "inputs", "columns", "rows", "largest"), [(0, 0, 2, 2, 2), (2, 2, 3, 1, 1)]
)
def test_networks_on_a_mesh_are_exact(
    seed: int, inputs: int, columns: int, rows: int, largest: int
) -> None:
    """No input, two that keep pace; cut populations in loops; resets."""
    q = random_quantised(seed, inputs, 3)
    assert any(c.delay for c in q.contract.connections)
    x = random_inputs(q, STEPS, seed)
    plan = plan_mesh(q.contract, columns, rows, largest)
    design = generate_mesh(plan, "net", trace=True)
    for timing in ({}, {"idle": 0.4, "backpressure": 0.5, "reset_at": 137 + seed, "seed": seed}):
        verdict = verify_rtl(plan.split, x, STEPS, design=design, optimise=False, **timing)
        assert str(verdict) == "exact", (timing, str(verdict))
        assert verdict.compared > 0


def test_the_outputs_are_the_whole_populations_in_ascending_order(tmp_path: Path) -> None:
    contract = lively(1)
    inputs = {"x": (np.random.default_rng(1).random((STEPS, 5)) < 0.5).astype(np.uint8)}
    plan = plan_mesh(contract, 2, 2, 2)
    design = generate_mesh(plan, "net", lanes={"a.0": 2, "a.1": 2})
    assert design.manifest["contract_sha256"] == contract_hash(contract)
    assert [o["name"] for o in design.manifest["outputs"]] == ["b"]
    assert {p["population"] for p in design.manifest["mesh"]["parts"].values()} == {"a", "b"}
    # The harness refuses spikes out of order.
    run = BulkRtl(design, optimise=False).run(inputs, backpressure=0.5)
    assert run.failure == ""
    expected = run_contract(contract, inputs)["b"].spikes
    assert expected.any()
    np.testing.assert_array_equal(run.traces["b"].spikes, expected)
    (tmp_path / "net.v").write_text(design.verilog, encoding="utf-8")
    (tmp_path / "net.vlt").write_text(waiver_file("net.v"), encoding="utf-8")
    assert lint(tmp_path, "net.vlt") == []


def test_the_command_writes_a_mesh(tmp_path: Path) -> None:
    """And says what cannot be."""
    run = CliRunner()
    command = ["generate", str(DIGITS), "--out", str(tmp_path / "rtl"), "--mesh"]
    for mesh, more, message in (
        ("2", (), "mesh = '2': allowed is columns x rows"),
        ("2x2", ("--loadable",), "mesh = '2x2': allowed is no --kernels"),
        ("0x2", (), "mesh.columns = 0"),
    ):
        with pytest.raises(InvalidValue, match=message):
            run.invoke(cli, [*command, mesh, *more], catch_exceptions=False)
        assert not (tmp_path / "rtl").exists()
    said = run.invoke(cli, [*command, "2x1", "--tile-neurons", "40"], catch_exceptions=False)
    assert said.exit_code == 0, said.output
    manifest = json.loads((tmp_path / "rtl" / "manifest.json").read_text("utf-8"))
    assert manifest["mesh"]["parts"]["hidden.1"] == {
        "population": "hidden",
        "first": 32,
        "n": 32,
        "tile": [1, 0],
    }
    assert "module lifstone_net_fabric_router_1_0" in (tmp_path / "rtl/lifstone_net.v").read_text()


def test_a_name_that_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidValue, match="name = 'module'"):
        generate_mesh(plan_mesh(lively(), 1, 1), "module")
