"""Netlists for other simulators: read back by their own rules, they are the same circuit."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lifstone.analog import Waveform, spike_times
from lifstone.analog.dialects import DIALECTS, translate
from lifstone.analog.run import run_netlist
from lifstone.analog.silicon import SiliconNeuron
from lifstone.golden import InvalidValue, Lif
from lifstone.sim.spice import export_netlist

X = np.array([1.5, -1.0, 4.0, 5.0, 3.0, 0.0, 6.0, 6.0])
LIF = Lif(tau_mem=5e-3, tau_syn=2e-3, t_ref=0.5e-3, v_leak=-0.2, v_th=0.5, v_reset=-0.4)
TEXT = export_netlist(LIF, X, 1e-3, name="a neuron")


def run(text: str) -> Waveform:
    return Waveform(*run_netlist(text, ("time", "mem", "latch")))


def from_xyce(text: str) -> str:
    """Expressions stand in braces, options in packages."""
    out = []
    for line in text.splitlines():
        if line.startswith("B"):
            assert re.fullmatch(r"B\w+ \w+ \w+ [IV]=\{[^{}]+\}", line)
            out.append(line.replace("{", "").replace("}", ""))
        elif line.startswith(".options"):
            package, *settings = line.split()[1:]
            assert (package, {s.split("=")[0] for s in settings}) in (
                ("device", {"temp"}), ("device", {"gmin"}),
                ("timeint", {"method", "reltol", "abstol"}),
            )  # fmt: skip
        else:
            out.append(line)
    return "\n".join([*out[:-1], options(), out[-1]]) + "\n"


def options() -> str:
    """What a test may take from the original: how exactly its own simulator solves."""
    return next(line for line in TEXT.splitlines() if line.startswith(".options"))


def from_spectre(text: str) -> str:
    """Name, nodes in parentheses, master, parameters."""
    text = re.sub(r"\\\n *", "", text)
    first, *lines = text.splitlines()
    assert first == "simulator lang=spectre"
    out = ["* read back"]
    for line in lines:
        if line.startswith("//"):
            continue
        if match := re.fullmatch(r"(\w+) \(([\w ]+)\) (\w+) (.*)", line):
            name, nodes, master, rest = match.groups()
            if master == "bsource":
                out.append(f"{name} {nodes} {rest[0].upper()}{rest[1:]}")
            elif master == "vsource":
                points = re.fullmatch(r"type=pwl wave=\[ (.*) \]", rest)
                assert points
                out.append(f"{name} {nodes} pwl({points[1]})")
            else:
                key = {"capacitor": "c=", "resistor": "r=", "vccs": "gm="}[master]
                assert rest.startswith(key)
                out.append(f"{name} {nodes} {rest.removeprefix(key)}")
        elif line.startswith("run tran"):
            o = dict(word.split("=") for word in line.split()[2:])
            assert (o["skipdc"], o["outputstart"]) == ("yes", "0")
            out.append(f".tran {o['step']} {o['stop']} 0 {o['maxstep']} uic")
        elif line.startswith("heat"):
            out.append(f".temp {line.split('=')[1]}")
        else:
            assert line.split()[0] in ("save", "tolerances")
    return "\n".join([*out, options(), ".end"]) + "\n"


@pytest.mark.parametrize(("dialect", "back"), [("xyce", from_xyce), ("spectre", from_spectre)])
def test_read_back_it_is_the_same_circuit(dialect: str, back: object) -> None:
    other = back(translate(TEXT, dialect))  # type: ignore[operator]
    original, copy = run(TEXT), run(other)
    assert spike_times(original).size >= 2
    np.testing.assert_array_equal(spike_times(copy), spike_times(original))
    np.testing.assert_array_equal(copy.mem, original.mem)


def test_ngspice_is_the_text_itself() -> None:
    assert translate(TEXT, "ngspice") == TEXT


def test_a_neuron_without_threshold_is_plain_too() -> None:
    never = export_netlist(Lif(tau_mem=5e-3, v_th=np.inf), X, 1e-3)
    assert "Rlatch (latch 0) resistor r=1" in translate(never, "spectre")
    assert "Rlatch latch 0 1" in translate(never, "xyce")


@pytest.mark.parametrize("dialect", [d for d in DIALECTS if d != "ngspice"])
@pytest.mark.parametrize(
    "line", [".subckt a b", "Mq d g s b model", "Xq a b sub", ".include x", "Vx a 0 sin(0 1 1)"]
)
def test_what_has_no_plain_form_is_refused(dialect: str, line: str) -> None:
    with pytest.raises(InvalidValue, match=re.escape(line.split()[0])):
        translate(TEXT.replace(".end", f"{line}\n.end"), dialect)
    with pytest.raises(InvalidValue, match="format"):
        translate("\n".join(SiliconNeuron().lines()), dialect)


def test_an_unknown_format_names_those_there_are() -> None:
    with pytest.raises(InvalidValue, match="ngspice, xyce, spectre"):
        translate(TEXT, "hspice")
