r"""From float models with conductances to the integers of the cells, and a bound on the error.

A :class:`Scale` holds what an integer means: a unit of ``u`` is ``lsb`` volts above
``v_leak``, a unit of a conductance ``2^-fraction C / dt`` siemens with ``C = tau_mem / r``.

:func:`potential_bound` follows the error of ``u`` through a run without spikes. In one step
the integers differ from :func:`..conductance.step` by

* the rounding of the drive and of the step, ``(2^-GUARD + 1) / 2``,
* the table of the share, ``bound_phi |drive|``,
* each conductance that is off by ``da_k``, ``da_k max|e_k - u|``,

and an error that is there shrinks by at least ``exp(-leak)``: the sum divided by
``1 - exp(-leak)`` bounds every step. Half a unit comes from the first potential, and half from
the reversals, since a target moves no further than they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..conductance import check_model
from ..contract import Decay
from ..errors import require
from ..fixed import Ints, limits
from ..gated import GatedNeuron
from ..lif import Lif
from ..photoneuron import PhotoNeuron, half_hops
from ..relay import RelayCell
from .conductance import Synapse
from .curve import boltzmann_curve, relaxation_curve
from .gates import BoltzmannGate, EdgeGate
from .membrane import GUARD, Membrane, share_curve
from .photo import PhotoCell

__all__ = [
    "Scale",
    "edge_gate",
    "membrane_of",
    "photo_cell",
    "potential_bound",
    "scale_of",
    "synapse_error",
    "synapse_of",
    "table_gate",
]

Array = NDArray[np.float64]
DECAY_FRACTION = 20


@dataclass(frozen=True, eq=False)
class Scale:
    """What the integers of a cell mean; arrays ``(n,)``.

    ``lsb`` in volts, ``v_leak`` in volts, ``per_siemens`` units of a conductance in one
    siemens, ``dt`` in seconds.
    """

    dt: float
    lsb: float
    v_leak: Array
    per_siemens: Array
    width: int
    fraction: int

    def u(self, volts: ArrayLike) -> Ints:
        """The nearest integer potential."""
        return np.rint((np.asarray(volts) - self.v_leak) / self.lsb).astype(np.int64)

    def volts(self, u: Ints) -> Array:
        """Potential of integers ``(..., n)``."""
        return np.asarray(self.v_leak + u * self.lsb)

    def g(self, siemens: ArrayLike) -> Ints:
        """The nearest integer conductance, ``(..., n)``."""
        return np.rint(np.asarray(siemens) * self.per_siemens).astype(np.int64)


def scale_of(lif: Lif, dt: float, reach: float, *, width: int = 20, fraction: int = 20) -> Scale:
    """A scale whose ``u`` covers ``reach`` volts on both sides of rest, ``lsb`` a power of two.

    Raises
    ------
    InvalidValue
        If threshold or reset lie beyond, or the model is not covered.
    """
    check_model(lif)
    require(np.isfinite(dt) and dt > 0, "dt", dt, "a finite number greater than 0, in seconds")
    for name in ("v_reset", "v_init"):
        far = float(np.abs(getattr(lif, name) - lif.v_leak).max())
        require(far < reach, name, far, f"less than reach = {reach:g} V from v_leak")
    far = float((lif.v_th - lif.v_leak)[np.isfinite(lif.v_th)].max(initial=0.0))
    require(far < reach, "v_th", far, f"less than reach = {reach:g} V from v_leak")
    lsb = 2.0 ** np.ceil(np.log2(reach / 2.0 ** (width - 1)))
    per = dt * lif.r / lif.tau_mem * 2.0**fraction
    return Scale(dt, float(lsb), lif.v_leak.copy(), per, width, fraction)


def membrane_of(lif: Lif, scale: Scale, largest: float = 1.0, current: ArrayLike = 0.0) -> Membrane:
    """The membrane; ``largest`` is the greatest ``dt / tau`` it meets, ``current`` in amperes."""
    low, high = limits(scale.width)
    unit = np.broadcast_to(np.asarray(current, dtype=np.float64), (lif.n,))
    with np.errstate(invalid="ignore"):
        above = np.floor((lif.v_th - lif.v_leak) / scale.lsb)
    return Membrane(
        lif.n,
        scale.width,
        scale.fraction,
        np.rint(scale.dt / lif.tau_mem * 2.0**scale.fraction).astype(np.int64),
        np.rint(unit * scale.per_siemens / scale.lsb).astype(np.int64),
        # v > v_th is u > floor of it; no word is above the highest.
        np.clip(above, low, high).astype(np.int64),
        scale.u(lif.v_reset),
        scale.u(lif.v_init),
        np.round(lif.t_ref / scale.dt).astype(np.int64),
        share_curve(scale.fraction, largest),
    )


def synapse_of(
    scale: Scale,
    name: str,
    tau: float,
    reversal: float,
    *,
    width: int,
    acc_width: int,
    sign: int = 1,
) -> Synapse:
    """A synapse that decays with ``tau`` seconds: infinite to keep it, 0 for a single step."""
    require(tau >= 0, f"{name}.tau", tau, "0 s or greater")
    keep = float(np.exp(-scale.dt / tau)) if tau > 0 else 0.0
    n = scale.v_leak.size
    coefficient = np.full(n, int(np.rint(keep * 2.0**DECAY_FRACTION)))
    decay = Decay(coefficient.astype(np.int64), DECAY_FRACTION)
    return Synapse(name, decay, scale.u(np.full(n, reversal)), width, acc_width, sign)


def table_gate(
    neuron: GatedNeuron, scale: Scale, name: str = "x", *, width: int = 24, pieces: int = 256
) -> BoltzmannGate:
    """The gate of a neuron, settled at ``v_init``, with both curves over the range of ``u``."""
    gate, lif, lsb = neuron.gate, neuron.lif, scale.lsb
    zero = float(scale.v_leak[0])
    # One table serves all neurons: what tells them apart is a shift of its argument.
    shift = np.rint((neuron.shift - (scale.v_leak - zero)) / lsb).astype(np.int64)
    low, high = limits(scale.width)
    first, last = low - int(shift.max()), high - int(shift.min())
    bits = int(np.ceil(np.log2((last - first + 1) / pieces)))
    half, slope = (gate.v_half - zero) / lsb, gate.slope / lsb
    rates = (
        (scale.dt * gate.rate_a * float(np.exp(-zero / gate.slope_a)), -gate.slope_a / lsb),
        (scale.dt * gate.rate_b * float(np.exp(zero / gate.slope_b)), gate.slope_b / lsb),
    )
    steady = boltzmann_curve(half, slope, first, bits, pieces, width)
    move = relaxation_curve(rates, gate.tau_min / scale.dt, first, bits, pieces, 24)
    return BoltzmannGate(
        name,
        width,
        scale.g(neuron.g_max),
        scale.u(np.full(lif.n, neuron.reversal)),
        steady(scale.u(lif.v_init) - shift),
        steady,
        move,
        shift,
    )


def edge_gate(cell: RelayCell, scale: Scale, *, name: str = "h", width: int = 20) -> EdgeGate:
    """The T channel of a relay cell, its gate as rest leaves it."""
    n, fraction, one = scale.v_leak.size, 20, (1 << width) - 1
    rest = cell.v_leak + cell.current / cell.g_leak
    keep = [np.exp(-scale.dt / tau) * 2.0**fraction for tau in (cell.tau_minus, cell.tau_plus)]
    above, below = (int(np.rint(k)) for k in keep)
    edge = int(np.floor((cell.v_h - float(scale.v_leak[0])) / scale.lsb))
    return EdgeGate(
        name,
        width,
        scale.g(np.full(n, cell.g_t)),
        scale.u(np.full(n, cell.e_t)),
        np.full(n, one if rest < cell.v_h else 0),
        edge,
        above,
        below,
        fraction,
    )


def photo_cell(
    neuron: PhotoNeuron, scale: Scale, levels: Array, *, width: int = 20, fraction: int = 20
) -> PhotoCell:
    """A neuron with its photocycle; ``levels`` are photon fluxes, ``(levels,)``."""
    half = half_hops(neuron.kinetics, levels, scale.dt)
    hop = np.rint(half @ half * 2.0**fraction).astype(np.int64)
    per = float(scale.per_siemens[0])
    same = bool(np.allclose(scale.per_siemens, per))
    require(same, "r / tau_mem", scale.per_siemens, "the same for all: one table of conductances")
    opened = np.rint(neuron.g_max * per * (neuron.kinetics.weights @ half)).astype(np.int64)
    one = (1 << width) - 1
    dark = np.rint(neuron.kinetics.dark * one).astype(np.int64)
    dark[-1] += one - int(dark.sum())
    n = scale.v_leak.size
    reach = max(1.0, 1.5 * float(opened.max()) * 2.0**-scale.fraction)
    membrane = membrane_of(neuron.lif, scale, reach)
    reversal = scale.u(np.full(n, neuron.reversal))
    return PhotoCell(membrane, width, fraction, hop, opened, dark, reversal)


def synapse_error(synapse: Synapse, tau: float, dt: float, peak: float, spikes: float) -> float:
    """Units by which the conductance of a synapse may be off, whatever the run so far.

    ``peak`` is the largest conductance in units, ``spikes`` the most spikes of a step, each
    with a weight rounded by half a unit.
    """
    exact = float(np.exp(-dt / tau))
    assert synapse.decay.coefficient is not None
    off = abs(int(synapse.decay.coefficient[0]) * 2.0**-synapse.decay.fraction - exact)
    return float((0.5 + 0.5 * spikes + off * peak) / (1.0 - exact))


def potential_bound(
    membrane: Membrane, loads: Sequence[tuple[float, float]], drive: float
) -> float:
    """Units of ``u`` by which a run without spikes may be off; see the module.

    Parameters
    ----------
    loads
        For each conductance the units it may be off, and the largest ``|e - u|``.
    drive
        The largest ``|sum a_k (e_k - u) + current|`` in units of ``u``.
    """
    unit = 2.0**-membrane.fraction
    local = (2.0**-GUARD + 1.0) / 2.0 + membrane.phi.bound * drive + 0.5 * unit
    # The leak is rounded too; it pulls to rest.
    reach = float(1 << (membrane.width - 1))
    local += sum(off * unit * far for off, far in [*loads, (0.5, reach)])
    # Half a unit from the start, half from targets that the rounded reversals move.
    return 1.0 + local / -float(np.expm1(-int(membrane.leak.min()) * unit))
