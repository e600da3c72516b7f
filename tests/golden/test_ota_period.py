"""The exact interval of the OTA neuron, against quadrature and against the linear closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.integrate import quad

from lifstone.golden import InvalidValue, Lif, ota
from lifstone.golden.fi import rate

C, I_BIAS = 1e-12, 1e-9
SLOPE = float(ota.slope_voltage())
TAU = float(ota.tau(C, I_BIAS))


def relative(a: float, low: float, high: float) -> float:
    """The period in time constants for an input of ``a`` biases, potentials in ``2 n U_T``."""
    found = ota.period(a * I_BIAS, c=C, i_bias=I_BIAS, v_th=high * SLOPE, v_reset=low * SLOPE)
    return float(found) / TAU


@given(
    low=st.floats(-5, 5),
    swing=st.floats(1e-3, 6),
    margin=st.floats(1e-3, 50),
)
def test_the_closed_form_is_the_integral(low: float, swing: float, margin: float) -> None:
    high = low + swing
    a = np.tanh(high) + margin
    wanted, error = quad(lambda u: 1 / (a - np.tanh(u)), low, high, epsabs=0, epsrel=1e-11)
    assume(error < 1e-9 * wanted)
    assert relative(a, low, high) == pytest.approx(wanted, rel=1e-8)


@pytest.mark.parametrize("excess", [0.0, 1e-15, -1e-15, 1e-9, -1e-9, 1e-5, -1e-5])
def test_no_digits_are_lost_where_the_input_equals_the_bias(excess: float) -> None:
    # At a = 1 the integral is u / 2 + exp(2 u) / 4; nearby it moves by far less than 1e-3.
    wanted = 1.5 / 2 + (np.exp(2.0) - np.exp(-1.0)) / 4
    assert relative(1 + excess, -0.5, 1.0) == pytest.approx(wanted, rel=1e-12 + 3 * abs(excess))


def test_small_swings_are_those_of_the_linear_neuron() -> None:
    v_th = 1e-5
    r = 1 / float(ota.g_m(I_BIAS))
    currents = np.array([1.05, 1.5, 3.0, 100.0]) * v_th / r
    linear = 1 / rate(Lif(tau_mem=TAU, r=r, v_th=v_th), currents)
    exact = ota.period(currents, c=C, i_bias=I_BIAS, v_th=v_th)
    np.testing.assert_allclose(exact, linear, rtol=1e-6)


def test_the_leak_saturates() -> None:
    """A threshold of 200 mV: the linear neuron needs three biases, this one needs one."""
    v_th = 3 * SLOPE
    fires = np.isfinite(ota.period(np.array([0.9, 0.99, 1.0, 1.01, 3.0]) * I_BIAS, c=C,
                                   i_bias=I_BIAS, v_th=v_th))  # fmt: skip
    assert fires.tolist() == [False, False, True, True, True]
    # Far above, an integrator whose input is reduced by the bias.
    far = float(ota.period(1.2 * I_BIAS, c=C, i_bias=I_BIAS, v_th=60 * SLOPE, v_reset=50 * SLOPE))
    assert far == pytest.approx(C * 10 * SLOPE / (0.2 * I_BIAS), rel=1e-12)


def test_no_input_and_a_negative_one_never_fire() -> None:
    assert np.isinf(ota.period([0.0, -1e-9], c=C, i_bias=I_BIAS, v_th=1e-3)).all()
    # Above a threshold below rest the leak alone drives it.
    assert np.isfinite(ota.period(0.0, c=C, i_bias=I_BIAS, v_th=-0.01, v_reset=-0.02))


def test_the_linear_range() -> None:
    v = ota.linear_range(0.01)
    assert float(ota.linear_error(v)) == pytest.approx(0.01, rel=1e-9)
    # The first term of the series: x^2 / 3 = 1 %.
    assert v == pytest.approx(SLOPE * np.sqrt(0.03), rel=0.01)
    assert ota.linear_range(0.01, 1.3, 600.3) == pytest.approx(2 * v, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"v_reset": 0.02}, "v_reset"),
        ({"v_th": 11.0}, "v_th"),
        ({"v_reset": -11.0}, "v_reset"),
        ({"c": 0.0}, "c"),
        ({"i_bias": -1e-9}, "i_bias"),
        ({"temperature": np.nan}, "temperature"),
        ({"i_in": [1e-9, np.inf]}, "i_in"),
    ],
)
def test_refused(change: dict[str, object], field: str) -> None:
    good: dict[str, object] = {"i_in": 1e-9, "c": C, "i_bias": I_BIAS, "v_th": 0.01}
    with pytest.raises(InvalidValue) as caught:
        ota.period(**{**good, **change})  # type: ignore[arg-type]
    assert caught.value.field == field
