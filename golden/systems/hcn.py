"""System 2: a pacemaker whose rhythm comes from HCN channels, and what mutations do to it.

The channel opens on hyperpolarisation, so that every reset recharges the drive to the next
spike: the neuron fires without input. A channelopathy is a smaller conductance or a curve
shifted to more negative potentials; cAMP shifts the curve the other way.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import exp

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import ode
from ..averaging import averaged_rate
from ..errors import require
from ..gated import GatedNeuron, Recorded, simulate
from ..gating import Gate, hill
from ..lif import Lif
from .parameter import quantity, validate
from .system import Check, Figure, Panel, Result, Series, System

__all__ = ["SYSTEM", "Parameters", "run"]

Array = NDArray[np.float64]
Flow = ode.Flow
RELAY = "Huguenard & McCormick, J. Neurophysiol. 68, 1373 (1992)"
REVIEW = "Robinson & Siegelbaum, Annu. Rev. Physiol. 65, 453 (2003)"
CAMP = "DiFrancesco & Tortora, Nature 351, 145 (1991)"
FAMILY = "Milanesi et al., N. Engl. J. Med. 354, 151 (2006)"


@dataclass(frozen=True)
class Parameters:
    """Membrane, channel, cAMP and the two mutations."""

    tau_mem: float = quantity(50e-3, "s", "Membrane time constant.", above=0.0)
    r: float = quantity(200e6, "ohm", "Membrane resistance.", above=0.0)
    v_leak: float = quantity(-58e-3, "V", "Resting potential without the channel.")
    v_th: float = quantity(-52e-3, "V", "Threshold.")
    v_reset: float = quantity(-75e-3, "V", "Reset potential, the afterhyperpolarisation.")
    t_ref: float = quantity(2e-3, "s", "Refractory period.", above=0.0)
    g_h: float = quantity(15e-9, "S", "HCN conductance with all channels open.", low=0.0)
    e_h: float = quantity(-30e-3, "V", "Reversal potential.", source=f"within {REVIEW}")
    v_half: float = quantity(-75e-3, "V", "Half-activation without cAMP.", source=RELAY)
    slope: float = quantity(
        8e-3, "V", "Slope of the activation curve.", source=f"within {REVIEW}", above=0.0
    )
    rate_a: float = quantity(
        1e3 * float(np.exp(-14.59)), "1/s", "Opening rate at 0 V.", source=RELAY, above=0.0
    )
    slope_a: float = quantity(1 / 86.0, "V", "Its voltage scale.", source=RELAY, above=0.0)
    rate_b: float = quantity(
        1e3 * float(np.exp(-1.87)), "1/s", "Closing rate at 0 V.", source=RELAY, above=0.0
    )
    slope_b: float = quantity(1 / 70.1, "V", "Its voltage scale.", source=RELAY, above=0.0)
    camp: float = quantity(0.25e-3, "mol/m^3", "cAMP (1e-3 mol/m^3 is 1 uM).", low=0.0)
    camp_half: float = quantity(
        0.21e-3, "mol/m^3", "cAMP of half the shift.", source=f"about that of {CAMP}", above=0.0
    )
    camp_exponent: float = quantity(
        0.85, "1", "Hill coefficient of cAMP.", source=f"about that of {CAMP}", above=0.0
    )
    camp_shift: float = quantity(
        11e-3, "V", "Shift by saturating cAMP.", source=f"about that of {CAMP}", low=0.0
    )
    reduced: float = quantity(
        0.7, "1", "Conductance left in the first channelopathy.", low=0.0, high=1.0
    )
    mutant_shift: float = quantity(
        -5e-3, "V", "Shift of half-activation in the second.", source=f"about that of {FAMILY}"
    )
    points: int = quantity(21, "1", "Points of a curve.", low=3, high=500)
    duration: float = quantity(5.0, "s", "Length of a run.", low=0.5, high=100.0)
    dt: float = quantity(2e-3, "s", "Step of the gate.", above=0.0, high=0.05)

    def __post_init__(self) -> None:
        validate(self)
        require(self.v_th > self.v_leak, "v_th", self.v_th, f"above v_leak = {self.v_leak:g} V")
        require(self.v_reset < self.v_th, "v_reset", self.v_reset, f"below {self.v_th:g} V")
        require(self.e_h > self.v_th, "e_h", self.e_h, f"above v_th = {self.v_th:g} V")

    def gate(self) -> Gate:
        """The channel's gate without cAMP."""
        return Gate(self.v_half, -self.slope, self.rate_a, self.slope_a, self.rate_b, self.slope_b)

    def shift(self, camp: ArrayLike) -> Array:
        """Volts by which cAMP moves the activation curve."""
        return np.asarray(self.camp_shift * hill(camp, self.camp_half, self.camp_exponent))

    def neuron(
        self, g: ArrayLike, shift: ArrayLike, v_init: ArrayLike | None = None
    ) -> GatedNeuron:
        """Neurons with conductances ``g`` and shifted curves, which broadcast to ``(n,)``."""
        wide, moved = np.broadcast_arrays(np.atleast_1d(g), np.atleast_1d(shift))
        lif = Lif(
            tau_mem=self.tau_mem,
            r=self.r,
            v_leak=self.v_leak,
            v_th=self.v_th,
            v_reset=self.v_reset,
            v_init=self.v_leak if v_init is None else v_init,
            t_ref=self.t_ref,
            n=wide.size,
        )
        return GatedNeuron(lif, self.gate(), wide, self.e_h, moved)

    @property
    def steps(self) -> int:
        """Steps of a run."""
        return int(np.ceil(self.duration / self.dt))

    def late_rates(self, neuron: GatedNeuron) -> Array:
        """Rates in hertz over the last fifth of a run, ``(n,)``."""
        return simulate(neuron, self.dt, self.steps).spikes.rates(0.8 * self.duration)


