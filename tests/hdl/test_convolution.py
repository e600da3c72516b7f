"""A core that stores each kernel once is the core with the unrolled weights, bit for bit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lifstone.golden import Connection, InvalidValue, Lif, Network, NetworkContract, quantise
from lifstone.golden.layers.convolution import Convolution
from lifstone.golden.layers.pooling import sum_pool
from lifstone.golden.layers.shared import SharedKernel, shared_kernel
from lifstone.hdl import generate, read_design
from lifstone.hdl.build import build
from lifstone.hdl.convolution import convolution_clocks_per_step
from lifstone.hdl.convolution_reach import reciprocal
from lifstone.sim.rtl.bulk import BulkRtl
from lifstone.sim.rtl.run import verify_rtl

SHAPES = {
    "plain": {"shape": (1, 6, 5), "kernel": (2, 1, 3, 3)},
    "padded": {"shape": (2, 4, 4), "kernel": (3, 2, 3, 2), "padding": (1, 2)},
    "strided": {"shape": (1, 7, 9), "kernel": (2, 1, 3, 4), "stride": (2, 3), "padding": 1},
    "dilated": {"shape": (2, 7, 6), "kernel": (1, 2, 2, 3), "dilation": (3, 2), "padding": 2},
    "both": {"shape": (1, 9, 8), "kernel": (2, 1, 3, 3), "stride": 2, "dilation": (2, 3),
             "padding": 3},
    "groups": {"shape": (4, 4, 3), "kernel": (4, 2, 2, 2), "groups": 2},
    "sparse": {"shape": (1, 7, 7), "kernel": (1, 1, 1, 1), "stride": 3},
    "line": {"shape": (2, 9), "kernel": (3, 2, 4), "stride": 2, "padding": 1},
    "one": {"shape": (1, 3, 3), "kernel": (1, 1, 3, 3)},
    "pooled": {"shape": (2, 3, 3), "kernel": (2, 2, 2, 2), "pool": (2, 3), "rest": (1, 2)},
    "pool": {"shape": (3, 2, 2), "kernel": (3, 1, 1, 1), "groups": 3, "pool": (2, 2)},
}  # fmt: skip


def case(kind: str, seed: int = 0, delay: int = 0) -> tuple[NetworkContract, SharedKernel]:
    """A population behind a convolution, and a loop-free rest."""
    s = dict(SHAPES[kind])
    kernel, shape = s.pop("kernel"), s.pop("shape")
    pool, rest = s.pop("pool", None), s.pop("rest", (0, 0))
    rng = np.random.default_rng([seed, len(kind)])
    conv = Convolution(rng.normal(1.5, 3.0, kernel), shape, **s)
    matrix, lines = conv.matrix().toarray(), shape
    if pool is not None:
        sizes = [n * p + r for n, p, r in zip(shape[1:], pool, rest, strict=True)]
        lines = (shape[0], *sizes)
        matrix = matrix @ sum_pool(lines, pool).matrix().toarray()
    n = conv.n_out
    lif = Lif(tau_mem=10e-3, v_th=rng.uniform(0.8, 1.2, n), tau_syn=4e-3, n=n, t_ref=2e-3)
    net = Network(
        1e-3, {"x": matrix.shape[1]}, {"p": lif}, (Connection("x", "p", matrix, delay),), ("p",)
    )
    contract = quantise(net).contract
    return contract, shared_kernel(conv, contract.connections[0].weight, pool, lines)


def spikes(contract: NetworkContract, steps: int = 60) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    out = (rng.random((steps, contract.inputs["x"])) < 0.15).astype(np.uint8)
    out[0], out[1] = 1, 0
    return {"x": out}


@pytest.mark.parametrize("kind", SHAPES)
def test_every_geometry_is_exact(kind: str) -> None:
    contract, kernel = case(kind)
    design = generate(contract, trace=True, kernels={"p": kernel})
    inputs = spikes(contract)
    for timing in ({}, {"idle": 0.3, "backpressure": 0.5, "reset_at": 111}):
        verdict = verify_rtl(contract, inputs, design=design, optimise=False, **timing)
        assert str(verdict) == "exact", (timing, str(verdict))


def test_clocks_follow_what_spikes_reach() -> None:
    contract, kernel = case("strided")
    inputs = spikes(contract)
    design = generate(contract, trace=True, kernels={"p": kernel})
    run = BulkRtl(design, optimise=False).run(inputs)
    c = contract.populations["p"]
    clocks = [
        convolution_clocks_per_step(c, kernel, line, int(fired.sum()))
        for line, fired in zip(inputs["x"], run.traces["p"].spikes, strict=True)
    ]
    assert run.cycles[0] == sum(clocks) + 2 * c.n
    unrolled = BulkRtl(generate(contract, trace=True), optimise=False).run(inputs)
    assert run.cycles[0] < unrolled.cycles[0]


def test_a_delayed_convolution_keeps_its_pace() -> None:
    contract, kernel = case("plain", delay=1)
    design = generate(contract, trace=True, kernels={"p": kernel})
    verdict = verify_rtl(contract, spikes(contract), design=design, optimise=False)
    assert str(verdict) == "exact"


def test_another_weight_in_the_memory_is_seen() -> None:
    contract, kernel = case("padded")
    weight = kernel.conv.weight.copy()
    weight[0, 0, 0, 0] += 1
    conv = Convolution(weight, kernel.conv.shape, padding=kernel.conv.padding)
    wrong = replace(contract.connections[0], weight=conv.matrix().toarray())
    other = replace(contract, connections=(wrong,))
    design = generate(other, trace=True, kernels={"p": shared_kernel(conv, wrong.weight)})
    assert not verify_rtl(contract, spikes(contract), design=design, optimise=False).agrees


def test_a_design_is_read_again_with_its_kernel(tmp_path: Path) -> None:
    contract, kernel = case("pooled")
    design = generate(contract, trace=True, kernels={"p": kernel})
    design.write(tmp_path)
    again = read_design(tmp_path, contract)
    assert again.manifest["populations"][0]["kernel"]["pool"] == [2, 3]
    assert again.verilog == design.verilog
    assert len(design.memories["lifstone_net_p_weight.hex"].split()) == kernel.conv.weight.size
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["populations"][0]["kernel"]["stride"] = [2, 2]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InvalidValue, match=r"design.kernel|matrix = "):
        read_design(tmp_path, contract)


def test_what_cannot_be_stored_as_a_kernel_is_refused() -> None:
    contract, kernel = case("plain")
    _, other = case("plain", seed=1)
    for given, choices, message in (
        ({"q": kernel}, {}, "kernels = 'q': allowed is p"),
        ({"p": other}, {}, r"kernels.p\[\d+, \d+\] = 'another weight'"),
        ({"p": kernel}, {"lanes": 2}, "one lane, plain memory"),
        ({"p": kernel}, {"loadable": True}, "one lane, plain memory"),
        ({"p": case("padded")[1]}, {}, "kernels.p = "),
    ):
        with pytest.raises(InvalidValue, match=message):
            generate(contract, kernels=given, **choices)
    wide = replace(contract.populations["p"], acc_width=20)
    twice = replace(contract, populations={"p": wide}, connections=contract.connections * 2)
    with pytest.raises(InvalidValue, match="'2 connections': allowed is one connection"):
        generate(twice, kernels={"p": kernel})


@pytest.mark.parametrize("divisor", [1, 3, 5, 7, 12, 26, 28, 31, 100, 625])
def test_division_by_a_constant_is_exact(divisor: int) -> None:
    values = np.arange(30_000)
    factor, shift = reciprocal(divisor, len(values))
    np.testing.assert_array_equal(values * factor >> shift, values // divisor)


def test_a_kernel_brings_onto_a_board_what_its_weights_keep_off(tmp_path: Path) -> None:
    """Unrolled, 400 lines and 648 neurons are 3.3 million bits; an UP5K has 120 thousand."""
    rng = np.random.default_rng(0)
    conv = Convolution(rng.normal(1.0, 2.0, (8, 1, 3, 3)), (1, 20, 20), stride=2, padding=0)
    lif = Lif(tau_mem=10e-3, n=conv.n_out)
    link = Connection("x", "p", conv.matrix().toarray())
    net = Network(1e-3, {"x": conv.n_in}, {"p": lif}, (link,), ("p",))
    contract = quantise(net).contract
    with pytest.raises(InvalidValue, match="network = 'on icebreaker: RAM blocks"):
        build(contract, "icebreaker", tmp_path / "unrolled")
    kernel = shared_kernel(conv, contract.connections[0].weight)
    report = build(contract, "icebreaker", tmp_path / "kernel", kernels={"p": kernel})
    assert report.meets_timing
    assert report.used["RAM blocks"] <= 12
    assert report.used["logic cells"] < 2500
    small, kernel = case("plain")
    with pytest.raises(InvalidValue, match=r"kernels.p = 'weights in SPRAM': allowed is plain"):
        build(small, "icebreaker", tmp_path / "b", kernels={"p": kernel}, stores="spram")
