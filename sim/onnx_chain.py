"""A chain of ONNX operators, folded into stages as it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..golden.conversion.relu import (
    ReluNetwork,
    Stage,
    fold_batch_norm,
    from_convolution,
    merge,
)
from ..golden.errors import InvalidValue, require
from ..golden.layers.convolution import Convolution
from ..golden.layers.pooling import average_pool

__all__ = ["Chain"]

Array = NDArray[Any]
_NOTHING = ("Identity", "Dropout", "Softmax", "LogSoftmax")


class Chain:
    """Stages so far, and the linear map since the last rectification.

    Parameters
    ----------
    shape
        Input shape behind the batch, channels first.
    constants
        Tensors of the graph by name.
    """

    def __init__(self, shape: tuple[int, ...], constants: Mapping[str, Array]) -> None:
        self.shape = shape
        self.constants = constants
        self.stages: list[Stage] = []
        self.linear: Stage | None = None
        self.ended = ""

    @staticmethod
    def operators() -> tuple[str, ...]:
        """What can be read."""
        return (*_NOTHING, "Relu", "Flatten", "Reshape", "Gemm", "MatMul", "Add", "Conv",
                "BatchNormalization", "AveragePool", "GlobalAveragePool")  # fmt: skip

    def add(self, kind: str, inputs: Sequence[str], at: str, a: Mapping[str, Any]) -> None:
        """Append one operator; ``at`` is the name of the running tensor."""
        require(not self.ended, "model.operators", kind, f"nothing behind {self.ended}")
        others = [self._constant(n) for n in inputs if n != at]
        if kind in ("Softmax", "LogSoftmax"):
            self.ended = kind
        elif kind == "Relu":
            self._rectify()
        elif kind in ("Flatten", "Reshape"):
            self.shape = (int(np.prod(self.shape)),)
        elif kind == "Add":
            self._bias(others[0])
        elif kind in ("Gemm", "MatMul"):
            self._dense(kind, others, a, first=inputs[0] == at)
        elif kind == "Conv":
            self._convolve(others, a)
        elif kind == "BatchNormalization":
            self._normalise(others, a)
        elif kind in ("AveragePool", "GlobalAveragePool"):
            self._pool(kind, a)

    def network(self) -> ReluNetwork:
        """The whole, once every operator was added.

        Raises
        ------
        InvalidValue
            If nothing linear follows the last rectification: there are no scores.
        """
        require(self.linear is not None, "model", "ends in Relu", "scores: a linear layer last")
        assert self.linear is not None
        return ReluNetwork((*self.stages, self.linear))

    def _constant(self, name: str) -> Array:
        require(name in self.constants, "model.input", name, "a constant: the graph is a chain")
        return self.constants[name]

    def _then(self, stage: Stage, shape: tuple[int, ...]) -> None:
        """Put a linear map behind the present one."""
        n = int(np.prod(self.shape))
        got = stage.weight.shape[1]
        require(got == n, "model.weight", list(stage.weight.shape), f"{n} inputs")
        self.linear = stage if self.linear is None else merge(self.linear, stage)
        self.shape = shape

    def _rectify(self) -> None:
        require(self.linear is not None, "model.operators", "Relu", "a linear layer before it")
        assert self.linear is not None
        self.stages.append(self.linear)
        self.linear = None

    def _bias(self, value: Array) -> None:
        require(self.linear is not None, "model.operators", "Add", "a layer before it")
        assert self.linear is not None
        plain = np.asarray(value, dtype=np.float64)
        channels = plain.size == self.shape[0] and plain.ndim > 1 and len(self.shape) > 1
        if channels:
            plain = plain.reshape(-1, *([1] * (len(self.shape) - 1)))
        try:
            wide = np.broadcast_to(plain, self.shape).reshape(-1)
        except ValueError:
            raise InvalidValue("model.Add", list(plain.shape), f"{list(self.shape)}") from None
        self.linear = Stage(self.linear.weight, self.linear.bias + wide)

    def _dense(self, kind: str, others: list[Array], a: Mapping[str, Any], first: bool) -> None:
        require(first, f"model.{kind}", "weights first", "activations times weights")
        require(not a.get("transA"), "model.Gemm.transA", a.get("transA"), "0")
        weight = np.asarray(others[0], dtype=np.float64)
        require(weight.ndim == 2, f"model.{kind}.weight", list(weight.shape), "two axes")
        if not a.get("transB"):
            weight = weight.T
        scale = float(a.get("alpha", 1.0))
        bias = np.zeros(weight.shape[0])
        if len(others) > 1:
            bias = bias + float(a.get("beta", 1.0)) * np.asarray(others[1], dtype=np.float64)
        self._then(Stage(scale * weight, bias), (weight.shape[0],))

    def _convolve(self, others: list[Array], a: Mapping[str, Any]) -> None:
        weight = np.asarray(others[0], dtype=np.float64)
        axes = weight.ndim - 2
        conv = Convolution(
            weight,
            self.shape,
            stride=tuple(a.get("strides", [1] * axes)),
            padding=_padding(a, axes),
            dilation=tuple(a.get("dilations", [1] * axes)),
            groups=int(a.get("group", 1)),
        )
        bias = others[1] if len(others) > 1 else None
        self._then(from_convolution(conv, bias), conv.out_shape)

    def _normalise(self, others: list[Array], a: Mapping[str, Any]) -> None:
        require(self.linear is not None, "model.operators", "BatchNormalization", "a layer before")
        assert self.linear is not None
        each = int(np.prod(self.shape[1:]))
        require(len(others) == 4, "model.BatchNormalization", len(others), "four constants")
        gamma, beta, mean, variance = (np.repeat(np.asarray(v, np.float64), each) for v in others)
        epsilon = float(a.get("epsilon", 1e-5))
        self.linear = fold_batch_norm(self.linear, gamma, beta, mean, variance, epsilon)

    def _pool(self, kind: str, a: Mapping[str, Any]) -> None:
        axes = len(self.shape) - 1
        if kind == "GlobalAveragePool":
            pool = average_pool(self.shape, self.shape[1:])
        else:
            pads = _padding(a, axes)
            counted = a.get("count_include_pad", 0) or not any(pads)
            require(bool(counted), "model.AveragePool.pads", pads, "0, or count_include_pad = 1")
            pool = average_pool(
                self.shape,
                tuple(a["kernel_shape"]),
                stride=tuple(a.get("strides", [1] * axes)),
                padding=pads,
            )
        self._then(Stage(pool.matrix().toarray()), pool.out_shape)


def _padding(a: Mapping[str, Any], axes: int) -> tuple[int, ...]:
    """Zeros on both sides of each axis; the same on both."""
    mode = a.get("auto_pad", b"NOTSET")
    require(mode in (b"NOTSET", b"VALID", "NOTSET", "VALID"), "model.auto_pad", mode, "NOTSET")
    pads = tuple(int(p) for p in a.get("pads", [0] * (2 * axes)))
    same = len(pads) == 2 * axes and pads[:axes] == pads[axes:]
    require(same, "model.pads", list(pads), "the same padding on both sides")
    return pads[:axes]
