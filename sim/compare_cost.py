"""What a run costs on a platform: operations, time, and energy where figures are published.

Energies are estimates: published figures per operation times the operations of the run. They
leave out what is not counted here, such as leakage, routing and the host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..golden.platforms.mapping import BIAS, Mapped

__all__ = ["ENERGIES", "Cost", "Energy", "cost_of"]


@dataclass(frozen=True)
class Energy:
    """Joules of a synaptic operation and of a neuron's update, and where they are published."""

    operation: float
    update: float
    source: str


ENERGIES = {
    "loihi": Energy(
        23.6e-12, 81e-12, "Davies et al., IEEE Micro 38(1), 82 (2018): 23.6 pJ a synaptic "
        "operation, 81 pJ an update of an active neuron; all are taken as active",
    ),
    "truenorth": Energy(
        26e-12, 0.0, "Merolla et al., Science 345, 668 (2014): 26 pJ a synaptic event"
    ),
    "odin": Energy(
        12.7e-12, 0.0, "Frenkel et al., IEEE Trans. Biomed. Circuits Syst. 13(1), 145 (2019): "
        "12.7 pJ a synaptic operation of ODIN; tinyODIN's is not published there",
    ),
}  # fmt: skip
"""Platforms with a published figure; there is none here for SpiNNaker and BrainScaleS."""

PACES: dict[str, tuple[float, float, str]] = {
    "truenorth": (1e-3, 0.0, "a tick of 1 ms: Merolla et al. (2014)"),
    "spinnaker": (1e-3, 0.0, "steps of 1 ms in real time: Furber et al., Proc. IEEE 102 (2014)"),
    "brainscales": (0.0, 1e-3, "1000 times faster: Pehle et al., Front. Neurosci. 16 (2022)"),
}
"""Seconds of a step, or per second of the model, and where that is said."""


@dataclass(frozen=True)
class Cost:
    """Cost of all samples together.

    Parameters
    ----------
    operations
        Weights that are not 0, added to a neuron; constant currents not counted.
    updates
        Neurons times steps.
    model_seconds
        Of the model's own time.
    platform_seconds, pace
        On the platform, and where its pace is published; ``None`` where it depends on clock
        and load.
    joules, source
        Energy, an estimate, and where its figures come from; ``None`` without figures.
    """

    operations: int
    updates: int
    model_seconds: float
    platform_seconds: float | None
    pace: str
    joules: float | None
    source: str


def cost_of(
    mapped: Mapped,
    inputs: Mapping[str, NDArray[np.uint8]],
    counts: Mapping[str, NDArray[np.int64]],
    steps: int,
    dt: float,
) -> Cost:
    """Cost of a run; arrays ``(steps, samples, n)``."""
    samples = next(iter(counts.values())).shape[1]
    operations = 0
    for p in mapped.net.projections:
        if p.pre != BIAS:
            source = inputs[p.pre] if p.pre in inputs else counts[p.pre]
            sent = np.asarray(source[: len(source) - p.delay], dtype=np.int64).sum(axis=(0, 1))
            operations += int((np.count_nonzero(p.weight, axis=0) * sent).sum())
    updates = steps * samples * sum(p.profile.n for p in mapped.placed.values())
    model = steps * samples * dt
    step, scale, pace = PACES.get(mapped.platform, (0.0, 0.0, ""))
    energy = ENERGIES.get(mapped.platform)
    return Cost(
        operations,
        updates,
        model,
        steps * samples * step + model * scale if pace else None,
        pace,
        None if energy is None else operations * energy.operation + updates * energy.update,
        "" if energy is None else energy.source,
    )