def written_out(p: Parameters, g: float, shift: float) -> Flow:
    """``(dv/dt, dx/dt)`` of the equations as they stand above, for the reference."""

    def flow(_: float, y: Array) -> Array:
        v, x = float(y[0]), float(y[1])
        u = v - shift
        x_inf = 1.0 / (1.0 + exp((u - p.v_half) / p.slope))
        rate = p.rate_a * exp(-u / p.slope_a) + p.rate_b * exp(u / p.slope_b)
        dv = (p.v_leak - v + p.r * g * x * (p.e_h - v)) / p.tau_mem
        return np.array([dv, (x_inf - x) * rate])

    return flow


def reference_times(p: Parameters, g: float, shift: float) -> Array:
    """Spike times of one neuron by a general solver, from v_leak with the gate settled."""
    x = 1.0 / (1.0 + exp((p.v_leak - shift - p.v_half) / p.slope))
    lif = p.neuron(g, shift).lif
    return ode.spike_times(lif, written_out(p, g, shift), [p.v_leak, x], p.steps * p.dt)


@dataclass(frozen=True, eq=False)
class Curves:
    """Rates of the sweeps, each over its abscissa."""

    g: Array
    from_rest: Array
    from_reset: Array
    averaged: Array
    shift: Array
    shifted: Array
    shifted_reduced: Array
    camp: Array
    healthy: Array
    mutant: Array


def sweep(p: Parameters) -> Curves:
    """Rate against conductance, against shift and against cAMP, all in one run."""
    basal, n = float(p.shift(p.camp)), p.points
    g = p.g_h * np.linspace(0.4, 1.6, n)
    shift = np.linspace(-10e-3, 10e-3, n)
    camp = np.geomspace(p.camp_half / 100, p.camp_half * 100, n)
    rows = [
        (np.full(n, p.g_h), basal + shift),
        (np.full(n, p.g_h * p.reduced), basal + shift),
        (np.full(n, p.g_h), p.shift(camp)),
        (np.full(n, p.g_h), p.shift(camp) + p.mutant_shift),
    ]
    flat = [np.concatenate([row[k] for row in rows]) for k in (0, 1)]
    rates = p.late_rates(p.neuron(flat[0], flat[1])).reshape(len(rows), n)
    # One neuron starts after a reset, the other where it can rest, if it can.
    rest = p.neuron(g, basal).resting_potential()
    start = np.concatenate([np.full(n, p.v_reset), np.where(np.isnan(rest), p.v_leak, rest)])
    reset, rested = p.late_rates(p.neuron(np.tile(g, 2), basal, start)).reshape(2, n)
    slow = np.array([averaged_rate(p.neuron(one, basal)) for one in g])
    full, reduced, healthy, mutant = rates
    return Curves(g, rested, reset, slow, shift, full, reduced, camp, healthy, mutant)


