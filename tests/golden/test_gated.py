"""A neuron with a gated channel: composition, order, limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import exp
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lifstone.golden import InvalidValue, Lif, conductance, ode
from lifstone.golden.averaging import averaged_rate, drift
from lifstone.golden.gated import GatedNeuron, GatedState, simulate, step
from lifstone.golden.gating import Gate

Array = NDArray[np.float64]
GATE = Gate(-70e-3, -8e-3, 1e3 * exp(-14.59), 1 / 86, 1e3 * exp(-1.87), 1 / 70.1)
REST, TH, RESET, TAU, R = -58e-3, -52e-3, -75e-3, 50e-3, 200e6


def neuron(g: Any = 15e-9, gate: Gate = GATE, shift: Any = 0.0, **changes: Any) -> GatedNeuron:
    values = {"tau_mem": TAU, "r": R, "v_leak": REST, "v_th": TH, "v_reset": RESET, "t_ref": 2e-3}
    return GatedNeuron(Lif(**{**values, **changes}), gate, g, -30e-3, shift)


def faster(factor: float) -> Gate:
    return replace(GATE, rate_a=GATE.rate_a * factor, rate_b=GATE.rate_b * factor)


def solved(g: float, gate: Gate, duration: float) -> Array:
    """The equations written out, by the general solver."""

    def flow(_: float, y: Array) -> Array:
        v, x = float(y[0]), float(y[1])
        x_inf = 1 / (1 + exp((v + 70e-3) / 8e-3))
        speed = gate.rate_a * exp(-86 * v) + gate.rate_b * exp(70.1 * v)
        return np.array([(REST - v + R * g * x * (-30e-3 - v)) / TAU, (x_inf - x) * speed])

    start = [REST, 1 / (1 + exp((REST + 70e-3) / 8e-3))]
    return ode.spike_times(neuron().lif, flow, start, duration)


def test_spike_times_are_of_second_order() -> None:
    gate, times = faster(10.0), solved(15e-9, faster(10.0), 0.5)
    errors = []
    for dt in (2e-3, 1e-3, 5e-4):
        mine = simulate(neuron(gate=gate), dt, round(0.5 / dt)).spikes.times
        assert mine.size == times.size > 5
        errors.append(float(np.abs(mine - times).max()))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders == pytest.approx([2.0, 2.0], abs=0.15)
    assert errors[-1] < 5e-4 / 20


def test_what_is_left_beyond_the_second_order_is_small() -> None:
    """Spikes cut their step where they fall, so that the error has no part that jumps about."""
    gate, times = faster(10.0), solved(15e-9, faster(10.0), 0.5)
    coarse, fine = (
        simulate(neuron(gate=gate), dt, round(0.5 / dt)).spikes.times for dt in (5e-4, 2.5e-4)
    )
    halving = float(np.abs(coarse - fine).max())
    left = float(np.abs(fine + (fine - coarse) / 3.0 - times).max())
    assert left < halving / 100


def test_the_grid_is_of_first_order() -> None:
    """A spike waits for its step: intervals approach those of the solver from above."""
    gate = faster(10.0)
    interval = float(np.diff(solved(15e-9, gate, 0.6))[-1])
    errors = []
    for dt in (4e-4, 2e-4, 1e-4):
        one = neuron(gate=gate)
        x = gate.steady(one.lif.v_init)
        state, rows = GatedState(conductance.initial_state(one.lif), x), []
        for _ in range(round(0.6 / dt)):
            state, fired = step(one, dt, state)
            rows.append(bool(fired[0]))
        at = np.flatnonzero(rows) * dt
        errors.append((at[-1] - at[-6]) / 5 - interval)
    assert (np.abs(errors) < np.array([4e-4, 2e-4, 1e-4])).all()


def test_a_frozen_gate_is_a_constant_conductance() -> None:
    """tau -> infinity: the closed form of the rate."""
    one, x = neuron(gate=faster(1e-9)), np.array([0.3])
    closed = float(conductance.rate(one.lif, one.load(x))[0])
    run = simulate(one, 1e-2, 100, x=x)
    assert run.spikes.rates()[0] == pytest.approx(closed, rel=1e-6)


def test_without_conductance_it_is_silent_and_rests() -> None:
    run = simulate(neuron(0.0), 1e-3, 500, record=True)
    assert run.spikes.times.size == 0
    assert run.v is not None
    assert run.x is not None
    assert run.v[-1, 0] == pytest.approx(REST, abs=1e-12)
    assert run.x[-1, 0] == pytest.approx(float(GATE.steady(REST)), rel=1e-9)


@pytest.mark.parametrize(("share", "fires"), [(0.98, False), (1.05, True)])
def test_the_resting_state_ends_at_the_silencing_conductance(share: float, fires: bool) -> None:
    one = neuron(gate=faster(10.0))
    g = share * float(one.silencing_conductance()[0])
    v = np.linspace(REST, TH, 20001)
    pull = (REST - v) / R + g * GATE.steady(v) * (-30e-3 - v)
    rest = v[np.argmax(pull < 0)] if (pull < 0).any() else None
    assert (rest is None) is fires
    (found,) = neuron(g, gate=faster(10.0)).resting_potential()
    assert np.isnan(found) if rest is None else found == pytest.approx(rest, abs=1e-6)
    start = TH - 1e-6 if rest is None else float(rest)
    run = simulate(neuron(g, gate=faster(10.0), v_init=start), 1e-3, 4000)
    assert bool(run.spikes.times.size) is fires


def test_averaging_is_of_first_order_in_the_speed_of_the_gate() -> None:
    errors = []
    for factor in (4.0, 2.0, 1.0):
        one = neuron(gate=faster(factor))
        start = np.array([0.25])
        run = simulate(one, 1e-3, round(8.0 / factor / 1e-3), x=start)
        rate = float(run.spikes.rates(7.0 / factor)[0])
        errors.append(abs(averaged_rate(one) - rate))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders == pytest.approx([1.0, 1.0], abs=0.25)


def test_averaging_knows_silence_and_its_own_root() -> None:
    assert averaged_rate(neuron(1e-9)) == 0.0
    assert averaged_rate(neuron(0.0)) == 0.0
    one = neuron()
    rate = averaged_rate(one)
    gate = np.linspace(0.0, 1.0, 2001)[1:]
    rates = conductance.rate(one.lif, conductance.load((15e-9 * gate, -30e-3)))
    x = float(np.interp(rate, rates[rates > 0], gate[rates > 0]))
    assert drift(one, x) == pytest.approx(0.0, abs=1e-3)


def test_neurons_do_not_see_each_other() -> None:
    both = simulate(neuron([15e-9, 20e-9], n=2, shift=[0.0, 2e-3]), 1e-3, 600).spikes
    for j, (g, shift) in enumerate([(15e-9, 0.0), (20e-9, 2e-3)]):
        alone = simulate(neuron(g, shift=shift), 1e-3, 600).spikes.times
        assert both.of(j).tolist() == alone.tolist()


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: neuron(-1e-9), "g_max[0]"),
        (lambda: neuron([1e-9, np.inf], n=2), "g_max[1]"),
        (lambda: neuron([1e-9, 2e-9]), "g_max"),
        (lambda: neuron(shift=np.nan), "shift[0]"),
        (lambda: GatedNeuron(neuron().lif, GATE, 1e-9, np.inf), "reversal"),
        (lambda: neuron(tau_syn=1e-3), "tau_syn"),
        (lambda: simulate(neuron(), 0.0, 10), "dt"),
        (lambda: simulate(neuron(), 1e-3, 0), "steps"),
        (lambda: simulate(neuron(1e-4, t_ref=0.0), 1.0, 1), "t_ref"),
        (lambda: drift(neuron(), 0.0), "x"),
        (lambda: averaged_rate(neuron(n=2)), "n"),
    ],
)
def test_refused(call: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        call()
    assert caught.value.field == field
