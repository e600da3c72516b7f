r"""The two-dimensional Fokker-Planck equation of potential and coloured noise.

In units of ``tau_mem`` and of the noise, with ``k = sqrt(tau_syn / tau_mem)``::

    dp/dt = -d/dy [(z / k - y) p] + (1 / k^2) d/dz [z p + (1/2) dp/dz]

Threshold absorbs where the velocity points up and lets nothing in where it points down; what
leaves waits ``t_ref``, while its ``z`` relaxes, and re-enters at reset. The flux along ``y`` is
upwind of second order on cells that crowd at reset and threshold, where the solution has
layers of width ``k``; along ``z`` it is that of :mod:`.fokker_planck`. Two resolutions are
extrapolated (both orders are 2). Source of the equation: Fourcaud & Brunel, Neural Comput. 14,
2057 (2002), section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import expm
from scipy.sparse.linalg import spsolve

from ..errors import require
from .fokker_planck import hopping
from .membrane import NoisyMembrane

__all__ = ["PlaneRate", "plane_rate"]

Array = NDArray[np.float64]
Z_END = 4.5
"""The noise's density has fallen by ``exp(-20)`` there."""


@dataclass(frozen=True)
class PlaneRate:
    """Rate in hertz, extrapolated, and ``error``: how far the extrapolation moved it from the
    finer resolution, an upper guess of what is left."""

    rate: float
    error: float


def plane_rate(m: NoisyMembrane, tau_syn: float, cells: int = 60) -> PlaneRate:
    """Stationary rate under noise filtered by ``tau_syn`` seconds.

    Parameters
    ----------
    m, tau_syn
        The membrane and the synaptic time constant, > 0.
    cells
        Cells along ``y`` between reset and the middle of the way to threshold, an even number;
        twice as many along ``z``.

    Raises
    ------
    InvalidValue
        For ``tau_syn`` not above 0 or ``cells`` odd or outside 20 to 200.
    """
    require(np.isfinite(tau_syn) and tau_syn > 0, "tau_syn", tau_syn, "greater than 0, in seconds")
    require(20 <= cells <= 200 and cells % 2 == 0, "cells", cells, "an even number from 20 to 200")
    k = float(np.sqrt(tau_syn / m.tau_mem))
    coarse, fine = _passage(m, k, cells // 2), _passage(m, k, cells)
    best = fine + (fine - coarse) / 3.0
    rate = 1.0 / (m.tau_mem * best + m.t_ref)
    return PlaneRate(rate, abs(rate - 1.0 / (m.tau_mem * fine + m.t_ref)))


def _passage(m: NoisyMembrane, k: float, n: int) -> float:
    """Mean time from reset to threshold, in units of ``tau_mem``."""
    faces, reset = _faces(m, k, n)
    width = np.asarray(np.diff(faces), dtype=np.float64)
    nz, ny = 2 * n, width.size
    hz = 2.0 * Z_END / nz
    z = -Z_END + hz * (np.arange(nz, dtype=np.float64) + 0.5)
    noise = _noise_operator(z, hz, k)
    flux = _flux(faces, z / k, reset)
    rows = np.tile(np.arange(ny), 2)
    columns = np.concatenate([np.arange(ny), np.arange(1, ny + 1)])
    share = np.concatenate([1.0 / width, -1.0 / width])
    split = sparse.csr_array((share, (rows, columns)), shape=(ny, ny + 1))
    enter = sparse.csr_array(([1.0 / width[reset]], ([reset], [ny])), shape=(ny, ny + 1))
    relax = expm(noise * (m.t_ref / m.tau_mem)) if m.t_ref else np.eye(nz)
    operator = (
        sparse.kron(split, sparse.eye(nz)) @ flux
        + sparse.kron(enter, relax) @ flux
        + sparse.kron(sparse.eye(ny), sparse.csr_array(noise))
    ).tocsr()
    # Probability is conserved: one row follows from the others and makes room for the sum.
    mass = np.repeat(width, nz) * hz
    system = sparse.vstack([sparse.csr_array(mass[np.newaxis]), operator[1:]]).tocsc()
    right = np.zeros(ny * nz)
    right[0] = 1.0
    p = np.asarray(spsolve(system, right))
    return 1.0 / float((flux @ p)[-nz:].sum() * hz)


def _faces(m: NoisyMembrane, k: float, n: int) -> tuple[Array, int]:
    """Cell faces from the lower end to threshold, and the index of the one at reset."""

    def crowd(length: float) -> Array:
        return np.asarray(k * np.sinh(np.linspace(0.0, np.arcsinh(length / k), n + 1)))

    half = crowd((m.y_th - m.y_reset) / 2.0)
    below = crowd(m.y_reset + float(np.hypot(min(m.y_reset, 0.0), 5.0)))
    up = np.concatenate([m.y_reset + half[1:], m.y_th - half[-2::-1]])
    return np.concatenate([m.y_reset - below[::-1], up]), n


def _noise_operator(z: Array, hz: float, k: float) -> Array:
    """``dp/dt`` of the noise alone, ``(nz, nz)``; nothing leaves at the ends."""
    hop = hopping(z, hz)
    up, down = np.append(hop.up[:-1], 0.0) / k**2, hop.down / k**2
    return np.asarray(np.diag(up[:-1], -1) - np.diag(up + down) + np.diag(down[1:], 1))


def _flux(faces: Array, push: Array, reset: int) -> sparse.csr_array:
    """Densities to fluxes along ``y``: ``((ny + 1) nz, ny nz)``.

    Extrapolated linearly from the two cells upstream; from one where the second would lie
    beyond reset, at which the density jumps.
    """
    ny, nz = faces.size - 1, push.size
    centre = (faces[1:] + faces[:-1]) / 2.0
    face, column = (a.ravel() for a in np.mgrid[1 : ny + 1, 0:nz])
    speed = push[column] - faces[face]
    rising = speed > 0
    keep = rising | (face < ny)
    face, column, speed, rising = face[keep], column[keep], speed[keep], rising[keep]
    first = np.where(rising, face - 1, face)
    second = np.where(rising, face - 2, face + 1)
    inside = (second >= 0) & (second < ny) & ((first < reset) == (second < reset))
    second = np.where(inside, second, first)
    apart = np.where(inside, centre[first] - centre[second], 1.0)
    slope = np.where(inside, (faces[face] - centre[first]) / apart, 0.0)
    rows = face * nz + column
    values = np.concatenate([speed * (1.0 + slope), -speed * slope])
    columns = np.concatenate([first * nz + column, second * nz + column])
    shape = ((ny + 1) * nz, ny * nz)
    return sparse.csr_array((values, (np.tile(rows, 2), columns)), shape=shape)
