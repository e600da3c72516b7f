"""The plastic core against its contract: every weight, trace and spike of every step."""

from __future__ import annotations

import numpy as np
import pytest

from lifstone.golden.cell import CellTrace
from lifstone.golden.learning.choice import Choice, rewarded
from lifstone.golden.learning.plastic import PlasticContract
from lifstone.golden.learning.plastic_body import plastic_body
from lifstone.golden.unit import first_word_difference
from lifstone.hdl.plastic_top import generate_plastic
from lifstone.sim.rtl.bulk import BulkRtl
from lifstone.sim.rtl.plastic import plastic_design, plastic_reference, plastic_run
from tests.hdl.plastic_contracts import KINDS, random_plastic, stimulus
from tests.sim.faulty import substitute

SIZES = [(kind, 3, 5) for kind in KINDS] + [("inhibitory", 1, 1), ("pseudo_teacher", 1, 2)]
Made = tuple[PlasticContract, dict[str, np.ndarray], dict[str, CellTrace]]


def lively(kind: str, n: int, lines: int, steps: int) -> Made:
    """A random population whose neurons fire and whose weights move, its input and its traces."""
    rng = np.random.default_rng([n, *kind.encode()])
    while True:
        contract = random_plastic(rng, kind, n, lines)
        inputs = stimulus(rng, contract, steps, 6)
        expected = plastic_reference(contract, inputs)
        weights = np.diff(expected["synapses"].state["weight"], axis=0)
        if expected["neurons"].spikes.mean() > 0.02 and (weights != 0).mean() > 0.02:
            return contract, inputs, expected


@pytest.mark.parametrize(("kind", "n", "lines"), SIZES)
def test_every_word_of_every_step(kind: str, n: int, lines: int) -> None:
    contract, inputs, expected = lively(kind, n, lines, 60)
    rtl = BulkRtl(plastic_design(contract), optimise=False)
    for timing in ({}, {"idle": 0.4, "backpressure": 0.4}, {"reset_at": 300}):
        got = plastic_run(rtl, inputs, **timing)
        for name, trace in expected.items():
            assert first_word_difference(name, trace, got[name]) is None, timing


def test_a_whole_learning_run() -> None:
    """400 trials of the delayed association: every weight after every step, and the spikes."""
    body = plastic_body("eprop")
    rtl = BulkRtl(plastic_design(body.contract))
    inputs = {name: a[:, 0] for name, a in body.inputs.items()}
    expected = plastic_reference(body.contract, inputs)
    got = plastic_run(rtl, inputs, patience=1000)
    for name, trace in expected.items():
        assert first_word_difference(name, trace, got[name]) is None
    learned = got["synapses"].state["weight"][-1].reshape(1, 4, -1)
    assert len(got["neurons"].spikes) == 14_400
    checks = body.checks(learned, got["neurons"].spikes[:, None])
    assert all(check.holds for check in checks)


def test_without_trace_the_spikes_are_the_same() -> None:
    """The core that is built visits only the columns that change."""
    contract, inputs, expected = lively("inhibitory", 4, 6, 120)
    run = BulkRtl(generate_plastic(contract), optimise=False).run(inputs, idle=0.2)
    assert run.failure == ""
    assert (run.traces["neurons"].spikes == expected["neurons"].spikes).all()


CORE = "lifstone_plastic_core"


@pytest.mark.parametrize(
    ("kind", "old", "new", "module", "seen"),
    [
        ("inhibitory", r"row \| post", "row & post", f"{CORE}_synapse", "synapses"),
        ("inhibitory", r"turned\[30:0\], turned\[31\]", "turned[29:0], turned[31:30]", CORE,
         "synapses"),
        ("pseudo_teacher", r"psi \* x_seen", "psi * x", f"{CORE}_synapse", "synapses"),
    ],
)  # fmt: skip
def test_a_bug_in_the_verilog_is_seen(
    kind: str, old: str, new: str, module: str, seen: str
) -> None:
    """A forgotten change, a draw turned too far, a mark without its spike."""
    contract, inputs, expected = lively(kind, 3, 5, 60)
    wrong = substitute(plastic_design(contract), old, new, module)
    run = BulkRtl(wrong, optimise=False).run(inputs, patience=3000)
    assert run.failure or first_word_difference(seen, expected[seen], run.cells[seen]) is not None


def test_a_rewarded_run() -> None:
    """The world's answers were recorded with the contract: they fit only the same spikes."""
    run = rewarded(Choice(), (0,), "reward", 120)
    inputs = {name: a[:, 0] for name, a in run.inputs.items()}
    got = plastic_run(BulkRtl(plastic_design(run.nets[0]), optimise=False), inputs)
    for name, trace in plastic_reference(run.nets[0], inputs).items():
        assert first_word_difference(name, trace, got[name]) is None
    weights = got["synapses"].state["weight"][-1].reshape(run.weights[0].shape)
    assert (weights == run.weights[0]).all()
    assert (weights != run.nets[0].start).mean() > 0.7


def test_the_target_rate_in_rtl() -> None:
    """The beginning of the run that brings two neurons to their target: one is already slower."""
    body = plastic_body("istdp")
    inputs = {name: a[:2500, :3] for name, a in body.inputs.items()}
    got = plastic_run(BulkRtl(plastic_design(body.contract), optimise=False), inputs)
    for name, trace in plastic_reference(body.contract, inputs).items():
        assert first_word_difference(name, trace, got[name]) is None
    fired = got["neurons"].spikes[..., 0].mean(axis=1)
    assert fired[-1000:].mean() < 0.8 * fired[:1000].mean()
