r"""Delayed association: which of several patterns was it, asked after a pause?

A trial begins with a cue, a burst of random spikes on the lines of one pattern; patterns are
sets of lines that overlap. Nothing comes in the pause. Then the same lines ask whatever the
pattern was, and the neuron of the pattern should be the first to fire. In the ask the cue is
over: what is left of it are the membranes' potentials, and in learning the traces. While it
learns, a teacher's spikes in the ask name the neuron; they reach the learning signal alone.

:func:`contract` is the network in integers, :func:`trial_spikes` its input, :func:`learn` what
golden makes of a run of trials, and :func:`accuracy` tests weights that no longer learn. ::

    python -m lifstone.golden.learning.association     the table of docs/learning-cores.md
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..contract import Contract, Decay, Drive
from ..errors import require
from ..fixed import Ints, Rounding
from ..lif import Reset
from .integer_update import TraceWord, Update, WeightWord
from .plastic import PlasticContract, plastic_steps, side_by_side
from .three_factor_integer import Mark, Signal, ThreeFactorInteger

__all__ = [
    "KINDS",
    "Association",
    "Learned",
    "accuracy",
    "contract",
    "leaky_neurons",
    "learn",
    "trace_word",
    "trial_spikes",
]

KINDS = ("e-prop", "no trace", "no signal")
"""Learning, and learning with one factor taken away."""
DECAY = 12
"""Bits of every decay's coefficient."""
TEACH_EVERY = 2
"""Steps from one spike of the teacher to the next."""


@dataclass(frozen=True)
class Association:
    """The task, in steps and lines.

    ``cue_lines`` carry patterns of ``size`` lines each, one for each of ``classes``; ``ask``
    further lines ask. A trial is cue, pause, ask and rest, ``steps`` in all.
    """

    classes: int = 4
    cue_lines: int = 12
    size: int = 4
    ask_lines: int = 4
    cue: int = 6
    pause: int = 8
    ask: int = 8
    rest: int = 14
    density: float = 0.6
    seed: int = 0

    def __post_init__(self) -> None:
        require(2 <= self.classes <= 16, "classes", self.classes, "2 to 16")
        require(1 <= self.size <= self.cue_lines, "size", self.size, f"1 to {self.cue_lines}")
        require(0 < self.density <= 1, "density", self.density, "above 0, at most 1")

    @property
    def lines(self) -> int:
        """All input lines."""
        return self.cue_lines + self.ask_lines

    @property
    def steps(self) -> int:
        """Steps of a trial."""
        return self.cue + self.pause + self.ask + self.rest

    @property
    def asked(self) -> slice:
        """Steps of a trial in which the answer is read."""
        begin = self.cue + self.pause
        return slice(begin, begin + self.ask)

    def patterns(self) -> NDArray[np.bool_]:
        """Lines of each pattern, ``(classes, cue_lines)``; no two are the same."""
        rng = np.random.default_rng([self.seed, 1])
        while True:
            drawn = rng.permuted(np.tile(np.arange(self.cue_lines), (self.classes, 1)), axis=1)
            found = drawn < self.size
            if len({tuple(row) for row in found}) == self.classes:
                return np.asarray(found)


def trial_spikes(
    task: Association, rng: np.random.Generator, count: int
) -> tuple[dict[str, NDArray[np.uint8]], Ints]:
    """Input of ``count`` trials, ``(steps, count, lines)`` by name, and their classes."""
    labels = rng.integers(0, task.classes, count)
    plastic = np.zeros((task.steps, count, task.lines), np.uint8)
    drawn = rng.random((task.cue, count, task.cue_lines)) < task.density
    plastic[: task.cue, :, : task.cue_lines] = drawn & task.patterns()[labels]
    asks = rng.random((task.ask, count, task.ask_lines)) < task.density
    plastic[task.asked, :, task.cue_lines :] = asks
    signal = np.zeros((task.steps, count, task.classes), np.uint8)
    signal[task.asked.start : task.asked.stop : TEACH_EVERY, np.arange(count), labels] = 1
    return {"plastic": plastic, "signal": signal}, labels


def trace_word(bump: int, tau: float) -> TraceWord:
    """A trace of 12 bits that decays with ``tau`` steps."""
    return TraceWord(12, bump, round(float(np.exp(-1.0 / tau)) * (1 << DECAY)), DECAY)


def leaky_neurons(n: int) -> Contract:
    """Leaky neurons with ``tau_mem`` of 20 steps and a threshold of 1024."""
    zero, one = np.zeros(n, np.int64), np.ones(n, np.int64)
    decay = round(float(np.exp(-1.0 / 20.0)) * (1 << DECAY))
    return Contract(
        n=n, width=14, fraction=10, syn_width=0, weight_width=10, weight_shift=0, acc_width=14,
        decay_mem=Decay(decay * one, DECAY), decay_syn=None, drive=Drive.NEW, couple=None,
        couple_fraction=0, threshold=1024 * one, reset=Reset.SET, u_reset=zero, u_drop=zero,
        u_init=zero, hold=zero, bias=zero, rounding=Rounding.NEAREST,
        lsb=np.full(n, 2.0**-10), i_lsb=np.ones(n), v_rest=np.zeros(n),
    )  # fmt: skip


