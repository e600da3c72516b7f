r"""Rate, gain and stationary density of the noisy LIF neuron in closed form, without overflow.

With ``y = (v - mu) / sigma`` and ``erfcx(-u) = exp(u^2) (1 + erf u)``::

    1 / rate = t_ref + tau_mem sqrt(pi) integral_{y_reset}^{y_th} erfcx(-u) du

Far below threshold the integrand grows as ``exp(u^2)``, far above it the integral is the
small difference of large numbers. Here ``exp(y_th^2)`` is kept as a logarithm, the integral
is taken where it is, from reset to threshold, and nothing is subtracted; the integrand on
either side of 0 is bounded.

Sources: Siegert, Phys. Rev. 81, 617 (1951); Brunel, J. Comput. Neurosci. 8, 183 (2000),
equation 21 for the rate and 19 for the density; Hahne et al., Front. Neuroinform. 11, 34
(2017) and Layer et al., Front. Neuroinform. 16, 835657 (2022) for stable forms.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import dawsn, erf, erfcx

from ..errors import InvalidValue
from .membrane import NoisyMembrane
from .quadrature import crowded_nodes

__all__ = ["density", "gain", "log_passage", "mean_first_passage", "rate", "rate_between"]

Array = NDArray[np.float64]
FARTHEST = 1e150
"""Reduced potentials beyond this are cut: their square still fits a double."""


def log_passage(y_reset: ArrayLike, y_th: ArrayLike) -> tuple[Array, Array]:
    """Mean first-passage time in units of ``tau_mem`` as ``(scale, value)``.

    The time is ``exp(scale) value``, with ``scale = max(y_th, 0)^2`` and ``value`` of order 1
    or below; both have the shape of ``y_reset`` and ``y_th`` together.
    """
    start, end = np.broadcast_arrays(
        np.clip(np.asarray(y_reset, np.float64), -FARTHEST, FARTHEST),
        np.clip(np.asarray(y_th, np.float64), -FARTHEST, FARTHEST),
    )
    under = np.minimum(end, 0.0)
    u, weight, _ = crowded_nodes(under - start, under)
    below = np.sum(weight * erfcx(-u), axis=-1)
    top = np.maximum(end, 0.0)
    # Deeper than 50 / top the integrand is under exp(-50) of its peak.
    width = np.minimum(top - np.maximum(start, 0.0), 50.0 / np.maximum(top, 1.0 / FARTHEST))
    u, weight, distance = crowded_nodes(width, top)
    # u^2 - top^2 as a product: no cancellation.
    lift = np.exp(-distance * (2.0 * top[..., np.newaxis] - distance))
    above = np.sum(weight * lift * (1.0 + erf(u)), axis=-1)
    scale = top**2
    return scale, np.sqrt(np.pi) * (below * np.exp(-scale) + above)


def _drive(m: NoisyMembrane, mu: ArrayLike | None, sigma: ArrayLike | None) -> tuple[Array, Array]:
    mean = np.asarray(m.mu if mu is None else mu, dtype=np.float64)
    noise = np.asarray(m.sigma if sigma is None else sigma, dtype=np.float64)
    for name, a, good in (
        ("mu", mean, np.isfinite(mean)),
        ("sigma", noise, np.isfinite(noise) & (noise > 0)),
    ):
        for bad in np.flatnonzero(~good):
            allowed = "finite numbers" if name == "mu" else "greater than 0"
            raise InvalidValue(f"{name}[{bad}]", float(a.flat[bad]), allowed)
    return mean, noise


def _reduced(m: NoisyMembrane, mean: Array, noise: Array) -> tuple[Array, Array]:
    return (m.v_reset - mean) / noise, (m.v_th - mean) / noise


def rate(m: NoisyMembrane, mu: ArrayLike | None = None, sigma: ArrayLike | None = None) -> Array:
    """Firing rate in hertz; ``mu`` and ``sigma`` in volts replace the membrane's, broadcast.

    A rate too small for a double is 0. Relative error below 1e-12 elsewhere.

    Raises
    ------
    InvalidValue
        For a mean that is not finite or a noise not above 0.
    """
    return rate_between(m, *_reduced(m, *_drive(m, mu, sigma)))


def rate_between(m: NoisyMembrane, y_reset: ArrayLike, y_th: ArrayLike) -> Array:
    """The rate in hertz for reduced potentials that replace the membrane's."""
    scale, value = log_passage(y_reset, y_th)
    shrink = np.exp(-scale)
    return np.asarray(shrink / (m.t_ref * shrink + m.tau_mem * value))


def mean_first_passage(
    m: NoisyMembrane, mu: ArrayLike | None = None, sigma: ArrayLike | None = None
) -> Array:
    """Mean time in seconds from reset to threshold: ``1 / rate - t_ref``; ``inf`` if too large."""
    scale, value = log_passage(*_reduced(m, *_drive(m, mu, sigma)))
    with np.errstate(over="ignore"):
        return np.asarray(m.tau_mem * value * np.exp(scale))


def gain(m: NoisyMembrane, mu: ArrayLike | None = None, sigma: ArrayLike | None = None) -> Array:
    """Slope ``d rate / d mu`` in hertz a volt, the response to a slow signal."""
    mean, noise = _drive(m, mu, sigma)
    y_reset, y_th = _reduced(m, mean, noise)
    scale, value = log_passage(y_reset, y_th)
    shrink = np.exp(-scale)
    # erfcx(-y) exp(-scale) at both ends, without forming exp(y^2).
    ends = [
        np.where(
            y > 0,
            np.exp(np.clip(y, 0.0, FARTHEST) ** 2 - scale) * (1.0 + erf(y)),
            erfcx(-np.minimum(y, 0.0)) * shrink,
        )
        for y in (y_th, y_reset)
    ]
    period = m.t_ref * shrink + m.tau_mem * value
    slope = shrink * (ends[0] - ends[1])
    return np.asarray(m.tau_mem * np.sqrt(np.pi) / noise * slope / period**2)


def density(m: NoisyMembrane, v: ArrayLike) -> Array:
    """Stationary density in 1/V at the potentials ``v``; 0 above threshold.

    It integrates to ``1 - rate t_ref``: the rest is refractory.
    """
    potential = np.asarray(v, dtype=np.float64)
    finite = np.isfinite(potential)
    if not finite.all():
        bad = int(np.flatnonzero(~finite)[0])
        raise InvalidValue(f"v[{bad}]", float(potential.flat[bad]), "finite numbers")
    y = np.minimum((potential - m.mu) / m.sigma, m.y_th)
    start = np.maximum(y, m.y_reset)
    scale, value = log_passage(m.y_reset, m.y_th)
    # exp(-y^2) times the integral of exp(u^2) from start to threshold, by Dawson's integral.
    upper = np.exp(m.y_th**2 - y**2 - scale) * dawsn(m.y_th)
    lower = np.exp(start**2 - y**2 - scale) * dawsn(start)
    period = m.t_ref * np.exp(-scale) + m.tau_mem * value
    return np.asarray(2.0 * m.tau_mem / m.sigma * np.maximum(upper - lower, 0.0) / period)
