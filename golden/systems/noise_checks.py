"""The checks and panels of the noise system: each reading of the neuron against another."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad

from .. import fi
from ..lif import Lif
from ..noise import siegert
from ..noise.coloured import coloured_rate
from ..noise.coloured_cells import plane_rate
from ..noise.evolution import Passage, evolve
from ..noise.fokker_planck import Stationary
from ..noise.intervals import interval_statistics, kolmogorov
from ..noise.membrane import NoisyMembrane
from ..noise.monte_carlo import Signal, passage_times, simulate
from ..noise.response import resonance, spectrum, susceptibility
from ..noise.variability import interval_cv, passage_laplace
from .system import Check, Panel, Series

__all__ = [
    "LONGEST",
    "check_closed_forms",
    "check_coloured",
    "check_density",
    "check_intervals",
    "check_response",
    "passage_reference",
]

Array = NDArray[np.float64]
Part = tuple[tuple[Check, ...], Panel | None]
FOUR_SIGMA = "4 standard errors: one run in 16,000 would differ by more"
SECOND_ORDER = "second order in the cell: (h max(1, |y|))^2, y and h in units of the noise"
LONGEST = 200.0
"""Mean first passages of up to so many ``tau_mem`` are drawn."""


def passage_reference(y_reset: float, y_th: float) -> float:
    """Mean first-passage time over ``exp(max(y_th, 0)^2)``, in units of ``tau_mem``.

    ``integral_0^inf exp(-u^2) (exp(2 y_th u) - exp(2 y_reset u)) / u du`` (Brunel & Hakim,
    Neural Comput. 11, 1621 (1999)), by adaptive quadrature: another integral than Siegert's.
    """
    top = max(y_th, 0.0)

    def integrand(u: float) -> float:
        lift = np.exp(-((u - y_th) ** 2) + y_th**2 - top**2)
        return float(-lift * np.expm1(-2.0 * (y_th - y_reset) * u) / u)

    knots = [0.0, *np.geomspace(1e-8, 1.0, 25).tolist(), *(top + np.arange(2.0, 9.0)).tolist()]
    if top > 1.0:
        knots += np.linspace(1.0, top + 1.0, 4 + int(top))[1:].tolist()
    pieces = [
        quad(integrand, a, b, epsabs=1e-16, epsrel=1e-11)[0]
        for a, b in itertools.pairwise(sorted(knots))
    ]
    return float(np.sum(pieces))


def _cell_error(m: NoisyMembrane, cells: int) -> float:
    """Square of the cell against the shortest scale, ``1 / |y|`` or the noise itself."""
    h = (m.y_th - m.y_reset) / cells
    return float((h * max(1.0, abs(m.y_th), abs(m.y_reset))) ** 2)


def _still(m: NoisyMembrane) -> Lif:
    """The neuron without noise, driven by its mean."""
    return Lif(m.tau_mem, v_th=m.v_th, v_reset=m.v_reset, t_ref=m.t_ref)


def check_closed_forms(m: NoisyMembrane) -> Part:
    """Siegert's form over the whole range of drives, and its limit without noise."""
    worst = 0.0
    for y_th in (-1000.0, -30.0, -3.0, -0.3, 0.0, 0.5, m.y_th, 4.0, 12.0, 20.0):
        for width in (0.01, m.y_th - m.y_reset, 30.0):
            _, value = siegert.log_passage(y_th - width, y_th)
            worst = max(worst, abs(float(value) / passage_reference(y_th - width, y_th) - 1.0))
    swing = m.v_th - m.v_reset
    mean = m.v_th + swing * np.array([0.1, 1.0, 10.0])
    quiet = siegert.rate(m, mean, 1e-6 * swing) / fi.rate(_still(m), mean)
    return (
        Check.absolute(
            "largest relative error of the mean first passage",
            worst,
            0.0,
            1e-9,
            "1",
            "Brunel and Hakim's integral, adaptive quadrature",
            "30 pairs, from 1000 sigma above threshold to 20 below; 1e-11 a piece of quadrature",
        ),
        Check.absolute(
            "largest relative error of the rate without noise",
            float(np.max(np.abs(quiet - 1.0))),
            0.0,
            1e-9,
            "1",
            "F-I curve of the noiseless neuron",
            "noise of 1e-6 of the swing moves the rate by about its square over the margin's",
        ),
    ), None


