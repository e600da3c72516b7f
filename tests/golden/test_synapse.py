"""The response to one input spike."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar

from lifstone.golden import InvalidValue, Lif
from lifstone.golden.synapse import peak_time, psp

# Without its usual 1e-12, which would swallow amperes and seconds.
approx = partial(pytest.approx, abs=0.0)

PAIRS = [(1e-2, 4e-3), (4e-3, 1e-2), (5e-3, 5e-3), (5e-3, 5e-3 * (1 + 1e-9)), (2e-2, 1e-4)]


def model(tau_mem: float, tau_syn: float) -> Lif:
    return Lif(tau_mem, r=3.0, v_leak=-1.0, v_th=np.inf, v_reset=-2.0, tau_syn=tau_syn, w_in=-2.0)


@pytest.mark.parametrize(("tau_mem", "tau_syn"), PAIRS)
def test_psp_solves_the_equations(tau_mem: float, tau_syn: float) -> None:
    t = np.linspace(0, 5 * (tau_mem + tau_syn), 40)
    weight = 0.7

    def rhs(_: float, s: list[float]) -> list[float]:
        return [(-s[0] + 3.0 * s[1]) / tau_mem, -s[1] / tau_syn]

    start = [0.0, -2.0 * weight / tau_syn]
    fine = {"rtol": 1e-11, "atol": 1e-13, "method": "DOP853", "t_eval": t}
    expected = solve_ivp(rhs, (0, t[-1]), start, **fine).y[0]
    got = psp(model(tau_mem, tau_syn), t, weight)
    np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-8 * np.abs(expected).max())


def test_psp_is_causal_and_keeps_shape() -> None:
    m = model(1e-2, 4e-3)
    assert psp(m, [-1.0, -1e-9, 0.0]).tolist() == [0.0, 0.0, 0.0]
    assert psp(m, np.full((2, 3), 1e-3)).shape == (2, 3)
    assert np.all(psp(m, [1e-6, 1.0]) <= 0)


@pytest.mark.parametrize(("tau_mem", "tau_syn"), [*PAIRS, (1e-2, 1e-8), (1e-8, 1e-2)])
def test_peak_time_is_where_psp_is_largest(tau_mem: float, tau_syn: float) -> None:
    at = peak_time(tau_mem, tau_syn)
    m = model(tau_mem, tau_syn)
    found = minimize_scalar(
        lambda t: float(psp(m, t)), bounds=(at / 3, at * 3), options={"xatol": 1e-12}
    )
    assert found.x == approx(at, rel=1e-4)
    # At a vertex both sides are lower by the same.
    left, mid, right = psp(m, at * np.array([1 - 1e-3, 1, 1 + 1e-3]))
    assert mid < left
    assert mid < right
    assert (left - mid) == approx(right - mid, rel=2e-2)


def test_peak_time_goes_into_its_limit() -> None:
    assert peak_time(5e-3, 5e-3) == 5e-3
    for e in (1e-15, 1e-12, 1e-9, 1e-8, 1e-6):
        # tau (1 + e/2 - e^2/6 ...), the mean of the two.
        assert peak_time(5e-3, 5e-3 * (1 + e)) == approx(5e-3 * (1 + e / 2), rel=1e-12)
        assert peak_time(5e-3 * (1 + e), 5e-3) == peak_time(5e-3, 5e-3 * (1 + e))


def test_equal_time_constants_are_a_limit() -> None:
    t = np.linspace(1e-4, 5e-2, 30)
    at = psp(model(5e-3, 5e-3), t)
    np.testing.assert_allclose(at, -6.0 / 5e-3 * (t / 5e-3) * np.exp(-t / 5e-3), rtol=1e-13)
    for e in (1e-12, 1e-9, 1e-6):
        near = psp(model(5e-3, 5e-3 * (1 + e)), t)
        np.testing.assert_allclose(near, at, rtol=20 * e + 1e-13)


def test_wrong_calls() -> None:
    with pytest.raises(InvalidValue, match="n = 2"):
        psp(Lif(1e-2, tau_syn=1e-3, n=2), 1e-3)
    with pytest.raises(InvalidValue, match="tau_syn = None: allowed is a synaptic time constant"):
        psp(Lif(1e-2), 1e-3)
    for tau_mem, tau_syn, message in (
        (0.0, 1e-3, "tau_mem = 0.0"),
        (1e-3, -1.0, "tau_syn = -1.0"),
        (np.inf, 1e-3, "tau_mem = inf"),
        (1e-3, np.nan, "tau_syn = nan"),
    ):
        with pytest.raises(InvalidValue, match=message):
            peak_time(tau_mem, tau_syn)
