"""System 12 in hardware: the moving bar through a core that stores each kernel once."""

from __future__ import annotations

import numpy as np

from lifstone.golden import Connection, Lif, Network, Widths, quantise
from lifstone.golden.layers.shared import shared_kernel
from lifstone.golden.systems.convolution import Parameters, bar, kernels
from lifstone.hdl import cycles_per_step, generate
from lifstone.hdl.convolution import convolution_clocks_per_step
from lifstone.sim.rtl.bulk import BulkRtl
from lifstone.sim.simulate import Simulator


def test_the_moving_bar_is_exact_and_costs_what_it_reaches() -> None:
    p = Parameters(steps=12)
    conv, spikes = kernels(p), bar(p)
    lif = Lif(tau_mem=p.tau_mem, r=1 / -np.expm1(-1e-3 / p.tau_mem), v_th=96.0, n=conv.n_out)
    link = Connection("x", "p", conv.matrix().toarray().astype(float))
    network = Network(1e-3, {"x": conv.n_in}, {"p": lif}, (link,), ("p",))
    contract = quantise(network, Widths(state=20, weight=8, fraction=12)).contract
    kernel = shared_kernel(conv, contract.connections[0].weight)
    design = generate(contract, trace=True, kernels={"p": kernel})
    run = BulkRtl(design, optimise=False).run({"x": spikes})
    expected = Simulator(contract).run({"x": spikes})["p"]
    assert run.failure == ""
    np.testing.assert_array_equal(run.traces["p"].v, expected.v)
    np.testing.assert_array_equal(run.traces["p"].spikes, expected.spikes)
    assert expected.spikes.sum() > 100
    # An operation a clock: what the golden form counts, and what the unrolled core would take.
    _, operations = conv.event_driven(spikes)
    assert operations == int((kernel.fan_out() * spikes).sum())
    c = contract.populations["p"]
    steps = list(zip(spikes, expected.spikes.sum(axis=1), strict=True))
    clocks = sum(convolution_clocks_per_step(c, kernel, s, int(n)) for s, n in steps)
    assert run.cycles[0] == clocks + 2 * c.n
    unrolled = sum(cycles_per_step(contract, "p", int(s.sum()), int(n)) for s, n in steps)
    print(f"{clocks / p.steps:.0f} clocks a step for {unrolled / p.steps:.0f}, "
          f"{kernel.conv.weight.size} weights for {kernel.n_in * kernel.n_out}, "
          f"{operations / p.steps:.0f} operations a step")  # fmt: skip
    assert unrolled > 5 * clocks
