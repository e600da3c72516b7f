"""The fifteen systems, each on its closed form or an independent reference.

A system's module holds ``SYSTEM``, a :class:`~.system.System`. Modules are imported when they
are asked for, so that looking at one does not load fourteen others.
"""

from __future__ import annotations

from importlib import import_module

from ..errors import InvalidValue
from .parameter import Quantity, quantities, quantity, replaced, validate
from .system import Check, Figure, Panel, Result, Series, System

__all__ = [
    "KEYS",
    "Check",
    "Figure",
    "Panel",
    "Quantity",
    "Result",
    "Series",
    "System",
    "find_system",
    "quantities",
    "quantity",
    "replaced",
    "validate",
]

KEYS = (
    "trpv1",
    "hcn",
    "chr2",
    "estimation",
    "fi",
    "summation",
    "noise",
    "thalamus",
    "istdp",
    "ota",
    "platforms",
    "convolution",
    "conversion",
    "surrogate",
    "eprop",
)
"""Names of the systems, in the order of their numbers 1 to 15; each is a module of this room."""


def find_system(key: str) -> System:
    """The system of that name.

    Raises
    ------
    InvalidValue
        Naming the systems there are.
    """
    if key not in KEYS:
        raise InvalidValue("system", key, ", ".join(KEYS))
    found = import_module(f"{__name__}.{key}").SYSTEM
    assert isinstance(found, System)
    return found
