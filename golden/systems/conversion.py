"""System 13: a network of rectified linear units as spiking neurons, bias and all.

A small classifier is made here without training loops: two hidden stages of random features
and a readout by ridge regression, on points drawn around random class centres. Its spiking
twin must stay within the computed bound of the exact rates at every step, with the bias as a
current and as a neuron, and its accuracy must come up to the original's as steps go by.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..conversion.convert import BIAS_INPUT, Bias, Converted, convert, even_spikes, scales
from ..conversion.relu import ReluNetwork, Stage
from ..discrete import discretise, initial_state, step
from .parameter import quantity, validate
from .system import Check, Figure, Panel, Result, Series, System

__all__ = ["SYSTEM", "Parameters", "classifier", "run", "spike_counts"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameters:
    """Sizes of the classifier, and how it is converted."""

    inputs: int = quantity(24, "1", "Input lines.", low=2, high=1000)
    hidden: int = quantity(48, "1", "Units of each hidden stage.", low=2, high=1000)
    classes: int = quantity(6, "1", "Classes.", low=2, high=100)
    samples: int = quantity(240, "1", "Test points.", low=10, high=5000)
    spread: float = quantity(0.16, "1", "Standard deviation of a class.", above=0.0)
    steps: int = quantity(256, "1", "Time steps.", low=1, high=20_000)
    percentile: float = quantity(
        100.0, "1", "Percentile of activations that a rate of 1 stands for.",
        source="Rueckauer et al. 2017, section 2.2.1", above=0.0, high=100.0,
    )  # fmt: skip
    bias: str = quantity(
        "current", "", "What carries the bias in the figures.", choices=("current", "neuron")
    )
    bias_rate: float = quantity(0.25, "1", "Spikes a step of the bias neuron.", above=0.0, high=1.0)
    v_init: float = quantity(0.5, "1", "Initial potential in thresholds.", low=0.0, high=1.0)
    seed: int = quantity(0, "1", "Seed of data and features.", low=0)

    def __post_init__(self) -> None:
        validate(self)


def classifier(p: Parameters) -> tuple[ReluNetwork, Array, Array, NDArray[np.int64]]:
    """The network, calibration inputs ``(m, inputs)``, test inputs, and test labels."""
    rng = np.random.default_rng([p.seed, 13])
    centres = rng.random((p.classes, p.inputs))

    def draw(count: int) -> tuple[Array, NDArray[np.int64]]:
        labels = rng.integers(0, p.classes, count)
        noisy = centres[labels] + p.spread * rng.normal(size=(count, p.inputs))
        return np.clip(noisy, 0.0, 1.0), labels

    x, labels = draw(40 * p.classes)
    test, wanted = draw(p.samples)
    stages: list[Stage] = []
    a, n = x, p.inputs
    for _ in range(2):
        weight = rng.normal(size=(p.hidden, n)) / np.sqrt(n)
        stage = Stage(weight, 0.2 * rng.normal(size=p.hidden) - weight @ a.mean(axis=0))
        a, n = np.maximum(a @ stage.weight.T + stage.bias, 0.0), p.hidden
        stages.append(stage)
    design = np.column_stack([a, np.ones(len(a))])
    target = np.where(labels[:, None] == np.arange(p.classes), 1.0, -1.0)
    gram = design.T @ design + 1e-2 * np.eye(n + 1)
    readout = np.linalg.solve(gram, design.T @ target).T
    stages.append(Stage(readout[:, :-1], readout[:, -1]))
    return ReluNetwork(tuple(stages)), x, test, wanted


def spike_counts(c: Converted, x: Array, steps: int) -> list[NDArray[np.int64]]:
    """Spikes of every stage up to each step, ``(steps, samples, n)``, for inputs ``x``."""
    sources: dict[str, NDArray[np.uint8]] = {
        "pixels": even_spikes(np.clip(x / c.scales[0], 0.0, 1.0), steps)
    }
    if BIAS_INPUT in c.network.inputs:
        sources[BIAS_INPUT] = even_spikes(np.full((len(x), 1), c.bias_rate), steps)
    out = []
    for name in c.network.order:
        lif = c.network.populations[name]
        coefficients = discretise(lif, c.network.dt)
        state = initial_state(lif, (len(x),))
        fired = np.zeros((steps, len(x), lif.n), dtype=np.uint8)
        incoming = c.network.into(name)
        for k in range(steps):
            drive = np.broadcast_to(c.network.bias.get(name, np.zeros(lif.n)), (len(x), lif.n))
            for connection in incoming:
                drive = drive + sources[connection.pre][k] @ connection.weight.T
            state, fired[k] = step(lif, coefficients, state, drive)
        sources[name] = fired
        out.append(np.cumsum(fired, axis=0, dtype=np.int64))
    return out


def _excess(
    c: Converted, relu: ReluNetwork, x: Array, counts: list[NDArray[np.int64]]
) -> list[tuple[float, float]]:
    """Per stage the largest error as a share of its bound, over all steps; and in spikes."""
    out = []
    for wanted, got, bound in zip(c.wanted(relu, x), counts, c.errors, strict=True):
        k = np.arange(1, len(got) + 1)[:, None, None]
        error = np.abs(got - k * wanted)
        out.append((float((error / bound).max()), float(error.max())))
    return out


def run(p: Parameters) -> Result:
    """Convert the classifier with both kinds of bias and compare with exact rates."""
    relu, calibration, x, labels = classifier(p)
    found = scales(relu, np.concatenate([calibration, x]), p.percentile)
    lowest = min(float(relu.pre_activations(z)[-1].min()) for z in (calibration, x))
    make = partial(convert, relu, found, offset=max(0.0, -lowest), v_init=p.v_init)
    both = {b: make(bias=b, bias_rate=p.bias_rate) for b in Bias}
    counts = {b: spike_counts(c, x, p.steps) for b, c in both.items()}
    shares = {b: _excess(both[b], relu, x, counts[b]) for b in Bias}
    chosen = Bias(p.bias)
    exact = float(np.mean(relu.classify(x) == labels))
    reached = np.mean(counts[chosen][-1].argmax(axis=2) == labels, axis=1)
    checks = [
        Check(
            f"stage {k}, bias as {b}: largest error over its bound", share, 1.0, share, 1.0,
            "absolute", "1", "computed bound, every neuron and step", "proved in convert.py",
        )
        for b in Bias
        for k, (share, _) in enumerate(shares[b])
    ]  # fmt: skip
    wanted = both[chosen].wanted(relu, x)
    clipped = float(np.mean(wanted[-1].argmax(axis=1) == labels))
    return Result(
        "conversion",
        asdict(p),
        (
            Figure("accuracy, spiking", float(reached[-1]), "1"),
            Figure("accuracy, rectified units", exact, "1"),
            Figure("accuracy, clipped rates", clipped, "1"),
            Figure("largest error in spikes", max(e for _, e in shares[chosen]), "1"),
            Figure("bound of the last stage in spikes", float(both[chosen].errors[-1].max()), "1"),
        ),
        tuple(checks),
        _panels(p, wanted, counts[chosen], both[chosen], (exact, clipped), reached),
        (
            f"Scales at percentile {p.percentile:g} clip {_clipped(both[chosen], relu, x):.2%} of "
            "the active hidden rates.",
        ),
    )


def _clipped(c: Converted, relu: ReluNetwork, x: Array) -> float:
    over = total = 0
    for k, z in enumerate(relu.pre_activations(x)[:-1]):
        over += int((z > c.scales[k + 1]).sum())
        total += int((z > 0).sum())
    return over / max(total, 1)


def _panels(
    p: Parameters,
    wanted: list[Array],
    counts: list[NDArray[np.int64]],
    c: Converted,
    accuracy: tuple[float, float],
    reached: Array,
) -> tuple[Panel, ...]:
    k = np.arange(1, p.steps + 1).astype(np.float64)
    errors = []
    for a, n, bound in zip(wanted, counts, c.errors, strict=True):
        worst = np.abs(n / k[:, None, None] - a).max(axis=(1, 2))
        errors.append((worst, float(bound.max()) / k))
    stages = len(errors)
    return (
        Panel(
            "Accuracy against steps", "steps", "1", "accuracy", "1",
            (
                Series("rectified units", k, np.full(k.size, accuracy[0]), "reference"),
                Series("clipped rates", k, np.full(k.size, accuracy[1]), "context"),
                Series("spiking", k, reached),
            ),
            x_log=True,
        ),
        Panel(
            "Largest error of a rate, and its bound", "steps", "1", "spikes a step", "1",
            (
                *(Series(f"stage {j}", k, errors[j][0]) for j in range(stages)),
                *(Series(f"bound {j}", k, errors[j][1], "context") for j in range(stages)),
            ),
            x_log=True, y_log=True,
        ),
        Panel(
            "Rates of the second stage at the end", "exact rate", "1", "spikes a step", "1",
            (
                Series("equal", np.array([0.0, 1.0]), np.array([0.0, 1.0]), "reference"),
                Series("spiking", wanted[1].ravel(), counts[1][-1].ravel() / p.steps, "model",
                       "points"),
            ),
        ),
    )  # fmt: skip


SYSTEM = System(
    key="conversion",
    number=13,
    title="Rectified units as spiking neurons",
    question="How many steps does a converted network need, and how far off can a rate be?",
    equation="|N(k) - k a| <= E for every k, with E_j = sum_i |w_ji| E_i + max(v0, 1 - v0)",
    reference="exact rates of the clipped network within a proved bound; accuracy of the original",
    sources=(
        "Diehl et al., IJCNN 2015 (weight balancing by the largest activation)",
        "Rueckauer et al., Frontiers in Neuroscience 11, 682 (2017) (reset by subtraction, "
        "percentiles, biases)",
        "Ioffe & Szegedy, arXiv:1502.03167, algorithm 2 (batch normalisation)",
    ),
    stimulus="points around random class centres, each input an even train of its rate",
    parameters=Parameters,
    run=run,
    bodies={
        "network": "integrate-and-fire populations with subtracting reset",
        "rtl": "cores without leak; the bias is a word of each neuron, or one more input line",
        "spice": "a small network on leak-free capacitors, its weights as quantised currents",
    },
)
