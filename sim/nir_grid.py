"""The time step of a NIR file, which NIR has no field for: read off the gains, or assumed.

Exporters fold their step into gains and time constants, each in its own way. A rule applies only
where every neuron of the file obeys it; what was concluded is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import wrightomega

from ..golden import InvalidValue, Method
from .nir_file import Node
from .nir_flat import STATEFUL, Flat

__all__ = ["grid", "member"]

Array = NDArray[np.float64]
DEFAULT_DT = 1e-4
Found = tuple[float, Method, tuple[str, ...]]
EXACT = "exact exponential step for input held over a step"


def grid(
    flat: Flat, extra: Mapping[str, Any], dt: float | None, method: Method | None
) -> tuple[float, Method, list[str]]:
    """Step in seconds, method, and what of them was assumed; ``extra`` is the file's metadata."""
    step, how, why = _inferred([n for n in flat.nodes.values() if n.kind in STATEFUL])
    notes: list[str] = []
    if dt is None:
        if "dt" in extra:
            dt = float(extra["dt"])
        else:
            dt = step
            notes.append(why[0])
    if method is None:
        if "method" in extra:
            method = member(Method, "metadata.method", extra["method"])
        elif np.isclose(step, dt, rtol=1e-6):
            method = how
            notes.append(why[1])
        else:
            method = Method.EXPONENTIAL
            notes.append(EXACT)
    return dt, method, notes


def member(kind: Any, field: str, value: Any) -> Any:
    """``value`` as a member of ``kind``; an error names ``field``."""
    try:
        return kind(value)
    except ValueError:
        raise InvalidValue(field, value, ", ".join(kind)) from None


def _inferred(nodes: list[Node]) -> Found:
    with np.errstate(all="ignore"):
        for rule in (_unit_gains, _decayed_gain, _counted, _integrators):
            found = rule(nodes)
            if found is not None:
                return found
    why = f"the file names no time step: dt = {DEFAULT_DT:g} s", EXACT
    return DEFAULT_DT, Method.EXPONENTIAL, why


def _unit_gains(nodes: list[Node]) -> Found | None:
    """Both gains of every CubaLIF node are 1 under forward Euler: snnTorch as in the NIR paper,
    SpikingJelly."""
    steps = [_ratio(n, "tau_mem", "r") for n in nodes if n.kind == "CubaLIF"]
    steps += [_ratio(n, "tau_syn", "w_in", 1.0) for n in nodes if n.kind == "CubaLIF"]
    dt = _common(steps)
    if dt is None:
        return None
    why = f"dt = {dt:g} s, since r dt / tau_mem = 1 and w_in dt / tau_syn = 1"
    return (
        dt,
        Method.EULER,
        (why, "forward Euler, synapse first: the gains are those of that exporter"),
    )


def _decayed_gain(nodes: list[Node]) -> Found | None:
    """``r = tau_mem / dt exp(-dt / tau_mem)`` of every LIF and CubaLIF node: Rockpool.

    Some ``dt`` solves it for every ``r``; only a round one counts.
    """
    steps = []
    for node in nodes:
        if node.kind not in ("LIF", "CubaLIF"):
            return None
        tau = node.array("tau" if node.kind == "LIF" else "tau_mem").reshape(-1)
        steps.append(np.asarray(tau * wrightomega(-np.log(node.array("r").reshape(-1)))))
    dt = _common(steps)
    if dt is None or not np.isclose(dt, float(f"{dt:.2g}"), rtol=1e-5):
        return None
    dt = float(f"{dt:.2g}")
    why = f"dt = {dt:g} s, since r = tau_mem / dt exp(-dt / tau_mem)"
    return dt, Method.EXPONENTIAL, (why, EXACT)


def _counted(nodes: list[Node]) -> Found | None:
    """No time constant below 1: nobody's seconds, but steps, of snnTorch or Sinabs."""
    keys = ("tau", "tau_mem", "tau_syn")
    taus = [node.values[k].reshape(-1) for node in nodes for k in keys if k in node.values]
    if not taus or not all(a.size and np.isfinite(a).all() and a.min() >= 1 for a in taus):
        return None
    why = "dt = 1, since all time constants are 1 or more: steps, not seconds"
    lifs = [n for n in nodes if n.kind in ("LIF", "CubaLIF")]
    if lifs and all(_gain_is_decay(n) for n in lifs):
        return 1.0, Method.EULER, (why, "forward Euler, whose decay 1 - dt / tau_mem is r")
    return 1.0, Method.EXPONENTIAL, (why, EXACT)


def _gain_is_decay(node: Node) -> bool:
    tau = node.array("tau" if node.kind == "LIF" else "tau_mem").reshape(-1)
    r = node.array("r").reshape(-1)
    return r.size in (1, tau.size) and bool(np.allclose(r, 1.0 - 1.0 / tau, rtol=1e-5, atol=1e-6))


def _integrators(nodes: list[Node]) -> Found | None:
    """Nothing but integrators of one gain: a spike moves them by its weight. Sinabs, SpikingJelly.

    With ``dt = 1 / r`` it does.
    """
    if any(node.kind != "IF" for node in nodes):
        return None
    dt = _common([1.0 / node.array("r").reshape(-1) for node in nodes])
    if dt is None:
        return None
    why = f"dt = {dt:g} s, since r dt = 1: a spike moves an integrator by its weight"
    return dt, Method.EXPONENTIAL, (why, EXACT)


def _ratio(node: Node, over: str, under: str, default: float | None = None) -> Array:
    return np.asarray((node.array(over) / node.array(under, default)).reshape(-1))


def _common(steps: list[Array]) -> float | None:
    """The one step that all agree on, if there is one."""
    each = np.concatenate(steps) if steps else np.empty(0)
    good = each.size > 0 and bool(np.isfinite(each).all()) and each.min() > 0
    if not good or not np.allclose(each, each[0], rtol=1e-5, atol=0.0):
        return None
    # Single precision took digits away; a step is a round figure.
    return float(f"{each[0]:.6g}")
