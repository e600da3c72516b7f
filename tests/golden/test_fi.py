"""The F-I curve against the event-driven solution and its own inverse."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.golden import InvalidValue, Lif, solve
from lifstone.golden.fi import current_for_rate, rate, rheobase

# Without its usual 1e-12, which would swallow amperes and seconds.
approx = partial(pytest.approx, abs=0.0)

LIF = Lif(tau_mem=20e-3, r=50e6, v_leak=-70e-3, v_th=-50e-3, v_reset=-65e-3, t_ref=2e-3)
IDEAL = Lif(tau_mem=20e-3, r=50e6, v_leak=-70e-3, v_th=-50e-3, v_reset=-65e-3)
LEAK_FREE = Lif(tau_mem=np.inf, r=2e10, v_leak=7.0, v_th=20e-3, v_reset=-5e-3, t_ref=1e-3)


@settings(max_examples=50, deadline=None)
@given(
    tau_mem=st.one_of(st.floats(2e-3, 50e-3), st.just(np.inf)),
    r=st.floats(0.5, 50.0),
    v_leak=st.floats(-1.0, 0.9),
    v_reset=st.floats(-1.0, 0.9),
    t_ref=st.sampled_from([0.0, 0.7e-3, 5e-3]),
    above=st.floats(1e-6, 1e3),
)
def test_intervals_are_those_of_the_event_driven_solution(
    tau_mem: float, r: float, v_leak: float, v_reset: float, t_ref: float, above: float
) -> None:
    lif = Lif(tau_mem, r=r, v_leak=v_leak, v_reset=v_reset, v_init=v_reset, t_ref=t_ref)
    current = rheobase(lif) + above / r
    interval = 1 / float(rate(lif, current))
    # Steps of 0.8 intervals: spikes fall in all places of a step.
    spikes = solve(lif, np.full(6, current), interval * 0.8).spike_times
    assert spikes.size >= 3
    # The input's margin above the rheobase keeps 1e-16/1e-6 of its digits.
    np.testing.assert_allclose(np.diff(spikes), interval, rtol=1e-8)


@pytest.mark.parametrize("lif", [LIF, IDEAL, LEAK_FREE])
def test_current_and_rate_are_inverse(lif: Lif) -> None:
    # Below, the current's distance from the rheobase is lost in its last digits.
    wanted = np.geomspace(5.0, 450.0, 60)
    np.testing.assert_allclose(rate(lif, current_for_rate(lif, wanted)), wanted, rtol=1e-9)
    current = rheobase(lif) + np.geomspace(1e-13, 1e-6, 60)
    back = current_for_rate(lif, rate(lif, current))
    np.testing.assert_allclose(back - rheobase(lif), current - rheobase(lif), rtol=1e-4)


def test_silence_up_to_the_rheobase() -> None:
    i = rheobase(LIF)
    assert i == approx(20e-3 / 50e6, rel=1e-12)
    assert rate(LIF, [-1.0, 0.0, i * (1 - 1e-12)]).tolist() == [0.0] * 3
    assert rheobase(LEAK_FREE) == 0.0
    assert rate(LEAK_FREE, [-1e-9, 0.0]).tolist() == [0.0, 0.0]
    # Rest above threshold: fires without current, and inhibition must silence it.
    awake = Lif(tau_mem=1e-2, v_leak=1.2)
    assert rheobase(awake) == approx(-0.2, rel=1e-12)
    assert rate(awake, 0.0) == approx(1 / (1e-2 * np.log(6.0)), rel=1e-12)


def test_just_above_the_rheobase() -> None:
    # The interval grows as tau ln(swing / margin), digit by digit.
    lif = Lif(tau_mem=1e-2)
    for margin in (2.0**-20, 2.0**-40, 2.0**-52):
        exact = 1e-2 * (np.log1p(margin) - np.log(margin))
        assert 1 / rate(lif, 1.0 + margin) == approx(exact, rel=1e-14)


def test_far_above_threshold() -> None:
    # T = tau (x - x^2/2 ...) with x = swing / margin: naive logarithms of ratios lose it all.
    lif = Lif(tau_mem=1e-2)
    for x in (1e-6, 1e-10, 1e-15, 1e-30):
        assert 1 / rate(lif, 1.0 + 1 / x) == approx(1e-2 * (x - x * x / 2), rel=1e-12)
    fast = rate(Lif(tau_mem=1e-2, t_ref=2e-3), [1e3, 1e6, 1e300])
    assert np.all(np.diff(fast) > 0)
    np.testing.assert_allclose(fast, 500.0, rtol=1e-2)
    assert fast[-1] == 500.0


def test_shapes_and_scalars() -> None:
    assert rate(LIF, 1e-9).shape == ()
    assert rate(LIF, np.full((2, 3), 1e-9)).shape == (2, 3)
    assert current_for_rate(LIF, [[10.0]]).shape == (1, 1)


@pytest.mark.filterwarnings("error")
def test_a_rate_slower_than_any_clock_needs_the_rheobase() -> None:
    assert current_for_rate(LIF, 1e-6) == approx(rheobase(LIF), rel=1e-12)


@pytest.mark.parametrize("wanted", [0.0, -1.0, 500.0, 501.0, np.nan, np.inf])
def test_rates_that_no_current_gives(wanted: float) -> None:
    with pytest.raises(InvalidValue, match="above 0 and below 500 Hz"):
        current_for_rate(LIF, wanted)
    if np.isfinite(wanted) and wanted > 0:
        assert rate(IDEAL, current_for_rate(IDEAL, wanted)) == approx(wanted, rel=1e-11)


@pytest.mark.parametrize(
    ("lif", "message"),
    [
        (Lif(1e-2, n=2), "n = 2"),
        (Lif(1e-2, v_th=np.inf), "v_th = inf: allowed is finite"),
        (Lif(1e-2, tau_syn=1e-3), "tau_syn = .*allowed is None"),
        (Lif(1e-2, r=0.0), "r = 0.0: allowed is a number other than 0"),
    ],
)
def test_wrong_neurons(lif: Lif, message: str) -> None:
    calls: list[Any] = [rheobase, lambda m: rate(m, 1.0), lambda m: current_for_rate(m, 1.0)]
    for call in calls:
        with pytest.raises(InvalidValue, match=message):
            call(lif)
