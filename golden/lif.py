"""Parameters of the leaky integrate-and-fire neuron.

One equation, written once for every body::

    tau_mem dv/dt = (v_leak - v) + r i            (membrane)
    tau_syn di/dt = -i + w_in x                   (current synapse, optional)
    v > v_th:  spike, then v <- v_reset ("set") or v <- v - (v_th - v_reset) ("subtract"),
               and v is held for t_ref

where ``x`` is the weighted input. Without a synapse ``i = x``. With ``tau_mem`` infinite
the membrane integrates without leak, ``dv/dt = r i``. With ``v_th`` infinite the neuron
never fires (a leaky integrator, used as a readout).

Source: Pedersen et al., "Neuromorphic intermediate representation", Nature
Communications 15, 8122 (2024), table 1 (LIF, CubaLIF, IF, LI); Gerstner, Kistler, Naud &
Paninski, "Neuronal Dynamics" (2014), equations 1.5 and 1.16.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InvalidValue, require

__all__ = ["Lif", "Reset"]

Array = NDArray[np.float64]


class Reset(StrEnum):
    """What a spike does to the membrane."""

    SET = "set"
    """``v <- v_reset``"""
    SUBTRACT = "subtract"
    """``v <- v - (v_th - v_reset)``: what exceeded the threshold is kept"""


@dataclass(frozen=True, eq=False)
class Lif:
    """A population of ``n`` leaky integrate-and-fire neurons.

    Every value is SI (seconds, volts, amperes, ohms) and is broadcast to shape ``(n,)``.
    Dimensionless models (threshold 1, ``r`` 1) are as welcome.

    Parameters
    ----------
    tau_mem
        Membrane time constant, > 0; ``inf`` for a leak-free integrator.
    r
        Membrane resistance; for a leak-free integrator the gain of ``dv/dt = r i``.
    v_leak, v_th, v_reset
        Resting, threshold and reset potential; ``v_reset < v_th``. ``v_th = inf``: no spikes.
    v_init
        Potential before the first step; ``v_leak`` unless given.
    t_ref
        Refractory period, >= 0.
    tau_syn
        Synaptic time constant, > 0, or ``None`` for no synaptic state.
    w_in
        Gain of the synapse.
    reset
        See :class:`Reset`.
    n
        Number of neurons; the longest parameter's length unless given.

    Raises
    ------
    InvalidValue
        Naming the field, its value and what is allowed.
    """

    tau_mem: Array
    r: Array
    v_leak: Array
    v_th: Array
    v_reset: Array
    v_init: Array
    t_ref: Array
    tau_syn: Array | None
    w_in: Array
    reset: Reset
    n: int

    def __init__(
        self,
        tau_mem: ArrayLike,
        r: ArrayLike = 1.0,
        v_leak: ArrayLike = 0.0,
        v_th: ArrayLike = 1.0,
        v_reset: ArrayLike = 0.0,
        v_init: ArrayLike | None = None,
        t_ref: ArrayLike = 0.0,
        tau_syn: ArrayLike | None = None,
        w_in: ArrayLike = 1.0,
        reset: Reset | str = Reset.SET,
        n: int | None = None,
    ) -> None:
        given: dict[str, Any] = {
            "tau_mem": tau_mem,
            "r": r,
            "v_leak": v_leak,
            "v_th": v_th,
            "v_reset": v_reset,
            "v_init": v_leak if v_init is None else v_init,
            "t_ref": t_ref,
            "w_in": w_in,
        }
        if tau_syn is not None:
            given["tau_syn"] = tau_syn
        arrays = {name: _vector(name, value) for name, value in given.items()}
        size = max(a.size for a in arrays.values()) if n is None else n
        require(size >= 1, "n", size, "an integer of at least 1")
        for name, a in arrays.items():
            require(a.size in (1, size), name, list(a.shape), f"a scalar or {size} values")
            wide = np.broadcast_to(a, (size,)).copy()
            wide.setflags(write=False)
            object.__setattr__(self, name, wide)
        if tau_syn is None:
            object.__setattr__(self, "tau_syn", None)
        try:
            object.__setattr__(self, "reset", Reset(reset))
        except ValueError:
            allowed = " or ".join(f"'{m}'" for m in Reset)
            raise InvalidValue("reset", reset, allowed) from None
        object.__setattr__(self, "n", size)
        self._check()

    def _check(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                infinite_ok = field.name in ("tau_mem", "v_th")
                bad = np.isnan(value) | (np.isinf(value) & ~(infinite_ok & (value > 0)))
                _each(~bad, field.name, value, "finite numbers")
        _each(self.tau_mem > 0, "tau_mem", self.tau_mem, "greater than 0")
        if self.tau_syn is not None:
            _each(self.tau_syn > 0, "tau_syn", self.tau_syn, "greater than 0")
            _each(
                np.isfinite(self.tau_mem),
                "tau_mem",
                self.tau_mem,
                "finite where there is a synaptic time constant",
            )
        _each(self.t_ref >= 0, "t_ref", self.t_ref, "0 or greater")
        for j in np.flatnonzero(~(self.v_reset < self.v_th)):
            allowed = f"less than v_th = {self.v_th[j]:g}"
            raise InvalidValue(f"v_reset[{j}]", float(self.v_reset[j]), allowed)

    @property
    def spiking(self) -> bool:
        """Whether any neuron has a finite threshold."""
        return bool(np.isfinite(self.v_th).any())

    def neuron(self, j: int) -> Lif:
        """The single neuron ``j`` as a population of one."""
        require(0 <= j < self.n, "neuron", j, f"0 to {self.n - 1}")
        values = {
            f.name: getattr(self, f.name)[j]
            for f in fields(self)
            if isinstance(getattr(self, f.name), np.ndarray)
        }
        return Lif(**values, reset=self.reset, n=1)


def _vector(name: str, value: ArrayLike) -> Array:
    try:
        a = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidValue(name, value, "a number or an array of numbers") from None
    require(a.ndim <= 1, name, list(a.shape), "a scalar or a one-dimensional array")
    return np.atleast_1d(a)


def _each(good: NDArray[np.bool_], name: str, value: Array, allowed: str) -> None:
    """Name the first element that breaks a rule, not the whole array."""
    for j in np.flatnonzero(~good):
        raise InvalidValue(f"{name}[{j}]", float(value[j]), allowed)
