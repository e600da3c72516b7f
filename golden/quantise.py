"""From the float model to the integer contract, with a bound on what that costs.

A population's potential is written relative to rest in units of ``scale / 2**fraction``
volts, where ``scale`` is the largest distance of threshold or reset from rest; gains fold
into the weights. Everything else is rounding to nearest, and each rounding enters
:class:`ErrorBound`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .bound import ErrorBound, ExactTwin, population_bound
from .contract import MAX_ACC_WIDTH, MAX_WEIGHT_WIDTH, Contract, Decay, Drive
from .discrete import Coefficients, discretise
from .errors import InvalidValue, require
from .fixed import Ints, limits, width_for
from .lif import Lif
from .network import Network
from .network_contract import IntConnection, NetworkContract, sum_range
from .widths import DecayMode, Widths, each_population

__all__ = [
    "DecayMode",
    "IntConnection",
    "NetworkContract",
    "Quantised",
    "Widths",
    "folded_gain",
    "quantise",
    "scale_of",
]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Quantised:
    """A contract and, per population, the bound on its distance from the float model.

    ``bounds[name].at(steps)`` holds for every stimulus; along one run
    :func:`~lifstone.golden.fidelity.run_bound` is far closer.
    """

    contract: NetworkContract
    bounds: Mapping[str, ErrorBound]


def quantise(model: Network, widths: Widths | Mapping[str, Widths] | None = None) -> Quantised:
    """The integer contract of ``model`` and the bound on the error it introduces.

    Parameters
    ----------
    model
        The float network with its time grid.
    widths
        For all populations, or one for each by name.

    Raises
    ------
    InvalidValue
        If a width is too small for a weight, a bias, a threshold or a decay; the message
        names what did not fit and the width that would.
    """
    chosen = each_population(model.populations, widths if widths is not None else Widths())
    contracts: dict[str, Contract] = {}
    connections: dict[int, IntConnection] = {}
    bounds: dict[str, ErrorBound] = {}
    for name, lif in model.populations.items():
        w = chosen[name]
        if w.fraction is None and name in model.fraction:
            w = replace(w, fraction=model.fraction[name])
        incoming = [k for k, c in enumerate(model.connections) if c.post == name]
        weights = [model.connections[k].weight for k in incoming]
        bias = model.bias.get(name, np.zeros(lif.n))
        contract, integers, exact = _population(name, lif, model, w, weights, bias)
        contracts[name] = contract
        for k, integer in zip(incoming, integers, strict=True):
            c = model.connections[k]
            connections[k] = IntConnection(c.pre, c.post, integer, c.delay)
        bounds[name] = population_bound(lif, contract, integers, exact)
    ordered = tuple(connections[k] for k in range(len(model.connections)))
    whole = NetworkContract(model.inputs, contracts, ordered, model.outputs)
    return Quantised(whole, bounds)


def _population(
    name: str, lif: Lif, model: Network, w: Widths, weights: list[Array], bias: Array
) -> tuple[Contract, list[Ints], ExactTwin]:
    c = discretise(lif, model.dt, model.method)
    scale = scale_of(name, lif)
    lsb = scale / 2.0**w.behind_point
    gain, couple, drive = folded_gain(c)
    with np.errstate(over="ignore"):  # refused below
        scaled = [gain[:, None] * m / lsb for m in weights]
        exact = ExactTwin(c, scaled, gain * bias / lsb, gain / lsb, couple)
    shift = _weight_shift(name, exact.weights, w)
    integers = [_round(m / 2.0**shift) for m in exact.weights]
    bias_int = _round(exact.bias)
    words = _words(lif, lsb)
    acc_width = _acc_width(name, integers, lif.n, shift)
    has_syn = c.a_syn is not None
    _check_bias(name, bias_int, w, has_syn)
    decay_syn = None if c.a_syn is None else _decay(f"{name}.tau_syn", c.a_syn, w)
    blend = drive is Drive.BLEND
    i_gain = np.where(drive is Drive.OLD, c.g_old, c.g_new) if has_syn else np.ones(lif.n)
    contract = Contract(
        n=lif.n,
        width=w.state,
        fraction=w.behind_point,
        syn_width=w.syn_bits if has_syn else 0,
        weight_width=w.weight,
        weight_shift=shift,
        acc_width=acc_width,
        decay_mem=_decay(f"{name}.tau_mem", c.a_mem, w) if np.any(c.a_mem < 1.0) else None,
        decay_syn=decay_syn,
        drive=drive,
        couple=_round(couple * 2.0**w.decay) if blend else None,
        couple_fraction=w.decay if blend else 0,
        reset=lif.reset,
        hold=c.hold,
        bias=bias_int,
        rounding=w.rounding,
        lsb=np.full(lif.n, lsb),
        i_lsb=lsb / i_gain,
        v_rest=lif.v_leak,
        threshold=words.threshold,
        u_reset=words.u_reset,
        u_init=words.u_init,
        u_drop=words.u_drop,
    )
    return contract, integers, exact


def scale_of(name: str, lif: Lif) -> float:
    """Volts that become 1.0: the farthest of threshold and reset from rest."""
    finite = np.isfinite(lif.v_th)
    mixed = finite.any() and not finite.all()
    require(not mixed, f"{name}.v_th", "finite and infinite", "all finite or all infinite")
    spans = [np.abs(lif.v_reset - lif.v_leak), np.abs(lif.v_init - lif.v_leak)]
    if finite.all():
        spans.append(np.abs(lif.v_th - lif.v_leak))
    top = float(np.max(spans))
    return top if top > 0 else 1.0


def folded_gain(c: Coefficients) -> tuple[Array, Array, Drive]:
    """Gain from input to state, the share of the old current, and how the current enters."""
    zero = np.zeros_like(c.g_x)
    if c.a_syn is None:
        return c.g_x, zero, Drive.NEW
    if not c.g_old.any():
        return c.g_syn * c.g_new, zero, Drive.NEW
    if not c.g_new.any():
        return c.g_syn * c.g_old, zero, Drive.OLD
    return c.g_syn * c.g_new, c.g_old / c.g_new, Drive.BLEND


def _round(value: Array) -> Ints:
    return np.asarray(np.rint(value), dtype=np.int64)


def _weight_shift(name: str, weights: list[Array], w: Widths) -> int:
    """The smallest alignment shift at which every weight fits its word."""
    peak = max((float(np.abs(m).max(initial=0.0)) for m in weights), default=0.0)
    share = peak / 2.0**w.behind_point
    require(np.isfinite(peak), f"{name}.weight", share, "a finite share of the threshold")
    _, high = limits(w.weight)
    shift = 0
    while np.rint(peak / 2.0**shift) > high:
        shift += 1
    # One weight unit above a quarter of the threshold leaves no resolution worth the name.
    coarsest = max(w.behind_point - 2, 0)
    if shift > coarsest:
        need = width_for(0, int(np.rint(peak / 2.0**coarsest)))
        allowed = f"at least {need} bits for the largest weight, {share:.4g} of the threshold"
        if need > MAX_WEIGHT_WIDTH:
            allowed = f"nothing wide enough for a weight of {share:.4g} of the threshold"
        raise InvalidValue(f"{name}.widths.weight", w.weight, allowed)
    return shift


@dataclass(frozen=True, eq=False)
class _Words:
    """The potentials of a population as integers."""

    threshold: Ints | None
    u_reset: Ints
    u_init: Ints
    u_drop: Ints


def _words(lif: Lif, lsb: float) -> _Words:
    """All fit their word: none is farther from rest than ``2**fraction``."""
    finite = bool(np.isfinite(lif.v_th).all())
    return _Words(
        threshold=_round((lif.v_th - lif.v_leak) / lsb) if finite else None,
        u_reset=_round((lif.v_reset - lif.v_leak) / lsb),
        u_init=_round((lif.v_init - lif.v_leak) / lsb),
        u_drop=_round((lif.v_th - lif.v_reset) / lsb) if finite else np.zeros(lif.n, np.int64),
    )


def _acc_width(name: str, weights: list[Ints], n: int, shift: int) -> int:
    """Bits that hold the sum of all weights at once, whichever sources fire."""
    width = width_for(*sum_range(weights, n))
    top = MAX_ACC_WIDTH - shift
    require(width <= top, f"{name}.acc_width", width, f"at most {top} bits: fewer inputs")
    return width


def _check_bias(name: str, bias: Ints, w: Widths, has_syn: bool) -> None:
    """A bias beyond the state's range would pin the neuron to the rail."""
    width = w.syn_bits if has_syn else w.state
    low, high = limits(width)
    for j in np.flatnonzero((bias < low) | (bias > high)):
        need = width_for(int(bias.min()), int(bias.max()))
        field = f"{name}.widths.{'syn' if has_syn else 'state'}"
        allowed = f"at least {need} bits, {w.behind_point} of them fraction, for bias[{j}]"
        raise InvalidValue(field, width, allowed)


def _decay(field: str, factor: Array, w: Widths) -> Decay:
    if w.decay_mode is DecayMode.MULTIPLY:
        coefficient = _round(factor * 2.0**w.decay)
        lost = (coefficient == 1 << w.decay) & (factor < 1.0)
        for j in np.flatnonzero(lost):
            # Rounding to nearest keeps a leak of more than half the last bit.
            need = int(np.floor(-np.log2(1.0 - factor[j])))
            allowed = f"at least {need} bits: the leak of neuron {j} rounds to none"
            raise InvalidValue(f"{field}: widths.decay", w.decay, allowed)
        return Decay(coefficient, w.decay)
    shifts = np.clip(np.rint(-np.log2(np.maximum(1.0 - factor, 1e-12))), 1, 31).astype(np.int64)
    same = bool((shifts == shifts[0]).all())
    require(same, field, "several", "one decay for all neurons with decay_mode 'shift'")
    return Decay(shift=int(shifts[0]))
