r"""Noise in integers: a neuron whose membrane is driven by it, and one whose threshold moves.

Both are the neuron of :mod:`..contract` and its step, with one draw a step from the neuron's own
stream (:mod:`..lfsr`), turned into a bell curve ``z`` of variance 170::

    xi = round(z * gain / 2^gain_fraction)

    NoisyLif               input      x = (sum of weights << weight_shift) + bias + xi
    StochasticThreshold    compare    spike = (u' > threshold + xi)

and then ``(s0, s1)`` go one step on. In :class:`NoisyLif` without a synaptic state the noise is
white; with one it is an Ornstein-Uhlenbeck current with the synapse's time constant, because
the noise enters where spikes do. In :class:`StochasticThreshold` the chance of a spike at
potential ``u`` is that of a bell curve around the threshold: escape noise.

The draw is taken in every step, also while the neuron is refractory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cell import State, Word
from ..contract import Contract, IntState, step
from ..errors import InvalidValue, require
from ..fixed import Ints, shift_right
from ..lfsr import BELL_TOP, advance, bell, draw, seeds
from ..lif import Reset

__all__ = ["NoisyLif", "StochasticThreshold", "noise_values"]

MAX_GAIN = 1 << 16
RECEPTOR = "input"


@dataclass(frozen=True, eq=False)
class _Noise:
    """What both neurons have: ``base``, how strong the noise is, and the seed of its streams.

    Parameters
    ----------
    base
        The neuron, with a threshold.
    gain
        Strength of the noise, int64 ``(n,)``, 0 to 65535.
    gain_fraction
        Bits of ``gain`` behind the point, 0 to 24.
    seed
        Which streams, 0 to 65535: neurons of other seeds draw other numbers.

    Raises
    ------
    InvalidValue
        For a readout, or a number outside its range.
    """

    base: Contract
    gain: Ints
    gain_fraction: int
    seed: int = 0

    def __post_init__(self) -> None:
        require(self.base.threshold is not None, "base.threshold", None, "a threshold")
        shape = self.gain.shape
        require(shape == (self.base.n,), "gain", list(shape), f"{self.base.n} values")
        for j in np.flatnonzero((self.gain < 0) | (self.gain >= MAX_GAIN)):
            raise InvalidValue(f"gain[{j}]", int(self.gain[j]), f"0 to {MAX_GAIN - 1}")
        good = 0 <= self.gain_fraction <= 24
        require(good, "gain_fraction", self.gain_fraction, "0 to 24 bits")
        seeds(1, self.seed)

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.base.n

    @property
    def words(self) -> Mapping[str, Word]:
        """``u``; ``i`` with a synapse; the stream's ``s0`` and ``s1``; ``hold`` if refractory."""
        c = self.base
        bits = int(c.hold.max()).bit_length()
        return {
            "u": Word(c.width),
            **({"i": Word(c.syn_width)} if c.has_synapse else {}),
            "s0": Word(32, False),
            "s1": Word(32, False),
            **({"hold": Word(bits, False)} if bits else {}),
        }

    @property
    def receptors(self) -> Mapping[str, Word]:
        """One sum of weights, ``input``."""
        return {RECEPTOR: Word(self.base.acc_width)}

    @property
    def numbers(self) -> Mapping[str, Ints]:
        """Those of the neuron that its step reads, and ``gain``."""
        c = self.base
        reset = ("u_reset", c.u_reset) if c.reset is Reset.SET else ("u_drop", c.u_drop)
        values = {
            "bias": c.bias,
            "decay_mem": None if c.decay_mem is None else c.decay_mem.coefficient,
            "decay_syn": None if c.decay_syn is None else c.decay_syn.coefficient,
            "couple": c.couple,
            "threshold": c.threshold,
            reset[0]: reset[1],
            "hold": c.hold,
            "gain": self.gain,
        }
        return {name: np.broadcast_to(v, (c.n,)) for name, v in values.items() if v is not None}

    def start(self) -> dict[str, Ints]:
        """Initial potential, no current, and the start of each neuron's stream."""
        zero = np.zeros(self.n, dtype=np.int64)
        s0, s1 = seeds(self.n, self.seed)
        start = {"u": self.base.u_init.copy(), "i": zero, "s0": s0, "s1": s1, "hold": zero.copy()}
        return {name: start[name] for name in self.words}

    def noise(self, word: Ints) -> Ints:
        """``xi`` in state units from 32 random bits, ``(..., n)``."""
        return shift_right(bell(word) * self.gain, self.gain_fraction, self.base.rounding)

    def _moved(
        self, state: State, totals: State, xi: Ints, *, threshold: bool
    ) -> tuple[dict[str, Ints], NDArray[np.bool_]]:
        u = state["u"]
        none = np.zeros_like(u)
        before = IntState(u, state.get("i", none), state.get("hold", none))
        total = totals[RECEPTOR]
        if threshold:
            after, spikes = step(self.base, before, total, raised=xi)
        else:
            after, spikes = step(self.base, before, total, noise=xi)
        s0, s1 = advance(state["s0"], state["s1"])
        new = {"u": after.u, "i": after.i, "s0": s0, "s1": s1, "hold": after.hold}
        return {name: new[name] for name in self.words}, spikes


class NoisyLif(_Noise):
    """Noise in the input: white, or coloured by the synapse; see the module."""

    def step(self, state: State, totals: State) -> tuple[dict[str, Ints], NDArray[np.bool_]]:
        """State after a step, and who fired."""
        xi = self.noise(draw(state["s0"], state["s1"]))
        return self._moved(state, totals, xi, threshold=False)


class StochasticThreshold(_Noise):
    """Noise in the threshold; see the module."""

    def step(self, state: State, totals: State) -> tuple[dict[str, Ints], NDArray[np.bool_]]:
        """State after a step, and who fired."""
        xi = self.noise(draw(state["s0"], state["s1"]))
        return self._moved(state, totals, xi, threshold=True)


def noise_values(cell: _Noise, neuron: int = 0) -> Ints:
    """What ``xi`` may be for one neuron, in the order of :func:`~..lfsr.bell_odds`, ``(121,)``."""
    z = np.arange(-BELL_TOP, BELL_TOP + 1)
    return shift_right(z * cell.gain[neuron], cell.gain_fraction, cell.base.rounding)
