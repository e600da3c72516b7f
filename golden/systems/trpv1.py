"""System 1: a nociceptor with TRPV1 channels under capsaicin and heat.

The channel adds a conductance with a reversal potential near 0 V. Its open fraction follows
capsaicin by a Hill curve and temperature by a free energy; it is read at one potential between
reset and threshold, so that the conductance is constant between stimuli and the firing rate
has a closed form in the effective time constant and target.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from .. import conductance, conductance_event, ode
from ..errors import require
from ..lif import Lif
from ..trpv1 import Trpv1
from .parameter import quantity, validate
from .system import Check, Figure, Panel, Result, Series, System

__all__ = ["SYSTEM", "Parameters", "run"]

Array = NDArray[np.float64]
CATERINA = "Caterina et al., Nature 389, 816 (1997)"
VOETS = "Voets et al., Nature 430, 748 (2004)"
BOOK = "Gerstner et al., Neuronal Dynamics (2014), sections 1.3 and 3.1"
CELL = "order of a small sensory neuron"


@dataclass(frozen=True)
class Parameters:
    """A small sensory neuron, its channel, and the stimulus."""

    tau_mem: float = quantity(15e-3, "s", "Membrane time constant.", source=CELL, above=0.0)
    r: float = quantity(500e6, "ohm", "Membrane resistance.", source=CELL, above=0.0)
    v_leak: float = quantity(-60e-3, "V", "Resting potential.", source=CELL)
    v_th: float = quantity(-40e-3, "V", "Threshold.", source=CELL)
    v_reset: float = quantity(-65e-3, "V", "Reset potential.")
    t_ref: float = quantity(8e-3, "s", "Refractory period.", low=0.0)
    g_max: float = quantity(10e-9, "S", "TRPV1 conductance with all channels open.", low=0.0)
    e_trpv1: float = quantity(
        0.0, "V", "Reversal potential of the nonselective cation channel.", source=CATERINA
    )
    half: float = quantity(
        0.71e-3, "mol/m^3", "Capsaicin that binds half (1e-3 mol/m^3 is 1 uM).",
        source=f"about that of {CATERINA}", above=0.0,
    )  # fmt: skip
    exponent: float = quantity(
        2.0, "1", "Hill coefficient.", source=f"about that of {CATERINA}", above=0.0
    )
    shift: float = quantity(
        0.15, "V", "Shift of the activation curve by saturating capsaicin.",
        source=f"direction by {VOETS}, size chosen", above=0.0,
    )  # fmt: skip
    enthalpy: float = quantity(
        150e3, "J/mol", "Enthalpy of opening.", source=f"order of {VOETS}", above=0.0
    )
    entropy: float = quantity(
        470.0, "J/mol/K", "Entropy of opening.", source=f"order of {VOETS}", above=0.0
    )
    charge: float = quantity(
        0.71, "1", "Gating charge in elementary charges.", source=f"order of {VOETS}", above=0.0
    )
    v_gate: float = quantity(-52.5e-3, "V", "Potential at which the open fraction is read.")
    temperature: float = quantity(308.15, "K", "Temperature (308.15 K is 35 degC).", above=0.0)
    dose: float = quantity(1e-3, "mol/m^3", "Capsaicin of the stimulus.", low=0.0)
    points: int = quantity(41, "1", "Points of a curve.", low=5, high=2000)
    dt: float = quantity(1e-4, "s", "Step of the time grid.", above=0.0, high=1e-2)

    def __post_init__(self) -> None:
        validate(self)
        require(self.v_th > self.v_leak, "v_th", self.v_th, f"above v_leak = {self.v_leak:g} V")
        require(self.v_reset < self.v_th, "v_reset", self.v_reset, f"below {self.v_th:g} V")
        require(self.e_trpv1 > self.v_th, "e_trpv1", self.e_trpv1, f"above {self.v_th:g} V")

    def neuron(self, n: int = 1) -> Lif:
        """The membrane, ``n`` times."""
        return Lif(
            tau_mem=self.tau_mem,
            r=self.r,
            v_leak=self.v_leak,
            v_th=self.v_th,
            v_reset=self.v_reset,
            t_ref=self.t_ref,
            n=n,
        )

    def channel(self) -> Trpv1:
        """The channel."""
        return Trpv1(self.enthalpy, self.entropy, self.charge, self.half, self.exponent, self.shift)

    def load(self, g: Array) -> conductance.Load:
        """The channel's conductance on the membrane."""
        return conductance.load((g, self.e_trpv1))

    def conductance(self, temperature: Array | float, dose: Array | float) -> Array:
        """Siemens of TRPV1, read at ``v_gate``."""
        return np.asarray(self.g_max * self.channel().open(self.v_gate, temperature, dose))

    def rate(self, temperature: Array | float, dose: Array | float) -> Array:
        """Hertz in closed form; temperatures and doses broadcast."""
        g = self.conductance(temperature, dose)
        return conductance.rate(self.neuron(), self.load(g))