def check_density(m: NoisyMembrane, s: Stationary, cells: int, samples: Array) -> Part:
    """Density on cells against the closed form, and probability along a transient."""
    exact = siegert.density(m, s.v)
    rate = float(siegert.rate(m))
    off = float(np.max(np.abs(s.density - exact)) / exact.max())
    run_in = evolve(m, 10 * m.tau_mem + 3 * m.t_ref, m.tau_mem / 50, cells)
    h2 = _cell_error(m, cells)
    checks = (
        Check.relative("rate on cells", s.rate, rate, h2, "Hz", "Siegert", SECOND_ORDER),
        Check.absolute(
            "largest error of the density over its peak",
            off,
            0.0,
            h2,
            "1",
            "closed form with Dawson's integral",
            SECOND_ORDER,
        ),
        Check.absolute(
            "probability lost in a transient",
            float(np.max(np.abs(run_in.total - 1.0))),
            0.0,
            1e-10,
            "1",
            "a total of 1, refractory neurons included",
            "rounding of the linear solves",
        ),
    )
    low = max(float(s.v[0]), min(m.v_reset, m.mu - 3.0 * m.sigma))
    edges = np.linspace(low, m.v_th, 51)
    count, _ = np.histogram(samples, edges)
    scale = (1.0 - rate * m.t_ref) / (samples.size * (edges[1] - edges[0]))
    shown = s.v >= low
    series = (
        Series("Fokker-Planck on cells", s.v[shown], s.density[shown]),
        Series("closed form", s.v[shown], exact[shown], "reference"),
        _histogram(edges, count, scale),
    )
    return checks, Panel("Stationary density", "potential", "V", "density", "1/V", series)


def _histogram(edges: Array, count: Array, scale: float) -> Series:
    middle = (edges[1:] + edges[:-1]) / 2.0
    error = np.sqrt(np.maximum(count, 1.0)) * scale
    return Series("Monte Carlo", middle, count * scale, "reference", "points", error)


def check_intervals(m: NoisyMembrane, f: Passage, cells: int, drawn: Array) -> Part:
    """Density of intervals on cells and as drawn; its moments in closed form."""
    mean, cv = float(siegert.mean_first_passage(m)), interval_cv(m)
    h2 = _cell_error(m, cells)
    s = np.array([0.1, 1.0, 5.0]) / mean
    transform = np.exp(-np.outer(s, f.t)) @ f.density * f.edges[1] / passage_laplace(m, s)
    st = interval_statistics(drawn + m.t_ref)
    distance, chance = kolmogorov(drawn, f.cumulative(drawn))
    period, because = mean + m.t_ref, f"{SECOND_ORDER}; finer in time"
    checks = (
        Check.relative(
            "mean first passage on cells",
            f.mean,
            mean,
            h2,
            "s",
            "Siegert: 1 / rate - t_ref",
            because,
        ),
        Check.relative("CV on cells", f.interval_cv(m.t_ref), cv, h2, "1", "closed form", because),
        Check.absolute(
            "largest relative error of the interval's Laplace transform",
            float(np.max(np.abs(transform - 1.0))),
            0.0,
            h2,
            "1",
            "parabolic cylinder functions",
            because,
        ),
        Check.sigma(
            "mean interval drawn", st.mean, period, st.mean_error, 4.0, "s", "Siegert", FOUR_SIGMA
        ),
        Check.sigma("CV drawn", st.cv, cv, st.cv_error, 4.0, "1", "closed form", FOUR_SIGMA),
        Check.absolute(
            "Kolmogorov distance of the intervals drawn",
            distance,
            0.0,
            2.3 / drawn.size**0.5,
            "1",
            "density on cells",
            f"2.3 / sqrt(n), exceeded once in 20,000 runs; here p = {chance:.2g}",
        ),
    )
    edges = np.linspace(0.0, float(np.quantile(drawn, 0.98)), 41)
    count, _ = np.histogram(drawn, edges)
    shown = f.t <= edges[-1]
    series = (
        Series("Fokker-Planck on cells", f.t[shown] + m.t_ref, f.density[shown]),
        _histogram(edges + m.t_ref, count, 1.0 / (drawn.size * (edges[1] - edges[0]))),
    )
    return checks, Panel("Intervals between spikes", "interval", "s", "density", "1/s", series)


def check_coloured(m: NoisyMembrane, tau_syn: float, rng: np.random.Generator) -> Part:
    """First-order rate under coloured noise against the equation in two dimensions."""
    at_threshold = replace(m, mu=m.v_th, t_ref=0.0)
    off = [
        plane_rate(at_threshold, tau).rate / float(coloured_rate(at_threshold, tau)) - 1.0
        for tau in (tau_syn, tau_syn / 4.0)
    ]
    plane = plane_rate(m, tau_syn)
    checks = (
        Check.relative(
            "rate under coloured noise",
            float(coloured_rate(m, tau_syn)),
            plane.rate,
            tau_syn / m.tau_mem,
            "Hz",
            "Fokker-Planck equation in two dimensions",
            "of first order in k = sqrt(tau_syn / tau_mem): off by less than k^2",
        ),
        Check.absolute(
            "order of that error in k",
            float(np.log2(abs(off[0] / off[1]))),
            2.0,
            0.3,
            "1",
            "k and k / 2, mean at threshold, no refractory period",
            "second order plus a share of the third; a wrong first order would give 1",
        ),
    )
    swing = m.v_th - m.v_reset
    mean = np.linspace(m.v_reset - 0.5 * swing, m.v_th + swing, 101)
    # Monte Carlo from the lowest mean on at which neurons fire often enough.
    often = siegert.mean_first_passage(m, mean) <= LONGEST * m.tau_mem
    few = np.linspace(mean[often][0], m.v_th + 0.9 * swing, 6)
    drawn = [
        interval_statistics(passage_times(m.driven(v), 2000, m.tau_mem / 20, rng) + m.t_ref)
        for v in few.tolist()
    ]
    planes = [plane_rate(m.driven(v), tau_syn, 30) for v in few.tolist()]
    series = (
        Series("white noise, Siegert", mean, siegert.rate(m, mean)),
        Series("coloured noise, first order", mean, coloured_rate(m, tau_syn, mean)),
        _points("white noise, Monte Carlo", few, [(d.rate, d.rate_error) for d in drawn]),
        _points("coloured noise, two dimensions", few, [(q.rate, q.error) for q in planes]),
        Series("no noise", mean, fi.rate(_still(m), mean), "context"),
    )
    title = "Rate against mean drive"
    return checks, Panel(title, "mean of the free potential", "V", "rate", "Hz", series)


