"""Rectified networks from files: ``.onnx`` graphs and ``.safetensors`` of dense layers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from ..golden.conversion.relu import ReluNetwork, Stage
from ..golden.errors import InvalidValue, MissingTool, require
from .onnx_chain import Chain

__all__ = ["read_onnx", "read_relu", "read_safetensors"]

MAX_BYTES = 1 << 30


def read_relu(path: Path) -> ReluNetwork:
    """Read by the file's ending.

    Raises
    ------
    InvalidValue
        For a missing or broken file, another ending, or content that is no rectified network.
    MissingTool
        Without the package ``onnx`` or ``safetensors``.
    """
    kinds = {".onnx": read_onnx, ".safetensors": read_safetensors}
    require(path.suffix in kinds, "model", str(path), "a .onnx or .safetensors file")
    return kinds[path.suffix](path)


def _check_file(path: Path) -> None:
    require(path.is_file(), "model", str(path), "an existing file")
    size = path.stat().st_size
    require(0 < size <= MAX_BYTES, "model", f"{size} bytes", f"1 to {MAX_BYTES} bytes")


def read_onnx(path: Path) -> ReluNetwork:
    """A chain of dense and convolutional layers with rectification between them.

    Understood: Gemm, MatMul, Add of a constant, Conv, BatchNormalization, AveragePool,
    GlobalAveragePool, Relu, Flatten, Reshape, and Identity, Dropout and a final Softmax, which
    change no order of classes. Weights in other files are not followed.

    Raises
    ------
    InvalidValue
        Naming every operator that is not understood at once, a graph that is no chain, or
        shapes that do not fit.
    MissingTool
        Without the package ``onnx``.
    """
    _check_file(path)
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise MissingTool("onnx", "pip install onnx") from error
    try:
        model = onnx.load(str(path), load_external_data=False)
        graph = model.graph
        constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    except Exception as error:  # protobuf and onnx raise many kinds on a broken file
        raise InvalidValue("model", str(path), "an unbroken ONNX file without outside data") from (
            error
        )
    inputs = [i for i in graph.input if i.name not in constants]
    require(len(inputs) == 1, "model.inputs", [i.name for i in inputs], "one input")
    shape = tuple(d.dim_value for d in inputs[0].type.tensor_type.shape.dim)[1:]
    good = len(shape) in (1, 2, 3) and all(n >= 1 for n in shape)
    require(good, "model.input shape", shape, "a fixed shape behind the batch: 1 to 3 numbers")
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute:
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    nodes = [n for n in graph.node if n.op_type != "Constant"]
    unknown = sorted({n.op_type for n in nodes} - set(Chain.operators()))
    require(not unknown, "model.operators", unknown, ", ".join(sorted(Chain.operators())))
    chain = Chain(shape, constants)
    at = inputs[0].name
    for node in nodes:
        require(at in node.input, f"model.{node.name or node.op_type}", list(node.input),
                f"{at}: the output of the node before, as in a chain")  # fmt: skip
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        chain.add(node.op_type, [i for i in node.input if i], at, attributes)
        at = node.output[0]
    return chain.network()


def read_safetensors(path: Path) -> ReluNetwork:
    """Dense layers named ``<prefix><number>.weight`` and ``.bias``, in the order of the numbers.

    A file of tensors holds no graph: a rectification is taken between each two layers.

    Raises
    ------
    InvalidValue
        For tensors that are no dense layers, all named, or shapes that do not fit.
    MissingTool
        Without the package ``safetensors``.
    """
    _check_file(path)
    try:
        from safetensors.numpy import load_file
    except ImportError as error:
        raise MissingTool("safetensors", "pip install safetensors") from error
    try:
        tensors: dict[str, Any] = load_file(str(path))
    except Exception as error:  # the reader raises several kinds on a broken file
        raise InvalidValue("model", str(path), "an unbroken .safetensors file") from error
    layers: dict[tuple[str, int], dict[str, Any]] = {}
    strange = []
    for name, tensor in tensors.items():
        match = re.fullmatch(r"(.*?)(\d+)\.(weight|bias)", name)
        if match is None or np.ndim(tensor) != (2 if match[3] == "weight" else 1):
            strange.append(name)
            continue
        layers.setdefault((match[1], int(match[2])), {})[match[3]] = tensor
    strange += [f"{p}{n}.bias" for (p, n), t in layers.items() if "weight" not in t]
    allowed = "dense layers: <number>.weight of two axes and <number>.bias of one"
    require(not strange, "model.tensors", sorted(strange), allowed)
    require(bool(layers), "model.tensors", [], allowed)
    require(len({p for p, _ in layers}) == 1, "model.tensors", sorted(tensors), "one prefix")
    return ReluNetwork(tuple(Stage(t["weight"], t.get("bias")) for _, t in sorted(layers.items())))
