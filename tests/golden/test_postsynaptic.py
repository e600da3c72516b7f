"""Postsynaptic potentials: superposition, quadrature, limits, peaks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from lifstone.golden import InvalidValue, Lif, conductance
from lifstone.golden.kernels import Kernel, receive, step, transition
from lifstone.golden.postsynaptic import (
    Arrival,
    Synapse,
    crest,
    current_potential,
    exponential_conductance,
    grid_potential,
    potential,
    slope,
)

Array = NDArray[np.float64]
REST, TAU, R = -70e-3, 20e-3, 1e8
LIF = Lif(tau_mem=TAU, r=R, v_leak=REST, v_th=np.inf, v_reset=REST)
KERNELS = [Kernel("exponential", 5e-3), Kernel("alpha", 2e-3), Kernel("double", 5e-3, 1e-3)]
ZERO = np.zeros(1)


def ampere(kernel: Kernel, peak: float = 1e-10) -> Synapse:
    return Synapse(kernel, peak)


def siemens(kernel: Kernel, peak: float = 2e-9, reversal: float = 0.0) -> Synapse:
    return Synapse(kernel, peak, reversal)


@pytest.mark.parametrize("kernel", KERNELS)
def test_quadrature_of_currents_is_their_closed_form(kernel: Kernel) -> None:
    lag = np.array([0.0, 1e-3, 7e-3])
    arrivals: list[Arrival] = [(ampere(kernel), ZERO), (ampere(kernel, -5e-11), lag)]
    t = np.arange(601)[:, None] * 1e-4
    v = potential(LIF, arrivals, 1e-4, 600)
    assert v == pytest.approx(current_potential(LIF, arrivals, t), abs=1e-14)


@given(st.floats(1e-12, 1e-9), st.floats(-1e-9, 1e-9), st.floats(0.0, 0.05))
def test_currents_superpose(a: float, b: float, lag: float) -> None:
    k, t = KERNELS[2], np.linspace(0.0, 0.1, 40)
    onset = np.full(1, lag)
    both = current_potential(LIF, [(ampere(k, a), ZERO), (ampere(k, b), onset)], t)
    alone = [current_potential(LIF, [(ampere(k, a), ZERO)], t),
             current_potential(LIF, [(ampere(k, b), onset)], t)]  # fmt: skip
    assert both - REST == pytest.approx(sum(v - REST for v in alone), abs=1e-14)


@pytest.mark.parametrize("kernel", KERNELS)
def test_conductances_against_another_solver(kernel: Kernel) -> None:
    """An implicit method on the equation with capacitance and leak written out."""
    c, g_leak = TAU / R, 1.0 / R
    top = kernel.peak

    def g(t: float) -> float:
        return 2e-9 / top * float(kernel(t))

    def flow(t: float, y: Array) -> Array:
        return np.array([(-g_leak * (y[0] - REST) - g(t) * y[0]) / c])

    t = np.array([0.0, 1e-3, 5e-3, 0.02, 0.05])
    found = solve_ivp(flow, (1e-15, 0.05), [REST], "Radau", t[1:], rtol=1e-10, atol=1e-14)
    v = potential(LIF, [(siemens(kernel), ZERO)], 1e-4, 500)[[10, 50, 200, 500], 0]
    assert v == pytest.approx(found.y[0], abs=1e-8)


def test_one_exponential_conductance_in_gamma_functions() -> None:
    t = np.arange(1001) * 1e-4
    v = potential(LIF, [(siemens(KERNELS[0], 1e-8), ZERO)], 1e-4, 1000)[:, 0]
    assert exponential_conductance(LIF, 1e-8, 5e-3, 0.0, t) == pytest.approx(v, abs=1e-14)


@pytest.mark.parametrize("kernel", KERNELS[1:])
def test_a_small_conductance_is_a_current(kernel: Kernel) -> None:
    """The difference is of first order in the conductance."""
    t, gaps = np.arange(501)[:, None] * 1e-4, []
    for g in (2e-10, 1e-10, 5e-11):
        real = potential(LIF, [(siemens(kernel, g), ZERO)], 1e-4, 500)
        flat = current_potential(LIF, [(ampere(kernel, g * (0.0 - REST)), ZERO)], t)
        gaps.append(float(np.abs(real - flat).max() / np.abs(flat - REST).max()))
    assert np.log2(np.array(gaps[:-1]) / gaps[1:]) == pytest.approx([1.0, 1.0], abs=0.02)
    assert gaps[-1] < 5e-3


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_mid_step_load_is_of_second_order(kernel: Kernel) -> None:
    arrivals: list[Arrival] = [(siemens(kernel), ZERO), (siemens(kernel, 4e-9, -75e-3), ZERO)]
    v = potential(LIF, arrivals, 1e-4, 400)
    errors = [np.abs(grid_potential(LIF, arrivals, 1e-4 / f, 400 * f)[::f] - v).max()
              for f in (1, 2, 4)]  # fmt: skip
    assert np.log2(np.array(errors[:-1]) / errors[1:]) == pytest.approx([2.0, 2.0], abs=0.05)


def test_a_clocked_body_with_stages_is_the_grid() -> None:
    """Spike into the stages, half a step, conductance, membrane, half a step."""
    kernel, dt = KERNELS[2], 2e-4
    half = transition(kernel.taus, dt / 2)
    stages = receive(np.zeros(2), kernel.taus, 2e-9 / kernel.peak)
    state, out = conductance.initial_state(LIF), [REST]
    for _ in range(300):
        stages = step(half, stages)
        on = conductance.load((np.maximum(stages[-1:], 0.0), 0.0))
        state, _ = conductance.step(LIF, dt, state, on)
        stages = step(half, stages)
        out.append(float(state.v[0]))
    grid = grid_potential(LIF, [(siemens(kernel), ZERO)], dt, 300)[:, 0]
    assert np.array(out) == pytest.approx(grid, abs=1e-14)


def test_shunting_inhibition_does_nothing_alone_and_divides_an_epsp() -> None:
    """A lasting shunt is a membrane with more leak: smaller resistance and time constant."""
    k, lasting = KERNELS[2], Kernel("exponential", 1e6)
    shunt = siemens(lasting, 2e-8, REST)
    assert np.abs(potential(LIF, [(shunt, ZERO)], 1e-4, 300) - REST).max() < 1e-15
    both = potential(LIF, [(siemens(k), ZERO), (shunt, ZERO)], 1e-4, 300)
    leaky = Lif(tau_mem=TAU / 3, r=R / 3, v_leak=REST, v_th=np.inf, v_reset=REST)
    assert both == pytest.approx(potential(leaky, [(siemens(k), ZERO)], 1e-4, 300), abs=1e-9)


@given(st.floats(0.0, 3e-8), st.floats(0.0, 3e-8))
@settings(max_examples=20, deadline=None)
def test_the_potential_stays_between_rest_and_reversals(g_exc: float, g_inh: float) -> None:
    k = KERNELS[2]
    arrivals = [(siemens(k, g_exc), ZERO), (siemens(k, g_inh, -80e-3), np.full(1, 5e-3))]
    v = potential(LIF, arrivals, 5e-4, 100)
    assert v.min() >= -80e-3 - 1e-12
    assert v.max() <= 1e-12


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("make", [ampere, siemens])
def test_the_crest_is_the_top_of_many_samples(
    kernel: Kernel, make: Callable[[Kernel], Synapse]
) -> None:
    lag = np.array([0.0, 2e-3, 30e-3])
    arrivals: list[Arrival] = [(make(kernel), ZERO), (make(kernel), lag)]
    found = crest(LIF, arrivals, 5e-4, potential(LIF, arrivals, 5e-4, 160))
    fine = potential(LIF, arrivals, 1e-5, 8000)
    assert found.v == pytest.approx(fine.max(axis=0), abs=1e-8)
    assert (found.v >= fine.max(axis=0) - 1e-13).all()
    assert found.time == pytest.approx(np.argmax(fine, axis=0) * 1e-5, abs=2e-5)
    assert slope(LIF, arrivals, found.time, found.v) == pytest.approx(np.zeros(3), abs=1e-6)


def test_the_crest_looks_only_where_it_is_asked_to() -> None:
    k, lag = KERNELS[2], np.full(1, 40e-3)
    arrivals: list[Arrival] = [(siemens(k), ZERO), (siemens(k, 2e-10), lag)]
    v = potential(LIF, arrivals, 1e-4, 800)
    late = crest(LIF, arrivals, 1e-4, v, lag)
    assert late.time[0] >= 40e-3
    assert late.v[0] == pytest.approx(v[400:, 0].max(), abs=1e-7)
    assert crest(LIF, arrivals, 1e-4, v).time[0] < 20e-3


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(1e-2, 1e2))
@settings(max_examples=20, deadline=None)
def test_potentials_do_not_depend_on_units(volt: float, amp: float, second: float) -> None:
    k = Kernel("double", 5e-3, 1e-3)
    base = potential(LIF, [(siemens(k), ZERO)], 5e-4, 60)
    scaled = Lif(tau_mem=TAU * second, r=R * volt / amp, v_leak=REST * volt, v_th=np.inf,
                 v_reset=REST * volt)  # fmt: skip
    wide = Synapse(Kernel("double", 5e-3 * second, 1e-3 * second), 2e-9 * amp / volt, 0.0)
    got = potential(scaled, [(wide, ZERO)], 5e-4 * second, 60)
    assert got / volt == pytest.approx(base, rel=1e-11)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: siemens(KERNELS[0], -1e-9), "peak"),
        (lambda: ampere(KERNELS[0], np.inf), "peak"),
        (lambda: Synapse(KERNELS[0], 1e-9, np.nan), "reversal"),
        (lambda: potential(LIF, [(siemens(KERNELS[0]), np.full(1, 1.5e-4))], 1e-4, 9),
         "arrivals[0]"),
        (lambda: potential(LIF, [(siemens(KERNELS[0]), ZERO)], 0.0, 9), "dt"),
        (lambda: current_potential(LIF, [(siemens(KERNELS[0]), ZERO)], 0.0),
         "arrivals[0].reversal"),
        (lambda: exponential_conductance(LIF, 1e-9, 30e-3, 0.0, 0.0), "tau"),
        (lambda: exponential_conductance(LIF, 0.0, 5e-3, 0.0, 0.0), "g_peak"),
        (lambda: current_potential(Lif(tau_mem=TAU, n=2), [], 0.0), "n"),
    ],
)  # fmt: skip
def test_refused(call: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        call()
    assert caught.value.field == field
