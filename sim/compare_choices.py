"""Choices that simulators make differently, taken one by one: how many spikes each moves.

Pedersen et al., "Neuromorphic intermediate representation", Nature Communications 15, 8122
(2024), play one recurrent network on several platforms and get answers that scatter widely. Here
the reference is the network as its file says, and each variant differs from it in one choice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..golden import Connection, Lif, Method, Network, Reset, Rounding, Trace, Widths
from ..golden.calibrate import calibrate
from ..golden.discrete import FloatState, discretise, initial_state, integrate
from ..golden.errors import InvalidValue
from ..golden.quantise import quantise
from .compare import answers
from .simulate import Simulator

__all__ = ["CHOICES", "Moved", "Order", "choices", "run_ordered"]

Spikes = Mapping[str, NDArray[np.uint8]]
Counts = dict[str, NDArray[np.int64]]


@dataclass(frozen=True)
class Order:
    """When a spike takes effect on its own neuron, and what counts as one.

    ``late_reset`` resets in the step after the spike, behind its leak and input, as PyTorch
    modules do that keep the spike for the next call; ``at_threshold`` fires at equality too.
    """

    late_reset: bool = False
    at_threshold: bool = False


@dataclass(frozen=True)
class Moved:
    """What one choice moved.

    ``moved`` counts, by population, the steps of neurons whose spikes differ from the reference's,
    and ``spikes`` the spikes; ``answers`` is the share of samples with another answer. ``failed``
    says why a variant could not be run.
    """

    choice: str
    spikes: dict[str, int]
    moved: dict[str, int]
    answers: float
    first_step: int | None
    accuracy: float | None = None
    failed: str = ""


def choices(
    network: Network, inputs: Spikes, labels: NDArray[np.int64] | None = None
) -> tuple[Moved, ...]:
    """Every variant of :data:`CHOICES` against the network as it is; the first row is that itself.

    ``inputs`` are 0/1 of ``(steps, samples, n)``.
    """
    reference = Simulator(network).run(inputs)
    wanted = answers(network, _counts(reference), reference)
    out = [_moved("as the file says", network, reference, reference, wanted, labels)]
    for name, run in CHOICES.items():
        try:
            got = run(network, inputs)
        except InvalidValue as error:
            out.append(Moved(name, {}, {}, 0.0, None, None, str(error)))
            continue
        if got is not None:
            out.append(_moved(name, network, reference, got, wanted, labels))
    return tuple(out)


def _moved(
    choice: str,
    network: Network,
    reference: Mapping[str, Trace],
    got: Mapping[str, Trace],
    wanted: NDArray[np.int64],
    labels: NDArray[np.int64] | None,
) -> Moved:
    said = answers(network, _counts(got), got)
    differ = {k: reference[k].spikes != t.spikes for k, t in got.items()}
    steps = [int(np.argmax(d.any(axis=(1, 2)))) for d in differ.values() if d.any()]
    return Moved(
        choice,
        {k: int(t.spikes.sum()) for k, t in got.items()},
        {k: int(d.sum()) for k, d in differ.items()},
        float((said != wanted).mean()),
        min(steps, default=None),
        None if labels is None else float((said == labels).mean()),
    )


def _counts(traces: Mapping[str, Trace]) -> Counts:
    return {k: t.spikes.astype(np.int64) for k, t in traces.items()}


def run_ordered(network: Network, inputs: Spikes, order: Order) -> dict[str, Trace]:
    """The float network with another order; arrays ``(steps, samples, n)``."""
    steps, samples = next(iter(inputs.values())).shape[:2]
    states = {k: initial_state(m, (samples,)) for k, m in network.populations.items()}
    fired = {k: np.zeros((samples, m.n), dtype=np.bool_) for k, m in network.populations.items()}
    out = {
        k: Trace(*(np.zeros((steps, samples, m.n), kind) for kind in (float, float, np.bool_)))
        for k, m in network.populations.items()
    }
    for k in range(steps):
        for name in network.order:
            model = network.populations[name]
            x = np.zeros((samples, model.n)) + network.bias.get(name, np.zeros(model.n))
            for c in network.into(name):
                source = inputs[c.pre] if c.pre in inputs else out[c.pre].spikes
                if k >= c.delay:
                    x = x + source[k - c.delay].astype(np.float64) @ c.weight.T
            state, fired[name] = _ordered_step(network, model, states[name], fired[name], x, order)
            states[name] = state
            out[name].v[k], out[name].i[k], out[name].spikes[k] = state.v, state.i, fired[name]
    return out


def _ordered_step(
    network: Network,
    model: Lif,
    state: FloatState,
    fired: NDArray[np.bool_],
    x: NDArray[np.float64],
    order: Order,
) -> tuple[FloatState, NDArray[np.bool_]]:
    """One step; with a late reset the state keeps its potential above threshold until the next."""
    c = discretise(model, network.dt, network.method)
    v, i = integrate(model, c, state, x)
    if order.late_reset:
        v = np.where(fired, _after(model, v), v)
    over = v >= model.v_th if order.at_threshold else v > model.v_th
    spikes = (state.hold == 0) & over
    if not order.late_reset:
        v = np.where(spikes, _after(model, v), v)
    hold = np.where(spikes, c.hold, np.maximum(state.hold - 1, 0))
    return FloatState(v, i, hold), spikes


def _after(model: Lif, v: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a reset leaves of the potential ``v``."""
    if model.reset is Reset.SET:
        return np.broadcast_to(model.v_reset, v.shape)
    with np.errstate(invalid="ignore"):
        return np.asarray(v - (model.v_th - model.v_reset))