def _points(label: str, x: Array, pairs: list[tuple[float, float]]) -> Series:
    y, error = np.array(pairs).T
    return Series(label, x, y, "reference", "points", error)


def check_response(
    m: NoisyMembrane, signal: Signal, cells: int, neurons: int, rng: np.random.Generator
) -> Part:
    """Answer to a weak signal: limits in closed form, Monte Carlo, and its best noise.

    With no ``neurons`` nothing is drawn.
    """
    rate = float(siegert.rate(m))
    swing = m.v_th - m.v_reset
    reach = max(m.v_th - m.mu, 0.2 * swing)
    noise = reach * np.geomspace(0.1, 6.0, 60)
    curve = resonance(m, signal.amplitude, signal.frequency, noise, cells)
    slack = 3.0 * _cell_error(m, cells) + 1e-5
    because = f"three factors of {SECOND_ORDER}; 1e-5 for a frequency that is not 0"
    checks = [
        Check.relative(
            "response to a slow signal",
            float(susceptibility(m, 1e-3 / m.tau_mem, cells)[0].real),
            float(siegert.gain(m)),
            slack,
            "Hz/V",
            "slope of Siegert's rate",
            because,
        ),
    ]
    if m.v_th - m.mu >= reach:
        checks.append(
            Check.absolute(
                "signal-to-noise ratio at the ends over its maximum",
                float(max(curve.snr[0], curve.snr[-1]) / curve.snr.max()),
                0.0,
                0.9,
                "1",
                "an interior maximum",
                "a monotone curve gives 1",
            )
        )
    series = [Series("linear response on cells", curve.sigma, curve.snr)]
    if neurons:
        checks.append(
            Check.relative(
                "spectrum at low frequency",
                float(spectrum(m, 1e-4 * rate, cells)[0]),
                rate * interval_cv(m) ** 2,
                slack,
                "Hz",
                "rate times CV squared",
                because,
            )
        )
        some = m.sigma * np.array([0.8, 1.0, 1.5, 2.5])
        drawn = [
            _drawn_response(m.driven(m.mu, s), signal, cells, neurons, rng) for s in some.tolist()
        ]
        series.append(_points("Monte Carlo", some, [d[:2] for d in drawn]))
        checks.append(_farthest(max(d[2] for d in drawn)))
    title, quantity = "Stochastic resonance", "signal-to-noise ratio"
    panel = Panel(title, "noise sigma", "V", quantity, "Hz", tuple(series), x_log=True)
    return tuple(checks), panel


def _farthest(sigmas: float) -> Check:
    return Check(
        "response and background drawn, the largest of 12 parts",
        sigmas,
        0.0,
        sigmas,
        4.5,
        "sigma",
        "1",
        "linear response and spectrum on cells",
        "4.5 standard errors: of 12 parts one run in 12,000 would have one that differs more",
    )


def _drawn_response(
    m: NoisyMembrane, signal: Signal, cells: int, neurons: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Signal-to-noise ratio, its standard error, and how far its parts are off, in sigma.

    A large signal is drawn smaller and the ratio scaled: the next order of the response is
    ``(2 y_th a / sigma)^2 / 8`` of it below threshold, kept under 1 %.
    """
    drawn = min(signal.amplitude, 0.14 * m.sigma / max(abs(m.y_th), 1.0))
    scale = (signal.amplitude / drawn) ** 2
    signal = replace(signal, amplitude=drawn)
    since = 10.0 * m.tau_mem
    seconds = float(np.ceil(4.0 * signal.frequency)) / signal.frequency
    trains = simulate(m, neurons, since + seconds, m.tau_mem / 5, rng, signal)
    a, e = trains.line(signal.frequency, since)
    chi = signal.amplitude * complex(susceptibility(m, signal.frequency, cells)[0])
    distance = max(abs(a.real - chi.real) / e.real, abs(a.imag - chi.imag) / e.imag)
    # A neuron's amplitude scatters by the background alone, with variance 4 S / T.
    background = neurons * seconds * abs(e) ** 2 / 4.0
    around = float(spectrum(m, signal.frequency, cells)[0])
    distance = max(distance, abs(background / around - 1.0) * neurons**0.5)
    snr = scale * (abs(a) ** 2 - abs(e) ** 2) / (4.0 * background)
    error = abs(snr) * float(np.hypot(2.0**0.5 * abs(e) / abs(a), neurons**-0.5))
    return snr, error, float(distance)