def contract(task: Association, seed: int, *, trace: bool = True) -> PlasticContract:
    """The network before it learns, with random weights; e-prop, one neuron for each class.

    Without ``trace`` lines and synapses remember nothing from step to step; marks are 16 times
    as large there, so that the weights move about as much.
    """
    rng = np.random.default_rng([task.seed, seed, 2])
    weight = WeightWord(16, 9, -32000, 32000)
    start = rng.normal(9000.0, 4000.0, (task.classes, task.lines))
    x = trace_word(128, 20.0)
    rule = ThreeFactorInteger(
        Mark.PSEUDO,
        Signal.TEACHER,
        x if trace else replace(x, factor=0),
        trace_word(512, 4.0),
        trace_word(512, 4.0),
        mark_shift=4 if trace else 0,
        e_width=16,
        e_factor=200 if trace else 0,
        e_fraction=8,
        update=Update(15),
        psi_top=63,
        psi_shift=5,
    )
    whole = np.clip(np.round(start), weight.low, weight.high).astype(np.int64)
    fixed = np.zeros((task.classes, 0), np.int64)
    return PlasticContract(leaky_neurons(task.classes), whole, weight, rule, fixed, seed)


@dataclass(frozen=True, eq=False)
class Learned:
    """A run of trials with several seeds side by side.

    ``nets`` are the networks before, ``weights`` what each learned, ``(seeds, n, lines)``, and
    ``inputs`` the whole run's, ``(steps, seeds, lines)`` by name.
    """

    nets: tuple[PlasticContract, ...]
    weights: Ints
    inputs: dict[str, NDArray[np.uint8]]


def learn(task: Association, seeds: tuple[int, ...], kind: str, trials: int) -> Learned:
    """Trials one after the other in golden; ``no signal`` lets the teacher name any neuron.

    Raises
    ------
    InvalidValue
        For a kind that is not among :data:`KINDS`.
    """
    require(kind in KINDS, "kind", kind, ", ".join(KINDS))
    nets = tuple(contract(task, seed, trace=kind != "no trace") for seed in seeds)
    runs: list[dict[str, NDArray[np.uint8]]] = []
    for seed in seeds:
        rng = np.random.default_rng([task.seed, seed, 3])
        spikes, _ = trial_spikes(task, rng, trials)
        if kind == "no signal":
            spikes["signal"] = spikes["signal"][:, rng.permutation(trials)]
        runs.append({k: np.swapaxes(a, 0, 1).reshape(-1, a.shape[2]) for k, a in spikes.items()})
    inputs = {k: np.stack([run[k] for run in runs], axis=1) for k in runs[0]}
    state = side_by_side(nets)
    for after, _ in plastic_steps(nets[0], dict(inputs), state):
        state = after
    return Learned(nets, state.weight, inputs)


def accuracy(task: Association, net: PlasticContract, weight: Ints, trials: int = 400) -> float:
    """Share of new trials in which the right neuron is the first to fire in the ask.

    The weights stay as they are, and no teacher is there. Where ``k`` neurons are first, the
    right one among them counts ``1 / k``; so does silence. Chance is one of the classes.
    """
    rule = net.rule
    assert isinstance(rule, ThreeFactorInteger)
    frozen = replace(net, rule=replace(rule, update=Update(31, stochastic=False)), start=weight)
    spikes, labels = trial_spikes(task, np.random.default_rng([task.seed, 4]), trials)
    spikes["signal"] = np.zeros_like(spikes["signal"])
    fired = np.array([f for _, f in plastic_steps(frozen, dict(spikes))])[task.asked]
    first = np.where(fired.any(axis=0), fired.argmax(axis=0), task.ask)
    best = first == first.min(axis=1, keepdims=True)
    return float((best[np.arange(trials), labels] / best.sum(axis=1)).mean())


def main() -> None:
    """Accuracy before and after 400 trials, five seeds, with all factors and without each."""
    task, seeds = Association(), (0, 1, 2, 3, 4)
    print("| | before | after | each seed |")
    print("|---|---|---|---|")
    for kind in KINDS:
        run = learn(task, seeds, kind, 400)
        before = [accuracy(task, net, net.start) for net in run.nets]
        pairs = zip(run.nets, run.weights, strict=True)
        after = [accuracy(task, net, weight) for net, weight in pairs]
        each = ", ".join(f"{100 * a:.1f}" for a in after)
        spread = 100 * float(np.std(after, ddof=1))
        print(
            f"| {kind} | {100 * np.mean(before):.1f} % | "
            f"{100 * np.mean(after):.1f} % +- {spread:.1f} | {each} |"
        )


if __name__ == "__main__":
    main()
