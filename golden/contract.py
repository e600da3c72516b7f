"""The integer contract: what every digital body computes, bit for bit.

One step of one neuron, in this order and no other. ``x`` is the sum of the integer weights
of this step's input spikes; ``<<``, ``round`` and ``sat`` are exact, named and saturating:

1. **input**      ``x = (sum of weights) << weight_shift  +  bias``
2. **synapse**    ``i' = sat_syn(decay_syn(i) + x)``, or without synaptic state ``i' = x``
3. **leak and integrate**  ``u' = sat(decay_mem(u) + drive)`` with
   ``drive = i'`` (``Drive.NEW``), ``i`` (``Drive.OLD``) or ``i' + round(couple i / 2^f)``
   (``Drive.BLEND``)
4. **compare**    ``spike = (u' > threshold)``, never while refractory, never for a readout
5. **reset**      ``u' = u_reset`` (set) or ``sat(u' - u_drop)`` (subtract)
6. **refractory** a spike loads ``hold``; while the counter is above 0 it counts down and
   ``u`` is held; ``i`` goes on decaying

``u`` is the potential relative to rest, in units of ``lsb`` volts; ``decay(s)`` is
``round(s * coefficient / 2^fraction)`` (multiply) or ``s - round(s / 2^shift)`` (shift).
The sum in step 1 uses an accumulator wide enough never to overflow
(:attr:`Contract.acc_width`); saturation happens only where written ``sat``.

A contract is data: the hardware generator, the network layer and :func:`step` are three
readings of it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from .errors import InvalidValue, require
from .fixed import Ints, Rounding, limits, saturate, shift_right
from .lif import Reset

__all__ = ["CONTRACT_VERSION", "Contract", "Decay", "Drive", "IntState", "initial_state", "step"]

CONTRACT_VERSION = "1.0"
"""Changes of meaning raise the first number."""

MAX_STATE_WIDTH = 32
MAX_FRACTION = 24
MAX_ACC_WIDTH = 40
MAX_WEIGHT_WIDTH = 24


class Drive(StrEnum):
    """Which synaptic current reaches the membrane in a step."""

    NEW = "new"
    OLD = "old"
    BLEND = "blend"


@dataclass(frozen=True, eq=False)
class Decay:
    """Decay of an integer state: by multiplication or, with ``shift``, by shift alone.

    Exactly one of the two is set: ``coefficient`` (int64, shape ``(n,)``, unsigned
    Q1.``fraction``, at most ``2**fraction``) or ``shift`` (1 to 31).
    """

    coefficient: Ints | None = None
    fraction: int = 0
    shift: int | None = None

    def __post_init__(self) -> None:
        one = (self.coefficient is None) != (self.shift is None)
        require(one, "decay", (self.coefficient, self.shift), "either a coefficient or a shift")
        if self.shift is not None:
            require(1 <= self.shift <= 31, "decay.shift", self.shift, "1 to 31")
            return
        assert self.coefficient is not None
        require(1 <= self.fraction <= MAX_FRACTION, "decay.fraction", self.fraction, "1 to 24")
        top = 1 << self.fraction
        for c in self.coefficient[(self.coefficient < 0) | (self.coefficient > top)]:
            raise InvalidValue("decay.coefficient", int(c), f"0 to {top}")

    def factor(self) -> NDArray[np.float64]:
        """The decay factor that the integers realise."""
        if self.shift is not None:
            return np.asarray([1.0 - 2.0**-self.shift])
        assert self.coefficient is not None
        return np.asarray(self.coefficient / 2.0**self.fraction)

    def apply(self, state: Ints, rounding: Rounding) -> Ints:
        """One step of decay; ``state`` ends in the neuron axis."""
        if self.shift is not None:
            return state - shift_right(state, self.shift, rounding)
        assert self.coefficient is not None
        return shift_right(state * self.coefficient, self.fraction, rounding)


@dataclass(frozen=True, eq=False)
class Contract:
    """Integer semantics of a population of ``n`` neurons; see the module for the step.

    Parameters
    ----------
    n
        Number of neurons.
    width, fraction
        Bits of the membrane word (signed) and how many of them lie behind the point.
    syn_width
        Bits of the synaptic word, same point; 0 without synaptic state.
    weight_width, weight_shift
        Bits of a weight (signed), and the left shift that aligns weights to the state.
    acc_width
        Bits of the weight accumulator; wide enough for all sources at once.
    decay_mem, decay_syn
        Decay of both states; ``decay_syn`` is ``None`` without synaptic state.
        ``decay_mem = None`` means no leak.
    drive, couple, couple_fraction
        Which current reaches the membrane; ``couple`` (signed, ``(n,)``) only with
        ``Drive.BLEND``.
    threshold
        int64 ``(n,)``, or ``None`` for a readout without spikes.
    reset, u_reset, u_drop, u_init
        Reset mode, its potential, what a subtracting reset takes away, initial potential.
    hold
        Refractory steps, int64 ``(n,)``.
    bias
        Added to the input in every step, state units, int64 ``(n,)``.
    rounding
        One mode for every right shift.
    lsb, i_lsb
        Volts and amperes of one unit of ``u`` and ``i``, float ``(n,)``; ``v_rest`` the
        potential at ``u = 0``. For people and float comparison; no digital body uses them.
    """

    n: int
    width: int
    fraction: int
    syn_width: int
    weight_width: int
    weight_shift: int
    acc_width: int
    decay_mem: Decay | None
    decay_syn: Decay | None
    drive: Drive
    couple: Ints | None
    couple_fraction: int
    threshold: Ints | None
    reset: Reset
    u_reset: Ints
    u_drop: Ints
    u_init: Ints
    hold: Ints
    bias: Ints
    rounding: Rounding
    lsb: NDArray[np.float64]
    i_lsb: NDArray[np.float64]
    v_rest: NDArray[np.float64]

    def __post_init__(self) -> None:
        require(self.n >= 1, "n", self.n, "at least 1")
        require(2 <= self.width <= MAX_STATE_WIDTH, "width", self.width, "2 to 32 bits")
        require(0 <= self.fraction < self.width, "fraction", self.fraction, "0 to width - 1")
        syn_ok = self.syn_width == 0 or 2 <= self.syn_width <= MAX_STATE_WIDTH
        require(syn_ok, "syn_width", self.syn_width, "0 or 2 to 32 bits")
        agree = (self.syn_width > 0) == (self.decay_syn is not None)
        require(agree, "decay_syn", self.decay_syn, "a decay exactly where syn_width > 0")
        top = MAX_WEIGHT_WIDTH
        require(
            1 <= self.weight_width <= top, "weight_width", self.weight_width, f"1 to {top} bits"
        )
        require(0 <= self.weight_shift <= 31, "weight_shift", self.weight_shift, "0 to 31")
        top = MAX_ACC_WIDTH - self.weight_shift
        require(1 <= self.acc_width <= top, "acc_width", self.acc_width, f"1 to {top} bits")
        blend = self.drive is Drive.BLEND
        require(blend == (self.couple is not None), "couple", self.couple, "set for Drive.BLEND")
        good = 0 <= self.couple_fraction <= MAX_FRACTION
        require(good, "couple_fraction", self.couple_fraction, f"0 to {MAX_FRACTION}")
        self._check_shapes()
        self._check_words()

    def _check_shapes(self) -> None:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in ("decay_mem", "decay_syn"):
            decay: Decay | None = values[name]
            values[name] = None if decay is None else decay.coefficient
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                require(value.shape == (self.n,), name, list(value.shape), f"{self.n} values")

    def _check_words(self) -> None:
        low, high = limits(self.width)
        words = {"u_reset": self.u_reset, "u_init": self.u_init}
        if self.threshold is not None:
            words["threshold"] = self.threshold
            # Compared, not stored: a threshold at the top of the range can never be exceeded.
            high_th = high - 1
            for j in np.flatnonzero(self.threshold > high_th):
                raise InvalidValue(f"threshold[{j}]", int(self.threshold[j]), f"<= {high_th}")
        for name, word in words.items():
            for j in np.flatnonzero((word < low) | (word > high)):
                raise InvalidValue(f"{name}[{j}]", int(word[j]), f"{low} to {high}")
        for j in np.flatnonzero((self.u_drop < 0) | (self.u_drop > 2 * high + 1)):
            raise InvalidValue(f"u_drop[{j}]", int(self.u_drop[j]), f"0 to {2 * high + 1}")
        for j in np.flatnonzero((self.hold < 0) | (self.hold >= 1 << 16)):
            raise InvalidValue(f"hold[{j}]", int(self.hold[j]), "0 to 65535 steps")

    @property
    def has_synapse(self) -> bool:
        """Whether there is a synaptic state word."""
        return self.decay_syn is not None

    def neuron(self, j: int) -> Contract:
        """The contract of neuron ``j`` alone."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                values[name] = value[j : j + 1]
            elif isinstance(value, Decay) and value.coefficient is not None:
                values[name] = Decay(value.coefficient[j : j + 1], value.fraction)
        return Contract(**{**values, "n": 1})

    def volts(self, u: Ints) -> NDArray[np.float64]:
        """Membrane potential of integer states."""
        return np.asarray(self.v_rest + u * self.lsb)


