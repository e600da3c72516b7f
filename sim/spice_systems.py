"""Systems 1, 2, 3, 6 and 8 as circuits: membranes with channels, against the float models.

Each case builds the channels of the system (:mod:`lifstone.analog.channels`), runs the circuit
and gives what it did beside what the float reference says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..analog import Transient, simulate, spike_times
from ..analog.channels import FARAD, Scale, channel, gate, kinetics, scaled, steps, synapse
from ..analog.netlist import NEVER
from ..analog.run import Waveform
from ..golden import conductance_event
from ..golden.errors import require
from ..golden.gated import simulate as simulate_gated
from ..golden.photoneuron import simulate as simulate_photo
from ..golden.postsynaptic import potential
from ..golden.systems import chr2, hcn, summation, thalamus, trpv1

__all__ = ["CASES", "Waves", "run_case"]

Array = NDArray[np.float64]
EDGE = 50e-6
"""Volts over which the T current's edge opens."""


@dataclass(frozen=True, eq=False)
class Waves:
    """What a circuit did and what it should have done.

    ``found`` and ``expected`` are spike times in seconds, or with ``times`` potentials in volts
    at those; ``tolerance`` in the same unit, with its reason; ``waveform`` in the model's volts.
    """

    found: Array
    expected: Array
    tolerance: float
    unit: str
    because: str
    stimulus: str
    against: str
    t: Array
    v: Array
    times: Array | None = None


def _run(s: Scale, transient: Transient, channels: list[str]) -> Waveform:
    return simulate(s.neuron, transient, 0.0, channels)


def _spikes(
    s: Scale, w: Waveform, expected: Array, tolerance: float, because: str, stimulus: str,
    against: str,
) -> Waves:  # fmt: skip
    v = w.mem / s.volts + s.rest
    return Waves(spike_times(w), expected, tolerance, "s", because, stimulus, against, w.t, v)


def _quiet(count: int, dt: float, fine: int) -> Transient:
    return Transient(np.zeros(count), dt, dt / fine)


def _trpv1() -> Waves:
    p = trpv1.Parameters()
    dt, count, onset = 1e-3, 300, 100
    g = p.conductance(p.temperature, np.array([0.0, p.dose]))
    on = np.where(np.arange(count) >= onset, g[1], g[0])
    model = p.neuron()
    s = scaled(model)
    transient = _quiet(count, dt, 20)
    lines = [*steps("trp", on * float(model.r[0]), transient), channel(s, "trp", p.e_trpv1)]
    exact = conductance_event.run(model, dt, count, lambda k, _: p.load(on[k : k + 1]))
    return _spikes(
        s, _run(s, transient, lines), exact.of(0), 50e-6,
        "the OTA's tanh: a reversal ten thresholds away lowers a conductance by 0.1 %",
        "1 uM capsaicin at 35 degC from 0.1 s on, 0.3 s", "event-driven solution",
    )  # fmt: skip


def _hcn() -> Waves:
    p = replace(hcn.Parameters(), dt=2e-4, duration=1.0)
    shift = float(p.shift(p.camp))
    cell = p.neuron(p.g_h, shift)
    s = scaled(cell.lif)
    transient = _quiet(100, 10e-3, 100)
    strength = p.g_h * p.r
    lines = [*gate(s, "hcn", p.gate(), shift, strength), channel(s, "hcn", p.e_h)]
    exact = simulate_gated(cell, p.dt, p.steps).spikes.of(0)
    return _spikes(
        s, _run(s, transient, lines), exact, 0.1e-3,
        "the OTA's tanh, whose errors a pacemaker adds up: 1e-4 of the run",
        "none: it fires by itself, 1 s", "second-order solution at 0.2 ms",
    )  # fmt: skip


def _chr2() -> Waves:
    p = chr2.Parameters()
    neuron = p.neuron(p.kinetics)
    s = scaled(neuron.lif)
    dt, count = 1e-3, 400
    light = np.where((np.arange(count) >= 20) & (np.arange(count) < 320), 1, 0)
    transient = _quiet(count, dt, 20)
    cycle = p.photocycle(p.kinetics)
    lines = [
        *steps("light", light.astype(float), transient),
        *kinetics("open", cycle.generator(0.0), cycle.generator(p.flux), "light", cycle.dark,
                  cycle.weights),
        f"Bchr chr 0 V={p.g_max * p.r!r}*v(open)",
        channel(s, "chr", p.e_chr2),
    ]  # fmt: skip
    fine = 20
    levels = np.array([0.0, p.flux])
    exact = simulate_photo(neuron, levels, np.repeat(light, fine)[:, None], dt / fine).of(0)
    return _spikes(
        s, _run(s, transient, lines), exact, 0.1e-3,
        "the OTA's tanh: a reversal far from rest lowers a conductance by 0.1 %",
        "light from 0.02 s to 0.32 s, 0.4 s", "second-order solution at 50 us",
    )  # fmt: skip


