"""One network and one stimulus in the arithmetic of several platforms, held against floats.

For each platform: what moves, layer by layer and step by step; where the first spike parts and
why; whether the answers stay; what words hold and where they end; operations, time and, where a
figure per operation is published, an estimate of energy.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..golden import InvalidValue, Network, Trace
from ..golden.errors import require
from ..golden.platforms.limits import met_limit
from ..golden.platforms.mapping import BIAS, Mapped, Reached, scaled
from ..golden.platforms.place import map_network, profile_bits
from ..golden.platforms.profile import run_platform
from .compare_cost import Cost, cost_of
from .compare_reason import Parting, first_parting
from .simulate import Simulator

__all__ = ["Comparison", "Layer", "Outcome", "answers", "compare", "reached_by"]

Spikes = Mapping[str, NDArray[np.uint8]]
Counts = dict[str, NDArray[np.int64]]


@dataclass(frozen=True)
class Layer:
    """A population on a platform.

    ``moved`` counts the steps of neurons whose spikes differ from the float run's, ``by_step``
    the same for each step, over all samples. ``bits`` is the width of the membrane's word, and
    ``levels`` how many of its units lie between rest and threshold (the coarsest neuron; ``None``
    for an analog membrane). ``limits`` counts the steps of neurons in which a word ended.
    """

    name: str
    spikes: int
    expected: int
    moved: int
    bits: int | None
    levels: float | None
    limits: int
    by_step: tuple[int, ...]


@dataclass(frozen=True)
class Outcome:
    """What a platform made of the network; ``refused`` says why it could not hold it at all.

    ``agreement`` is the share of samples whose answer is the float run's, ``accuracy`` that of
    right answers where labels were given.
    """

    platform: str
    refused: str = ""
    notes: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    parting: Parting | None = None
    agreement: float | None = None
    accuracy: float | None = None
    cost: Cost | None = None
    wall_seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        parting = None if self.parting is None else {"reason": self.parting.reason,
                                                     **asdict(self.parting.where)}  # fmt: skip
        return {**asdict(self), "parting": parting}


@dataclass(frozen=True)
class Comparison:
    """All platforms, and the float run they are held against."""

    steps: int
    samples: int
    dt: float
    accuracy: float | None
    wall_seconds: float
    outcomes: tuple[Outcome, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "steps": self.steps,
            "samples": self.samples,
            "model_seconds": self.steps * self.samples * self.dt,
            "float": {"accuracy": self.accuracy, "wall_seconds": self.wall_seconds},
            "platforms": [o.to_dict() for o in self.outcomes],
        }


def compare(
    network: Network,
    inputs: Spikes,
    platforms: Sequence[str],
    labels: NDArray[np.int64] | None = None,
    *,
    chip: int = 0,
) -> Comparison:
    """Run ``network`` in floats and on every platform.

    Parameters
    ----------
    inputs
        0/1 by input name, ``(steps, samples, n)``.
    labels
        Right answers of the samples, ``(samples,)``.
    chip
        Seed of the mismatch between analog circuits.

    Raises
    ------
    InvalidValue
        For unknown platforms, labels of another number, or a network without input.
    """
    require(bool(inputs), "inputs", "none", "a network with an input")
    steps, samples = next(iter(inputs.values())).shape[:2]
    if labels is not None:
        require(labels.shape == (samples,), "labels", list(labels.shape), f"{samples} labels")
    start = time.perf_counter()
    traces = Simulator(network).run(inputs)
    seconds = time.perf_counter() - start
    reached = reached_by(network, inputs, traces)
    outcomes = []
    for platform in platforms:
        try:
            mapped = map_network(network, platform, reached, chip=chip)
        except InvalidValue as error:
            if error.field == "platform":
                raise
            outcomes.append(Outcome(platform, refused=str(error)))
            continue
        outcomes.append(_outcome(network, mapped, inputs, traces, labels))
    right = None if labels is None else _share(answers(network, _fired(traces), traces), labels)
    return Comparison(steps, samples, network.dt, right, seconds, tuple(outcomes))


def _outcome(
    network: Network,
    mapped: Mapped,
    inputs: Spikes,
    traces: Mapping[str, Trace],
    labels: NDArray[np.int64] | None,
) -> Outcome:
    start = time.perf_counter()
    counts, volts, limits = _run(mapped, inputs)
    seconds = time.perf_counter() - start
    got = {k: replace(t, v=volts[k]) for k, t in traces.items()}
    said = answers(network, counts, got)
    wanted = answers(network, _fired(traces), traces)
    steps = len(next(iter(inputs.values())))
    return Outcome(
        mapped.platform,
        notes=mapped.notes,
        layers=tuple(
            _layer(network, mapped, name, counts[name], traces[name], limits[name])
            for name in network.order
        ),
        parting=first_parting(network, mapped, inputs, traces, counts, volts, limits),
        agreement=_share(said, wanted),
        accuracy=None if labels is None else _share(said, labels),
        cost=cost_of(mapped, inputs, counts, steps, network.dt),
        wall_seconds=seconds,
    )


def _run(
    mapped: Mapped, inputs: Spikes
) -> tuple[Counts, dict[str, NDArray[np.float64]], dict[str, NDArray[np.bool_]]]:
    """Spikes, potentials and ended words of every sample, ``(steps, samples, n)``."""
    steps, samples = next(iter(inputs.values())).shape[:2]
    shapes = {k: (steps, samples, p.profile.n) for k, p in mapped.placed.items()}
    counts = {k: np.zeros(shape, dtype=np.int64) for k, shape in shapes.items()}
    volts = {k: np.zeros(shape) for k, shape in shapes.items()}
    limits = {k: np.zeros(shape, dtype=np.bool_) for k, shape in shapes.items()}
    for sample in range(samples):

        def watch(
            name: str, k: int, before: Any, arrived: Any, after: Any, at: int = sample
        ) -> None:
            met = met_limit(mapped.placed[name].profile, before, arrived, after)
            limits[name][k, at] = met

        fed: dict[str, NDArray[Any]] = {name: a[:, sample] for name, a in inputs.items()}
        if BIAS in mapped.inputs:
            fed[BIAS] = np.ones((steps, mapped.inputs[BIAS]), dtype=np.uint8)
        for name, trace in run_platform(mapped.net, fed, watch=watch).items():
            counts[name][:, sample] = trace.spikes
            volts[name][:, sample] = mapped.volts(name, trace.v)
    return counts, volts, limits


def _layer(
    network: Network,
    mapped: Mapped,
    name: str,
    counts: NDArray[np.int64],
    trace: Trace,
    limits: NDArray[np.bool_],
) -> Layer:
    placed, lif = mapped.placed[name], network.populations[name]
    bits = profile_bits(placed.profile)
    levels = None
    if bits is not None and lif.spiking:
        levels = float(((lif.v_th - lif.v_leak) / placed.potential_unit).min())
    moved = counts != trace.spikes
    by_step = tuple(int(n) for n in moved.sum(axis=(1, 2)))
    return Layer(
        name, int(counts.sum()), int(trace.spikes.sum()), int(moved.sum()), bits, levels,
        int(limits.sum()), by_step,
    )  # fmt: skip


def answers(
    network: Network, counts: Mapping[str, NDArray[np.int64]], traces: Mapping[str, Trace]
) -> NDArray[np.int64]:
    """The line that says most, by sample: spikes, or of a readout the mean potential."""
    scores = []
    for name in network.outputs:
        spiking = network.populations[name].spiking
        scores.append(counts[name].sum(axis=0) if spiking else traces[name].v.mean(axis=0))
    return np.asarray(np.argmax(np.concatenate(scores, axis=-1), axis=-1), dtype=np.int64)


def _fired(traces: Mapping[str, Trace]) -> Counts:
    return {k: t.spikes.astype(np.int64) for k, t in traces.items()}


def _share(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    return float((a == b).mean())


def reached_by(network: Network, inputs: Spikes, traces: Mapping[str, Trace]) -> dict[str, Reached]:
    """How far a float run got: potentials from rest, and the drive of a step, in volts."""
    out = {}
    for name, lif in network.populations.items():
        t = traces[name]
        s = scaled(network, name, Reached(0.0, 0.0))
        total = np.zeros(t.v.shape)
        for c in network.into(name):
            source = inputs[c.pre] if c.pre in inputs else traces[c.pre].spikes
            late = np.asarray(source[: len(source) - c.delay], dtype=np.float64)
            total[c.delay :] += late @ c.weight.T
        total += network.bias.get(name, np.zeros(lif.n))
        drives = [np.abs(total * s.gain).max(initial=0.0)]
        if lif.tau_syn is not None:
            # What the sums add up to where they decay as the synapse does.
            assert s.keep_syn is not None
            drives.append(float(np.abs(_decaying(total * s.gain, s.keep_syn)).max(initial=0.0)))
        potential = float(np.abs(t.v - lif.v_leak).max(initial=0.0))
        out[name] = Reached(potential, float(max(drives)))
    return out


def _decaying(x: NDArray[np.float64], keep: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums that decay by ``keep`` a step, ``(steps, ...)``."""
    out = np.zeros_like(x)
    state = np.zeros(x.shape[1:])
    for k, row in enumerate(x):
        state = keep * state + row
        out[k] = state
    return out
