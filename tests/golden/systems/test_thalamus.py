"""System 8: the relay cell against an integrator and closed forms; the afferents' patterns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.golden import InvalidValue, conductance
from lifstone.golden.pallidum import Pattern, afferent_spikes, filtered
from lifstone.golden.relay import RelayCell, gate, gate_after, initial_state, step
from lifstone.golden.systems import replaced
from lifstone.golden.systems.thalamus import (
    SYSTEM,
    Parameters,
    critical_excitation,
    error_index,
    reference_spikes,
)

DT = 0.5e-3


def play(cell: RelayCell, g_exc: np.ndarray, g_inh: np.ndarray, dt: float) -> np.ndarray:
    state, membrane = initial_state(cell, (1,)), cell.membrane()
    times = []
    for k in range(g_exc.size):
        state, fired = step(cell, membrane, dt, state, g_exc[k : k + 1], g_inh[k : k + 1])
        if fired[0]:
            times.append((k + 1) * dt)
    return np.array(times)


def test_thalamus_cell_without_t_current_is_a_conductance_neuron() -> None:
    cell = RelayCell(g_t=0.0)
    rng = np.random.default_rng(0)
    g_exc, g_inh = 60e-9 * (rng.random(400) < 0.3), 3e-9 * rng.random(400)
    membrane = cell.membrane()
    state = conductance.initial_state(membrane)
    times = []
    for k in range(400):
        on = conductance.load((g_exc[k], 0.0), (g_inh[k], cell.e_inh))
        state, fired = conductance.step(membrane, DT, state, on)
        if fired[0]:
            times.append((k + 1) * DT)
    assert len(times) > 5
    np.testing.assert_allclose(play(cell, g_exc, g_inh, DT), times)


@pytest.mark.parametrize("dt", [1e-3, 0.5e-3, 0.25e-3, 0.125e-3])
def test_thalamus_spikes_lie_within_two_steps_of_the_integrator(dt: float) -> None:
    p = Parameters(dt=dt, duration=1.1)
    t = np.arange(round(0.4 / dt)) * dt
    g_exc = 50e-9 * ((t % 0.1 > 0.0295) & (t % 0.1 < 0.0345))
    g_inh = 6e-9 * (t % 0.2 < 0.1)
    exact = reference_spikes(p, g_exc, g_inh)
    grid = play(p.cell(), g_exc, g_inh, dt)
    assert grid.size == exact.size > 3
    assert np.abs(grid - exact).max() <= 2 * dt


def test_thalamus_rebounds_from_a_long_enough_inhibition() -> None:
    cell = RelayCell(current=120e-12)
    counts = []
    for hold in (10e-3, 50e-3, 150e-3, 400e-3):
        steps = round((0.6 + hold) / DT)
        t = np.arange(steps) * DT
        g_inh = 30e-9 * ((t > 0.3) & (t < 0.3 + hold))
        counts.append(play(cell, np.zeros(steps), g_inh, DT).size)
    assert counts[0] == 0
    assert counts[-1] >= 2
    assert counts == sorted(counts)
    silent = RelayCell(current=120e-12, g_t=0.0)
    assert play(silent, np.zeros(steps), g_inh, DT).size == 0


@given(h=st.floats(0, 1), seconds=st.floats(0, 0.5))
def test_thalamus_gate_is_exact_on_both_sides(h: float, seconds: float) -> None:
    cell = RelayCell()
    steps = 10
    low, high = np.array([h]), np.array([h])
    for _ in range(steps):
        low = gate(cell, np.array([-80e-3]), low, seconds / steps)
        high = gate(cell, np.array([-40e-3]), high, seconds / steps)
    assert low[0] == pytest.approx(float(gate_after(cell, h, seconds)), abs=1e-12)
    assert high[0] == pytest.approx(h * np.exp(-seconds / cell.tau_minus), abs=1e-12)


@pytest.mark.parametrize("g_inh", [0.0, 1e-9, 5e-9])
def test_thalamus_critical_excitation_is_the_closed_form(g_inh: float) -> None:
    p = Parameters()
    cell = p.cell()
    wanted = (
        cell.g_leak * (cell.v_th - cell.v_leak) - p.current + g_inh * (cell.v_th - cell.e_inh)
    ) / (0.0 - cell.v_th)
    assert critical_excitation(p, g_inh) == pytest.approx(wanted, rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    pattern=st.sampled_from(Pattern),
    rate=st.floats(5, 120),
    afferents=st.integers(1, 20),
    seed=st.integers(0, 100),
)
def test_thalamus_afferents_have_their_rate(
    pattern: Pattern, rate: float, afferents: int, seed: int
) -> None:
    spikes = afferent_spikes(pattern, rate, afferents, 10.0, DT, seed)
    wanted = rate * afferents * 10.0
    # Poisson within five deviations, patterns within one burst an afferent at each end.
    slack = 5 * np.sqrt(wanted) if pattern is Pattern.IRREGULAR else 10 * afferents
    assert abs(spikes.sum() - wanted) <= slack


def test_thalamus_patterns_differ_in_their_fluctuation_alone() -> None:
    spread = {}
    for pattern in Pattern:
        g = filtered(afferent_spikes(pattern, 70, 8, 20.0, DT, 1), 1e-9, 10e-3, DT)[500:]
        assert g.mean() == pytest.approx(70 * 8 * 10e-3 * 1e-9, rel=0.06)
        spread[pattern] = g.std()
    assert spread[Pattern.REGULAR] < spread[Pattern.IRREGULAR] < spread[Pattern.BURSTING]
    assert spread[Pattern.BURSTING] < spread[Pattern.SYNCHRONOUS]


def test_thalamus_error_index_by_hand() -> None:
    starts = np.array([0.1, 0.2, 0.3, 0.4])
    spikes = np.zeros(1000, dtype=bool)
    for t in (0.05, 0.105, 0.205, 0.21, 0.25, 0.255, 0.45):
        spikes[round(t / DT) - 1] = True
    # One good, one doubled, two missed, two spurious events; what comes before does not count.
    assert error_index(spikes, starts, DT) == pytest.approx((2 + 1 + 2) / 4)


def test_thalamus_system_agrees() -> None:
    result = SYSTEM.run(Parameters())
    assert result.agrees
    found = {f.name: f for f in result.figures}
    healthy = found["error index, healthy (irregular)"]
    sick = found["error index, parkinsonian (synchronous)"]
    assert sick.value - healthy.value > 4 * np.hypot(sick.error or 0, healthy.error or 0)


def test_thalamus_system_notices_a_wrong_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    from lifstone.golden import relay

    right = relay.gate
    monkeypatch.setattr(relay, "gate", lambda c, v, h, dt: right(c, v, h, 1.3 * dt))
    failed = [c.name for c in SYSTEM.run(Parameters(duration=1.2, trials=2)).checks if not c.holds]
    assert "recovery of the T current: largest error" in failed


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RelayCell(g_t=-1.0), "g_t = -1.0: allowed is 0 S or greater"),
        (lambda: RelayCell(capacitance=0.0), "capacitance = 0.0"),
        (lambda: RelayCell(v_reset=-70e-3), "v_reset = -0.07: allowed is above v_h"),
        (lambda: afferent_spikes(Pattern.BURSTING, 1e4, 1, 1.0, DT, 0), "rate = 10000.0"),
        (lambda: afferent_spikes(Pattern.BURSTING, 1.0, 0, 1.0, DT, 0), "afferents = 0"),
        (lambda: filtered(np.zeros(3, np.int64), -1.0, 1e-2, DT), "peak = -1.0"),
        (lambda: filtered(np.zeros(3, np.int64), 1.0, 0.0, DT), "tau = 0.0"),
        (lambda: replaced(Parameters(), {"g_inh": -1e-9}), "g_inh = -1e-09: allowed is"),
        (
            lambda: step(RelayCell(), RelayCell().membrane(), DT,
                         initial_state(RelayCell(), (1,)), np.array([-1e-9]), np.zeros(1)),
            r"conductance\[0\] = -1e-09",
        ),
    ],
)  # fmt: skip
def test_wrong_thalamus_input(call: Any, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()
