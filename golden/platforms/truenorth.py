r"""TrueNorth: 20-bit potentials, linear leak, four weights a neuron chosen by axon type.

Cassidy et al., "Cognitive computing building block: a versatile and efficient digital neuron
model for neurosynaptic cores", IJCNN 2013, equations 1 to 8; sizes from Merolla et al., Science
345, 668 (2014), supplement::

    V += sum over spikes of w, or with stochastic synapses sign(w) where a draw is below |w|
    V += leak sign, of lambda, or with a stochastic leak its sign where a draw is below |lambda|;
         with leak reversal the leak points away from (or, if negative, towards) 0
    eta = draw & mask
    V >= alpha + eta:   spike; V = reset, V - (alpha + eta), or V     (normal, linear, none)
    V < -(beta + eta):  V = -reset, V + beta + eta, or V; or, saturating, V < -beta: V = -beta

A draw is the next word of a 16-bit Galois register; each neuron has its own seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InvalidValue, require
from ..fixed import Ints, saturate
from .profile import words

__all__ = ["ResetMode", "TrueNorthPopulation", "TrueNorthState", "galois16"]

WIDTH = 20
TAPS = 0xB400


class ResetMode(StrEnum):
    """What a threshold crossing does to the potential."""

    NORMAL = "normal"
    LINEAR = "linear"
    NONE = "none"


@dataclass(frozen=True, eq=False)
class TrueNorthState:
    """``v`` 20-bit words, ``draw`` the registers; each ``(n,)``."""

    v: Ints
    draw: Ints


@dataclass(frozen=True, eq=False)
class TrueNorthPopulation:
    """Neurons of a core.

    Parameters
    ----------
    n
        Number of neurons.
    leak
        Signed 9-bit; added in every step. With ``leak_reversal`` its sign follows that of the
        potential, so that a negative leak decays towards 0 from both sides.
    alpha, beta
        Positive and negative threshold, unsigned 18-bit.
    mask
        Bits of the draw that raise both thresholds; 0 for none.
    reset_value
        Signed 9-bit potential of the normal reset.
    reset
        See :class:`ResetMode`.
    negative_saturates
        The potential stops at ``-beta`` instead of being reset there.
    stochastic_leak, stochastic_synapses
        Add the sign where a draw of 8 bits is below the magnitude.
    seed
        First word of the registers, 1 to 65535; ``seed + j`` for neuron ``j``.
    """

    n: int
    leak: Ints
    alpha: Ints
    beta: Ints
    mask: int
    reset_value: int
    reset: ResetMode
    leak_reversal: bool
    negative_saturates: bool
    stochastic_leak: bool
    stochastic_synapses: bool
    seed: int

    def __init__(
        self,
        n: int,
        alpha: ArrayLike,
        *,
        leak: ArrayLike = 0,
        beta: ArrayLike = (1 << 18) - 1,
        mask: int = 0,
        reset_value: int = 0,
        reset: ResetMode | str = ResetMode.NORMAL,
        leak_reversal: bool = False,
        negative_saturates: bool = True,
        stochastic_leak: bool = False,
        stochastic_synapses: bool = False,
        seed: int = 1,
    ) -> None:
        require(n >= 1, "n", n, "at least 1")
        top = (1 << 18) - 1
        require(0 <= mask <= 0xFFFF, "mask", mask, "0 to 65535")
        require(-256 <= reset_value <= 255, "reset_value", reset_value, "-256 to 255")
        require(1 <= seed <= 0xFFFF - n, "seed", seed, f"1 to {0xFFFF - n}")
        try:
            mode = ResetMode(reset)
        except ValueError:
            raise InvalidValue("reset", reset, ", ".join(ResetMode)) from None
        values = {
            "n": n,
            "leak": words("leak", leak, n, -256, 255),
            "alpha": words("alpha", alpha, n, 0, top),
            "beta": words("beta", beta, n, 0, top),
            "mask": mask,
            "reset_value": reset_value,
            "reset": mode,
            "leak_reversal": leak_reversal,
            "negative_saturates": negative_saturates,
            "stochastic_leak": stochastic_leak,
            "stochastic_synapses": stochastic_synapses,
            "seed": seed,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def start(self) -> TrueNorthState:
        """Potential 0, registers at their seeds."""
        zero = np.zeros(self.n, dtype=np.int64)
        return TrueNorthState(zero, self.seed + np.arange(self.n, dtype=np.int64))

    def advance(self, state: TrueNorthState, arrived: Ints) -> tuple[TrueNorthState, Ints]:
        """One step: synapses, leak, threshold; see the module's text."""
        if self.stochastic_synapses:
            for weight in arrived:
                state = self.receive(state, weight)
            after, spikes = self.update(state, np.zeros(self.n, dtype=np.int64))
        else:
            after, spikes = self.update(state, arrived.sum(axis=0))
        return after, spikes.astype(np.int64)

    def receive(self, state: TrueNorthState, weight: Ints) -> TrueNorthState:
        """One event of a stochastic synapse, ``(..., n)``: every neuron draws."""
        draw = galois16(state.draw)
        return TrueNorthState(saturate(state.v + _chance(weight, draw), WIDTH), draw)

    def update(
        self, state: TrueNorthState, total: Ints
    ) -> tuple[TrueNorthState, NDArray[np.bool_]]:
        """Sum of weights ``(..., n)``, leak and threshold."""
        v, draw = saturate(state.v + total, WIDTH), state.draw
        leak = self.leak
        if self.stochastic_leak:
            draw = galois16(draw)
            leak = _chance(leak, draw)
        # At 0 a reversed leak counts as pointing upwards.
        omega = np.where(v >= 0, 1, -1) if self.leak_reversal else 1
        moved = saturate(v + omega * leak, WIDTH)
        if self.leak_reversal:
            # A leak towards 0 stops there.
            moved = np.where((leak < 0) & (np.sign(moved) == -np.sign(v)), 0, moved)
            moved = np.where((leak < 0) & (v == 0), 0, moved)
        draw = galois16(draw)
        return self._fire(moved, draw)

    def _fire(self, v: Ints, draw: Ints) -> tuple[TrueNorthState, NDArray[np.bool_]]:
        eta = draw & self.mask
        high, low = self.alpha + eta, self.beta + eta
        spikes = v >= high
        up = self._after(np.int64(self.reset_value), v - high, v)
        after = np.where(spikes, up, v)
        if self.negative_saturates:
            after = np.where(~spikes & (v < -self.beta), -self.beta, after)
        else:
            down = self._after(np.int64(-self.reset_value), v + low, v)
            after = np.where(~spikes & (v < -low), down, after)
        return TrueNorthState(after.astype(np.int64), draw), spikes

    def _after(self, normal: np.int64, linear: Ints, none: Ints) -> Ints:
        """What a crossing leaves, by the reset mode."""
        if self.reset is ResetMode.NORMAL:
            return np.full_like(none, normal)
        return linear if self.reset is ResetMode.LINEAR else none

    def potential(self, state: TrueNorthState) -> Ints:
        """``V``."""
        return state.v


def _chance(value: Ints, draw: Ints) -> Ints:
    """The sign of ``value`` with probability ``|value| / 256``."""
    return np.sign(value) * ((draw & 0xFF) < np.abs(value))


def galois16(word: Ints) -> Ints:
    """Next word of the maximal-length register with taps 16, 14, 13, 11: period 65535."""
    lowest: NDArray[np.int64] = word & 1
    return np.asarray((word >> 1) ^ (lowest * TAPS))
