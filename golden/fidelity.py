"""What two approximations cost: the time grid, and the integers.

These verdicts do not ask whether a body is right but how near its model is to the one
above it: the float grid to the event-driven solution, and the contract to the float grid.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .bound import RunBound
from .contract import Contract
from .discrete import FloatState, Method, Trace, discretise, initial_state, integrate
from .event import EventSolution, solve
from .fixed import limits
from .lif import Lif, Reset
from .network import Network
from .quantise import Quantised
from .reference import Spikes, input_current, input_words
from .verdict import Difference, Status, Verdict, first_difference

__all__ = ["compare_contract", "compare_grid", "match_spikes", "run_bound", "saturated"]

Array = NDArray[np.float64]
FLOAT_ROUNDING = 1e-3
"""Share of the last bit that the float arithmetic of the comparison itself may lose."""
BEYOND = "it is farther away than the rounding of the contract can carry it"


def match_spikes(expected: Array, got: Array, tolerance: float) -> tuple[float, int | None]:
    """Pair two ascending lists of spike times one by one.

    Returns the largest distance among the pairs before the first failure, and the index of
    the first pair farther apart than ``tolerance`` or without a partner (``None``: no such).
    """
    common = min(expected.size, got.size)
    distance = np.abs(expected[:common] - got[:common])
    late = np.flatnonzero(distance > tolerance)
    if late.size:
        first = int(late[0])
        return float(distance[:first].max(initial=0.0)), first
    missing = common if expected.size != got.size else None
    return float(distance.max(initial=0.0)), missing


def compare_grid(
    model: Network, inputs: Spikes, traces: Mapping[str, Trace], sample: list[tuple[str, int]]
) -> Verdict:
    """Spike steps of the float grid against the event-driven solution, within one step.

    ``sample`` names the neurons; each gets the input current it had in the network's run.
    """
    worst, spikes = 0.0, 0
    for name, j in sample:
        x = input_current(model, inputs, traces, name)[:, j]
        exact: EventSolution = solve(model.populations[name].neuron(j), x, model.dt)
        wanted = exact.spike_steps(model.dt).astype(np.float64)
        got = np.flatnonzero(traces[name].spikes[:, j]).astype(np.float64)
        distance, failed = match_spikes(wanted, got, 1.0)
        worst, spikes = max(worst, distance), spikes + wanted.size
        if failed is not None:
            a = wanted[failed] if failed < wanted.size else np.nan
            b = got[failed] if failed < got.size else np.nan
            at = int(np.nanmin([a, b]))
            where = Difference(at, name, j, f"step of spike {failed}", float(a), float(b))
            reason = _grid_reason(model, name, j)
            return Verdict(
                "golden",
                "event-driven",
                Status.DEVIATES,
                spikes,
                worst,
                1.0,
                "steps",
                where,
                reason,
            )
    return Verdict("golden", "event-driven", Status.WITHIN, spikes, worst, 1.0, "step")


def _grid_reason(model: Network, name: str, j: int) -> str:
    lif = model.populations[name]
    fastest = float(lif.tau_mem[j])
    if lif.tau_syn is not None:
        fastest = min(fastest, float(lif.tau_syn[j]))
    if model.method is not Method.EXPONENTIAL:
        return (
            f"method {model.method} takes steps of {model.dt / fastest:.3g} of the fastest "
            "time constant, so its solution is another one"
        )
    return "the grid resets at the end of a step, the neuron where it crosses the threshold"


def saturated(c: Contract, trace: Trace) -> NDArray[np.bool_]:
    """Where a state sits at a rail, or a spike took its drop from the upper one, ``(steps, n)``.

    A set reset hides the rail, and whatever the rail cut off is forgotten with it.
    """
    low, high = limits(c.width)
    out = (trace.v == low) | (trace.v == high)
    if c.reset is Reset.SUBTRACT:
        out = out | (trace.spikes & (trace.v == high - c.u_drop))
    if c.has_synapse:
        low, high = limits(c.syn_width)
        out = out | (trace.i == low) | (trace.i == high)
    return np.asarray(out, dtype=np.bool_)


def run_bound(
    model: Network, quantised: Quantised, inputs: Spikes, integers: Mapping[str, Trace], name: str
) -> RunBound:
    """The bound of population ``name`` along a run of the contract, see :class:`RunBound`."""
    words = input_words(quantised.contract, inputs, integers, name)
    current = input_current(model, inputs, integers, name)
    return quantised.bounds[name].along(integers[name], words, current)


def compare_contract(
    model: Network,
    quantised: Quantised,
    inputs: Spikes,
    floats: Mapping[str, Trace],
    integers: Mapping[str, Trace],
) -> Verdict:
    """The contract's spikes against the float grid's, and its potentials within the bound.

    ``figure`` is the largest distance of a potential and ``tolerance`` the bound along the
    run at its largest, both as a share of the threshold's height; every potential is held
    to the bound of its own step.
    """
    compared = sum(t.spikes.size for t in floats.values())
    # In the order of evaluation: a spike that moved and its consequence share a step.
    ordered = {name: floats[name] for name in model.order}
    difference = first_difference(ordered, integers, states=False)
    if difference is not None:
        differing = sum(int((t.spikes != integers[n].spikes).sum()) for n, t in floats.items())
        reason = _quantisation_reason(model, quantised, inputs, floats, integers, difference)
        return Verdict(
            "contract",
            "golden",
            Status.DEVIATES,
            compared,
            float(differing),
            0.0,
            "spikes",
            difference,
            reason,
        )
    worst, allowed = 0.0, 0.0
    for name in model.order:
        c, trace = quantised.contract.populations[name], integers[name]
        span = c.lsb * 2.0**c.fraction
        bound = run_bound(model, quantised, inputs, integers, name).after
        got = c.volts(trace.v)
        error = np.abs(got - floats[name].v)
        worst = max(worst, float((error / span).max(initial=0.0)))
        allowed = max(allowed, float((bound / span).max(initial=0.0)))
        if difference is None:
            difference = _beyond(name, floats[name].v, got, bound + FLOAT_ROUNDING * c.lsb)
    if difference is None:
        return Verdict(
            "contract", "golden", Status.WITHIN, compared, worst, allowed, "of the threshold"
        )
    c = quantised.contract.populations[difference.population]
    reason = _rails(c, integers[difference.population], difference) or BEYOND
    return Verdict(
        "contract",
        "golden",
        Status.DEVIATES,
        compared,
        worst,
        allowed,
        "of the threshold",
        difference,
        reason,
    )


def _beyond(name: str, expected: Array, got: Array, bound: Array) -> Difference | None:
    """The first potential farther from the expected one than ``bound``."""
    far = np.argwhere(np.abs(got - expected) > bound)
    if not far.size:
        return None
    k, j = (int(a) for a in far[0])
    return Difference(k, name, j, "v", float(expected[k, j]), float(got[k, j]))


def _rails(c: Contract, trace: Trace, where: Difference) -> str:
    """That a state saturated by then, if one did whose effect lasts."""
    k, j = where.step, where.neuron
    rails = saturated(c, trace)[: k + 1, j]
    spikes = np.flatnonzero(trace.spikes[:k, j])
    if c.reset is Reset.SET and spikes.size and not c.has_synapse:
        rails[: spikes[-1] + 1] = False
    if not rails.any():
        return ""
    first = int(np.flatnonzero(rails)[0])
    return f"its state saturated at step {first} ({c.width}-bit state, {c.fraction} fraction)"


def _quantisation_reason(
    model: Network,
    quantised: Quantised,
    inputs: Spikes,
    floats: Mapping[str, Trace],
    integers: Mapping[str, Trace],
    where: Difference,
) -> str:
    name, j, k = where.population, where.neuron, where.step
    c = quantised.contract.populations[name]
    rails = _rails(c, integers[name], where)
    if rails:
        return rails
    lif = model.populations[name]
    span = float(c.lsb[j]) * 2.0**c.fraction
    x = input_current(model, inputs, floats, name)[k]
    before = _state_before(lif, floats[name], k)
    coefficients = discretise(lif, model.dt, model.method)
    v = integrate(lif, coefficients, before, x)[0][j]
    margin = abs(float(v - lif.v_th[j])) / span
    along = run_bound(model, quantised, inputs, integers, name).before[k, j]
    word = abs(float(quantised.bounds[name].threshold[j])) + FLOAT_ROUNDING
    bound = (float(along) + word * float(c.lsb[j])) / span
    if margin > bound:
        return BEYOND
    return (
        f"the potential came within {margin:.2g} of the threshold's height, where rounding "
        f"to {c.width} bits moves it by up to {bound:.2g}"
    )


def _state_before(lif: Lif, trace: Trace, k: int) -> FloatState:
    """The state a step ``k`` starts from; a neuron that just differed was not held."""
    if k == 0:
        return initial_state(lif)
    free = np.zeros(lif.n, dtype=np.int64)
    return FloatState(np.asarray(trace.v[k - 1]), np.asarray(trace.i[k - 1]), free)
