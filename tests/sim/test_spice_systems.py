"""Systems as circuits: the reference is met, and a wrong channel is noticed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lifstone.analog import channels
from lifstone.golden import InvalidValue
from lifstone.sim import spice_systems
from lifstone.sim.spice_noise import MEMBRANE, run_noise
from lifstone.sim.spice_systems import run_case


@pytest.mark.parametrize("system", ["trpv1", "hcn", "chr2", "thalamus"])
def test_spikes_fall_where_the_float_model_has_them(system: str) -> None:
    w = run_case(system)
    assert w.expected.size >= 5
    assert w.found.size == w.expected.size
    assert np.abs(w.found - w.expected).max() <= w.tolerance


def test_summation_follows_the_closed_form() -> None:
    w = run_case("summation")
    assert np.ptp(w.expected) > 2e-3
    assert np.abs(w.found - w.expected).max() <= w.tolerance


def test_a_reversal_a_millivolt_off_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = channels.channel
    monkeypatch.setattr(
        spice_systems, "channel", lambda s, name, reversal: right(s, name, reversal + 1e-3)
    )
    w = run_case("trpv1")
    n = min(w.found.size, w.expected.size)
    assert np.abs(w.found[:n] - w.expected[:n]).max() > w.tolerance


def test_bad_channels() -> None:
    with pytest.raises(InvalidValue, match="system"):
        run_case("nothing")
    with pytest.raises(InvalidValue, match="apart"):
        channels.synapse("s", [1e-3, 1e-3], 1.0, 1e-3, 1e-6)
    with pytest.raises(InvalidValue, match="tau"):
        channels.synapse("s", [1e-3], 1.0, 0.0, 1e-6)


def test_noise_gives_the_rate_of_the_plane() -> None:
    run = run_noise(2)
    # Two windows of 0.3 s: four standard errors.
    assert abs(run.rate - run.reference) <= 4 * run.error
    assert np.array_equal(run.counts[:1], run_noise(1).counts)


def test_noise_around_another_mean_is_another_rate() -> None:
    driven = run_noise(1, m=replace(MEMBRANE, mu=2.0))
    assert driven.reference > 1.8 * run_noise(1).reference
    assert abs(driven.rate - driven.reference) <= 4 * driven.error
