"""The energy estimate: counted operations times the cited figures, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lifstone.golden import NetworkContract, Trace, run_contract
from lifstone.hdl.energy import energy_of_run, operations, per_operation
from tests.hdl.contracts import lively


def run(net: NetworkContract, spikes: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, Trace]]:
    traces = run_contract(net, {"x": spikes[:, 0]})
    lifted = {k: Trace(t.v[:, None], t.i[:, None], t.spikes[:, None]) for k, t in traces.items()}
    return {"x": spikes}, lifted


def test_an_operation_by_hand() -> None:
    c = lively().populations["b"]
    assert (c.n, c.width, c.syn_width, c.weight_width) == (3, 14, 0, 8)
    add, sweep = operations(c)
    assert add.memory == 8 + 2 * c.acc_width
    assert add.added == c.acc_width
    assert add.product == 0
    assert sweep.memory >= 2 * (14 + 2) + 2 * c.acc_width
    assert sweep.product == 14 * (c.decay_mem.fraction + 1)
    bits = 10e-12 / 64 * add.memory + 14 * 0.1e-12 / 32 * add.added
    assert add.joules("ice40") == pytest.approx(bits * (1.2 / 0.9) ** 2)
    assert add.joules("ecp5") == pytest.approx(bits * (1.1 / 0.9) ** 2)


def test_a_run_is_counted() -> None:
    net = lively()
    spikes = (np.random.default_rng(1).random((40, 1, 5)) < 0.4).astype(np.uint8)
    inputs, traces = run(net, spikes)
    energy = energy_of_run(net, inputs, traces, "ice40")
    late = int(traces["b"].spikes[:-1].sum())  # what fires in the last step arrives nowhere
    arrive = {"a": int(spikes.sum()) + late, "b": int(traces["a"].spikes.sum())}
    assert energy.sops == 4 * arrive["a"] + 3 * arrive["b"]
    assert energy.neuron_updates == 40 * 7
    each = per_operation(net, "ice40")
    wanted = sum(
        each[k]["synaptic_operation"] * n * arrive[k] + each[k]["neuron_update"] * n * 40
        for k, n in (("a", 4), ("b", 3))
    )
    assert energy.total == pytest.approx(wanted)
    assert energy.to_dict()["kind"] == "estimate"


def test_silence_costs_the_sweep_alone_and_samples_are_averaged() -> None:
    net = lively()
    quiet = np.zeros((10, 1, 5), dtype=np.uint8)
    inputs, traces = run(net, quiet)
    silent = {k: replace(t, spikes=np.zeros_like(t.spikes)) for k, t in traces.items()}
    one = energy_of_run(net, inputs, silent, "ecp5")
    assert (one.sops, one.synaptic) == (0, 0)
    assert one.updates > 0
    twice = {
        k: Trace(*(np.concatenate([a, a], axis=1) for a in (t.v, t.i, t.spikes)))
        for k, t in silent.items()
    }
    both = energy_of_run(net, {"x": np.concatenate([quiet, quiet], axis=1)}, twice, "ecp5")
    assert both.total == pytest.approx(one.total)


def test_shifts_cost_no_product() -> None:
    c = lively().populations["a"]
    assert operations(c)[1].product > 0
    decay = replace(c.decay_mem, coefficient=None, shift=3, fraction=0)
    shifted = replace(c, decay_mem=decay, decay_syn=decay)
    assert operations(shifted)[1].product == (
        0 if c.couple is None else c.syn_width * (c.couple_fraction + 1)
    )