def grid_intervals(p: Parameters, g: Array, duration: float) -> Array:
    """Mean interval in seconds on the time grid for each conductance, ``nan`` if silent."""
    model = p.neuron(g.size)
    state, on = conductance.initial_state(model), p.load(g)
    first, last = np.full(g.size, np.nan), np.full(g.size, np.nan)
    count = np.zeros(g.size)
    for k in range(int(np.ceil(duration / p.dt))):
        state, fired = conductance.step(model, p.dt, state, on)
        first = np.where(fired & np.isnan(first), k, first)
        last, count = np.where(fired, k, last), count + fired
    return np.asarray(np.where(count > 1, (last - first) * p.dt / np.maximum(count - 1, 1), np.nan))


def reference_times(p: Parameters, dose: float, duration: float, frozen: bool = True) -> Array:
    """Spike times by a general solver; with ``frozen`` off the gate follows the potential."""
    channel, model = p.channel(), p.neuron()

    def flow(_: float, y: Array) -> Array:
        at = p.v_gate if frozen else y[0]
        g = p.g_max * float(channel.open(at, p.temperature, dose))
        return np.array([(p.v_leak - y[0] + p.r * g * (p.e_trpv1 - y[0])) / p.tau_mem])

    return ode.spike_times(model, flow, [p.v_leak], duration)


def _rate_of(times: Array) -> float:
    return float((times.size - 1) / (times[-1] - times[0])) if times.size > 1 else 0.0


def run(p: Parameters) -> Result:
    """The conductance-based F-I curve, dose and temperature curves, and the rate jump."""
    one = p.neuron()
    critical = float(conductance.critical_conductance(one, p.e_trpv1)[0])
    before, after = (float(p.rate(p.temperature, c)[0]) for c in (0.0, p.dose))
    g = critical * np.concatenate([[0.0], np.geomspace(0.5, 16.0, p.points - 1)])
    many = p.neuron(p.points)
    closed = conductance.rate(many, p.load(g))
    on = closed > 0
    longest = float(1.0 / closed[on].min()) + p.tau_mem if on.any() else p.tau_mem
    span = min(5 * longest, 5.0)
    event = conductance_event.run(many, 0.01, int(np.ceil(span / 0.01)), lambda *_: p.load(g))
    exact, grid = event.rates(), grid_intervals(p, g, span)
    g_on = float(p.conductance(p.temperature, p.dose))
    e = conductance.effective(one, p.load(np.asarray(g_on)))
    solved = _rate_of(reference_times(p, p.dose, 0.5))
    loose = _rate_of(reference_times(p, p.dose, 0.5, frozen=False))
    open_at = critical / p.g_max if p.g_max else np.inf
    reachable = 0 < open_at < 1
    dose_at = p.channel().dose_for(open_at, p.v_gate, p.temperature) if reachable else np.inf
    heat_at = p.channel().temperature_for(open_at, p.v_gate) if reachable else np.inf
    return Result(
        "trpv1",
        asdict(p),
        (
            Figure("rate jump", after - before, "Hz"),
            Figure("rate before capsaicin", before, "Hz"),
            Figure("rate with capsaicin", after, "Hz"),
            Figure("effective time constant", float(e.tau[0]), "s"),
            Figure("effective target", float(e.target[0]), "V"),
            Figure("critical conductance", critical, "S"),
            Figure("threshold dose", dose_at, "mol/m^3"),
            Figure("threshold temperature without capsaicin", heat_at, "K"),
        ),
        _checks(p, (closed, exact, grid), (after, solved), (critical, dose_at, heat_at)),
        _panels(p, g, (closed, exact, grid), critical),
        (
            f"The open fraction is read at {p.v_gate:g} V; letting it follow the potential gives"
            f" {loose:.4g} Hz instead of {after:.4g} Hz.",
            "The channel opens at once and does not desensitise; only its conductance depends"
            " on temperature, not the membrane.",
        ),
    )


