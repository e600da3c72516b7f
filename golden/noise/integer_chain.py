r"""Intervals of the integer cells with noise, exactly: a chain over the integers themselves.

:class:`~..cells.noise.NoisyLif` with white noise under constant input takes finitely many
potentials, and moves between them with the probabilities of the bell curve's 121 values; the
number of steps from reset to threshold is a first passage of that chain.
:class:`~..cells.noise.StochasticThreshold` under constant input goes one way from reset, and
each step of it has its own chance of a spike. Both are computed without a random number, so a
run of the cell differs from them by chance alone.

:func:`realised` says which noisy membrane the integers are, so that Siegert's rate and the
clocked neuron (:mod:`.clocked`) can be held against them; what is left is the price of
rounding and of the bell curve's short tails.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from ..cells.noise import NoisyLif, StochasticThreshold, noise_values
from ..contract import Contract, Decay, Drive, IntState, step
from ..errors import require
from ..fixed import Ints, Rounding
from ..lfsr import BELL_VARIANCE, bell_odds
from ..lif import Reset
from .membrane import NoisyMembrane

__all__ = ["Intervals", "escape_intervals", "passage_intervals", "realised", "white_cell"]

Array = NDArray[np.float64]
SETTLED = 1e-12
"""Probability that may be left when a list of intervals ends."""


@dataclass(frozen=True, eq=False)
class Intervals:
    """Steps between spikes, refractory steps included.

    ``odds[k]`` is the probability of an interval of ``k`` steps, as far as it was followed;
    ``mean`` in steps and ``cv`` are those of all.
    """

    mean: float
    cv: float
    odds: Array


def white_cell(
    m: NoisyMembrane, dt: float, n: int, *, seed: int = 0, width: int = 16, per_sigma: int = 256
) -> NoisyLif:
    """The integer neuron nearest to a noisy membrane on a grid of ``dt`` seconds.

    Potentials are counted from the mean ``mu``, so that no bias is rounded.

    Parameters
    ----------
    width
        Bits of the potential.
    per_sigma
        Integers of the potential in ``sigma``.

    Raises
    ------
    InvalidValue
        Where the noise or a potential does not fit its word.
    """
    require(dt > 0, "dt", dt, "greater than 0, in seconds")
    require(per_sigma >= 1, "per_sigma", per_sigma, "1 or more")
    lsb, a, fraction = m.sigma / per_sigma, float(np.exp(-dt / m.tau_mem)), 16

    def words(value: float) -> Ints:
        return np.full(n, round(value), dtype=np.int64)

    spread = m.sigma * np.sqrt((1 - a * a) / 2) / lsb
    gain_fraction = 12
    base = Contract(
        n=n,
        width=width,
        fraction=0,
        syn_width=0,
        weight_width=8,
        weight_shift=0,
        acc_width=12,
        decay_mem=Decay(words(a * (1 << fraction)), fraction),
        decay_syn=None,
        drive=Drive.NEW,
        couple=None,
        couple_fraction=0,
        threshold=words((m.v_th - m.mu) / lsb),
        reset=Reset.SET,
        u_reset=words((m.v_reset - m.mu) / lsb),
        u_drop=words(0),
        u_init=words((m.v_reset - m.mu) / lsb),
        hold=words(m.t_ref / dt),
        bias=words(0),
        rounding=Rounding.NEAREST,
        lsb=np.full(n, lsb),
        i_lsb=np.ones(n),
        v_rest=np.full(n, m.mu),
    )
    return NoisyLif(
        base, words(spread / BELL_VARIANCE**0.5 * (1 << gain_fraction)), gain_fraction, seed
    )


def realised(cell: NoisyLif, dt: float) -> NoisyMembrane:
    """The membrane whose clocked form has the decay, mean and noise of neuron 0's integers."""
    c = cell.base
    assert c.decay_mem is not None
    assert c.threshold is not None
    a, lsb, rest = float(c.decay_mem.factor()[0]), float(c.lsb[0]), float(c.v_rest[0])
    spread = float(cell.gain[0]) / 2.0**cell.gain_fraction * BELL_VARIANCE**0.5
    return NoisyMembrane(
        -dt / float(np.log(a)),
        rest + float(c.bias[0]) / (1 - a) * lsb,
        spread / float(np.sqrt((1 - a * a) / 2)) * lsb,
        rest + float(c.threshold[0]) * lsb,
        rest + float(c.u_reset[0]) * lsb,
        float(c.hold[0]) * dt,
    )


