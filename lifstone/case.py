"""What is verified: a network, its integers, a stimulus, and the two reference runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .golden import Network, Quantised, Trace, Widths, quantise, run_contract, run_float
from .golden.calibrate import calibrate
from .golden.errors import require
from .stimulus import Stimulus, random_stimulus

__all__ = ["Case", "choose_neurons", "contract_of", "prepare", "stack"]

CALIBRATION_STEPS = 256
CALIBRATION_PROBABILITY = 0.3


@dataclass(frozen=True, eq=False)
class Case:
    """A network on a stimulus, with the runs of both golden models.

    ``floats`` and ``integers`` hold a trace per population, arrays ``(steps, samples, n)``.
    """

    model: Network
    quantised: Quantised
    stimulus: Stimulus
    floats: Mapping[str, Trace]
    integers: Mapping[str, Trace]


def contract_of(
    model: Network,
    widths: Widths | Mapping[str, Widths] | None = None,
    stimulus: Stimulus | None = None,
) -> Quantised:
    """The contract of ``model``, binary points that are not given placed by a float run.

    ``widths`` are for all populations or for each by name. Without ``stimulus``
    the run has random input spikes from a fixed seed, so that every command derives the same
    contract from the same file.
    """
    run = stimulus or random_stimulus(model.inputs, CALIBRATION_STEPS, CALIBRATION_PROBABILITY, 0)
    return quantise(model, calibrate(model, _golden(model, run), widths or Widths()))


def prepare(model: Network, quantised: Quantised, stimulus: Stimulus) -> Case:
    """Run both golden models on every sample."""
    integers = stack(
        [
            run_contract(quantised.contract, stimulus.sample(k), stimulus.steps)
            for k in range(stimulus.samples)
        ]
    )
    return Case(model, quantised, stimulus, _golden(model, stimulus), integers)


def _golden(model: Network, stimulus: Stimulus) -> dict[str, Trace]:
    runs = [run_float(model, stimulus.sample(k), stimulus.steps) for k in range(stimulus.samples)]
    return stack(runs)


def stack(runs: Sequence[Mapping[str, Trace]]) -> dict[str, Trace]:
    """Traces ``(steps, n)`` of several samples as one ``(steps, samples, n)`` per population."""
    return {
        name: Trace(
            np.stack([r[name].v for r in runs], axis=1),
            np.stack([r[name].i for r in runs], axis=1),
            np.stack([r[name].spikes for r in runs], axis=1),
        )
        for name in runs[0]
    }


def choose_neurons(case: Case, count: int) -> list[tuple[str, int]]:
    """Up to ``count`` neurons of each spiking population, those that fire first of all.

    A neuron that stays silent in the first sample says little about spike times.
    """
    require(count >= 0, "neurons", count, "0 or greater")
    chosen: list[tuple[str, int]] = []
    for name, lif in case.model.populations.items():
        finite = np.isfinite(lif.v_th)
        fires = np.any(case.floats[name].spikes[:, 0], axis=0)
        ranked = sorted(np.flatnonzero(finite), key=lambda j: (not fires[j], j))
        chosen += [(name, int(j)) for j in ranked[:count]]
    return chosen
