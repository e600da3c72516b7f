"""System 4: threshold, reset, time constant, rest and both noises from noisy recordings.

A neuron with intrinsic noise is recorded with measurement noise, samples are dropped, and the
recording is fitted twice: by the exact likelihood of the sampled model and by regression with
spike-triggered averages. The truth is known here, and so is the smallest error that any
estimator without bias can have, the Cramer-Rao bound.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidValue, require
from ..estimation.diagnosis import Diagnosis, diagnose
from ..estimation.fit import Fit, FitMethod, fit
from ..estimation.likelihood import evaluate, nodes_for
from ..estimation.noisy import NAMES, Noisy
from ..estimation.panels import autocorrelation_panel, potential_panel, quantile_panel
from ..estimation.recording import Recording
from ..estimation.reference import cells_needed, dense_log_likelihood
from ..estimation.segments import cut
from ..estimation.simulate import Experiment, default_experiment, simulate_both
from ..estimation.study import information_at
from .parameter import quantity, validate
from .system import Check, Figure, Panel, Result, Series, System

__all__ = ["SYSTEM", "Parameters", "run"]

Array = NDArray[np.float64]
V_TH = NAMES.index("v_th")
PIECE = 160
"""Samples of the stretch whose likelihood is computed by brute force."""
MOST_CELLS = 600
"""Beyond, the noise is too small for brute force."""


@dataclass(frozen=True)
class Parameters:
    """A cortical-like neuron and how it is recorded."""

    tau_mem: float = quantity(20e-3, "s", "Membrane time constant.", above=0.0)
    r: float = quantity(100e6, "ohm", "Membrane resistance.", above=0.0)
    v_leak: float = quantity(-65e-3, "V", "Resting potential.")
    v_th: float = quantity(-50e-3, "V", "Threshold.")
    v_reset: float = quantity(-62e-3, "V", "Reset potential.")
    t_ref: float = quantity(2e-3, "s", "Refractory period.", low=0.0)
    sigma_v: float = quantity(
        3e-3, "V", "Intrinsic noise: standard deviation of the free potential.", above=0.0
    )
    sigma_y: float = quantity(1e-3, "V", "Measurement noise: its standard deviation.", above=0.0)
    dropped: float = quantity(0.02, "1", "Share of samples that are lost.", low=0.0, high=0.5)
    duration: float = quantity(2.5, "s", "Length of a recording.", above=0.0)
    dt: float = quantity(1e-3, "s", "Seconds between samples.", above=0.0)
    recordings: int = quantity(5, "1", "Recordings that are fitted.", low=2, high=1000)
    seed: int = quantity(4, "1", "Of the random numbers.", low=0)

    def __post_init__(self) -> None:
        validate(self)
        require(self.v_reset < self.v_th, "v_reset", self.v_reset, f"below {self.v_th:g} V")
        samples = self.duration / self.dt
        require(samples >= 500, "duration", self.duration, f"at least {500 * self.dt:g} s")
        require(samples <= 1e6, "duration", self.duration, f"at most {1e6 * self.dt:g} s")

    def experiment(self) -> Experiment:
        """The neuron under the default input."""
        neuron = Noisy(**{name: getattr(self, name) for name in NAMES})
        made = default_experiment(self.duration, self.dt)
        return replace(made, neuron=neuron, t_ref=self.t_ref, dropped=self.dropped)


@dataclass(frozen=True, eq=False)
class _Tried:
    """Estimates of all recordings, the elements of :meth:`.Noisy.vector` that are determined."""

    truth: Array
    bound: Array
    likely: list[Fit]
    simple: list[Fit]

    @property
    def bells(self) -> bool:
        """Whether the threshold's likelihood is a bell throughout, so that there is a bound."""
        return all(f.edge is None for f in self.likely)

    @property
    def distance(self) -> tuple[float, int]:
        """Squared distance from the truth in the fits' own metric, and its degrees of freedom.

        Without the thresholds that are an edge, and the noises that are an upper bound.
        """
        total, freedom = 0.0, 0
        for f in self.likely:
            use = np.isfinite(np.diag(f.covariance))
            use[V_TH] &= f.edge is None
            d = (f.vector - self.truth)[use]
            total += float(d @ np.linalg.solve(f.covariance[np.ix_(use, use)], d))
            freedom += int(use.sum())
        return total, freedom


