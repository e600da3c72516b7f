r"""Divided differences of the exponential: what a cascade of filters answers an impulse with.

``E[x_1, ..., x_m](t)`` is the divided difference of ``x -> exp(-x t)`` up to the sign, the
convolution of the ``exp(-x_k t)``::

    E[x](t) = exp(-x t)
    E[x_1, ..., x_m](t) = (E[x_1, ..., x_(m-1)](t) - E[x_2, ..., x_m](t)) / (x_m - x_1)

for ascending rates. The difference cancels where the rates meet; there, for ``(x_m - x_1) t``
up to 1, the series in the complete homogeneous polynomials ``h_j`` of the offsets takes over,
``t^(m-1) exp(-x_1 t) sum_j h_j(x - x_1) (-t)^j / (j + m - 1)!``. Source: McCurdy, Ng &
Parlett, Math. Comp. 43, 501 (1984).
"""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import require

__all__ = ["exponential_difference"]

Array = NDArray[np.float64]
TERMS = 24
"""With offsets times t up to 1 the next term is below 1e-18 of the sum for up to 6 rates."""


def exponential_difference(rates: ArrayLike, t: ArrayLike) -> Array:
    """``E`` of ``(m,)`` rates of 0 or more in 1/s at times of 0 or more, shape of ``t``.

    In ``s^(m - 1)``; relative accuracy of about 1e-14.

    Raises
    ------
    InvalidValue
        For a negative rate or time.
    """
    x = np.sort(np.asarray(rates, dtype=np.float64))
    at = np.asarray(t, dtype=np.float64)
    require(x.ndim == 1 and x.size > 0, "rates", list(x.shape), "one dimension, not empty")
    require(bool((x >= 0).all()), "rates", float(x[0]), "0 per second or greater")
    require(bool((at >= 0).all()), "t", float(np.min(at, initial=0.0)), "0 s or greater")
    return _difference(x, at)


def _difference(x: Array, t: Array) -> Array:
    """``x`` ascending."""
    if x.size == 1:
        return np.asarray(np.exp(-x[0] * t))
    spread = float(x[-1] - x[0])
    near = spread * t <= 1.0
    out = np.empty(t.shape)
    out[near] = _series(x, t[near])
    far = t[~near]
    if far.size:
        out[~near] = (_difference(x[:-1], far) - _difference(x[1:], far)) / spread
    return out


def _series(x: Array, t: Array) -> Array:
    """``x`` ascending and ``(x[-1] - x[0]) t`` up to 1."""
    spread = float(x[-1] - x[0])
    offsets = (x - x[0]) / spread if spread else np.zeros(x.size)
    h = np.zeros(TERMS)
    h[0] = 1.0
    for offset in offsets:
        for j in range(1, TERMS):
            h[j] += offset * h[j - 1]
    order = x.size - 1
    terms = [h[j] * (-1.0) ** j / factorial(j + order) for j in range(TERMS)]
    return np.asarray(t**order * np.exp(-x[0] * t) * np.polynomial.Polynomial(terms)(spread * t))
