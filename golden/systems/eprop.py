"""System 15: three factors of learning: presynaptic trace, postsynaptic state, and a signal.

E-prop trains a recurrent network of adaptive neurons on a delayed match, forward in time and
with local traces alone. Its gradient is held against backpropagation: equal where no recurrent
path is left out, and its angle to the full gradient measured where one is. Ablations take away
the trace or the signal. Reward-modulated plasticity is held against its closed form for one pair
of spikes and one reward.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..discrete import discretise
from ..learning.adam import Adam
from ..learning.bptt import Adaptation, Gradient, Layer, Rule, Tape, backward, forward
from ..learning.delayed_match import DT, STEPS, draw, judge, layers
from ..learning.eprop import Readout, eligibility, gradient
from ..learning.reward import RewardRule, pair_change, start, step
from ..learning.surrogate import Surrogate
from .parameter import quantity, validate
from .system import Check, Figure, Panel, Result, Series, System

__all__ = ["SYSTEM", "Parameters", "agreement", "pair_error", "run", "train"]

Array = NDArray[np.float64]
KINDS = ("e-prop", "no trace", "no signal")


@dataclass(frozen=True)
class Parameters:
    """Network, rule and training."""

    hidden: int = quantity(24, "1", "Recurrent adaptive neurons.", low=2, high=512)
    slope: float = quantity(4.0, "1", "Slope of the fast-sigmoid surrogate.", above=0.0)
    beta: float = quantity(0.3, "1", "Rise of the threshold by a spike, in thresholds.", low=0.0)
    tau_adapt: float = quantity(40e-3, "s", "Time constant of the adaptive threshold.", above=0.0)
    tau_mem: float = quantity(10e-3, "s", "Membrane time constant.", above=0.0)
    epochs: int = quantity(16, "1", "Passes over the training set.", low=1, high=1000)
    samples: int = quantity(128, "1", "Training samples; as many for testing.", low=8, high=8192)
    rate: float = quantity(1e-2, "1", "Learning rate.", above=0.0)
    seeds: int = quantity(3, "1", "Repetitions with other seeds.", low=1, high=100)
    seed: int = quantity(0, "1", "First seed.", low=0)

    def __post_init__(self) -> None:
        validate(self)


def _network(p: Parameters, rng: np.random.Generator) -> list[Layer]:
    return layers(rng, p.hidden, p.tau_mem, None, Adaptation(p.beta, p.tau_adapt))


def _readout(layer: Layer) -> Readout:
    c = discretise(layer.neurons, DT)
    return Readout(float(c.a_mem[0]), float(c.g_x[0]))


def _eprop(net: list[Layer], tapes: list[Tape], rule: Rule, d_v: Array) -> list[Gradient]:
    """E-prop for the recurrent layer; the readout's own gradient needs no trace of others."""
    signal = d_v @ net[1].weight
    hidden = gradient(net[0], tapes[0], rule, _readout(net[1]), signal)
    (readout,) = backward(net[1:], tapes[1:], rule, d_v=d_v)
    return [hidden, readout]


def agreement(p: Parameters) -> tuple[float, float, float]:
    """How e-prop's gradient of the hidden layer lies to that of backpropagation.

    Returns
    -------
    tuple
        Largest relative difference without recurrent weights; the same with them when
        backpropagation leaves out their path too; cosine with the full gradient.
    """
    rng = np.random.default_rng([p.seed, 15])
    x, labels = draw(rng, 16)
    rule = Rule(Surrogate.FAST_SIGMOID, p.slope)
    net = _network(p, rng)
    bare = [replace(net[0], recurrent=None), net[1]]
    out = []
    for layers_, chosen in ((bare, rule), (net, replace(rule, through_recurrence=False))):
        mine, theirs = _both(layers_, x, labels, chosen)
        out.append(float(np.abs(mine - theirs).max() / np.abs(theirs).max()))
    mine, theirs = _both(net, x, labels, rule)
    cosine = mine @ theirs / (np.linalg.norm(mine) * np.linalg.norm(theirs))
    return out[0], out[1], float(cosine)


def _both(net: list[Layer], x: Array, labels: NDArray[np.int64], rule: Rule) -> tuple[Array, Array]:
    tapes = forward(net, x, DT, rule)
    d_v = judge(tapes[-1].v, labels)[2]
    mine = _eprop(net, tapes, rule, d_v)[0]
    theirs = backward(net, tapes, rule, d_v=d_v)[0]
    return _flat(mine), _flat(theirs)


def _flat(g: Gradient) -> Array:
    parts = [g.weight, g.bias, *([] if g.recurrent is None else [g.recurrent])]
    return np.concatenate([a.reshape(-1) for a in parts])


def train(p: Parameters, seed: int, kind: str) -> Array:
    """Test accuracy after each epoch, ``(epochs + 1,)``.

    ``kind`` is ``e-prop``, ``no trace`` (each trace holds the present step alone) or ``no
    signal`` (the learning signal's sign is random).
    """
    rng = np.random.default_rng([seed, 16])
    train_set, test = draw(rng, p.samples), draw(rng, p.samples)
    net, adam = _network(p, rng), Adam(p.rate)
    rule = Rule(Surrogate.FAST_SIGMOID, p.slope)

    def accuracy() -> float:
        return judge(forward(net, test[0], DT, rule)[-1].v, test[1])[1]

    curve = [accuracy()]
    for _ in range(p.epochs):
        order = rng.permutation(p.samples)
        for first in range(0, p.samples, 32):
            chosen = order[first : first + 32]
            tapes = forward(net, train_set[0][:, chosen], DT, rule)
            d_v = judge(tapes[-1].v, train_set[1][chosen])[2]
            if kind == "no signal":
                d_v = d_v * rng.choice([-1.0, 1.0], d_v.shape)
            if kind == "no trace":
                tapes = [_forgetful(tapes[0]), tapes[1]]
            net = adam.apply(net, _eprop(net, tapes, rule, d_v))
        curve.append(accuracy())
    return np.array(curve)


