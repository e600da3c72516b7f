"""Reading NIR files: real ones, hand-made ones, and what is wrong with the others."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest

from lifstone.golden import InvalidValue, Method, run_float
from lifstone.sim.nir_read import read_nir
from tests.sim.nir_files import ends, lif, linear, write

SHARED = Path(__file__).parents[3] / "shared" / "nir"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="the folder ../shared/nir is absent")
CHAIN = [("in", "w"), ("w", "n"), ("n", "out")]


def said(assumptions: tuple[str, ...], *phrases: str) -> None:
    text = "\n".join(assumptions)
    for phrase in phrases:
        assert phrase in text, text


@real
@pytest.mark.parametrize("path", sorted(SHARED.glob("*.nir")), ids=lambda p: p.name)
def test_real_files_read_without_arguments(path: Path) -> None:
    imported = read_nir(path)
    net = imported.network
    rng = np.random.default_rng(0)
    inputs = {k: (rng.random((100, n)) < 0.5).astype(np.uint8) for k, n in net.inputs.items()}
    traces = run_float(net, inputs)
    assert all(np.isfinite(t.v).all() for t in traces.values())
    assert sum(int(t.spikes.sum()) for t in traces.values()) > 0
    assert len(imported.assumptions) >= 2


@real
def test_a_file_that_the_nir_package_refuses() -> None:
    path = SHARED / "lif_rockpool.nir"
    with pytest.raises(Exception, match=r"[Tt]ype"):
        nir.read(path)
    imported = read_nir(path)
    assert imported.network.populations["1_LIFNeuronTorch"].tau_mem[0] == pytest.approx(2.5e-3)
    said(imported.assumptions, "output has shape [1, 1, 1]", "dt = 0.0001 s")


@real
def test_braille_recurrence_and_step_are_inferred() -> None:
    imported = read_nir(SHARED / "braille_noDelay_bias_zero.nir")
    net = imported.network
    delays = {(c.pre, c.post): c.delay for c in net.connections}
    assert delays == {
        ("input", "lif1.lif"): 0,
        ("lif1.lif", "lif1.lif"): 1,
        ("lif1.lif", "lif2"): 0,
    }
    assert (net.dt, net.method, net.outputs) == (1e-4, Method.EULER, ("lif2",))
    said(
        imported.assumptions,
        "dt = 0.0001 s, since r dt / tau_mem = 1",
        "lif1.lif to lif1.lif closes a loop",
        "names no v_reset: 0",
    )


@real
def test_two_neurons_fire_without_input() -> None:
    net = read_nir(SHARED / "two_lif_neurons.nir").network
    spikes = run_float(net, {"in": np.zeros((2000, 1), np.uint8)})["lif1"].spikes
    # v_leak 1.2 above v_th 1: one spike every tau ln(1.2 / 0.2).
    interval = np.diff(np.flatnonzero(spikes[:, 0]))
    assert abs(interval[0] * net.dt - 0.01 * np.log(6.0)) <= net.dt


def test_chains_fold_into_one_weight_and_one_current(tmp_path: Path) -> None:
    w1, w2 = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]]), np.array([[1.0, -2.0, 4.0]])
    nodes = {
        **ends(2),
        "a": linear(w1, bias=np.array([1.0, 2.0, 3.0])),
        "s": {"type": "Scale", "scale": np.array([2.0, 3.0, -1.0])},
        "f": {"type": "Flatten", "start_dim": 1, "end_dim": -1},
        "b": linear(w2),
        "n": lif(),
    }
    edges = [("in", "a"), ("a", "s"), ("s", "f"), ("f", "b"), ("b", "n"), ("n", "out")]
    net = read_nir(write(tmp_path / "c.nir", nodes, edges)).network
    d = np.diag([2.0, 3.0, -1.0])
    assert len(net.connections) == 1
    np.testing.assert_allclose(net.connections[0].weight, w2 @ d @ w1, rtol=1e-15)
    np.testing.assert_allclose(net.bias["n"], w2 @ d @ [1.0, 2.0, 3.0], rtol=1e-15)


def test_parallel_paths_add(tmp_path: Path) -> None:
    nodes = {**ends(2, 2), "w": linear([[1.0, 2.0], [3.0, 4.0]]), "n": lif(2)}
    # A direct edge is the identity; meeting in a Flatten they are one connection.
    nodes["f"] = {"type": "Flatten"}
    edges = [("in", "w"), ("w", "f"), ("in", "f"), ("f", "n"), ("n", "out")]
    net = read_nir(write(tmp_path / "p.nir", nodes, edges)).network
    (connection,) = net.connections
    assert connection.weight.tolist() == [[2.0, 2.0], [3.0, 5.0]]


def test_an_input_edge_is_the_identity(tmp_path: Path) -> None:
    nodes = {**ends(3, 3), "s": {"type": "Scale", "scale": np.full(3, 2.0)}, "n": lif(3)}
    edges = [("in", "n"), ("n", "out")]
    direct = read_nir(write(tmp_path / "d.nir", {k: nodes[k] for k in nodes if k != "s"}, edges))
    assert np.array_equal(direct.network.connections[0].weight, np.eye(3))
    edges = [("in", "s"), ("s", "n"), ("n", "out")]
    scaled = read_nir(write(tmp_path / "s.nir", nodes, edges))
    assert np.array_equal(scaled.network.connections[0].weight, 2 * np.eye(3))


def test_two_affines_into_one_neuron_add_their_currents(tmp_path: Path) -> None:
    nodes = {
        **ends(1),
        "a": linear([[1.0]], bias=np.array([0.5])),
        "b": linear([[2.0]], bias=np.array([0.25])),
        "n": lif(),
    }
    edges = [("in", "a"), ("in", "b"), ("a", "n"), ("b", "n"), ("n", "out")]
    net = read_nir(write(tmp_path / "t.nir", nodes, edges)).network
    assert net.bias["n"].tolist() == [0.75]
    assert sorted(c.weight[0, 0] for c in net.connections) == [1.0, 2.0]


def test_one_weight_may_feed_two_neurons(tmp_path: Path) -> None:
    nodes = {**ends(2, 1), "a": linear([[1.0, 2.0]], bias=np.array([0.5])), "n": lif(), "m": lif()}
    edges = [("in", "a"), ("a", "n"), ("a", "m"), ("n", "out")]
    net = read_nir(write(tmp_path / "d.nir", nodes, edges)).network
    assert {(c.post, *c.weight[0]) for c in net.connections} == {("n", 1.0, 2.0), ("m", 1.0, 2.0)}
    assert (net.bias["n"].tolist(), net.bias["m"].tolist()) == ([0.5], [0.5])


@pytest.mark.parametrize("length", [100, 1100])
def test_a_long_row_of_weights_folds_or_is_refused(tmp_path: Path, length: int) -> None:
    scales = {f"s{k}": {"type": "Scale", "scale": np.array([1.01])} for k in range(length)}
    row = ["in", *scales, "n", "out"]
    edges = list(itertools.pairwise(row))
    path = write(tmp_path / "r.nir", {**ends(), **scales, "n": lif()}, edges)
    if length < 1000:
        weight = read_nir(path).network.connections[0].weight
        np.testing.assert_allclose(weight, 1.01**length, rtol=1e-12)
        return
    with pytest.raises(
        InvalidValue, match="edges = 's1099': allowed is at most some hundred nodes"
    ):
        read_nir(path)


def test_every_node_of_the_paper_by_its_equation(tmp_path: Path) -> None:
    """Parameters arrive in the fields that the equations of the table have them in."""
    nodes = {
        **ends(1, 1),
        "lif": lif(tau=[0.02], r=[3.0], v_leak=[0.1], v_threshold=[1.5], v_reset=[-0.2]),
        "cuba": {
            "type": "CubaLIF",
            "tau_mem": np.array([0.01]),
            "tau_syn": np.array([0.004]),
            "r": np.array([2.0]),
            "v_leak": np.array([0.2]),
            "v_threshold": np.array([0.9]),
            "w_in": np.array([4.0]),
        },
        "if": {"type": "IF", "r": np.array([5.0]), "v_threshold": np.array([2.0])},
        "li": {
            "type": "LI",
            "tau": np.array([0.03]),
            "r": np.array([6.0]),
            "v_leak": np.array([0.3]),
        },
    }
    edges = [("in", "lif"), ("lif", "cuba"), ("cuba", "if"), ("if", "li"), ("li", "out")]
    p = read_nir(write(tmp_path / "e.nir", nodes, edges)).network.populations

    def fields(name: str) -> list[float]:
        keys = ("tau_mem", "r", "v_leak", "v_th", "v_reset")
        return [float(getattr(p[name], k)[0]) for k in keys]

    assert fields("lif") == [0.02, 3.0, 0.1, 1.5, -0.2]
    assert fields("cuba") == [0.01, 2.0, 0.2, 0.9, 0.0]
    assert p["cuba"].tau_syn is not None
    assert (p["cuba"].tau_syn[0], p["cuba"].w_in[0]) == (0.004, 4.0)
    assert fields("if") == [np.inf, 5.0, 0.0, 2.0, 0.0]
    assert fields("li")[:4] == [0.03, 6.0, 0.3, np.inf]
    assert [p[n].tau_syn is None for n in ("lif", "if", "li")] == [True] * 3


def test_what_was_assumed_is_listed_in_full(tmp_path: Path) -> None:
    nodes = {**ends(), "w": linear([[1.0]]), "n": lif()}
    imported = read_nir(write(tmp_path / "a.nir", nodes, CHAIN))
    assert imported.assumptions == (
        "n names no v_reset: 0",
        "n: no refractory period, v starts from 0, a reset sets v to v_reset",
        "the file names no time step: dt = 0.0001 s",
        "exact exponential step for input held over a step",
    )
    chosen = read_nir(tmp_path / "a.nir", dt=1e-3, method=Method.EULER)
    assert (chosen.network.dt, chosen.network.method) == (1e-3, Method.EULER)
    assert chosen.assumptions == imported.assumptions[:2]


def test_subgraphs_are_dissolved(tmp_path: Path) -> None:
    inner = {
        "nodes": {
            "input": {"type": "Input", "shape": np.array([2])},
            "output": {"type": "Output", "shape": np.array([2])},
            "lif": lif(2),
            "w_rec": linear(np.ones((2, 2))),
        },
        "edges": [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")],
    }
    nodes = {**ends(1, 2), "w": linear([[1.0], [2.0]]), "g": inner}
    edges = [("in", "w"), ("w", "g"), ("g", "out")]
    net = read_nir(write(tmp_path / "g.nir", nodes, edges)).network
    assert list(net.populations) == ["g.lif"]
    delays = {(c.pre, c.delay): c.weight.shape for c in net.connections}
    assert delays == {("in", 0): (2, 1), ("g.lif", 1): (2, 2)}
    assert net.outputs == ("g.lif",)


def test_skip_connections_keep_delay_zero(tmp_path: Path) -> None:
    nodes = {**ends(1), **{k: lif() for k in ("c", "b", "a")}}
    edges = [("in", "a"), ("a", "b"), ("b", "c"), ("a", "c"), ("c", "out")]
    net = read_nir(write(tmp_path / "k.nir", nodes, edges)).network
    assert {c.delay for c in net.connections} == {0}
    assert net.order == ("a", "b", "c")


def test_arguments_override_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nir", {**ends(), "w": linear([[1.0]]), "n": lif()}, CHAIN)
    net = read_nir(path, dt=2e-3, method=Method.EULER).network
    assert (net.dt, net.method) == (2e-3, Method.EULER)
    assert not any("dt = " in a for a in read_nir(path, dt=2e-3).assumptions)
    with pytest.raises(InvalidValue, match="dt = -1"):
        read_nir(path, dt=-1.0)


def test_multidimensional_parameters_are_read_in_c_order(tmp_path: Path) -> None:
    nodes = {**ends(4, 4), "n": lif(4)}
    nodes["n"]["v_threshold"] = np.array([[1.0, 2.0], [3.0, 4.0]])
    imported = read_nir(write(tmp_path / "m.nir", nodes, [("in", "n"), ("n", "out")]))
    assert imported.network.populations["n"].v_th.tolist() == [1.0, 2.0, 3.0, 4.0]
    said(imported.assumptions, "n.v_threshold has shape [2, 2]: read in C order")


def _wrong(name: str, message: str, nodes: dict[str, Any], edges: Any = None) -> Any:
    return pytest.param(
        {**ends(), "w": linear([[1.0]]), "n": lif(), **nodes}, edges, message, id=name
    )


WRONG = [
    _wrong(
        "unknown nodes",
        r"w.type, x.type = 'MaxPool2d, Threshold': allowed is one of .*Conv2d.*LIF",
        {"w": {"type": "Threshold"}, "x": {"type": "MaxPool2d"}},
    ),
    _wrong("nan weight", r"w.weight\[0, 0\] = nan: allowed is finite", {"w": linear([[np.nan]])}),
    _wrong("inf bias", r"w.bias\[0\] = inf", {"w": linear([[1.0]], bias=np.array([np.inf]))}),
    _wrong("zero tau", r"n.tau_mem\[0\] = 0.0: allowed is greater than 0", {"n": lif(tau=[0.0])}),
    _wrong("negative tau", r"n.tau_mem\[0\] = -1.0", {"n": lif(tau=[-1.0])}),
    _wrong("nan threshold", r"n.v_th\[0\] = nan", {"n": lif(v_threshold=[np.nan])}),
    _wrong("reset over threshold", r"n.v_reset\[0\] = 2.0", {"n": lif(v_reset=[2.0])}),
    _wrong("no tau", r"n.tau = None: allowed is a value; the file has", {"n": lif(tau=None)}),
    _wrong("lengths", r"n.v_leak = \[2\]: allowed is 1 or 3", {"n": lif(3, v_leak=[0.0, 0.0])}),
    _wrong("columns", r"w.weight = \[1, 2\]: allowed is 1 columns", {"w": linear([[1.0, 2.0]])}),
    _wrong("rows", r"w.weight = \[2, 1\]: allowed is \[1, 1\]", {"w": linear([[1.0], [2.0]])}),
    _wrong("vector", r"w.weight = \[1\]: allowed is two dim", {"w": linear([1.0])}),
    _wrong("bias", r"w.bias = \[2\]: allowed is 1 values", {"w": linear([[1.0]], bias=[0.0, 1.0])}),
    _wrong("scale", r"w.scale = \[2\]", {"w": {"type": "Scale", "scale": np.ones(2)}}),
    _wrong(
        "huge input",
        r"in.shape = \[1000000000000.0\]",
        {"in": {"type": "Input", "shape": np.array([10**12])}},
    ),
    _wrong("empty input", r"in.shape = \[0.0\]", {"in": {"type": "Input", "shape": np.array([0])}}),
    _wrong(
        "no Output edge", "allowed is an Output that a neuron feeds", {}, [("in", "w"), ("w", "n")]
    ),
    _wrong("Output of a weight", r"out input = 'w \(Linear\)'", {}, [("in", "w"), ("w", "out")]),
    _wrong("edge to nowhere", r"node.edges = 'x': allowed is a node's name", {}, [("in", "x")]),
    _wrong("unconnected", "y = 'unconnected'", {"y": lif()}),
    _wrong(
        "unconnected input", "y = 'unconnected'", {"y": {"type": "Input", "shape": np.array([1])}}
    ),
    _wrong(
        "cycle of weights",
        "edges = '(w, x|x, w)': allowed is a neuron in every cycle",
        {"x": linear([[1.0]])},
        [*CHAIN, ("w", "x"), ("x", "w")],
    ),
    _wrong(
        "readout feeds on",
        r"n input = 'y \(LI\)': allowed is a node that spikes",
        {"y": {"type": "LI", "tau": [0.1], "r": [1.0], "v_leak": [0.0]}},
        [*CHAIN, ("y", "n")],
    ),
    _wrong(
        "sizes meet",
        r"f input = \[2, 1\]: allowed is inputs of one size",
        {"x": linear([[1.0], [2.0]]), "f": {"type": "Flatten"}},
        [("in", "w"), ("in", "x"), ("w", "f"), ("x", "f"), ("f", "n"), ("n", "out")],
    ),
    _wrong("only weights", "an Output that a neuron feeds", {}, []),
    _wrong(
        "overflow",
        r"weight\[0, 0\] = inf",
        {"w": linear([[1e300]]), "x": linear([[1e300]])},
        [("in", "w"), ("w", "x"), ("x", "n"), ("n", "out")],
    ),
]


@pytest.mark.parametrize(("nodes", "edges", "message"), WRONG)
def test_wrong_files_say_what_is_wrong(
    tmp_path: Path, nodes: dict[str, Any], edges: Any, message: str
) -> None:
    path = write(tmp_path / "w.nir", nodes, CHAIN if edges is None else edges)
    with pytest.raises(InvalidValue, match=message) as error:
        read_nir(path)
    assert "\n" not in str(error.value)


def test_folding_that_would_explode_is_refused(tmp_path: Path) -> None:
    nodes = {
        **ends(10_000),
        "w": linear(np.ones((1, 10_000))),
        "x": linear(np.ones((10_000, 1))),
        "n": lif(10_000),
    }
    edges = [("in", "w"), ("w", "x"), ("x", "n"), ("n", "out")]
    with pytest.raises(InvalidValue, match=r"x weights = 100000000: .* once folded"):
        read_nir(write(tmp_path / "x.nir", nodes, edges))
    nodes = {**ends(10_000), "n": lif(10_000)}
    with pytest.raises(InvalidValue, match="n input = '10000 lines'"):
        read_nir(write(tmp_path / "y.nir", nodes, [("in", "n"), ("n", "out")]))


def test_subgraph_without_output(tmp_path: Path) -> None:
    inner = {"nodes": {"input": {"type": "Input", "shape": np.array([1])}}, "edges": []}
    nodes = {**ends(), "g": inner, "n": lif()}
    with pytest.raises(InvalidValue, match=r"g.nodes = \[\]: allowed is one Output node"):
        read_nir(write(tmp_path / "g.nir", nodes, [("in", "g"), ("g", "n"), ("n", "out")]))


METADATA = [
    ("{", "JSON"),
    ("[1]", "a JSON object"),
    ('{"dt": "soon"}', "a number of seconds"),
    ('{"dt": 1e999}', "a number of seconds"),
    ('{"dt": -1}', "greater than 0"),
    ('{"method": 3}', "a text"),
    ('{"method": "magic"}', "exponential, euler"),
    ('{"order": "n"}', "a list of names"),
    ('{"delays": {"w": 1025}}', "0 to 1024 by node"),
    ('{"delays": {"w": -1}}', "0 to 1024 by node"),
    ('{"bias": {"n": "x"}}', "numbers by population"),
    ('{"bias": {"n": [1, 2]}}', "1 values"),
    ('{"populations": {"n": []}}', "by population"),
    ('{"populations": {"n": {"t_ref": []}}}', "by population"),
    ('{"populations": {"n": {"t_ref": [-1]}}}', "0 or greater"),
    ('{"populations": {"n": {"reset": "none"}}}', "set, subtract"),
    ('{"dt": 1' + "0" * 400 + "}", "a number of seconds"),
    ("[" * 100_000, "JSON"),
]


@pytest.mark.parametrize(("text", "message"), METADATA)
def test_wrong_metadata_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    nodes = {**ends(), "w": linear([[1.0]]), "n": lif()}
    path = write(tmp_path / "m.nir", nodes, CHAIN, text)
    with pytest.raises(InvalidValue, match=message) as error:
        read_nir(path)
    assert len(str(error.value)) < 400


def test_metadata_of_others_is_ignored(tmp_path: Path) -> None:
    nodes = {**ends(), "w": linear([[1.0]]), "n": lif()}
    path = write(tmp_path / "m.nir", nodes, CHAIN, json.dumps({"dt": 0.5e-3, "colour": "red"}))
    with h5py.File(path, "a") as file:
        file["node/metadata/other"] = np.arange(3)
    assert read_nir(path).network.dt == 0.5e-3
