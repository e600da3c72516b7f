"""Which choice of arithmetic gives a trace: a model replayed under each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from .case import contract_of
from .golden import InvalidValue, Network, Rounding, Trace, Widths
from .golden.errors import require
from .sim.compare_choices import CHOICES
from .sim.simulate import Simulator
from .stimulus import Stimulus
from .trace_diff import Aligned
from .trace_names import SPIKE, Array

__all__ = ["AS_WRITTEN", "Replay", "nearest", "replays"]

AS_WRITTEN = "as the file says"


@dataclass(frozen=True)
class Replay:
    """Spikes of a choice that differ from those of each trace; ``v`` breaks ties.

    ``v_a`` and ``v_b`` are the largest distances of the potentials, where traces hold them.
    ``failed`` says why a choice could not be run.
    """

    choice: str
    differing_a: int = 0
    differing_b: int = 0
    v_a: float | None = None
    v_b: float | None = None
    failed: str = ""


def replays(
    network: Network, widths: Widths | Mapping[str, Widths], stimulus: Stimulus, aligned: Aligned
) -> tuple[Replay, ...]:
    """The network as it is, with each of :data:`.CHOICES`, and as contract in each rounding.

    Raises
    ------
    InvalidValue
        For more than one sample, or traces whose spikes are of no population.
    """
    require(stimulus.samples == 1, "stimulus.samples", stimulus.samples, "1: a trace is of one")
    wanted = _populations(network, aligned)
    begin = max(0, -aligned.offset)
    steps = min(aligned.steps, stimulus.steps - begin)
    require(steps > 0, "stimulus.steps", stimulus.steps, f"more than {begin} steps")
    out = []
    for choice, run in _variants(network, widths):
        try:
            traces = run(stimulus)
        except InvalidValue as error:
            out.append(Replay(choice, failed=str(error)))
            continue
        if traces is None:
            continue
        cut = {
            k: replace(t, v=t.v[begin:, 0][:steps], spikes=t.spikes[begin:, 0][:steps])
            for k, t in traces.items()
        }
        counts = [_moved(wanted, aligned, cut, side, steps) for side in (0, 1)]
        volts = [_apart(wanted, aligned, cut, side, steps) for side in (0, 1)]
        out.append(Replay(choice, counts[0], counts[1], volts[0], volts[1]))
    return tuple(out)


Run = Callable[[Stimulus], dict[str, Trace] | None]


def _variants(network: Network, widths: Widths | Mapping[str, Widths]) -> Iterator[tuple[str, Run]]:
    yield AS_WRITTEN, lambda s: Simulator(network).run(s.spikes, s.steps)
    for name, run in CHOICES.items():
        yield name, lambda s, run=run: run(network, s.spikes)  # type: ignore[misc]
    for rounding in Rounding:
        yield (
            f"the contract, rounding {rounding}",
            lambda s, r=rounding: _contract(network, widths, r, s),  # type: ignore[misc]
        )


def _contract(
    network: Network, widths: Widths | Mapping[str, Widths], rounding: Rounding, s: Stimulus
) -> dict[str, Trace]:
    """The integer contract as every command derives it, states in volts."""
    if isinstance(widths, Widths):
        chosen: Widths | dict[str, Widths] = replace(widths, rounding=rounding)
    else:
        chosen = {k: replace(w, rounding=rounding) for k, w in widths.items()}
    contract = contract_of(network, chosen).contract
    traces = Simulator(contract).run(s.spikes, s.steps)
    return {k: replace(t, v=contract.populations[k].volts(t.v)) for k, t in traces.items()}


def _populations(network: Network, aligned: Aligned) -> dict[str, str]:
    """Populations of the network by the traces' names of them."""
    names = [population for population, quantity in aligned.pairs if quantity == SPIKE]
    require(bool(names), "signals", "no spikes", "traces with spikes, to be held against a model")
    last = network.outputs or network.order
    out = {}
    for name in names:
        alone = len(names) == 1 and len(last) == 1 and name not in network.populations
        population = last[0] if alone else name
        allowed = f"populations {', '.join(network.populations)}"
        require(population in network.populations, "population", name, allowed)
        n, given = network.populations[population].n, aligned.pairs[(name, SPIKE)][0].shape[1]
        require(n == given, f"{name or 'spike'}.neurons", given, f"{n} as in {population}")
        out[name] = population
    return out


def _moved(
    wanted: Mapping[str, str], aligned: Aligned, got: Mapping[str, Trace], side: int, steps: int
) -> int:
    count = 0
    for name, population in wanted.items():
        spikes: Array = aligned.pairs[(name, SPIKE)][side][:steps]
        count += int((got[population].spikes != spikes).sum())
    return count


def _apart(
    wanted: Mapping[str, str], aligned: Aligned, got: Mapping[str, Trace], side: int, steps: int
) -> float | None:
    largest = []
    for name, population in wanted.items():
        if (name, "v") in aligned.pairs:
            v = aligned.pairs[(name, "v")][side][:steps]
            largest.append(float(np.abs(got[population].v - v).max()))
    return max(largest) if largest else None


def nearest(rows: tuple[Replay, ...], side: int) -> tuple[Replay, ...]:
    """The choices whose spikes are nearest to trace ``a`` (0) or ``b`` (1), several in a tie.

    Potentials decide between equal spikes. The model as written is first wherever it is among
    them: then no other choice is needed.
    """
    ran = [r for r in rows if not r.failed]

    def rank(row: Replay) -> tuple[int, float]:
        count, v = (row.differing_b, row.v_b) if side else (row.differing_a, row.v_a)
        return count, 0.0 if v is None or np.isnan(v) else v

    best = min(rank(r) for r in ran)
    return tuple(r for r in ran if rank(r) == best)
