"""System 8: a thalamic relay under pallidal inhibition, healthy and parkinsonian.

Cortical pulses should pass as single spikes. The globus pallidus inhibits the cell at the same
mean rate in four patterns: smooth inhibition lets the pulses pass, synchronous bursts leave gaps
and rebounds, so that pulses are missed and spikes come that no pulse asked for (Rubin & Terman,
J. Comput. Neurosci. 16, 211 (2004), who define the error index used here).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from ..conductance import critical_conductance
from ..pallidum import Pattern, afferent_spikes, filtered
from ..relay import RelayCell, gate_after, initial_state, step
from .parameter import quantity, validate
from .system import Check, Figure, Panel, Result, Series, System

__all__ = [
    "SYSTEM",
    "Parameters",
    "critical_excitation",
    "error_index",
    "pulses",
    "reference_spikes",
    "run",
    "simulate",
]

Array = NDArray[np.float64]
Bits = NDArray[np.bool_]
SMITH = "Smith et al. 2000"
WINDOW = 15e-3
FIRST = 0.2


@dataclass(frozen=True)
class Parameters:
    """The relay cell, its pulses and its inhibition."""

    g_t: float = quantity(14e-9, "S", "T conductance; 0 for no rebound.", source=SMITH, low=0.0)
    current: float = quantity(40e-12, "A", "Constant depolarising current.")
    g_pulse: float = quantity(50e-9, "S", "Excitatory conductance of a cortical pulse.", low=0.0)
    width: float = quantity(5e-3, "s", "Duration of a pulse.", above=0.0)
    period: float = quantity(100e-3, "s", "From pulse to pulse.", above=20e-3)
    rate: float = quantity(70.0, "Hz", "Rate of a pallidal afferent.", low=0.0, high=150.0)
    afferents: int = quantity(8, "1", "Pallidal afferents.", low=1, high=1000)
    g_inh: float = quantity(0.5e-9, "S", "Conductance that an afferent's spike adds.", low=0.0)
    tau_inh: float = quantity(10e-3, "s", "Its time constant.", above=0.0)
    duration: float = quantity(6.0, "s", "Seconds of each condition.", above=1.0, high=600.0)
    trials: int = quantity(4, "1", "Repetitions of the healthy and parkinsonian regime.", low=2)
    dt: float = quantity(0.5e-3, "s", "Time step.", above=0.0, high=2e-3)
    seed: int = quantity(0, "1", "Seed of the afferents.", low=0)

    def __post_init__(self) -> None:
        validate(self)

    def cell(self) -> RelayCell:
        """The relay cell."""
        return RelayCell(g_t=self.g_t, current=self.current)


def pulses(p: Parameters) -> tuple[Array, Array]:
    """Excitatory conductance of each step, and the start of each pulse."""
    starts: Array = np.arange(FIRST, p.duration - p.period / 2, p.period)
    t = np.arange(int(np.ceil(p.duration / p.dt))) * p.dt
    inside = (t[:, None] >= starts - 1e-12) & (t[:, None] < starts + p.width - 1e-12)
    return np.where(inside.any(axis=1), p.g_pulse, 0.0), starts


def _inhibition(p: Parameters, pattern: Pattern, seed: int) -> Array:
    spikes = afferent_spikes(pattern, p.rate, p.afferents, p.duration, p.dt, seed)
    return filtered(spikes, p.g_inh, p.tau_inh, p.dt)


def simulate(p: Parameters, g_exc: Array, g_inh: Array) -> tuple[Array, Bits]:
    """Potential and spikes, ``(steps, columns)``, of conductances ``(steps, columns)``."""
    cell = p.cell()
    columns = g_inh.shape[1]
    membrane = cell.membrane(columns)
    state = initial_state(cell, (columns,))
    v, spikes = np.empty(g_inh.shape), np.zeros(g_inh.shape, dtype=np.bool_)
    exc = np.broadcast_to(g_exc if g_exc.ndim == 2 else g_exc[:, None], g_inh.shape)
    for k in range(len(g_inh)):
        state, spikes[k] = step(cell, membrane, p.dt, state, exc[k], g_inh[k])
        v[k] = state.v
    return v, spikes


def error_index(spikes: Bits, starts: Array, dt: float) -> float:
    """Errors a pulse: missed pulses, pulses answered more than once, and spurious events.

    Spikes outside the windows of 15 ms after pulses that lie less than 25 ms apart are one
    event; what falls before the first pulse does not count.
    """
    times = (np.flatnonzero(spikes) + 1) * dt
    times = times[times > starts[0]]
    inside = (times[:, None] > starts) & (times[:, None] <= starts + WINDOW)
    answers = inside.sum(axis=0)
    outside = times[~inside.any(axis=1)]
    events = int(outside.size > 0) + int((np.diff(outside) > 25e-3).sum())
    return float(((answers == 0).sum() + (answers > 1).sum() + events) / starts.size)


def _errors(p: Parameters, patterns: list[Pattern]) -> Array:
    """Error index of each trial and pattern, ``(trials, patterns)``."""
    g_exc, starts = pulses(p)
    seeds = [p.seed + 100 * k for k in range(p.trials)]
    inhibition = np.stack([_inhibition(p, q, s) for s in seeds for q in patterns], axis=1)
    _, spikes = simulate(p, g_exc, inhibition)
    found = [error_index(spikes[:, c], starts, p.dt) for c in range(spikes.shape[1])]
    return np.array(found).reshape(p.trials, len(patterns))


def reference_spikes(p: Parameters, g_exc: Array, g_inh: Array) -> Array:
    """Spike times of one cell by an adaptive integrator at tolerance 1e-9, without this grid.

    Conductances are held over each step, as they are there; crossings of the threshold and of
    the T current's edge are found by the integrator's root finder.
    """
    cell = p.cell()
    t, y, free_from = 0.0, np.array(initial_state(cell, (1,))[:2]).ravel(), 0.0
    times: list[float] = []

    def slope(_: float, y: Array, k: int, above: bool, held: bool) -> Array:
        v, h = y
        g_t = cell.g_t * h if above else 0.0
        total = cell.g_leak * (cell.v_leak - v) + cell.current + g_t * (cell.e_t - v)
        total += g_exc[k] * (cell.e_exc - v) + g_inh[k] * (cell.e_inh - v)
        dh = -h / cell.tau_minus if above else (1.0 - h) / cell.tau_plus
        return np.array([0.0 if held else total / cell.capacitance, dh])

    def fire(_: float, y: Array, *__: object) -> float:
        return float(y[0] - cell.v_th)

    def edge(_: float, y: Array, *__: object) -> float:
        return float(y[0] - cell.v_h)

    fire.terminal = edge.terminal = True  # type: ignore[attr-defined]
    fire.direction = 1.0  # type: ignore[attr-defined]
    above = bool(y[0] > cell.v_h)
    for k in range(g_exc.size):
        end = (k + 1) * p.dt
        while t < end - 1e-15:
            held = t < free_from - 1e-12
            stop = min(end, free_from) if held else end
            found = solve_ivp(
                slope, (t, stop), y, events=None if held else (fire, edge),
                args=(k, above, held), rtol=1e-9, atol=1e-12, max_step=p.dt,
            )  # fmt: skip
            t, y = float(found.t[-1]), found.y[:, -1]
            if held or found.status == 0:
                continue
            if found.t_events is not None and found.t_events[0].size:
                times.append(t)
                y[0], above, free_from = cell.v_reset, True, t + cell.t_ref
            else:
                above = not above
                y[0] = cell.v_h + (1e-9 if above else -1e-9)
    return np.array(times)


def critical_excitation(p: Parameters, g_inh: float) -> float:
    """Sustained excitation above which the cell without T current fires, by bisection on the grid.

    Siemens, to a relative 1e-7; the grid's own answer, found by running it.
    """
    quiet = replace(p, g_t=0.0)
    cell = quiet.cell()
    low, high = 0.0, 1e-6
    steps = int(np.ceil(30 * cell.capacitance / cell.g_leak / p.dt))
    while high - low > 1e-7 * high:
        tried = np.linspace(low, high, 34)[1:-1]
        state, membrane = initial_state(cell, (tried.size,)), cell.membrane(tried.size)
        fired = np.zeros(tried.size, dtype=np.bool_)
        for _ in range(steps):
            state, spikes = step(cell, membrane, p.dt, state, tried, np.full(tried.size, g_inh))
            fired |= spikes
        low = float(tried[~fired].max(initial=low))
        high = float(tried[fired].min(initial=high))
    return high


def run(p: Parameters) -> Result:
    """Regimes, rates, timing and coupling; the cell against integrator and closed forms."""
    regimes = _errors(p, [Pattern.IRREGULAR, Pattern.SYNCHRONOUS])
    healthy, sick = regimes.mean(axis=0)
    spread = regimes.std(axis=0, ddof=1) / np.sqrt(p.trials)
    brief = replace(p, duration=min(p.duration, 1.5))
    g_exc, _ = pulses(brief)
    g_inh = _inhibition(brief, Pattern.SYNCHRONOUS, p.seed)
    _, spikes = simulate(brief, g_exc, g_inh[:, None])
    grid = (np.flatnonzero(spikes[:, 0]) + 1) * p.dt
    exact = reference_spikes(brief, g_exc, g_inh)
    apart = float(np.abs(grid - exact).max()) if grid.size == exact.size else float("inf")
    inhibition = p.g_inh * p.rate * p.afferents * p.tau_inh
    found = critical_excitation(p, inhibition)
    cell = p.cell()
    closed = _critical_closed(cell, inhibition)
    waits = np.array([20e-3, 50e-3, 100e-3, 200e-3])
    recovered = _recovery(p, waits)
    wrong = float(np.abs(recovered - gate_after(cell, 0.0, waits)).max())
    return Result(
        "thalamus",
        asdict(p),
        (
            Figure("error index, healthy (irregular)", float(healthy), "1", float(spread[0])),
            Figure("error index, parkinsonian (synchronous)", float(sick), "1", float(spread[1])),
            Figure("critical sustained excitation", found, "S"),
        ),
        (
            Check.absolute("largest distance of a spike from the integrator's", apart, 0.0,
                           2 * p.dt, "s", "adaptive integrator at 1e-9",
                           "a spike waits for the end of its step, the gate for the next"),
            Check.relative("critical sustained excitation", found, closed, 1e-6, "S",
                           "closed form without T current", "bisection to 1e-7"),
            Check.absolute("recovery of the T current: largest error", wrong, 0.0, 1e-9, "1",
                           "closed form", "the gate's step is exact on its side"),
            Check.absolute("healthy over parkinsonian error", float(healthy / max(sick, 1e-9)),
                           0.0, 0.5, "1", "fewer errors under smooth inhibition",
                           "the finding of Rubin & Terman: at most half as many"),
        ),
        _panels(p, g_exc, g_inh),
        (
            f"At dt = {p.dt:g} s spikes lie within {apart / p.dt:.2f} steps of the integrator's.",
        ),
    )  # fmt: skip


def _critical_closed(cell: RelayCell, g_inh: float) -> float:
    """Closed form: what excitation must bring against leak, inhibition and current."""
    pull = g_inh * (cell.e_inh - cell.v_th)
    return float(critical_conductance(cell.membrane(), cell.e_exc, cell.current + pull)[0])


def _recovery(p: Parameters, waits: Array) -> Array:
    """Gate of a cell held far below ``v_h`` from a gate of 0, after each of ``waits``."""
    cell = RelayCell(g_t=p.g_t, current=-0.5e-9)
    state = initial_state(cell, (1,))._replace(h=np.zeros(1))
    membrane, out = cell.membrane(), []
    for k in range(1, round(float(waits.max()) / p.dt) + 1):
        state, _ = step(cell, membrane, p.dt, state, np.zeros(1), np.zeros(1))
        if np.isclose(k * p.dt, waits, atol=p.dt / 4).any():
            out.append(float(state.h[0]))
    return np.array(out)


def _panels(p: Parameters, g_exc: Array, g_inh: Array) -> tuple[Panel, ...]:
    brief = replace(p, duration=1.5)
    smooth = _inhibition(brief, Pattern.IRREGULAR, p.seed)
    pulse, _ = pulses(brief)
    v, _ = simulate(brief, pulse, np.stack([smooth, _inhibition(
        brief, Pattern.SYNCHRONOUS, p.seed)], axis=1))  # fmt: skip
    t = (np.arange(len(v)) + 1) * p.dt
    part = (t > 0.5) & (t < 1.2)
    few = replace(p, trials=2, duration=min(p.duration, 3.0))
    rates = np.linspace(10.0, 100.0, 7)
    strengths = p.g_inh * np.array([0.25, 0.5, 1.0, 1.5, 2.0, 3.0])
    by_rate = np.array([_errors(replace(few, rate=float(r)), list(Pattern)).mean(axis=0)
                        for r in rates])  # fmt: skip
    by_strength = np.array([_errors(replace(few, g_inh=float(g)), list(Pattern)).mean(axis=0)
                            for g in strengths])  # fmt: skip
    delays, answer = _timing(p)
    return (
        Panel(
            "Potential", "time", "s", "potential", "V",
            (Series("healthy: irregular", t[part], v[part, 0]),
             Series("parkinsonian: synchronous", t[part], v[part, 1]),
             Series("cortical pulses", t[part],
                    np.where(pulse[part] > 0, -30e-3, -90e-3), "context", "steps")),
        ),
        Panel(
            "Errors against pallidal rate", "rate of an afferent", "Hz", "error index", "1",
            tuple(Series(str(q), rates, by_rate[:, k]) for k, q in enumerate(Pattern)),
        ),
        Panel(
            "Errors against coupling", "inhibitory conductance of a spike", "S", "error index", "1",
            tuple(Series(str(q), strengths, by_strength[:, k]) for k, q in enumerate(Pattern)),
        ),
        Panel(
            "Timing: a pulse after one synchronous burst", "pulse after burst", "s",
            "spikes for the pulse", "1",
            (Series("spikes", delays, answer, "model", "steps"),),
        ),
    )  # fmt: skip


def _timing(p: Parameters) -> tuple[Array, Array]:
    """Spikes that a pulse evokes at each delay after the start of one burst of all afferents."""
    delays = np.arange(0.0, 0.15, 2.5e-3)
    steps = round(0.6 / p.dt)
    spikes = np.zeros(steps, dtype=np.int64)
    start = round(0.3 / p.dt)
    for k in range(5):
        spikes[start + round(4e-3 * k / p.dt)] = p.afferents
    g_inh = np.repeat(filtered(spikes, p.g_inh, p.tau_inh, p.dt)[:, None], delays.size, axis=1)
    t = np.arange(steps)[:, None] * p.dt
    on = (t >= 0.3 + delays - 1e-12) & (t < 0.3 + delays + p.width - 1e-12)
    _, fired = simulate(p, np.where(on, p.g_pulse, 0.0), g_inh)
    window = (t >= 0.3 + delays) & (t < 0.3 + delays + WINDOW)
    return delays, (fired & window).sum(axis=0).astype(np.float64)


SYSTEM = System(
    key="thalamus",
    number=8,
    title="Thalamic relay gated by the pallidum",
    question="When does the relay pass cortical pulses faithfully, and when does it not?",
    equation="C dv/dt = g_L (v_leak - v) + g_T [v > v_h] h (e_T - v) + g_E (e_E - v) "
    "+ g_I (e_I - v) + i\ndh/dt = -h / tau_minus above v_h, (1 - h) / tau_plus below",
    reference="adaptive integrator; closed forms of critical excitation and of recovery",
    sources=(
        "Rubin & Terman, J. Comput. Neurosci. 16, 211 (2004)",
        "Smith, Cox, Sherman & Rinzel, J. Neurophysiol. 83, 588 (2000), equations 1 to 3",
    ),
    stimulus="cortical pulses of 5 ms every 100 ms; eight pallidal afferents at 70 Hz",
    parameters=Parameters,
    run=run,
    bodies={
        "network": "relay cells with conductances, stepped together",
        "rtl": "a network core of conductance-based units; the gate by table",
        "spice": "several analog neurons with reversal-referenced conductances",
    },
)
