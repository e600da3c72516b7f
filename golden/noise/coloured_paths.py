r"""Monte Carlo of the membrane under coloured noise: exact steps of both states.

In the units of :mod:`.coloured_cells` the pair ``(y, z)`` is Gaussian over a step, and both
its mean and its covariance are known. A path is smooth, so that a crossing is seen at the end
of the step and placed by linear interpolation; what is missed are excursions shorter than a
step, of first order in ``dt / tau_syn``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..discrete import psp_gain
from ..errors import require
from .membrane import NoisyMembrane

__all__ = ["coloured_counts"]

Array = NDArray[np.float64]


def _factors(h: float, a: float) -> tuple[float, float, float, float, float, float]:
    """Decay of ``y`` and ``z``, gain of ``z`` on ``y``, and the Cholesky factor of a step.

    ``a = tau_mem / tau_syn``. The variance of ``y`` is the integral of ``(a psp(s))^2``.
    """
    s, weight = np.polynomial.legendre.leggauss(12)
    t = h * (s + 1.0) / 2.0
    psp = a * psp_gain(t, 1.0, 1.0 / a) * np.sqrt(h / 2.0 * weight)
    fast = np.sqrt(a) * np.exp(-a * t) * np.sqrt(h / 2.0 * weight)
    var_z, var_y, cov = float(fast @ fast), float(psp @ psp), float(fast @ psp)
    gain = np.sqrt(a) * float(psp_gain(np.asarray(h), 1.0, 1.0 / a))
    spread = var_z**0.5
    left = max(var_y - cov**2 / var_z, 0.0) ** 0.5
    return float(np.exp(-h)), float(np.exp(-a * h)), gain, spread, cov / spread, left


def coloured_counts(
    m: NoisyMembrane,
    tau_syn: float,
    n: int,
    since: float,
    duration: float,
    dt: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Spikes of each of ``n`` neurons after ``since`` and before ``duration`` seconds, ``(n,)``.

    The noise starts from its stationary law and the membrane at reset. The synapse runs on
    while the membrane is held.

    Raises
    ------
    InvalidValue
        For a step above ``tau_syn / 4``, or a number or time not above 0.
    """
    require(n >= 1, "n", n, "1 or more")
    require(np.isfinite(tau_syn) and tau_syn > 0, "tau_syn", tau_syn, "greater than 0, in seconds")
    small = np.isfinite(dt) and 0 < dt <= tau_syn / 4.0
    require(small, "dt", dt, f"above 0 and at most tau_syn / 4 = {tau_syn / 4.0:g} s")
    require(0 <= since < duration, "since", since, f"from 0 to below duration = {duration:g} s")
    h, k = dt / m.tau_mem, float(np.sqrt(tau_syn / m.tau_mem))
    fall, fade, gain, spread, mixed, left = _factors(h, 1.0 / k**2)
    y, z = np.full(n, m.y_reset), rng.standard_normal(n) * np.sqrt(0.5)
    free = np.zeros(n)
    counts = np.zeros(n, dtype=np.int64)
    hold = m.t_ref / m.tau_mem
    for j in range(1, int(np.ceil(duration / dt - 1e-9)) + 1):
        now = j * h
        first = rng.standard_normal(n)
        old = y
        y = fall * y + gain * z + mixed * first + left * rng.standard_normal(n)
        z = fade * z + spread * first
        # A held membrane stays; the step in which it is let go is shorter.
        rest = now - free
        late = np.flatnonzero(rest < h)
        if late.size:
            short = np.maximum(rest[late], 0.0)
            y[late] = m.y_reset + short * (z[late] / k - m.y_reset)
            old[late] = m.y_reset
        fired = np.flatnonzero(y > m.y_th)
        if fired.size:
            share = (m.y_th - old[fired]) / (y[fired] - old[fired])
            step = np.minimum(h, rest[fired])
            spike = now - step * (1.0 - share)
            free[fired] = spike + hold
            short = np.maximum(now - free[fired], 0.0)
            y[fired] = m.y_reset + short * (z[fired] / k - m.y_reset)
            counts[fired] += spike * m.tau_mem > since
    return counts
