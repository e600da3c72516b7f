r"""How far the integer contract can be from the float model it was made from.

Errors are integer minus float, in units of the state. With ``a`` the float decay, ``q`` the
integer one, ``rho`` the rounding of one shift, ``e_x`` the error of the weighted input and
capitals for integer states, one step of both bodies differs by::

    e_i' = a_syn e_i + (q_syn - a_syn) I + rho_syn + e_x
    e_u' = a_mem e_u + (q_mem - a_mem) U + rho_mem + e_drive

where ``e_drive`` is ``e_x``, ``e_i'``, ``e_i`` or, for ``Drive.BLEND``,
``e_i' + couple e_i + (its integer's error) I + rho_couple``.

Proof. Without saturation ``I' = q I + rho + X`` and ``i' = a i + x``; subtract and write
``q I - a i = a (I - i) + (q - a) I``. The membrane goes alike. As long as both bodies have
emitted the same spikes they reset and hold in the same steps: a set reset replaces ``e_u`` by
the rounding error of its word, a subtracting one adds that of the drop, a hold keeps ``e_u``.
All ``a`` and ``couple`` are at least 0, so magnitudes obey the same recursion.

From this follow two bounds, both valid until the first differing spike and while nothing
saturates: :meth:`ErrorBound.at` for every stimulus, and :meth:`ErrorBound.along` for one run.
The first differing spike can only happen where the float potential is within the bound plus
the threshold's rounding error of the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .contract import Contract, Decay, Drive
from .errors import require
from .fixed import Ints, limits
from .lif import Lif, Reset

if TYPE_CHECKING:
    from .discrete import Coefficients, Trace

__all__ = ["ErrorBound", "ExactTwin", "RunBound", "population_bound"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ExactTwin:
    """Real-valued twins of a population's integers, all in state units."""

    coefficients: Coefficients
    weights: list[Array]
    bias: Array
    gain: Array
    couple: Array


@dataclass(frozen=True, eq=False)
class RunBound:
    """Bound along one run in volts, ``(..., n)``: ``before`` the comparison, ``after`` the step."""

    before: Array
    after: Array


@dataclass(frozen=True, eq=False)
class ErrorBound:
    """Bound of one population; errors are signed, in state units, shape ``(n,)``.

    ``x_low`` and ``x_high`` enclose the error of the weighted input whichever sources fire,
    ``peak_u`` and ``peak_i`` the states; ``gain`` turns amperes of input into state units.
    """

    lsb: Array
    rho_mem: float
    rho_syn: float
    a_mem: Array
    a_syn: Array | None
    wrong_mem: Array
    wrong_syn: Array
    drive: Drive
    couple: Array
    wrong_couple: Array
    gain: Array
    x_low: Array
    x_high: Array
    peak_u: Array
    peak_i: Array
    u_init: Ints
    start: Array
    reset: Reset
    after_reset: Array
    per_drop: Array
    threshold: Array
    hold: Ints

    def at(self, steps: int) -> Array:
        """Largest distance in volts after each of ``steps`` steps, for every stimulus.

        Each step may take the worst of all input spikes, so the bound adds up what no single
        run does. Shape ``(steps, n)``; it never falls.

        Raises
        ------
        InvalidValue
            If ``steps`` is negative.
        """
        require(steps >= 0, "steps", steps, "0 or greater")
        x = np.maximum(np.abs(self.x_low), np.abs(self.x_high))
        mem = np.abs(self.wrong_mem) * self.peak_u + self.rho_mem
        syn = np.abs(self.wrong_syn) * self.peak_i + self.rho_syn
        blend = np.abs(self.wrong_couple) * self.peak_i + self.rho_syn
        e_u, e_i = np.abs(self.start), np.zeros_like(self.start)
        out = np.empty((steps, e_u.size))
        for k in range(steps):
            e_u, e_i = self._advance(e_u, e_i, x, (mem, syn, blend))
            if self.reset is Reset.SET:
                e_u = np.maximum(e_u, np.abs(self.after_reset))
            else:
                e_u = e_u + np.abs(self.per_drop)
            out[k] = e_u * self.lsb
        return out

    def spike_margin(self, steps: int) -> Array:
        """Volts around threshold within which spikes may differ, shape ``(steps, n)``."""
        return self.at(steps) + np.abs(self.threshold) * self.lsb

    def along(self, trace: Trace, words: Ints, current: Array) -> RunBound:
        """The bound for one run of the contract.

        What the run determines is followed with its sign: the errors of the weights that
        were really added, of the decays times the states that really occurred, and of the
        reset words. Only the rounding of each shift is taken at its worst.

        Parameters
        ----------
        trace
            The contract's run, ``(steps, ..., n)`` integers.
        words, current
            The input of both bodies under these spikes, of the same shape: state units (step
            1 of the contract) and amperes.
        """
        x = words - current * self.gain
        shape = x.shape[1:]
        old_u, old_i = np.broadcast_to(self.u_init, shape), np.zeros(shape, dtype=np.int64)
        known = np.broadcast_to(self.start, shape), np.zeros(shape)
        rest = np.zeros(shape), np.zeros(shape)
        hold = np.zeros(shape, dtype=np.int64)
        before, after = np.empty(x.shape), np.empty(x.shape)
        worst = np.asarray(self.rho_mem), np.asarray(self.rho_syn), np.asarray(self.rho_syn)
        for k, fired in enumerate(trace.spikes):
            seen = (
                self.wrong_mem * old_u,
                self.wrong_syn * old_i,
                self.wrong_couple * old_i,
            )
            u, new_i = self._advance(*known, x[k], seen)
            r, new_r = self._advance(*rest, np.zeros(shape), worst)
            free = hold == 0
            u, r = np.where(free, u, known[0]), np.where(free, r, rest[0])
            before[k] = (np.abs(u) + r) * self.lsb
            if self.reset is Reset.SET:
                u, r = np.where(fired, self.after_reset, u), np.where(fired, 0.0, r)
            else:
                u = np.where(fired, u - self.per_drop, u)
            after[k] = (np.abs(u) + r) * self.lsb
            known, rest = (u, new_i), (r, new_r)
            old_u, old_i = trace.v[k], trace.i[k]
            hold = np.where(fired, self.hold, np.maximum(hold - 1, 0))
        return RunBound(before, after)

    def _advance(
        self, e_u: Array, e_i: Array, x: Array, terms: tuple[Array, Array, Array]
    ) -> tuple[Array, Array]:
        """The recursion of the module's docstring; ``terms`` of membrane, synapse, blend."""
        mem, syn, blend = terms
        if self.a_syn is None:
            return self.a_mem * e_u + mem + x, e_i
        new_i = self.a_syn * e_i + syn + x
        if self.drive is Drive.NEW:
            drive = new_i
        elif self.drive is Drive.OLD:
            drive = e_i
        else:
            drive = new_i + self.couple * e_i + blend
        return self.a_mem * e_u + mem + drive, new_i