def _checks(
    p: Parameters,
    curves: tuple[Array, Array, Array],
    rates: tuple[float, float],
    thresholds: tuple[float, float, float],
) -> tuple[Check, ...]:
    closed, exact, grid = curves
    critical, dose_at, heat_at = thresholds
    both = (closed > 0) & (exact > 0)
    worst = float(np.max(np.abs(exact[both] / closed[both] - 1), initial=0.0))
    late = grid[both] - 1.0 / closed[both]
    lag = float(np.nanmax(np.abs(late), initial=0.0))
    rounded = abs(round(p.t_ref / p.dt) * p.dt - p.t_ref)
    parted = float(((closed > 0) != (exact > 0)).sum())
    found = _critical_by_search(p)
    out = [
        Check.absolute("largest relative error of the rate", worst, 0.0, 1e-9, "1",
                       "event-driven run", "both are closed forms; rounding of spike times"),
        Check.relative("rate with capsaicin", rates[0], rates[1], 1e-8, "Hz",
                       "solve_ivp with events", "tolerance 1e-10 of the solver over a run"),
        Check.absolute("conductances at which only one reading fires", parted, 0.0, 0.0, "1",
                       "event-driven run", "the critical conductance parts them"),
        Check.absolute("largest error of an interval on the grid", lag, 0.0, p.dt + rounded, "s",
                       "closed form", "a spike waits for the end of its step; t_ref is rounded"),
        Check.relative("critical conductance", critical, found, 1e-8, "S",
                       "potential that solve_ivp settles at", "tolerance 1e-10 of the solver"),
    ]  # fmt: skip
    wanted = critical / p.g_max if p.g_max else np.inf
    searches = (
        ("threshold dose", dose_at, "mol/m^3", lambda c: p.channel().open(
            p.v_gate, p.temperature, c), 0.0),
        ("threshold temperature", heat_at, "K", lambda t: p.channel().open(p.v_gate, t),
         heat_at / 2),
    )  # fmt: skip
    for name, value, unit, opened, low in searches:
        if 0 < value < np.inf:
            root = brentq(lambda x, f=opened: float(f(x)) - wanted, low, 2 * value,
                          xtol=1e-18, rtol=1e-14)  # fmt: skip
            out.append(Check.relative(name, value, float(root), 1e-9, unit,
                                      "root of the open fraction", "rounding"))  # fmt: skip
    return tuple(out)


def _critical_by_search(p: Parameters) -> float:
    """The conductance at which the membrane settles at threshold, by solver and root search."""

    def settles(g: float) -> float:
        def flow(_: float, y: Array) -> Array:
            return np.array([(p.v_leak - y[0] + p.r * g * (p.e_trpv1 - y[0])) / p.tau_mem])

        return float(ode.integrate(flow, [p.v_leak], [0.0, 40 * p.tau_mem])[-1, 0]) - p.v_th

    high = 1.0 / p.r
    while settles(high) < 0:
        high *= 2.0
    return float(brentq(settles, 0.0, high, rtol=1e-13, xtol=1e-24))


