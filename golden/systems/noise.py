"""System 7: the LIF neuron under white and coloured noise, and what noise is good for.

Closed forms (stationary density, rate, coefficient of variation, Laplace transform of the
interval), the Fokker-Planck equation on cells, and Monte Carlo: three readings of one neuron,
each computed without the others. Then the same under coloured noise, in two dimensions, and
under a weak periodic signal, whose passage is best at a noise that is neither low nor high.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from ..errors import require
from ..noise import siegert
from ..noise.clocked import clocked_rate_first_order
from ..noise.coloured import coloured_rate
from ..noise.evolution import passage
from ..noise.fokker_planck import stationary
from ..noise.membrane import NoisyMembrane
from ..noise.monte_carlo import Signal, passage_times, simulate
from ..noise.response import resonance
from ..noise.variability import interval_cv, passage_spread
from .noise_checks import (
    LONGEST,
    check_closed_forms,
    check_coloured,
    check_density,
    check_intervals,
    check_response,
)
from .noise_clock import check_clock
from .parameter import quantity, validate
from .system import Figure, Result, System

__all__ = ["SYSTEM", "Parameters", "run"]

BRUNEL = "Brunel, J. Comput. Neurosci. 8, 183 (2000)"


@dataclass(frozen=True)
class Parameters:
    """Brunel's neuron a little below threshold, so that noise makes it fire."""

    tau_mem: float = quantity(20e-3, "s", "Membrane time constant.", source=BRUNEL, above=0.0)
    mu: float = quantity(15e-3, "V", "Mean of the free potential.")
    sigma: float = quantity(
        4e-3, "V", "Noise; the free potential has variance sigma^2 / 2.", above=0.0
    )
    v_th: float = quantity(20e-3, "V", "Threshold above rest.", source=BRUNEL)
    v_reset: float = quantity(10e-3, "V", "Reset above rest.", source=BRUNEL)
    t_ref: float = quantity(2e-3, "s", "Refractory period.", source=BRUNEL, low=0.0)
    tau_syn: float = quantity(2e-3, "s", "Time constant of coloured noise.", above=0.0)
    amplitude: float = quantity(0.5e-3, "V", "Weak signal in the mean.", above=0.0)
    frequency: float = quantity(5.0, "Hz", "Frequency of the signal.", above=0.0)
    dt: float = quantity(1e-3, "s", "Step of the clocked neuron.", above=0.0)
    cells: int = quantity(200, "1", "Cells from reset to threshold.", low=20, high=2000)
    passages: int = quantity(20_000, "1", "Intervals drawn.", low=100, high=10_000_000)
    neurons: int = quantity(1000, "1", "Neurons that get the signal.", low=10, high=1_000_000)
    seed: int = quantity(7, "1", "Seed of the random numbers.", low=0, high=2**31 - 1)

    def __post_init__(self) -> None:
        validate(self)
        require(self.v_reset < self.v_th, "v_reset", self.v_reset, f"below {self.v_th:g} V")

    def membrane(self) -> NoisyMembrane:
        """The neuron with its noise."""
        return NoisyMembrane(self.tau_mem, self.mu, self.sigma, self.v_th, self.v_reset, self.t_ref)


def run(p: Parameters) -> Result:
    """Closed forms, cells and Monte Carlo on one neuron; coloured noise; a weak signal.

    Where a first passage takes more than 200 ``tau_mem`` on average nothing is drawn and the
    coloured rate is not checked; a note says so.
    """
    m = p.membrane()
    rngs = [np.random.default_rng([p.seed, part]) for part in range(5)]
    mean, spread = float(siegert.mean_first_passage(m)), passage_spread(m)
    rare = not mean <= LONGEST * m.tau_mem
    paths = simulate(m, p.neurons, 30 * m.tau_mem, m.tau_mem / 10, rngs[1], sample_every=10)
    cells = stationary(m, p.cells)
    signal = Signal(p.amplitude, p.frequency)
    parts = [
        check_closed_forms(m),
        check_density(m, cells, p.cells, paths.samples),
        check_response(m, signal, p.cells, 0 if rare else p.neurons, rngs[3]),
    ]
    if not rare:
        fine = min(m.tau_mem / 40, mean * spread / 150)
        density = passage(m, mean * (1.0 + 12.0 * spread), fine, p.cells)
        drawn = passage_times(m, p.passages, m.tau_mem / 20, rngs[0])
        parts.insert(2, check_intervals(m, density, p.cells, drawn))
        parts.insert(3, check_coloured(m, p.tau_syn, rngs[2]))
        parts.insert(4, (check_clock(m, p.dt, p.neurons, rngs[4]), None))
    rate, slower = float(siegert.rate(m)), clocked_rate_first_order(m, p.dt)
    return Result(
        "noise",
        asdict(p),
        _figures(p, m),
        tuple(c for checks, _ in parts for c in checks),
        tuple(panel for _, panel in parts if panel is not None),
        _notes(p, cells.rate / rate - 1.0, slower / rate, mean if rare else None),
    )


