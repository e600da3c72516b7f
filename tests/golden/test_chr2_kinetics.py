"""Markov chains and the two photocycles, against SciPy and formulas written out here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.linalg import expm

from lifstone.golden import InvalidValue, markov
from lifstone.golden.chr2 import FourState, Kinetics, ThreeState, peak, photon_flux, recovery

Array = NDArray[np.float64]
RATE = st.floats(1e-2, 1e4)
FLUX = float(photon_flux(5e3, 470e-9))
CYCLES: list[Kinetics] = [ThreeState(), FourState()]


@st.composite
def chains(draw: st.DrawFn) -> Array:
    m = draw(st.integers(2, 5))
    pairs = [(i, j) for i in range(m) for j in range(m) if i != j]
    return markov.generator(m, {pair: draw(RATE) for pair in pairs})


@given(chains())
@settings(max_examples=60, deadline=None)
def test_the_steady_state_is_the_null_vector(q: Array) -> None:
    p = markov.stationary(q)
    assert p.sum() == pytest.approx(1.0, abs=1e-14)
    assert p.min() > 0
    assert np.abs(q @ p).max() <= 1e-13 * (np.abs(q) @ p).max()
    null = np.linalg.svd(q)[2][-1]
    assert p == pytest.approx(null / null.sum(), abs=1e-8)


@given(chains(), st.floats(1e-5, 10.0))
@settings(max_examples=60, deadline=None)
def test_a_transition_keeps_probabilities(q: Array, dt: float) -> None:
    hop = markov.transition(q, dt)
    assert hop.sum(axis=0) == pytest.approx(np.ones(len(q)), abs=1e-9)
    assert hop.min() > -1e-12
    start = np.zeros(len(q))
    start[0] = 1.0
    twice = markov.step(
        markov.transition(q, dt / 2), markov.step(markov.transition(q, dt / 2), start)
    )
    assert twice == pytest.approx(markov.step(hop, start), abs=1e-9)
    assert markov.relax(q, start, dt) == pytest.approx(hop @ start, abs=1e-9)


def test_relax_where_eigenvectors_coincide() -> None:
    """C to O to D with equal rates: the occupancy of O is k t exp(-k t)."""
    q = markov.generator(3, {(0, 1): 50.0, (1, 2): 50.0})
    t = np.array([0.0, 1e-3, 0.02, 0.5])
    p = markov.relax(q, [1.0, 0.0, 0.0], t)
    assert p[:, 1] == pytest.approx(50 * t * np.exp(-50 * t), abs=1e-14)


def test_steps_of_many_channels_at_once() -> None:
    hops = np.stack([markov.transition(c, 1e-3) for c in (CYCLES[0].generator(0.0),
                                                         CYCLES[0].generator(FLUX))])  # fmt: skip
    p = np.array([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0]])
    got = markov.step(hops, p)
    assert got[0] == pytest.approx(hops[0] @ p[0])
    assert got[1] == pytest.approx(hops[1] @ p[1])


@pytest.mark.parametrize("cycle", CYCLES)
@pytest.mark.parametrize("flux", [1e19, 1e21, FLUX, 1e24])
def test_the_plateau_is_the_steady_state(cycle: Kinetics, flux: float) -> None:
    p = markov.stationary(cycle.generator(flux))
    assert cycle.plateau(flux) == pytest.approx(float(cycle.weights @ p), rel=1e-12)
    late = expm(cycle.generator(flux) * 200.0) @ cycle.dark
    assert cycle.plateau(flux) == pytest.approx(float(cycle.weights @ late), rel=1e-9)


def test_four_states_in_closed_form() -> None:
    cycle = FourState()
    assert cycle.steady(FLUX) == pytest.approx(markov.stationary(cycle.generator(FLUX)), rel=1e-13)


def test_generators_are_the_published_equations() -> None:
    """One column of rates at a time, with the numbers of the sources in 1/ms."""
    phi = FLUX * 1e-6  # photons a square millimetre and second, the unit of the source
    excited = phi**0.833 / (phi**0.833 + 2.33e17**0.833)
    moved = phi**1.94 / (phi**1.94 + 2.33e17**1.94)
    q = FourState().generator(FLUX) / 1e3
    assert q[1, 0] == pytest.approx(4.15 * excited)
    assert q[2, 3] == pytest.approx(0.868 * excited)
    assert q[2, 1] == pytest.approx(0.0373 + 0.0581 * moved)
    assert q[1, 2] == pytest.approx(0.0161 + 0.063 * moved)
    assert (q[0, 1], q[3, 2], q[0, 3]) == pytest.approx((0.105, 0.0138, 0.00033))
    assert q[3, 0] == q[0, 2] == q[2, 0] == q[1, 3] == q[3, 1] == 0.0
    assert q.sum(axis=0) == pytest.approx(np.zeros(4), abs=1e-15)


@pytest.mark.parametrize("flux", [1e20, 1e21, 3e21, FLUX, 5e22, 1e24])
def test_peak_of_three_states_in_closed_form(flux: float) -> None:
    """Real, complex and nearly equal eigenvalues."""
    cycle = ThreeState()
    assert cycle.peak_time(flux) == pytest.approx(peak(cycle, flux).time, rel=1e-9)


def test_peak_of_three_states_where_eigenvalues_meet() -> None:
    a, r = 100.0, 4.0  # d with (a + d + r)^2 = 4 (a d + a r + d r): d = (sqrt(a) - sqrt(r))^2
    d = (a**0.5 - r**0.5) ** 2
    cycle = ThreeState(k_a=2 * a, k_r=0.0, r0=r, d=d, phi_m=1.0, p=1.0)
    near = ThreeState(k_a=2 * a, k_r=0.0, r0=r, d=d * (1 + 1e-6), phi_m=1.0, p=1.0)
    assert cycle.peak_time(1.0) == pytest.approx(2 / (a + d - r), rel=1e-6)
    assert cycle.peak_time(1.0) == pytest.approx(near.peak_time(1.0), rel=1e-4)


def test_no_peak_without_desensitisation_to_speak_of() -> None:
    """a + d < r with real eigenvalues: the current only rises."""
    cycle = ThreeState(k_a=2.0, k_r=0.0, r0=1e4, d=1.0, phi_m=1.0, p=1.0)
    assert cycle.peak_time(1.0) == np.inf
    found = peak(cycle, 1.0)
    assert found.time == np.inf
    assert found.value == pytest.approx(cycle.plateau(1.0))


@pytest.mark.parametrize("cycle", CYCLES)
def test_the_peak_is_the_highest_of_many_samples(cycle: Kinetics) -> None:
    found = peak(cycle, FLUX)
    t = np.linspace(0.0, 0.1, 5001)
    samples = markov.relax(cycle.generator(FLUX), cycle.dark, t) @ cycle.weights
    assert found.value >= samples.max() - 1e-15
    assert found.value == pytest.approx(samples.max(), rel=1e-6)
    assert found.time == pytest.approx(float(t[np.argmax(samples)]), abs=2e-5)


@pytest.mark.parametrize("cycle", CYCLES)
def test_darkness_keeps_everything_closed(cycle: Kinetics) -> None:
    assert cycle.plateau(0.0) == 0.0
    assert peak(cycle, 0.0).value == 0.0
    assert markov.relax(cycle.generator(0.0), cycle.dark, 5.0) == pytest.approx(cycle.dark)


@pytest.mark.parametrize(("cycle", "speed"), [(ThreeState(), 0.2), (FourState(), 0.33)])
def test_recovery_is_complete_and_ends_at_the_dark_rate(cycle: Kinetics, speed: float) -> None:
    back = recovery(cycle, FLUX, 0.5, np.array([0.0, 1.0, 10.0, 20.0, 200.0]))
    assert (np.diff(back) > 0).all()
    assert back[-1] == pytest.approx(1.0, abs=1e-9)
    late = 1 - recovery(cycle, FLUX, 0.5, np.array([30.0, 40.0]))
    assert np.log(late[0] / late[1]) / 10 == pytest.approx(speed, rel=1e-3)


@pytest.mark.parametrize("cycle", CYCLES)
def test_time_scales_with_all_rates(cycle: Kinetics) -> None:
    speeds = {k: v * 10 for k, v in vars(cycle).items() if k not in ("gamma", "phi_m", "p", "q")}
    fast = replace(cycle, **speeds)  # type: ignore[type-var]
    assert peak(fast, FLUX).time == pytest.approx(peak(cycle, FLUX).time / 10, rel=1e-9)
    assert fast.plateau(FLUX) == pytest.approx(cycle.plateau(FLUX), rel=1e-12)


def test_photon_flux_of_a_milliwatt_of_blue() -> None:
    # 470 nm: 4.2265e-19 J a photon.
    assert float(photon_flux(1e3, 470e-9)) == pytest.approx(1e3 / 4.2265e-19, rel=1e-4)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: markov.generator(2, {(0, 1): -1.0}), "rate[0, 1]"),
        (lambda: markov.stationary(np.zeros((3, 3))), "q"),
        (lambda: markov.transition(np.zeros((2, 2)), np.nan), "dt"),
        (lambda: photon_flux(-1.0, 470e-9), "irradiance"),
        (lambda: photon_flux(1.0, 0.0), "wavelength"),
        (lambda: ThreeState(d=0.0), "d"),
        (lambda: ThreeState(k_r=-1.0), "k_r"),
        (lambda: FourState(gamma=1.5), "gamma"),
        (lambda: FourState(r=float("nan")), "r"),
        (lambda: FourState().generator(-1.0), "dose"),
    ],
)
def test_refused(call: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        call()
    assert caught.value.field == field
