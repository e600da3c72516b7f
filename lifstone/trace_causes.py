"""Why two traces part, as far as they show it themselves: each guess is tried on the values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .golden import Rounding
from .trace_diff import Aligned, differing, shifted
from .trace_names import SPIKE, Array, Name, label

__all__ = ["Cause", "causes"]

Where = NDArray[np.bool_]
ROUNDED: dict[Rounding, Callable[[Array], Array]] = {
    Rounding.NEAREST: lambda x: np.floor(x + 0.5),
    Rounding.EVEN: np.rint,
    Rounding.FLOOR: np.floor,
    Rounding.ZERO: np.trunc,
}
FINEST = 30
"""Binary places down to which a grid of values is looked for."""
RELATIVE = 1e-9
"""Digits that a factor or a shift may lose in floats."""


@dataclass(frozen=True)
class Cause:
    """A guess: ``explains`` says that it accounts for every difference of its signal."""

    kind: str
    signal: str
    text: str
    explains: bool


def causes(aligned: Aligned, moved: tuple[int, float], tolerance: float) -> tuple[Cause, ...]:
    """Guesses from the traces alone, those that explain all of a signal first.

    ``moved`` is what :func:`.best_offset` found.
    """
    out: list[Cause] = []
    begin = max(0, -aligned.offset)
    offset, share = moved
    if offset != 0:
        left = "then nothing" if share == 0 else f"then {share:.3%} of the values still"
        text = f"b is {shifted(offset)} than a: {left} differs"
        cause = Cause("offset", "all", text, share == 0)
        if share == 0:
            return (cause,)
        out.append(cause)
    for name, (x, y) in aligned.pairs.items():
        wrong = differing(x, y, 0.0 if name[1] == SPIKE else tolerance)
        if not wrong.any():
            continue
        if name[1] == SPIKE:
            out.append(_spikes(label(name), x, y, begin))
            continue
        known = ~(np.isnan(x) | np.isnan(y))
        out += _states(name, np.where(known, x, 0.0), np.where(known, y, 0.0), wrong & known)
        spikes = aligned.pairs.get((name[0], SPIKE))
        if spikes is not None:
            out += _reset(label(name), (x, y), wrong, spikes, begin)
    return tuple(sorted(out, key=lambda c: not c.explains))


def _spikes(name: str, x: Array, y: Array, begin: int) -> Cause:
    lost, extra = (x == 1) & (y != 1), (y == 1) & (x != 1)
    n_lost, n_extra = int(lost.sum()), int(extra.sum())
    for kind, count, none, where in (
        ("missing spike", n_lost, n_extra, lost),
        ("extra spike", n_extra, n_lost, extra),
    ):
        if count and not none:
            k, j = (int(c) for c in np.argwhere(where)[0])
            what = "lacks" if kind == "missing spike" else "adds"
            first = f"at step {begin + k}, neuron {j}" if count == 1 else (
                f"the first at step {begin + k}, neuron {j}")  # fmt: skip
            text = f"b {what} {count:,} spike{'s' * (count > 1)}, {first}; no other spike differs"
            return Cause(kind, name, text, True)
    if n_lost + n_extra == 0:
        return Cause("unknown value", name, "a spike is unknown (x) in one trace", True)
    text = f"b lacks {n_lost:,} spikes of a and has {n_extra:,} of its own: spikes moved"
    return Cause("moved spikes", name, text, False)


def _states(name: Name, x: Array, y: Array, wrong: Where) -> list[Cause]:
    """One simple rule from ``x`` to ``y``."""
    if not wrong.any():
        return []
    if x.any() != y.any():
        text = f"{'a' if y.any() else 'b'} is 0 throughout: a state that was never driven or kept"
        return [Cause("silence", label(name), text, True)]
    if _near(x, y):
        text = f"apart by less than {RELATIVE:g} of the largest value: rounding of floats"
        return [Cause("rounding", label(name), text, True)]
    found = [_scaled(label(name), x, y), _shifted(label(name), x, y)]
    if not any(found):
        found = [_clipped(label(name), x, y, wrong), _rounded(label(name), x, y, wrong)]
    return [cause for cause in found if cause is not None]


def _scaled(name: str, x: Array, y: Array) -> Cause | None:
    power = float((x * x).sum())
    factor = float((x * y).sum()) / power if power > 0 else 0.0
    if factor == 0.0 or not _near(factor * x, y):
        return None
    share, exponent = np.frexp(factor)
    two = f", 2^{exponent - 1}" if abs(share - 0.5) < RELATIVE else ""
    return Cause("scale", name, f"b is a times {factor:.9g}{two}: another unit or gain", True)


def _shifted(name: str, x: Array, y: Array) -> Cause | None:
    shift = float((y - x).mean())
    if shift == 0.0 or not np.ptp(x) or not _near(x + shift, y):
        return None
    return Cause("zero", name, f"b is a plus {shift:.9g}: another zero of its values", True)


def _near(wanted: Array, got: Array) -> bool:
    limit = RELATIVE * float(np.abs(got).max(initial=0.0))
    return bool((np.abs(wanted - got) <= limit).all())


def _grid(x: Array) -> float | None:
    """The largest ``2^-k`` of which every value is a multiple."""
    for k in range(FINEST + 1):
        if (np.ldexp(x, k) % 1 == 0).all():
            return float(np.ldexp(1.0, -k))
    return None


def _clipped(name: str, x: Array, y: Array, wrong: Where) -> Cause | None:
    """Values of b that end at a power of two, where a goes beyond."""
    lsb = _grid(y)
    rails = {}
    high, low = float(y.max()), float(y.min())
    if _power(high) or (lsb is not None and _power(high + lsb)):
        rails[high] = (y == high) & (x > high)
    if _power(-low):
        rails[low] = (y == low) & (x < low)
    k, j = np.argwhere(wrong)[0]
    for rail, at in rails.items():
        if at[k, j]:
            every = bool(np.logical_or.reduce(list(rails.values()))[wrong].all())
            most = "wherever they differ" if every else "where they first differ"
            text = f"b ends at {rail:.9g}, the limit of a word, {most}: saturation"
            return Cause("saturation", name, text, every)
    return None


def _power(value: float) -> bool:
    return value > 0 and np.frexp(value)[0] == 0.5


def _rounded(name: str, x: Array, y: Array, wrong: Where) -> Cause | None:
    """Values of b on a coarser grid than those of a, or one unit off on the same."""
    lsb, finer = _grid(y), _grid(x)
    if lsb is None:
        return None
    if finer is None or finer < lsb:
        for rounding, apply in ROUNDED.items():
            if (apply(x / lsb) * lsb == y).all():
                text = f"b is a rounded to multiples of {lsb:g} ({rounding})"
                return Cause("rounding", name, text, True)
    k, j = np.argwhere(wrong)[0]
    unit = max(lsb, finer or 0.0)
    if abs(x[k, j] - y[k, j]) > unit:
        return None
    within = bool((np.abs(x - y)[wrong] <= unit).all())
    most = "everywhere" if within else "where they first differ"
    text = f"at most one unit of {unit:g} apart {most}: another rounding"
    return Cause("rounding", name, text, False)


def _reset(
    name: str, states: tuple[Array, Array], wrong: Where, spikes: tuple[Array, Array], begin: int
) -> list[Cause]:
    """States that part first in a step in which both traces have a spike."""
    k, j = np.argwhere(wrong)[0]
    both = (spikes[0] == 1) & (spikes[1] == 1)
    if not both[k, j]:
        return []
    after = [np.unique(v[s[:, j] == 1, j]) for v, s in zip(states, spikes, strict=True)]
    enough = all((s[:, j] == 1).sum() > 1 for s in spikes)
    ends = [a.size == 1 for a in after]
    if enough and ends == [True, False]:
        what = "a sets the potential, b subtracts"
    elif enough and ends == [False, True]:
        what = "b sets the potential, a subtracts"
    elif enough and all(ends):
        what = f"b resets to {after[1][0]:.6g}, a to {after[0][0]:.6g}"
    else:
        what = "mode, height or time of the reset"
    text = f"they part in step {begin + k} with a spike of both: {what}"
    return [Cause("reset", name, text, bool(both[wrong].all()))]
