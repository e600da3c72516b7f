"""One leak at three levels: each against its formula, and each against the next."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from lifstone.analog.leak import LEVELS, BehaviouralLeak, IdealLeak, leak_at
from lifstone.analog.leak_fit import fit_leak
from lifstone.analog.run import run_netlist
from lifstone.analog.silicon import SiliconNeuron
from lifstone.analog.silicon_measure import leak_curve, measure_ac, measure_decay
from lifstone.golden import InvalidValue, ota
from lifstone.golden.ota import BOLTZMANN

NEURON = SiliconNeuron(c=10e-12)
FLAWED = BehaviouralLeak(10e-12, 1e-9, offset=3e-3, gain=50.0, low=0.65, high=0.75)


@pytest.mark.parametrize(("c", "g"), [(1e-12, 1e-9), (20e-12, 3e-7)])
def test_the_ideal_leak_is_c_over_g(c: float, g: float) -> None:
    leak = IdealLeak(c, g)
    curve = leak_curve(leak)
    assert (curve.g_m, curve.rest) == (pytest.approx(g, rel=1e-9), pytest.approx(0.7))
    assert measure_ac(leak) == pytest.approx(c / g, rel=1e-9)
    # The simulator's own steps.
    assert measure_decay(leak) == pytest.approx(c / g, rel=1e-5)


def test_all_levels_go_through_the_same_measurements() -> None:
    taus = {level: measure_decay(leak_at(level, NEURON)) for level in LEVELS}
    assert taus["behavioural"] == pytest.approx(taus["ideal"], rel=1e-3)
    # Output conductance, and the mirror's 5 %.
    assert taus["transistor"] == pytest.approx(taus["ideal"], rel=0.05)
    assert taus["transistor"] < 0.99 * taus["ideal"]


def test_behavioural_is_its_formula_with_every_flaw() -> None:
    curve = leak_curve(FLAWED)
    x = curve.v - 0.703
    pair = -ota.current(x, 1e-9, 1.35)
    u_t = float(ota.thermal_voltage(300.15))
    room_up = -np.expm1(-np.maximum(0.75 - curve.v, 0) / u_t)
    room_down = -np.expm1(-np.maximum(curve.v - 0.65, 0) / u_t)
    given = np.where(pair > 0, pair * room_up, pair * room_down)
    expected = -given + FLAWED.g_m / 50 * x
    np.testing.assert_allclose(curve.current, expected, rtol=1e-6, atol=1e-16)
    # With the operating point exactly at rest, where given and taken current meet.
    whole = replace(FLAWED, low=-inf, high=inf)
    assert measure_ac(whole) == pytest.approx(10e-12 / whole.conductance, rel=1e-3)
    share = 1 - np.exp(-np.array([0.75 - 0.703, 0.703 - 0.65]) / u_t).mean()
    ended = FLAWED.g_m * (share + 1 / 50)
    assert measure_ac(FLAWED) == pytest.approx(10e-12 / ended, rel=1e-3)


def test_behavioural_becomes_ideal_in_the_limit() -> None:
    """With the bias and the pair's slope up together the tanh is its tangent."""
    errors = []
    for stretch in (1.0, 2.0, 5.0):
        # A slope factor has a bound; temperature stretches the pair's input as well.
        leak = BehaviouralLeak(10e-12, stretch * 1e-9, temperature=stretch * 300.15, shot=0.0)
        ideal = leak_curve(IdealLeak(10e-12, leak.g_m)).current
        errors.append(float(np.abs(leak_curve(leak, 0.02).current).max()))
        reach = np.interp(0.72, leak_curve(IdealLeak(10e-12, leak.g_m)).v, ideal)
        errors[-1] = abs(errors[-1] / reach - 1.0)
    assert errors[0] == pytest.approx(float(ota.linear_error(0.02, 1.35)), rel=0.01)
    # The error is of second order: a fourth, a twenty-fifth.
    assert errors[1] == pytest.approx(errors[0] / 4, rel=0.1)
    assert errors[2] == pytest.approx(errors[0] / 25, rel=0.1)


def test_flaws_move_what_they_should() -> None:
    plain = BehaviouralLeak(10e-12, 1e-9)
    base = leak_curve(plain)
    moved = leak_curve(replace(plain, offset=4e-3))
    assert moved.rest - base.rest == pytest.approx(4e-3, abs=1e-6)
    leaky = leak_curve(replace(plain, gain=20.0))
    assert leaky.g_m / base.g_m == pytest.approx(1.05, rel=1e-4)
    # A range that ends a thermal voltage above rest takes 1/e of what the mirror gives.
    near = leak_curve(replace(plain, high=0.7 + float(ota.thermal_voltage(300.15))))
    below = base.v.searchsorted(0.699)
    assert near.current[below] / base.current[below] == pytest.approx(1 - np.exp(-1), rel=0.03)


def test_noise_is_that_of_the_capacitor() -> None:
    """``2 n kT / C``: shot noise of the pair and its mirror upon the OTA's own conductance."""
    leak = BehaviouralLeak(1e-12, 1e-9)
    assert leak.noise_voltage**2 == pytest.approx(2 * 1.35 * BOLTZMANN * 300.15 / 1e-12)
    tau = leak.c / leak.conductance
    step, stop = tau / 20, 150 * tau
    lines = ["* noise", *leak.leak_lines(), *leak.noise_lines(step, stop, 3),
             ".nodeset v(mem)=0.7", f".tran {step!r} {stop!r} 0 {step!r}", ".end"]  # fmt: skip
    t, mem = run_netlist("\n".join(lines) + "\n", ("time", "mem"))
    even = np.interp(np.arange(5 * tau, stop, step), t, mem)
    # 145 time constants of an exponential autocovariance: 72 independent squares, 17 % each.
    assert even.std() == pytest.approx(leak.noise_voltage, rel=0.17)
    assert even.mean() == pytest.approx(0.7, abs=4 * leak.noise_voltage * np.sqrt(2 / 145))


def test_a_fit_takes_the_place_of_the_transistors() -> None:
    curve = leak_curve(NEURON)
    fitted, left = fit_leak(curve, NEURON)
    assert left < 0.02
    assert fitted.n_slope == pytest.approx(1.35, rel=0.05)
    assert 20 < fitted.gain < 1000
    assert measure_decay(fitted) == pytest.approx(measure_decay(NEURON), rel=0.02)
    assert leak_curve(fitted).rest == pytest.approx(curve.rest, abs=1e-3)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: IdealLeak(-1e-12, 1e-9), "c"),
        (lambda: IdealLeak(1e-12, inf), "g"),
        (lambda: BehaviouralLeak(1e-12, 1e-9, gain=0.5), "gain"),
        (lambda: BehaviouralLeak(1e-12, 1e-9, gain=float("nan")), "gain"),
        (lambda: BehaviouralLeak(1e-12, 1e-9, low=0.8), "low"),
        (lambda: BehaviouralLeak(1e-12, 1e-9, high=float("nan")), "high"),
        (lambda: leak_at("exact", NEURON), "level"),
    ],
)
def test_bad_input(make: object, field: str) -> None:
    with pytest.raises(InvalidValue, match=field):
        make()  # type: ignore[operator]