def _alone(c: Contract) -> Contract:
    """Neuron 0 of ``c`` as a readout, so that a step gives the potential before compare."""

    def first(value: object) -> object:
        if isinstance(value, np.ndarray):
            return value[:1]
        if isinstance(value, Decay) and value.coefficient is not None:
            return replace(value, coefficient=value.coefficient[:1])
        return value

    values = {f.name: first(getattr(c, f.name)) for f in fields(c)}
    return Contract(**{**values, "n": 1, "threshold": None})  # type: ignore[arg-type]


def _check(c: Contract) -> None:
    require(c.decay_syn is None, "decay_syn", c.decay_syn, "None: the noise is white")
    require(c.reset is Reset.SET, "reset", str(c.reset), "a reset to one potential")


def _integrated(c: Contract, u: Ints, noise: Ints) -> Ints:
    """Potential before compare from ``u`` ``(...,)`` with ``noise`` ``(k,)``: ``(..., k)``."""
    state, zero = u[..., np.newaxis, np.newaxis], np.zeros(1, np.int64)
    return step(_alone(c), IntState(state, zero, zero), zero, noise=noise[:, np.newaxis])[0].u[
        ..., 0
    ]


def passage_intervals(cell: NoisyLif, steps: int = 0) -> Intervals:
    """Intervals of neuron 0 without input.

    ``steps`` is how far ``odds`` reach. Potentials more than eight standard deviations below
    both reset and mean are held there.

    Raises
    ------
    InvalidValue
        For a neuron with a synaptic state or a subtracting reset, or too narrow a word.
    """
    c = cell.base
    _check(c)
    assert c.threshold is not None
    top, start, hold = int(c.threshold[0]), int(c.u_reset[0]), int(c.hold[0])
    m, lsb = realised(cell, 1.0), float(c.lsb[0])
    low = int((min(m.mu, m.v_reset) - 8 * m.sigma / 2**0.5 - float(c.v_rest[0])) / lsb)
    require(low > -(1 << (c.width - 1)), "width", c.width, "bits for eight standard deviations")
    end = _integrated(c, np.arange(low, top + 1), noise_values(cell))
    size, stays = end.shape[0], end <= top
    rows = np.broadcast_to(np.arange(size)[:, np.newaxis], end.shape)[stays]
    columns = np.clip(end[stays] - low, 0, None)
    values = np.broadcast_to(bell_odds(), end.shape)[stays]
    move = sparse.csr_array((values, (rows, columns)), shape=(size, size))
    solve = splu((sparse.eye_array(size) - move).tocsc()).solve
    first = solve(np.ones(size))
    second = solve(2.0 * first - 1.0)
    odds, p, leave = np.zeros(steps), np.zeros(size), 1.0 - np.asarray(move.sum(axis=1)).ravel()
    p[start - low] = 1.0
    for k in range(hold + 1, steps):
        odds[k], p = p @ leave, np.asarray(p @ move)
    mean = float(first[start - low])
    spread = max(float(second[start - low]) - mean**2, 0.0) ** 0.5
    return Intervals(mean + hold, spread / (mean + hold), odds)


def escape_intervals(cell: StochasticThreshold, steps: int) -> Intervals:
    """Intervals of neuron 0 without input, followed for ``steps`` steps.

    Raises
    ------
    InvalidValue
        For a neuron with a synaptic state or a subtracting reset, or if an interval may well
        be longer than ``steps``.
    """
    c = cell.base
    _check(c)
    assert c.threshold is not None
    xi, hold = noise_values(cell), int(c.hold[0])
    odds, u, alive = np.zeros(steps), c.u_reset[:1], 1.0
    for k in range(hold + 1, steps):
        u = _integrated(c, u, np.zeros(1, np.int64))[..., 0]
        chance = float(bell_odds()[u[0] > c.threshold[0] + xi].sum())
        odds[k], alive = alive * chance, alive * (1.0 - chance)
    require(alive < SETTLED, "steps", steps, f"more: {alive:.2g} of the intervals are longer")
    lengths = np.arange(steps)
    mean = float(odds @ lengths)
    return Intervals(mean, float(odds @ (lengths - mean) ** 2) ** 0.5 / mean, odds)
