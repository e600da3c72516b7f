r"""Loihi 1: 24-bit states, 12-bit decays, weights of a mantissa and a shared exponent.

Davies et al., IEEE Micro 38(1), 82 (2018); the order of operations and the rounding are those
of the emulator in ``nengo-loihi`` 1.1 (Apache-2.0), which its authors compared with the chip::

    q   = sum of weights                                wraps in 22 bits
    u'  = decay(u, d_u + 1) + q                         wraps in 24 bits
    v'  = decay(v, d_v) + u' + bias                     clipped to v_min to v_max
    v'  = 0 while refractory
    spike = v' > v_th;  v' = 0;  the counter loads refract_delay, then counts down

with ``decay(x, d) = sign(x) floor(|x| (4096 - d) / 4096)``: towards zero, so that nothing
decays below its sign.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..discrete import discretise
from ..errors import require
from ..fixed import Ints
from ..lif import Lif, Reset
from .profile import words

__all__ = ["LoihiPopulation", "LoihiState", "from_lif", "input_gain", "weight_words", "wrap"]

DECAY_ONE = 4096
WEIGHT_MANTISSA = 8
EXPONENTS = (-8, 7)
STATE_BITS, INPUT_BITS = 24, 22
THRESHOLD_MANTISSA, THRESHOLD_EXPONENT = 17, 6
BIAS_MANTISSA, BIAS_EXPONENT = 13, 7


@dataclass(frozen=True, eq=False)
class LoihiState:
    """``u`` and ``v`` in 24-bit words, ``hold`` the refractory counter; each ``(n,)``."""

    u: Ints
    v: Ints
    hold: Ints


@dataclass(frozen=True, eq=False)
class LoihiPopulation:
    """Compartments of one core.

    Parameters
    ----------
    n
        Number of compartments.
    decay_u, decay_v
        0 to 4095 and 0 to 4096: what a step takes of the current and of the potential, in
        units of 1/4096; the current loses one unit more.
    v_th
        A 17-bit mantissa times 64.
    bias
        A signed 13-bit mantissa times a power of two up to 128.
    v_min, v_max
        Rails of the potential.
    refract_delay
        1 to 63; 1 means that a neuron may fire in every step.
    """

    n: int
    decay_u: Ints
    decay_v: Ints
    v_th: Ints
    bias: Ints
    v_min: int
    v_max: int
    refract_delay: Ints

    def __init__(
        self,
        n: int,
        decay_u: ArrayLike,
        decay_v: ArrayLike,
        v_th: ArrayLike,
        bias: ArrayLike = 0,
        v_min: int = -(2**23) + 1,
        v_max: int = 2**23 - 1,
        refract_delay: ArrayLike = 1,
    ) -> None:
        require(n >= 1, "n", n, "at least 1")
        top = ((1 << THRESHOLD_MANTISSA) - 1) << THRESHOLD_EXPONENT
        peak = ((1 << (BIAS_MANTISSA - 1)) - 1) << BIAS_EXPONENT
        values = {
            "decay_u": words("decay_u", decay_u, n, 0, DECAY_ONE - 1),
            "decay_v": words("decay_v", decay_v, n, 0, DECAY_ONE),
            "v_th": words("v_th", v_th, n, 0, top),
            "bias": words("bias", bias, n, -peak, peak),
            "refract_delay": words("refract_delay", refract_delay, n, 1, 63),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        require(-(2**23) < v_min <= 0 <= v_max < 2**23, "v_min", (v_min, v_max), "24-bit rails")
        for name, rail in (("n", n), ("v_min", v_min), ("v_max", v_max)):
            object.__setattr__(self, name, rail)

    def start(self) -> LoihiState:
        """All zero."""
        zero = np.zeros(self.n, dtype=np.int64)
        return LoihiState(zero, zero.copy(), zero.copy())

    def advance(self, state: LoihiState, arrived: Ints) -> tuple[LoihiState, Ints]:
        """One step; see the module's text."""
        after, spikes = self.update(state, arrived.sum(axis=0))
        return after, spikes.astype(np.int64)

    def update(self, state: LoihiState, total: Ints) -> tuple[LoihiState, NDArray[np.bool_]]:
        """One step with the sum of its weights, ``(..., n)``."""
        q = wrap(total, INPUT_BITS)
        u = wrap(_decay(state.u, self.decay_u + 1) + q, STATE_BITS)
        drive = wrap(u + self.bias, STATE_BITS)
        v = np.clip(_decay(state.v, self.decay_v) + drive, self.v_min, self.v_max)
        v = np.where(state.hold > 0, 0, v)
        spikes = v > self.v_th
        hold = np.where(spikes, self.refract_delay, state.hold)
        return LoihiState(u, np.where(spikes, 0, v), np.maximum(hold - 1, 0)), spikes

    def potential(self, state: LoihiState) -> Ints:
        """``v``."""
        return state.v


