"""What to draw of a fit: the potential and its explanation, and what is left over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..systems import Panel, Series
from .diagnosis import Diagnosis
from .fit import Fit
from .recording import Recording

__all__ = ["autocorrelation_panel", "diagnostic_panels", "potential_panel", "quantile_panel"]

Array = NDArray[np.float64]

SHOWN = 250
"""Samples of the potential that are drawn."""
LAGS = 30


def diagnostic_panels(recording: Recording, fit: Fit, found: Diagnosis) -> tuple[Panel, ...]:
    """Potential, residuals in time, their autocorrelation, and their quantiles."""
    return (
        potential_panel(recording, fit, found),
        _residuals(recording, found),
        autocorrelation_panel(recording, found),
        quantile_panel(found),
    )


def potential_panel(
    recording: Recording, fit: Fit, found: Diagnosis, truth: Array | None = None
) -> Panel:
    """Samples, smoothed potential with a band of two deviations, threshold and spikes."""
    shown = slice(*_window(fit.spikes, recording.v.size))
    t = (np.arange(recording.v.size) * recording.dt)[shown]
    smoothed, reach = found.smoothed[shown], 2 * found.error[shown]
    series = [Series("samples", t, found.observed[shown], "context", "points")]
    if truth is not None:
        series.append(Series("true potential", t, truth[shown], "reference"))
    series.append(Series("smoothed", t, smoothed))
    series += [
        Series("" if sign < 0 else "+- 2 s.d.", t, smoothed + sign * reach, "context")
        for sign in (-1.0, 1.0)
    ]
    level = fit["v_th"].value
    if np.isfinite(level):
        series.append(Series("threshold", t[[0, -1]], np.full(2, level), "context"))
        at = fit.spikes[(fit.spikes >= shown.start) & (fit.spikes < shown.stop)] * recording.dt
        series.append(Series("spikes", at, np.full(at.size, level), "model", "points"))
    return Panel("Potential", "time", "s", "potential", "V", tuple(series))


def _window(spikes: NDArray[np.int64], samples: int) -> tuple[int, int]:
    """A stretch with spikes in it, from the beginning of the recording where it can be."""
    first = 0 if not spikes.size else max(0, int(spikes[0]) - SHOWN // 2)
    first = min(first, max(samples - SHOWN, 0))
    return first, min(first + SHOWN, samples)


def _residuals(recording: Recording, found: Diagnosis) -> Panel:
    t = np.arange(recording.v.size) * recording.dt
    known = np.isfinite(found.residual)
    series = [Series("residual", t[known], found.residual[known], "model", "points")]
    series += [
        Series("95 %" if side > 0 else "", t[[0, -1]], np.full(2, side * 1.96), "context")
        for side in (1.0, -1.0)
    ]
    return Panel("One-step prediction error", "time", "s", "error over s.d.", "1", tuple(series))


def autocorrelation_panel(recording: Recording, found: Diagnosis) -> Panel:
    values = found.autocorrelation(min(LAGS, recording.v.size - 1))[1:]
    lags = np.arange(1, values.size + 1) * recording.dt
    bound = 1.96 / np.sqrt(max(int(np.isfinite(found.residual).sum()), 1))
    series = [Series("residuals", lags, values, "model", "points")]
    series += [
        Series(
            "95 % if white" if side > 0 else "", lags, np.full(lags.size, side * bound), "context"
        )
        for side in (1.0, -1.0)
    ]
    return Panel("Autocorrelation", "lag", "s", "correlation", "1", tuple(series))


def quantile_panel(found: Diagnosis) -> Panel:
    normal, sorted_residuals = found.quantiles()
    ends = normal[[0, -1]]
    return Panel(
        "Quantiles",
        "normal quantile",
        "1",
        "residual",
        "1",
        (
            Series("normal", ends, ends, "reference"),
            Series("residuals", normal, sorted_residuals, "model", "points"),
        ),
    )
