"""Which populations of a NIR file lie behind one convolution, and the kernel they share.

A file is first read as a network whose weights are unrolled; so are the integers of its
contract. Here the geometry of its convolutions is found again and the unrolled integers are held
against it: hardware then stores each kernel once and computes the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..golden import InvalidValue, NetworkContract
from ..golden.layers.shared import SharedKernel, shared_kernel
from .nir_convolve import Unrolled, field_sizes
from .nir_file import read_graph
from .nir_flat import STATEFUL, Flat, flatten
from .nir_shape import Shapes, infer

__all__ = ["Shared", "nir_kernels"]

POOLS = ("SumPool2d", "AvgPool2d")
KEPT = ("Flatten", "Scale", "Delay")
"""Nodes that leave a convolution one: what they do to the weights is seen there."""


@dataclass(frozen=True, eq=False)
class Shared:
    """Kernels by population, and why other populations behind convolutions have none."""

    kernels: Mapping[str, SharedKernel]
    reasons: tuple[str, ...]


def nir_kernels(path: Path, contract: NetworkContract) -> Shared:
    """The kernels of a ``.nir`` file whose contract is ``contract``.

    A population has one if its only connection is a convolution or a pooling, or a
    convolution behind a pooling whose windows do not overlap.

    Raises
    ------
    InvalidValue
        For a file that cannot be read.
    """
    flat = flatten(read_graph(path))
    shapes = infer(flat)
    kernels: dict[str, SharedKernel] = {}
    reasons = []
    for name in contract.populations:
        chain, why = _chain(flat, shapes, name)
        if not chain and not why:
            continue
        if not why:
            try:
                kernels[name] = _kernel(flat, chain, contract, name)
                continue
            except InvalidValue as error:
                why = str(error)
        reasons.append(f"{name} keeps its unrolled weights: {why}")
    return Shared(kernels, tuple(reasons))


def _chain(flat: Flat, shapes: Shapes, name: str) -> tuple[list[Unrolled], str]:
    """Convolutions and poolings before a population, first one first; and what is in the way."""
    chain: list[Unrolled] = []
    at, other = name, ""
    seen: list[str] = []
    while True:
        before = [a for a, b in flat.edges if b == at]
        seen.append(at)
        if len(before) != 1 or before[0] in seen:
            return chain, f"{len(before)} nodes lead to {at}" if chain else ""
        at = before[0]
        kind = flat.nodes[at].kind
        if kind in STATEFUL or at in flat.inputs:
            return chain, other if chain else ""
        if at in shapes.unrolled:
            chain.insert(0, shapes.unrolled[at])
        elif kind not in KEPT:
            other = f"{at} is {kind}"


def _kernel(
    flat: Flat, chain: list[Unrolled], contract: NetworkContract, name: str
) -> SharedKernel:
    into = contract.into(name)
    if len(into) != 1:
        raise InvalidValue("connections", len(into), "one")
    weight = into[0].weight
    if len(chain) == 1:
        return shared_kernel(chain[0].conv, weight, None, chain[0].shape)
    pool, node = chain[0], flat.nodes[chain[0].name]
    if len(chain) == 2 and node.kind in POOLS:
        sides = field_sizes(node, "kernel_size", 2, 1)
        apart = sides == pool.conv.stride and not any(pool.conv.padding)
        if apart:
            return shared_kernel(chain[1].conv, weight, sides, pool.shape)
    kinds = ", ".join(flat.nodes[c.name].kind for c in chain)
    raise InvalidValue("nodes", kinds, "a convolution, or one behind a pooling without overlap")