def run(p: Parameters) -> Result:
    """Fit all recordings by both methods, and hold the estimates against truth and bound."""
    e = p.experiment()
    made = simulate_both(e, p.recordings, p.seed)
    recordings = [recording for recording, _ in made]
    for k, recording in enumerate(recordings):
        spikes = 0 if recording.spikes is None else recording.spikes.size
        allowed = "parameters for which every recording has at least 3 spikes"
        require(spikes >= 3, "parameters", f"{spikes} spikes in recording {k}", allowed)
    information = sum(information_at(r, e.neuron) for r in recordings) / p.recordings
    bound = np.sqrt(np.diag(np.linalg.inv(information)))
    likely = [fit(r) for r in recordings]
    tried = _Tried(e.neuron.vector(), bound, likely, _simple(recordings))
    found = diagnose(recordings[0], tried.likely[0])
    return Result(
        "estimation",
        asdict(p),
        _figures(tried),
        _checks(e, recordings, tried, found),
        (
            potential_panel(recordings[0], tried.likely[0], found, made[0][1]),
            _errors(tried),
            autocorrelation_panel(recordings[0], found),
            quantile_panel(found),
        ),
        _notes(tried),
    )


def _simple(recordings: list[Recording]) -> list[Fit]:
    """Baselines of the recordings in which noise does not hide the decay from them."""
    out = []
    for recording in recordings:
        with contextlib.suppress(InvalidValue):
            out.append(fit(recording, FitMethod.BASELINE))
    return out


def _figures(t: _Tried) -> tuple[Figure, ...]:
    first = ("v_th", *(name for name in NAMES if name != "v_th"))
    estimates = [t.likely[0][name] for name in first]
    return tuple(
        Figure(name, e.value, e.unit, e.error) for name, e in zip(first, estimates, strict=True)
    )


def _checks(
    e: Experiment, recordings: list[Recording], t: _Tried, found: Diagnosis
) -> tuple[Check, ...]:
    distance, n = t.distance
    white = found.autocorrelation(1)[1]
    residuals = int(np.isfinite(found.residual).sum())
    checks = [
        _against_differences(e, recordings[0]),
        Check.sigma(
            "distance from the truth",
            distance,
            n,
            np.sqrt(2 * n),
            4.0,
            "1",
            "chi-squared",
            f"all {n} estimates in the metric of their covariances; one run in a thousand fails",
        ),
        Check.sigma(
            "correlation of neighbouring residuals",
            float(white),
            0.0,
            1 / np.sqrt(residuals),
            4.0,
            "1",
            "white noise",
            "four standard errors of a correlation",
        ),
    ]
    if t.bells:
        checks.append(_against_bound(t))
    return (*_against_dense(e, recordings[0]), *checks)


def _against_bound(t: _Tried) -> Check:
    errors = [f["v_th"].error for f in t.likely]
    spikes = sum(f.spikes.size for f in t.likely)
    return Check.relative(
        "standard error of v_th",
        float(np.mean(errors)),
        float(t.bound[V_TH]),
        4 / float(np.sqrt(spikes)),
        "V",
        "Cramer-Rao bound",
        f"the bound is itself estimated, from the scores around {spikes} spikes",
    )


def _against_dense(e: Experiment, recording: Recording) -> tuple[Check, ...]:
    """A stretch from the first spike on, by the filter and, where it can, by brute force."""
    assert recording.spikes is not None
    start = int(recording.spikes[0])
    stop = min(start + PIECE, recording.v.size)
    y = recording.v[start:stop].copy()
    y[-1] = e.neuron.v_reset if np.isnan(y[-1]) else y[-1]
    spikes = recording.spikes[recording.spikes < stop] - start
    cells = cells_needed(y, e.neuron, e.dt)
    if cells > MOST_CELLS:
        return ()
    seg = cut(y, e.x[start:stop], np.stack([spikes, spikes], axis=1), recording.hold, y.size)
    nodes = nodes_for(seg, e.neuron, e.dt)
    value = float(evaluate(seg, e.neuron, e.dt, nodes).log_likelihood.sum())
    coarse, fine = (
        dense_log_likelihood(y, e.x[start:stop], spikes, e.neuron, e.dt, recording.hold, n)
        for n in (cells, 2 * cells)
    )
    return (
        Check.absolute(
            "log-likelihood",
            value,
            (4 * fine - coarse) / 3,
            0.1 * abs(fine - coarse) + 1e-6,
            "1",
            "brute force on a fixed grid",
            "extrapolated, as its error falls with the square of a cell: a tenth of the step",
        ),
    )


