"""The netlist as text: its form, its numbers, and what never gets into it."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.analog import OtaNeuron, Transient, from_lif, netlist
from lifstone.golden import InvalidValue, Lif

NEURON = OtaNeuron(c=1e-11, i_bias=2e-8)
PULSE = Transient([0.0, 1e-3, 0.0], 1e-3)
NUMBER = re.compile(r"(?<![A-Za-z_0-9.])[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?(?![A-Za-z_0-9])")
HOSTILE = [
    "1e-12",
    "1e-12\n.control\nshell id\n.endc",
    "1e-12 ; x",
    b"1",
    None,
    True,
    np.bool_(True),
    1j,
    [1e-12],
    Fraction(1, 3),
    np.nan,
    np.inf,
    -np.inf,
    10**400,
    1e300,
    np.float64("nan"),
]

potentials = st.floats(-10, 10)
neurons = st.builds(
    lambda c, i_bias, v_leak, v_th, swing, v_init, t_ref, tau_syn, temperature: OtaNeuron(
        c, i_bias, v_leak, v_th, v_th - swing, v_init, t_ref, tau_syn, 1.3, temperature
    ),
    st.floats(1e-18, 1),
    st.just(0.0) | st.floats(1e-18, 1),
    potentials,
    potentials | st.just(1e6),
    st.floats(1e-6, 10),
    potentials,
    st.just(0.0) | st.floats(1e-12, 10),
    st.none() | st.floats(1e-9, 10),
    st.floats(1, 600),
)
transients = st.builds(
    Transient, st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40), st.floats(1e-9, 10)
)


@settings(max_examples=150)
@given(neuron=neurons, transient=transients, g_in=st.floats(-1, 1))
def test_every_line_is_one_of_ours_and_every_number_finite(
    neuron: OtaNeuron, transient: Transient, g_in: float
) -> None:
    text = netlist(neuron, transient, g_in)
    assert text.isascii()
    assert text.endswith("\n.end\n")
    lines = text.splitlines()
    assert lines[0] == "* capacitor and OTA neuron"
    cards = [line.split()[0] for line in lines if line[0] not in "*+"]
    known = {"Vdrive", "Gin", "Gsyn", "Csyn", "Cmem", "Bota", "Bcmp", "Ccmp", "Bend", "Cend"}
    known |= {"Bhold", "Blatch", "Clatch", "Btimer", "Ctimer", "Breset", "Rlatch"}
    known |= {".temp", ".options", ".tran", ".print", ".end"}
    assert set(cards) <= known
    assert len(set(cards)) == len(cards)
    assert not re.search(r"\b(nan|inf|np|float64|None)\b", text)
    assert all(np.isfinite(float(n)) for n in NUMBER.findall(text))
    assert max(map(len, lines)) < 400


def test_the_values_are_written_to_the_last_bit() -> None:
    neuron = OtaNeuron(c=1 / 3e11, i_bias=1 / 7e7, v_th=1 / 900, v_reset=-1 / 1100)
    text = netlist(neuron, PULSE, 1 / 3e6)
    for value in (neuron.c, neuron.i_bias, neuron.v_th, neuron.v_reset, 1 / 3e6):
        assert repr(value) in text


def test_what_is_left_out() -> None:
    assert "Bota" not in netlist(OtaNeuron(c=1e-11, i_bias=0.0), PULSE, 1e-9)
    silent = netlist(OtaNeuron(c=1e-11, i_bias=2e-8, v_th=1e6), PULSE, 1e-9)
    assert "Breset" not in silent
    assert "Csyn" not in silent
    assert "Csyn" in netlist(OtaNeuron(c=1e-11, i_bias=2e-8, tau_syn=1e-3), PULSE, 1e-9)


def test_no_element_that_the_library_crashes_on_or_that_keeps_a_position() -> None:
    text = netlist(OtaNeuron(c=1e-11, i_bias=2e-8, t_ref=1e-3, tau_syn=1e-3), PULSE, 1e-9)
    assert "external" not in text
    assert not re.search(r"(?mi)^[SW]\w* |^\.model", text)


def test_the_drive_is_held_and_its_edges_are_short() -> None:
    text = netlist(NEURON, Transient([1.0, 1.0, 0.5, 0.5, 2.0], 1e-3), 1e-9)
    body = text[text.index("pwl(") + 4 : text.index("+ )")].replace("+", " ")
    pairs = np.array(body.split(), dtype=float).reshape(-1, 2)
    at = (np.arange(5) + 0.5) * 1e-3
    assert np.interp(at, pairs[:, 0], pairs[:, 1]).tolist() == [1.0, 1.0, 0.5, 0.5, 2.0]
    assert np.diff(pairs[:, 0]).min() == pytest.approx(1e-9)


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "field",
    ["c", "i_bias", "v_leak", "v_th", "v_reset", "v_init", "t_ref", "tau_syn", "n_slope",
     "temperature"],
)  # fmt: skip
def test_hostile_parameters_are_refused(field: str, value: object) -> None:
    if field == "tau_syn" and value is None:
        return
    good: dict[str, object] = {"c": 1e-11, "i_bias": 2e-8}
    with pytest.raises(InvalidValue) as caught:
        OtaNeuron(**{**good, field: value})  # type: ignore[arg-type]
    assert caught.value.field == field
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_arguments_are_refused(value: object) -> None:
    with pytest.raises(InvalidValue, match="g_in"):
        netlist(NEURON, PULSE, value)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="dt"):
        Transient([0.0], value)  # type: ignore[arg-type]
    if value is not None:
        with pytest.raises(InvalidValue, match="max_step"):
            Transient([0.0], 1e-3, value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("drive", "message"),
    [
        ([0.0, np.nan], r"drive\[1\]"),
        ([np.inf], r"drive\[0\]"),
        ([0.0, 1e200], r"drive\[1\]"),
        (["0\n.control"], "drive"),
        ([[0.0]], "drive"),
        ([], "drive"),
        ([None], "drive"),
        ([1j], "drive"),
    ],
)
def test_hostile_drives_are_refused(drive: list[object], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        Transient(drive, 1e-3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["", " x", ".control", "a\n.control", "a\r.end", "a\x85b", "a\u2028b", "a;b", "é",
             "x" * 81, "$x", "a\tb", "a\x00b", "a\n", None, 3],
)  # fmt: skip
def test_a_title_stays_on_its_line(name: object) -> None:
    with pytest.raises(InvalidValue, match="title"):
        netlist(NEURON, PULSE, 1e-9, name=name)  # type: ignore[arg-type]


def test_a_good_title() -> None:
    assert netlist(NEURON, PULSE, 1e-9, name="Neuron (3), b.x:2").startswith(
        "* Neuron (3), b.x:2\n"
    )


def test_a_neuron_that_no_spike_can_reset() -> None:
    with pytest.raises(InvalidValue, match="v_reset"):
        OtaNeuron(c=1e-11, i_bias=2e-8, v_th=1e-3, v_reset=1e-3)


class TestFromLif:
    def test_units(self) -> None:
        lif = Lif(tau_mem=20e-3, r=2.0, v_leak=-65.0, v_th=-50.0, v_reset=-70.0, t_ref=2e-3)
        m = from_lif(lif)
        assert m.neuron.v_th == pytest.approx(1e-3)
        assert m.neuron.v_reset == pytest.approx(-1e-3 / 3)
        assert m.neuron.tau == pytest.approx(20e-3, rel=1e-12)
        # Steady state: g_in x scale / g_m is r x in the model's units.
        assert m.g_in / m.neuron.g_m == pytest.approx(2.0, rel=1e-12)
        assert m.scale * 15 == pytest.approx(1e-3)

    def test_inhibition_makes_the_swing_smaller(self) -> None:
        lif = Lif(tau_mem=20e-3)
        assert from_lif(lif, reach=4.0).neuron.v_th == pytest.approx(1e-3)
        assert from_lif(lif, reach=100.0).neuron.v_th == pytest.approx(5e-5)

    def test_without_leak_and_without_threshold(self) -> None:
        m = from_lif(Lif(tau_mem=np.inf, r=100.0, v_th=np.inf))
        assert m.neuron.i_bias == 0
        assert m.neuron.v_th == 1e6
        assert m.g_in / m.neuron.c == pytest.approx(100.0)

    @pytest.mark.parametrize("swing", ["1\n", np.nan, 0.0, -1.0, True])
    def test_refused(self, swing: object) -> None:
        with pytest.raises(InvalidValue, match="swing"):
            from_lif(Lif(tau_mem=1e-2), swing=swing)  # type: ignore[arg-type]
        with pytest.raises(InvalidValue, match="n = 2"):
            from_lif(Lif(tau_mem=1e-2, n=2))
