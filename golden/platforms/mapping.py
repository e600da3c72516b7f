r"""A float network on a platform: its words, and what they stand for in volts.

Every platform gets the same model: decay factors of a step, and for each neuron the volts that
one unit of input adds to the drive of a step. With ``u`` relative to rest, the linear part is

.. math:: i' = a_{syn} i + g x, \qquad u' = a_{mem} u + i'

whatever method the network was made for; ``g`` is chosen so that a constant input leads to the
same potential. Where the network places its input otherwise, a platform parts from it: that is
one of the differences to be seen, and so is everything that a platform cannot express, which is
said in :attr:`Mapped.notes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..discrete import discretise
from ..errors import InvalidValue, require
from ..fixed import Ints
from ..lif import Lif, Reset
from ..network import Network
from .profile import PlatformNetwork, Profile, Projection

__all__ = ["BIAS", "Mapped", "Placed", "Reached", "Scaled", "assemble", "reset_notes", "scaled"]

Array = NDArray[np.float64]
BIAS = "bias current"
"""Name of the line that fires in every step and brings the constant currents."""


@dataclass(frozen=True)
class Reached:
    """How far a float run got in a population, volts: potential from rest, and drive of a step."""

    potential: float
    drive: float


@dataclass(frozen=True, eq=False)
class Scaled:
    """A population as every platform takes it; arrays ``(n,)``, ``None`` without a synapse.

    ``gain`` is in volts of drive per unit of input, ``span`` from rest to threshold in volts,
    infinite for a readout; ``hold`` in steps.
    """

    name: str
    lif: Lif
    dt: float
    keep_mem: Array
    keep_syn: Array | None
    gain: Array
    bias: Array
    span: Array
    hold: Ints
    weights: tuple[Array, ...]
    reached: Reached

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.lif.n

    @property
    def spiking(self) -> bool:
        """Whether it has a threshold."""
        return bool(np.isfinite(self.span).all())

    @property
    def charge(self) -> Array:
        """Volts that one unit of input adds at once where there is no synaptic current."""
        return self.gain if self.keep_syn is None else self.gain / (1.0 - self.keep_syn)

    def per_neuron(self, gain: Array) -> Array:
        """The largest volts that any one input adds, by neuron; the bias counts as one."""
        tops = [np.abs(w * gain[:, None]).max(axis=1, initial=0.0) for w in self.weights]
        return np.asarray(np.max([*tops, np.abs(self.bias * gain)], axis=0))


@dataclass(frozen=True, eq=False)
class Placed:
    """A population in a platform's words.

    Parameters
    ----------
    profile
        The population.
    weights
        Words of each incoming connection ``(n, n_pre)``, in the network's order.
    bias
        Words ``(events, n)`` that arrive in every step.
    unit
        Input that one unit of a weight's word stands for, ``(n,)``.
    potential_unit, rest
        Volts of one unit of the potential's word, ``(n,)``, and the potential at word 0.
    notes
        What could not be expressed.
    """

    profile: Profile
    weights: tuple[Ints, ...]
    bias: Ints
    unit: Array
    potential_unit: Array
    rest: Array
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Mapped:
    """A network on a platform.

    ``weights`` are the float weights of each connection that its words stand for;
    ``placed`` has the words of each population.
    """

    platform: str
    net: PlatformNetwork
    placed: Mapping[str, Placed]
    weights: tuple[Array, ...]
    notes: tuple[str, ...]
    inputs: Mapping[str, int] = field(default_factory=dict)

    def volts(self, name: str, words: NDArray[np.generic]) -> Array:
        """Potentials of a population from words ``(..., n)``."""
        p = self.placed[name]
        return np.asarray(p.rest + np.asarray(words, dtype=np.float64) * p.potential_unit)


def scaled(network: Network, name: str, reached: Reached) -> Scaled:
    """The population ``name`` of ``network``."""
    lif = network.populations[name]
    c = discretise(lif, network.dt, network.method)
    if c.a_syn is None:
        keep_syn, gain = None, c.g_x
    else:
        keep_syn, gain = c.a_syn, c.g_syn * (c.g_new + c.g_old)
    weights = tuple(k.weight for k in network.into(name))
    bias = np.asarray(network.bias.get(name, np.zeros(lif.n)), dtype=np.float64)
    return Scaled(
        name, lif, network.dt, c.a_mem, keep_syn, gain, bias, lif.v_th - lif.v_leak, c.hold,
        weights, reached,
    )  # fmt: skip


def assemble(
    platform: str,
    network: Network,
    reached: Mapping[str, Reached],
    place: Callable[[Scaled], Placed],
) -> Mapped:
    """Every population by ``place``, and the projections between them.

    Raises
    ------
    InvalidValue
        For a population that the platform cannot hold at all; the field begins with its name.
    """
    placed: dict[str, Placed] = {}
    notes: list[str] = []
    for name in network.populations:
        try:
            placed[name] = place(scaled(network, name, reached[name]))
        except InvalidValue as error:
            raise InvalidValue(f"{name}.{error.field}", error.value, error.allowed) from None
        notes += [f"{name}: {note}" for note in placed[name].notes]
    require(BIAS not in network.inputs, "inputs", BIAS, "another name")
    words = {name: list(p.weights) for name, p in placed.items()}
    projections, weights = [], []
    for c in network.connections:
        own = words[c.post].pop(0)
        projections.append(Projection(c.pre, c.post, own, c.delay))
        weights.append(own * placed[c.post].unit[:, None])
    lines = max(len(p.bias) for p in placed.values())
    inputs = dict(network.inputs) | ({BIAS: lines} if lines else {})
    for name, p in placed.items():
        if len(p.bias):
            full = np.zeros((p.profile.n, lines), dtype=np.int64)
            full[:, : len(p.bias)] = p.bias.T
            projections.append(Projection(BIAS, name, full, 0))
    net = PlatformNetwork(inputs, {n: p.profile for n, p in placed.items()}, projections)
    return Mapped(platform, net, placed, tuple(weights), tuple(notes), inputs)


def reset_notes(s: Scaled, *, subtract: bool = False, elsewhere: bool = False) -> list[str]:
    """What of the reset a platform cannot do."""
    out = []
    if s.spiking and s.lif.reset is Reset.SUBTRACT and not subtract:
        out.append("the subtracting reset becomes a reset to rest")
    if s.spiking and not elsewhere and bool((s.lif.v_reset != s.lif.v_leak).any()):
        out.append("the reset goes to rest, not to v_reset")
    if bool((s.lif.v_init != s.lif.v_leak).any()):
        out.append("the potential starts from rest, not from v_init")
    return out