def run(p: Parameters) -> Result:
    """Rhythm, channelopathies, cAMP, and the curves between them."""
    basal = float(p.shift(p.camp))
    cases = p.neuron(
        p.g_h * np.array([1.0, p.reduced, 1.0, 1.0]),
        basal + np.array([0.0, 0.0, p.mutant_shift, p.camp_shift - basal]),
    )
    healthy = p.neuron(p.g_h, basal)
    rates = p.late_rates(cases)
    recorded = simulate(healthy, p.dt, p.steps, record=True)
    times = reference_times(p, p.g_h, basal)
    curves = sweep(p)
    wild, small, moved, full = (float(v) for v in rates)
    slow = averaged_rate(healthy)
    m = min(int((times < 1.0).sum()), recorded.spikes.times.size)
    moved_by = float(np.abs(recorded.spikes.times[:m] - times[:m]).max(initial=0.0))
    silent = float(healthy.silencing_conductance()[0])
    return Result(
        "hcn",
        asdict(p),
        (
            Figure("spontaneous rate", wild, "Hz"),
            Figure("rate with reduced conductance", small, "Hz"),
            Figure("rate with shifted half-activation", moved, "Hz"),
            Figure("rate with saturating cAMP", full, "Hz"),
            Figure("rate lost by the reduced conductance", wild - small, "Hz"),
            Figure("rate lost by the shifted half-activation", wild - moved, "Hz"),
            Figure("largest conductance with a resting state", silent, "S"),
        ),
        _checks(p, recorded, times),
        _panels(p, recorded, times, curves, silent),
        (
            f"The step of {p.dt:g} s moves the first second's spikes by up to {moved_by:.2g} s.",
            f"Averaging over a slow gate gives {slow:.5g} Hz instead of {wild:.5g} Hz.",
            "cAMP and mutations move activation and time constant together; cAMP is constant.",
        ),
    )


def _checks(p: Parameters, found: Recorded, times: Array) -> tuple[Check, ...]:
    basal = float(p.shift(p.camp))
    neuron = p.neuron(p.g_h, basal)
    half = simulate(neuron, p.dt / 2, 2 * p.steps).spikes.rates(0.8 * p.duration)
    rate = float(found.spikes.rates(0.8 * p.duration)[0])
    coarse, finer, wanted = _first_second(p, times)
    halving = float(np.abs(coarse - finer).max(initial=0.0))
    # Second order: a third of what halving the step changes is what is left.
    better = finer + (finer - coarse) / 3.0
    worst, left = (float(np.abs(row - wanted).max(initial=0.0)) for row in (coarse, better))
    gate, clamp = neuron.gate, p.v_reset
    goal = float(gate.steady(clamp, basal))

    def clamped(t: float, y: Array) -> Array:
        return written_out(p, p.g_h, basal)(t, np.array([clamp, y[0]]))[1:]

    held = float(ode.integrate(clamped, [0.0], [0.0, 30 * float(gate.tau(clamp, basal))])[-1, 0])
    rest = _resting_potential(p, neuron)
    return (
        Check.absolute("rate", rate, _late(times, p), 2.0 * abs(rate - float(half[0])) + 1e-6,
                       "Hz", "solve_ivp with events", "twice what halving the step changes"),
        Check.absolute("largest error of a spike time, a quarter of the step", worst, 0.0,
                       1.5 * halving + 1e-9, "s", "solve_ivp with events",
                       "second order: four thirds of what halving the step changes"),
        Check.absolute("the same, extrapolated from two steps", left, 0.0, halving / 10 + 1e-9,
                       "s", "solve_ivp with events", "what is left beyond the second order"),
        Check.relative("gate after a long voltage clamp", goal, held, 1e-9, "1",
                       "solve_ivp", "tolerance 1e-10 of the solver"),
        Check.absolute("resting potential at the largest conductance that has one", rest,
                       p.v_th, 1e-9, "V", "solve_ivp without threshold",
                       "the resting state ends where it meets the threshold"),
    )  # fmt: skip


