"""Known circuits in transistors against their closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lifstone.analog.blocks import PAIR
from lifstone.analog.conditions import Conditions
from lifstone.analog.sky130 import SKY130
from lifstone.analog.technology import Shift, Size
from lifstone.analog.variants.axon_hillock import AxonHillock, run_axon_hillock
from lifstone.analog.variants.dpi import (
    DpiSynapse,
    measure_gain,
    measure_slope,
    measure_tau,
    steady,
)
from lifstone.analog.variants.dpi_neuron import DpiNeuron, expected_rise, run_dpi_neuron
from lifstone.golden import InvalidValue, MissingTool


def kit_or_skip() -> Conditions:
    try:
        SKY130.models("tt", 300.15)
    except MissingTool:
        pytest.skip("the pdk extra is not installed")
    return Conditions(technology="sky130")


@pytest.mark.parametrize("current", [1e-9, 3e-9])
def test_gap_and_pulse_hold_the_charge_of_the_feedback(current: float) -> None:
    neuron = AxonHillock()
    run = run_axon_hillock(neuron, current, 2)
    assert run.gap == pytest.approx(neuron.gap(current), rel=0.02)
    # The reset mirror gives 0.7 % more than its bias, at more drain voltage than its diode has.
    assert run.pulse == pytest.approx(neuron.pulse(current), rel=0.035)
    assert np.ptp(run.mem[run.t > run.spike_times[0]]) < 2.2 * neuron.step


def test_the_membrane_capacitor_sets_the_step_and_no_time() -> None:
    small, large = AxonHillock(), AxonHillock(c_mem=2.5e-12)
    a, b = (run_axon_hillock(n, 2e-9, 4) for n in (small, large))
    assert b.gap == pytest.approx(a.gap, rel=0.03)
    assert b.pulse == pytest.approx(a.pulse, rel=0.03)
    assert large.step < 0.5 * small.step


def test_the_hillock_in_sky130() -> None:
    neuron = AxonHillock(conditions=kit_or_skip())
    run = run_axon_hillock(neuron, 1e-9, 2)
    assert run.gap == pytest.approx(neuron.gap(1e-9), rel=0.02)
    assert run.pulse == pytest.approx(neuron.pulse(1e-9), rel=0.08)


@pytest.mark.parametrize("scale", [0.2, 1.0, 4.0])
@pytest.mark.parametrize("inhibitory", [False, True])
def test_the_integrator_has_its_time_constant_and_gain(scale: float, inhibitory: bool) -> None:
    synapse = DpiSynapse(
        i_tau=scale * 50e-12, i_w=scale * 500e-12, i_gain=scale * 50e-12, inhibitory=inhibitory
    )
    slope_p = measure_slope("p", synapse.gain / 2)
    # What is left: gates beside 2 pF, and the pulse switch's leak beside 10 pA.
    assert measure_tau(synapse) == pytest.approx(synapse.tau(slope_p), rel=0.12)
    current, tail = steady(synapse)
    assert (current < 0) == inhibitory
    slope_n = measure_slope("n", synapse.i_tau, tail, PAIR)
    # Every mirror adds its slope of saturation.
    expected = synapse.pair_gain(slope_n, slope_p)
    assert abs(current) == pytest.approx(expected, rel=0.12 if inhibitory else 0.07)


def test_the_gain_nears_its_limit_with_the_weight() -> None:
    weak, strong = (measure_gain(replace(DpiSynapse(), i_w=w)) for w in (100e-12, 2e-9))
    # A weight of twice the leak: half of the limit is the pair's own. What its mirror gives too
    # much, 3 %, counts twice in the difference to the leak, and the output has 2 % more.
    assert weak == pytest.approx(0.5, rel=0.12)
    assert weak < strong < 1.0


def test_the_time_constant_goes_with_capacitor_and_leak() -> None:
    base = measure_tau(DpiSynapse())
    assert measure_tau(DpiSynapse(c=4e-12)) == pytest.approx(2 * base, rel=0.03)
    half = DpiSynapse(i_tau=25e-12, i_w=250e-12)
    assert measure_tau(half) == pytest.approx(2 * base, rel=0.05)


def test_slope_factors_are_those_of_the_process() -> None:
    # Far below the specific current: within 1 % of the weak limit.
    narrow = Size(1e-6, 4e-6)
    assert measure_slope("n", 20e-12, size=narrow) == pytest.approx(1.35, rel=0.01)
    assert measure_slope("p", 10e-12, size=narrow) == pytest.approx(1.40, rel=0.01)
    with pytest.raises(InvalidValue, match="current"):
        measure_slope("n", 1e-12)


def test_the_synapse_in_sky130() -> None:
    here = kit_or_skip()
    synapse = DpiSynapse(conditions=here)
    current, tail = steady(synapse)
    slope_n = measure_slope("n", synapse.i_tau, tail, PAIR, here)
    slope_p = measure_slope("p", synapse.gain / 2, conditions=here)
    assert current == pytest.approx(synapse.pair_gain(slope_n, slope_p), rel=0.1)


def test_a_shift_of_the_output_changes_the_gain() -> None:
    moved = Conditions(shifts={"syn": Shift(v_t=5e-3)})
    ratio = steady(DpiSynapse(conditions=moved))[0] / steady(DpiSynapse())[0]
    assert ratio == pytest.approx(np.exp(-5e-3 / (1.41 * 25.86e-3)), rel=0.02)


@pytest.mark.parametrize(("c", "error"), [(2e-12, 0.045), (16e-12, 0.01)])
def test_the_neuron_fires_when_its_membrane_current_says(c: float, error: float) -> None:
    neuron = DpiNeuron(c=c)
    rise = expected_rise(neuron, 400e-12)
    run = run_dpi_neuron(neuron, 400e-12, 2.4 * rise, 600)
    interval = float(np.diff(run.spike_times)[0])
    # The gates at the membrane have some 50 fF beside the capacitor.
    assert interval == pytest.approx(rise + run.refractory, rel=error)


def test_the_neuron_is_silent_while_its_leak_balances() -> None:
    neuron = DpiNeuron()
    assert expected_rise(neuron, 60e-12) == np.inf
    rises = [expected_rise(neuron, i) for i in (100e-12, 200e-12, 400e-12)]
    # Near the rheobase the interval grows faster than the input falls.
    assert rises[0] > 2.5 * rises[1] > 1.9 * 2.5 * rises[2]
    quiet = run_dpi_neuron(neuron, 60e-12, 20e-3, 300)
    assert quiet.spike_times.size == 0
    assert quiet.mem[-1] == pytest.approx(quiet.mem[quiet.t > 15e-3].mean(), abs=2e-3)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: AxonHillock(c_mem=-1e-12), "c_mem"),
        (lambda: AxonHillock(c_fb=1e-12), "c_fb"),
        (lambda: AxonHillock().gap(20e-9), "current"),
        (lambda: run_axon_hillock(AxonHillock(), 1e-9, 1), "spikes"),
        (lambda: DpiSynapse(i_tau=1e-9), "i_w"),
        (lambda: DpiSynapse(i_gain="1p\n.system rm"), "i_gain"),  # type: ignore[arg-type]
        (lambda: DpiNeuron(i_th=10e-12), "i_th"),
        (lambda: run_dpi_neuron(DpiNeuron(), -1e-9, 1e-3), "current"),
        (lambda: Conditions(technology="tsmc"), "technology"),
        (lambda: Conditions(corner="xx"), "corner"),
        (lambda: steady(DpiSynapse(conditions=Conditions(shifts={"no": Shift()}))), "shifts"),
        (lambda: measure_slope("x", 1e-9), "channel"),
    ],
)
def test_bad_input(make: object, field: str) -> None:
    with pytest.raises(InvalidValue, match=field):
        make()  # type: ignore[operator]
