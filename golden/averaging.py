r"""The rhythm of a pacemaker whose gate is slow against the interval.

A slow gate sees only the mean of what drives it. With the gate frozen at ``x`` the membrane
fires with the interval ``T(x)`` of :mod:`.conductance`, along a known course ``v(t)``; the
gate rests on average where ::

    D(x) = 1 / T int_0^T (x_inf(v(t)) - x) / tau(v(t)) dt = 0

The rate is then ``1 / T(x)``. The error is of first order in ``T / tau``. Source: Sanders,
Verhulst & Murdock, "Averaging Methods in Nonlinear Dynamical Systems" (2007), chapter 2;
Rinzel & Ermentrout in Koch & Segev, "Methods in Neuronal Modeling" (1998), chapter 7, for
slow and fast variables of neurons.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from . import conductance as membrane
from .errors import require
from .fi import interval
from .gated import GatedNeuron

__all__ = ["averaged_rate", "drift"]

Array = NDArray[np.float64]
NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)


def drift(neuron: GatedNeuron, x: float) -> float:
    """``D(x)`` in 1/s of one neuron, with the gate frozen at ``x`` while it fires.

    Raises
    ------
    InvalidValue
        For more than one neuron, or a gate at which it does not fire.
    """
    lif = neuron.lif
    require(lif.n == 1, "n", lif.n, "1: one neuron")
    e = membrane.effective(lif, neuron.load(np.asarray([x])))
    period = float(interval(e.tau, e.target, lif.v_th, lif.v_reset, lif.t_ref)[0])
    require(bool(np.isfinite(period)), "x", x, "a gate open enough for the neuron to fire")
    t_ref = float(lif.t_ref[0])
    rise = period - t_ref
    t = rise * (NODES + 1) / 2
    v = membrane.relax(lif.v_reset, e, t)
    held = _pull(neuron, lif.v_reset, x)[0] * t_ref
    moving = float(_pull(neuron, v, x) @ WEIGHTS) * rise / 2
    return float((held + moving) / period)


def _pull(neuron: GatedNeuron, v: Array, x: float) -> Array:
    return np.asarray((neuron.gate.steady(v, neuron.shift) - x) / neuron.gate.tau(v, neuron.shift))


def averaged_rate(neuron: GatedNeuron) -> float:
    """The rate in hertz of the rhythm of one neuron in the limit of a slow gate; 0 if none.

    Of several roots of ``D`` the most open one is taken: ``D`` falls there, the rhythm is
    stable.
    """
    least = float(
        membrane.critical_conductance(neuron.lif, neuron.reversal)[0]
        / max(float(neuron.g_max[0]), 1e-300)
    )
    if least >= 1:
        return 0.0
    grid = least + (1 - least) * np.linspace(1.0, 0.0, 201)[:-1] ** 2
    values = np.array([drift(neuron, float(x)) for x in grid])
    up = np.flatnonzero(values > 0)
    if up.size == 0 or up[0] == 0:
        return 0.0
    k = int(up[0])
    x = float(brentq(lambda y: drift(neuron, y), grid[k], grid[k - 1], xtol=1e-14))
    return float(membrane.rate(neuron.lif, neuron.load(np.asarray([x])))[0])
