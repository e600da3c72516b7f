"""The registry of cells, and the command's two verbs: compute them, or show what is on record."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from typing import Any

from ..golden import MissingTool, Status
from ..golden.errors import require
from ..golden.systems import KEYS
from .cell import BODIES, MatrixCell, Outcome

__all__ = ["compute", "find", "recorded"]

RECORD = "conformance.json"
MAKERS: dict[tuple[str, str], str] = {
    **{(key, "golden"): "golden_body" for key in KEYS},
    **{(key, body): "unit_bodies"
       for key in ("trpv1", "hcn", "chr2", "summation", "noise", "thalamus")
       for body in ("network", "rtl")},
    **{(key, body): "lif_bodies" for key in ("fi", "ota", "surrogate", "conversion", "convolution")
       for body in ("network", "rtl", "spice")},
    **{(key, body): "plastic_bodies" for key in ("istdp", "eprop")
       for body in ("network", "rtl", "spice")},
    **{("estimation", body): "estimation_bodies" for body in ("network", "rtl", "spice")},
    **{(key, "spice"): "spice_bodies"
       for key in ("trpv1", "hcn", "chr2", "summation", "noise", "thalamus")},
    **{("platforms", body): "platform_bodies" for body in ("network", "rtl", "spice")},
}  # fmt: skip
"""Module of this package that makes a cell; it has a function named as the body."""


def find(system: str, body: str) -> Callable[[str], Outcome] | None:
    """What computes a cell, or ``None`` where nothing does yet."""
    module = MAKERS.get((system, body))
    if module is None:
        return None
    found = getattr(importlib.import_module(f".{module}", __package__), body)
    assert callable(found)
    return found  # type: ignore[no-any-return]


def compute(systems: Sequence[str] = KEYS, bodies: Sequence[str] = BODIES) -> Iterator[MatrixCell]:
    """Recompute cells, one after the other.

    A cell whose tool is missing, or which nothing computes, deviates and says so: an empty cell
    is no agreement.

    Raises
    ------
    InvalidValue
        For an unknown system or body.
    """
    for system in systems:
        require(system in KEYS, "system", system, ", ".join(KEYS))
    for body in bodies:
        require(body in BODIES, "body", body, ", ".join(BODIES))
    for system in systems:
        for body in bodies:
            start = time.perf_counter()
            outcome = _outcome(system, body)
            seconds = time.perf_counter() - start
            yield MatrixCell(system, KEYS.index(system) + 1, body, outcome, seconds)


def _outcome(system: str, body: str) -> Outcome:
    maker = find(system, body)
    if maker is None:
        return _empty("this body of the system is not built yet")
    try:
        return maker(system)
    except MissingTool as error:
        return _empty(f"a tool is missing: {error}")


def _empty(reason: str) -> Outcome:
    return Outcome(Status.DEVIATES, f"deviates: {reason}", None, None, "", "", reason, "")


def recorded() -> dict[str, Any]:
    """The cells of the last full run, as ``--json`` gave them."""
    text = (files("lifstone") / "data" / RECORD).read_text(encoding="utf-8")
    found = json.loads(text)
    assert isinstance(found, dict)
    return found
