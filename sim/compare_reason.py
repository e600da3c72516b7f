"""Where a platform's spikes first part from the float run's, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..golden import Difference, Method, Network, Reset, Trace
from ..golden.platforms.mapping import Mapped
from .simulate import Simulator

__all__ = ["Parting", "first_parting"]

Spikes = Mapping[str, NDArray[np.uint8]]
Array = NDArray[np.float64]
NEAR = 1e-5
"""Share of the threshold within which a potential counts as being at it."""


@dataclass(frozen=True)
class Parting:
    """The first spike that differs, and the cause."""

    where: Difference
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


def first_parting(
    network: Network,
    mapped: Mapped,
    inputs: Spikes,
    traces: Mapping[str, Trace],
    counts: Mapping[str, NDArray[np.int64]],
    volts: Mapping[str, Array],
    limits: Mapping[str, NDArray[np.bool_]],
) -> Parting | None:
    """The earliest step of all samples, then the first population as a step visits them.

    Nothing before it in that sample differs, so that its neuron got the same spikes on both
    sides: the cause lies in the neuron and its weights.
    """
    found: tuple[tuple[int, int, int, int], str] | None = None
    for order, name in enumerate(network.order):
        bad = np.argwhere(counts[name] != traces[name].spikes)
        if len(bad):
            step, sample, neuron = (int(x) for x in bad[0])
            key = (step, order, sample, neuron)
            if found is None or key < found[0]:
                found = (key, name)
    if found is None:
        return None
    (step, _, sample, neuron), name = found
    at = (step, sample, neuron)
    expected, got = bool(traces[name].spikes[at]), int(counts[name][at])
    where = Difference(step, name, neuron, "spike", float(expected), float(got), sample)
    if bool(limits[name][: step + 1, sample, neuron].any()):
        return Parting(where, "one of its words ended: it saturated or wrapped")
    lif = network.populations[name]
    near = abs(float(traces[name].v[at] - lif.v_th[neuron]))
    if not expected and near <= NEAR * abs(float(lif.v_th[neuron] - lif.v_leak[neuron])):
        return Parting(
            where, "the potential is at the threshold itself, where any rounding decides"
        )
    alone = {k: a[: step + 1, sample : sample + 1] for k, a in inputs.items()}
    if _parts(replace(network, connections=_rounded(network, mapped)), alone, traces, where):
        return Parting(where, f"the weights' words{_level(network, mapped, where, traces, volts)}")
    cause = next(_causes(network, mapped, where, traces))
    return Parting(where, cause + _level(network, mapped, where, traces, volts))


def _rounded(network: Network, mapped: Mapped) -> tuple[Any, ...]:
    return tuple(
        replace(c, weight=w) for c, w in zip(network.connections, mapped.weights, strict=True)
    )


def _parts(other: Network, inputs: Spikes, traces: Mapping[str, Trace], where: Difference) -> bool:
    """Whether ``other`` has, in floats, the same spike in the place where the platform parts."""
    spikes = Simulator(other).run(inputs, record=())[where.population].spikes
    mine = spikes[: where.step + 1, 0, where.neuron]
    wanted = traces[where.population].spikes[: where.step + 1, where.sample, where.neuron]
    return bool((mine != wanted).any())


def _causes(
    network: Network, mapped: Mapped, where: Difference, traces: Mapping[str, Trace]
) -> Iterator[str]:
    """What may have moved the spike, the greatest difference of the models first."""
    name, j, k = where.population, where.neuron, where.step
    lif, trace = network.populations[name], traces[name]
    notes = " ".join(mapped.placed[name].notes)
    if mapped.platform == "brainscales":
        yield "the circuit differs from the model: mismatch that calibration left, or weights"
    if "no synaptic current" in notes:
        yield "it has no synaptic current: the charge arrives at once"
    if "from rest, not from v_init" in notes and k == 0:
        yield "it starts from rest"
    if "does not pass the synapse" in notes:
        yield "its constant current does not pass the synapse, and so comes earlier"
    if "the leak is a constant" in notes:
        yield "its leak is a constant instead of a share"
    fired = bool(trace.spikes[:k, where.sample, j].any())
    if fired and "no refractory period" in notes:
        yield "it has no refractory period"
    if fired and ("reset" in notes):
        yield f"its reset goes to rest, the model's is {_reset(lif.reset)}"
    blended = network.method is Method.EXPONENTIAL and lif.tau_syn is not None
    if blended or network.method is Method.EULER_OLD:
        yield "it adds the whole new current in a step: another place of the input"
    yield "the words of its states and decays"


def _reset(reset: Reset) -> str:
    return "subtracting" if reset is Reset.SUBTRACT else "to v_reset"


def _level(
    network: Network,
    mapped: Mapped,
    where: Difference,
    traces: Mapping[str, Trace],
    volts: Mapping[str, Array],
) -> str:
    """How far the side that did not fire was from its threshold."""
    lif, at = network.populations[where.population], (where.step, where.sample, where.neuron)
    side, v = ("platform", volts) if where.expected else ("model", None)
    level = traces[where.population].v[at] if v is None else v[where.population][at]
    span = lif.v_th[where.neuron] - lif.v_leak[where.neuron]
    share = float((level - lif.v_leak[where.neuron]) / span)
    return f" (the {side} without spike is at {share:.4g} of the threshold)"
