r"""A choice that is rewarded: spike timing marks synapses, and praise or blame comes later.

One of two patterns of lines is shown; two neurons hear it, each with noise of its own on fixed
lines, and the one that fires more has chosen. After a wait, a spike says whether the choice was
right: praise or blame, for all synapses alike. What a synapse did for the choice is then only in
its eligibility. A tie is wrong. The world gets used to success: it praises as rarely as success
is common, and blames as rarely as failure is, so that on average nothing is said.

The world answers to what the population does, so that the input of a run follows from the run:
:func:`rewarded` records it, and the RTL gets what was recorded. ::

    python -m lifstone.golden.learning.choice     the table of docs/learning-cores.md
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import require
from ..fixed import Ints
from .association import leaky_neurons, trace_word
from .integer_update import TraceWord, Update, WeightWord
from .plastic import PlasticContract, PlasticState, plastic_step, plastic_steps, side_by_side
from .three_factor_integer import Mark, Signal, ThreeFactorInteger

__all__ = ["KINDS", "Choice", "Rewarded", "chosen_right", "network", "rewarded"]

KINDS = ("reward", "no trace", "no signal")
"""Learning, and learning with one factor taken away."""
MEMORY = 25.0
"""Trials over which the world remembers how often the choice was right."""


@dataclass(frozen=True)
class Choice:
    """The task, in steps and lines; two patterns of ``size`` of ``lines`` that may overlap."""

    lines: int = 12
    size: int = 5
    noise_lines: int = 4
    show: int = 10
    wait: int = 10
    rest: int = 12
    density: float = 0.5
    noise: float = 0.15
    seed: int = 0

    @property
    def steps(self) -> int:
        """Steps of a trial."""
        return self.show + self.wait + self.rest

    def patterns(self) -> NDArray[np.bool_]:
        """Lines of each pattern, ``(2, lines)``: they share one line."""
        order = np.random.default_rng([self.seed, 21]).permutation(self.lines)
        found = np.zeros((2, self.lines), np.bool_)
        found[0, order[: self.size]] = True
        found[1, order[self.size - 1 : 2 * self.size - 1]] = True
        return found


def network(task: Choice, seed: int, *, trace: bool = True) -> PlasticContract:
    """The two neurons before they learn; without ``trace`` an eligibility lasts one step."""
    weight = WeightWord(16, 8, 0, 20000)
    rule = ThreeFactorInteger(
        Mark.PAIR,
        Signal.REWARD,
        trace_word(128, 20.0),
        trace_word(128, 20.0),
        TraceWord(10, 512, 0, 4),
        mark_shift=4,
        e_width=16,
        e_factor=252 if trace else 0,
        e_fraction=8,
        update=Update(9),
        a_plus=16,
        a_minus=2,
    )
    rng = np.random.default_rng([task.seed, seed, 22])
    start = rng.integers(6000, 12000, (2, task.lines))
    fixed = np.kron(np.eye(2, dtype=np.int64), np.full((1, task.noise_lines), 150))
    return PlasticContract(leaky_neurons(2), start, weight, rule, fixed, seed)


def _shown(
    task: Choice, rng: np.random.Generator, labels: Ints, count: int
) -> dict[str, NDArray[np.int64]]:
    """Input of a trial for ``count`` runs side by side, without praise or blame."""
    lines = np.zeros((task.steps, count, task.lines), np.int64)
    drawn = rng.random((task.show, count, task.lines)) < task.density
    lines[: task.show] = drawn & task.patterns()[labels]
    noise = np.zeros((task.steps, count, 2 * task.noise_lines), np.int64)
    noise[: task.show] = rng.random(noise[: task.show].shape) < task.noise
    return {"plastic": lines, "fixed": noise, "signal": np.zeros((task.steps, count, 2), np.int64)}


@dataclass(frozen=True, eq=False)
class Rewarded:
    """Runs of several seeds side by side: networks before, weights after, recorded input."""

    nets: tuple[PlasticContract, ...]
    weights: Ints
    inputs: dict[str, NDArray[np.uint8]]


def rewarded(task: Choice, seeds: tuple[int, ...], kind: str, trials: int) -> Rewarded:
    """Trials one after the other; in ``no signal`` praise and blame come by chance.

    Raises
    ------
    InvalidValue
        For a kind that is not among :data:`KINDS`.
    """
    require(kind in KINDS, "kind", kind, ", ".join(KINDS))
    nets = tuple(network(task, seed, trace=kind != "no trace") for seed in seeds)
    count = len(seeds)
    state: PlasticState = side_by_side(nets)
    rng = np.random.default_rng([task.seed, *seeds, 23])
    record: dict[str, list[NDArray[np.int64]]] = {"plastic": [], "fixed": [], "signal": []}
    answer, expected = task.show + task.wait, np.full(count, 0.5)
    for _ in range(trials):
        labels = rng.integers(0, 2, count)
        spikes = _shown(task, rng, labels, count)
        score = np.zeros((count, 2), np.int64)
        for k in range(task.steps):
            if k == answer:
                right = score[np.arange(count), labels] > score[np.arange(count), 1 - labels]
                surprise = rng.random(count) < np.where(right, 1.0 - expected, expected)
                expected += (right - expected) / MEMORY
                told = rng.random(count) < 0.5 if kind == "no signal" else right
                spikes["signal"][k] = np.stack([told & surprise, ~told & surprise], axis=1)
            state, fired = plastic_step(nets[0], state, {n: a[k] for n, a in spikes.items()})
            score += fired if k < answer else 0
        for name, a in spikes.items():
            record[name].append(a)
    inputs = {name: np.concatenate(a).astype(np.uint8) for name, a in record.items()}
    return Rewarded(nets, state.weight, inputs)


def chosen_right(task: Choice, net: PlasticContract, weight: Ints, trials: int = 600) -> float:
    """Share of right choices in new trials with weights at rest; a tie counts a half."""
    assert isinstance(net.rule, ThreeFactorInteger)
    rule = replace(net.rule, update=Update(31, stochastic=False))
    rng = np.random.default_rng([task.seed, 24])
    labels = rng.integers(0, 2, trials)
    spikes = _shown(task, rng, labels, trials)
    frozen = replace(net, rule=rule, start=weight)
    score = np.zeros((trials, 2), np.int64)
    for _, fired in plastic_steps(frozen, dict(spikes)):
        score += fired
    margin = score[np.arange(trials), labels] - score[np.arange(trials), 1 - labels]
    return float((margin > 0).mean() + 0.5 * (margin == 0).mean())


def main() -> None:
    """Right choices before and after 400 trials, five seeds, with all factors and without each."""
    task, seeds = Choice(), (0, 1, 2, 3, 4)
    print("| | before | after | each seed |")
    print("|---|---|---|---|")
    for kind in KINDS:
        run = rewarded(task, seeds, kind, 400)
        before = [chosen_right(task, net, net.start) for net in run.nets]
        pairs = zip(run.nets, run.weights, strict=True)
        after = [chosen_right(task, net, weight) for net, weight in pairs]
        each = ", ".join(f"{100 * a:.1f}" for a in after)
        print(
            f"| {kind} | {100 * np.mean(before):.1f} % | {100 * np.mean(after):.1f} % +- "
            f"{100 * float(np.std(after, ddof=1)):.1f} | {each} |"
        )


if __name__ == "__main__":
    main()
