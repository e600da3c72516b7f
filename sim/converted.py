"""A rectified network as a spiking one, on the images it classifies: accuracy by steps, bounds.

The mathematics is golden's (:mod:`lifstone.golden.conversion.convert`); this module brings the
images, runs the spiking network on all of them and places the binary point of its contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..golden import Network, Widths, quantise
from ..golden.calibrate import calibrate
from ..golden.conversion.convert import (
    BIAS_INPUT,
    Bias,
    Converted,
    convert,
    even_spikes,
    scales,
)
from ..golden.conversion.relu import ReluNetwork
from ..golden.errors import require
from .dataset import Dataset
from .simulate import Simulator

__all__ = ["Curve", "follow", "point", "spiking", "stimulus"]

Array = NDArray[np.float64]
CALIBRATION = 2000
"""Training images that the scales are taken from; the binary point from a tenth of them."""
CHUNK = 200


def spiking(
    relu: ReluNetwork,
    data: Dataset,
    bias: Bias | str = Bias.CURRENT,
    *,
    percentile: float = 99.9,
    bias_rate: float | None = None,
) -> Converted:
    """The spiking network of ``relu``, its scales taken from training images of ``data``.

    Raises
    ------
    InvalidValue
        If the network has other inputs than the images pixels, or more or fewer scores than
        there are classes.
    """
    n, classes = relu.stages[0].weight.shape[1], relu.stages[-1].bias.size
    require(n == data.pixels, "model.inputs", n, f"{data.pixels}, the pixels of {data.name}")
    need = int(max(data.train_labels.max(), data.test_labels.max())) + 1
    require(classes >= need, "model.outputs", classes, f"at least {need}, the classes")
    x = data.train_images[:CALIBRATION] / data.levels
    found = scales(relu, x, percentile)
    # Pixels are rates already: an image brighter than those of the calibration must not clip.
    found = (1.0, *found[1:])
    lowest = float(relu.pre_activations(x)[-1].min())
    return convert(relu, found, bias=bias, offset=max(0.0, -lowest), bias_rate=bias_rate)


def stimulus(made: Converted, images: NDArray[np.int64], levels: int, steps: int) -> dict[
    str, NDArray[np.uint8]
]:  # fmt: skip
    """Input spikes ``(steps, n, lines)`` by name: even trains of the pixels, and of the bias."""
    out = {"pixels": even_spikes(np.clip(images / levels / made.scales[0], 0.0, 1.0), steps)}
    if BIAS_INPUT in made.network.inputs:
        out[BIAS_INPUT] = even_spikes(np.full((len(images), 1), made.bias_rate), steps)
    return out


def point(made: Converted, data: Dataset, steps: int, widths: Widths) -> Network:
    """The network with the binary point that its states on images need, for its contract.

    Raises
    ------
    InvalidValue
        If the states need wider words.
    """
    images = data.train_images[: CALIBRATION // 10]
    traces = Simulator(made.network).run(stimulus(made, images, data.levels, steps))
    chosen = calibrate(made.network, traces, widths)
    return replace(made.network, fraction={n: w.behind_point for n, w in chosen.items()})


@dataclass(frozen=True, eq=False)
class Curve:
    """How the spiking network comes up to the rectified one.

    Parameters
    ----------
    relu
        Accuracy of the rectified network.
    spiking, contract
        Accuracy after each step, ``(steps,)``.
    shares
        Of each stage the largest error of a spike count as a share of its bound, over all
        images, neurons and steps; at most 1.
    spikes, operations
        Hidden spikes and synaptic operations an image, over all steps.
    """

    relu: float
    spiking: Array
    contract: Array
    shares: tuple[float, ...]
    spikes: float
    operations: float


def follow(
    made: Converted,
    relu: ReluNetwork,
    network: Network,
    data: Dataset,
    steps: int,
    widths: Widths,
    report: Callable[[int], None] = lambda _: None,
) -> Curve:
    """Run the test images of ``data`` through ``network`` (see :func:`point`) and its contract."""
    floats, integers = Simulator(network), Simulator(quantise(network, widths).contract)
    last = network.order[-1]
    n = len(data.test_labels)
    right = np.zeros((2, steps))
    shares = np.zeros(len(relu.stages))
    exact = fired = operations = 0
    for part in _parts(n):
        images, labels = data.test_images[part], data.test_labels[part]
        inputs = stimulus(made, images, data.levels, steps)
        traces = floats.run(inputs, record=("spikes",))
        x = images / data.levels
        exact += int((relu.classify(x) == labels).sum())
        for k, (name, wanted) in enumerate(zip(network.order, made.wanted(relu, x), strict=True)):
            counts = np.cumsum(traces[name].spikes, axis=0, dtype=np.float64)
            rates = np.arange(1, steps + 1)[:, None, None] * wanted
            shares[k] = max(shares[k], float((np.abs(counts - rates) / made.errors[k]).max()))
        fired += int(sum(t.spikes.sum() for name, t in traces.items() if name != last))
        operations += floats.operations(inputs, traces)
        answers = (traces[last].spikes, integers.run(inputs, record=("spikes",))[last].spikes)
        for k, spikes in enumerate(answers):
            best = np.cumsum(spikes, axis=0, dtype=np.int64).argmax(axis=2)
            right[k] += (best == labels).sum(axis=1)
        report(part.stop)
    return Curve(exact / n, right[0] / n, right[1] / n, tuple(shares.tolist()), fired / n,
                 operations / n)  # fmt: skip


def _parts(n: int) -> Iterator[slice]:
    for start in range(0, n, CHUNK):
        yield slice(start, min(start + CHUNK, n))
