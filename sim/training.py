"""Training spiking networks through the rounding of their hardware.

Forward and backward pass are golden's (:mod:`lifstone.golden.learning.bptt`). Weights pass
through their rounding to words of a few bits on the way forward (straight-through estimator;
Bengio, Leonard & Courville, arXiv:1308.3432), so that what is trained is what the contract
computes: to a rounding of the leak for leaky neurons, exactly for those without. The loss is
the cross-entropy of spike counts and, if asked for, a price for every hidden spike. A run is
its settings and its data: the same ones give the same weights to the bit, also when it was
stopped and resumed between two epochs.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..golden import Connection, Lif, Network, Reset
from ..golden.errors import InvalidValue, require
from ..golden.learning.adam import Adam
from ..golden.learning.bptt import Gradient, Layer, Rule, backward, forward
from ..golden.learning.loss import cross_entropy
from ..golden.learning.surrogate import Surrogate
from .dataset import Samples
from .digits import decode
from .distort import distort, side_of

__all__ = ["Epoch", "Neuron", "Run", "Settings", "begin", "evaluate", "network", "resume", "train"]

Array = NDArray[np.float64]
DT = 1e-3
TAU = 10e-3
INPUT = "pixels"


class Neuron(StrEnum):
    """The neurons of a network."""

    LEAKY = "leaky"
    """a leak of ``TAU``, reset to 0"""
    PERFECT = "perfect"
    """integrate and fire without leak; a spike takes the threshold away, nothing is lost"""


@dataclass(frozen=True)
class Settings:
    """What determines a run.

    Parameters
    ----------
    hidden
        Neurons of each hidden layer.
    epochs, batch, rate, seed
        Passes, samples a step, first learning rate (it falls to 0 along half a cosine), seed.
    weight_bits
        Words of the weights, 3 to 16: ``weight_bits - 2`` of them behind the point.
    surrogate, slope
        See :mod:`lifstone.golden.learning.surrogate`.
    spike_cost
        Price of a hidden spike in nats, for a sparse network.
    neuron
        See :class:`Neuron`.
    spike_score
        By how many nats a spike of a class raises its odds in the loss.
    augment
        Strength of the distortions of training images (:mod:`.distort`); 0 for none.
    recurrent
        Hidden neurons also reach each other, one step later.
    """

    hidden: tuple[int, ...] = (64,)
    epochs: int = 60
    batch: int = 64
    rate: float = 4e-3
    seed: int = 1
    weight_bits: int = 8
    surrogate: str = str(Surrogate.FAST_SIGMOID)
    slope: float = 5.0
    spike_cost: float = 0.0
    neuron: str = str(Neuron.LEAKY)
    spike_score: float = 2.0
    augment: float = 0.0
    recurrent: bool = False

    def __post_init__(self) -> None:
        good = len(self.hidden) >= 1 and all(1 <= n <= 65_536 for n in self.hidden)
        require(good, "hidden", self.hidden, "at least one layer of 1 to 65536 neurons")
        for name, low in (("epochs", 0), ("batch", 1), ("seed", 0)):
            require(getattr(self, name) >= low, name, getattr(self, name), f"{low} or greater")
        require(3 <= self.weight_bits <= 16, "weight_bits", self.weight_bits, "3 to 16")
        for name in ("rate", "slope", "spike_score"):
            value = getattr(self, name)
            require(bool(np.isfinite(value)) and value > 0, name, value, "a finite number above 0")
        for name in ("spike_cost", "augment"):
            value = getattr(self, name)
            require(bool(np.isfinite(value)) and value >= 0, name, value, "0 or greater")
        for name, kind in (("surrogate", Surrogate), ("neuron", Neuron)):
            value = getattr(self, name)
            require(value in list(kind), name, value, ", ".join(kind))
        object.__setattr__(self, "hidden", tuple(self.hidden))

    def rule(self) -> Rule:
        """How the spike's derivative is replaced."""
        return Rule(Surrogate(self.surrogate), self.slope)


@dataclass(frozen=True)
class Epoch:
    """What an epoch gave: mean training loss, test accuracy, hidden spikes a test sample.

    ``train_accuracy`` is of the training samples as they were learnt from, distorted and by
    weights that still changed.
    """

    number: int
    loss: float
    accuracy: float
    spikes: float
    train_accuracy: float


