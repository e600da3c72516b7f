"""A neuron under light: order of the composition, limits, trains and their fidelity."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from lifstone.golden import InvalidValue, Lif, conductance, ode
from lifstone.golden.chr2 import FourState, ThreeState, photon_flux
from lifstone.golden.photoneuron import (
    PhotoNeuron,
    PhotoState,
    fidelity,
    half_hops,
    pulse_train,
    simulate,
    step,
)

Array = NDArray[np.float64]
FLUX = float(photon_flux(5e3, 470e-9))
LEVELS = np.array([0.0, FLUX])
TAU, R, REST, TH, RESET = 15e-3, 150e6, -70e-3, -50e-3, -65e-3


def neuron(g: float = 30e-9, n: int = 1, v_th: float = TH) -> PhotoNeuron:
    lif = Lif(tau_mem=TAU, r=R, v_leak=REST, v_th=v_th, v_reset=RESET, t_ref=3e-3, n=n)
    return PhotoNeuron(lif, ThreeState(), g, 0.0)


def solved(g: float, edge: float, duration: float) -> Array:
    """Three states and the membrane written out; dark until ``edge``."""
    a, d, r = ThreeState().rates(FLUX)

    def flow(t: float, y: Array) -> Array:
        v, o, s = (float(x) for x in y)
        lit = a if t >= edge else 0.0
        rec = r if t >= edge else 0.2
        dv = (REST - v + R * g * o * (0.0 - v)) / TAU
        return np.array([dv, lit * (1 - o - s) - d * o, d * o - rec * s])

    return ode.spike_times(neuron().lif, flow, [REST, 0.0, 0.0], duration, [edge])


def flash(dt: float, edge: float, duration: float) -> NDArray[np.int64]:
    return (np.arange(round(duration / dt)) >= round(edge / dt)).astype(np.int64)[:, None]


def test_spike_times_are_of_second_order() -> None:
    times = solved(30e-9, 0.01, 0.1)
    errors = []
    for dt in (1e-3, 5e-4, 2.5e-4):
        mine = simulate(neuron(), LEVELS, flash(dt, 0.01, 0.1), dt).times
        assert mine.size == times.size > 5
        errors.append(float(np.abs(mine - times).max()))
    # Where in its step a spike falls moves its error by up to a factor of two.
    assert 8 < errors[0] / errors[2] < 32
    assert errors[2] < 1e-5


def test_the_grid_fires_less_than_a_step_late() -> None:
    dt, one = 1e-4, neuron()
    half = half_hops(one.kinetics, LEVELS, dt)[1]
    state = PhotoState(conductance.initial_state(one.lif), one.kinetics.dark[None, :])
    fired = []
    for _ in range(200):
        state, spikes = step(one, dt, state, half)
        fired.append(bool(spikes[0]))
    exact = simulate(one, LEVELS, np.ones((200, 1), dtype=np.int64), dt).times[0]
    late = (int(np.argmax(fired)) + 1) * dt - exact
    assert 0 <= late < dt
    assert state.p.sum() == pytest.approx(1.0, abs=1e-12)


def test_after_a_long_flash_the_rate_is_the_closed_form_at_the_plateau() -> None:
    one = neuron()
    times = simulate(one, LEVELS, np.ones((5000, 1), dtype=np.int64), 2e-4).times
    g = 30e-9 * one.kinetics.plateau(FLUX)
    closed = float(conductance.rate(one.lif, conductance.load((g, 0.0)))[0])
    assert 1 / (times[-1] - times[-2]) == pytest.approx(closed, rel=1e-9)


def test_no_light_or_no_channels_no_spikes() -> None:
    light = np.ones((500, 1), dtype=np.int64)
    assert simulate(neuron(0.0), LEVELS, light, 1e-3).times.size == 0
    assert simulate(neuron(), LEVELS, 0 * light, 1e-3).times.size == 0


def test_neurons_have_their_own_light() -> None:
    dt, light = 2e-4, np.zeros((500, 2), dtype=np.int64)
    light[50:, 1] = 1
    trace = np.empty((500, 2))
    both = simulate(neuron(n=2), LEVELS, light, dt, trace)
    assert both.of(0).size == 0
    assert trace[:, 0] == pytest.approx(np.full(500, REST), abs=1e-15)
    alone = simulate(neuron(), LEVELS, light[:, 1:], dt).times
    assert both.of(1).tolist() == alone.tolist()


def test_a_train_has_its_pulses_where_they_belong() -> None:
    train = pulse_train(40.0, 2e-3, 0.11, 1e-3)
    assert train.onsets == pytest.approx([0.0, 0.025, 0.05, 0.075])
    assert train.window == pytest.approx(0.025)
    assert np.flatnonzero(train.light).tolist() == [0, 1, 25, 26, 50, 51, 75, 76]
    assert train.light.size == 110


def test_fidelity_counts_answers_and_spikes() -> None:
    onsets = np.array([0.0, 0.1, 0.2, 0.3])
    times = np.array([0.01, 0.02, 0.11, 0.39, 0.45])
    got = fidelity(times, onsets, 0.1)
    assert (got.answered, got.spikes) == (0.75, 1.0)
    assert fidelity(np.empty(0), onsets, 0.1).answered == 0.0


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: PhotoNeuron(neuron().lif, FourState(), -1e-9, 0.0), "g_max"),
        (lambda: PhotoNeuron(neuron().lif, FourState(), 1e-9, np.nan), "reversal"),
        (lambda: simulate(neuron(), LEVELS, np.ones((5, 2), dtype=np.int64), 1e-3), "light"),
        (lambda: simulate(neuron(), LEVELS, np.full((5, 1), 2), 1e-3), "light"),
        (lambda: pulse_train(20.0, 1e-5, 1.0, 1e-3), "pulse"),
        (lambda: pulse_train(800.0, 2e-3, 1.0, 1e-3), "frequency"),
        (lambda: pulse_train(0.5, 2e-3, 1.0, 1e-3), "frequency"),
        (lambda: fidelity(np.empty(0), np.empty(0), 1.0), "onsets"),
    ],
)
def test_refused(call: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        call()
    assert caught.value.field == field
