"""Where to put the binary point: from the states a float run reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .discrete import Trace, discretise
from .errors import InvalidValue, require
from .network import Network
from .quantise import Widths, scale_of

__all__ = ["calibrate"]


def calibrate(
    model: Network, traces: Mapping[str, Trace], base: Widths, margin: float = 1.25
) -> dict[str, Widths]:
    """Widths per population whose range covers ``margin`` times the states in ``traces``.

    A given ``base.fraction`` is kept. Arrays of ``traces`` may have a batch axis.

    Raises
    ------
    InvalidValue
        If ``base.state`` bits leave fewer than two behind the point.
    """
    require(np.isfinite(margin) and margin >= 1, "margin", margin, "a finite number of at least 1")
    if base.fraction is not None:
        return dict.fromkeys(model.populations, base)
    out: dict[str, Widths] = {}
    for name, lif in model.populations.items():
        scale = scale_of(name, lif)
        c = discretise(lif, model.dt, model.method)
        trace = traces[name]
        peak = max(1.0, float(np.abs(trace.v - lif.v_leak).max(initial=0.0)) / scale)
        if c.a_syn is not None:
            gain = np.maximum(np.abs(c.g_new), np.abs(c.g_old))
            peak = max(peak, float(np.abs(trace.i * gain).max(initial=0.0)) / scale)
        whole = int(np.ceil(np.log2(peak * margin)))
        fraction = base.state - 1 - whole
        if fraction < 2:
            need = base.state + 2 - fraction
            allowed = f"at least {need} bits: states reach {peak:.4g} times the threshold"
            raise InvalidValue(f"{name}.widths.state", base.state, allowed)
        out[name] = replace(base, fraction=min(fraction, base.state - 2))
    return out
