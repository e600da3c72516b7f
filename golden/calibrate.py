"""Where to put the binary point: from the states a float run reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .discrete import Trace, discretise
from .errors import InvalidValue, require
from .network import Network
from .quantise import folded_gain, scale_of
from .widths import Widths, each_population

__all__ = ["calibrate"]


def calibrate(
    model: Network,
    traces: Mapping[str, Trace],
    base: Widths | Mapping[str, Widths],
    margin: float = 1.25,
) -> dict[str, Widths]:
    """Widths per population whose range covers ``margin`` times the states in ``traces``.

    ``base`` is for all populations, or for each by name. A given fraction is kept, and so is
    what the network was trained for. Arrays of ``traces`` may have a batch axis.

    Raises
    ------
    InvalidValue
        If the state's bits leave fewer than two behind the point, or a population lacks widths.
    """
    require(np.isfinite(margin) and margin >= 1, "margin", margin, "a finite number of at least 1")
    out: dict[str, Widths] = {}
    for name, given in each_population(model.populations, base).items():
        if given.fraction is not None or name in model.fraction:
            kept = model.fraction.get(name) if given.fraction is None else given.fraction
            out[name] = replace(given, fraction=kept)
            continue
        lif = model.populations[name]
        scale = scale_of(name, lif)
        c = discretise(lif, model.dt, model.method)
        trace = traces[name]
        bias = float(np.abs(folded_gain(c)[0] * model.bias.get(name, 0.0)).max()) / scale
        peak = float(np.abs(trace.v - lif.v_leak).max(initial=0.0)) / scale
        fraction = _fraction(f"{name}.widths.state", given.state, max(1.0, peak, bias), margin)
        if c.a_syn is not None:
            gain = np.maximum(np.abs(c.g_new), np.abs(c.g_old))
            peak = float(np.abs(trace.i * gain).max(initial=0.0)) / scale
            syn = _fraction(f"{name}.widths.syn", given.syn_bits, max(1.0, peak, bias), margin)
            fraction = min(fraction, syn)
        out[name] = replace(given, fraction=fraction)
    return out


def _fraction(field: str, width: int, peak: float, margin: float) -> int:
    """Bits behind the point of a word that holds ``margin`` times ``peak``."""
    fraction = width - 1 - int(np.ceil(np.log2(peak * margin)))
    if fraction < 2:
        allowed = (
            f"at least {width + 2 - fraction} bits: states reach {peak:.4g} times the threshold"
        )
        raise InvalidValue(field, width, allowed)
    return min(fraction, width - 2)
