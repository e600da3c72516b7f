"""What is left when the fitted neuron has explained a recording.

One-step prediction errors in units of their own standard deviation: independent standard normal
where the model holds. Correlation between neighbours tells of dynamics it lacks, heavy tails of
artefacts or of spikes that were missed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri

from ..errors import require
from .fit import Fit
from .likelihood import Evaluation, evaluate, nodes_for
from .maximum import SMALLEST
from .noisy import Noisy
from .ready import ready
from .recording import Recording
from .samples import Samples
from .segments import Segments

__all__ = ["Diagnosis", "diagnose"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """The potential behind a recording, and what the model leaves unexplained.

    Parameters
    ----------
    observed
        Potential without peaks, volts, ``(samples,)``; ``nan`` where missing.
    smoothed, error
        Mean and standard deviation of the membrane potential given the whole recording, volts;
        ``nan`` where the recording lost it.
    residual
        Standardised one-step prediction errors; ``nan`` where there is none.
    """

    observed: Array
    smoothed: Array
    error: Array
    residual: Array

    def autocorrelation(self, lags: int) -> Array:
        """Of the residuals at lags 0 to ``lags``, ``(lags + 1,)``."""
        require(lags >= 1, "lags", lags, "at least 1")
        z = self.residual - np.nanmean(self.residual)
        power = float(np.nanmean(z**2))
        pairs = [z[k:] * z[: z.size - k] for k in range(min(lags, z.size - 1) + 1)]
        return (
            np.array([float(np.nanmean(p)) if np.isfinite(p).any() else np.nan for p in pairs])
            / power
        )

    def quantiles(self) -> tuple[Array, Array]:
        """Normal quantiles and sorted residuals, each ``(n,)``."""
        z = np.sort(self.residual[np.isfinite(self.residual)])
        return np.asarray(ndtri((np.arange(z.size) + 0.5) / z.size)), z


def diagnose(recording: Recording, fit: Fit) -> Diagnosis:
    """Smooth the recording under the fitted parameters, and predict it step by step.

    A noise that was estimated as 0 is replaced by a small share of the spread of the other.
    """
    s = ready(recording)
    neuron = Noisy.of(_floored(s.from_si(fit.known())))
    seg = s.segments()
    found = evaluate(seg, neuron, s.dt, nodes_for(seg, neuron, s.dt))
    mean, error, residual = np.full((3, s.y.size), np.nan)
    _free(seg, neuron, found, (mean, error, residual))
    _held(s, neuron, (mean, error, residual))
    return Diagnosis(s.centre + s.unit * s.y, s.centre + s.unit * mean, s.unit * error, residual)


def _floored(vector: Array) -> Array:
    """Logarithms of the noises, at least a share of the larger, of rounding at the least."""
    out = vector.copy()
    top = float(np.max(out[5:], initial=np.log(1e-6)))
    out[5:] = np.maximum(out[5:], top + np.log(SMALLEST))
    return out


def _held(s: Samples, neuron: Noisy, out: tuple[Array, Array, Array]) -> None:
    mean, error, residual = out
    at = s.certain[:, None] + np.arange(s.hold + 1)
    at = at[at < s.y.size]
    mean[at], error[at] = neuron.v_reset, 0.0
    residual[at] = (s.y[at] - neuron.v_reset) / neuron.sigma_y


def _free(seg: Segments, neuron: Noisy, found: Evaluation, out: tuple[Array, Array, Array]) -> None:
    # Of segments that exclude each other the likeliest is written last.
    order = np.argsort(found.weight, kind="stable")
    (smoothed, variance), (predicted, spread) = found.smoothed, found.predicted
    t = np.arange(seg.y.shape[0])[:, None]
    inside = (t <= seg.length) & ((t > 0) | ~seg.known)
    for j in order.tolist():
        use = inside[:, j]
        sample = seg.origin[j] + t[use, 0]
        out[0][sample] = smoothed[use, j]
        out[1][sample] = np.sqrt(np.maximum(variance[use, j], 0.0))
        use = use & (t[:, 0] > 0)
        error = _standardised(neuron, predicted[use, j], spread[use, j], seg.y[use, j])
        out[2][seg.origin[j] + t[use, 0]] = error


def _standardised(neuron: Noisy, m: Array, p: Array, y: Array) -> Array:
    """Error of a prediction that is cut off at the threshold: the sample did not fire."""
    z = np.minimum((neuron.v_th - m) / np.sqrt(p), 30.0)
    pull = np.exp(-0.5 * z**2 - log_ndtr(z)) / np.sqrt(2 * np.pi)
    m = m - np.sqrt(p) * pull
    p = p * np.maximum(1 - pull * z - pull**2, 1e-6)
    return np.asarray((y - m) / np.sqrt(p + neuron.sigma_y**2))
