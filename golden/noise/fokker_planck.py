r"""The Fokker-Planck equation on cells between a far lower end and threshold.

In units of ``tau_mem`` and of the noise, ``y = (v - mu) / sigma``::

    dp/dt = -dJ/dy + J(y_th, t - t_ref) delta(y - y_reset),   J = -y p - (1/2) dp/dy

with ``p(y_th) = 0``. Cells are centred on equally spaced nodes, reset and threshold among
them; the flux between two nodes is Scharfetter and Gummel's, exact for constant drift, whose
equilibrium is ``exp(-y^2)`` at the nodes. A cell loses what its neighbour gains, so that the
masses are those of a Markov chain: what leaves at threshold waits ``t_ref`` and re-enters at
reset, and the sum stays 1 to rounding.

Source of the flux: Scharfetter & Gummel, IEEE Trans. Electron Devices 16, 64 (1969). Errors
are of second order in the cell; it should not be wider than ``1 / |y|``, or the flux goes over
into first-order upwind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_banded

from ..errors import require
from .membrane import NoisyMembrane

__all__ = [
    "Cells",
    "Chain",
    "Stationary",
    "cells",
    "chain",
    "hopping",
    "solve_chain",
    "stationary",
    "unit_flux",
]

Array = NDArray[np.float64]
MOST_CELLS = 200_000


@dataclass(frozen=True, eq=False)
class Cells:
    """Nodes ``y``, ``(n,)``, spaced ``h`` apart and ending ``h`` below threshold; the node of
    index ``reset`` is the reset potential."""

    membrane: NoisyMembrane
    y: Array
    h: float
    reset: int

    @property
    def v(self) -> Array:
        """Nodes in volts, ``(n,)``."""
        return self.membrane.mu + self.membrane.sigma * self.y


@dataclass(frozen=True, eq=False)
class Chain:
    """Rates of hopping one node up or down, each ``(n,)``, in units of ``1 / tau_mem``.

    ``up[-1]`` leads to threshold; ``down[0]`` is 0.
    """

    up: Array
    down: Array


@dataclass(frozen=True, eq=False)
class Stationary:
    """The stationary state: ``v`` in volts and ``density`` in 1/V, ``(n,)``; ``rate`` in hertz;
    ``refractory``, the probability of being held at reset."""

    v: Array
    density: Array
    rate: float
    refractory: float


def cells(m: NoisyMembrane, between: int = 200) -> Cells:
    """Cells for a membrane, ``between`` of them from reset to threshold.

    The lower end lies where the density has fallen by ``exp(-36)`` from its value at reset or
    at the mean.

    Raises
    ------
    InvalidValue
        For fewer than 2 cells, or more than 200,000 down to the lower end.
    """
    require(between >= 2, "between", between, "2 or more")
    h = (m.y_th - m.y_reset) / between
    depth = m.y_reset + np.hypot(min(m.y_reset, 0.0), 6.0)
    below = int(np.ceil(depth / h))
    allowed = f"at most {MOST_CELLS} cells; this noise needs {below + between:,}: fewer, or less"
    require(below + between <= MOST_CELLS, "between", between, allowed)
    y = m.y_reset + h * np.arange(-below, between, dtype=np.float64)
    return Cells(m, y, h, below)


def _bernoulli(x: Array) -> Array:
    """``x / (exp(x) - 1)``, 1 at 0; for large ``x`` it goes to 0 and for large ``-x`` to ``-x``."""
    flat = np.abs(x) < 1e-8
    safe = np.where(flat, 1.0, np.clip(x, -700.0, 700.0))
    return np.where(flat, 1.0 - x / 2.0, np.where(x < -700.0, -x, safe / np.expm1(safe)))


def chain(c: Cells, shift: float = 0.0) -> Chain:
    """Hopping rates when the mean is displaced by ``shift``, in units of the noise."""
    return hopping(c.y, c.h, shift)


def hopping(y: Array, h: float, shift: float = 0.0) -> Chain:
    """The same for any nodes ``y``, ``(n,)``, spaced ``h`` apart."""
    face = y + h / 2.0
    peclet = 2.0 * h * (shift - face)
    scale = 0.5 / h**2
    down = np.concatenate(([0.0], scale * _bernoulli(peclet[:-1])))
    return Chain(scale * _bernoulli(-peclet), down)


def solve_chain(k: Chain, diagonal: complex, right: NDArray[Any], scale: float) -> NDArray[Any]:
    """``x`` with ``diagonal x - scale dx/dt = right``, ``(n,)`` or ``(n, columns)``."""
    total = k.up + k.down
    bands = np.zeros((3, total.size), dtype=np.result_type(type(diagonal), np.float64))
    bands[0, 1:] = -scale * k.down[1:]
    bands[1] = diagonal + scale * total
    bands[2, :-1] = -scale * k.up[:-1]
    return np.asarray(solve_banded((1, 1), bands, right, check_finite=False))


def unit_flux(c: Cells) -> Array:
    """Stationary masses, ``(n,)``, under a flux of 1 from reset to threshold.

    Their sum is the mean first-passage time in units of ``tau_mem``. Counted down from
    threshold every term is positive, so that no digits are lost however rare the passage is.

    Raises
    ------
    InvalidValue
        If the mean first-passage time leaves a double.
    """
    k = chain(c)
    up, down = k.up.tolist(), k.down.tolist()
    mass = np.zeros(len(up))
    above = 0.0
    for j in range(len(up) - 1, -1, -1):
        gain = down[j + 1] * above if j + 1 < len(up) else 0.0
        above = (gain + (1.0 if j >= c.reset else 0.0)) / up[j]
        mass[j] = above
    allowed = "more: the threshold lies over 26 sigma above the mean, the rate below any double"
    require(np.isfinite(mass.sum()), "sigma", c.membrane.sigma, allowed)
    return mass


def stationary(m: NoisyMembrane, between: int = 200) -> Stationary:
    """Stationary density and rate.

    Raises
    ------
    InvalidValue
        As :func:`cells`, or for a neuron that never fires within what a double counts.
    """
    c = cells(m, between)
    mass = unit_flux(c)
    period = m.tau_mem * float(mass.sum()) + m.t_ref
    share = mass * m.tau_mem / period
    return Stationary(c.v, share / (c.h * m.sigma), 1.0 / period, m.t_ref / period)
