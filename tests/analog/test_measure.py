"""Time constants and rates of the simulated neuron against theory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lifstone.analog import OtaNeuron, Transient, measure_rate, measure_tau, simulate, spike_times
from lifstone.analog.run import Waveform
from lifstone.golden import InvalidValue, Lif, ota
from lifstone.golden.fi import rate

ROOM = 300.15


def linear_rate(n: OtaNeuron, current: float) -> float:
    lif = Lif(tau_mem=n.tau, r=1 / n.g_m, v_leak=n.v_leak, v_th=n.v_th, v_reset=n.v_reset,
              t_ref=n.t_ref)  # fmt: skip
    return float(rate(lif, current))


@pytest.mark.parametrize("i_bias", [1e-15, 1e-12, 1e-10, 2e-8, 1e-6, 1e-3])
@pytest.mark.parametrize("c", [1e-18, 1e-14, 1e-11, 1e-6, 1e-3])
@pytest.mark.parametrize("temperature", [77.0, 233.15, ROOM, 398.15])
def test_tau_is_c_over_g_m(i_bias: float, c: float, temperature: float) -> None:
    neuron = OtaNeuron(c=c, i_bias=i_bias, temperature=temperature)
    expected = float(ota.tau(c, i_bias, temperature=temperature))
    # Required: 0.5 %. What is left is the tanh over 1.5 % of its range.
    assert measure_tau(neuron) == pytest.approx(expected, rel=5e-5)


def test_tau_is_measured_from_rest_wherever_that_is() -> None:
    neuron = OtaNeuron(c=1e-11, i_bias=2e-8, v_leak=-0.5, v_th=0.2, v_reset=-0.6, n_slope=1.7)
    assert measure_tau(neuron) == pytest.approx(neuron.tau, rel=1e-4)
    with pytest.raises(InvalidValue, match="i_bias"):
        measure_tau(replace(neuron, i_bias=0.0))


@pytest.mark.parametrize("drive", [1.1, 1.5, 3.0, 20.0])
@pytest.mark.parametrize("t_ref", [0.0, 1e-4])
@pytest.mark.parametrize("v_reset", [0.0, -2e-3])
def test_rates_in_the_linear_range_are_those_of_the_lif(
    drive: float, t_ref: float, v_reset: float
) -> None:
    neuron = OtaNeuron(c=1e-11, i_bias=2e-8, v_th=2e-3, v_reset=v_reset, t_ref=t_ref)
    current = drive * neuron.g_m * neuron.v_th
    # Required: 1 %. The tanh moves the rheobase by 3e-4.
    assert measure_rate(neuron, current) == pytest.approx(linear_rate(neuron, current), rel=4e-3)


@pytest.mark.parametrize("v_th", [1e-3, 20e-3, 67e-3, 200e-3])
@pytest.mark.parametrize("above", [1.05, 1.5, 5.0])
def test_rates_anywhere_are_those_of_the_tanh(v_th: float, above: float) -> None:
    neuron = OtaNeuron(c=1e-11, i_bias=2e-8, v_th=v_th)
    current = above * float(ota.current(v_th, neuron.i_bias))
    assert measure_rate(neuron, current) == pytest.approx(1 / neuron.period(current), rel=1e-3)


def test_the_linear_form_is_wrong_where_the_leak_saturates() -> None:
    neuron = OtaNeuron(c=1e-11, i_bias=2e-8, v_th=200e-3)
    current = 1.2 * neuron.i_bias
    assert linear_rate(neuron, current) == 0
    assert measure_rate(neuron, current) == pytest.approx(1 / neuron.period(current), rel=1e-3)


def test_below_the_rheobase_is_silence() -> None:
    neuron = OtaNeuron(c=1e-11, i_bias=2e-8, v_th=20e-3)
    rheobase = float(ota.current(neuron.v_th, neuron.i_bias))
    assert measure_rate(neuron, 0.98 * rheobase) == 0
    assert measure_rate(neuron, 0.0) == 0
    assert measure_rate(neuron, -rheobase) == 0


def test_an_integrator() -> None:
    neuron = OtaNeuron(c=1e-11, i_bias=0.0, v_th=5e-3, v_reset=1e-3, t_ref=1e-3)
    expected = 1 / (1e-3 + 1e-11 * 4e-3 / 1e-11)
    assert measure_rate(neuron, 1e-11) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(InvalidValue, match="current"):
        measure_rate(neuron, 0.0)


def test_a_rest_above_the_threshold_beats_by_itself() -> None:
    neuron = OtaNeuron(c=1e-11, i_bias=2e-8, v_leak=2e-3, v_th=1e-3, v_reset=-1e-3)
    assert measure_rate(neuron, 0.0) == pytest.approx(1 / neuron.period(0.0), rel=1e-4)


def test_the_refractory_period_holds_the_membrane() -> None:
    neuron = OtaNeuron(c=1e-11, i_bias=2e-8, v_reset=-5e-4, t_ref=1e-3, v_init=5e-3)
    w = simulate(neuron, Transient(np.zeros(3), 1e-3, 1e-6), 0.0)
    # It starts above its threshold, fires at once, and is held for 1 ms.
    assert spike_times(w) == pytest.approx([0.0], abs=1e-9)
    held = (w.t > 1e-7) & (w.t < 0.999e-3)
    assert np.abs(w.mem[held] + 5e-4).max() < 1e-7
    free = float(np.interp(1e-3 + neuron.tau, w.t, w.mem))
    assert free == pytest.approx(-5e-4 / np.e, rel=1e-3)


def test_spike_times_lie_between_points() -> None:
    latch = np.array([0.0, 0.2, 0.8, 1.0, 0.0, 0.0, 1.0])
    w = Waveform(np.arange(7.0), np.zeros(7), latch)
    assert spike_times(w).tolist() == [1.5, 5.5]
    assert spike_times(Waveform(np.arange(2.0), np.zeros(2), np.ones(2))).tolist() == [0.0]
    assert spike_times(Waveform(np.zeros(0), np.zeros(0), np.zeros(0))).size == 0
