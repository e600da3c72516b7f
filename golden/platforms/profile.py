"""The interface of a platform's population, and the plain runner of networks of them.

``advance`` gets the weights that arrived in a step one by one, in ascending order of source,
because some platforms compare with the threshold after every single one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidValue, require
from ..fixed import Ints
from ..network import check_inputs, topological_order

__all__ = [
    "PlatformNetwork",
    "PlatformTrace",
    "Profile",
    "Projection",
    "Watch",
    "run_platform",
    "words",
]

Array = NDArray[Any]


class Profile(Protocol):
    """A population of ``n`` neurons in a platform's arithmetic."""

    @property
    def n(self) -> int:
        """Number of neurons."""

    def start(self) -> Any:
        """State before the first step."""

    def advance(self, state: Any, arrived: Ints) -> tuple[Any, Ints]:
        """State after a step and how often each neuron fired, ``(n,)``.

        ``arrived`` holds the weights of this step's input spikes, ``(spikes, n)``, in order.
        """

    def potential(self, state: Any) -> Array:
        """The membrane's word of each neuron, ``(n,)``, in the platform's own unit."""


@dataclass(frozen=True, eq=False)
class Projection:
    """Integer weights ``(n_post, n_pre)`` from an input or population, after ``delay`` steps."""

    pre: str
    post: str
    weight: Ints
    delay: int = 1


@dataclass(frozen=True, eq=False)
class PlatformNetwork:
    """Populations of one platform and the projections between them.

    A spike arrives ``delay`` steps later; 0 is its own step, as between layers that work one
    after the other. On a chip whose spikes travel one step at least, the layers behind are that
    much later, and otherwise the same. A population's own spikes come back after one step or more.
    """

    inputs: Mapping[str, int]
    populations: Mapping[str, Profile]
    projections: Sequence[Projection]

    def __post_init__(self) -> None:
        for p in self.projections:
            name = f"{p.pre}->{p.post}"
            require(p.post in self.populations, f"{name}.post", p.post, "a population's name")
            known = p.pre in self.populations or p.pre in self.inputs
            require(known, f"{name}.pre", p.pre, "an input's or population's name")
            least = int(p.pre == p.post)
            require(p.delay >= least, f"{name}.delay", p.delay, f"{least} or more steps")
            size = self.inputs.get(p.pre)
            n_pre = self.populations[p.pre].n if size is None else size
            shape = (self.populations[p.post].n, n_pre)
            require(p.weight.shape == shape, f"{name}.weight", list(p.weight.shape), f"{shape}")
        self.order  # noqa: B018  -- raises on a cycle without delay

    @property
    def order(self) -> tuple[str, ...]:
        """Populations in the order in which a step evaluates them."""
        edges = [(p.pre, p.post) for p in self.projections if p.delay == 0]
        return topological_order(tuple(self.populations), edges)


@dataclass(frozen=True, eq=False)
class PlatformTrace:
    """Per population: potential after each step and spikes of that step, ``(steps, n)``."""

    v: Array
    spikes: Ints


Watch = Callable[[str, int, Any, Ints, Any], None]
"""Gets population, step, state before it, the weights that arrived, and the state after it."""


def run_platform(
    net: PlatformNetwork,
    inputs: Mapping[str, Array],
    steps: int | None = None,
    watch: Watch | None = None,
) -> dict[str, PlatformTrace]:
    """Run step by step; ``inputs`` holds 0/1 ``(steps, n)`` by name."""
    lead = check_inputs(net.inputs, inputs)
    total = lead[0] if lead else int(steps or 0)
    sources: dict[str, Array] = {k: np.asarray(v, dtype=np.int64) for k, v in inputs.items()}
    states = {name: p.start() for name, p in net.populations.items()}
    out: dict[str, PlatformTrace] = {}
    order = net.order
    for name, p in net.populations.items():
        shape = (total, p.n)
        kind = p.potential(states[name]).dtype
        out[name] = PlatformTrace(np.zeros(shape, kind), np.zeros(shape, np.int64))
        sources[name] = out[name].spikes
    for k in range(total):
        for name in order:
            p, before, arrived = (
                net.populations[name],
                states[name],
                _arrived(net, name, sources, k),
            )
            states[name], out[name].spikes[k] = p.advance(before, arrived)
            out[name].v[k] = p.potential(states[name])
            if watch is not None:
                watch(name, k, before, arrived, states[name])
    return out


def _arrived(net: PlatformNetwork, post: str, sources: Mapping[str, Array], k: int) -> Ints:
    """Weights of the spikes that reach ``post`` in step ``k``, ``(spikes, n)``."""
    rows = [np.zeros((0, net.populations[post].n), dtype=np.int64)]
    for p in net.projections:
        at = k - p.delay
        if p.post == post and at >= 0:
            lines = np.repeat(np.arange(p.weight.shape[1]), sources[p.pre][at])
            rows.append(p.weight.T[lines])
    return np.concatenate(rows)


def words(name: str, value: Any, n: int, low: int, high: int) -> Ints:
    """``value`` as ``n`` whole numbers within ``low`` to ``high``.

    Raises
    ------
    InvalidValue
        Naming the element that is out of range.
    """
    a = np.asarray(value)
    whole = np.issubdtype(a.dtype, np.integer) and a.ndim <= 1 and a.size in (1, n)
    require(whole, name, value if a.ndim == 0 else list(a.shape), f"one or {n} whole numbers")
    out = np.broadcast_to(a.astype(np.int64), (n,)).copy()
    for j in np.flatnonzero((out < low) | (out > high)):
        raise InvalidValue(f"{name}[{j}]", int(out[j]), f"{low} to {high}")
    return out