@dataclass(frozen=True, eq=False)
class IntState:
    """Integer state; arrays end in the neuron axis, leading axes are batches."""

    u: Ints
    i: Ints
    hold: Ints


def initial_state(contract: Contract, batch: tuple[int, ...] = ()) -> IntState:
    """The state before the first step, of shape ``batch + (n,)``."""
    shape = (*batch, contract.n)
    zero = np.zeros(shape, dtype=np.int64)
    return IntState(np.broadcast_to(contract.u_init, shape).copy(), zero, zero.copy())


def step(
    c: Contract,
    state: IntState,
    total: Ints,
    *,
    noise: Ints | None = None,
    raised: Ints | None = None,
) -> tuple[IntState, NDArray[np.bool_]]:
    """One step; ``total`` is the plain sum of this step's weights, shape ``(..., n)``.

    ``noise`` is added to the input and ``raised`` to the threshold, both in state units.
    """
    x = (total << c.weight_shift) + c.bias
    if noise is not None:
        x = x + noise
    if c.decay_syn is None:
        i, current = state.i, x
    else:
        i = saturate(c.decay_syn.apply(state.i, c.rounding) + x, c.syn_width)
        current = _drive(c, state.i, i)
    decayed = state.u if c.decay_mem is None else c.decay_mem.apply(state.u, c.rounding)
    free = state.hold == 0
    u = np.where(free, saturate(decayed + current, c.width), state.u)
    if c.threshold is None:
        return IntState(u, i, state.hold), np.zeros(u.shape, dtype=np.bool_)
    spikes = free & (u > (c.threshold if raised is None else c.threshold + raised))
    after = c.u_reset if c.reset is Reset.SET else saturate(u - c.u_drop, c.width)
    u = np.where(spikes, after, u)
    hold = np.where(spikes, c.hold, np.maximum(state.hold - 1, 0))
    return IntState(u, i, hold), spikes


def _drive(c: Contract, old: Ints, new: Ints) -> Ints:
    if c.drive is Drive.NEW:
        return new
    if c.drive is Drive.OLD:
        return old
    assert c.couple is not None
    return new + shift_right(old * c.couple, c.couple_fraction, c.rounding)
