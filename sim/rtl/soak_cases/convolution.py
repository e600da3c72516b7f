"""Cores that store a kernel once: padding, strides and dilation, groups, pooling in front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np

from ....golden import Connection, Lif, Network, NetworkContract, Widths, quantise
from ....golden.layers.convolution import Convolution
from ....golden.layers.pooling import sum_pool
from ....golden.layers.shared import SharedKernel, shared_kernel
from ....hdl import Design, generate
from ..soak_case import Case, network_case

__all__ = ["CASES"]

Made = tuple[NetworkContract, SharedKernel]


def _behind(
    conv: Convolution, pool: tuple[int, int] = (1, 1), shape: tuple[int, ...] | None = None
) -> Made:
    """Neurons behind a convolution, and pooling before it where ``shape`` is given."""
    lines = shape if shape is not None else conv.shape
    matrix = conv.matrix().toarray()
    if shape is not None:
        matrix = matrix @ sum_pool(lines, pool).matrix().toarray()
    rng = np.random.default_rng(conv.n_out)
    n, scale = conv.n_out, 3.0 / np.sqrt(np.count_nonzero(matrix[0]))
    lif = Lif(
        tau_mem=15e-3, v_th=rng.uniform(0.8, 1.2, n), v_reset=-0.1, n=n, tau_syn=4e-3,
        t_ref=rng.integers(0, 3, n) * 1e-3,
    )  # fmt: skip
    connection = Connection("x", "p", matrix * scale)
    net = Network(1e-3, {"x": matrix.shape[1]}, {"p": lif}, (connection,), ("p",))
    contract = quantise(net, Widths(state=14, weight=8, fraction=9)).contract
    weight = contract.connections[0].weight
    return contract, shared_kernel(conv, weight, pool, lines)


def _weights(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.random.default_rng(list(shape)).normal(0.4, 2.0, shape)


@cache
def _strided() -> Made:
    return _behind(
        Convolution(_weights(3, 2, 3, 3), (2, 9, 7), stride=(2, 1), padding=(2, 1), dilation=(1, 2))
    )


@cache
def _grouped() -> Made:
    return _behind(Convolution(_weights(4, 1, 3, 2), (2, 6, 5), groups=2, padding=1))


@cache
def _pooled() -> Made:
    return _behind(Convolution(_weights(3, 2, 2, 2), (2, 4, 4)), (2, 2), (2, 9, 8))


def _case(name: str, made: Callable[[], Made]) -> Case:
    def design(trace: bool) -> Design:
        contract, kernel = made()
        return generate(contract, trace=trace, kernels={"p": kernel})

    plain = network_case(name, lambda: made()[0])
    return replace(plain, design=lambda: design(True), bare=lambda: design(False))


CASES = (
    _case("convolution_strided", _strided),
    _case("convolution_grouped", _grouped),
    _case("convolution_pooled", _pooled),
)
