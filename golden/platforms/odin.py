r"""ODIN and tinyODIN: every single event updates the neuron and may make it fire.

Frenkel, Lefebvre, Legat & Bol, IEEE Trans. Biomed. Circuits Syst. 13(1), 145 (2019); widths and
order as in the authors' published hardware description of the LIF neuron. In ODIN the membrane
has 8 unsigned bits, a weight 3 bits whose sign belongs to the source; in tinyODIN the membrane
has 12 signed bits and a weight 4 signed bits::

    event:     v saturates at v + w (ODIN: within 0 to 255; tinyODIN: -2048 to 2047)
    time tick: v moves towards 0 by the leak and stops there
    after each of them: v >= threshold (and v >= 0): spike, v = 0

Here a step is its events in ascending order of source, then one tick. A neuron can fire several
times in a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import require
from ..fixed import Ints
from .profile import words

__all__ = ["OdinPopulation"]


@dataclass(frozen=True, eq=False)
class OdinPopulation:
    """Neurons of a core.

    Parameters
    ----------
    n
        Number of neurons; a core has 256.
    threshold
        Unsigned 8-bit, at least 1; tinyODIN 1 to 2047.
    leak
        Unsigned 7-bit; taken at each tick.
    tiny
        tinyODIN's widths.
    """

    n: int
    threshold: Ints
    leak: Ints
    tiny: bool

    def __init__(self, n: int, threshold: ArrayLike, leak: ArrayLike = 0, tiny: bool = False):
        require(1 <= n <= 256, "n", n, "1 to 256")
        top = 2047 if tiny else 255
        object.__setattr__(self, "n", n)
        object.__setattr__(self, "threshold", words("threshold", threshold, n, 1, top))
        object.__setattr__(self, "leak", words("leak", leak, n, 0, 127))
        object.__setattr__(self, "tiny", bool(tiny))

    @property
    def rails(self) -> tuple[int, int]:
        """Smallest and largest potential."""
        return (-2048, 2047) if self.tiny else (0, 255)

    @property
    def weight_range(self) -> tuple[int, int]:
        """Smallest and largest weight."""
        return (-8, 7) if self.tiny else (-7, 7)

    def start(self) -> Ints:
        """All zero; the potential is the whole state."""
        return np.zeros(self.n, dtype=np.int64)

    def advance(self, state: Ints, arrived: Ints) -> tuple[Ints, Ints]:
        """One step; see the module's text.

        Raises
        ------
        InvalidValue
            For a weight that a synapse cannot hold.
        """
        low, high = self.weight_range
        peak = int(np.abs(arrived).max(initial=0))
        fits = bool(((arrived >= low) & (arrived <= high)).all())
        require(fits, "weight", peak, f"{low} to {high}")
        v, count = state, np.zeros(self.n, dtype=np.int64)
        for weight in arrived:
            v, spikes = self.receive(v, weight)
            count = count + spikes
        v, spikes = self.tick(v)
        return v, count + spikes

    def receive(self, v: Ints, weight: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """One event, ``(..., n)``: potential and who fired."""
        return self._fire(np.clip(v + weight, *self.rails))

    def tick(self, v: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """The end of a step: leak, and who fired."""
        return self._fire(np.sign(v) * np.maximum(np.abs(v) - self.leak, 0))

    def _fire(self, v: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        spikes = v >= self.threshold
        return np.where(spikes, 0, v), spikes

    def potential(self, state: Ints) -> Ints:
        """``v``."""
        return state
