r"""Coefficient of variation and Laplace transform of the interval, in closed form.

With ``y = (v - mu) / sigma`` the variance of the first-passage time is::

    var T / tau_mem^2 = 2 pi integral_{y_reset}^{y_th} dx exp(x^2)
                             integral_{-inf}^x dy exp(y^2) (1 + erf y)^2

Source: Tuckwell, "Introduction to Theoretical Neurobiology", volume 2 (1988), chapter 9;
Brunel, J. Comput. Neurosci. 8, 183 (2000), appendix A. Exchanging the two integrals leaves
Dawson's integral inside and one quadrature outside. The Laplace transform of the density is
a ratio of parabolic cylinder functions: Capocelli & Ricciardi, Kybernetik 8, 214 (1971).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import dawsn, erf, erfcx, pbdv

from ..errors import InvalidValue, require
from .membrane import NoisyMembrane
from .quadrature import crowded_nodes
from .siegert import log_passage

__all__ = ["interval_cv", "passage_laplace", "passage_spread"]

Array = NDArray[np.float64]


def _variance(y_reset: float, y_th: float) -> float:
    """Variance of the first-passage time over ``tau_mem^2 exp(2 max(y_th, 0)^2)``."""
    top = max(y_th, 0.0)
    # Below the lowest edge the integrand is under exp(-36) of its value at reset.
    lowest = -float(np.hypot(min(y_reset, 0.0), 6.0))
    inner = {max(y_reset, lowest), 0.0, top - 50.0 / top if top > 0 else 0.0}
    edges = [lowest, *sorted(e for e in inner if lowest < e < y_th), y_th]
    y, weight, _ = crowded_nodes(np.diff(edges), edges[1:])
    start = np.maximum(y, y_reset)
    tail = np.minimum(y, 0.0)
    head = np.maximum(y, 0.0)
    # exp(y^2) (1 + erf y)^2, with exp(-top^2) taken out and without overflow on either side.
    square = np.where(
        y > 0,
        np.exp(head**2 - top**2) * (1.0 + erf(head)) ** 2,
        erfcx(-tail) ** 2 * np.exp(-(top**2)),
    )
    power = np.where(y > 0, 0.0, -(tail**2))
    rise = np.exp(y_th**2 - top**2 + power) * dawsn(y_th)
    rise = rise - np.exp(start**2 - top**2 + power) * dawsn(start)
    return float(2.0 * np.pi * np.sum(weight * square * np.maximum(rise, 0.0)))


def passage_spread(m: NoisyMembrane) -> float:
    """Standard deviation over mean of the first-passage time, without refractory period."""
    _, value = log_passage(m.y_reset, m.y_th)
    return float(np.sqrt(_variance(m.y_reset, m.y_th)) / value)


def interval_cv(m: NoisyMembrane) -> float:
    """Coefficient of variation of the interval; the refractory period lowers it."""
    scale, value = log_passage(m.y_reset, m.y_th)
    period = m.t_ref / m.tau_mem * np.exp(-scale) + value
    return float(np.sqrt(_variance(m.y_reset, m.y_th)) / period)


def passage_laplace(m: NoisyMembrane, s: ArrayLike) -> Array:
    """Mean of ``exp(-s T)`` over first-passage times ``T``; ``s`` in 1/s, >= 0.

    ``exp((a^2 - b^2) / 2) D_{-s tau}(-a sqrt 2) / D_{-s tau}(-b sqrt 2)``, with ``a`` and
    ``b`` the reduced reset and threshold.

    Raises
    ------
    InvalidValue
        For a negative ``s``, or a threshold so far from the mean that ``D`` leaves a double.
    """
    order = -np.asarray(s, dtype=np.float64) * m.tau_mem
    if not (order <= 0).all():
        raise InvalidValue("s", float(np.min(np.asarray(s))), "0 or greater")
    a, b = m.y_reset, m.y_th
    top, _ = pbdv(order, -np.sqrt(2.0) * a)
    bottom, _ = pbdv(order, -np.sqrt(2.0) * b)
    good = np.isfinite(top) & np.isfinite(bottom) & (top > 0) & (bottom > 0)
    allowed = "noise that brings reset and threshold within about 25 sigma of the mean"
    require(bool(good.all()), "sigma", m.sigma, allowed)
    return np.asarray(np.exp((a**2 - b**2) / 2.0) * top / bottom)
