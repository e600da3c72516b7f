"""Courses of synapses: divided differences, cascades, normalisation and the exact step."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, getcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.linalg import expm

from lifstone.golden import InvalidValue, Lif
from lifstone.golden.divided import exponential_difference
from lifstone.golden.kernels import (
    Kernel,
    Shape,
    alpha_response,
    cascade,
    matrix,
    receive,
    step,
    sum_of_exponentials,
    transition,
)
from lifstone.golden.synapse import peak_time, psp

Array = NDArray[np.float64]
TAU = st.floats(1e-4, 0.1)


def in_many_digits(rates: list[float], t: float) -> float:
    """The plain recursion in 80 digits, equal rates pulled apart by 1e-20 of themselves."""
    getcontext().prec = 80
    x = sorted(Decimal(r) for r in rates)
    x = [r * (1 + k * Decimal("1e-20")) + k * Decimal("1e-20") for k, r in enumerate(x)]
    row = [(-r * Decimal(t)).exp() for r in x]
    for width in range(1, len(x)):
        row = [(row[k] - row[k + 1]) / (x[k + width] - x[k]) for k in range(len(row) - 1)]
    return float(row[0])


@given(st.lists(st.floats(0.0, 1e4), min_size=1, max_size=4), st.floats(1e-6, 0.02))
@settings(max_examples=150, deadline=None)
def test_divided_differences_keep_their_digits(rates: list[float], t: float) -> None:
    expected = in_many_digits(rates, t)
    assert float(exponential_difference(rates, t)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("gap", [0.0, 1e-12, 1e-8, 1e-4, 1e-2, 0.3])
def test_divided_differences_where_rates_meet(gap: float) -> None:
    rates = [1000.0, 1000.0 * (1 + gap), 1000.0 * (1 + 2 * gap), 50.0]
    t = np.array([0.0, 1e-5, 1e-3, 1e-2, 0.1])
    got = exponential_difference(rates, t)
    assert got[0] == 0.0
    assert got[1:] == pytest.approx([in_many_digits(rates, s) for s in t[1:]], rel=1e-12)


@given(st.lists(TAU, min_size=1, max_size=3), st.floats(1e-5, 0.1))
@settings(max_examples=60, deadline=None)
def test_a_cascade_is_the_corner_of_its_matrix_exponential(taus: list[float], t: float) -> None:
    corner = expm(matrix(taus) * t)[-1, 0] / taus[0]
    peak = 1.0 / max(taus)
    assert float(cascade(taus, t)) == pytest.approx(float(corner), rel=1e-6, abs=1e-9 * peak)


@pytest.mark.parametrize("taus", [(5e-3,), (5e-3, 5e-3), (1e-3, 5e-3), (1e-3, 5e-3, 20e-3)])
def test_a_cascade_has_unit_area(taus: tuple[float, ...]) -> None:
    area = quad(lambda t: float(cascade(taus, t)), 0.0, 1.0, limit=500, epsrel=1e-11,
                points=[1e-3, 1e-2, 0.1])[0]  # fmt: skip
    assert area == pytest.approx(1.0, rel=1e-9)
    assert float(cascade((*taus, np.inf), 0.012)) == pytest.approx(
        quad(lambda t: float(cascade(taus, t)), 0.0, 0.012, epsrel=1e-12)[0], rel=1e-10
    )
    assert cascade(taus, [-1.0, -1e-9]).tolist() == [0.0, 0.0]


def test_the_two_stage_cascade_is_the_known_potential() -> None:
    """An exponential synapse on a membrane, as the current-based neuron has it."""
    lif = Lif(tau_mem=20e-3, r=1e8, tau_syn=5e-3, v_th=np.inf)
    t = np.linspace(0.0, 0.1, 200)
    mine = 1e8 * cascade((5e-3, 20e-3), t)
    assert mine == pytest.approx(psp(lif, t), rel=1e-10, abs=1e-6)


def test_shapes_are_what_their_names_say() -> None:
    t = np.linspace(1e-4, 0.05, 300)
    assert Kernel("exponential", 5e-3)(t) == pytest.approx(np.exp(-t / 5e-3) / 5e-3)
    assert Kernel("alpha", 5e-3)(t) == pytest.approx(t * np.exp(-t / 5e-3) / 5e-3**2)
    double = (np.exp(-t / 5e-3) - np.exp(-t / 1e-3)) / 4e-3
    assert Kernel("double", 5e-3, 1e-3)(t) == pytest.approx(double)


@pytest.mark.parametrize(
    "kernel", [Kernel("alpha", 2e-3), Kernel("double", 5e-3, 1e-3), Kernel("double", 5e-3, 4.99e-3)]
)
def test_the_peak_is_where_and_as_high_as_it_says(kernel: Kernel) -> None:
    t = np.linspace(0.0, 0.03, 300_001)
    k = kernel(t)
    assert kernel.peak_time == pytest.approx(t[np.argmax(k)], abs=2e-7)
    assert kernel.peak == pytest.approx(k.max(), rel=1e-9)


def test_double_goes_into_alpha_as_its_time_constants_meet() -> None:
    t = np.linspace(0.0, 0.05, 100)
    gaps = [np.abs(Kernel("double", 5e-3, 5e-3 * (1 - e))(t) - Kernel("alpha", 5e-3)(t)).max()
            for e in (1e-3, 1e-6, 1e-9)]  # fmt: skip
    assert gaps[0] / gaps[1] == pytest.approx(1e3, rel=0.01)
    assert gaps[2] < 1e-6


@given(TAU, TAU, TAU)
@settings(max_examples=60, deadline=None)
def test_sums_of_exponentials_are_the_cascade(a: float, b: float, c: float) -> None:
    taus = np.array([a, b, c])
    if min(abs(a - b) / max(a, b), abs(b - c) / max(b, c), abs(a - c) / max(a, c)) < 0.05:
        return
    t = np.linspace(0.0, 0.2, 50)
    explicit = np.exp(-t[:, None] / taus) @ sum_of_exponentials([a, b, c])
    assert cascade([a, b, c], t) == pytest.approx(explicit, abs=1e-9 / max(a, b, c))


def test_an_alpha_current_on_a_membrane() -> None:
    t = np.linspace(0.0, 0.1, 100)
    assert alpha_response(2e-3, 20e-3, t) == pytest.approx(
        cascade((2e-3, 2e-3, 20e-3), t), rel=1e-9, abs=1e-9
    )
    late, early = cascade((2e-3, 2e-3, 20e-3), [0.05, 0.001])
    assert late / early > 1


@given(st.floats(0.1, 10.0), st.floats(1e-4, 0.03))
def test_time_scales_with_the_time_constants(scale: float, t: float) -> None:
    taus = (1e-3, 5e-3, 20e-3)
    scaled = cascade([tau * scale for tau in taus], t * scale)
    assert float(scaled) * scale == pytest.approx(float(cascade(taus, t)), rel=1e-10)


def test_the_step_of_a_clocked_body_is_exact() -> None:
    """Two spikes through a double-exponential current synapse and the membrane."""
    taus, dt = (1e-3, 5e-3, 20e-3), 5e-4
    hop, stages, out = transition(taus, dt), np.zeros(3), []
    for k in range(100):
        if k in (0, 10):
            stages = receive(stages, taus, 2.0 if k else 1.0)
        stages = step(hop, stages)
        out.append(stages[-1])
    t = np.arange(1, 101) * dt
    expected = cascade(taus, t) + 2.0 * cascade(taus, t - 10 * dt)
    assert np.array(out) == pytest.approx(expected, rel=1e-10, abs=1e-12)
    assert np.triu(hop, 1).any() == np.False_


def test_peak_time_is_shared_with_the_current_based_synapse() -> None:
    assert Kernel(Shape.DOUBLE, 5e-3, 1e-3).peak_time == peak_time(1e-3, 5e-3)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: Kernel("square", 1e-3), "shape"),
        (lambda: Kernel("alpha", 0.0), "tau"),
        (lambda: Kernel("double", 1e-3, 1e-3), "rise"),
        (lambda: Kernel("double", 1e-3), "rise"),
        (lambda: cascade((1e-3, -1.0), 0.0), "tau[1]"),
        (lambda: sum_of_exponentials((1e-3, 1e-3)), "taus"),
        (lambda: alpha_response(1e-3, 1e-3, 0.0), "tau_mem"),
        (lambda: transition((1e-3,), 0.0), "dt"),
        (lambda: exponential_difference([-1.0], 0.0), "rates"),
        (lambda: exponential_difference([], 0.0), "rates"),
        (lambda: exponential_difference([1.0], -1.0), "t"),
    ],
)
def test_refused(call: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        call()
    assert caught.value.field == field
