"""What NIR has no word for, as JSON under ``lifstone`` in the graph's metadata.

A file may come from anywhere, so every entry is checked before anything is made of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..golden import Network
from ..golden.errors import InvalidValue, require
from ..golden.network import MAX_DELAY

__all__ = ["METADATA_KEY", "checked", "describe"]

METADATA_KEY = "lifstone"


def describe(
    network: Network, delays: Mapping[str, int], bias: Mapping[str, list[float]]
) -> dict[str, Any]:
    """The entries of a network.

    ``delays`` is by the node that carries the weights, in the order of the connections;
    ``bias`` holds the currents of populations that no connection reaches.
    """
    return {
        "dt": float(network.dt),
        "method": str(network.method),
        "order": list(network.populations),
        "inputs": list(network.inputs),
        "outputs": list(network.outputs),
        "delays": dict(delays),
        "fraction": {name: int(bits) for name, bits in network.fraction.items()},
        "bias": dict(bias),
        "populations": {
            name: {
                "t_ref": lif.t_ref.tolist(),
                "v_init": lif.v_init.tolist(),
                "reset": str(lif.reset),
                "v_leak": lif.v_leak.tolist(),
                "v_reset": lif.v_reset.tolist(),
                "w_in": lif.w_in.tolist(),
            }
            for name, lif in network.populations.items()
        },
    }


def checked(text: str | None) -> dict[str, Any]:
    """The entries in ``text``; empty without text.

    Raises
    ------
    InvalidValue
        If it is no JSON object, or an entry has another form than :func:`describe` gives it.
    """
    if text is None:
        return {}
    at = f"metadata.{METADATA_KEY}"
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidValue(at, text, "JSON") from error
    require(isinstance(found, dict), at, text, "a JSON object")
    for key, (good, allowed) in _FORMS.items():
        if key in found:
            require(good(found[key]), f"{at}.{key}", found[key], allowed)
    return dict(found)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _finite(value)


def _finite(value: int | float) -> bool:
    try:
        return bool(np.isfinite(float(value)))
    except OverflowError:
        return False


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(_number(v) for v in value)


def _by_name(good: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(good(v) for v in value.values())


def _delay(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_DELAY


def _bits(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 30


def _population(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    arrays = ("t_ref", "v_init", "v_leak", "v_reset", "w_in")
    good = all(_numbers(value[k]) and len(value[k]) > 0 for k in arrays if k in value)
    return good and isinstance(value.get("reset", "set"), str)


_FORMS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "dt": (_number, "a number of seconds"),
    "method": (lambda value: isinstance(value, str), "a text"),
    "order": (_names, "a list of names"),
    "inputs": (_names, "a list of names"),
    "outputs": (_names, "a list of names"),
    "delays": (_by_name(_delay), f"0 to {MAX_DELAY} by node"),
    "fraction": (_by_name(_bits), "0 to 30 bits by population"),
    "bias": (_by_name(_numbers), "numbers by population"),
    "populations": (_by_name(_population), "t_ref, v_init, reset and such by population"),
}
