"""One neuron in SPICE against its event-driven solution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..analog import Mapping, Transient, from_lif, netlist, simulate, spike_times
from ..analog.dialects import translate
from ..golden import Difference, Lif, Status, Verdict, solve
from ..golden.errors import require
from ..golden.fidelity import match_spikes

__all__ = ["SpiceRun", "export_netlist", "run_spice_neuron", "verify_spice"]

Array = NDArray[np.float64]
STEPS_A_DT = 200
"""The simulator takes at least so many steps in one step of the network."""


@dataclass(frozen=True, eq=False)
class SpiceRun:
    """A neuron's run in units of its model: seconds and the model's potential."""

    t: Array
    v: Array
    spike_times: Array


def run_spice_neuron(lif: Lif, x: ArrayLike, dt: float) -> SpiceRun:
    """Run one neuron with ``x[k]`` held over ``[k dt, (k + 1) dt)``.

    Raises
    ------
    InvalidValue
        For more than one neuron or values that are not finite.
    MissingTool
        Without PySpice or libngspice.
    RuntimeError
        If the simulator gives up.
    """
    m, transient = _circuit(lif, x, dt)
    w = simulate(m.neuron, transient, m.g_in)
    times = spike_times(w)
    return SpiceRun(w.t, w.mem / m.scale + float(lif.v_leak[0]), times)


def export_netlist(
    lif: Lif, x: ArrayLike, dt: float, *, name: str = "LIF neuron", dialect: str = "ngspice"
) -> str:
    """The same circuit and stimulus as text for ``ngspice -b``, or for another simulator."""
    m, transient = _circuit(lif, x, dt)
    unit = f"1 unit of the model is {m.scale:.9g} V"
    text = netlist(m.neuron, transient, m.g_in, name=name, comments=(unit,))
    return translate(text, dialect)


def _circuit(lif: Lif, x: ArrayLike, dt: float) -> tuple[Mapping, Transient]:
    v = solve(lif, x, dt).v
    reach = (
        float(np.abs(v - lif.v_leak[0]).max(initial=0.0)) if np.isfinite(lif.tau_mem[0]) else 0.0
    )
    m = from_lif(lif, reach=reach)
    return m, Transient(np.asarray(x, dtype=np.float64) * m.scale, dt, dt / STEPS_A_DT)


def verify_spice(
    lif: Lif, x: ArrayLike, dt: float, tolerance: float, *, name: str = "neuron"
) -> Verdict:
    """Verdict on the spike times in SPICE, within ``tolerance`` seconds of the exact ones.

    A crossing that the exact solution has too close to the end of the run for the tolerance
    is not asked for.
    """
    require(np.isfinite(tolerance) and tolerance > 0, "tolerance", tolerance, "above 0 seconds")
    run = run_spice_neuron(lif, x, dt)
    exact = solve(lif, x, dt)
    end = np.asarray(x).size * dt - tolerance
    expected = exact.spike_times[exact.spike_times <= end]
    got = run.spike_times
    got = got[: expected.size] if got.size > expected.size and got[expected.size] > end else got
    worst, failed = match_spikes(expected, got, tolerance)
    if failed is None:
        return Verdict("spice", "event-driven", Status.WITHIN, expected.size, worst, tolerance, "s")
    a = float(expected[failed]) if failed < expected.size else np.nan
    b = float(got[failed]) if failed < got.size else np.nan
    step = int(np.nanmin([a, b]) / dt)
    where = Difference(step, name, 0, f"time of spike {failed} (s)", a, b)
    reason = _reason(lif, exact.v, run, step, dt)
    return Verdict(
        "spice",
        "event-driven",
        Status.DEVIATES,
        expected.size,
        worst,
        tolerance,
        "s",
        where,
        reason,
    )


def _reason(lif: Lif, v: Array, run: SpiceRun, step: int, dt: float) -> str:
    """How near the threshold both potentials were, and how far apart, before they parted."""
    ends = (np.arange(v.size) + 1) * dt
    analog = np.interp(ends, run.t, run.v)
    span = abs(float(lif.v_th[0] - lif.v_leak[0])) or 1.0
    before = slice(max(0, step - 5), max(step, 1))
    apart = float(np.abs(analog[before] - v[before]).max(initial=0.0)) / span
    inside = (run.t >= step * dt) & (run.t <= (step + 1) * dt)
    near = float(np.abs(run.v[inside] - lif.v_th[0]).min(initial=np.inf)) / span
    return (
        f"the analog potential came within {near:.2g} of the threshold's height, and the two "
        f"were {apart:.2g} apart in the steps before"
    )
