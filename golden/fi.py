"""Firing rate of a LIF neuron under constant current, in closed form.

``T = t_ref + tau_mem ln((r I + v_leak - v_reset) / (r I + v_leak - v_th))``; source:
Gerstner et al., "Neuronal Dynamics" (2014), equations 1.30 and 5.45 (here without noise).
For a leak-free integrator ``T = t_ref + (v_th - v_reset) / (r I)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import require
from .lif import Lif

__all__ = ["current_for_rate", "interval", "rate", "rheobase"]

Array = NDArray[np.float64]


def _single(model: Lif) -> tuple[float, float, float, float, float, float]:
    require(model.n == 1, "n", model.n, "1: take one neuron with Lif.neuron(j)")
    require(model.spiking, "v_th", float(model.v_th[0]), "finite")
    require(model.tau_syn is None, "tau_syn", model.tau_syn, "None: the current is constant")
    require(model.r[0] != 0, "r", 0.0, "a number other than 0: the current has no effect")
    return (
        float(model.tau_mem[0]),
        float(model.r[0]),
        float(model.v_leak[0]),
        float(model.v_th[0]),
        float(model.v_reset[0]),
        float(model.t_ref[0]),
    )


def interval(
    tau: ArrayLike, target: ArrayLike, v_th: ArrayLike, v_reset: ArrayLike, t_ref: ArrayLike = 0.0
) -> Array:
    """Seconds between the spikes of a membrane that relaxes to ``target`` with ``tau``.

    Arguments broadcast; infinite where ``target`` does not exceed ``v_th``.
    """
    margin = np.asarray(target, dtype=np.float64) - np.asarray(v_th, dtype=np.float64)
    swing = np.asarray(v_th, dtype=np.float64) - np.asarray(v_reset, dtype=np.float64)
    on = margin > 0
    # log1p of the swing over the margin: exact far above threshold, where the ratio is near 1.
    rise = np.asarray(tau) * np.log1p(swing / np.where(on, margin, 1.0))
    return np.asarray(np.where(on, np.asarray(t_ref) + rise, np.inf))


def rheobase(model: Lif) -> float:
    """The current in amperes above which the neuron fires; 0 without leak."""
    tau, r, v_leak, v_th, _, _ = _single(model)
    return (v_th - v_leak) / r if np.isfinite(tau) else 0.0


def rate(model: Lif, current: ArrayLike) -> Array:
    """Firing rate in hertz for each constant current in amperes; same shape as ``current``."""
    tau, r, v_leak, v_th, v_reset, t_ref = _single(model)
    i = np.asarray(current, dtype=np.float64)
    drive = r * i + (v_leak if np.isfinite(tau) else 0.0)
    if not np.isfinite(tau):
        out = np.zeros(i.shape)
        on = drive > 0
        out[on] = 1.0 / (t_ref + (v_th - v_reset) / drive[on])
        return out
    return np.asarray(1.0 / interval(tau, drive, v_th, v_reset, t_ref))


def current_for_rate(model: Lif, wanted: ArrayLike) -> Array:
    """The constant current in amperes at which the neuron fires at each ``wanted`` hertz.

    Raises
    ------
    InvalidValue
        If a rate is not above 0 or not below ``1 / t_ref``.
    """
    tau, r, v_leak, v_th, v_reset, t_ref = _single(model)
    f = np.asarray(wanted, dtype=np.float64)
    top = np.inf if t_ref == 0 else 1.0 / t_ref
    require(bool(((f > 0) & (f < top)).all()), "rate", wanted, f"above 0 and below {top:g} Hz")
    interval = 1.0 / f - t_ref
    if not np.isfinite(tau):
        return np.asarray((v_th - v_reset) / (r * interval))
    with np.errstate(over="ignore"):  # slower than any clock: the rheobase itself
        return np.asarray((v_th - v_leak + (v_th - v_reset) / np.expm1(interval / tau)) / r)