def _figures(p: Parameters, m: NoisyMembrane) -> tuple[Figure, ...]:
    noise = resonance(m, p.amplitude, p.frequency, p.sigma * np.geomspace(0.25, 4.0, 81), p.cells)
    return (
        Figure("rate", float(siegert.rate(m)), "Hz"),
        Figure("CV of the interval", interval_cv(m), "1"),
        Figure("mean first passage", float(siegert.mean_first_passage(m)), "s"),
        Figure("rate under coloured noise", float(coloured_rate(m, p.tau_syn)), "Hz"),
        Figure("rate on the clock", clocked_rate_first_order(m, p.dt), "Hz"),
        Figure("slope of the rate", float(siegert.gain(m)), "Hz/V"),
        Figure("noise of the best signal-to-noise ratio", float(noise.sigma[noise.best]), "V"),
    )


def _notes(p: Parameters, off: float, slower: float, too_long: float | None) -> tuple[str, ...]:
    notes = (
        f"The cells' rate is off by {off:.1e}, of second order.",
        "Monte Carlo replaces the bend of the threshold over a step by a chord: of second "
        "order in the step, 1e-3 of the mean interval at a tenth of tau_mem.",
        f"A threshold looked at every {p.dt:g} s misses excursions: the rate falls by "
        f"{1.0 - slower:.2g} of itself; a clocked body is held against its own integral equation.",
        "Coloured noise: Siegert's form with shifted threshold and reset holds to first order "
        f"in sqrt(tau_syn / tau_mem) = {np.sqrt(p.tau_syn / p.tau_mem):.2g}.",
        "The signal's response is linear; the signal must stay small against sigma.",
    )
    if too_long is None:
        return notes
    rare = f"A first passage takes {too_long:.3g} s on average: too rare to be drawn."
    return (*notes, f"{rare} Intervals and coloured noise were not checked.")


SYSTEM = System(
    key="noise",
    number=7,
    title="Noise: Fokker-Planck equation and first passage",
    question="How often, and how regularly, does a neuron fire that noise drives to threshold?",
    equation=(
        "tau_mem dv/dt = mu - v + sigma sqrt(tau_mem) xi(t)\n"
        "1 / rate = t_ref + tau_mem sqrt(pi) integral exp(u^2) (1 + erf u) du, "
        "from (v_reset - mu) / sigma to (v_th - mu) / sigma"
    ),
    reference="closed forms (Siegert, Dawson, parabolic cylinder), Monte Carlo with exact steps",
    sources=(
        "Siegert, Phys. Rev. 81, 617 (1951)",
        BRUNEL,
        "Fourcaud & Brunel, Neural Comput. 14, 2057 (2002)",
        "Lindner & Schimansky-Geier, Phys. Rev. Lett. 86, 2934 (2001)",
    ),
    stimulus="a mean 5 mV below threshold and white noise of 4 mV; 0.5 mV at 5 Hz for resonance",
    parameters=Parameters,
    run=run,
    bodies={
        "network": "golden.discrete with a normal number a step, golden.noise.clocked.step_noise; "
        "rate and CV by golden.noise.clocked, not Siegert's",
        "rtl": "a neuron that adds a word of noise each step, on the same clock; intervals and "
        "their errors from golden.noise.intervals",
        "spice": "transient noise on the membrane: sigma from the current's density, "
        "golden.noise.membrane.sigma_of_current_noise",
    },
)