def _forgetful(tape: Tape) -> Tape:
    """The same run whose traces decay at once."""
    c = replace(tape.coefficients, a_mem=np.zeros_like(tape.coefficients.a_mem))
    return replace(tape, coefficients=c, rho=0.0)


def pair_error(rule: RewardRule, dt: float = 0.5e-3) -> tuple[float, Array, Array, Array]:
    """Largest difference of simulated pairs from the closed form, and the curves.

    Returns the error, the delays, the simulated and the exact changes, each ``(n,)``.
    """
    lags = np.arange(-100, 101, 10)
    lags = lags[lags != 0]
    wait = 60
    got, exact = [], []
    for lag in lags:
        traces = start(1, 1)
        first = 5
        times = (first, first + lag) if lag > 0 else (first - lag, first)
        last = max(times)
        for k in range(last + wait + 1):
            pre, post = (np.array([float(k == t)]) for t in times)
            traces = step(rule, traces, pre, post, dt)
        got.append(float(traces.c[0, 0]))
        exact.append(pair_change(rule, lag * dt, wait * dt))
    a, b = np.array(got), np.array(exact)
    return float(np.abs(a - b).max() / np.abs(b).max()), lags * dt, a, b


def run(p: Parameters) -> Result:
    """Compare gradients, train with e-prop and both ablations, check the reward rule."""
    bare, cut, cosine = agreement(p)
    curves = {
        kind: np.array([train(p, p.seed + k, kind) for k in range(p.seeds)]) for kind in KINDS
    }
    last = {kind: c[:, -1] for kind, c in curves.items()}
    spread = {k: float(v.std(ddof=1)) if v.size > 1 else float("nan") for k, v in last.items()}
    error, *pairs = pair_error(RewardRule())
    against = "backpropagation through time"
    return Result(
        "eprop",
        asdict(p),
        (
            Figure("test accuracy, mean of seeds", float(last["e-prop"].mean()), "1",
                   spread["e-prop"] / p.seeds**0.5),
            Figure("standard deviation over seeds", spread["e-prop"], "1"),
            Figure("accuracy without trace", float(last["no trace"].mean()), "1"),
            Figure("accuracy without signal", float(last["no signal"].mean()), "1"),
            Figure("cosine with the full gradient", cosine, "1"),
        ),
        (
            Check.absolute("gradient without recurrence: relative difference", bare, 0.0, 1e-10,
                           "1", against, "the same sum in another order: rounding"),
            Check.absolute("gradient with recurrence: relative difference", cut, 0.0, 1e-10,
                           "1", f"{against}, recurrent path left out", "rounding"),
            Check.absolute("reward-modulated pair: relative difference", error, 0.0, 1e-12,
                           "1", "closed form", "exact decay in every step: rounding"),
        ),
        _panels(p, curves, pairs),
        (
            f"With recurrence e-prop leaves out a path; its cosine with the full gradient of the "
            f"untrained network is {cosine:.3f}.",
        ),
    )  # fmt: skip


def _panels(p: Parameters, curves: dict[str, Array], pairs: list[Array]) -> tuple[Panel, ...]:
    epochs = np.arange(p.epochs + 1).astype(np.float64)
    rng = np.random.default_rng([p.seed, 17])
    net = _network(p, rng)
    rule = Rule(Surrogate.FAST_SIGMOID, p.slope)
    tape = forward(net, draw(rng, 1)[0], DT, rule)[0]
    traces = np.array([t[0] for t in eligibility(net[0], tape, rule)])
    busiest = int(np.abs(traces[:, :, 0]).sum(axis=0).argmax())
    time = (np.arange(STEPS) + 1) * DT
    delays, got, exact = pairs
    return (
        Panel(
            "Learning a delayed match", "epoch", "1", "test accuracy", "1",
            (
                *(Series(k, epochs, c.mean(axis=0), "model", "line",
                         c.std(axis=0) / max(len(c), 1) ** 0.5) for k, c in curves.items()),
                Series("chance", epochs, np.full(epochs.size, 0.5), "context"),
            ),
        ),
        Panel(
            "Eligibility traces of one neuron", "time", "s", "trace", "1",
            tuple(Series(f"from line {i}", time, traces[:, busiest, i]) for i in range(4)),
        ),
        Panel(
            "Reward-modulated change by one pair", "postsynaptic after presynaptic", "s",
            "change of the weight", "1",
            (Series("closed form", delays, exact, "reference"),
             Series("simulated", delays, got, "model", "points")),
        ),
    )  # fmt: skip


SYSTEM = System(
    key="eprop",
    number=15,
    title="Three-factor learning with eligibility traces",
    question="Can a recurrent network learn from local traces and a broadcast signal?",
    equation="dE/dW_ji = sum_k L_j^k e_ji^k, L from the error, e from local traces",
    reference="backpropagation through time; closed form of one rewarded pair",
    sources=(
        "Bellec et al., Nature Communications 11, 3625 (2020), equations 1 to 4",
        "Izhikevich, Cerebral Cortex 17, 2443 (2007), equations 1 and 2",
        "Fremaux & Gerstner, Frontiers in Neural Circuits 9, 85 (2016)",
    ),
    stimulus="delayed match: two pulses on two channels with a pause after each",
    parameters=Parameters,
    run=run,
    bodies={
        "network": "traces and weights as arrays, updated after each step",
        "rtl": "a unit with a trace word for each synapse and a broadcast signal",
        "spice": "mixed signal: analog neurons, the rule in digital logic",
    },
)
