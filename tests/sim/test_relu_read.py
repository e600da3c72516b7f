"""Rectified networks from ONNX and safetensors, against ONNX's own reference evaluator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lifstone.golden import InvalidValue
from lifstone.sim.relu_read import read_relu

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
safetensors = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
RNG = np.random.default_rng(0)


def tensor(name: str, *shape: int, positive: bool = False) -> Any:
    value = RNG.normal(size=shape).astype(np.float32)
    return onnx.numpy_helper.from_array(np.abs(value) + 0.1 if positive else value, name)


def save(path: Path, nodes: list[Any], constants: list[Any], shape: list[Any]) -> Any:
    graph = onnx.helper.make_graph(
        nodes,
        "net",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [onnx.helper.make_tensor_value_info(nodes[-1].output[0], onnx.TensorProto.FLOAT, None)],
        constants,
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    onnx.save(model, str(path))
    return model


def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, inputs.split(), [output], **attributes)


def scores(model: Any, x: np.ndarray) -> np.ndarray:
    from onnx.reference import ReferenceEvaluator

    return np.asarray(ReferenceEvaluator(model).run(None, {"x": x})[0])


def dense(path: Path) -> Any:
    nodes = [
        node("Gemm", "x w1 b1", "h", transB=1, alpha=0.5, beta=2.0),
        node("Relu", "h", "r"),
        node("Dropout", "r", "d"),
        node("MatMul", "d w2", "m"),
        node("Add", "m b2", "y"),
        node("Softmax", "y", "p"),
    ]
    constants = [tensor("w1", 5, 4), tensor("b1", 5), tensor("w2", 5, 3), tensor("b2", 3)]
    return save(path, nodes, constants, ["n", 4])


def convolutional(path: Path) -> Any:
    nodes = [
        node("Conv", "x k1 c1", "a", strides=[2, 1], pads=[1, 1, 1, 1], dilations=[1, 2]),
        node("BatchNormalization", "a gamma beta mean var", "b", epsilon=1e-3),
        node("Relu", "b", "c"),
        node("AveragePool", "c", "d", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "d k2", "e", group=2),
        node("Add", "e bias", "f"),
        node("Relu", "f", "g"),
        node("GlobalAveragePool", "g", "h"),
        node("Flatten", "h", "i"),
        node("Gemm", "i wl bl", "y", transB=1),
    ]
    constants = [
        tensor("k1", 4, 2, 3, 3), tensor("c1", 4), tensor("gamma", 4), tensor("beta", 4),
        tensor("mean", 4), tensor("var", 4, positive=True), tensor("k2", 6, 2, 2, 2),
        tensor("bias", 6, 1, 1), tensor("wl", 3, 6), tensor("bl", 3),
    ]  # fmt: skip
    return save(path, nodes, constants, ["n", 2, 8, 9])


@pytest.mark.parametrize(("make", "shape"), [(dense, (4,)), (convolutional, (2, 8, 9))])
def test_onnx_gives_the_scores_of_its_evaluator(
    make: Any, shape: tuple[int, ...], tmp_path: Path
) -> None:
    path = tmp_path / "net.onnx"
    model = make(path)
    if make is dense:  # the evaluator's last node is a softmax, which keeps the order
        del model.graph.node[-1]
        model.graph.output[0].name = "y"
    x = RNG.random((7, *shape)).astype(np.float32)
    relu = read_relu(path)
    got = relu.pre_activations(x.reshape(7, -1))[-1]
    np.testing.assert_allclose(got, scores(model, x).reshape(7, -1), rtol=2e-4, atol=2e-4)
    assert len(relu.stages) == (2 if make is dense else 3)


def test_safetensors_are_dense_layers_in_order(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    w = {n: RNG.normal(size=(4, 4)) for n in (2, 10)}
    tensors = {f"net.{n}.weight": v for n, v in w.items()}
    tensors["net.2.bias"] = RNG.normal(size=4)
    safetensors.save_file(tensors, str(path))
    relu = read_relu(path)
    np.testing.assert_array_equal(relu.stages[0].weight, w[2])
    np.testing.assert_array_equal(relu.stages[1].weight, w[10])
    np.testing.assert_array_equal(relu.stages[0].bias, tensors["net.2.bias"])
    assert not relu.stages[1].bias.any()


def broken(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / "bad.onnx"
    w, k = tensor("w", 3, 4), tensor("k", 1, 1, 2, 2)
    last = node("Gemm", "r w", "y", transB=1)
    graphs: dict[str, tuple[list[Any], list[Any], list[Any]]] = {
        "unknown": ([node("Sigmoid", "x", "a"), node("LSTM", "a", "b")], [], ["n", 4]),
        "ends in relu": ([node("Gemm", "x w", "a", transB=1), node("Relu", "a", "y")], [w],
                         ["n", 4]),
        "relu first": ([node("Relu", "x", "r"), last], [w], ["n", 4]),
        "wrong size": ([node("Gemm", "x w", "y", transB=1)], [w], ["n", 5]),
        "open shape": ([node("Gemm", "x w", "y", transB=1)], [w], ["n", "m"]),
        "two paths": ([node("Gemm", "x w", "a", transB=1), node("Add", "a x", "y")], [w],
                      ["n", 4]),
        "skew pads": ([node("Conv", "x k", "y", pads=[0, 1, 1, 1])], [k], ["n", 1, 4, 4]),
        "auto pad": ([node("Conv", "x k", "y", auto_pad="SAME_UPPER")], [k], ["n", 1, 4, 4]),
        "nan": ([node("Gemm", "x w", "y", transB=1)],
                [onnx.numpy_helper.from_array(np.full((3, 4), np.nan, np.float32), "w")],
                ["n", 4]),
    }  # fmt: skip
    save(path, *graphs[kind])
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("unknown", r"model.operators = \['LSTM', 'Sigmoid'\]: allowed is Add, AveragePool"),
        ("ends in relu", "scores: a linear layer last"),
        ("relu first", "a linear layer before it"),
        ("wrong size", r"model.weight = \[3, 4\]: allowed is 5 inputs"),
        ("open shape", "a fixed shape behind the batch"),
        ("two paths", "a constant: the graph is a chain"),
        ("skew pads", "the same padding on both sides"),
        ("auto pad", "model.auto_pad"),
        ("nan", r"weight\[0, 0\] = nan"),
    ],
)
def test_wrong_onnx_graphs(kind: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=message):
        read_relu(broken(tmp_path, kind))


@pytest.mark.parametrize("ending", ["onnx", "safetensors"])
def test_wrong_relu_files(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"net.{ending}"
    with pytest.raises(InvalidValue, match="an existing file"):
        read_relu(path)
    path.write_bytes(b"")
    with pytest.raises(InvalidValue, match=r"1 to .* bytes"):
        read_relu(path)
    path.write_bytes(b"\xff\xff\xff\xff no model")
    with pytest.raises(InvalidValue, match=r"model = .*allowed is"):
        read_relu(path)
    with pytest.raises(InvalidValue, match=r"a \.onnx or \.safetensors file"):
        read_relu(tmp_path / "net.pt")


def test_strange_tensors_are_all_named(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    kernel, word = np.zeros((1, 1, 2, 2)), np.zeros(3)
    safetensors.save_file({"a.0.weight": kernel, "embed": word, "a.3.bias": word}, str(path))
    with pytest.raises(InvalidValue, match=r"\['a.0.weight', 'a.3.bias', 'embed'\]"):
        read_relu(path)
