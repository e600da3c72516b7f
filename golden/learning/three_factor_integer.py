r"""Three-factor learning in integers: an eligibility in each synapse, and a signal that uses it.

In every step, for every synapse from line ``j`` to neuron ``i``::

    mark_ij                                     what pre and post did, see below
    e_ij' = sat(zero(e_ij e_factor / 2^e_fraction) + zero(mark_ij / 2^mark_shift))
    delta = L_i e_ij'                           and the weight moves by delta >> rate_shift

``zero`` rounds towards zero, so that an eligibility ends at 0. Two marks:

* ``Mark.PSEUDO``, e-prop (:mod:`.eprop`): ``mark = psi_i seen(x_j)`` with the pseudo-derivative,
  piecewise linear below threshold and flat above it, 0 while refractory::

      psi = psi_top at a spike, else max(psi_top - ((threshold - u) >> psi_shift), 0)

  with ``u`` after the step. ``x`` stands for the membrane's memory of line ``j``; the way of a
  past reset into it is left out.
* ``Mark.PAIR``, spike timing (:mod:`.reward`): ``mark = a_plus x_j`` at a postsynaptic spike,
  less ``a_minus y_i`` at a presynaptic one, with the traces of earlier steps.

Two signals, both from spikes alone:

* ``Signal.TEACHER``: a line for each neuron; ``L_i = seen(s_i) - seen(y_i)``, the trace of the
  teacher's spikes less that of the neuron's own.
* ``Signal.REWARD``: two lines for all; ``L = seen(s_0) - seen(s_1)``, praise less blame.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ..errors import require
from ..fixed import Ints, Rounding, saturate, shift_right
from .integer_update import TraceWord, Update

__all__ = ["Mark", "Signal", "ThreeFactorInteger"]


class Mark(StrEnum):
    """What makes a synapse eligible."""

    PSEUDO = "pseudo"
    PAIR = "pair"


class Signal(StrEnum):
    """Where the third factor comes from."""

    TEACHER = "teacher"
    REWARD = "reward"


@dataclass(frozen=True)
class ThreeFactorInteger:
    """The rule; see the module.

    Parameters
    ----------
    mark, signal
        Which of each.
    x, y, s
        Traces of input lines, of the neurons' own spikes, and of the signal's lines.
    psi_top, psi_shift
        Height of the pseudo-derivative, 0 to 255, and its slope's shift; for ``Mark.PSEUDO``.
    a_plus, a_minus
        Amplitudes of both halves of the window, 0 to 255; for ``Mark.PAIR``.
    mark_shift
        What brings a mark to the eligibility's unit, 0 to 24.
    e_width, e_factor, e_fraction
        Bits of the eligibility (signed, 2 to 24), and its decay.
    update
        Learning rate.
    """

    mark: Mark
    signal: Signal
    x: TraceWord
    y: TraceWord
    s: TraceWord
    mark_shift: int
    e_width: int
    e_factor: int
    e_fraction: int
    update: Update
    psi_top: int = 0
    psi_shift: int = 0
    a_plus: int = 0
    a_minus: int = 0

    def __post_init__(self) -> None:
        for name in ("psi_top", "a_plus", "a_minus"):
            require(0 <= getattr(self, name) <= 255, name, getattr(self, name), "0 to 255")
        require(0 <= self.psi_shift <= 31, "psi_shift", self.psi_shift, "0 to 31")
        require(0 <= self.mark_shift <= 24, "mark_shift", self.mark_shift, "0 to 24")
        require(2 <= self.e_width <= 24, "e_width", self.e_width, "2 to 24 bits")
        require(1 <= self.e_fraction <= 16, "e_fraction", self.e_fraction, "1 to 16 bits")
        most = (1 << self.e_fraction) - 1
        require(0 <= self.e_factor <= most, "e_factor", self.e_factor, f"0 to {most}")

    def lines(self, n: int) -> int:
        """Lines of the signal for ``n`` neurons."""
        return n if self.signal is Signal.TEACHER else 2

    def psi(self, threshold: Ints, u: Ints, spikes: Ints, free: Ints) -> Ints:
        """Pseudo-derivative of each neuron, ``(..., n)``."""
        ramp = np.clip(self.psi_top - ((threshold - u) >> self.psi_shift), 0, self.psi_top)
        return np.where(spikes, self.psi_top, np.where(free, ramp, 0))

    def level(self, s: Ints, y: Ints) -> Ints:
        """Signal of each neuron from the traces as :meth:`~.TraceWord.seen`, ``(..., n)``."""
        if self.signal is Signal.TEACHER:
            return s - y
        return np.broadcast_to(s[..., :1] - s[..., 1:], y.shape)

    def eligible(self, e: Ints, mark: Ints) -> Ints:
        """Eligibilities after a step, ``(..., n, lines)``."""
        kept = shift_right(e * self.e_factor, self.e_fraction, Rounding.ZERO)
        return saturate(kept + shift_right(mark, self.mark_shift, Rounding.ZERO), self.e_width)