def _decay(x: Ints, decay: Ints) -> Ints:
    return np.asarray(np.sign(x) * ((np.abs(x) * (DECAY_ONE - decay)) >> 12))


def wrap(x: Ints, bits: int) -> Ints:
    """Two's complement of ``bits`` bits: what does not fit comes round at the other end."""
    half = np.int64(1 << (bits - 1))
    return np.asarray(((x + half) & ((1 << bits) - 1)) - half)


def weight_words(weight: ArrayLike, exponent: int) -> Ints:
    """Weights as the chip adds them: 8-bit mantissas, even ones, times ``2**(6 + exponent)``.

    Signed ("mixed") synapses lose the mantissa's last bit. ``weight`` is in units of the state.

    Raises
    ------
    InvalidValue
        For an exponent outside -8 to 7, or a weight that the mantissa cannot reach.
    """
    low, high = EXPONENTS
    require(low <= exponent <= high, "exponent", exponent, f"{low} to {high}")
    scale = 2.0 ** (6 + exponent)
    mantissa = 2 * np.rint(np.asarray(weight, dtype=np.float64) / scale / 2.0).astype(np.int64)
    top = (1 << WEIGHT_MANTISSA) - 2
    peak = int(np.abs(mantissa).max(initial=0))
    require(peak <= top, "weight", peak * scale, f"at most {top * scale:g} at exponent {exponent}")
    # Negative exponents drop bits of the mantissa, towards zero.
    shift = 6 + exponent
    if shift >= 0:
        return np.asarray(mantissa << shift)
    return np.asarray(np.sign(mantissa) * (np.abs(mantissa) >> -shift))


def from_lif(
    lif: Lif, dt: float, v_th: int = 1 << 20
) -> tuple[LoihiPopulation, float, NDArray[np.float64]]:
    """A population for ``lif``, and the units that lead back.

    The potential relative to rest is scaled so that the smallest distance from rest to
    threshold becomes ``v_th``; a reset to rest is all the chip knows. Returns the population, volts
    of one unit of ``v``, and for each neuron the amperes of input that add one unit to ``u`` in
    a step, ``(n,)``: where ``r`` or a time constant differs, the same current is another number.

    Raises
    ------
    InvalidValue
        For a reset elsewhere than at rest, a subtracting reset, or neurons whose threshold is
        not finite.
    """
    require(bool(np.isfinite(lif.v_th).all()), "v_th", float(lif.v_th.max()), "finite")
    away = np.abs(lif.v_reset - lif.v_leak)
    at = int(away.argmax())
    require(away[at] == 0, f"v_reset[{at}]", float(lif.v_reset[at]), "the resting potential")
    require(lif.reset is Reset.SET, "reset", str(lif.reset), str(Reset.SET))
    span = lif.v_th - lif.v_leak
    volts = float(span.min()) / v_th
    c = discretise(lif, dt)
    keep_u = np.zeros(lif.n) if c.a_syn is None else c.a_syn
    decay_u = np.clip(np.rint(DECAY_ONE * (1 - keep_u)) - 1, 0, DECAY_ONE - 1)
    decay_v = np.rint(DECAY_ONE * -np.expm1(-dt / lif.tau_mem))
    mantissa = np.rint(span / volts / (1 << THRESHOLD_EXPONENT)).astype(np.int64)
    population = LoihiPopulation(
        lif.n,
        decay_u.astype(np.int64),
        decay_v.astype(np.int64),
        mantissa << THRESHOLD_EXPONENT,
        refract_delay=c.hold + 1,
    )
    return population, volts, volts / input_gain(lif, dt)


def input_gain(lif: Lif, dt: float) -> NDArray[np.float64]:
    """Volts that one ampere adds to the drive of a step, ``(n,)``, as a sum that then decays.

    The chip adds the whole current of a step at its beginning; what a current held over all
    steps leads to is the same as in ``lif``.
    """
    per_step = np.where(np.isfinite(lif.tau_mem), -np.expm1(-dt / lif.tau_mem), dt)
    if lif.tau_syn is None:
        return np.asarray(lif.r * per_step)
    return np.asarray(lif.r * lif.w_in * per_step * -np.expm1(-dt / lif.tau_syn))
