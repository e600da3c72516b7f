r"""Inhibitory plasticity in integers: :mod:`.inhibitory` with traces and weights of few bits.

With the traces ``x`` and ``y`` of earlier steps, in units of ``bump``::

    at a presynaptic spike:    delta = y - alpha
    at a postsynaptic spike:   delta = x

and each ``delta`` moves its weight as :mod:`.integer_update` says: first those of presynaptic
spikes, then those of postsynaptic ones. Weights lie from 0 to ``high`` and inhibit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import require
from .inhibitory import InhibitoryRule
from .integer_update import TraceWord, Update

__all__ = ["InhibitoryInteger", "quantise_rule", "target_of"]


@dataclass(frozen=True)
class InhibitoryInteger:
    """The rule: one kind of trace for both sides, ``alpha`` in its unit, and the learning rate."""

    trace: TraceWord
    alpha: int
    update: Update

    def __post_init__(self) -> None:
        require(0 <= self.alpha <= self.trace.top, "alpha", self.alpha, f"0 to {self.trace.top}")


def quantise_rule(
    rule: InhibitoryRule, dt: float, weight_lsb: float, *, bump: int = 2048, width: int = 15
) -> InhibitoryInteger:
    """The nearest rule in integers on a grid of ``dt`` seconds.

    The learning rate becomes a power of two. ``alpha`` follows from the trace that one spike
    leaves in integers, which rounding down makes shorter than an exponential.

    Parameters
    ----------
    weight_lsb
        The weight's last bit, in the unit of ``rule.eta``.
    bump, width
        What a spike adds to a trace, and the trace's bits.
    """
    require(weight_lsb > 0, "weight_lsb", weight_lsb, "above 0")
    fraction = 12
    factor = round(float(np.exp(-dt / rule.tau)) * (1 << fraction))
    shift = round(float(np.log2(bump * weight_lsb / rule.eta)))
    require(0 <= shift <= 31, "eta", rule.eta, "a rate that a shift of 0 to 31 bits gives")
    trace = TraceWord(width, bump, factor, fraction)
    return InhibitoryInteger(trace, round(rule.target * _window(trace, dt)), Update(shift))


def _window(trace: TraceWord, dt: float) -> float:
    """Area of both halves of the window that one spike leaves, in units of trace times second."""
    area, left = 0, np.array(trace.bump)
    while left := trace.after(left):
        area += int(left)
    return 2.0 * dt * area


def target_of(rule: InhibitoryInteger, dt: float) -> float:
    """Rate in hertz at which independent trains leave the weights where they are."""
    return rule.alpha / _window(rule.trace, dt)
