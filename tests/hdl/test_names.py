"""Names of a network become Verilog identifiers: valid, distinct, and still recognisable."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifstone.golden import Connection, InvalidValue, Lif, Network, NetworkContract, quantise
from lifstone.hdl import generate
from lifstone.hdl.names import KEYWORDS, check_identifier, identifiers
from lifstone.hdl.network import input_sizes, port_names

WORDS = st.text(st.sampled_from("aAbB12_.$ é-\n"), max_size=6)


@given(st.lists(WORDS, unique=True, max_size=12))
def test_identifiers_are_valid_and_distinct_whatever_the_case(names: list[str]) -> None:
    found = identifiers(names)
    assert list(found) == names
    assert all(re.fullmatch(r"[A-Za-z0-9_]+", word) for word in found.values())
    assert all("__" not in word for word in found.values())
    assert len({word.lower() for word in found.values()}) == len(names)


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", fullmatch=True))
def test_a_good_name_stays_as_it_is(name: str) -> None:
    assert identifiers([name]) == {name: name}


def test_names_that_would_meet_are_numbered_in_order() -> None:
    names = ["a.b", "a_b", "a b", "a_b_2", "A_B"]
    assert list(identifiers(names).values()) == ["a_b", "a_b_2", "a_b_3", "a_b_2_2", "A_B_4"]


@pytest.mark.parametrize("name", ["", "1net", "a b", "a.b", "né", "a$", "x" * 201, "a\n", "top;"])
def test_what_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match=r"^name = .*letter or _"):
        check_identifier(name)


@pytest.mark.parametrize("name", ["module", "wire", "logic", "endcase", "class", "output"])
def test_reserved_words_are_refused(name: str) -> None:
    assert name in KEYWORDS
    with pytest.raises(InvalidValue, match="Verilog does not reserve"):
        check_identifier(name)


@pytest.mark.parametrize("name", ["_", "Module", "net_1", "x" * 200])
def test_others_are_accepted(name: str) -> None:
    check_identifier(name)


def network(inputs: dict[str, int], names: list[str], *edges: tuple[str, str]) -> NetworkContract:
    """Populations of two neurons, all of them outputs."""
    sizes = {**dict.fromkeys(names, 2), **inputs}
    populations = {k: Lif(tau_mem=10e-3, v_th=1.0, n=2) for k in names}
    connections = tuple(Connection(a, b, np.ones((2, sizes[a]))) for a, b in edges)
    return quantise(Network(1e-3, inputs, populations, connections, tuple(names))).contract


def test_an_input_and_a_population_may_differ_by_a_dot_alone() -> None:
    # Both have several sinks, so that each has a fork named after it.
    edges = (("p.q", "p_q"), ("p.q", "c"), ("p_q", "c"))
    contract = network({"p.q": 3}, ["p_q", "c"], *edges)
    names = port_names(contract)
    assert names == {"inputs": {"p.q": "p_q"}, "populations": {"p_q": "p_q_2", "c": "c"}}
    verilog = generate(contract).verilog
    assert "module lifstone_net_fork_p_q " in verilog
    assert "module lifstone_net_fork_p_q_2 " in verilog


def test_a_population_called_step_does_not_hide_the_pace() -> None:
    contract = network({}, ["step", "c"], ("step", "c"))
    assert input_sizes(contract) == {"step_": 1}
    design = generate(contract, trace=True)
    assert [p["port"] for p in design.manifest["inputs"]] == ["in_step_"]
    assert input_sizes(network({}, ["c"])) == {"step": 1}


def test_a_population_may_be_called_as_a_part_of_another() -> None:
    # Both have a module for which "core_a_leak" would be the plain name.
    contract = network({"x": 1}, ["a", "a_leak"], ("x", "a"), ("a", "a_leak"))
    verilog = generate(contract).verilog
    heads = re.findall(r"^// (.*)\n(?:// .*\n)?module (\w+)", verilog, re.M)
    found = {module: note for note, module in heads if "_leak" in module}
    assert found == {
        "lifstone_net_core_a_leak": (
            'population "a_leak": 2 neurons in turn, state Q4.12, weights of 8 bits'
        ),
        "lifstone_net_core_a_leak_2": 'population "a": input, decay of the stored state',
        "lifstone_net_core_a_leak_fire": (
            'population "a_leak": integration, comparison, reset, refractory period'
        ),
        "lifstone_net_core_a_leak_leak": 'population "a_leak": input, decay of the stored state',
    }
    assert "  lifstone_net_core_a_leak core_a_leak (" in verilog
    assert "  lifstone_net_core_a_leak_2 leak (" in verilog


@pytest.mark.parametrize("name", ["begin", "reg", "clk", "rst", "at_start", "fire", "index", "1"])
def test_any_name_makes_a_design(name: str) -> None:
    verilog = generate(network({"x": 1}, [name], ("x", name)), trace=True).verilog
    assert f"out_{name}_valid" in verilog
    assert f"module lifstone_net_core_{name} " in verilog
