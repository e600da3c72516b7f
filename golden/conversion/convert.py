r"""From rectified linear units to integrate-and-fire neurons, with a bound on the error.

Activations are scaled by ``scale_l``, the largest (or a percentile) of each stage on
calibration data, so that a rate of one spike a step means ``scale_l`` (Diehl et al., IJCNN
2015; Rueckauer et al., Frontiers in Neuroscience 11, 682 (2017), section 2.2)::

    weight' = weight scale_(l-1) / scale_l,   bias' = bias / scale_l,   threshold 1

Neurons do not leak and subtract the threshold when they fire, at most once a step, so that no
input is lost.

**Bound.** Let ``N(k)`` be the spikes of a neuron in ``k`` steps, ``v0`` its initial potential,
``z`` its exact scaled pre-activation, ``a = min(max(z, 0), 1)``, and let the sum of its inputs
stay within ``D`` of ``k z`` for every ``k``. Then for every ``k``::

    |N(k) - k a| <= D + max(v0, 1 - v0)

*Above:* at the last spike, in step ``m``, ``v0 + S(m) - (N - 1) > 1``, hence
``N(k) < v0 + m z + D``, at most ``v0 + k a + D`` for ``z <= 1``; and ``N(k) <= k`` always.
*Below:* let ``m`` be the last step without a spike; there ``v0 + S(m) - N(m) <= 1``, and every
later step fires, so ``N(k) >= v0 + m z - D - 1 + (k - m) >= k a - D - (1 - v0)``.

The inputs of a stage stay within ``D_j = sum_i |w_ji| E_i`` where ``E_i`` bounds the stage
before; a bias current adds nothing, a bias neuron its own error times its weight. ``E`` does
not grow with ``k``: the error of a rate falls as ``1 / k``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InvalidValue, require
from ..lif import Lif, Reset
from ..network import Connection, Network
from .relu import ReluNetwork

__all__ = ["BIAS_INPUT", "Bias", "Converted", "convert", "even_spikes", "scales"]

Array = NDArray[np.float64]
BIAS_INPUT = "bias"
"""Name of the input line of the bias neuron."""
INPUT_ERROR = 0.5
"""How far :func:`even_spikes` strays from its rate, in spikes."""


class Bias(StrEnum):
    """What carries the bias."""

    CURRENT = "current"
    """a constant current into every neuron"""
    NEURON = "neuron"
    """one more input line that fires at a constant rate, with a weight to every neuron"""


@dataclass(frozen=True, eq=False)
class Converted:
    """A spiking network and what it means.

    Parameters
    ----------
    network
        Populations ``stage0``, ``stage1``, ..., input ``pixels`` and, with a bias neuron,
        ``bias``.
    scales
        Activation that a rate of one spike a step stands for, per stage; the first entry is
        the input's.
    errors
        ``E`` of each stage, ``(n,)``, in spikes: the bound of the module's text, for inputs
        from :func:`even_spikes`.
    offset
        What was added to all scores so that the largest is positive.
    bias_rate
        Spikes a step of the bias neuron; 0 without one.
    """

    network: Network
    scales: tuple[float, ...]
    errors: tuple[Array, ...]
    offset: float
    bias_rate: float

    def wanted(self, relu: ReluNetwork, x: ArrayLike) -> list[Array]:
        """Exact rates ``a`` of every stage, ``(samples, n)``, clipped as the neurons clip."""
        a = np.clip(np.asarray(x, dtype=np.float64) / self.scales[0], 0.0, 1.0)
        out = []
        for k, stage in enumerate(relu.stages):
            z = a @ (stage.weight * self.scales[k] / self.scales[k + 1]).T
            z = z + _bias(relu, k, self.offset) / self.scales[k + 1]
            a = np.clip(z, 0.0, 1.0)
            out.append(a)
        return out


def scales(relu: ReluNetwork, x: ArrayLike, percentile: float = 100.0) -> tuple[float, ...]:
    """Scale of the input and of every stage, from activations on ``x`` ``(samples, n_in)``.

    Raises
    ------
    InvalidValue
        For a percentile outside 0 to 100, or a stage that is never active.
    """
    require(0 < percentile <= 100, "percentile", percentile, "above 0 up to 100")
    a = np.asarray(x, dtype=np.float64)
    require(bool((a >= 0).all()), "x", float(a.min(initial=0.0)), "inputs of at least 0: rates")
    out = [float(a.max(initial=0.0))]
    require(out[0] > 0, "x", "all 0", "calibration data with activity")
    for k, z in enumerate(relu.pre_activations(a)):
        active = z[z > 0]
        if k == len(relu.stages) - 1:
            # The scores are lifted above 0 later, so their whole span counts.
            active = z - min(float(z.min()), 0.0)
        require(active.size > 0, f"stages[{k}]", "never active", "activity on the data")
        out.append(float(np.percentile(active, percentile)))
        require(out[-1] > 0, f"stages[{k}].scale", out[-1], "above 0: a higher percentile")
    return tuple(out)


def convert(
    relu: ReluNetwork,
    found: Sequence[float],
    *,
    bias: Bias | str = Bias.CURRENT,
    offset: float = 0.0,
    v_init: float = 0.5,
    bias_rate: float | None = None,
    dt: float = 1e-3,
) -> Converted:
    """The spiking network of ``relu`` with the scales of :func:`scales`.

    Parameters
    ----------
    bias
        See :class:`Bias`.
    offset
        Added to every score of the last stage: the order of classes stays, and the largest
        becomes positive.
    v_init
        Initial potential from 0 to 1; half a threshold halves the bound.
    bias_rate
        Spikes a step of the bias neuron, above 0 up to 1. Unless given it is the largest
        scaled bias, so that no weight exceeds a threshold, but at most 1. A slower neuron
        costs fewer operations and a larger error.
    dt
        Step in seconds.

    Raises
    ------
    InvalidValue
        For scales that do not match, or values out of range.
    """
    n = len(relu.stages)
    require(len(found) == n + 1, "scales", len(found), f"{n + 1}: input and stages")
    require(all(np.isfinite(s) and s > 0 for s in found), "scales", list(found), "above 0")
    require(0 <= v_init <= 1, "v_init", v_init, "0 to 1")
    try:
        carrier = Bias(bias)
    except ValueError:
        raise InvalidValue("bias", bias, " or ".join(Bias)) from None
    scaled = [_bias(relu, k, offset) / found[k + 1] for k in range(n)]
    rate = 0.0 if carrier is Bias.CURRENT else _bias_rate(scaled, bias_rate)
    populations: dict[str, Lif] = {}
    connections: list[Connection] = []
    errors: list[Array] = []
    before, error = "pixels", np.full(relu.stages[0].weight.shape[1], INPUT_ERROR)
    for k, stage in enumerate(relu.stages):
        name = f"stage{k}"
        weight = stage.weight * (found[k] / found[k + 1])
        populations[name] = Lif(
            tau_mem=np.inf, r=1.0 / dt, v_th=1.0, v_reset=0.0, v_init=v_init,
            reset=Reset.SUBTRACT, n=stage.bias.size,
        )  # fmt: skip
        connections.append(Connection(before, name, weight))
        spread = np.abs(weight) @ error
        if rate > 0:
            connections.append(Connection(BIAS_INPUT, name, (scaled[k] / rate)[:, None]))
            # At a rate of 1 the line fires every step and strays nowhere.
            spread = spread + (INPUT_ERROR * np.abs(scaled[k]) / rate if rate < 1 else 0.0)
        error = spread + max(v_init, 1.0 - v_init)
        errors.append(error)
        before = name
    currents = {f"stage{k}": b for k, b in enumerate(scaled)} if carrier is Bias.CURRENT else {}
    inputs = {"pixels": relu.stages[0].weight.shape[1], **({BIAS_INPUT: 1} if rate > 0 else {})}
    network = Network(dt, inputs, populations, tuple(connections), (before,), currents)
    return Converted(network, tuple(found), tuple(errors), offset, rate)


def _bias_rate(scaled: Sequence[Array], given: float | None) -> float:
    """Spikes a step of the bias neuron; 0 where no stage has a bias."""
    peak = max(float(np.abs(b).max()) for b in scaled)
    rate = min(1.0, peak) if given is None else given
    require(peak == 0 or 0 < rate <= 1, "bias_rate", given, "above 0 up to 1")
    return rate if peak > 0 else 0.0


def _bias(relu: ReluNetwork, k: int, offset: float) -> Array:
    lifted = offset if k == len(relu.stages) - 1 else 0.0
    return relu.stages[k].bias + lifted


def even_spikes(rates: ArrayLike, steps: int) -> NDArray[np.uint8]:
    """Spikes ``(steps, ..., n)`` as even as integers can be, of ``rates`` 0 to 1 ``(..., n)``.

    After ``k`` steps a line has fired ``floor(k rate + 1/2)`` times: within one half of ``k rate``.

    Raises
    ------
    InvalidValue
        For a rate outside 0 to 1.
    """
    r = np.asarray(rates, dtype=np.float64)
    inside = bool(((r >= 0) & (r <= 1)).all())
    require(inside, "rates", "outside", "0 to 1 spikes a step")
    k = np.arange(steps + 1).reshape(-1, *([1] * r.ndim))
    return np.diff(np.floor(k * r + 0.5), axis=0).astype(np.uint8)