def _summation() -> Waves:
    p = summation.Parameters()
    s = scaled(p.membrane(p.v_th))
    s = replace(s, neuron=replace(s.neuron, v_th=NEVER))
    count, dt = 80, 1e-3
    transient = _quiet(count, dt, 50)
    arrivals = {"exc": 5e-3, "inh": 5e-3 + p.interval}
    lines: list[str] = []
    pairs = []
    for kind, at in arrivals.items():
        tau, rise = getattr(p, f"tau_{kind}"), getattr(p, f"rise_{kind}")
        # The difference of two exponentials, each a node of its own, up to its own peak.
        peak = float(np.log(tau / rise) * tau * rise / (tau - rise))
        top = float(np.exp(-peak / tau) - np.exp(-peak / rise))
        size = getattr(p, f"g_{kind}") * p.r / top
        width = 5e-6
        lines += [
            *synapse(f"{kind}a", [at], size, tau, width),
            *synapse(f"{kind}b", [at], size, rise, width),
            f"B{kind} {kind} 0 V=v({kind}a)-v({kind}b)",
            channel(s, kind, getattr(p, f"e_{kind}")),
        ]
        pairs.append((p.synapse(kind, "double"), np.array([[at]])))
    w = _run(s, transient, lines)
    times: Array = (np.arange(count, dtype=np.float64) + 1.0) * dt
    expected = potential(p.membrane(), pairs, dt, count).reshape(count + 1, -1)[1:, 0]
    v = w.mem / s.volts + s.rest
    found = np.asarray(np.interp(times, w.t, v), dtype=np.float64)
    height = float(np.abs(expected - p.v_leak).max())
    return Waves(
        found, expected, 2e-3 * height, "V",
        "the OTA's tanh: 0.2 % of the response", "an EPSP, and an IPSP 5 ms later, 80 ms",
        "closed form, one integral", w.t, v, times,
    )  # fmt: skip


def _thalamus() -> Waves:
    """The relay cell; its T current opens above an edge and inactivates with two speeds."""
    p = replace(thalamus.Parameters(), duration=1.2)
    cell = p.cell()
    s = scaled(cell.membrane(), swing=0.8e-3)
    g_exc, _ = thalamus.pulses(p)
    count = g_exc.size
    transient = _quiet(count, p.dt, 20)
    # Inhibition comes and goes as the pallidum fires in bursts; the rebound follows it.
    at = np.arange(count) * p.dt
    g_inh = np.where((at % 0.2 > 0.08) & (at % 0.2 < 0.16), 3.0 * cell.g_leak, 0.0)
    edge = s.up(cell.v_h)
    above = f"0.5*(1+tanh((v(mem)-({edge!r}))/{EDGE * s.volts!r}))"
    rest = cell.v_leak + cell.current / cell.g_leak
    s = replace(s, neuron=replace(s.neuron, v_init=s.up(rest)))
    constant = s.neuron.g_m * s.up(rest)
    start = 1.0 if rest < cell.v_h else 0.0
    # dh/dt = -h / tau_minus above the edge, (1 - h) / tau_plus below.
    speed = f"(-v(h)*{1 / cell.tau_minus!r}*{above}+(1-v(h))*{1 / cell.tau_plus!r}*(1-{above}))"
    lines = [
        *steps("exc", g_exc / cell.g_leak, transient),
        channel(s, "exc", cell.e_exc),
        *steps("inh", g_inh / cell.g_leak, transient),
        channel(s, "inh", cell.e_inh),
        f"Icurrent 0 mem {constant!r}",
        f"Bh 0 h I={FARAD!r}*{speed}",
        f"Ch h 0 {FARAD!r} ic={start!r}",
        f"Btc tc 0 V={cell.g_t / cell.g_leak!r}*v(h)*{above}",
        channel(s, "tc", cell.e_t),
    ]
    exact = thalamus.reference_spikes(p, g_exc, g_inh)
    return _spikes(
        s, _run(s, transient, lines), exact, p.dt,
        "one step of the system's grid: the edge of the T current is 50 uV wide here",
        "pulses at 10 Hz, pallidal inhibition of 80 ms every 200 ms, 1.2 s",
        "adaptive integrator at 1e-9",
    )  # fmt: skip


CASES: dict[str, Callable[[], Waves]] = {
    "trpv1": _trpv1,
    "hcn": _hcn,
    "chr2": _chr2,
    "summation": _summation,
    "thalamus": _thalamus,
}
"""By system's key what runs its circuit."""


def run_case(system: str) -> Waves:
    """Run the circuit of a system.

    Raises
    ------
    InvalidValue
        For a system without one.
    MissingTool
        Without PySpice or libngspice.
    RuntimeError
        If the simulator gives up.
    """
    require(system in CASES, "system", system, ", ".join(CASES))
    return CASES[system]()