Variant = Callable[[Network, Spikes], dict[str, Trace] | None]


def _ordered(order: Order) -> Variant:
    return lambda network, inputs: run_ordered(network, inputs, order)


def _neurons(change: Callable[[Lif], Lif]) -> Variant:
    """The network with every population changed."""

    def run(network: Network, inputs: Spikes) -> dict[str, Trace]:
        populations = {k: change(m) for k, m in network.populations.items()}
        return Simulator(replace(network, populations=populations)).run(inputs)

    return run


def _method(method: Method) -> Variant:
    def run(network: Network, inputs: Spikes) -> dict[str, Trace] | None:
        synapse = any(m.tau_syn is not None for m in network.populations.values())
        # Without synaptic current there is no old one: both Euler steps are the same.
        if method is network.method or (method is Method.EULER_OLD and not synapse):
            return None
        return Simulator(replace(network, method=method)).run(inputs)

    return run


def _later(network: Network, inputs: Spikes) -> dict[str, Trace] | None:
    def late(c: Connection) -> Connection:
        return replace(c, delay=c.delay + 1) if c.delay else c

    if not any(c.delay for c in network.connections):
        return None
    return Simulator(replace(network, connections=tuple(map(late, network.connections)))).run(
        inputs
    )


def _integers(widths: Widths) -> Variant:
    def run(network: Network, inputs: Spikes) -> dict[str, Trace]:
        chosen = calibrate(network, Simulator(network).run(inputs), widths)
        contract = quantise(network, chosen).contract
        traces = Simulator(contract).run(inputs)
        return {k: replace(t, v=contract.populations[k].volts(t.v)) for k, t in traces.items()}

    return run


def _other_reset(lif: Lif) -> Lif:
    other = Reset.SUBTRACT if lif.reset is Reset.SET else Reset.SET
    return replace(lif, reset=other)


def _started(lif: Lif) -> Lif:
    finite = np.where(np.isfinite(lif.v_th), lif.v_th, lif.v_leak)
    return replace(lif, v_init=(lif.v_leak + finite) / 2)


WIDE = Widths(state=28, weight=20, decay=12)
"""Integers so wide that hardly more than the decays' 12 bits is felt."""
CHOICES: dict[str, Variant] = {
    "reset behind the next step's leak and input": _ordered(Order(late_reset=True)),
    "the other reset: subtract for set, set for subtract": _neurons(_other_reset),
    "fires at the threshold, not only above": _ordered(Order(at_threshold=True)),
    "input: forward Euler with the new current": _method(Method.EULER),
    "input: forward Euler with the old current": _method(Method.EULER_OLD),
    "input: exact step, a blend of both currents": _method(Method.EXPONENTIAL),
    "starts half way to the threshold": _neurons(_started),
    "loops one step later": _later,
    "decays of 12 bits": _integers(WIDE),
    "decays of 6 bits": _integers(replace(WIDE, decay=6)),
    "states of 16 bits, rounded to nearest": _integers(replace(WIDE, state=16)),
    "states of 16 bits, rounded towards zero": _integers(
        replace(WIDE, state=16, rounding=Rounding.ZERO)
    ),
    "states of 16 bits, rounded down": _integers(replace(WIDE, state=16, rounding=Rounding.FLOOR)),
    "weights of 8 bits": _integers(replace(WIDE, weight=8)),
}
"""Each runs a network with one choice changed; ``None`` where that changes nothing."""
