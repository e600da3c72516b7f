"""A system on an integer cell: the unit, its stimulus, and its figures against the float ones.

:func:`integer_body` makes the body of a system by the system's key, with the default stimulus
of the system; the same unit generates the RTL. ::

    body = integer_body("trpv1")
    trace = run_unit(body.unit, body.inputs)
    assert all(check.holds for check in body.checks(trace))
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cell import CellTrace
from ..errors import require
from ..systems.system import Check
from ..unit import UnitContract

__all__ = ["BODIES", "IntegerBody", "binary_lines", "integer_body", "spike_times", "step_lag"]

BODIES = {
    "trpv1": "body_trpv1",
    "hcn": "body_hcn",
    "chr2": "body_chr2",
    "summation": "body_summation",
    "thalamus": "body_thalamus",
    "noise": "body_noise",
}
"""Module of each system that has an integer cell here; each has a function ``body``."""


@dataclass(frozen=True, eq=False)
class IntegerBody:
    """A system in integers.

    Parameters
    ----------
    key
        Of the system.
    unit
        The neurons and what reaches them.
    inputs
        Default stimulus, 0/1 by input, ``(steps, lines)`` or ``(steps, samples, lines)``.
    steps
        Length of the run.
    checks
        Figures of a trace against the float golden model, each with tolerance and reason.
    """

    key: str
    unit: UnitContract
    inputs: Mapping[str, NDArray[np.uint8]]
    steps: int
    checks: Callable[[CellTrace], tuple[Check, ...]]


def integer_body(key: str) -> IntegerBody:
    """The integer body of a system, with the system's default parameters.

    Raises
    ------
    InvalidValue
        For a system without one.
    """
    require(key in BODIES, "system", key, ", ".join(BODIES))
    module = importlib.import_module(f"{__package__}.{BODIES[key]}")
    made = module.body()
    assert isinstance(made, IntegerBody)
    return made


def binary_lines(counts: NDArray[np.int64], bits: int) -> NDArray[np.uint8]:
    """Numbers as spikes of ``bits`` lines, the line of weight 1 first, ``(..., bits)``."""
    require(int(counts.max(initial=0)) < 1 << bits, "counts", int(counts.max(initial=0)),
            f"below {1 << bits}")  # fmt: skip
    return ((counts[..., None] >> np.arange(bits)) & 1).astype(np.uint8)


def step_lag(got: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    """Largest distance in steps between spikes of the same number, infinite if counts differ.

    Both ``(steps, n)``; infinite also without any spike: nothing would be compared.
    """
    worst = 0 if wanted.any() else np.inf
    for a, b in zip(got.T, wanted.T, strict=True):
        first, second = np.flatnonzero(a), np.flatnonzero(b)
        if first.size != second.size:
            return float("inf")
        worst = max(worst, np.abs(first - second).max(initial=0))
    return float(worst)


def spike_times(spikes: NDArray[np.bool_], dt: float) -> NDArray[np.float64]:
    """Ends of the steps with a spike of one neuron, seconds."""
    return np.asarray((np.flatnonzero(spikes) + 1) * dt)
