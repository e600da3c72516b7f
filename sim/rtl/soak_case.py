"""What the soak runs: a core's design, its stimulus and its golden reference, under a name.

A module of :mod:`lifstone.sim.rtl.soak_cases` with a tuple ``CASES`` adds its cores::

    CASES = (unit_case("my_cell", lambda: UnitContract(...)),)
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...golden import Difference, NetworkContract
from ...golden.cell import CellTrace
from ...golden.errors import require
from ...golden.unit import UnitContract, run_unit
from ...hdl import Design, generate
from ...hdl.unit_top import generate_unit
from ..simulate import Simulator
from .unit import explain_unit

__all__ = ["Case", "Made", "Stimulus", "all_cases", "network_case", "patterns", "unit_case"]

Spikes = Mapping[str, NDArray[np.generic]]
Made = dict[str, NDArray[np.uint8]]
Stimulus = Callable[[np.random.Generator, Mapping[str, int], int, int], Made]
"""Generator, lines by input, steps and samples to 0/1 of ``(steps, samples, lines)``."""


def patterns(rng: np.random.Generator, sizes: Mapping[str, int], steps: int, samples: int) -> Made:
    """Random and directed spikes, another kind in each sample of an input.

    Directed: silence, all lines in every step, all in every second step, one line after the
    other, all lines until the middle and silence after it. The others are random, with a rate
    between 1/256 and 1 that is drawn anew for each eighth of the steps.
    """
    time = np.arange(steps)[:, None]
    out = {}
    for name, lines in sizes.items():
        directed = [
            np.zeros((steps, lines)),
            np.ones((steps, lines)),
            np.repeat(time % 2, lines, axis=1),
            time % lines == np.arange(lines),
            np.repeat(time < steps // 2, lines, axis=1),
        ]
        rate = 2.0 ** -rng.uniform(0, 8, (8, samples, 1))
        rate = np.repeat(rate, -(-steps // 8), axis=0)[:steps]
        spikes = (rng.random((steps, samples, lines), dtype=np.float32) < rate).astype(np.uint8)
        # Which sample gets which differs between inputs, so that they meet in all ways.
        for at, kind in zip(rng.permutation(samples), directed, strict=False):
            spikes[:, at] = kind
        out[name] = spikes
    return out


@dataclass(frozen=True)
class Case:
    """A core to be soaked.

    Parameters
    ----------
    name
        How the command line calls it.
    design
        Makes the RTL, with trace ports.
    neurons
        All neurons of the design.
    inputs
        Lines of each input.
    reference
        Golden traces by population for ``(stimulus, steps)``, batched as the stimulus is.
    explain
        What a neuron held and received, for a difference; may say nothing.
    stimulus
        Makes the spikes.
    bare
        Makes the RTL without trace ports, as one would build it.
    """

    name: str
    design: Callable[[], Design]
    neurons: Callable[[], int]
    inputs: Callable[[], Mapping[str, int]]
    reference: Callable[[Spikes, int], Mapping[str, CellTrace]]
    explain: Callable[[Spikes, Mapping[str, CellTrace], Difference], str]
    stimulus: Stimulus = patterns
    bare: Callable[[], Design] | None = None


def unit_case(
    name: str, make: Callable[[], UnitContract], *, stimulus: Stimulus = patterns
) -> Case:
    """A case of a unit, made when it is needed."""
    made = cache(make)
    return Case(
        name,
        lambda: generate_unit(made(), trace=True),
        lambda: made().cell.n,
        lambda: made().inputs,
        lambda spikes, steps: {made().name: run_unit(made(), spikes, steps)},
        lambda spikes, traces, difference: explain_unit(
            made(), spikes, traces[difference.population], difference
        ),
        stimulus,
        lambda: generate_unit(made()),
    )


def network_case(
    name: str,
    make: Callable[[], NetworkContract],
    *,
    lanes: int = 1,
    stimulus: Stimulus = patterns,
) -> Case:
    """A case of a network of LIF cores; the reference is golden's step on all samples."""
    made = cache(make)

    def reference(spikes: Spikes, steps: int) -> dict[str, CellTrace]:
        traces = Simulator(made()).run(spikes, steps)
        return {
            p: CellTrace(
                {"u": t.v, **({"i": t.i} if made().populations[p].has_synapse else {})}, t.spikes
            )
            for p, t in traces.items()
        }

    return Case(
        name,
        lambda: generate(made(), trace=True, lanes=lanes),
        lambda: sum(p.n for p in made().populations.values()),
        lambda: made().inputs,
        reference,
        lambda spikes, traces, difference: "",
        stimulus,
        lambda: generate(made(), lanes=lanes),
    )


def all_cases() -> dict[str, Case]:
    """Every registered case by name, sorted.

    Raises
    ------
    InvalidValue
        For a name that stands twice.
    """
    from . import soak_cases

    found: dict[str, Case] = {}
    for module in pkgutil.iter_modules(soak_cases.__path__):
        cases = importlib.import_module(f"{soak_cases.__name__}.{module.name}").CASES
        for case in cases:
            require(case.name not in found, "case", case.name, "a name that no other case has")
            found[case.name] = case
    return dict(sorted(found.items()))
