"""How well a contract keeps what its float model answers on given samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..golden import Network, NetworkContract, Trace
from ..golden.errors import require
from .simulate import Simulator

__all__ = ["Goal", "Judge", "Score", "answers"]

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


def answers(model: Network, traces: Mapping[str, Trace]) -> Labels:
    """The class that the output population names for each sample, ``(samples,)``.

    That of the neuron with the most spikes, or, where nothing spikes, with the highest potential
    of the run; a tie goes to the lowest. ``traces`` hold ``(steps, samples, n)``.
    """
    out = model.outputs[0]
    trace = traces[out]
    spiking = model.populations[out].spiking
    if not len(trace.spikes):
        return np.zeros(trace.spikes.shape[1], dtype=np.int64)
    value = trace.spikes.sum(axis=0) if spiking else trace.v.max(axis=0)
    return np.asarray(np.argmax(value, axis=-1), dtype=np.int64)


@dataclass(frozen=True)
class Score:
    """A contract against its float model.

    Parameters
    ----------
    accuracy
        Share of samples whose answer is their label; ``None`` without labels.
    moved
        Spikes that only one of the two has, over the spikes of the float model.
    distance
        Root mean square distance of the potentials of outputs that do not spike, as a share of
        their population's largest potential; 0 where all outputs spike.
    """

    accuracy: float | None
    moved: float
    distance: float


@dataclass(frozen=True)
class Goal:
    """What a contract may lose at most; shares, ``None`` where nothing is asked.

    Raises
    ------
    InvalidValue
        For a share outside 0 to 1.
    """

    accuracy_loss: float | None = None
    moved_spikes: float | None = None
    potential_error: float | None = None

    def __post_init__(self) -> None:
        for name in ("accuracy_loss", "moved_spikes", "potential_error"):
            value = getattr(self, name)
            good = value is None or (np.isfinite(value) and 0 <= value <= 1)
            require(good, name, value, "a share from 0 to 1")

    def missed(self, score: Score, reference: Score) -> str:
        """What ``score`` loses beyond this goal, in words; empty where it serves.

        ``reference`` is the float model's own score.
        """
        said = []
        if self.accuracy_loss is not None:
            assert score.accuracy is not None
            assert reference.accuracy is not None
            lost = reference.accuracy - score.accuracy
            if lost > self.accuracy_loss + 1e-12:
                said.append(f"{lost:.2%} of accuracy, {self.accuracy_loss:.2%} are asked")
        for value, top, what in (
            (score.moved, self.moved_spikes, "of the spikes move"),
            (score.distance, self.potential_error, "error of the potential"),
        ):
            if top is not None and value > top + 1e-12:
                said.append(f"{value:.2%} {what}, {top:.2%} are asked")
        return "; ".join(said)


class Judge:
    """Scores contracts of one network on one set of samples.

    Parameters
    ----------
    model
        The float network.
    spikes
        0/1 by input, ``(steps, samples, n)``.
    labels
        Class of each sample, or ``None``.

    Members
    -------
    floats
        The traces of the float run, by population.
    reference
        Its own score.
    """

    def __init__(
        self,
        model: Network,
        spikes: Mapping[str, NDArray[np.generic]],
        labels: Labels | None = None,
    ) -> None:
        self.model, self.spikes, self.labels = model, spikes, labels
        self.floats = Simulator(model).run(spikes)
        samples = next(iter(self.floats.values())).spikes.shape[1]
        if labels is not None:
            good = labels.shape == (samples,)
            require(good, "labels", list(labels.shape), f"{samples} values, one a sample")
            n = model.populations[model.outputs[0]].n
            wrong = labels[(labels < 0) | (labels >= n)]
            require(not wrong.size, "labels", wrong[:1].tolist(), f"0 to {n - 1}, neurons")
        self._silent = [p for p in model.outputs if not model.populations[p].spiking]
        self.reference = Score(self._accuracy(self.floats), 0.0, 0.0)

    def _accuracy(self, traces: Mapping[str, Trace]) -> float | None:
        if self.labels is None:
            return None
        return float(np.mean(answers(self.model, traces) == self.labels))

    def score(self, contract: NetworkContract) -> Score:
        """Run ``contract`` on the samples and compare."""
        record = ("spikes", "v") if self._silent else ("spikes",)
        got = Simulator(contract).run(self.spikes, record=record)
        parted = sum(int((got[k].spikes != t.spikes).sum()) for k, t in self.floats.items())
        fired = sum(int(t.spikes.sum()) for t in self.floats.values())
        volts = {
            k: Trace(contract.populations[k].volts(got[k].v), got[k].i, got[k].spikes)
            for k in self._silent
        }
        distance = max((self._distance(k, t.v) for k, t in volts.items()), default=0.0)
        return Score(self._accuracy({**got, **volts}), parted / max(fired, 1), distance)

    def _distance(self, name: str, volts: Array) -> float:
        expected = self.floats[name].v
        rest = self.model.populations[name].v_leak
        largest = float(np.abs(expected - rest).max(initial=0.0))
        if largest == 0.0:
            return 0.0
        return float(np.sqrt(np.mean((volts - expected) ** 2)) / largest)
