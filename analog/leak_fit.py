"""A behavioural leak from the leak curve of transistors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from ..golden import ota
from ..golden.errors import require
from .leak import BehaviouralLeak
from .silicon import SiliconNeuron
from .silicon_measure import LeakCurve

__all__ = ["fit_leak"]

Array = NDArray[np.float64]


def fit_leak(curve: LeakCurve, neuron: SiliconNeuron) -> tuple[BehaviouralLeak, float]:
    """Bias, slope factor, offset and gain by least squares, and the deviation that is left.

    The deviation is the root mean square in shares of the bias. The bias is fitted since the
    mirror that gives it has a slope of saturation; the range stays infinite, for which a curve
    around rest has no evidence.

    Raises
    ------
    InvalidValue
        For a curve of fewer than ten points.
    """
    require(curve.v.size >= 10, "curve", curve.v.size, "ten points or more")

    def model(p: Array) -> Array:
        scale, n_slope, offset, one_over_gain = p
        x = curve.v - neuron.v_leak - offset
        bias = scale * neuron.i_bias
        g = ota.g_m(bias, n_slope, neuron.temperature)
        pair = ota.current(x, bias, n_slope, neuron.temperature)
        return np.asarray((pair + g * one_over_gain * x - curve.current) / neuron.i_bias)

    start = np.array([1.0, 1.4, 0.0, 1e-2])
    found = least_squares(
        model, start, bounds=([0.2, 1.0, -0.2, 1e-6], [5.0, 3.0, 0.2, 1.0]), x_scale=start + 1e-2
    )
    scale, n_slope, offset, one_over_gain = (float(p) for p in found.x)
    fitted = BehaviouralLeak(
        neuron.c,
        scale * neuron.i_bias,
        neuron.v_leak,
        offset=offset,
        gain=1.0 / one_over_gain,
        n_slope=n_slope,
        temperature=neuron.temperature,
        v_dd=float(neuron.v_dd or 0.0),
    )
    return fitted, float(np.sqrt(np.mean(found.fun**2)))