def _panels(
    p: Parameters, g: Array, curves: tuple[Array, Array, Array], critical: float
) -> tuple[Panel, ...]:
    closed, exact, grid = curves
    top = float(closed.max(initial=0.0))
    doses = np.geomspace(p.half / 30, p.half * 30, 8 * p.points)
    kelvin = np.linspace(p.temperature - 10, p.temperature + 15, 8 * p.points)
    some = np.geomspace(p.half / 10, p.half * 10, 7)
    points = [_rate_of(reference_times(p, float(c), 0.25)) for c in some]
    capsaicin = [0.0, p.half / 4, p.dose]
    return (
        Panel("Rate against conductance", "TRPV1 conductance", "S", "rate", "Hz", (
            Series("closed form", g, closed, "reference"),
            Series("event-driven", g, exact, "model", "points"),
            Series(f"grid of {p.dt:g} s", g, np.where(np.isnan(grid), 0.0, 1.0 / grid)),
            Series("critical conductance", np.full(2, critical), np.array([0.0, top]), "context"),
        )),
        Panel("Rate against capsaicin", "capsaicin", "mol/m^3", "rate", "Hz", (
            *(Series(f"{p.temperature + d - 273.15:g} degC", doses,
                     p.rate(p.temperature + d, doses)) for d in (-5.0, 0.0, 5.0)),
            Series(f"solver, {p.temperature - 273.15:g} degC", some, np.array(points),
                   "reference", "points"),
        ), x_log=True),
        Panel("Rate against temperature", "temperature", "K", "rate", "Hz", tuple(
            Series("no capsaicin" if c == 0 else f"{c:.3g} mol/m^3", kelvin, p.rate(kelvin, c))
            for c in capsaicin
        )),
        _jump(p),
    )  # fmt: skip


def _jump(p: Parameters) -> Panel:
    """Capsaicin arrives after 0.1 s: the potential, and the solver's spikes."""
    onset, dt = 0.1, 5e-4
    g = p.conductance(p.temperature, np.array([0.0, p.dose]))
    trace = np.empty((600, 1))
    model = p.neuron()
    step = round(onset / dt)
    conductance_event.run(model, dt, 600, lambda k, _: p.load(g[int(k >= step)]), trace)

    def flow(t: float, y: Array) -> Array:
        on = g[int(t >= onset)]
        return np.array([(p.v_leak - y[0] + p.r * on * (p.e_trpv1 - y[0])) / p.tau_mem])

    times = ode.spike_times(model, flow, [p.v_leak], 600 * dt, [onset])
    return Panel("Capsaicin arrives at 0.1 s", "time", "s", "potential", "V", (
        Series("potential", np.arange(1, 601) * dt, trace[:, 0]),
        Series("spikes by the solver", times, np.full(times.size, p.v_th), "reference", "points"),
        Series("threshold", np.array([0.0, 600 * dt]), np.full(2, p.v_th), "context"),
    ))  # fmt: skip


SYSTEM = System(
    key="trpv1",
    number=1,
    title="TRPV1 nociceptor",
    question="By how much does capsaicin or heat raise the firing rate, and from which dose on?",
    equation=(
        "tau_mem dv/dt = v_leak - v + r g (e_trpv1 - v)\n"
        "tau = tau_mem / (1 + r g),  target = (v_leak + r g e_trpv1) / (1 + r g)\n"
        "rate = 1 / (t_ref + tau ln((target - v_reset) / (target - v_th)))\n"
        "g = g_max / (1 + exp((enthalpy - T entropy - z F (v_gate + shift H(dose))) / (R T)))\n"
        "H(c) = c^n / (c^n + half^n)"
    ),
    reference="closed form, event-driven run and SciPy's solver with events",
    sources=(CATERINA, VOETS, BOOK),
    stimulus="1 uM capsaicin at 35 degC; doses, temperatures and conductances swept",
    parameters=Parameters,
    run=run,
    bodies={
        "network": "conductance-based LIF with a held load, the same step",
        "rtl": "conductance-based unit; the decay factor of each load from a table",
        "spice": "capacitor with two OTAs, each referred to its reversal potential",
    },
)
