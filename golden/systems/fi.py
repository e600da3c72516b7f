"""System 5: firing rate against constant current, refractory period, rheobase and inverse.

The closed form of :mod:`lifstone.golden.fi` against two independent readings of the same
neuron: the event-driven solver, exact to rounding, and the time grid, which fires only at the
end of a step and whose rate therefore lies below by at most one step an interval.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .. import discrete, fi
from ..errors import require
from ..event import solve
from ..lif import Lif
from .parameter import quantity, validate
from .system import Check, Figure, Panel, Result, Series, System

__all__ = ["SYSTEM", "Parameters", "event_rate", "grid_rate", "run"]

Array = NDArray[np.float64]
BOOK = "Gerstner et al., Neuronal Dynamics (2014), equations 1.30 and 5.45"


@dataclass(frozen=True)
class Parameters:
    """A cortical-like neuron and the currents it is driven with."""

    tau_mem: float = quantity(20e-3, "s", "Membrane time constant.", above=0.0)
    r: float = quantity(100e6, "ohm", "Membrane resistance.", above=0.0)
    v_leak: float = quantity(-65e-3, "V", "Resting potential.")
    v_th: float = quantity(-50e-3, "V", "Threshold.")
    v_reset: float = quantity(-65e-3, "V", "Reset potential.")
    t_ref: float = quantity(2e-3, "s", "Refractory period.", low=0.0)
    i_max: float = quantity(1e-9, "A", "Largest current.", above=0.0)
    points: int = quantity(41, "1", "Currents from 0 to the largest.", low=2, high=10_000)
    dt: float = quantity(1e-4, "s", "Step of the time grid.", above=0.0)

    def __post_init__(self) -> None:
        validate(self)
        require(self.v_th > self.v_leak, "v_th", self.v_th, f"above v_leak = {self.v_leak:g} V")
        require(self.v_reset < self.v_th, "v_reset", self.v_reset, f"below {self.v_th:g} V")

    def neuron(self, n: int = 1) -> Lif:
        """The neuron, ``n`` times."""
        return Lif(
            tau_mem=self.tau_mem,
            r=self.r,
            v_leak=self.v_leak,
            v_th=self.v_th,
            v_reset=self.v_reset,
            t_ref=self.t_ref,
            n=n,
        )


def event_rate(lif: Lif, current: float, dt: float) -> float:
    """Rate in hertz from the interval between the first two spikes of the exact solution."""
    expected = float(fi.rate(lif, current))
    if expected == 0.0:
        return 0.0
    steps = int(np.ceil((3 / expected + float(lif.tau_mem[0])) / dt)) + 2
    times = solve(lif, np.full(min(steps, 200_000), current), dt).spike_times
    return float(1.0 / (times[1] - times[0])) if times.size > 1 else 0.0


def grid_rate(lif: Lif, currents: Array, dt: float, duration: float) -> Array:
    """Rate in hertz of the time grid, one neuron a current, ``(n,)``: from first to last spike."""
    c = discrete.discretise(lif, dt)
    state = discrete.initial_state(lif)
    first = np.full(currents.size, -1)
    last, count = np.zeros(currents.size), np.zeros(currents.size)
    for k in range(int(np.ceil(duration / dt))):
        state, fired = discrete.step(lif, c, state, currents)
        first = np.where(fired & (first < 0), k, first)
        last, count = np.where(fired, k, last), count + fired
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 1, (count - 1) / ((last - first) * dt), 0.0)


def run(p: Parameters) -> Result:
    """The F-I curve by closed form, event-driven solver and time grid."""
    currents = np.linspace(0.0, p.i_max, p.points)
    one = p.neuron()
    closed = fi.rate(one, currents)
    exact = np.array([event_rate(one, float(i), p.tau_mem) for i in currents])
    slowest = 1.0 / closed[closed > 0].min() if (closed > 0).any() else p.tau_mem
    grid = grid_rate(p.neuron(p.points), currents, p.dt, 12 * slowest + p.tau_mem)
    on = closed > 0
    worst = float(np.max(np.abs(exact[on] - closed[on]) / closed[on], initial=0.0))
    # The grid holds a whole number of steps: compare with the neuron that does so exactly.
    held = fi.rate(replace(one, t_ref=np.round(one.t_ref / p.dt) * p.dt), currents[on])
    fires = grid[on] > 0
    interval = np.where(fires, 1.0 / np.where(fires, grid[on], 1.0) - 1.0 / held, np.nan)
    late = float(np.max(np.abs(interval), initial=0.0))
    back = fi.current_for_rate(one, closed[on])
    inverse = float(np.max(np.abs(back - currents[on]) / currents[on], initial=0.0))
    threshold = fi.rheobase(one)
    curves = (
        Series("closed form", currents, closed, "reference"),
        Series("event-driven", currents, exact, "model", "points"),
        Series("time grid", currents, grid, "model"),
        Series("rheobase", np.full(2, threshold), np.array([0.0, closed[-1]]), "context"),
    )
    return Result(
        "fi",
        asdict(p),
        (
            Figure("rate at i_max", float(closed[-1]), "Hz"),
            Figure("rheobase", threshold, "A"),
        ),
        _checks(p, worst, late, inverse),
        (Panel("F-I curve", "current", "A", "rate", "Hz", curves),),
        (
            f"The grid of {p.dt:g} s lengthens an interval by less than one step, and rounds the "
            "refractory period to whole steps.",
        ),
    )


def _checks(p: Parameters, worst: float, late: float, inverse: float) -> tuple[Check, ...]:
    return (
        Check.absolute(
            "largest relative error of the rate", worst, 0.0, 1e-9, "1", "event-driven solver",
            "both are closed forms; rounding of the spike times",
        ),
        Check.absolute(
            "largest error of an interval on the grid", late, 0.0, p.dt, "s", "closed form",
            "a spike waits for the end of its step: less than one step",
        ),
        Check.absolute(
            "largest relative error of the inverse", inverse, 0.0, 1e-9, "1", "closed form",
            "current_for_rate inverts rate; rounding",
        ),
    )  # fmt: skip


SYSTEM = System(
    key="fi",
    number=5,
    title="F-I curve",
    question="How fast does the neuron fire for a constant current, and from which current on?",
    equation="T = t_ref + tau_mem ln((r I + v_leak - v_reset) / (r I + v_leak - v_th))",
    reference="closed form against the event-driven solver and the time grid",
    sources=(BOOK,),
    stimulus="constant currents from 0 to 1 nA",
    parameters=Parameters,
    run=run,
    bodies={
        "network": "one neuron a current, the same grid",
        "rtl": "the current-based core under constant bias, exact to the contract",
        "spice": "capacitor and OTA in the linear range, rate from the simulated intervals",
    },
)