def _against_differences(e: Experiment, recording: Recording) -> Check:
    assert recording.spikes is not None
    windows = np.stack([recording.spikes, recording.spikes], axis=1)
    seg = cut(recording.v, e.x, windows, recording.hold, recording.v.size)
    nodes = nodes_for(seg, e.neuron, e.dt)
    step = 1e-3 * e.neuron.sigma_y
    value = float(evaluate(seg, e.neuron, e.dt, nodes).score[:, V_TH].sum())
    up, down = (
        float(
            evaluate(
                seg, replace(e.neuron, v_th=e.neuron.v_th + h), e.dt, nodes
            ).log_likelihood.sum()
        )
        for h in (step, -step)
    )
    return Check.absolute(
        "slope of the log-likelihood in v_th",
        value * e.neuron.sigma_y,
        (up - down) / (2 * step) * e.neuron.sigma_y,
        1e-3,
        "1",
        "differences of the log-likelihood",
        "Fisher's identity; per sigma_y, a difference of 1e-3 sigma_y",
    )


def _errors(t: _Tried) -> Panel:
    number = np.arange(1, len(NAMES) + 1, dtype=np.float64)
    series = []
    for label, fits, side in (("likelihood", t.likely, -0.12), ("baseline", t.simple, 0.12)):
        if not fits:
            continue
        off = np.array([(f.vector - t.truth) / t.bound for f in fits])
        bars = np.array([1.96 * np.sqrt(np.diag(f.covariance)) / t.bound for f in fits])
        spread = np.linspace(-0.08, 0.08, len(fits))[:, None]
        known = np.isfinite(off) & np.isfinite(bars)
        x = (number + side + spread)[known]
        series.append(Series(label, x, off[known], "model", "points", bars[known]))
    series.append(Series("truth", number[[0, -1]], np.zeros(2), "context"))
    names = ", ".join(f"{k} {name}" for k, name in enumerate(NAMES, 1))
    return Panel("Estimates and 95 % intervals", names, "", "error over bound", "1", tuple(series))


def _notes(t: _Tried) -> tuple[str, ...]:
    notes = ["The threshold is looked at once a step, as the network layer and the RTL do."]
    if t.simple:
        off = np.mean([(f.vector - t.truth) / t.bound for f in t.simple], axis=0)
        off[~np.isfinite(off)] = 0.0
        worst = int(np.argmax(np.abs(off)))
        by = f"by {off[worst]:.2g} Cramer-Rao bounds on average"
        notes.append(f"The baseline is off most in {NAMES[worst]}, {by}.")
    if len(t.simple) < len(t.likely):
        notes.append("Noise hides the decay from the baseline in some recordings.")
    if not t.bells:
        notes.append("The threshold's likelihood is an edge: it is integrated, no bound applies.")
    return tuple(notes)


SYSTEM = System(
    key="estimation",
    number=4,
    title="Parameter estimation",
    question="Which threshold, reset, time constant, rest and noises does a noisy recording show?",
    equation=(
        "v[k] = a v[k-1] + b + g x[k] + q e[k],  spike and v[k] = v_reset where v[k] > v_th\n"
        "y[k] = v[k] + sigma_y n[k]"
    ),
    reference="the simulated truth, the Cramer-Rao bound, brute-force likelihood",
    sources=(
        "Bucy & Senne, Automatica 7, 287 (1971)",
        "Rauch, Tung & Striebel, AIAA Journal 3, 1445 (1965)",
        "Cappe, Moulines & Ryden, Inference in Hidden Markov Models (2005)",
    ),
    stimulus="140 pA with two sines and a slow square wave, known to the estimator",
    parameters=Parameters,
    run=run,
    bodies={
        "network": "potentials and spikes of a population with noise on its input",
        "rtl": "states read through the trace ports, noise from the LFSR or added to them",
        "spice": "transient noise; crossings between samples lower v_th by up to 0.58 q",
    },
)
