"""``fit(recording)``: estimates, standard errors and intervals of a noisy neuron."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ..errors import InvalidValue, require
from ..lif import Lif
from .baseline import Baseline, baseline
from .maximum import Maximum, maximise
from .noisy import NAMES, POSITIVE, Noisy
from .ready import ready
from .recording import Recording
from .samples import Samples
from .threshold import Edge

__all__ = ["Estimate", "Fit", "FitMethod", "fit"]

Array = NDArray[np.float64]

UNITS = ("s", "ohm", "V", "V", "V", "V", "V")


class FitMethod(StrEnum):
    """How to estimate."""

    LIKELIHOOD = "likelihood"
    """Maximum of the exact likelihood of the sampled model."""
    BASELINE = "baseline"
    """Regression and spike-triggered averages."""


@dataclass(frozen=True)
class Estimate:
    """A value with standard error and 95 % interval; ``nan`` where it is not determined."""

    value: float
    error: float
    low: float
    high: float
    unit: str


@dataclass(frozen=True, eq=False)
class Fit:
    """What a recording says about its neuron.

    Parameters
    ----------
    method
        The one that was used.
    vector, covariance
        Estimates as :meth:`.Noisy.vector` (``tau_mem`` and the noises by their logarithms) and
        their covariance, ``(7,)`` and ``(7, 7)``; ``nan`` where not determined.
    log_likelihood
        At the estimates; ``nan`` for the baseline.
    t_ref
        Refractory period used, seconds.
    spikes
        Steps of the spikes, ascending.
    samples, missing
        Number of samples, and of those without a value (dropped, or peaks set aside).
    edge
        Distribution of the threshold where its likelihood is no bell; else ``None``.
    converged
        Whether the search ended at a maximum.
    notes
        What the reader should know, a sentence each.
    """

    method: FitMethod
    vector: Array
    covariance: Array
    log_likelihood: float
    t_ref: float
    spikes: NDArray[np.int64]
    samples: int
    missing: int
    edge: Edge | None
    converged: bool
    notes: tuple[str, ...]

    @property
    def estimates(self) -> Mapping[str, Estimate]:
        """Estimates by name, SI units."""
        return {name: self[name] for name in NAMES}

    def __getitem__(self, name: str) -> Estimate:
        if name not in NAMES:
            raise InvalidValue("parameter", name, ", ".join(NAMES))
        k = NAMES.index(name)
        value = float(np.exp(self.vector[k]) if POSITIVE[k] else self.vector[k])
        spread = float(np.sqrt(self.covariance[k, k]))
        error = value * spread if POSITIVE[k] else spread
        return Estimate(value, error, *self.interval(name), UNITS[k])

    @staticmethod
    def logarithmic(name: str) -> bool:
        """Whether the vector holds the parameter's logarithm."""
        return bool(POSITIVE[NAMES.index(name)])

    def interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Confidence interval of a parameter; of those above 0, symmetric in the logarithm."""
        require(0 < level < 1, "level", level, "a number between 0 and 1")
        k = NAMES.index(name)
        if name == "v_th" and self.edge is not None:
            return self.edge.quantile(0.5 - level / 2), self.edge.quantile(0.5 + level / 2)
        reach = float(ndtri(0.5 + level / 2) * np.sqrt(self.covariance[k, k]))
        low, high = float(self.vector[k]) - reach, float(self.vector[k]) + reach
        return (float(np.exp(low)), float(np.exp(high))) if POSITIVE[k] else (low, high)

    @property
    def neuron(self) -> Noisy:
        """The estimated neuron; without a spike it never fires, and ``r`` is 0 if unknown.

        Raises
        ------
        InvalidValue
            Where a noise is 0 (a recording without noise): take :attr:`lif`.
        """
        return Noisy.of(self.known())

    @property
    def lif(self) -> Lif:
        """The estimated neuron without its noise."""
        vector = self.known()
        vector[5:] = 0.0
        return Noisy.of(vector).lif(self.t_ref)

    def known(self) -> Array:
        """The vector with what the model has where nothing was determined."""
        vector = self.vector.copy()
        fallback = np.array([np.nan, 0.0, np.nan, np.inf, vector[2], np.nan, np.nan])
        return np.where(np.isnan(vector), fallback, vector)


def fit(recording: Recording, method: FitMethod | str = FitMethod.LIKELIHOOD) -> Fit:
    """Estimate ``tau_mem, r, v_leak, v_th, v_reset, sigma_v, sigma_y``.

    ``r`` is determined only where the input varies, threshold and reset only where there is a
    spike. A recording without noise is fitted by the baseline, which is exact then.

    Raises
    ------
    InvalidValue
        For an unknown method, a refractory period longer than an interval, or a recording that
        does not determine the time constant.
    """
    try:
        chosen = FitMethod(method)
    except ValueError:
        raise InvalidValue("method", method, ", ".join(FitMethod)) from None
    s = ready(recording)
    if chosen is FitMethod.BASELINE:
        return _simple(recording, s, baseline(s), ())
    try:
        first = baseline(s)
    except InvalidValue:
        # Noise may hide the decay from the regression, not from the likelihood.
        first = None
    if first is not None and first.noiseless:
        return _simple(recording, s, first, ("the recording shows no noise: baseline used",))
    return _fit(chosen, recording, s, maximise(s))


def _simple(recording: Recording, s: Samples, b: Baseline, notes: tuple[str, ...]) -> Fit:
    positive = np.where(b.values > 0, b.values, np.nan)
    vector = np.where(POSITIVE, np.log(positive), b.values)
    # A noise of 0 has no logarithm, but it is an estimate.
    vector[POSITIVE & (b.values == 0)] = -np.inf
    scale = np.where(POSITIVE, 1 / positive, 1.0)
    covariance = b.covariance * np.outer(scale, scale)
    found = Maximum(vector, covariance, np.nan, None, True, notes)
    return _fit(FitMethod.BASELINE, recording, s, found)


def _fit(method: FitMethod, recording: Recording, s: Samples, m: Maximum) -> Fit:
    silent = () if s.spikes.size else ("no spike: threshold and reset are unknown",)
    missing = int((~np.isfinite(s.y)).sum())
    return Fit(
        method=method,
        vector=s.to_si(m.vector),
        covariance=s.covariance_to_si(m.covariance),
        # A density per unit of the scale becomes one per volt.
        log_likelihood=m.log_likelihood - (s.y.size - missing) * float(np.log(s.unit)),
        t_ref=s.hold * s.dt,
        spikes=s.spikes,
        samples=s.y.size,
        missing=missing,
        edge=None if m.edge is None else m.edge.moved(s.unit, s.centre),
        converged=m.converged,
        notes=(*s.notes, *silent, *m.notes),
    )