def _first_second(p: Parameters, times: Array) -> list[Array]:
    """Spikes of the first second with a quarter and an eighth of the step, and by the solver."""
    neuron = p.neuron(p.g_h, p.shift(p.camp))
    steps = max(round(min(1.0, p.duration) / p.dt), 1)
    rows = [simulate(neuron, p.dt / k, k * steps).spikes.times for k in (4, 8)]
    rows.append(times[times < steps * p.dt])
    m = min(row.size for row in rows)
    return [row[:m] for row in rows]


def _resting_potential(p: Parameters, neuron: GatedNeuron) -> float:
    """Where potential and gate settle without threshold, at the silencing conductance."""
    g, shift = float(neuron.silencing_conductance()[0]), float(neuron.shift[0])
    start = [p.v_th - 5e-3, float(neuron.gate.steady(p.v_th, shift))]
    end = 40 * (float(neuron.gate.tau(p.v_th, shift)) + p.tau_mem)
    return float(ode.integrate(written_out(p, g, shift), start, [0.0, end])[-1, 0])


def _panels(
    p: Parameters, found: Recorded, times: Array, c: Curves, silent: float
) -> tuple[Panel, ...]:
    assert found.v is not None
    shown = min(len(found.v), int(1.0 / p.dt))
    t = np.arange(1, shown + 1) * p.dt
    early = times[times <= t[-1]]
    top = max(float(c.from_rest.max()), 1.0)
    basal = float(p.shift(p.camp))
    some = np.array([-5e-3, 5e-3])
    solved = [_late(reference_times(p, p.g_h, basal + float(s)), p) for s in some]
    return (
        Panel("Rhythm without input", "time", "s", "potential", "V", (
            Series("potential", t, found.v[:shown, 0]),
            Series("spikes by the solver", early, np.full(early.size, p.v_th), "reference",
                   "points"),
            Series("threshold", t[[0, -1]], np.full(2, p.v_th), "context"),
        )),
        Panel("Rate against conductance", "HCN conductance", "S", "rate", "Hz", (
            Series("started at rest", c.g, c.from_rest, "model", "points"),
            Series("started after a reset", c.g, c.from_reset),
            Series("slow-gate average", c.g, c.averaged, "reference"),
            Series("resting state ends", np.full(2, silent), np.array([0.0, top]), "context"),
        )),
        Panel("Rate against shift of half-activation", "shift", "V", "rate", "Hz", (
            Series("full conductance", c.shift, c.shifted),
            Series(f"{p.reduced:g} of it", c.shift, c.shifted_reduced),
            Series("solver", some, np.array(solved), "reference", "points"),
        )),
        Panel("Rate against cAMP", "cAMP", "mol/m^3", "rate", "Hz", (
            Series("healthy", c.camp, c.healthy),
            Series(f"shifted by {p.mutant_shift:g} V", c.camp, c.mutant),
        ), x_log=True),
    )  # fmt: skip


def _late(times: Array, p: Parameters) -> float:
    late = times[times >= 0.8 * p.duration]
    return float((late.size - 1) / (late[-1] - late[0])) if late.size > 1 else 0.0


SYSTEM = System(
    key="hcn",
    number=2,
    title="HCN pacemaker",
    question="How fast does the neuron fire by itself, and what do channelopathies and cAMP do?",
    equation=(
        "tau_mem dv/dt = v_leak - v + r g_h x (e_h - v)\n"
        "dx/dt = (x_inf(v - shift) - x) / tau(v - shift)\n"
        "x_inf(v) = 1 / (1 + exp((v - v_half) / slope))\n"
        "tau(v) = 1 / (rate_a exp(-v / slope_a) + rate_b exp(v / slope_b))\n"
        "shift = camp_shift c^n / (c^n + camp_half^n) + mutant_shift"
    ),
    reference="SciPy's solver with events, the resting state in closed form, slow-gate averaging",
    sources=(REVIEW, RELAY, CAMP, FAMILY),
    stimulus="none: the rhythm is spontaneous",
    parameters=Parameters,
    run=run,
    bodies={
        "network": "gate, conductance and membrane of one step, in this order",
        "rtl": "conductance-based unit; sigmoid and time constant from tables",
        "spice": "the differential pair is the activation curve, a second OTA its time constant",
    },
)
