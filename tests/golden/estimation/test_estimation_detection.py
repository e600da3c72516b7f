"""Spikes found in the potential: peaks, resets without peaks, drops across dropped samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lifstone.golden.estimation import default_experiment, simulate
from lifstone.golden.estimation.detection import detect, without_peaks

E = default_experiment(3.0)


def truth(seed: int) -> np.ndarray:
    spikes = simulate(E, 1, seed)[0].spikes
    assert spikes is not None
    return spikes


@pytest.mark.parametrize("peaked", [0.0, 0.5, 1.0])
def test_estimation_detects_every_spike_with_or_without_its_peak(peaked: float) -> None:
    v = simulate(replace(E, peak=60e-3, peaked=peaked, marked=False), 1, 2)[0].v
    found = detect(v)
    np.testing.assert_array_equal(found.windows[:, 0], found.windows[:, 1])
    # Half the swing is 3.7 deviations of a step off either way: one in 10,000 is wrong.
    np.testing.assert_array_equal(found.windows[:, 1], truth(2))
    expected = peaked * len(found.windows)
    assert abs(found.peaks - expected) <= 4 * np.sqrt(peaked * (1 - peaked) * len(found.windows))
    assert np.nanmax(found.v) < -40e-3
    assert found.doubt < 0.01


def test_estimation_detection_brackets_spikes_among_dropped_samples() -> None:
    v = simulate(replace(E, marked=False), 1, 3)[0].v.copy()
    spikes = truth(3)
    v[spikes[0]] = np.nan
    v[spikes[1] - 2 : spikes[1]] = np.nan
    v[spikes[2] - 1 : spikes[2] + 6] = np.nan
    found = detect(v, longest_gap=4)
    assert found.windows[0].tolist() == [spikes[0], spikes[0] + 1]
    assert found.windows[1].tolist() == [spikes[1] - 2, spikes[1]]
    # A gap of seven samples: it is not looked for.
    np.testing.assert_array_equal(found.windows[2:, 1], spikes[3:])


def test_estimation_detects_nothing_in_silence() -> None:
    e = replace(E, neuron=replace(E.neuron, v_th=0.1))
    assert detect(simulate(e, 1, 4)[0].v).windows.shape == (0, 2)


def test_estimation_a_step_of_the_input_is_no_peak() -> None:
    v = np.concatenate([np.zeros(200), np.ones(200)]) + 1e-2 * np.random.default_rng(0).normal(
        size=400
    )
    found = detect(v)
    assert found.peaks == 0
    assert found.windows.size == 0


def test_estimation_broad_peaks_are_set_aside_whole() -> None:
    v = simulate(replace(E, marked=False), 1, 5)[0].v.copy()
    spikes = detect(v).windows[:, 1]
    for k in spikes[:5].tolist():
        v[k : k + 2] = [10e-3, 0.0]
    found = detect(v)
    np.testing.assert_array_equal(found.windows[:, 1], spikes)
    assert np.isnan(found.v[spikes[:5]]).all()
    assert np.isnan(found.v[spikes[:5] + 1]).all()
    known = without_peaks(v, spikes)
    np.testing.assert_array_equal(np.isnan(known), np.isnan(found.v))


def test_estimation_resets_are_no_peaks() -> None:
    r = simulate(E, 1, 6)[0]
    assert r.spikes is not None
    assert np.isfinite(without_peaks(r.v, r.spikes)).all()
