"""Parameters: what is accepted, what is refused and in which words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lifstone.golden import Connection, InvalidValue, Lif, Method, MissingTool, Network, Reset
from lifstone.golden.errors import require
from lifstone.golden.network import check_inputs, topological_order

LIF = Lif(tau_mem=1e-2)


def test_scalars_are_broadcast_and_kept_from_change() -> None:
    lif = Lif(tau_mem=[1e-2, 2e-2, 3e-2], v_leak=0.5, v_th=2.0)
    assert lif.n == 3
    assert lif.v_leak.tolist() == lif.v_init.tolist() == [0.5] * 3
    assert lif.tau_syn is None
    with pytest.raises(ValueError, match="read-only"):
        lif.v_th[0] = 0.0


def test_a_single_neuron_is_taken_out() -> None:
    one = Lif(tau_mem=[1e-2, 2e-2], tau_syn=[1e-3, 2e-3], reset="subtract").neuron(1)
    assert (one.n, one.tau_mem[0], one.reset) == (1, 2e-2, Reset.SUBTRACT)
    assert one.tau_syn is not None
    assert one.tau_syn[0] == 2e-3
    assert Lif(tau_mem=1e-2).neuron(0).tau_syn is None


def test_spiking_needs_a_finite_threshold() -> None:
    assert LIF.spiking
    assert not Lif(tau_mem=1e-2, v_th=np.inf).spiking


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tau_mem": 0.0}, r"tau_mem\[0\] = 0.0: allowed is greater than 0"),
        ({"tau_mem": [1.0, -1.0]}, r"tau_mem\[1\] = -1.0"),
        ({"tau_mem": np.nan}, r"tau_mem\[0\] = nan: allowed is finite"),
        ({"tau_mem": -np.inf}, r"tau_mem\[0\] = -inf"),
        ({"tau_syn": 0.0}, r"tau_syn\[0\] = 0.0"),
        ({"tau_mem": np.inf, "tau_syn": 1e-3}, "finite where there is a synaptic"),
        ({"t_ref": -1e-3}, r"t_ref\[0\] = -0.001: allowed is 0 or greater"),
        ({"v_reset": 1.0}, r"v_reset\[0\] = 1.0: allowed is less than v_th = 1"),
        ({"v_leak": np.inf}, r"v_leak\[0\] = inf"),
        ({"v_th": -np.inf}, r"v_th\[0\] = -inf"),
        ({"r": [1.0, 2.0], "n": 3}, r"r = \[2\]: allowed is a scalar or 3 values"),
        ({"r": [[1.0]]}, r"r = \[1, 1\]: allowed is a scalar or a one-dim"),
        ({"r": "much"}, "r = 'much': allowed is a number"),
        ({"reset": "maybe"}, "reset = 'maybe': allowed is 'set' or 'subtract'"),
        ({"n": 0}, "n = 0: allowed is an integer of at least 1"),
    ],
)
def test_wrong_parameters(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        Lif(**{"tau_mem": 1e-2, **changes})


def test_wrong_neuron() -> None:
    with pytest.raises(InvalidValue, match="neuron = 1: allowed is 0 to 0"):
        LIF.neuron(1)


def test_messages_stay_on_one_short_line() -> None:
    with pytest.raises(InvalidValue) as error:
        require(False, "x", "a\nb" * 100, "less")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 120
    assert (error.value.field, error.value.allowed) == ("x", "less")
    assert str(MissingTool("ngspice", "apt install ngspice")) == (
        "ngspice is not installed: apt install ngspice"
    )


@pytest.mark.parametrize(
    ("weight", "delay", "message"),
    [
        ([1.0], 0, r"a->b.weight = \[1\]: allowed is two dimensions"),
        ([[1.0, np.nan]], 0, r"a->b.weight\[0, 1\] = nan"),
        ([[1.0]], -1, "a->b.delay = -1: allowed is 0 to 1024 whole steps"),
        ([[1.0]], 1025, "a->b.delay = 1025: allowed is 0 to 1024"),
        ([[1.0]], 1.5, r"a->b.delay = 1.5: allowed is 0 to 1024"),
    ],
)
def test_wrong_connections(weight: Any, delay: Any, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        Connection("a", "b", weight, delay)


def _network(**changes: Any) -> Network:
    given: dict[str, Any] = {
        "dt": 1e-3,
        "inputs": {"in": 2},
        "populations": {"a": Lif(tau_mem=1e-2, n=3), "b": LIF},
        "connections": (Connection("in", "a", np.ones((3, 2))),),
        "outputs": ("a",),
    }
    return Network(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"populations": {}}, "at least one population"),
        ({"inputs": {"a": 1}}, "names that no population has"),
        ({"inputs": {"in": 0}}, "inputs.in = 0"),
        ({"connections": (Connection("in", "x", [[1.0]]),)}, "in->x.post = 'x'"),
        ({"connections": (Connection("x", "a", [[1.0]]),)}, "x->a.pre = 'x'"),
        ({"connections": (Connection("in", "a", [[1.0]]),)}, r"weight = \[1, 1\].*\(3, 2\)"),
        ({"bias": {"x": np.zeros(1)}}, "bias.x"),
        ({"bias": {"b": np.zeros(2)}}, r"bias.b = \[2\]: allowed is 1 values"),
        ({"bias": {"b": np.array([np.inf])}}, r"bias.b\[0\] = inf"),
        ({"outputs": ("x",)}, "outputs = 'x': allowed is one of a, b"),
        ({"dt": 0.0}, "dt = 0.0"),
        ({"dt": np.nan}, "dt = nan"),
        ({"method": "magic"}, "method = 'magic'"),
        ({"dt": 2e-2, "method": "euler"}, r"at most tau_mem\[0\] = 0.01 s"),
        (
            {"connections": (Connection("b", "b", [[1.0]]),)},
            r"connections = \['b'\]: allowed is no cycle without a delay",
        ),
    ],
)
def test_wrong_networks(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        _network(**changes)


def test_a_readout_feeds_nobody() -> None:
    populations = {"a": Lif(tau_mem=1e-2, v_th=np.inf), "b": LIF}
    with pytest.raises(InvalidValue, match=r"a->b\.pre = .a.: allowed is a population that spikes"):
        _network(populations=populations, connections=(Connection("a", "b", [[1.0]]),))


def test_a_method_may_be_given_by_name() -> None:
    assert _network(method="euler").method is Method.EULER


def test_networks_answer_questions() -> None:
    net = _network()
    assert (net.size("in"), net.size("a"), net.order) == (2, 3, ("a", "b"))
    assert [c.pre for c in net.into("a")] == ["in"]
    assert net.into("b") == []
    with pytest.raises(TypeError):
        net.inputs["x"] = 1  # type: ignore[index]


def test_order_points_forward_and_keeps_ties() -> None:
    assert topological_order(("a", "b", "c"), [("c", "a")]) == ("b", "c", "a")
    with pytest.raises(InvalidValue, match=r"\['a', 'b'\]"):
        topological_order(("a", "b", "c"), [("a", "b"), ("b", "a")])


def test_inputs_are_checked() -> None:
    sizes = {"x": 2, "y": 1}
    x, y = np.zeros((5, 2)), np.ones((5, 1))
    assert check_inputs(sizes, {"x": x, "y": y}) == (5,)
    assert check_inputs({}, {}) == ()
    assert check_inputs({"x": 2}, {"x": np.zeros((5, 4, 2))}, 3) == (5, 4)
    for spikes, message in (
        ({"x": x}, "inputs.y = None"),
        ({"x": x, "y": y, "z": y}, "inputs = 'z': allowed is one of x, y"),
        ({"x": y, "y": y}, r"inputs.x = \[5, 1\]: allowed is 2 dimensions, the last 2"),
        ({"x": x, "y": y[:4]}, "as the others"),
        ({"x": x + 0.5, "y": y}, "0 or 1: one spike"),
    ):
        with pytest.raises(InvalidValue, match=message):
            check_inputs(sizes, spikes)
    with pytest.raises(InvalidValue, match="no input at all"):
        check_inputs({}, {"z": y})
