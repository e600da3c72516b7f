"""How far the integer contract can be from the float model it was made from.

As long as both have emitted the same spikes and nothing has saturated, the distance of the
states obeys a linear recursion. With ``e_u`` and ``e_i`` in units of the state, ``a`` the
float decay, ``q`` the integer one, ``rho`` the rounding error of one shift::

    e_i' = a_syn e_i + |q_syn - a_syn| |i| + rho + e_x
    e_u' = a_mem e_u + |q_mem - a_mem| |u| + rho + e_drive

where ``e_x`` adds up the rounding errors of the weights of all sources and of the bias, and
``e_drive`` is ``e_x`` or the synapse's error. A spike replaces ``e_u`` by the rounding error
of the reset, or adds that of the drop. The first differing spike can only happen where the
float potential is within ``e_u'`` plus the threshold's rounding error of the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from .contract import Contract, Decay, Drive
from .fixed import Ints, limits
from .lif import Lif, Reset

if TYPE_CHECKING:
    from .discrete import Coefficients

__all__ = ["ErrorBound", "population_bound"]

Array = NDArray[np.float64]


class _Exact(Protocol):
    coefficients: Coefficients
    weights: list[Array]
    bias: Array
    couple: Array


@dataclass(frozen=True, eq=False)
class ErrorBound:
    """Bound of one population; all terms in state units, shape ``(n,)``.

    Valid until the first differing spike and while nothing saturates.
    """

    lsb: Array
    a_mem: Array
    a_syn: Array | None
    mem_term: Array
    syn_term: Array
    direct_term: Array
    drive_new: Array
    drive_old: Array
    start: Array
    after_reset: Array
    per_drop: Array
    threshold: Array

    def at(self, steps: int) -> Array:
        """Largest distance in volts after each of ``steps`` steps, shape ``(steps, n)``."""
        e_u = self.start.copy()
        e_i = np.zeros_like(e_u)
        out = np.empty((steps, e_u.size))
        for k in range(steps):
            new_i = e_i if self.a_syn is None else self.a_syn * e_i + self.syn_term
            drive = self.direct_term + self.drive_new * new_i + self.drive_old * e_i
            e_u = self.a_mem * e_u + self.mem_term + drive
            e_u = np.maximum(e_u, self.after_reset) + self.per_drop
            e_i = new_i
            out[k] = e_u * self.lsb
        return out

    def spike_margin(self, steps: int) -> Array:
        """Volts around threshold within which spikes may differ, shape ``(steps, n)``."""
        return self.at(steps) + self.threshold * self.lsb


def _decay_error(decay: Decay | None, factor: Array, width: int) -> Array:
    """Error a wrong decay factor can add in one step to a word of ``width`` bits."""
    if decay is None:
        return np.zeros_like(factor)
    return np.asarray(np.abs(decay.factor() - factor) * -limits(width)[0])


def population_bound(
    lif: Lif, contract: Contract, weights: list[Ints], exact: _Exact
) -> ErrorBound:
    """The error terms of one population against its real-valued twin ``exact``."""
    c = exact.coefficients
    rho = contract.rounding.error
    unit = 2.0**contract.weight_shift
    e_x = np.abs(contract.bias - exact.bias)
    for integer, real in zip(weights, exact.weights, strict=True):
        e_x = e_x + np.abs(integer * unit - real).sum(axis=1)
    zero, one = np.zeros(lif.n), np.ones(lif.n)
    mem_term = _decay_error(contract.decay_mem, c.a_mem, contract.width)
    mem_term = mem_term + (rho if contract.decay_mem is not None else 0.0)
    syn_term, direct, new, old = zero, e_x, zero, zero
    if c.a_syn is not None:
        syn_term = _decay_error(contract.decay_syn, c.a_syn, contract.syn_width) + rho + e_x
        direct, new = zero, one
        if contract.drive is Drive.OLD:
            new, old = zero, one
        elif contract.drive is Drive.BLEND:
            assert contract.couple is not None
            real_couple = contract.couple / 2.0**contract.couple_fraction
            wrong = np.abs(real_couple - exact.couple) * -limits(contract.syn_width)[0]
            direct, old = wrong + rho, np.abs(exact.couple)
    lsb = contract.lsb
    e_reset = np.abs(contract.u_reset - (lif.v_reset - lif.v_leak) / lsb)
    if contract.threshold is None:
        e_th = e_drop = e_reset = zero
    else:
        e_th = np.abs(contract.threshold - (lif.v_th - lif.v_leak) / lsb)
        e_drop = np.abs(contract.u_drop - (lif.v_th - lif.v_reset) / lsb)
    return ErrorBound(
        lsb=lsb,
        a_mem=c.a_mem,
        a_syn=c.a_syn,
        mem_term=mem_term,
        syn_term=syn_term,
        direct_term=direct,
        drive_new=new,
        drive_old=old,
        start=np.abs(contract.u_init - (lif.v_init - lif.v_leak) / lsb),
        after_reset=e_reset if lif.reset is Reset.SET else zero,
        per_drop=zero if lif.reset is Reset.SET else e_drop,
        threshold=e_th,
    )
