r"""Surrogate derivatives of a spike, and the smooth spikes they are the derivative of.

With ``z = (v - v_th) / (v_th - v_reset)`` the distance to the threshold and ``b`` a slope::

    fast sigmoid   s'(z) = 1 / (1 + b |z|)^2      (Zenke & Ganguli, Neural Comput. 30, 1514 (2018))
    arctangent     s'(z) = 1 / (1 + (b z)^2)      (Fang et al., ICCV 2021, equation 9, rescaled)
    triangular     s'(z) = max(0, 1 - b |z|)      (Esser et al., PNAS 113, 11441 (2016))
    boxcar         s'(z) = 1 where b |z| < 1/2    (Hubara et al., arXiv:1602.02830, rescaled)

All have height 1 at the threshold. :func:`smooth` is the integral of each from the threshold,
plus one half: a network that emits it in place of spikes is differentiable, and its exact
gradient is what backpropagation with the surrogate computes.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import require

__all__ = ["Surrogate", "derivative", "smooth"]

Array = NDArray[np.float64]


class Surrogate(StrEnum):
    """Shape of the surrogate derivative."""

    FAST_SIGMOID = "fast-sigmoid"
    ARCTANGENT = "arctangent"
    TRIANGULAR = "triangular"
    BOXCAR = "boxcar"


def derivative(kind: Surrogate, z: ArrayLike, slope: float) -> Array:
    """``s'(z)``, the shape of ``z``.

    Raises
    ------
    InvalidValue
        For a slope that is not above 0.
    """
    require(np.isfinite(slope) and slope > 0, "slope", slope, "a finite number above 0")
    b = slope * np.abs(np.asarray(z, dtype=np.float64))
    if kind is Surrogate.FAST_SIGMOID:
        return np.asarray(1.0 / (1.0 + b) ** 2)
    if kind is Surrogate.ARCTANGENT:
        return np.asarray(1.0 / (1.0 + b**2))
    if kind is Surrogate.TRIANGULAR:
        return np.maximum(0.0, 1.0 - b)
    return np.where(b < 0.5, 1.0, 0.0)


def smooth(kind: Surrogate, z: ArrayLike, slope: float) -> Array:
    """``1/2`` plus the integral of :func:`derivative` from 0 to ``z``."""
    require(np.isfinite(slope) and slope > 0, "slope", slope, "a finite number above 0")
    a = np.asarray(z, dtype=np.float64)
    b = slope * np.abs(a)
    if kind is Surrogate.FAST_SIGMOID:
        area = b / (1.0 + b)
    elif kind is Surrogate.ARCTANGENT:
        area = np.arctan(b)
    elif kind is Surrogate.TRIANGULAR:
        inside = np.minimum(b, 1.0)
        area = inside - inside**2 / 2.0
    else:
        area = np.minimum(b, 0.5)
    return np.asarray(0.5 + np.sign(a) * area / slope)
