"""Convolutional NIR files keep their kernels in hardware, and spike as before."""

from __future__ import annotations

import itertools
from pathlib import Path

import nir
import numpy as np
import pytest
from click.testing import CliRunner

from lifstone.cli import cli
from lifstone.golden import quantise
from lifstone.hdl import generate, read_design
from lifstone.sim.nir_kernels import nir_kernels
from lifstone.sim.nir_read import read_nir
from lifstone.sim.rtl.run import verify_rtl
from tests.sim.nir_convolutions import two_layers


def graph_file(tmp_path: Path, graph: nir.NIRGraph) -> Path:
    path = tmp_path / "net.nir"
    nir.write(path, graph)
    return path


def test_both_convolutions_are_kernels_and_the_network_is_exact(tmp_path: Path) -> None:
    path = graph_file(tmp_path, two_layers())
    network = read_nir(path).network
    contract = quantise(network).contract
    shared = nir_kernels(path, contract)
    assert shared.reasons == ()
    assert list(shared.kernels) == ["n1", "n2"]
    assert shared.kernels["n1"].conv.weight.size == 18
    assert shared.kernels["n2"].pool == (2, 2)
    design = generate(contract, trace=True, kernels=shared.kernels)
    rng = np.random.default_rng(0)
    spikes = {k: (rng.random((80, n)) < 0.3).astype(np.uint8) for k, n in network.inputs.items()}
    verdict = verify_rtl(contract, spikes, design=design, optimise=False)
    assert str(verdict) == "exact"


def changed(**nodes: object) -> nir.NIRGraph:
    graph = two_layers()
    every = {**graph.nodes, **nodes}
    row = [k for k in every if k in graph.nodes]
    return nir.NIRGraph(every, list(itertools.pairwise(row)), type_check=False)


def test_what_is_no_single_convolution_keeps_its_weights(tmp_path: Path) -> None:
    overlap = nir.SumPool2d(np.array([3, 3]), np.array([1, 1]), np.array([0, 0]))
    path = graph_file(tmp_path, changed(p=overlap, c2=two_layers().nodes["c2"]))
    contract = quantise(read_nir(path).network).contract
    shared = nir_kernels(path, contract)
    assert list(shared.kernels) == ["n1"]
    assert "n2 keeps its unrolled weights: nodes = 'SumPool2d, Conv2d'" in shared.reasons[0]


def test_neurons_that_differ_keep_their_weights(tmp_path: Path) -> None:
    """One gain a neuron makes the integers of a shared weight differ."""
    n = np.linspace(0.5, 1.5, 32).reshape(2, 4, 4)
    lif = nir.LIF(0.01 * np.ones_like(n), n, 0 * n, np.ones_like(n), v_reset=0 * n)
    path = graph_file(tmp_path, changed(n1=lif))
    shared = nir_kernels(path, quantise(read_nir(path).network).contract)
    assert "n1" not in shared.kernels
    assert "what the other places of the kernel have there" in shared.reasons[0]


def test_a_dense_network_has_no_kernels() -> None:
    path = Path(__file__).parents[2] / "lifstone" / "data" / "digits.nir"
    if not path.is_file():
        pytest.skip("no digits.nir")
    shared = nir_kernels(path, quantise(read_nir(path).network).contract)
    assert (dict(shared.kernels), shared.reasons) == ({}, ())


def test_the_command_stores_kernels_and_says_what_that_saves(tmp_path: Path) -> None:
    path = graph_file(tmp_path, two_layers())
    out = tmp_path / "rtl"
    run = CliRunner().invoke(cli, ["generate", str(path), "--out", str(out), "--kernels"])
    assert run.exit_code == 0, run.output
    assert "n1: 18 weights instead of 1152" in run.output
    kernels = [p.get("kernel") for p in read_design(out).manifest["populations"]]
    assert [k["weights"] for k in kernels] == [18, 54]