@dataclass
class Run:
    """A run between two epochs: latent weights, optimiser, generator, history."""

    settings: Settings
    layers: list[Layer]
    adam: Adam
    rng: np.random.Generator
    history: list[Epoch] = field(default_factory=list)
    so_far: tuple[float, float] = (float("nan"), float("nan"))
    """Mean loss and accuracy of the batches of an epoch that is under way."""

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Everything :func:`resume` needs, as arrays without objects."""
        words = {
            "settings": asdict(self.settings),
            "rng": self.rng.bit_generator.state,
            "history": [asdict(e) for e in self.history],
        }
        out: dict[str, NDArray[np.generic]] = {"words": np.array(json.dumps(words))}
        for k, layer in enumerate(self.layers):
            for name, value in _weights(layer).items():
                out[f"layer{k}.{name}"] = value
        return {**out, **{f"adam.{k}": v for k, v in self.adam.state().items()}}


def neurons(n: int, kind: str = Neuron.LEAKY) -> Lif:
    """Neurons whose input gain is 1, so that weights are in units of the threshold."""
    if kind == Neuron.PERFECT:
        return Lif(tau_mem=np.inf, r=1.0 / DT, v_th=1.0, v_reset=0.0, reset=Reset.SUBTRACT, n=n)
    gain = -np.expm1(-DT / TAU)
    return Lif(tau_mem=TAU, r=1.0 / gain, v_th=1.0, v_reset=0.0, v_init=0.0, n=n)


def begin(settings: Settings, data: Samples) -> Run:
    """A run before its first epoch."""
    if settings.augment > 0:
        require(data.train_images.ndim == 2, "augment", settings.augment, "0: events, no images")
        side_of(data.pixels)
    rng = np.random.default_rng(settings.seed)
    sizes = [data.pixels, *settings.hidden, data.classes]
    layers = []
    for k, (a, b) in enumerate(itertools.pairwise(sizes)):
        mean, spread = _first_weights(settings, k)
        weight = rng.normal(mean, spread / np.sqrt(a), (b, a))
        inner = None
        if settings.recurrent and k < len(settings.hidden):
            inner = rng.normal(0.0, 0.4 / np.sqrt(b), (b, b))
        layers.append(Layer(neurons(b, settings.neuron), weight, np.zeros(b), inner))
    return Run(settings, layers, Adam(settings.rate), rng)


def _weights(layer: Layer) -> dict[str, Array]:
    """The arrays of a layer that are trained."""
    found = {"weight": layer.weight, "bias": layer.bias}
    return found if layer.recurrent is None else {**found, "recurrent": layer.recurrent}


def _changed(layer: Layer, change: Callable[[str, Array], Array]) -> Layer:
    """The layer with ``change`` applied to each array that is trained."""
    found: dict[str, Any] = {name: change(name, w) for name, w in _weights(layer).items()}
    return replace(layer, **found)


def _restored(k: int, layer: Layer, state: dict[str, NDArray[np.generic]]) -> Layer:
    return _changed(layer, lambda name, _: np.array(state[f"layer{k}.{name}"], dtype=np.float64))


def _first_weights(settings: Settings, layer: int) -> tuple[float, float]:
    """Mean of the first weights, and their spread times the root of the inputs."""
    if settings.neuron == Neuron.PERFECT:
        # Without a leak a whole image adds up: a mean would lift every neuron alike.
        return (0.0, 1.8) if layer == 0 else (0.0, 1.2)
    return (0.02, 0.6) if layer == 0 else (0.05, 1.2)


def resume(settings: Settings, data: Samples, state: dict[str, NDArray[np.generic]]) -> Run:
    """The run that :meth:`Run.state` describes, to go on with.

    Raises
    ------
    InvalidValue
        If the state is of other settings or another network.
    """
    run = begin(settings, data)
    try:
        words = json.loads(str(state["words"]))
        saved = Settings(**{**words["settings"], "hidden": tuple(words["settings"]["hidden"])})
        require(saved == settings, "checkpoint.settings", words["settings"], f"{asdict(settings)}")
        run.layers = [_restored(k, a, state) for k, a in enumerate(run.layers)]
        run.adam.restore(
            {k.removeprefix("adam."): np.array(v) for k, v in state.items() if k[:5] == "adam."}
        )
        run.rng.bit_generator.state = words["rng"]
        run.history = [Epoch(**e) for e in words["history"]]
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise InvalidValue("checkpoint", str(error), "a checkpoint of this network") from error
    return run


def train(
    run: Run, data: Samples, report: Callable[[Run, float], None] = lambda *_: None
) -> list[Layer]:
    """Run the epochs that are left; returns the layers with rounded weights.

    ``report`` is called after each batch with the share of the epoch that is done, and after
    each epoch with 1.0, its :class:`Epoch` then last in ``run.history``.

    Raises
    ------
    InvalidValue
        If the loss is no number any more; ``run`` then holds the last whole epoch.
    """
    s = run.settings
    for epoch in range(len(run.history), s.epochs):
        order = run.rng.permutation(len(data.train_labels))
        # The rate of this epoch alone: a resumed run finds the same one.
        run.adam.rate = s.rate * 0.5 * (1 + np.cos(np.pi * epoch / s.epochs))
        layers, losses, right = run.layers, [], 0
        for start in range(0, len(order), s.batch):
            chosen = order[start : start + s.batch]
            images = data.train_images[chosen]
            if s.augment > 0:
                images = distort(images, run.rng, s.augment)
            batch = _gradients(s, layers, data.spikes(images), data.train_labels[chosen])
            _check(batch, epoch)
            layers = run.adam.apply(layers, batch.gradients)
            losses.append(batch.loss)
            right += batch.right
            seen = min(start + s.batch, len(order))
            run.so_far = (float(np.mean(losses)), right / seen)
            report(run, min(seen / len(order), 0.999))
        run.layers = layers
        accuracy, fired = evaluate(rounded(layers, s), data)
        run.history.append(
            Epoch(epoch + 1, float(np.mean(losses)), accuracy, fired, right / len(order))
        )
        report(run, 1.0)
    return rounded(run.layers, s)


def rounded(layers: list[Layer], settings: Settings) -> list[Layer]:
    """The layers with weights as the hardware holds them."""
    grid = 2.0 ** (settings.weight_bits - 2)
    top = (2.0 ** (settings.weight_bits - 1) - 1) / grid

    def words(w: Array) -> Array:
        return np.asarray(np.rint(np.clip(w, -top, top) * grid) / grid)

    return [_changed(a, lambda _, w: words(w)) for a in layers]


@dataclass(frozen=True, eq=False)
class _Batch:
    """Mean loss of a batch, its gradients, and how many of its samples were right."""

    loss: float
    gradients: list[Gradient]
    right: int


def _check(batch: _Batch, epoch: int) -> None:
    """Stop before a number that is none reaches the weights."""
    allowed = f"finite; in epoch {epoch + 1}: a lower rate"
    require(bool(np.isfinite(batch.loss)), "loss", batch.loss, allowed)
    for k, g in enumerate(batch.gradients):
        for name in ("weight", "bias", "recurrent"):
            value = getattr(g, name)
            bad = np.zeros(0) if value is None else value[~np.isfinite(value)]
            if bad.size:
                raise InvalidValue(f"gradient of layers[{k}].{name}", float(bad[0]), allowed)


def _gradients(
    s: Settings, latent: list[Layer], spikes: NDArray[np.uint8], labels: NDArray[np.int64]
) -> _Batch:
    layers = rounded(latent, s)
    tapes = forward(layers, spikes, DT, s.rule())
    counts = tapes[-1].spikes.sum(axis=0)
    loss, d_scores = cross_entropy(s.spike_score * counts, labels)
    d_out = np.broadcast_to(s.spike_score * d_scores, tapes[-1].spikes.shape)
    price = s.spike_cost / len(labels)
    prices = None if price == 0 else [np.full(t.spikes.shape, price) for t in tapes[:-1]]
    gradients = backward(layers, tapes, s.rule(), d_spikes=d_out, d_hidden=prices)
    return _Batch(loss, gradients, int((counts.argmax(axis=1) == labels).sum()))


def evaluate(layers: list[Layer], data: Samples, batch: int = 1000) -> tuple[float, float]:
    """Test accuracy, and hidden spikes a sample, of the float model."""
    right = fired = 0
    for start in range(0, len(data.test_labels), batch):
        part = slice(start, start + batch)
        tapes = forward(layers, data.spikes(data.test_images[part]), DT, Rule())
        right += int((decode(tapes[-1].spikes > 0) == data.test_labels[part]).sum())
        fired += int(sum(t.spikes.sum() for t in tapes[:-1]))
    return right / len(data.test_labels), fired / len(data.test_labels)


def network(layers: list[Layer], settings: Settings | None = None) -> Network:
    """The layers as a network: ``hidden``, ``hidden2``, ..., ``digit``.

    With ``settings`` of neurons without leak the network keeps the binary point of their
    weights: its contract then computes the very numbers that were trained.
    """
    names = ["hidden", *(f"hidden{k}" for k in range(2, len(layers))), "digit"]
    connections = []
    for pre, n, a in zip([INPUT, *names], names, layers, strict=False):
        connections.append(Connection(pre, n, a.weight))
        if a.recurrent is not None:
            connections.append(Connection(n, n, a.recurrent, delay=1))
    fraction = {}
    if settings is not None and settings.neuron == Neuron.PERFECT:
        fraction = dict.fromkeys(names, settings.weight_bits - 2)
    return Network(
        dt=DT,
        inputs={INPUT: layers[0].weight.shape[1]},
        populations={n: a.neurons for n, a in zip(names, layers, strict=True)},
        connections=tuple(connections),
        bias={n: a.bias for n, a in zip(names, layers, strict=True)},
        outputs=("digit",),
        fraction=fraction,
    )
