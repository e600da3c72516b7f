"""One question to z3, with a time limit."""

from __future__ import annotations

import time
from collections.abc import Sequence

import z3

__all__ = ["ask"]

_WAYS = (
    (("simplify", "smt"), 0.2),
    (("simplify", "bit-blast", "sat"), 0.6),
    (("simplify", "smt"), 1.0),
)
"""Tactics and by which share of the time each must have answered: neither is always faster."""


def ask(
    conditions: Sequence[z3.BoolRef],
    timeout: float,
    ways: Sequence[tuple[tuple[str, ...], float]] = _WAYS,
) -> tuple[str, z3.ModelRef | None]:
    """Values that satisfy all ``conditions``: ``sat`` with them, ``unsat``, or ``unknown``.

    ``timeout`` in seconds.
    """
    start = time.perf_counter()
    for tactics, share in ways:
        solver = z3.Then(*tactics).solver()
        left = timeout * share - (time.perf_counter() - start)
        solver.set("timeout", max(1, int(left * 1000)))
        solver.add(*conditions)
        word = str(solver.check())
        if word != "unknown":
            return word, solver.model() if word == "sat" else None
    return "unknown", None
