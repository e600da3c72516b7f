"""Convolutional networks in NIR: by an independent evaluation, on every body, and broken ones."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from lifstone.golden import InvalidValue, Network, Widths, quantise, run_contract, run_float
from lifstone.golden.layers.convolution import Convolution
from lifstone.sim.nir_read import Imported, read_nir
from lifstone.sim.nir_write import write_nir
from lifstone.sim.rtl.run import verify_rtl
from lifstone.sim.simulate import Simulator
from tests.sim.nir_convolutions import conv, image_ends, two_layers
from tests.sim.nir_files import lif, linear, write

CHAIN = [("in", "c"), ("c", "n"), ("n", "out")]


def scalar_lif(**changes: float) -> dict[str, Any]:
    """A LIF node whose parameters have no axis."""
    node = {"tau": 0.01, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0} | changes
    return {"type": "LIF", **{k: np.asarray(v) for k, v in node.items()}}


def chain(tmp_path: Path, shape: tuple[int, ...], node: dict[str, Any]) -> Imported:
    nodes = {**image_ends(shape), "c": node, "n": scalar_lif()}
    return read_nir(write(tmp_path / "c.nir", nodes, CHAIN))


def by_scipy(
    image: np.ndarray,
    weight: np.ndarray,
    pad: list[tuple[int, int]],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int = 1,
) -> np.ndarray:
    """The convolution of ``(C, ...)`` by SciPy, channel by channel."""
    o, c = weight.shape[0] // groups, weight.shape[1]
    out = []
    for k, kernel in enumerate(weight):
        total: Any = 0
        for i in range(c):
            wide = np.zeros([d * (n - 1) + 1 for d, n in zip(dilation, kernel[i].shape)])  # noqa: B905
            wide[tuple(slice(None, None, d) for d in dilation)] = kernel[i]
            padded = np.pad(image[k // o * c + i], pad)
            total = total + correlate(padded, wide, mode="valid", method="direct")
        out.append(total[tuple(slice(None, None, s) for s in stride)])
    return np.stack(out)


CASES = [
    pytest.param((2, 5, 6), (3, 2, 3, 2), {}, [(0, 0), (0, 0)], id="plain"),
    pytest.param(
        (2, 7, 6),
        (4, 1, 3, 2),
        {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2},
        [(1, 1), (2, 2)],
        id="all",
    ),
    pytest.param((1, 5, 5), (2, 1, 3, 3), {"padding": 1, "stride": 2}, [(1, 1), (1, 1)], id="int"),
    pytest.param((2, 5, 4), (2, 2, 2, 3), {"padding": "same"}, [(0, 1), (1, 1)], id="same"),
    pytest.param(
        (1, 6, 6), (1, 1, 4, 2), {"padding": "same", "dilation": 3}, [(4, 5), (1, 2)], id="spread"
    ),
    pytest.param((2, 5, 4), (2, 2, 2, 3), {"padding": "valid"}, [(0, 0), (0, 0)], id="valid"),
    pytest.param((3, 9), (2, 3, 4), {"stride": 2, "padding": 1}, [(1, 1)], id="one axis"),
    pytest.param((1, 9), (2, 1, 4), {"padding": "same"}, [(1, 2)], id="one axis, same"),
]


@pytest.mark.parametrize(("shape", "kernel", "options", "pad"), CASES)
def test_weights_are_those_of_scipy(
    tmp_path: Path,
    shape: tuple[int, ...],
    kernel: tuple[int, ...],
    options: dict[str, Any],
    pad: list[tuple[int, int]],
) -> None:
    rng = np.random.default_rng(1)
    weight, bias = rng.normal(size=kernel), rng.normal(size=kernel[0])
    net = chain(tmp_path, shape, conv(weight, bias=bias, **options)).network
    axes = len(shape) - 1

    def each(key: str) -> tuple[int, ...]:
        value = options.get(key, 1)
        return value if isinstance(value, tuple) else (value,) * axes

    image = rng.random(shape)
    wanted = by_scipy(
        image, weight, pad, each("stride"), each("dilation"), options.get("groups", 1)
    )
    (connection,) = net.connections
    got = (connection.weight @ image.reshape(-1)).reshape(wanted.shape)
    np.testing.assert_allclose(got, wanted, atol=1e-13)
    np.testing.assert_array_equal(net.bias["n"], np.repeat(bias, wanted[0].size))


@pytest.mark.parametrize("kind", ["SumPool2d", "AvgPool2d"])
def test_pooling_by_hand(tmp_path: Path, kind: str) -> None:
    node = {"type": kind, "kernel_size": [2, 3], "stride": [2, 3], "padding": [0, 0]}
    net = chain(tmp_path, (2, 4, 6), node).network
    image = np.random.default_rng(0).random((2, 4, 6))
    blocks = image.reshape(2, 2, 2, 2, 3)
    wanted = blocks.sum((2, 4)) if kind == "SumPool2d" else blocks.mean((2, 4))
    got = net.connections[0].weight @ image.reshape(-1)
    np.testing.assert_allclose(got, wanted.reshape(-1), rtol=1e-14)


def test_padding_of_a_mean_counts_and_is_said(tmp_path: Path) -> None:
    node = {"type": "AvgPool2d", "kernel_size": 2, "stride": 2, "padding": 1}
    imported = chain(tmp_path, (1, 2, 2), node)
    assert imported.network.connections[0].weight.tolist() == (np.eye(4) / 4).tolist()
    assert "c: zeros of the padding are part of the mean" in imported.assumptions


def test_a_chain_folds_and_shapes_follow_its_edges(tmp_path: Path) -> None:
    """Convolution, pooling, flattening and weights before one neuron, biases carried along."""
    rng = np.random.default_rng(2)
    k, b, w = rng.normal(size=(3, 2, 3, 3)), rng.normal(size=3), rng.normal(size=(4, 12))
    nodes = {
        **image_ends((2, 6, 6), 4),
        "c": conv(k, bias=b),
        "s": {"type": "Scale", "scale": np.array([1.0, 2.0, -1.0])},
        "p": {"type": "AvgPool2d", "kernel_size": [2, 2], "stride": [2, 2], "padding": [0, 0]},
        "f": {"type": "Flatten", "input_type": [3, 2, 2], "start_dim": 0, "end_dim": -1},
        "w": linear(w),
        "n": lif(4),
    }
    row = ["in", "c", "s", "p", "f", "w", "n", "out"]
    net = read_nir(write(tmp_path / "r.nir", nodes, list(itertools.pairwise(row)))).network
    image = rng.random((2, 6, 6))
    maps = by_scipy(image, k, [(0, 0), (0, 0)], (1, 1), (1, 1)) + b[:, None, None]
    pooled = (maps * np.array([1.0, 2.0, -1.0])[:, None, None]).reshape(3, 2, 2, 2, 2).mean((2, 4))
    got = net.connections[0].weight @ image.reshape(-1) + net.bias["n"]
    np.testing.assert_allclose(got, w @ pooled.reshape(-1), rtol=1e-12)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("conv") / "small_conv.nir"
    nir.write(path, two_layers())
    return path


def stimulus(net: Network, steps: int = 60) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    return {k: (rng.random((steps, n)) < 0.4).astype(np.uint8) for k, n in net.inputs.items()}


def test_two_layers_spike_alike_on_the_bodies(small: Path) -> None:
    net = read_nir(small).network
    inputs = stimulus(net)
    golden = run_float(net, inputs)
    # Words wide enough that no spike moves by rounding: eight bits of weight move some.
    contract = quantise(net, Widths(state=28, fraction=20, weight=20, decay=20)).contract
    integers = run_contract(contract, inputs)
    layer, layer_int = Simulator(net), Simulator(contract)
    for bodies, reference in ((layer, golden), (layer_int, integers)):
        traces = bodies.run({k: v[:, None] for k, v in inputs.items()})
        for name, trace in reference.items():
            np.testing.assert_array_equal(traces[name].spikes[:, 0], trace.spikes)
    for name, trace in golden.items():
        np.testing.assert_array_equal(integers[name].spikes, trace.spikes)
        assert 20 < trace.spikes.sum() < trace.spikes.size / 2, name


def test_two_layers_equal_convolutions_without_unrolled_weights(small: Path) -> None:
    """Forward in time with ``Convolution.dense`` and the closed step of a leak."""
    nodes = two_layers().nodes
    b1, b2 = nodes["c1"].bias[:, None, None], nodes["c2"].bias[:, None]
    net = read_nir(small).network
    (name, spikes), *_ = stimulus(net).items()
    first = Convolution(nodes["c1"].weight, (1, 6, 6))
    second = Convolution(nodes["c2"].weight, (2, 2, 2), padding=1)
    decay = np.exp(-net.dt / 0.01)
    v1, v2 = np.zeros((2, 4, 4)), np.zeros(3 * 2 * 2)
    th1 = np.array([1.0, 1.2])[:, None, None]
    got = run_float(net, {name: spikes})
    for k, s in enumerate(spikes):
        drive = first.dense(s.astype(float)).reshape(2, 4, 4) + b1
        v1 = decay * v1 + (1 - decay) * drive
        s1 = v1 >= th1
        v1[s1] = 0
        pooled = s1.reshape(2, 2, 2, 2, 2).sum((2, 4)).astype(float)
        drive = second.dense(pooled.reshape(-1)).reshape(3, 4) + b2
        v2 = decay * v2 + (1 - decay) * drive.reshape(-1)
        s2 = v2 >= 1
        v2[s2] = 0
        np.testing.assert_array_equal(got["n1"].spikes[k], s1.reshape(-1), err_msg=str(k))
        np.testing.assert_array_equal(got["n2"].spikes[k], s2, err_msg=str(k))


def test_what_was_inferred_is_said(small: Path) -> None:
    said = read_nir(small).assumptions
    few = "one value for all or one a channel, spread over the inferred shape"
    assert f"n1.tau, r, v_leak, v_threshold, v_reset: {few} [2, 4, 4]" in said
    assert f"n2.tau, r, v_leak, v_threshold, v_reset: {few} [3, 2, 2]" in said


def test_the_rtl_of_two_layers_is_exact(small: Path) -> None:
    net = read_nir(small).network
    verdict = verify_rtl(quantise(net).contract, stimulus(net, 40), optimise=False)
    assert str(verdict) == "exact"
    assert verdict.compared > 0


@pytest.mark.parametrize("shape", [(), (1,), (2,), (2, 1, 1), (2, 3, 3), (18,), (1, 2, 3, 3)])
def test_parameters_spread_over_the_inferred_shape(tmp_path: Path, shape: tuple[int, ...]) -> None:
    v_th = np.arange(1.0, 1.0 + int(np.prod(shape))).reshape(shape)
    nodes = {**image_ends((1, 3, 3)), "c": conv(np.ones((2, 1, 1, 1))), "n": scalar_lif()}
    nodes["n"]["v_threshold"] = v_th
    got = read_nir(write(tmp_path / "s.nir", nodes, CHAIN)).network.populations["n"].v_th
    channel = np.repeat(v_th.reshape(-1), 9) if v_th.size == 2 else v_th.reshape(-1)
    np.testing.assert_array_equal(got, np.broadcast_to(channel, 18))


def test_flat_input_takes_the_shape_that_the_node_names(tmp_path: Path) -> None:
    weight = np.ones((1, 2, 2, 2))
    named = chain(tmp_path, (18,), conv(weight, input_shape=[3, 3])).network
    plain = chain(tmp_path, (2, 3, 3), conv(weight)).network
    batch = chain(tmp_path, (1, 2, 3, 3), conv(weight)).network
    for net in (named, batch):
        assert np.array_equal(net.connections[0].weight, plain.connections[0].weight)


@pytest.mark.parametrize(("tau", "delay"), [(0.0, 0), (1e-4, 1), (7e-4, 7), (0.1024, 1024)])
def test_a_delay_becomes_the_connection_s(tmp_path: Path, tau: float, delay: int) -> None:
    nodes = {**image_ends((2,), 2), "d": {"type": "Delay", "delay": [tau, tau]}, "n": lif(2)}
    edges = [("in", "d"), ("d", "n"), ("n", "out")]
    (connection,) = read_nir(write(tmp_path / "d.nir", nodes, edges)).network.connections
    assert connection.delay == delay
    assert np.array_equal(connection.weight, np.eye(2))


def test_a_delayed_loop_is_not_delayed_twice(tmp_path: Path) -> None:
    nodes = {**image_ends((1,)), "a": lif(), "b": lif(), "d": {"type": "Delay", "delay": [1e-4]}}
    edges = [("in", "b"), ("in", "a"), ("a", "b"), ("b", "d"), ("d", "a"), ("b", "out")]
    net = read_nir(write(tmp_path / "d.nir", nodes, edges)).network
    delays = {(c.pre, c.post): c.delay for c in net.connections}
    assert (delays["a", "b"], delays["b", "a"]) == (0, 1)


ONES = np.ones((2, 1, 3, 3))
POOL = {"type": "SumPool2d", "kernel_size": [2, 2], "stride": [2, 2], "padding": [0, 0]}
WRONG = [
    ((16,), conv(ONES), r"c.input_shape = None: allowed is 2 whole numbers, since its input has"),
    ((16,), POOL, r"c input = 'shape \[16\]': allowed is channels and 2 sizes"),
    ((1, 4, 4), conv(ONES, input_shape=[5, 5]), r"c.input_shape = \[5, 5\]: .* \[4, 4\]"),
    (
        (16,),
        conv(ONES, input_shape=[5, 5]),
        r"c.input_shape = \[5, 5\]: .* fit its input, shape \[16\]",
    ),
    ((3, 4, 4), conv(ONES), r"c.weight = \[2, 1, 3, 3\]: allowed is 3 input channels in 1 groups"),
    ((1, 4, 4), conv(np.ones((2, 1, 5, 3))), r"c.kernel.[xy] = \[5, 3\]: allowed is no larger"),
    (
        (1, 4, 4),
        conv(np.ones((2, 1, 3)), type="Conv2d"),
        r"c.weight = \[2, 1, 3\]: allowed is 4 dim",
    ),
    ((1, 4, 4), conv(np.full((1, 1, 1, 1), np.nan)), r"c.weight\[0, 0, 0, 0\] = nan"),
    ((1, 4, 4), conv(ONES, bias=[0.0, np.inf]), r"c.bias\[1\] = inf: allowed is finite"),
    ((1, 4, 4), conv(ONES, bias=np.zeros(3)), r"c.bias = \[3\]: allowed is 2 values"),
    ((1, 4, 4), conv(ONES, padding="reflect"), r"c.padding = 'reflect': allowed is same, valid"),
    ((1, 4, 4), conv(ONES, padding="same", stride=2), r"c.stride = \[2, 2\]: allowed is 1 where"),
    ((1, 4, 4), conv(ONES, padding=-1), r"c.padding = \[-1.0\]: allowed is 1 or 2 whole numbers"),
    ((1, 4, 4), conv(ONES, stride=0), r"c.stride = \[0.0\]"),
    ((1, 4, 4), conv(ONES, stride=1.5), r"c.stride = \[1.5\]"),
    ((1, 4, 4), conv(ONES, dilation=[1, 1, 1]), r"c.dilation = \[1.0, 1.0, 1.0\]"),
    ((1, 4, 4), conv(ONES, groups=2), r"c.weight = .* in 2 groups"),
    ((1, 4, 4), {k: v for k, v in conv(ONES).items() if k != "stride"}, r"c.stride = None"),
    ((1, 4, 4), conv(ONES, padding=1 << 20), r"c (connections|output) = \d+: allowed is at most"),
    ((1, 4, 4), POOL | {"kernel_size": [1 << 20, 1 << 20]}, r"c kernel = .* at most \d+ positions"),
    ((1 << 11, 2, 2), POOL | {"kernel_size": [128, 128]}, r"c kernel = '\d+ values'"),
    ((1, 1000, 1000), conv(np.ones((1, 1, 1, 1))), r"c weights = 1000000000000: allowed is"),
    ((2,), {"type": "Delay", "delay": [1.5e-4]}, r"c.delay = .*: allowed is 0 to 1024 whole steps"),
    ((2,), {"type": "Delay", "delay": [0.1025]}, r"c.delay = \[0.1025\]: allowed is 0 to 1024"),
    ((2,), {"type": "Delay", "delay": [-1e-4]}, r"c.delay = \[-0.0001\]: allowed is 0 to 1024"),
    ((2,), {"type": "Delay", "delay": [0, 1e-4, 0]}, r"c.delay = \[3\]: allowed is 1 or 2 values"),
    ((2,), {"type": "Delay", "delay": [np.nan]}, r"c.delay = \[nan\]"),
    ((4,), {"type": "Flatten", "input_type": [3, 1]}, r"c.input_type = \[3, 1\]: allowed is 4"),
    ((4,), {"type": "Flatten", "start_dim": 0.5}, r"c.start_dim = \[0.5\]"),
]


@pytest.mark.parametrize(("shape", "node", "message"), WRONG)
def test_wrong_nodes_say_what_is_wrong(
    tmp_path: Path, shape: tuple[int, ...], node: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidValue, match=message) as error:
        chain(tmp_path, shape, node)
    assert "\n" not in str(error.value)


def test_parameters_that_do_not_spread(tmp_path: Path) -> None:
    for shape in ((3,), (2, 4, 3), (3, 2, 3), (3, 3, 2)):
        nodes = {**image_ends((1, 3, 3)), "c": conv(np.ones((2, 1, 1, 1))), "n": scalar_lif()}
        nodes["n"]["tau"] = np.ones(shape)
        with pytest.raises(InvalidValue, match=r"n.tau = .* one for each of \[2, 3, 3\]"):
            read_nir(write(tmp_path / "p.nir", nodes, CHAIN))


def test_a_huge_shape_that_no_input_holds(tmp_path: Path) -> None:
    huge = conv(np.ones((1, 1, 1, 1)), bias=[1.0], stride=1 << 20, input_shape=[1 << 20, 1 << 20])
    nodes = {**image_ends((1,)), "c": huge, "n": lif()}
    with pytest.raises(InvalidValue, match=r"c input = \d+: allowed is at most \d+ lines"):
        read_nir(write(tmp_path / "h.nir", nodes, [("in", "n"), *CHAIN[1:]]))


def test_delays_in_a_row_add_up(tmp_path: Path) -> None:
    late = {"type": "Delay", "delay": [512e-4]}
    nodes = {**image_ends((1,)), "d": late, "e": late, "n": lif()}
    edges = [("in", "d"), ("d", "e"), ("e", "n"), ("n", "out")]
    (connection,) = read_nir(write(tmp_path / "d.nir", nodes, edges)).network.connections
    assert connection.delay == 1024
    nodes["e"] = {"type": "Delay", "delay": [513e-4]}
    with pytest.raises(InvalidValue, match=r"e.delay = 1025: allowed is at most 1024 steps"):
        read_nir(write(tmp_path / "d.nir", nodes, edges))


def test_lines_of_different_delays_part_into_connections(tmp_path: Path) -> None:
    late = {"type": "Delay", "delay": [2e-4, 0.0, 2e-4]}
    weight = np.arange(1.0, 7.0).reshape(2, 3)
    nodes = {**image_ends((3,), 2), "d": late, "w": {"type": "Linear", "weight": weight}}
    nodes["n"] = lif(2)
    edges = [("in", "d"), ("d", "w"), ("w", "n"), ("n", "out")]
    net = read_nir(write(tmp_path / "d.nir", nodes, edges)).network
    got = {c.delay: c.weight.tolist() for c in net.connections}
    assert got == {0: [[0, 2, 0], [0, 5, 0]], 2: [[1, 0, 3], [4, 0, 6]]}
    write_nir(net, tmp_path / "again.nir")
    again = read_nir(tmp_path / "again.nir").network
    assert {c.delay: c.weight.tolist() for c in again.connections} == got


def test_as_many_delays_as_lines_are_too_many(tmp_path: Path) -> None:
    late = {"type": "Delay", "delay": np.arange(65) * 1e-4}
    nodes = {**image_ends((65,), 65), "d": late, "n": lif(65)}
    edges = [("in", "d"), ("d", "n"), ("n", "out")]
    with pytest.raises(InvalidValue, match=r"d.delay = '65 delays': allowed is at most 64"):
        read_nir(write(tmp_path / "d.nir", nodes, edges))


NUMBERS = st.sampled_from([-1, 0, 1, 2, 3, 7, 0.5, np.nan, np.inf, 1 << 19, 1 << 40])
FIELD = st.one_of(
    NUMBERS, st.lists(NUMBERS, max_size=3), st.sampled_from(["same", "valid", ""]), st.none()
)


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_broken_nodes_end_in_a_network_or_one_line(tmp_path: Path, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["Conv1d", "Conv2d", "SumPool2d", "AvgPool2d", "Flatten"]))
    keys = ["input_shape", "stride", "padding", "dilation", "groups", "bias", "kernel_size"]
    sides = data.draw(st.lists(st.integers(0, 3), max_size=5))
    node = {"type": kind, "weight": np.ones(sides), "stride": 1, "padding": 0, "dilation": 1}
    node |= {"groups": 1, "kernel_size": 2}
    changes = data.draw(st.dictionaries(st.sampled_from([*keys, "input_type"]), FIELD, max_size=3))
    node = {k: v for k, v in (node | changes).items() if v is not None}
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    with pytest.MonkeyPatch.context() as patch:
        # The trial in another process is held by other tests.
        patch.setattr("lifstone.sim.nir_file.trial", lambda *_: "")
        try:
            net = chain(tmp_path, shape, node).network
        except InvalidValue:
            return
    assert net.connections[0].weight.shape == (net.populations["n"].n, int(np.prod(shape)))
