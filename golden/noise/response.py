r"""Answer of the noisy neuron to a weak periodic signal: stochastic resonance.

For a mean ``mu + a cos(w t)`` the population rate is ``rate + a |chi| cos(w t + arg chi)`` to
first order in ``a``, and one neuron's spike train has the power spectrum of a renewal process
around the line at ``w``::

    S(w) = rate (1 - |rho|^2) / |1 - rho|^2,     rho(w) = <exp(-i w interval)>

Both follow from the cells of :mod:`.fokker_planck` by one linear solve a frequency. The
signal-to-noise ratio is the line's power over the spectrum beside it, ``a^2 |chi|^2 / (4 S)``
in hertz: below threshold too little noise lets no spike pass and too much drowns the signal,
so that it has a maximum in between.

Sources: Stein, French & Holden, Biophys. J. 12, 295 (1972) for the spectrum; Brunel, Chance,
Fourcaud & Abbott, Phys. Rev. Lett. 86, 2186 (2001) and Lindner & Schimansky-Geier, Phys. Rev.
Lett. 86, 2934 (2001) for the linear response; Gammaitoni, Haenggi, Jung & Marchesoni, Rev.
Mod. Phys. 70, 223 (1998) for stochastic resonance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InvalidValue, require
from . import siegert
from .fokker_planck import Cells, cells, chain, solve_chain, unit_flux
from .membrane import NoisyMembrane

__all__ = ["Resonance", "resonance", "spectrum", "susceptibility"]

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
NUDGE = 1e-5
FAINTEST = 1e-290


def _angular(frequency: ArrayLike) -> Array:
    f = np.atleast_1d(np.asarray(frequency, dtype=np.float64))
    for bad in np.flatnonzero(~(np.isfinite(f) & (f > 0))):
        raise InvalidValue(f"frequency[{bad}]", float(f[bad]), "greater than 0, in hertz")
    return 2.0 * np.pi * f


def _solve(c: Cells, w: float, right: Complex) -> Complex:
    """``q`` with ``i w q - dq/dt = right``; ``w`` in units of ``1 / tau_mem``."""
    k = chain(c)
    return np.asarray(solve_chain(k, 1j * w, right, 1.0), dtype=np.complex128)


def spectrum(m: NoisyMembrane, frequency: ArrayLike, between: int = 200) -> Array:
    """Power spectrum of the spike train in hertz, two-sided, ``(f,)``; it goes to the rate.

    Raises
    ------
    InvalidValue
        For a frequency not above 0.
    """
    c = cells(m, between)
    source = np.zeros(c.y.size, dtype=np.complex128)
    source[c.reset] = 1.0
    escape = float(chain(c).up[-1])
    rate = 1.0 / (m.tau_mem * float(unit_flux(c).sum()) + m.t_ref)
    out = []
    for w in _angular(frequency):
        rho = escape * _solve(c, w * m.tau_mem, source)[-1] * np.exp(-1j * w * m.t_ref)
        out.append(rate * (1.0 - abs(rho) ** 2) / abs(1.0 - rho) ** 2)
    return np.asarray(out)


def susceptibility(m: NoisyMembrane, frequency: ArrayLike, between: int = 200) -> Complex:
    """Complex response ``chi`` of the rate to the mean, in hertz a volt, ``(f,)``.

    It goes to the slope of the stationary rate for slow signals and falls as
    ``1 / sqrt(frequency)`` for fast ones.

    Raises
    ------
    InvalidValue
        For a frequency not above 0.
    """
    c = cells(m, between)
    source = np.zeros(c.y.size, dtype=np.complex128)
    source[c.reset] = 1.0
    base = unit_flux(c)
    p = base * m.tau_mem / (m.tau_mem * float(base.sum()) + m.t_ref)
    # The rates' slope in the mean; they are smooth, and a nudge of 1e-5 sigma costs 1e-10.
    more, less = chain(c, NUDGE), chain(c, -NUDGE)
    up = (more.up - less.up) / (2.0 * NUDGE)
    down = (more.down - less.down) / (2.0 * NUDGE)
    push = -(up + down) * p
    push[1:] += up[:-1] * p[:-1]
    push[:-1] += down[1:] * p[1:]
    escape, direct = float(chain(c).up[-1]), float(up[-1] * p[-1])
    out = []
    for w in _angular(frequency):
        both = np.column_stack([push.astype(np.complex128), source])
        q = _solve(c, w * m.tau_mem, both)
        rho = escape * q[-1, 1] * np.exp(-1j * w * m.t_ref)
        out.append((direct + escape * q[-1, 0]) / (1.0 - rho))
    return np.asarray(out, dtype=np.complex128) / (m.sigma * m.tau_mem)


@dataclass(frozen=True, eq=False)
class Resonance:
    """Answer against noise: ``sigma`` in volts, response ``a |chi|`` and background ``S`` in
    hertz, signal-to-noise ratio in hertz (of bandwidth), each ``(n,)``."""

    sigma: Array
    response: Array
    background: Array
    snr: Array

    @property
    def best(self) -> int:
        """Index of the largest signal-to-noise ratio."""
        return int(np.argmax(self.snr))


def resonance(
    m: NoisyMembrane, amplitude: float, frequency: float, sigma: ArrayLike, between: int = 200
) -> Resonance:
    """Answer to ``amplitude`` volts at ``frequency`` hertz for each noise ``sigma`` in volts.

    Linear in the amplitude: it must stay small against the noise. Where the rate leaves a
    double the ratio is 0.

    Raises
    ------
    InvalidValue
        For an amplitude or a frequency not above 0, or no noise.
    """
    require(np.isfinite(amplitude) and amplitude > 0, "amplitude", amplitude, "greater than 0")
    noise = np.atleast_1d(np.asarray(sigma, dtype=np.float64))
    response, background = np.zeros(noise.size), np.zeros(noise.size)
    for j, s in enumerate(noise.tolist()):
        one = m.driven(m.mu, s)
        if siegert.rate(one) < FAINTEST:
            continue
        response[j] = amplitude * abs(susceptibility(one, frequency, between)[0])
        background[j] = spectrum(one, frequency, between)[0]
    safe = np.where(background > 0, background, 1.0)
    return Resonance(noise, response, background, response**2 / (4.0 * safe))