def _wrong(decay: Decay | None, factor: Array | None, n: int) -> Array:
    """Integer decay factor minus the float one."""
    if decay is None or factor is None:
        return np.zeros(n)
    return np.asarray(decay.factor() - factor)


def _farthest(c: Contract, weights: list[Ints]) -> tuple[Array, Array]:
    """Magnitudes that no ``U`` and ``I`` can exceed, whichever sources fire.

    ``I' <= q I + rho + X`` keeps ``I`` below ``max(0, (X + rho) / (1 - q))`` if it starts from
    0; ``U`` alike, from its initial and reset values. With a set reset nothing above the
    threshold is left at the end of a step; a subtracting one leaves at least ``u_reset``,
    since ``U >= threshold + 1`` and the words are rounded to nearest.
    """
    rho, zero = c.rounding.error, np.zeros(c.n)
    low, high = c.bias + zero, c.bias + zero
    for w in weights:
        low = low + (np.minimum(w, 0).sum(axis=1) << c.weight_shift)
        high = high + (np.maximum(w, 0).sum(axis=1) << c.weight_shift)
    peak_i = zero
    if c.decay_syn is not None:
        low, high = _settled(c.decay_syn, low - rho, high + rho)
        low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
        peak_i = np.minimum(np.maximum(-low, high), -limits(c.syn_width)[0])
        if c.couple is not None:
            share = 1.0 + np.abs(c.couple) / 2.0**c.couple_fraction
            low, high = -share * peak_i - rho, share * peak_i + rho
    low, high = _settled(c.decay_mem, low - rho, high + rho)
    low = np.minimum(low, np.minimum(c.u_init, c.u_reset))
    high = np.maximum(high, np.maximum(c.u_init, c.u_reset))
    if c.threshold is not None and c.reset is Reset.SET:
        high = np.minimum(high, np.maximum(c.threshold, np.maximum(c.u_init, c.u_reset)))
    return np.minimum(np.maximum(-low, high), -limits(c.width)[0]), peak_i


def _settled(decay: Decay | None, low: Array, high: Array) -> tuple[Array, Array]:
    """Where constant inputs ``low`` and ``high`` lead; infinitely far without leak."""
    leak = np.zeros_like(low) if decay is None else 1.0 - decay.factor()
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = np.where(low == 0.0, 0.0, low / leak), np.where(high == 0.0, 0.0, high / leak)
    return low, high


def population_bound(
    lif: Lif, contract: Contract, weights: list[Ints], exact: ExactTwin
) -> ErrorBound:
    """The error terms of one population against its real-valued twin ``exact``."""
    c, lsb = exact.coefficients, contract.lsb
    rho = contract.rounding.error
    low = high = contract.bias - exact.bias
    for integer, real in zip(weights, exact.weights, strict=True):
        error = integer * 2.0**contract.weight_shift - real
        low = low + np.minimum(error, 0.0).sum(axis=1)
        high = high + np.maximum(error, 0.0).sum(axis=1)
    wrong_couple = np.zeros(lif.n)
    if contract.couple is not None:
        wrong_couple = contract.couple / 2.0**contract.couple_fraction - exact.couple
    zero = np.zeros(lif.n)
    peak_u, peak_i = _farthest(contract, weights)
    drop = threshold = after_reset = zero
    if contract.threshold is not None:
        after_reset = contract.u_reset - (lif.v_reset - lif.v_leak) / lsb
        threshold = contract.threshold - (lif.v_th - lif.v_leak) / lsb
        drop = contract.u_drop - (lif.v_th - lif.v_reset) / lsb
    return ErrorBound(
        lsb=lsb,
        rho_mem=0.0 if contract.decay_mem is None else rho,
        rho_syn=0.0 if contract.decay_syn is None else rho,
        a_mem=c.a_mem,
        a_syn=c.a_syn,
        wrong_mem=_wrong(contract.decay_mem, c.a_mem, lif.n),
        wrong_syn=_wrong(contract.decay_syn, c.a_syn, lif.n),
        drive=contract.drive,
        couple=exact.couple,
        wrong_couple=wrong_couple,
        gain=exact.gain,
        x_low=low,
        x_high=high,
        peak_u=peak_u,
        peak_i=peak_i,
        u_init=contract.u_init,
        start=contract.u_init - (lif.v_init - lif.v_leak) / lsb,
        reset=lif.reset,
        after_reset=after_reset,
        per_drop=drop,
        threshold=threshold,
        hold=contract.hold,
    )
