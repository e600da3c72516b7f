"""A network as data: populations of LIF neurons and the connections between them.

A connection carries the spikes of its source to the input of its target, within the same step
(``delay = 0``) or ``delay`` steps later. Connections of delay 0 must not form a cycle: each step
evaluates the populations once, in :attr:`Network.order`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .discrete import Method, discretise
from .errors import InvalidValue, require
from .lif import Lif

__all__ = ["MAX_DELAY", "Connection", "Network", "check_inputs", "in_time", "topological_order"]

Array = NDArray[np.float64]
Kind = TypeVar("Kind", bound=np.generic)
MAX_DELAY = 1024
"""Steps; hardware holds every event that may be under way."""


@dataclass(frozen=True, eq=False)
class Connection:
    """Weights from ``pre`` (an input or population) to ``post`` (a population).

    ``weight`` has shape ``(n_post, n_pre)``: the input current in amperes that one spike
    injects for one step (without synapse), or what it adds to the synapse's input.
    """

    pre: str
    post: str
    weight: Array
    delay: int = 0

    def __init__(self, pre: str, post: str, weight: ArrayLike, delay: int = 0) -> None:
        w = np.array(weight, dtype=np.float64)
        name = f"{pre}->{post}"
        require(w.ndim == 2, f"{name}.weight", list(w.shape), "two dimensions, (n_post, n_pre)")
        for j, k in np.argwhere(~np.isfinite(w)):
            raise InvalidValue(f"{name}.weight[{j}, {k}]", float(w[j, k]), "finite numbers")
        whole = isinstance(delay, int | np.integer) and not isinstance(delay, bool)
        good = whole and 0 <= delay <= MAX_DELAY
        require(good, f"{name}.delay", delay, f"0 to {MAX_DELAY} whole steps")
        w.setflags(write=False)
        for key, value in (("pre", pre), ("post", post), ("weight", w), ("delay", int(delay))):
            object.__setattr__(self, key, value)


@dataclass(frozen=True, eq=False)
class Network:
    """Populations, inputs, connections and the time grid they run on.

    Parameters
    ----------
    dt
        Step in seconds.
    method
        How a step is taken, see :class:`~lifstone.golden.discrete.Method`.
    inputs
        Name and size of each source of input spikes.
    populations
        Name and neurons of each population.
    connections
        See :class:`Connection`.
    bias
        Constant input current of a population, amperes, shape ``(n,)``; 0 where absent.
    outputs
        The populations whose spikes are the network's answer.
    fraction
        Bits behind the binary point that a population's weights were trained for, 0 to 30;
        where absent the contract's are chosen by calibration.
    """

    dt: float
    inputs: Mapping[str, int]
    populations: Mapping[str, Lif]
    connections: tuple[Connection, ...]
    outputs: tuple[str, ...]
    bias: Mapping[str, Array] = field(default_factory=dict)
    method: Method = Method.EXPONENTIAL
    fraction: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require(len(self.populations) > 0, "populations", [], "at least one population")
        both = set(self.inputs) & set(self.populations)
        require(not both, "inputs", sorted(both), "names that no population has")
        for name, size in self.inputs.items():
            require(size >= 1, f"inputs.{name}", size, "at least 1")
        for c in self.connections:
            self._check_connection(c)
        for name, value in self.bias.items():
            require(name in self.populations, f"bias.{name}", name, "a population's name")
            n = self.populations[name].n
            require(np.shape(value) == (n,), f"bias.{name}", list(np.shape(value)), f"{n} values")
            for j in np.flatnonzero(~np.isfinite(value)):
                raise InvalidValue(f"bias.{name}[{j}]", float(value[j]), "finite numbers")
        for name, bits in self.fraction.items():
            require(name in self.populations, f"fraction.{name}", name, "a population's name")
            require(0 <= bits <= 30, f"fraction.{name}", bits, "0 to 30 bits")
        known = ", ".join(self.populations)
        for name in self.outputs:
            require(name in self.populations, "outputs", name, f"one of {known}")
        for model in self.populations.values():
            discretise(model, self.dt, self.method)
        object.__setattr__(self, "method", Method(self.method))
        object.__setattr__(self, "inputs", MappingProxyType(dict(self.inputs)))
        object.__setattr__(self, "populations", MappingProxyType(dict(self.populations)))
        object.__setattr__(self, "bias", MappingProxyType(dict(self.bias)))
        object.__setattr__(self, "fraction", MappingProxyType(dict(self.fraction)))
        self.order  # noqa: B018  -- raises on a cycle without delay

    def _check_connection(self, c: Connection) -> None:
        name = f"{c.pre}->{c.post}"
        require(c.post in self.populations, f"{name}.post", c.post, "a population's name")
        known = c.pre in self.populations or c.pre in self.inputs
        require(known, f"{name}.pre", c.pre, "an input's or population's name")
        shape = (self.populations[c.post].n, self.size(c.pre))
        require(c.weight.shape == shape, f"{name}.weight", list(c.weight.shape), f"{shape}")
        spiking = c.pre in self.inputs or self.populations[c.pre].spiking
        require(spiking, f"{name}.pre", c.pre, "a population that spikes, or an input")

    def size(self, name: str) -> int:
        """Number of neurons of a population or lines of an input."""
        return self.inputs[name] if name in self.inputs else self.populations[name].n

    @property
    def order(self) -> tuple[str, ...]:
        """Populations in the order in which a step evaluates them."""
        edges = [(c.pre, c.post) for c in self.connections if c.delay == 0]
        return topological_order(tuple(self.populations), edges)

    def into(self, post: str) -> list[Connection]:
        """The connections that end in ``post``."""
        return [c for c in self.connections if c.post == post]


def topological_order(names: tuple[str, ...], edges: list[tuple[str, str]]) -> tuple[str, ...]:
    """Order ``names`` so that every edge points forward; ties keep the given order.

    Raises
    ------
    InvalidValue
        Naming the members of a cycle.
    """
    left = list(names)
    out: list[str] = []
    while left:
        ready = [n for n in left if not any(post == n and pre in left for pre, post in edges)]
        if not ready:
            raise InvalidValue("connections", left, "no cycle without a delay of one step")
        out.append(ready[0])
        left.remove(ready[0])
    return tuple(out)


def in_time(values: NDArray[Kind], delay: int) -> NDArray[Kind]:
    """What of ``values``, a row a step, still arrives within the run ``delay`` steps later."""
    return values[: max(len(values) - delay, 0)]


def check_inputs(
    sizes: Mapping[str, int], spikes: Mapping[str, NDArray[np.generic]], ndim: int = 2
) -> tuple[int, ...]:
    """Check that ``spikes`` holds one 0/1 array per input; returns the leading shape.

    Arrays have shape ``(steps, n)``, or ``(steps, batch, n)`` with ``ndim = 3``.
    """
    for name in spikes:
        require(name in sizes, "inputs", name, f"one of {', '.join(sizes) or 'no input at all'}")
    lead: tuple[int, ...] | None = None
    for name, size in sizes.items():
        require(name in spikes, f"inputs.{name}", None, "an array of spikes")
        a = np.asarray(spikes[name])
        good = a.ndim == ndim and a.shape[-1] == size
        require(good, f"inputs.{name}", list(a.shape), f"{ndim} dimensions, the last {size}")
        for at in np.argwhere(~((a == 0) | (a == 1))):
            where = ", ".join(str(k) for k in at)
            value = a[tuple(at)].item()
            raise InvalidValue(
                f"inputs.{name}[{where}]", value, "0 or 1: one spike a line and step"
            )
        same = lead is None or lead == a.shape[:-1]
        require(same, f"inputs.{name}", list(a.shape), f"leading shape {lead}, as the others")
        lead = a.shape[:-1]
    return lead if lead is not None else ()
