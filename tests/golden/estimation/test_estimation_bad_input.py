"""Recordings that cannot be fitted are refused, naming what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lifstone.golden import InvalidValue
from lifstone.golden.estimation import (
    Experiment,
    Noisy,
    Recording,
    default_experiment,
    fit,
    simulate,
    study,
)

DT = 1e-3
NEURON = Noisy(20e-3, 1e8, -65e-3, -50e-3, -62e-3, 3e-3, 1e-3)


def wave(n: int = 50) -> np.ndarray:
    return np.exp(-np.arange(n) / 20.0)


def fires(*steps: int) -> np.ndarray:
    return np.array(steps, dtype=np.int64)


WRONG: list[tuple[Callable[[], Any], str]] = [
    (lambda: Recording([], DT), "v = '0 samples': allowed is at least 8 samples"),
    (lambda: Recording(np.full(50, np.nan), DT), "v = 'nan throughout'"),
    (lambda: Recording(np.ones(50), DT), "v = 'a constant'"),
    (lambda: Recording(np.ones((9, 2)), DT), r"v = \[9, 2\]: allowed is one dimension"),
    (lambda: Recording(np.r_[wave(), np.inf], DT), r"v\[50\] = inf"),
    (lambda: Recording(["a"] * 9, DT), "v = .*: allowed is numbers"),
    (lambda: Recording(wave(), 0.0), "dt = 0.0: allowed is a finite number greater than 0"),
    (lambda: Recording(wave(), -1e-3), "dt = -0.001"),
    (lambda: Recording(wave(), np.nan), "dt = nan"),
    (lambda: Recording(wave(), DT, np.ones(3)), "x = '3 values': allowed is 50 values"),
    (lambda: Recording(wave(), DT, np.full(50, np.nan)), r"x\[0\] = nan"),
    (lambda: Recording(wave(), DT, None, fires(5, 3)), r"spikes\[1\] = 3: allowed is above 5"),
    (lambda: Recording(wave(), DT, None, fires(3, 3)), r"spikes\[1\] = 3: allowed is above 3"),
    (lambda: Recording(wave(), DT, None, fires(3, 50)), r"spikes\[1\] = 50: allowed is 0 to 49"),
    (lambda: Recording(wave(), DT, None, fires(-1)), r"spikes\[0\] = -1"),
    (lambda: Recording(wave(), DT, None, np.array([0.5])), "whole step numbers"),
    (lambda: Recording(wave(), DT, None, fires(3, 6), 5e-3), "t_ref = 0.005: allowed is below"),
    (lambda: Recording(wave(), DT, t_ref=-1.0), "t_ref = -1.0"),
    (lambda: Recording.of(wave(), DT, spikes=np.ones(3)), "spikes = '3 values'"),
    (lambda: Recording.of(wave(), DT, spikes=np.full(50, 2.0)), r"spikes\[0\] = 2.0"),
    (lambda: Recording.of(wave(), DT, spike_times=[0.1]), r"spike_times\[0\] = 0.1: .* 0.049 s"),
    (lambda: Recording.of(wave(), DT, spike_times=[np.nan]), r"spike_times\[0\] = nan"),
    (lambda: Recording.of(wave(), DT, spike_times=[0.02, 0.01]), r"spikes\[1\] = 10: .* above 20"),
    (lambda: Recording.of(wave(), DT, None, np.zeros(50), [0.01]), "none with spikes"),
    (lambda: fit(Recording(wave(), DT), "magic"), "method = 'magic': .* likelihood, baseline"),
    (lambda: fit(Recording(np.exp(np.arange(20.0)), DT), "baseline"), "a potential that decays"),
    (lambda: fit(Recording(wave(9), DT, None, np.arange(9))), "v = '0 quiet steps'"),
    (lambda: fit(Recording(np.r_[np.zeros(9), 1, 0], DT)), "v = 'a constant but for peaks'"),
    (lambda: fit(Recording(np.r_[np.ones(10), 0, 0], DT, None, fires(10))), "determines tau_mem"),
    (lambda: fit(Recording(wave(), DT))["tau"], "parameter = 'tau': allowed is tau_mem, r"),
    (lambda: fit(Recording(wave(), DT)).interval("r", 1.5), "level = 1.5"),
    (lambda: Noisy(0.0, 1e8, 0.0, 1.0, 0.0, 1.0, 1.0), "tau_mem = 0.0: allowed is a number above"),
    (lambda: Noisy(1.0, 1e8, 0.0, 1.0, 0.0, -1.0, 1.0), "sigma_v = -1.0"),
    (lambda: Noisy(1.0, np.nan, 0.0, 1.0, 0.0, 1.0, 1.0), "r = nan"),
    (lambda: Noisy(1.0, 1e8, 0.0, 1.0, 2.0, 1.0, 1.0), "v_reset = 2.0: allowed is below v_th"),
    (lambda: Experiment(NEURON, DT, np.zeros(9), dropped=1.5), "dropped = 1.5"),
    (lambda: Experiment(NEURON, DT, np.full(9, np.nan)), "x = "),
    (lambda: simulate(default_experiment(0.5), 0, 1), "count = 0"),
    (lambda: study(default_experiment(0.5), 1, 1), "recordings = 1"),
]


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_estimation_refuses(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()


def test_estimation_detected_spikes_must_allow_the_refractory_period() -> None:
    r = simulate(default_experiment(1.0), 1, 1)[0]
    with pytest.raises(InvalidValue, match=r"t_ref = 0.5: allowed is below the shortest interval"):
        fit(Recording(r.v, r.dt, r.x, None, 0.5))


def test_estimation_spike_times_fall_on_the_sample_behind_them() -> None:
    r = Recording.of(wave(), DT, spike_times=[0.0, 0.0101, 0.02, 0.0499 - 9e-4])
    assert r.spikes is not None
    assert r.spikes.tolist() == [0, 11, 20, 49]


def test_estimation_recording_cannot_be_changed_from_outside() -> None:
    v = wave()
    r = Recording(v, DT)
    v[0] = 7.0
    assert r.v[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        r.v[0] = 3.0
