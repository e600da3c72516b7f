"""System 14: learning with surrogate gradients, and how right the gradient is.

A recurrent layer with synapses learns a delayed match (:mod:`..learning.delayed_match`) by
backpropagation through time and Adam, all in NumPy.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ..learning.adam import Adam
from ..learning.bptt import Gradient, Layer, Rule, backward, forward
from ..learning.delayed_match import DT, draw, judge, layers
from ..learning.surrogate import Surrogate, derivative, smooth
from .parameter import quantity, validate
from .system import Check, Figure, Panel, Result, Series, System

__all__ = ["SYSTEM", "Parameters", "gradient_error", "run"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameters:
    """Network, surrogate and training."""

    surrogate: str = quantity(
        "fast-sigmoid", "", "Shape of the surrogate.", choices=tuple(str(s) for s in Surrogate)
    )
    slope: float = quantity(4.0, "1", "Slope of the surrogate.", above=0.0)
    hidden: int = quantity(32, "1", "Recurrent neurons.", low=2, high=512)
    epochs: int = quantity(20, "1", "Passes over the training set.", low=1, high=1000)
    samples: int = quantity(128, "1", "Training samples; as many for testing.", low=8, high=8192)
    rate: float = quantity(8e-3, "1", "Learning rate.", above=0.0)
    tau_mem: float = quantity(10e-3, "s", "Membrane time constant.", above=0.0)
    tau_syn: float = quantity(5e-3, "s", "Synaptic time constant.", above=0.0)
    seed: int = quantity(0, "1", "Seed of weights and data.", low=0)

    def __post_init__(self) -> None:
        validate(self)


def _evaluate(
    net: list[Layer], x: Array, labels: NDArray[np.int64], rule: Rule
) -> tuple[float, float, list[Gradient]]:
    """Loss, accuracy and gradients."""
    tapes = forward(net, x, DT, rule)
    loss, right, d_v = judge(tapes[-1].v, labels)
    return loss, right, backward(net, tapes, rule, d_v=d_v)


def gradient_error(p: Parameters, kind: Surrogate) -> float:
    """Largest difference of the smoothed network's gradient from finite differences.

    Relative to the largest entry of the gradient of the loss by a layer's weights; every
    twentieth weight of the untrained network is moved.
    """
    rng = np.random.default_rng([p.seed, 14])
    x, labels = draw(rng, 6)
    net = layers(rng, p.hidden, p.tau_mem, p.tau_syn)
    rule = Rule(kind, p.slope, smoothed=True, through_reset=True)
    _, _, grads = _evaluate(net, x, labels, rule)
    worst = 0.0
    step = 1e-6
    for k, layer in enumerate(net):
        for name in ("weight", "recurrent"):
            value = getattr(layer, name)
            if value is None:
                continue
            grad = getattr(grads[k], name)
            scale = float(np.abs(grad).max())
            for flat in range(0, value.size, 20):
                pair = []
                for sign in (step, -step):
                    moved = value.copy()
                    moved.reshape(-1)[flat] += sign
                    kept = {"weight": layer.weight, "recurrent": layer.recurrent, name: moved}
                    changed = list(net)
                    changed[k] = Layer(layer.neurons, bias=layer.bias, **kept)
                    pair.append(_evaluate(changed, x, labels, rule)[0])
                numeric = (pair[0] - pair[1]) / (2 * step)
                worst = max(worst, abs(numeric - float(grad.reshape(-1)[flat])) / scale)
    return worst


def run(p: Parameters) -> Result:
    """Check the gradient of all four surrogates; train with one of them."""
    errors = {kind: gradient_error(p, kind) for kind in Surrogate}
    rng = np.random.default_rng([p.seed, 15])
    train, test = draw(rng, p.samples), draw(rng, p.samples)
    net = layers(rng, p.hidden, p.tau_mem, p.tau_syn)
    rule = Rule(Surrogate(p.surrogate), p.slope)
    start = _evaluate(net, *test, rule)[1]
    adam = Adam(p.rate)
    history = []
    for _ in range(p.epochs):
        order = rng.permutation(p.samples)
        for first in range(0, p.samples, 64):
            chosen = order[first : first + 64]
            _, _, grads = _evaluate(net, train[0][:, chosen], train[1][chosen], rule)
            net = adam.apply(net, grads)
        loss, right, _ = _evaluate(net, *test, rule)
        history.append((loss, right))
    curve = np.array(history)
    spikes = float(forward(net, test[0], DT, rule)[0].spikes.sum() / p.samples)
    return Result(
        "surrogate",
        asdict(p),
        (
            Figure("test accuracy", float(curve[-1, 1]), "1"),
            Figure("accuracy before training", start, "1"),
            Figure("hidden spikes a sample", spikes, "1"),
        ),
        tuple(
            Check.absolute(
                f"gradient, {kind}: largest relative difference", e, 0.0, 1e-6, "1",
                "central differences of the smoothed network",
                "differences of step 1e-6 carry an error near 1e-9",
            )
            for kind, e in errors.items()
        ),
        _panels(p, curve),
        ("The trained network emits real spikes; its gradient is a surrogate, not exact.",),
    )  # fmt: skip


def _panels(p: Parameters, curve: Array) -> tuple[Panel, ...]:
    z = np.linspace(-1.0, 1.0, 401)
    epochs = np.arange(1, len(curve) + 1).astype(np.float64)
    shapes = tuple(Series(str(k), z, derivative(k, z, p.slope)) for k in Surrogate)
    spikes = tuple(Series(str(k), z, smooth(k, z, p.slope)) for k in Surrogate)
    distance = "distance to threshold"
    return (
        Panel("Surrogate derivatives", distance, "1", "derivative of a spike", "1", shapes),
        Panel("Smooth spikes", distance, "1", "spike", "1", spikes),
        Panel(
            "Learning: same channel or not?", "epoch", "1", "test set", "1",
            (Series("accuracy", epochs, curve[:, 1]), Series("cross-entropy", epochs, curve[:, 0]),
             Series("chance", epochs, np.full(epochs.size, 0.5), "context")),
        ),
    )  # fmt: skip


SYSTEM = System(
    key="surrogate",
    number=14,
    title="Surrogate gradient",
    question="Is the gradient through spikes computed rightly, and does a network learn with it?",
    equation="ds/dv is replaced by a surrogate s'(z), z = (v - v_th) / (v_th - v_reset)",
    reference="finite differences of the smoothed network; autograd with the torch extra",
    sources=(
        "Neftci, Mostafa & Zenke, IEEE Signal Process. Mag. 36(6), 51 (2019), equations 9 to 11",
        "Zenke & Ganguli, Neural Comput. 30, 1514 (2018)",
        "Kingma & Ba, arXiv:1412.6980, algorithm 1 (Adam)",
    ),
    stimulus="two pulses of spikes on two channels with a pause after each",
    parameters=Parameters,
    run=run,
    bodies={
        "network": "the trained weights, recurrent connections one step late",
        "rtl": "the trained weights mapped to cores, quantised in training",
        "spice": "a small trained network on analog neurons",
    },
)
