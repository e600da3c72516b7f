r"""Noise with memory: the rate when white noise passes a synapse first.

::

    tau_mem dv/dt = mu - v + sigma sqrt(tau_mem) eta,     tau_syn d eta/dt = -eta + xi(t)

To first order in ``k = sqrt(tau_syn / tau_mem)`` the rate is Siegert's with threshold and reset
raised by ``sigma k alpha / 2``, where ``alpha = sqrt(2) |zeta(1/2)|``: a smooth path does not
touch threshold as often as a rough one. Source: Brunel & Sergi, J. Theor. Biol. 195, 87 (1998);
Fourcaud & Brunel, Neural Comput. 14, 2057 (2002).

The reset's shift is the memory of the spike: at threshold ``eta`` is high, and it goes on
pushing after reset. Here the synapse runs on while the membrane is held, so that this memory
fades by ``exp(-t_ref / tau_syn)`` and the shift with it; for ``t_ref << tau_syn`` it is the
published form. The two-dimensional equation of :mod:`.coloured_cells` confirms both, with an
error of second order in ``k``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import require
from .membrane import NoisyMembrane
from .siegert import rate_between

__all__ = ["ALPHA", "coloured_rate", "threshold_shift"]

Array = NDArray[np.float64]
ALPHA = float(np.sqrt(2.0) * 1.4603545088095868)
"""``sqrt(2) |zeta(1/2)|``"""


def _memory(m: NoisyMembrane, tau_syn: float) -> float:
    """``k``; checks ``tau_syn``."""
    require(np.isfinite(tau_syn) and tau_syn >= 0, "tau_syn", tau_syn, "0 or greater, in seconds")
    return float(np.sqrt(tau_syn / m.tau_mem))


def threshold_shift(
    m: NoisyMembrane, tau_syn: float, sigma: ArrayLike | None = None
) -> tuple[Array, Array]:
    """By how many volts threshold and reset are raised, shaped like ``sigma`` (volts)."""
    noise = np.asarray(m.sigma if sigma is None else sigma, dtype=np.float64)
    up = noise * (ALPHA / 2.0 * _memory(m, tau_syn))
    kept = np.exp(-m.t_ref / tau_syn) if tau_syn > 0 else 0.0
    return np.asarray(up), np.asarray(up * kept)


def coloured_rate(
    m: NoisyMembrane,
    tau_syn: float,
    mu: ArrayLike | None = None,
    sigma: ArrayLike | None = None,
) -> Array:
    """Firing rate in hertz to first order in ``sqrt(tau_syn / tau_mem)``.

    ``mu`` and ``sigma`` in volts replace the membrane's, broadcast. With ``tau_syn = 0`` it is
    the rate under white noise.

    Raises
    ------
    InvalidValue
        For a negative ``tau_syn``, a mean that is not finite or a noise not above 0.
    """
    mean, noise = np.broadcast_arrays(
        np.asarray(m.mu if mu is None else mu, dtype=np.float64),
        np.asarray(m.sigma if sigma is None else sigma, dtype=np.float64),
    )
    require(bool(np.isfinite(mean).all()), "mu", mu, "finite numbers")
    require(bool((np.isfinite(noise) & (noise > 0)).all()), "sigma", sigma, "greater than 0")
    up, back = threshold_shift(m, tau_syn, noise)
    return rate_between(m, (m.v_reset + back - mean) / noise, (m.v_th + up - mean) / noise)
