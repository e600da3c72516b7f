"""The report's F-I curve: closed form, time grid, integers, and a few points of SPICE."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from .figures import Axis, Curve, curves
from .golden import InvalidValue, Lif, Network, Widths, quantise, run_contract, run_float
from .golden.contract import Contract
from .golden.fi import rate, rheobase
from .golden.quantise import DecayMode
from .plots import Drawn, Overlay, ran
from .sim.spice import run_spice_neuron
from .verdicts import Verification

__all__ = ["fi_figure"]

Array = NDArray[np.float64]
POINTS = 111
STEPS = 2000
SETTLED = 500
"""Steps before counting begins."""
SPICE_POINTS = 5
SPICE_INTERVALS, SPICE_GRID = 4, 10
"""Intervals of a point, and steps of an interval, in each of which the simulator takes many."""


def fi_figure(result: Verification, chosen: Overlay) -> Drawn | None:
    """Rate against constant current of one neuron; none where the current has no effect."""
    model = result.case.model
    name, j = chosen.population, chosen.neuron
    lif = model.populations[name].neuron(j)
    steady = _without_synapse(lif)
    if steady.r[0] == 0:
        return None
    currents = _currents(steady)
    many = _many(lif, currents.size)
    net = Network(model.dt, {}, {"p": many}, (), ("p",), {"p": currents}, model.method)
    data = [
        Curve("closed form", currents, rate(steady, currents), "event-driven"),
        Curve(
            "golden grid", currents, _rates(run_float(net, {}, STEPS)["p"].spikes, net.dt), "golden"
        ),
    ]
    contract = result.case.quantised.contract.populations[name]
    integers = _integer_rates(net, contract)
    if integers is not None:
        data.append(Curve("contract", currents, integers, "contract", "--"))
    if ran(result, "spice"):
        points = currents[:: max(1, currents.size // SPICE_POINTS)]
        data.append(Curve("SPICE", points, _spice_rates(steady, points, model.dt), "spice", "o"))
    title = f"F-I curve of {name}[{j}]"
    caption = (
        "Rate under constant current, its synapse settled. A grid fires at the ends of its "
        f"steps of {model.dt * 1e3:g} ms only, hence the stairs at high rates. The RTL equals "
        "the contract bit for bit where its row above says so."
    )
    return Drawn(title, curves(title, Axis("current (A)", "rate (Hz)"), data), caption)


def _without_synapse(lif: Lif) -> Lif:
    """The same neuron under constant current, its synapse settled."""
    if lif.tau_syn is None:
        return lif
    return replace(lif, tau_syn=None, r=lif.r * lif.w_in, w_in=np.ones(1))


def _currents(lif: Lif) -> Array:
    """From below the rheobase to several times the swing from reset to threshold."""
    swing = float(lif.v_th[0] - lif.v_reset[0]) / float(lif.r[0])
    return np.asarray(rheobase(lif) + swing * np.linspace(-0.25, 2.5, POINTS))


def _many(lif: Lif, n: int) -> Lif:
    """``n`` copies of a neuron."""
    values = {
        f.name: float(getattr(lif, f.name)[0])
        for f in fields(lif)
        if isinstance(getattr(lif, f.name), np.ndarray)
    }
    return Lif(**values, reset=lif.reset, n=n)


def _rates(spikes: NDArray[np.bool_], dt: float) -> Array:
    """Rates from the mean interval between the first and the last spike, ``(n,)``."""
    out = np.zeros(spikes.shape[1])
    for j in range(out.size):
        at = np.flatnonzero(spikes[SETTLED:, j])
        if at.size > 1:
            out[j] = (at.size - 1) / ((at[-1] - at[0]) * dt)
    return out


def _integer_rates(net: Network, c: Contract) -> Array | None:
    """Rates of the contract with the widths of ``c``; none where a current does not fit."""
    try:
        return _rates(
            run_contract(quantise(net, _widths(c)).contract, {}, STEPS)["p"].spikes, net.dt
        )
    except InvalidValue:
        return None


def _widths(c: Contract) -> Widths:
    decay = c.decay_mem or c.decay_syn
    shift = decay is not None and decay.shift is not None
    return Widths(
        state=c.width,
        fraction=c.fraction,
        syn=c.syn_width or None,
        weight=c.weight_width,
        decay=decay.fraction if decay is not None and not shift else Widths().decay,
        decay_mode=DecayMode.SHIFT if shift else DecayMode.MULTIPLY,
        rounding=c.rounding,
    )


def _spice_rates(lif: Lif, currents: Array, dt: float) -> Array:
    """Rates from the mean interval after the first spike; 0 below two spikes.

    The simulator's steps follow the interval expected, so that a slow neuron costs no more.
    """
    out = np.zeros(currents.size)
    for k, (current, expected) in enumerate(zip(currents, rate(lif, currents), strict=True)):
        grid = 1.0 / (expected * SPICE_GRID) if expected > 0 else dt
        drive = np.full(SPICE_GRID * SPICE_INTERVALS, current)
        times = run_spice_neuron(lif, drive, grid).spike_times
        if times.size > 1:
            out[k] = (times.size - 1) / (times[-1] - times[0])
    return out
