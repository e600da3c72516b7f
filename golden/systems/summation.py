"""System 6: excitatory and inhibitory postsynaptic potentials, alone and added up.

Each synapse is taken twice: as a conductance with a reversal potential, and as the current it
would pass at rest. Currents add up exactly; conductances add up to less, because they pull
less as the potential nears their reversal and because they shorten the time constant. Two
courses are compared, the alpha function and the double exponential.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from ..errors import require
from ..kernels import Kernel, Shape
from ..lif import Lif
from ..postsynaptic import Arrival, Synapse, crest, potential
from ..synapse import peak_time
from . import summation_reference as reference
from .parameter import quantity, validate
from .system import Figure, Panel, Result, Series, System

__all__ = ["SYSTEM", "Parameters", "pair_peak", "run"]

Array = NDArray[np.float64]
RALL = "Rall, J. Neurophysiol. 30, 1138 (1967)"
DESTEXHE = "Destexhe, Mainen & Sejnowski in Methods in Neuronal Modeling (1998), chapter 1"
BOOK = "Gerstner et al., Neuronal Dynamics (2014), sections 1.3 and 3.1"


@dataclass(frozen=True)
class Parameters:
    """Membrane, an excitatory and an inhibitory synapse, and the interval looked at."""

    tau_mem: float = quantity(20e-3, "s", "Membrane time constant.", above=0.0)
    r: float = quantity(100e6, "ohm", "Membrane resistance.", above=0.0)
    v_leak: float = quantity(-70e-3, "V", "Resting potential.")
    v_th: float = quantity(-60e-3, "V", "Threshold, for the coincidence window.")
    shape: str = quantity(
        "double", "", "Course of the headline figures.", choices=("alpha", "double")
    )
    g_exc: float = quantity(4e-9, "S", "Peak excitatory conductance.", above=0.0)
    e_exc: float = quantity(0.0, "V", "Excitatory reversal potential.", source=DESTEXHE)
    tau_exc: float = quantity(
        5e-3, "s", "Excitatory decay.", source=f"order of AMPA in {DESTEXHE}", above=0.0
    )
    rise_exc: float = quantity(0.5e-3, "s", "Excitatory rise, double exponential.", above=0.0)
    alpha_exc: float = quantity(2e-3, "s", "Time to peak of the excitatory alpha.", above=0.0)
    g_inh: float = quantity(8e-9, "S", "Peak inhibitory conductance.", low=0.0)
    e_inh: float = quantity(
        -75e-3, "V", "Inhibitory reversal potential.", source=f"order of GABA-A in {DESTEXHE}"
    )
    tau_inh: float = quantity(
        6e-3, "s", "Inhibitory decay.", source=f"order of GABA-A in {DESTEXHE}", above=0.0
    )
    rise_inh: float = quantity(1e-3, "s", "Inhibitory rise, double exponential.", above=0.0)
    alpha_inh: float = quantity(3e-3, "s", "Time to peak of the inhibitory alpha.", above=0.0)
    interval: float = quantity(5e-3, "s", "Interval of the headline pair.", low=0.0, high=1.0)
    longest: float = quantity(60e-3, "s", "Longest interval of the curves.", above=0.0, high=1.0)
    points: int = quantity(31, "1", "Points of a curve.", low=3, high=500)
    dt: float = quantity(1e-4, "s", "Cell of the quadrature and step.", above=0.0, high=1e-2)

    def __post_init__(self) -> None:
        validate(self)
        require(self.v_th > self.v_leak, "v_th", self.v_th, f"above v_leak = {self.v_leak:g} V")
        require(self.e_exc > self.v_th, "e_exc", self.e_exc, f"above v_th = {self.v_th:g} V")
        for kind in ("exc", "inh"):
            rise, tau = getattr(self, f"rise_{kind}"), getattr(self, f"tau_{kind}")
            require(rise < tau, f"rise_{kind}", rise, f"below tau_{kind} = {tau:g} s")
        require(self.dt <= self.longest / 10, "dt", self.dt, "a tenth of the longest interval")

    def membrane(self, v_th: float = np.inf) -> Lif:
        """One neuron; without threshold unless given."""
        return Lif(
            tau_mem=self.tau_mem, r=self.r, v_leak=self.v_leak, v_th=v_th, v_reset=self.v_leak
        )

    def kernel(self, kind: str, shape: str) -> Kernel:
        """The course of ``exc`` or ``inh``."""
        if shape == "alpha":
            return Kernel(Shape.ALPHA, getattr(self, f"alpha_{kind}"))
        return Kernel(Shape.DOUBLE, getattr(self, f"tau_{kind}"), getattr(self, f"rise_{kind}"))

    def synapse(self, kind: str, shape: str, current: bool = False) -> Synapse:
        """``exc`` or ``inh``, as a conductance or as the current it passes at rest."""
        g, e = getattr(self, f"g_{kind}"), getattr(self, f"e_{kind}")
        if current:
            return Synapse(self.kernel(kind, shape), g * (e - self.v_leak))
        return Synapse(self.kernel(kind, shape), g, e)

    def tail(self) -> float:
        """Seconds after the last excitatory spike by when the potential has peaked.

        Twice the peak of the slowest stage before the membrane, and time for the stage before.
        """
        slow, fast = max(self.tau_exc, self.alpha_exc), max(self.rise_exc, self.alpha_exc)
        return 2 * peak_time(self.tau_mem, slow) + 5 * fast


def peaks(p: Parameters, arrivals: list[Arrival], since: Array | float = 0.0) -> Array:
    """Peak depolarisation in volts above rest of each trial."""
    last = max(float(onset.max()) for _, onset in arrivals)
    steps = int(np.ceil((last + p.tail()) / p.dt))
    v = potential(p.membrane(), arrivals, p.dt, steps)
    return crest(p.membrane(), arrivals, p.dt, v, since).v - p.v_leak


def pair_peak(p: Parameters, synapse: Synapse, lag: float) -> float:
    """Peak of two equal inputs ``lag`` seconds apart, any lag, in volts above rest."""
    cells = max(int(np.ceil(lag / p.dt)), 1)
    dt = lag / cells if lag > 0 else p.dt
    arrivals = [(synapse, np.zeros(1)), (synapse, np.full(1, lag))]
    steps = int(np.ceil((lag + p.tail()) / dt))
    v = potential(p.membrane(), arrivals, dt, steps)
    return float(crest(p.membrane(), arrivals, dt, v).v[0] - p.v_leak)


def window(p: Parameters, synapse: Synapse) -> float:
    """The longest lag at which a pair reaches threshold; 0 if none, infinite if any does."""
    goal = p.v_th - p.v_leak
    if pair_peak(p, synapse, 0.0) <= goal:
        return 0.0
    if float(peaks(p, [(synapse, np.zeros(1))])[0]) > goal:
        return float("inf")
    far = p.tau_mem
    while pair_peak(p, synapse, far) > goal:
        far *= 2.0
    return float(brentq(lambda s: pair_peak(p, synapse, s) - goal, 0.0, far, xtol=1e-12))


@dataclass(frozen=True, eq=False)
class Curves:
    """Peaks above rest by course and kind of synapse."""

    lag: Array
    single: dict[tuple[str, bool], float]
    second: dict[tuple[str, bool], Array]
    pair: dict[tuple[str, bool], Array]
    offset: Array
    inhibited: dict[bool, Array]


def sweep(p: Parameters) -> Curves:
    """Pairs at growing intervals, and excitation with inhibition before and after it."""
    lag = np.unique(np.round(np.linspace(0.0, p.longest, p.points) / p.dt)) * p.dt
    single, second, pair = {}, {}, {}
    for shape in ("alpha", "double"):
        for current in (True, False):
            s, key = p.synapse("exc", shape, current), (shape, current)
            single[key] = float(peaks(p, [(s, np.zeros(1))])[0])
            arrivals = [(s, np.zeros(lag.size)), (s, lag)]
            second[key], pair[key] = peaks(p, arrivals, lag), peaks(p, arrivals)
    half = p.longest / 2
    offset = np.unique(np.round(np.linspace(-half, half, p.points) / p.dt)) * p.dt
    base = round(half / p.dt) * p.dt
    inhibited = {
        current: peaks(p, [
            (p.synapse("exc", p.shape, current), np.full(offset.size, base)),
            (p.synapse("inh", p.shape, current), base + offset),
        ])
        for current in (True, False)
    }  # fmt: skip
    return Curves(lag, single, second, pair, offset, inhibited)


def run(p: Parameters) -> Result:
    """Single potentials, paired pulses, coincidence, inhibition."""
    c = sweep(p)
    current, real = ((p.shape, flag) for flag in (True, False))
    at = round(p.interval / p.dt) * p.dt
    pair = {
        flag: float(peaks(p, [(p.synapse("exc", p.shape, flag), np.full(1, t)) for t in (0.0, at)],
                          at)[0])
        for flag in (True, False)
    }  # fmt: skip
    windows = [window(p, p.synapse("exc", p.shape, flag)) for flag in (True, False)]
    together = float(np.interp(0.0, c.offset, c.inhibited[False])) / c.single[real]
    return Result(
        "summation",
        asdict(p),
        (
            Figure("paired-pulse ratio, conductances", pair[False] / c.single[real], "1"),
            Figure("paired-pulse ratio, currents", pair[True] / c.single[current], "1"),
            Figure("EPSP, conductance", c.single[real], "V"),
            Figure("EPSP, current", c.single[current], "V"),
            Figure("coincidence window, conductances", windows[1], "s"),
            Figure("coincidence window, currents", windows[0], "s"),
            Figure("EPSP left with a simultaneous IPSP", together, "1"),
        ),
        reference.checks(p, pair, windows),
        _panels(p, c),
        (
            f"Taking the synapse as a current overestimates a single EPSP by"
            f" {c.single[current] / c.single[real] - 1:.2%} and the pair by"
            f" {pair[True] / pair[False] - 1:.2%}.",
        ),
    )


def _panels(p: Parameters, c: Curves) -> tuple[Panel, ...]:
    t = np.asarray(np.arange(round(p.longest / p.dt) + 1) * p.dt, dtype=np.float64)
    some = t[:: max(1, len(t) // 24)]
    at = np.full(1, round(p.interval / p.dt) * p.dt)
    shown = []
    for shape in ("alpha", "double"):
        s = p.synapse("exc", shape)
        v = potential(p.membrane(), [(s, np.zeros(1)), (s, at)], p.dt, len(t) - 1)[:, 0]
        shown.append(Series(f"{shape}, conductance", t, v))
    pair: list[Arrival] = [(p.synapse("exc", p.shape), t0) for t0 in (np.zeros(1), at)]
    return (
        Panel("Two EPSPs", "time", "s", "potential", "V", (
            *shown,
            Series(f"solver, {p.shape}", some, reference.solved(p, pair, some), "reference",
                   "points"),
        )),
        Panel("Second peak of a pair", "interval", "s", "against a single peak", "1", tuple(
            Series(f"{shape}, {'current' if current else 'conductance'}", c.lag,
                   c.second[shape, current] / c.single[shape, current])
            for shape in ("alpha", "double") for current in (True, False)
        )),
        Panel("Coincidence of two EPSPs", "interval", "s", "peak above rest", "V", (
            *(Series(f"{p.shape}, {'current' if current else 'conductance'}", c.lag,
                     c.pair[p.shape, current]) for current in (True, False)),
            Series("threshold", c.lag[[0, -1]], np.full(2, p.v_th - p.v_leak), "context"),
        )),
        Panel("EPSP with an IPSP", "IPSP after EPSP", "s", "peak above rest", "V", (
            *(Series("current" if current else "conductance", c.offset, c.inhibited[current])
              for current in (True, False)),
            Series("no IPSP", c.offset[[0, -1]], np.full(2, c.single[p.shape, False]), "context"),
        )),
    )  # fmt: skip


SYSTEM = System(
    key="summation",
    number=6,
    title="EPSP and IPSP summation",
    question="How do synaptic potentials add up in time, as currents and as conductances?",
    equation=(
        "tau_mem dv/dt = v_leak - v + r sum_k g_k(t) (e_k - v)   or   + r sum_k i_k(t)\n"
        "alpha: k(t) = t exp(-t / tau) / tau^2\n"
        "double: k(t) = (exp(-t / tau) - exp(-t / rise)) / (tau - rise)\n"
        "g(t) = g_peak k(t) / k_peak,  i(t) = g(t) (e - v_leak)\n"
        "currents: v = v_leak + sum of exponentials; conductances: variation of constants"
    ),
    reference="sums of exponentials, incomplete gamma functions, SciPy's solver",
    sources=(RALL, DESTEXHE, BOOK),
    stimulus="two excitatory spikes 5 ms apart; intervals to 60 ms; an inhibitory spike",
    parameters=Parameters,
    run=run,
    bodies={
        "network": "one linear stage a time constant, the membrane's step with the mid-step load",
        "rtl": "the same stages in fixed point; conductance-based unit",
        "spice": "current mirrors into RC stages; an OTA a reversal potential",
    },
)
