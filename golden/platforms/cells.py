"""Platforms as cells of the core family: words, numbers and sums, their step unchanged.

Loihi, SpiNNaker and TrueNorth look at the sum of a step's weights; they are cells as
:class:`~lifstone.golden.cell.Cell` has it. What compares or draws at every single event, ODIN
and TrueNorth's stochastic synapses, is an :class:`~.events.EventCell`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cell import State, Word
from ..errors import require
from ..fixed import Ints
from .loihi import STATE_BITS, LoihiPopulation, LoihiState
from .spinnaker import WIDTH as SPINNAKER_BITS
from .spinnaker import SpinnakerPopulation, SpinnakerState
from .truenorth import WIDTH as TRUENORTH_BITS
from .truenorth import TrueNorthPopulation, TrueNorthState

__all__ = ["ACC_WIDTH", "LoihiCell", "SpinnakerCell", "TrueNorthCell"]

ACC_WIDTH = 32
"""Bits of the sum of weights unless a cell says otherwise."""
Stepped = tuple[dict[str, Ints], NDArray[np.bool_]]


def counter(most: int) -> Word:
    """A word that counts to ``most``."""
    return Word(max(1, int(most).bit_length()), signed=False)


@dataclass(frozen=True, eq=False)
class LoihiCell:
    """Compartments of Loihi; ``v`` and ``u`` of 24 bits, ``hold`` the refractory counter.

    ``acc_width`` is that of the sum before it wraps in the chip's 22 bits.
    """

    population: LoihiPopulation
    acc_width: int = ACC_WIDTH

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.population.n

    @property
    def words(self) -> Mapping[str, Word]:
        """``v``, ``u``, ``hold``."""
        most = max(1, int(self.population.refract_delay.max()) - 1)
        return {"v": Word(STATE_BITS), "u": Word(STATE_BITS), "hold": counter(most)}

    @property
    def receptors(self) -> Mapping[str, Word]:
        """One sum."""
        return {"input": Word(self.acc_width)}

    @property
    def numbers(self) -> Mapping[str, Ints]:
        """The population's parameters; the rails are the same for all."""
        p = self.population
        return {
            "decay_u": p.decay_u,
            "decay_v": p.decay_v,
            "v_th": p.v_th,
            "bias": p.bias,
            "v_min": np.full(p.n, p.v_min, dtype=np.int64),
            "v_max": np.full(p.n, p.v_max, dtype=np.int64),
            "hold": p.refract_delay - 1,
        }

    def start(self) -> dict[str, Ints]:
        """All zero."""
        s = self.population.start()
        return {"v": s.v, "u": s.u, "hold": s.hold}

    def step(self, state: State, totals: State) -> Stepped:
        """As :meth:`LoihiPopulation.update`."""
        before = LoihiState(state["u"], state["v"], state["hold"])
        s, spikes = self.population.update(before, totals["input"])
        return {"v": s.v, "u": s.u, "hold": s.hold}, spikes


@dataclass(frozen=True, eq=False)
class SpinnakerCell:
    """Neurons of a SpiNNaker core; ``v`` and, with a synapse, ``i`` in s16.15, and ``hold``."""

    population: SpinnakerPopulation
    acc_width: int = ACC_WIDTH

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.population.n

    @property
    def words(self) -> Mapping[str, Word]:
        """``v``, ``i`` where there is a synapse, ``hold`` where there is a refractory period."""
        out = {"v": Word(SPINNAKER_BITS)}
        if self.population.model.keep_syn is not None:
            out["i"] = Word(SPINNAKER_BITS)
        most = int(self.population.model.hold.max())
        return {**out, "hold": counter(most)} if most else out

    @property
    def receptors(self) -> Mapping[str, Word]:
        """One sum."""
        return {"input": Word(self.acc_width)}

    @property
    def numbers(self) -> Mapping[str, Ints]:
        """Potentials in s16.15, factors in 32 fraction bits, refractory steps."""
        m = self.population.model
        out = {
            "v_leak": m.v_leak,
            "v_th": m.v_th,
            "v_reset": m.v_reset,
            "keep_mem": m.keep_mem,
        }
        if m.keep_syn is not None:
            out["keep_syn"] = m.keep_syn
        return {**out, "hold": m.hold} if "hold" in self.words else out

    def start(self) -> dict[str, Ints]:
        """At the initial potential."""
        return self._kept(self.population.start())

    def step(self, state: State, totals: State) -> Stepped:
        """As :meth:`SpinnakerPopulation.update`."""
        v = state["v"]
        zero = np.zeros_like(v)
        before = SpinnakerState(v, state.get("i", zero), state.get("hold", zero))
        s, spikes = self.population.update(before, totals["input"])
        return self._kept(s), spikes

    def _kept(self, s: SpinnakerState) -> dict[str, Ints]:
        return {name: getattr(s, name) for name in self.words}


@dataclass(frozen=True, eq=False)
class TrueNorthCell:
    """Neurons of a TrueNorth core with plain synapses; ``v`` of 20 bits, ``draw`` of 16.

    Raises
    ------
    InvalidValue
        For stochastic synapses: these draw at every event.
    """

    population: TrueNorthPopulation
    acc_width: int = ACC_WIDTH

    def __post_init__(self) -> None:
        chancy = self.population.stochastic_synapses
        require(not chancy, "stochastic_synapses", chancy, "False: else TrueNorthEvents")

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.population.n

    @property
    def words(self) -> Mapping[str, Word]:
        """``v`` and the register."""
        return truenorth_words()

    @property
    def receptors(self) -> Mapping[str, Word]:
        """One sum."""
        return {"input": Word(self.acc_width)}

    @property
    def numbers(self) -> Mapping[str, Ints]:
        """Leak and thresholds."""
        return truenorth_numbers(self.population)

    def start(self) -> dict[str, Ints]:
        """Potential 0, registers at their seeds."""
        s = self.population.start()
        return {"v": s.v, "draw": s.draw}

    def step(self, state: State, totals: State) -> Stepped:
        """As :meth:`TrueNorthPopulation.update`."""
        before = TrueNorthState(state["v"], state["draw"])
        s, spikes = self.population.update(before, totals["input"])
        return {"v": s.v, "draw": s.draw}, spikes


def truenorth_words() -> dict[str, Word]:
    """Stored state of a TrueNorth neuron."""
    return {"v": Word(TRUENORTH_BITS), "draw": Word(16, signed=False)}


def truenorth_numbers(p: TrueNorthPopulation) -> dict[str, Ints]:
    """What differs from neuron to neuron."""
    return {"leak": p.leak, "alpha": p.alpha, "beta": p.beta}
