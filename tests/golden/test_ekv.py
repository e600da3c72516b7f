"""The transistor equation: limits, symmetry, temperature."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifstone.golden import InvalidValue
from lifstone.golden.ekv import Mos, drain_current, inversion, specific_current
from lifstone.golden.ota import thermal_voltage

MOS = Mos(v_t=0.45, n_slope=1.35, beta=300e-6)
SIZE = {"w": 2e-6, "length": 1e-6}
U_T = float(thermal_voltage(300.15))


def test_weak_inversion_is_exponential() -> None:
    slope = np.diff(np.log(drain_current(MOS, [0.05, 0.06], 1.0, **SIZE)))[0] / 0.01
    assert slope == pytest.approx(1.0 / (MOS.n_slope * U_T), rel=2e-3)


def test_strong_inversion_is_the_square_law() -> None:
    deep = drain_current(MOS, 3.0, 3.0, **SIZE)
    square = MOS.beta * 2.0 * (3.0 - MOS.v_t) ** 2 / (2.0 * MOS.n_slope)
    assert deep == pytest.approx(square, rel=1e-3)


@given(gate=st.floats(0, 1.8), drain=st.floats(0, 1.8), source=st.floats(0, 1.8))
def test_drain_and_source_are_alike(gate: float, drain: float, source: float) -> None:
    ahead = drain_current(MOS, gate, drain, source, **SIZE)
    back = drain_current(MOS, gate, source, drain, **SIZE)
    assert ahead == pytest.approx(-back, rel=1e-12, abs=1e-300)


def test_specific_current_at_the_threshold() -> None:
    # At v_g = v_t and v_s = 0 the forward current is I_s ln^2 2.
    at = drain_current(MOS, MOS.v_t, 10.0, **SIZE)
    assert at == pytest.approx(specific_current(MOS, 2e-6, 1e-6) * np.log(2.0) ** 2, rel=1e-12)
    assert inversion(0.0) == pytest.approx(np.log(2.0) ** 2)


def test_heat_lowers_the_threshold_and_the_mobility() -> None:
    hot = MOS.at(400.15)
    assert hot.v_t == pytest.approx(MOS.v_t - 0.1)
    assert hot.beta == pytest.approx(MOS.beta * (400.15 / 300.15) ** -1.5)


@pytest.mark.parametrize(
    ("change", "field"), [({"n_slope": 0.9}, "n_slope"), ({"beta": 0.0}, "beta")]
)
def test_impossible_transistors(change: dict[str, float], field: str) -> None:
    with pytest.raises(InvalidValue, match=field):
        Mos(**{"v_t": 0.45, "n_slope": 1.35, "beta": 3e-4, **change})
    with pytest.raises(InvalidValue, match="w / l"):
        specific_current(MOS, -1e-6, 1e-6)
