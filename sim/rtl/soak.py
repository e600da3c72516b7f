"""Long runs of every registered core against its golden contract: ``make soak``.

Every chunk of the stimulus goes through the compiled harness and through golden, and every
state word and spike of every step is compared. Memory stays bounded; a chunk is named by its
number, from which its stimulus follows.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...golden import Difference, InvalidValue
from ...golden.cell import CellTrace
from ...golden.errors import require
from ...golden.unit import first_word_difference
from .bulk import BulkRtl
from .soak_case import Case, all_cases

__all__ = ["Soak", "main", "soak"]

STEPS = 256
CHUNK = 1 << 20
"""Steps of a sample, and neuron updates of a chunk."""
WAITS = (0.0, 0.0, 0.0, 0.3)
"""Probability of idle clocks and of back-pressure in the chunks, in turn."""


@dataclass(frozen=True)
class Soak:
    """What a soak found.

    ``updates`` neuron updates were compared in ``seconds``, and ``spikes`` fell in them.
    ``deviation`` is empty, or says where body and contract part.
    """

    case: str
    updates: int
    spikes: int
    seconds: float
    deviation: str = ""

    @property
    def rate(self) -> float:
        """Neuron updates a second, golden and comparison included."""
        return self.updates / self.seconds if self.seconds else 0.0

    def __str__(self) -> str:
        said = f"deviates: {self.deviation}" if self.deviation else "exact"
        share = self.spikes / max(1, self.updates)
        return (
            f"{self.case:24} {self.updates:>13,} updates {self.rate / 1e6:7.2f} M/s "
            f"{share:6.1%} spikes  {said}"
        )


def soak(
    case: Case, updates: float, *, first: int = 0, chunk: int = CHUNK, optimise: bool = True
) -> Soak:
    """Run one core for at least so many neuron updates, or until it deviates.

    Parameters
    ----------
    updates
        Neuron updates; at least a chunk is run.
    first
        Number of the first chunk: other numbers, other stimulus.
    chunk
        Neuron updates of a chunk, about.
    optimise
        Let the compiler optimise the simulation: for long runs.
    """
    require(updates > 0, "updates", updates, "more than 0")
    rtl = BulkRtl(case.design(), optimise=optimise)
    samples = max(1, chunk // (STEPS * case.neurons()))
    done = spikes = 0
    start = time.perf_counter()
    for k in range(first, sys.maxsize):
        counted, fired, deviation = _chunk(case, rtl, k, samples)
        done, spikes = done + counted, spikes + fired
        if deviation or done >= updates:
            return Soak(case.name, done, spikes, time.perf_counter() - start, deviation)
    raise AssertionError("unreachable")


def _chunk(case: Case, rtl: BulkRtl, number: int, samples: int) -> tuple[int, int, str]:
    """Neuron updates, spikes, and the first deviation of a chunk."""
    rng = np.random.default_rng([number, *case.name.encode()])
    inputs = case.stimulus(rng, case.inputs(), STEPS, samples)
    wait = WAITS[number % len(WAITS)]
    # Every eighth chunk each sample is interrupted by a reset and starts again.
    reset_at = int(rng.integers(1, 4 * STEPS)) if number % 8 == 5 else None
    run = rtl.run(inputs, STEPS, seed=number, reset_at=reset_at, idle=wait, backpressure=wait)
    if run.failure:
        return 0, 0, f"chunk {number}: {run.failure}"
    expected = case.reference(inputs, STEPS)
    difference = _first(expected, run.cells)
    counted = sum(t.spikes.size for t in expected.values())
    fired = sum(int(np.count_nonzero(t.spikes)) for t in expected.values())
    if difference is None:
        return counted, fired, ""
    reason = case.explain(inputs, expected, difference)
    return counted, fired, f"chunk {number}, {difference}" + (f", because {reason}" * bool(reason))


def _first(expected: Mapping[str, CellTrace], got: Mapping[str, CellTrace]) -> Difference | None:
    """The earliest difference of all populations."""
    found = [first_word_difference(name, trace, got[name]) for name, trace in expected.items()]
    return min((d for d in found if d is not None), key=lambda d: d.step, default=None)


def _chosen(names: Sequence[str]) -> Iterator[Case]:
    cases = all_cases()
    for name in names:
        require(name in cases, "case", name, ", ".join(cases))
    for name in names or cases:
        yield cases[name]


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak the named cores, or all; 1 if one deviates, 2 for a name that is not there."""
    parser = argparse.ArgumentParser(description="Run cores against their contracts for long.")
    parser.add_argument("case", nargs="*", help="cores; all without a name")
    parser.add_argument("--updates", type=float, default=1e8, help="neuron updates of each")
    parser.add_argument("--first", type=int, default=0, help="number of the first chunk")
    parser.add_argument("--list", action="store_true", help="only name the cores")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(all_cases()))
        return 0
    bad = 0
    try:
        for case in _chosen(options.case):
            result = soak(case, options.updates, first=options.first)
            print(result, flush=True)
            bad += bool(result.deviation)
    except InvalidValue as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
