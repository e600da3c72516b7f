r"""SpiNNaker: the closed-form step in s16.15 fixed point.

Furber et al., Proc. IEEE 102, 652 (2014); Hopkins & Furber, Neural Computation 27, 2148 (2015)
on the arithmetic and the closed-form step. A number is a 32-bit word with 15 fraction bits; a
product keeps the bits above the point's 15, towards minus infinity; a decay factor is a
fraction of 32 bits::

    alpha = R I + v_rest
    v'    = alpha - exp(-dt / tau) (alpha - v)         unless refractory
    spike = v' >= v_th;  v' = v_reset;  the counter loads t_ref in steps
    I'    = exp(-dt / tau_syn) I,  then the next step's weights are added

Words saturate at both ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import require
from ..fixed import Ints, saturate
from ..lif import Lif

__all__ = [
    "FRACTION",
    "ModelWords",
    "SpinnakerPopulation",
    "SpinnakerState",
    "error_bound",
    "s1615",
]

FRACTION, WIDTH = 15, 32
DECAY_FRACTION = 32


def s1615(value: ArrayLike) -> Ints:
    """The nearest s16.15 words.

    Raises
    ------
    InvalidValue
        For a value beyond +-65536.
    """
    a = np.asarray(value, dtype=np.float64)
    fits = bool((np.isfinite(a) & (np.abs(a) < 65536)).all())
    require(fits, "value", a.reshape(-1)[:3].tolist(), "within +-65536: s16.15")
    return np.asarray(np.rint(a * 2.0**FRACTION), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class SpinnakerState:
    """``v`` and ``i`` in s16.15, ``hold`` the refractory counter; each ``(n,)``."""

    v: Ints
    i: Ints
    hold: Ints


class ModelWords(NamedTuple):
    """The model in the platform's words; ``keep_syn`` is ``None`` without synaptic state."""

    v_leak: Ints
    v_th: Ints
    v_reset: Ints
    v_init: Ints
    keep_mem: Ints
    keep_syn: Ints | None
    hold: Ints


@dataclass(frozen=True, eq=False)
class SpinnakerPopulation:
    """Neurons of a core, made from a float model whose potential is scaled by ``scale``.

    The platform's own unit is the millivolt: ``scale = 1e3`` for models in volts. Weights are
    currents in s16.15 of the unit in which ``r`` times a current is a scaled potential.
    """

    lif: Lif
    dt: float
    scale: float = 1e3

    def __post_init__(self) -> None:
        require(self.dt > 0, "dt", self.dt, "above 0")
        require(bool(np.isfinite(self.lif.tau_mem).all()), "tau_mem", "inf", "finite")
        require(bool(np.isfinite(self.lif.v_th).all()), "v_th", "inf", "finite")
        self.model  # noqa: B018  -- raises on a potential beyond the words

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.lif.n

    def decay(self, tau: NDArray[np.float64]) -> Ints:
        """The factor of a step as an unsigned fraction of 32 bits."""
        return np.asarray(np.rint(np.exp(-self.dt / tau) * 2.0**DECAY_FRACTION), dtype=np.int64)

    @cached_property
    def model(self) -> ModelWords:
        """The model in the platform's words."""
        lif = self.lif
        return ModelWords(
            v_leak=s1615(self.scale * lif.v_leak),
            v_th=s1615(self.scale * lif.v_th),
            v_reset=s1615(self.scale * lif.v_reset),
            v_init=s1615(self.scale * lif.v_init),
            keep_mem=self.decay(lif.tau_mem),
            keep_syn=None if lif.tau_syn is None else self.decay(lif.tau_syn),
            hold=np.rint(lif.t_ref / self.dt).astype(np.int64),
        )

    def start(self) -> SpinnakerState:
        """At the initial potential."""
        zero = np.zeros(self.n, dtype=np.int64)
        return SpinnakerState(self.model.v_init.copy(), zero, zero.copy())

    def advance(self, state: SpinnakerState, arrived: Ints) -> tuple[SpinnakerState, Ints]:
        """One step; see the module's text. Currents of ``arrived`` are unit input resistance."""
        after, spikes = self.update(state, arrived.sum(axis=0))
        return after, spikes.astype(np.int64)

    def update(
        self, state: SpinnakerState, total: Ints
    ) -> tuple[SpinnakerState, NDArray[np.bool_]]:
        """One step with the sum of its weights, ``(..., n)``."""
        w = self.model
        i = saturate(state.i + total, WIDTH)
        alpha = saturate(i + w.v_leak, WIDTH)
        gap = saturate(alpha - state.v, WIDTH)
        v = saturate(alpha - _times(gap, w.keep_mem), WIDTH)
        free = state.hold == 0
        v = np.where(free, v, state.v)
        spikes = free & (v >= w.v_th)
        v = np.where(spikes, w.v_reset, v)
        hold = np.where(spikes, w.hold, np.maximum(state.hold - 1, 0))
        kept = np.zeros_like(i) if w.keep_syn is None else _times(i, w.keep_syn)
        return SpinnakerState(v, kept, hold), spikes

    def potential(self, state: SpinnakerState) -> Ints:
        """``v`` in s16.15 of scaled volts."""
        return state.v


def _times(x: Ints, factor: Ints) -> Ints:
    """Product of an s16.15 word and a 32-bit fraction, towards minus infinity.

    Split so that no intermediate leaves 64 bits: both halves of the factor are below 2^16.
    """
    high, low = factor >> 16, factor & 0xFFFF
    return np.asarray((x * high + ((x * low) >> 16)) >> 16)


def error_bound(lif: Lif, dt: float, scale: float = 1e3) -> NDArray[np.float64]:
    """Volts by which the fixed-point potential may part from the exact one, below threshold.

    A step adds at most one unit for the product, half a unit times what it is applied to for
    the factor (below 2^-16 here), and the words' own halves; the leak forgets at ``1 - a``.
    """
    a = np.exp(-dt / lif.tau_mem)
    unit = 2.0**-FRACTION / scale
    return np.asarray(unit * ((1.0 + 2.0**-16) / (1.0 - a) + 1.5))
