"""How good the estimates are: bias, spread against the Cramer-Rao bound, coverage.

The bound is the inverse of the Fisher information, the mean over recordings of the sum over
segments of the outer product of their scores at the truth: given the past, a segment's score
has mean 0 there, so that no cross terms remain. It bounds estimators without bias; a bias lets
the error fall below it (Cramer, "Mathematical Methods of Statistics" (1946), section 32.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from ..errors import require
from .fit import FitMethod, fit
from .likelihood import evaluate, nodes_for
from .noisy import NAMES, POSITIVE, Noisy
from .ready import ready
from .recording import Recording
from .simulate import Experiment, simulate

__all__ = ["Row", "Study", "binomial_interval", "information_at", "study"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """One parameter under one method; SI units, but shares are of 1.

    ``bound`` is the Cramer-Rao bound of the standard deviation, ``ratio`` the root mean square
    error over it, ``coverage`` the share of 95 % intervals that hold the truth and
    ``coverage_low``, ``coverage_high`` the share's own 99 % interval.
    """

    method: str
    name: str
    truth: float
    bias: float
    bias_error: float
    rmse: float
    bound: float
    ratio: float
    coverage: float
    coverage_low: float
    coverage_high: float


@dataclass(frozen=True, eq=False)
class Study:
    """Estimates from many recordings of one neuron.

    Parameters
    ----------
    truth
        As :meth:`.Noisy.vector`, ``(7,)``.
    vectors, covariances
        Estimates and covariances by method, ``(recordings, 7)`` and ``(recordings, 7, 7)``;
        ``nan`` where not determined.
    covered
        Whether each 95 % interval holds the truth, by method, ``(recordings, 7)``.
    information
        Fisher information of one recording, ``(7, 7)``.
    failed
        Fits that did not converge, by method.
    """

    truth: Array
    vectors: dict[str, Array]
    covariances: dict[str, Array]
    covered: dict[str, NDArray[np.bool_]]
    information: Array
    failed: dict[str, int]

    @property
    def recordings(self) -> int:
        """How many were fitted."""
        return int(next(iter(self.vectors.values())).shape[0])

    @property
    def bound(self) -> Array:
        """Cramer-Rao bound of the standard deviation of each element of the vector, ``(7,)``."""
        out = np.full(7, np.nan)
        known = np.diag(self.information) > 0
        inverse = np.linalg.inv(self.information[np.ix_(known, known)])
        out[known] = np.sqrt(np.diag(inverse))
        return out

    def rows(self, method: str) -> list[Row]:
        """The table of one method, the parameters that are determined."""
        natural, truth = self.vectors[method].copy(), self.truth.copy()
        natural[:, POSITIVE], truth[POSITIVE] = (
            np.exp(natural[:, POSITIVE]),
            np.exp(truth[POSITIVE]),
        )
        scale = np.where(POSITIVE, truth, 1.0)
        out = []
        for k in np.flatnonzero(np.isfinite(self.bound)):
            use = np.isfinite(self.covariances[method][:, k, k]) & np.isfinite(natural[:, k])
            n = int(use.sum())
            if n < 2:
                continue
            error = natural[use, k] - truth[k]
            rmse, bound = float(np.sqrt(np.mean(error**2))), float(self.bound[k] * scale[k])
            hits = int(self.covered[method][use, k].sum())
            low, high = binomial_interval(hits, n, 0.99)
            spread = float(error.std(ddof=1) / np.sqrt(n))
            row = (float(truth[k]), float(error.mean()), spread, rmse, bound, rmse / bound)
            out.append(Row(method, NAMES[k], *row, hits / n, low, high))
        return out

    def table(self) -> str:
        """All methods as text."""
        head = f"{'method':11}{'parameter':10}{'truth':>11}{'bias':>11}{'+-':>9}{'RMSE':>10}"
        lines = [f"{head}{'bound':>10}{'ratio':>7}  coverage (99 % interval)"]
        for method in self.vectors:
            lines += [
                f"{r.method:11}{r.name:10}{r.truth:11.4g}{r.bias:11.2g}{r.bias_error:9.1g}"
                f"{r.rmse:10.3g}{r.bound:10.3g}{r.ratio:7.2f}  {r.coverage:.3f} "
                f"({r.coverage_low:.3f} to {r.coverage_high:.3f})"
                for r in self.rows(method)
            ]
        return "\n".join(lines)


def study(
    e: Experiment,
    recordings: int,
    seed: int,
    methods: tuple[FitMethod, ...] = (FitMethod.LIKELIHOOD, FitMethod.BASELINE),
    batch: int = 50,
) -> Study:
    """Simulate, fit and count; about a second a recording of 5000 samples."""
    require(recordings >= 2, "recordings", recordings, "at least 2")
    vectors = {str(m): np.full((recordings, 7), np.nan) for m in methods}
    covariances = {str(m): np.full((recordings, 7, 7), np.nan) for m in methods}
    covered = {str(m): np.zeros((recordings, 7), dtype=np.bool_) for m in methods}
    failed = {str(m): 0 for m in methods}
    information = np.zeros((7, 7))
    truth = [getattr(e.neuron, name) for name in NAMES]
    for first in range(0, recordings, batch):
        made = simulate(e, min(batch, recordings - first), seed + first)
        for k, recording in enumerate(made, first):
            information += information_at(recording, e.neuron) / recordings
            for m in methods:
                found = fit(recording, m)
                vectors[m][k], covariances[m][k] = found.vector, found.covariance
                spans = [found.interval(name) for name in NAMES]
                covered[m][k] = [
                    low <= t <= top for (low, top), t in zip(spans, truth, strict=True)
                ]
                failed[m] += not found.converged
    return Study(e.neuron.vector(), vectors, covariances, covered, information, failed)


def information_at(recording: Recording, neuron: Noisy) -> Array:
    """Sum over segments of the outer product of their scores at ``neuron``, ``(7, 7)``."""
    s = ready(recording)
    truth = s.from_si(neuron.vector())
    seg = s.segments()
    there = Noisy.of(truth)
    each = evaluate(seg, there, s.dt, nodes_for(seg, there, s.dt)).score
    if not s.driven:
        each[:, 1] = 0.0
    scale = s.to_si(np.ones(7)) - s.to_si(np.zeros(7))
    each = each / scale
    return np.asarray(each.T @ each)


def binomial_interval(hits: int, n: int, level: float) -> tuple[float, float]:
    """Exact interval of a share (Clopper & Pearson, Biometrika 26, 404 (1934))."""
    tail = 0.5 * (1 - level)
    low = float(betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return low, high
