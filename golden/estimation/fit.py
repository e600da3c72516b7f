"""``fit(recording)``: estimates, standard errors and intervals of a noisy neuron."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ..errors import InvalidValue, require
from ..lif import Lif
from .baseline import Baseline, baseline, starting_point
from .climb import Peak, Scores, climb, information
from .likelihood import evaluate, nodes_for
from .noisy import NAMES, POSITIVE, Noisy
from .recording import Recording
from .samples import Samples, prepare
from .segments import Segments

__all__ = ["Estimate", "Fit", "FitMethod", "fit"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

UNITS = ("s", "ohm", "V", "V", "V", "V", "V")
SMALLEST = 0.02
"""Noise of a step below this share of what the samples show is none: no grid resolves it."""
SMALLEST_MEASURED = 1e-3
"""The same for measurement noise, which the samples at reset show by itself."""
OUT_OF_REACH = 1e6
"""A threshold, in units of the recording's spread, that no potential concerns."""


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

    def interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Confidence interval of a parameter; of those above 0, symmetric in the logarithm."""
        require(0 < level < 1, "level", level, "a number between 0 and 1")
        k = NAMES.index(name)
        reach = float(ndtri(0.5 + level / 2) * np.sqrt(self.covariance[k, k]))
        low, high = self.vector[k] - reach, self.vector[k] + reach
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
    s = prepare(recording)
    if recording.t_ref is None:
        s = _with_hold(s)
    if chosen is FitMethod.BASELINE:
        return _simple(recording, s, baseline(s), ())
    try:
        first = baseline(s)
    except InvalidValue:
        # Noise may hide the decay from the regression, not from the likelihood.
        first = None
    if first is not None and first.noiseless:
        return _simple(recording, s, first, ("the recording shows no noise: baseline used",))
    return _likely(recording, s)


def _with_hold(s: Samples) -> Samples:
    """The refractory period, whole steps below the shortest interval, of highest likelihood."""
    best, top = 0, -np.inf
    for hold in range(min(s.shortest_interval(), 64)):
        trial = s.held(hold)
        try:
            neuron = starting_point(trial)
        except InvalidValue:
            continue
        seg = trial.segments()
        value = float(
            evaluate(seg, neuron, s.dt, nodes_for(seg, neuron, s.dt)).log_likelihood.sum()
        )
        if value > top:
            best, top = hold, value
    note = f"refractory period of {best} steps found from the potential"
    return replace(s.held(best), notes=(*s.notes, note)) if s.spikes.size else s


def _simple(recording: Recording, s: Samples, b: Baseline, notes: tuple[str, ...]) -> Fit:
    with np.errstate(divide="ignore", invalid="ignore"):
        vector = np.where(POSITIVE, np.log(b.values), b.values)
        scale = np.where(POSITIVE, 1 / b.values, 1.0)
    covariance = b.covariance * np.outer(scale, scale)
    return _fit(FitMethod.BASELINE, recording, s, vector, covariance, np.nan, True, notes)


def _likely(recording: Recording, s: Samples) -> Fit:
    seg = s.segments()
    start = starting_point(s)
    fired = bool(seg.fired.any())
    free = np.array([True, s.driven, True, fired, bool(s.spikes.size), True, True])
    theta = start.vector()
    if not fired:
        theta[3] = OUT_OF_REACH
    peak, scores = _search(s, seg, start, theta, free)
    notes = []
    if peak.resting[6]:
        notes.append("no measurement noise seen: sigma_y is an upper bound")
    if peak.resting[5]:
        notes.append("no intrinsic noise seen: sigma_v is an upper bound")
    if not peak.converged:
        notes.append("the search did not reach a maximum: errors are not to be trusted")
    settled, theta = peak.settled, peak.theta.copy()
    covariance = np.full((7, 7), np.nan)
    info = information(scores, theta, settled, peak.metric)
    if _positive(info):
        found = np.linalg.inv(info)
        covariance[np.ix_(settled, settled)] = found
        theta[settled] += found @ peak.score[settled]
    else:
        notes.append("the likelihood is flat in some direction: no standard errors")
    theta[~free] = np.nan
    return _fit(
        FitMethod.LIKELIHOOD,
        recording,
        s,
        theta,
        covariance,
        peak.log_likelihood,
        peak.converged,
        tuple(notes),
    )


def _positive(info: Array) -> bool:
    """Whether a matrix is positive definite beyond rounding, whatever the parameters' units."""
    scale = np.sqrt(np.abs(np.diag(info))) + 1e-300
    return bool(np.linalg.eigvalsh(info / np.outer(scale, scale))[0] > 1e-9)


def _search(
    s: Samples, seg: Segments, start: Noisy, theta: Array, free: Flags
) -> tuple[Peak, Scores]:
    """Climb, again with more nodes where the maximum needs more than the start did."""
    c = start.step(s.dt)
    shown = np.hypot(c.q, np.sqrt(2.0) * c.s)
    lower = np.full(7, -np.inf)
    lower[5] = np.log(SMALLEST * shown * start.sigma_v / c.q)
    lower[6] = np.log(SMALLEST_MEASURED * shown)
    nodes = nodes_for(seg, start, s.dt)
    while True:
        scores = _scores(s, seg, nodes)
        peak = climb(scores, theta, free, lower)
        needed = nodes_for(seg, Noisy.of(peak.theta), s.dt)
        if needed <= nodes:
            return peak, scores
        nodes, theta = needed, peak.theta


def _scores(s: Samples, seg: Segments, nodes: int) -> Scores:
    def scores(theta: Array) -> tuple[float, Array]:
        try:
            found = evaluate(seg, Noisy.of(theta), s.dt, nodes)
        except InvalidValue:
            return -np.inf, np.zeros((seg.n, 7))
        total = float(found.log_likelihood.sum())
        return (total if np.isfinite(total) else -np.inf), found.score

    return scores


def _fit(
    method: FitMethod,
    recording: Recording,
    s: Samples,
    vector: Array,
    covariance: Array,
    log_likelihood: float,
    converged: bool,
    notes: tuple[str, ...],
) -> Fit:
    silent = () if s.spikes.size else ("no spike: threshold and reset are unknown",)
    missing = int((~np.isfinite(s.y)).sum())
    seen = s.y.size - missing
    return Fit(
        method,
        s.to_si(vector),
        s.covariance_to_si(covariance),
        log_likelihood - seen * float(np.log(s.unit)),
        s.hold * s.dt,
        s.spikes,
        s.y.size,
        missing,
        converged,
        (*s.notes, *silent, *notes),
    )
