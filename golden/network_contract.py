"""The integer semantics of a network: contracts of populations and the weights between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .contract import Contract
from .errors import InvalidValue, require
from .fixed import Ints, limits, width_for
from .network import MAX_DELAY, topological_order

__all__ = ["IntConnection", "NetworkContract", "sum_range"]


@dataclass(frozen=True, eq=False)
class IntConnection:
    """Integer weights, shape ``(n_post, n_pre)``, in units of ``2**weight_shift`` of the state."""

    pre: str
    post: str
    weight: Ints
    delay: int


@dataclass(frozen=True, eq=False)
class NetworkContract:
    """The integer semantics of a network; names as in the float network."""

    inputs: Mapping[str, int]
    populations: Mapping[str, Contract]
    connections: tuple[IntConnection, ...]
    outputs: tuple[str, ...]

    def __post_init__(self) -> None:
        known = (*self.inputs, *self.populations)
        for c in self.connections:
            at = f"{c.pre}->{c.post}"
            require(c.post in self.populations, f"{at}.post", c.post, "a population's name")
            require(c.pre in known, f"{at}.pre", c.pre, "an input's or population's name")
            good = isinstance(c.delay, int) and 0 <= c.delay <= MAX_DELAY
            require(good, f"{at}.delay", c.delay, f"0 to {MAX_DELAY} steps")
            shape = self.size(c.post), self.size(c.pre)
            require(c.weight.shape == shape, f"{at}.weight", list(c.weight.shape), f"{shape}")
            bits = self.populations[c.post].weight_width
            low, high = limits(bits)
            for j, k in np.argwhere((c.weight < low) | (c.weight > high)):
                allowed = f"{low} to {high}, the {bits} bits of a weight"
                raise InvalidValue(f"{at}.weight[{j}, {k}]", int(c.weight[j, k]), allowed)
        for name, p in self.populations.items():
            need = width_for(*sum_range([c.weight for c in self.into(name)], p.n))
            allowed = f"at least {need} bits: all sources may fire at once"
            require(need <= p.acc_width, f"{name}.acc_width", p.acc_width, allowed)

    def size(self, name: str) -> int:
        """Number of neurons of a population or lines of an input."""
        return self.inputs[name] if name in self.inputs else self.populations[name].n

    @property
    def order(self) -> tuple[str, ...]:
        """Populations in the order in which a step evaluates them."""
        edges = [(c.pre, c.post) for c in self.connections if c.delay == 0]
        return topological_order(tuple(self.populations), edges)

    def into(self, post: str) -> list[IntConnection]:
        """The connections that end in ``post``."""
        return [c for c in self.connections if c.post == post]


def sum_range(weights: Sequence[Ints], n: int) -> tuple[int, int]:
    """The least and the largest sum that any choice of spikes gives one of ``n`` neurons.

    ``weights`` holds a matrix ``(n, n_pre)`` for each source; a line spikes at most once a step.
    """
    low = high = np.zeros(n, dtype=np.int64)
    for m in weights:
        low = low + np.minimum(m, 0).sum(axis=1)
        high = high + np.maximum(m, 0).sum(axis=1)
    return int(low.min()), int(high.max())
