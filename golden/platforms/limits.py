"""Whether a step met the end of a word: saturation, and Loihi's wrapping."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..fixed import Ints, limits
from .brainscales import BrainscalesPopulation
from .loihi import INPUT_BITS, LoihiPopulation, wrap
from .place import Cores
from .spinnaker import WIDTH as SPINNAKER_BITS
from .spinnaker import SpinnakerPopulation
from .truenorth import WIDTH as TRUENORTH_BITS
from .truenorth import TrueNorthPopulation

__all__ = ["met_limit"]

Bits = NDArray[np.bool_]


@singledispatch
def met_limit(profile: Any, before: Any, arrived: Ints, after: Any) -> Bits:
    """Neurons ``(n,)`` a word of which ended in this step: arguments as of ``advance``."""
    raise NotImplementedError(f"no limits for {type(profile).__name__}")


@met_limit.register
def _(profile: LoihiPopulation, before: Any, arrived: Ints, after: Any) -> Bits:
    total = arrived.sum(axis=0)
    # The current can jump only by wrapping: its decay shrinks it and the input is bounded.
    jumped = np.abs(after.u - before.u) >= 1 << 23
    # A readout stays at its rail, which is where it is not to fire.
    railed = (after.v == profile.v_min) | (after.v == profile.v_max)
    return np.asarray((wrap(total, INPUT_BITS) != total) | jumped | railed)


@met_limit.register
def _(profile: SpinnakerPopulation, before: Any, arrived: Ints, after: Any) -> Bits:
    low, high = limits(SPINNAKER_BITS)
    total = before.i + arrived.sum(axis=0)
    return np.asarray((total < low) | (total > high) | (after.v == low) | (after.v == high))


@met_limit.register
def _(profile: TrueNorthPopulation, before: Any, arrived: Ints, after: Any) -> Bits:
    low, high = limits(TRUENORTH_BITS)
    railed = (after.v == low) | (after.v == high)
    return np.asarray(railed | (profile.negative_saturates & (after.v == -profile.beta)))


@met_limit.register
def _(profile: Cores, before: Ints, arrived: Ints, after: Ints) -> Bits:
    # At the bottom when the step ended, one leak ago; at the top a neuron fires.
    return np.asarray(after <= -2048 + profile.leak)


@met_limit.register
def _(profile: BrainscalesPopulation, before: Any, arrived: Ints, after: Any) -> Bits:
    return np.zeros(profile.n, dtype=np.bool_)
