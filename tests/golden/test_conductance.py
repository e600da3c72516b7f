"""The conductance-based neuron: closed forms, grid, continuous time and the general solver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lifstone.golden import InvalidValue, Lif, conductance, conductance_event, discrete, fi, ode

Array = NDArray[np.float64]
TAU, R, REST, TH, RESET = 20e-3, 1e8, -70e-3, -50e-3, -65e-3


def neuron(**changes: Any) -> Lif:
    given_ = {"tau_mem": TAU, "r": R, "v_leak": REST, "v_th": TH, "v_reset": RESET, "t_ref": 2e-3}
    return Lif(**{**given_, **changes})


def flow(g: float, e: float, i: float = 0.0) -> Callable[[float, Array], Array]:
    """The membrane equation with capacitance and leak conductance, as Kirchhoff has it."""
    c, g_leak = TAU / R, 1.0 / R
    return lambda _, y: (-g_leak * (y - REST) - g * (y - e) + i) / c


@given(st.floats(1e-12, 1e-6), st.floats(-0.1, 0.1), st.floats(-1e-9, 1e-9))
def test_effective_values_solve_the_current_balance(g: float, e: float, i: float) -> None:
    got = conductance.effective(neuron(), conductance.load((g, e), current=i))
    total = 1 / R + g
    assert got.tau == pytest.approx(TAU / R / total, rel=1e-12)
    assert got.target == pytest.approx((REST / R + g * e + i) / total, rel=1e-9, abs=1e-12)


def test_channels_add_up_in_any_number() -> None:
    one = conductance.load((1e-9, 0.0), (3e-9, -80e-3), current=1e-10)
    assert float(one.g) == pytest.approx(4e-9)
    assert float(one.drive) == pytest.approx(-3e-9 * 80e-3 + 1e-10)


def test_without_conductance_it_is_the_current_driven_neuron() -> None:
    """The same spikes and potentials as the time grid of the plain model, to the last digits."""
    lif, dt, i = neuron(n=3), 1e-4, np.array([1e-10, 2.5e-10, 4e-10])
    plain, c = discrete.initial_state(lif), discrete.discretise(lif, dt)
    mine, on = conductance.initial_state(lif), conductance.load(current=i)
    for _ in range(2000):
        plain, expected = discrete.step(lif, c, plain, i)
        mine, got = conductance.step(lif, dt, mine, on)
        assert (got == expected).all()
        assert mine.v == pytest.approx(plain.v, abs=1e-15)
    assert conductance.rate(lif, on) == pytest.approx(fi.rate(neuron(), i), rel=1e-14)


@given(st.floats(2.5e-10, 2e-9))
def test_a_far_reversal_is_a_current(i: float) -> None:
    """g -> 0 with g e fixed: rate and potential of the constant current."""
    e = 1e7
    got = conductance.rate(neuron(), conductance.load((i / e, e)))
    assert got == pytest.approx(fi.rate(neuron(), [i]), rel=1e-5)


@given(st.floats(3e-9, 1e-7), st.floats(-0.01, 0.05))
@settings(max_examples=25, deadline=None)
def test_rate_is_that_of_the_event_driven_run(g: float, e: float) -> None:
    lif, on = neuron(), conductance.load((g, e))
    closed = float(conductance.rate(lif, on)[0])
    if closed == 0:
        return
    steps = int(np.ceil(4 / closed / 1e-3)) + 20
    spikes = conductance_event.run(lif, 1e-3, steps, lambda *_: on)
    assert spikes.rates()[0] == pytest.approx(closed, rel=1e-9)


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_rate_does_not_depend_on_units(volt: float, siemens: float, second: float) -> None:
    g, e = 6e-9, 0.0
    base = conductance.rate(neuron(), conductance.load((g, e)))
    scaled = Lif(
        tau_mem=TAU * second, r=R / siemens, v_leak=REST * volt, v_th=TH * volt,
        v_reset=RESET * volt, t_ref=2e-3 * second,
    )  # fmt: skip
    got = conductance.rate(scaled, conductance.load((g * siemens, e * volt)))
    assert got * second == pytest.approx(base, rel=1e-9)


def test_the_general_solver_agrees() -> None:
    lif, g = neuron(), 8e-9
    times = ode.spike_times(lif, flow(g, 0.0), [REST], 0.3)
    on = conductance.load((g, 0.0))
    mine = conductance_event.run(lif, 1e-2, 30, lambda *_: on).times
    assert times.size == mine.size > 10
    assert mine == pytest.approx(times, abs=1e-10)


def test_the_general_solver_starts_anew_where_the_equation_jumps() -> None:
    lif, on, off = neuron(), flow(8e-9, 0.0), flow(0.0, 0.0)
    asked: list[float] = []

    def jumping(t: float, y: Array) -> Array:
        asked.append(t)
        return on(t, y) if t >= 0.0503 else off(t, y)

    times = ode.spike_times(lif, jumping, [REST], 0.2, [0.0503])
    late = np.array(asked) >= 0.0503
    assert late[np.argmax(late) :].all()  # no step reaches over the jump
    loads = [conductance.load((0.0, 0.0)), conductance.load((8e-9, 0.0))]
    mine = conductance_event.run(lif, 1e-4, 2000, lambda k, _: loads[int(k >= 503)]).times
    assert mine == pytest.approx(times, abs=1e-10)


def test_the_general_solver_sees_a_potential_that_grazes_the_threshold() -> None:
    """An alpha-shaped course, whose top is known, 1e-9 V above and below the threshold."""
    top = REST + 0.02 * np.exp(-1.0)

    def course(t: float, _: Array) -> Array:
        return np.array([0.02 / 0.01 * (1 - t / 0.01) * np.exp(-t / 0.01)])

    for margin, spikes in ((1e-9, 1), (-1e-9, 0)):
        lif = neuron(v_th=top - margin, v_reset=REST - 1.0)
        times = ode.spike_times(lif, course, [REST], 0.1)
        assert times.size == spikes
        assert times == pytest.approx([0.01] * spikes, abs=1e-5)


def test_the_critical_conductance_parts_silence_from_firing() -> None:
    lif = neuron()
    g = float(conductance.critical_conductance(lif, 0.0)[0])
    assert g == pytest.approx((TH - REST) / R / (0.0 - TH))
    rates = [
        float(conductance.rate(lif, conductance.load((g * (1 + s), 0.0)))[0]) for s in (-1e-9, 1e-9)
    ]
    assert rates[0] == 0.0 < rates[1]
    assert conductance.critical_conductance(lif, TH).tolist() == [np.inf]
    assert conductance.critical_conductance(lif, 0.0, 1e-9).tolist() == [0.0]


def test_the_grid_delays_a_spike_by_less_than_a_step() -> None:
    lif, g, dt = neuron(t_ref=0.0), np.array([8e-9, 2e-8]), 1e-4
    many, on = neuron(t_ref=0.0, n=2), conductance.load((g, 0.0))
    state = conductance.initial_state(many)
    rows = []
    for _ in range(400):
        state, fired = conductance.step(many, dt, state, on)
        rows.append(fired)
    for j in range(2):
        first = (int(np.argmax(np.array(rows)[:, j])) + 1) * dt
        e = conductance.effective(lif, conductance.load((g[j], 0.0)))
        exact = float(fi.interval(e.tau, e.target, TH, REST)[0])
        assert 0 <= first - exact < dt


@pytest.mark.parametrize(("method", "order"), [("exponential", None), ("euler", 1.0)])
def test_order_of_the_step(method: str, order: float | None) -> None:
    """The exponential step is exact for a held load, forward Euler of first order."""
    lif, on = neuron(v_th=np.inf, v_reset=REST), conductance.load((5e-9, 0.0))
    exact = float(conductance.relax(lif.v_init, conductance.effective(lif, on), 0.02)[0])
    errors = []
    for steps in (100, 200):
        state = conductance.initial_state(lif)
        for _ in range(steps):
            state, _ = conductance.step(lif, 0.02 / steps, state, on, method)
        errors.append(abs(float(state.v[0]) - exact))
    if order is None:
        assert max(errors) < 1e-15
    else:
        assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.02)


def test_many_spikes_fit_in_one_step() -> None:
    lif, on = neuron(), conductance.load((1e-7, 0.0))
    coarse = conductance_event.run(lif, 0.1, 2, lambda *_: on).times
    fine = conductance_event.run(lif, 1e-4, 2000, lambda *_: on).times
    assert coarse.size == fine.size > 20
    assert coarse == pytest.approx(fine, abs=1e-13)


def test_a_potential_above_threshold_fires_at_once() -> None:
    lif = neuron(v_init=-40e-3)
    times = conductance_event.run(lif, 1e-3, 3, lambda *_: conductance.load()).times
    assert times.tolist() == [0.0]


def test_a_load_read_at_mid_step_costs_second_order() -> None:
    """A conductance that rises within the step; the first spike against the solver."""
    lif = neuron()

    def g(t: float) -> float:
        return 2e-6 * t

    (time, *_) = ode.spike_times(lif, lambda t, y: flow(g(t), 0.0)(t, y), [REST], 0.02)

    def error(dt: float) -> float:
        def rising(k: int, _: Array) -> conductance.Load:
            return conductance.load((g((k + 0.5) * dt), 0.0))

        run = conductance_event.run(lif, dt, round(0.02 / dt), rising)
        return float(abs(run.times[0] - time))

    # Where in its step the crossing falls moves the error by up to a factor of two.
    assert 8 < error(4e-4) / error(1e-4) < 32
    assert error(1e-4) < 1e-6


def test_spikes_by_neuron_and_their_rates() -> None:
    lif, on = neuron(n=2), conductance.load((np.array([0.0, 8e-9]), 0.0))
    spikes = conductance_event.run(lif, 1e-3, 200, lambda *_: on)
    assert spikes.of(0).size == 0
    assert spikes.rates().tolist()[0] == 0.0
    assert spikes.rates(0.1)[1] == pytest.approx(spikes.rates()[1], rel=1e-9)
    assert (np.diff(spikes.times) >= 0).all()


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: conductance.load((1e-9, 0.0), (-1e-9, 0.0)), "conductance[1]"),
        (lambda: conductance.load((np.array([1.0, np.nan]), 0.0)), "conductance[0]"),
        (lambda: conductance.rate(neuron(tau_syn=1e-3), conductance.load()), "tau_syn"),
        (lambda: conductance.rate(neuron(reset="subtract"), conductance.load()), "reset"),
        (lambda: conductance.rate(neuron(tau_mem=np.inf), conductance.load()), "tau_mem[0]"),
        (lambda: conductance.rate(neuron(r=-1.0), conductance.load()), "r[0]"),
        (
            lambda: conductance.step(
                neuron(), 2e-3, conductance.initial_state(neuron()),
                conductance.load((1e-7, 0.0)), "euler",
            ),
            "dt",
        ),
        (
            lambda: conductance.step(
                neuron(), 0.0, conductance.initial_state(neuron()), conductance.load()
            ),
            "dt",
        ),
        (lambda: conductance_event.run(neuron(), -1.0, 1, lambda *_: conductance.load()), "dt"),
        (lambda: conductance_event.run(neuron(), 1.0, 0, lambda *_: conductance.load()), "steps"),
        (
            lambda: conductance_event.run(
                neuron(t_ref=0.0), 1.0, 1, lambda *_: conductance.load((1e-4, 0.0))
            ),
            "t_ref",
        ),
        (lambda: ode.spike_times(neuron(n=2), flow(0.0, 0.0), [REST], 1.0), "n"),
        (lambda: ode.integrate(flow(0.0, 0.0), [REST], [1.0, 0.5]), "times"),
    ],
)  # fmt: skip
def test_refused(call: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        call()
    assert caught.value.field == field
    assert "\n" not in str(caught.value)
