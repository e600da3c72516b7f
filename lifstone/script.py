"""Small circuits as a script: populations and projections, as in PyNN, that become a network.

::

    drive = Source(40, "drive")
    exc = Population(80, {"tau_mem": 20e-3, "r": 40e6, "v_th": 15e-3}, "exc")
    network = build(0.5e-3, [
        Projection(drive, exc, FixedProbability(0.2, seed=1), weight=2e-9),
        Projection(exc, exc, FixedProbability(0.1, seed=2), weight=1e-9, delay=1.5e-3),
    ], outputs=[exc])

All values are SI. The model of population, projection and connector is PyNN's: Davison et al.,
Front. Neuroinform. 2, 11 (2008).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .golden import Connection, InvalidValue, Lif, Method, Network, wiring
from .golden.errors import require

__all__ = [
    "AllToAll",
    "Connector",
    "FixedProbability",
    "OneToOne",
    "Population",
    "Projection",
    "Source",
    "build",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Source:
    """``n`` lines of input spikes."""

    n: int
    name: str

    def __post_init__(self) -> None:
        require(_whole(self.n) and self.n >= 1, f"{self.name}.n", self.n, "an integer of 1 or more")


@dataclass(frozen=True, eq=False)
class Population:
    """``n`` LIF neurons.

    Parameters
    ----------
    cell
        Parameters of :class:`~lifstone.golden.Lif` by name, each one value or ``n``.
    bias
        Constant current in amperes, one value or ``n``.
    """

    n: int
    cell: Mapping[str, Any]
    name: str
    bias: ArrayLike = 0.0
    lif: Lif = field(init=False, repr=False)

    def __post_init__(self) -> None:
        require(_whole(self.n) and self.n >= 1, f"{self.name}.n", self.n, "an integer of 1 or more")
        known = [k for k in Lif.__dataclass_fields__ if k != "n"]
        for key in self.cell:
            require(key in known, f"{self.name}.{key}", self.cell[key], f"one of {known}")
        require("tau_mem" in self.cell, f"{self.name}.tau_mem", None, "a membrane time constant")
        try:
            object.__setattr__(self, "lif", Lif(**self.cell, n=int(self.n)))
        except InvalidValue as error:
            field_name = f"{self.name}.{error.field}"
            raise InvalidValue(field_name, error.value, error.allowed) from None


@dataclass(frozen=True)
class AllToAll:
    """Every pair."""

    def mask(self, n_post: int, n_pre: int) -> wiring.Mask:
        """Who connects to whom, ``(n_post, n_pre)``."""
        return wiring.all_to_all(n_post, n_pre)


@dataclass(frozen=True)
class OneToOne:
    """Neuron ``k`` to neuron ``k``."""

    def mask(self, n_post: int, n_pre: int) -> wiring.Mask:
        """As :meth:`AllToAll.mask`."""
        return wiring.one_to_one(n_post, n_pre)


@dataclass(frozen=True)
class FixedProbability:
    """Every pair with ``probability``; the same seed gives the same pairs."""

    probability: float
    seed: int

    def mask(self, n_post: int, n_pre: int) -> wiring.Mask:
        """Who connects to whom, ``(n_post, n_pre)``."""
        return wiring.fixed_probability(n_post, n_pre, self.probability, self.seed)


Connector = AllToAll | OneToOne | FixedProbability


@dataclass(frozen=True, eq=False)
class Projection:
    """Connections from ``pre`` to ``post``.

    Parameters
    ----------
    weight
        Amperes that a spike injects for one step (with ``tau_syn``: into the synapse), one value
        or ``(n_post, n_pre)``, of which the connector chooses.
    delay
        Seconds, whole steps of the network.
    """

    pre: Source | Population
    post: Population
    connector: Connector
    weight: ArrayLike
    delay: float = 0.0

    @property
    def name(self) -> str:
        """``pre->post``, as errors name it."""
        return f"{self.pre.name}->{self.post.name}"

    def connection(self, dt: float) -> Connection:
        """The same for a step of ``dt`` seconds."""
        shape = self.post.n, self.pre.n
        weight = _numbers(f"{self.name}.weight", self.weight, shape)
        try:
            mask = self.connector.mask(*shape)
        except InvalidValue as error:
            field_name = f"{self.name}.{error.field}"
            raise InvalidValue(field_name, error.value, error.allowed) from None
        steps = self.delay / dt if np.isfinite(self.delay) else -1.0
        whole = steps >= 0 and abs(steps - round(steps)) < 1e-6 * max(1.0, steps)
        require(whole, f"{self.name}.delay", self.delay, f"0 or more whole steps of {dt:g} s")
        return Connection(self.pre.name, self.post.name, np.where(mask, weight, 0.0), round(steps))


def build(
    dt: float,
    projections: Sequence[Projection],
    outputs: Sequence[Population],
    method: Method = Method.EXPONENTIAL,
) -> Network:
    """The network of all that ``projections`` and ``outputs`` name.

    Raises
    ------
    InvalidValue
        For two populations of one name, or a value out of range; the field begins with the
        name of its population or projection.
    """
    require(np.isfinite(dt) and dt > 0, "dt", dt, "a finite number greater than 0, in seconds")
    ends = [end for p in projections for end in (p.pre, p.post)] + list(outputs)
    named: dict[str, Source | Population] = {}
    for end in ends:
        other = named.setdefault(end.name, end)
        require(other is end, "name", end.name, "a name that nothing else has")
    populations = {name: p for name, p in named.items() if isinstance(p, Population)}
    currents = {k: _numbers(f"{k}.bias", p.bias, (p.n,)) for k, p in populations.items()}
    return Network(
        dt,
        {name: s.n for name, s in named.items() if isinstance(s, Source)},
        {name: p.lif for name, p in populations.items()},
        tuple(p.connection(dt) for p in projections),
        tuple(p.name for p in outputs),
        {name: current for name, current in currents.items() if current.any()},
        method,
    )


def _whole(n: Any) -> bool:
    return isinstance(n, int | np.integer) and not isinstance(n, bool)


def _numbers(name: str, value: ArrayLike, shape: tuple[int, ...]) -> Array:
    try:
        a = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidValue(name, value, "a number or an array of numbers") from None
    require(a.shape in ((), shape), name, list(a.shape), f"one value, or shape {list(shape)}")
    return np.broadcast_to(a, shape).copy()
