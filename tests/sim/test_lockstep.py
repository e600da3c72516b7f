"""RTL and ngspice in lock-step: both halves judged, both noticed when they go wrong."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lifstone.golden import InvalidValue, Status
from lifstone.sim.mixed.lockstep import (
    LockstepRun,
    judge_analog,
    judge_digital,
    run_lockstep,
    write_vcd,
)


@cache
def learned() -> LockstepRun:
    return run_lockstep("eprop", 160, 1)


def test_both_halves_agree() -> None:
    run = learned()
    assert run.post.sum() >= 2
    assert (run.weights[-1] != run.made.contract.start[0]).any()
    assert judge_digital(run).status is Status.EXACT
    analog = judge_analog(run, 1e-4)
    assert analog.status is Status.WITHIN
    assert analog.compared == run.post.sum()


def test_the_inhibitory_rule_runs_too() -> None:
    run = run_lockstep("istdp", 60)
    assert judge_digital(run).status is Status.EXACT
    assert judge_analog(run, 1e-4).status is Status.WITHIN


def test_a_weight_or_a_spike_that_is_off_is_named() -> None:
    run = learned()
    weights = run.weights.copy()
    weights[50, 3] += 1
    verdict = judge_digital(replace(run, weights=weights))
    assert str(verdict).startswith("deviates at step 50, neuron synapses[3]: weight is")
    assert judge_analog(replace(run, drive=run.drive * 1.02), 1e-4).status is Status.DEVIATES


def test_waves_of_both_in_one_file(tmp_path: Path) -> None:
    run = learned()
    write_vcd(run, tmp_path / "waves.vcd")
    lines = (tmp_path / "waves.vcd").read_text().splitlines()
    times = np.array([int(line[1:]) for line in lines if line.startswith("#")])
    assert (np.diff(times) > 0).all()
    assert times[-1] == pytest.approx(160e6, abs=2)
    assert sum(line == "1s" for line in lines) == run.post.sum()
    assert "$var real 64 m mem $end" in lines


def test_a_system_without_a_rule() -> None:
    with pytest.raises(InvalidValue, match="system"):
        run_lockstep("fi")
