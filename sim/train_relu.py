"""Train a dense rectified network to convert: ``python -m lifstone.sim.train_relu --help``.

Plain backpropagation of the cross-entropy with Adam, images distorted at random. What it writes
is what ``lifstone convert`` reads: ``.safetensors`` with ``0.weight``, ``0.bias``, ``1.weight``...
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..golden import Lif
from ..golden.conversion.relu import ReluNetwork, Stage
from ..golden.errors import require
from ..golden.learning.adam import Adam
from ..golden.learning.bptt import Gradient, Layer
from ..golden.learning.loss import cross_entropy
from .dataset import DIGITS, Dataset, load_dataset
from .distort import distort
from .whole_file import whole_file

__all__ = ["main", "train_relu"]

Array = NDArray[np.float64]
CLASSES = 10


def train_relu(
    data: Dataset,
    hidden: Sequence[int] = (128,),
    *,
    epochs: int = 20,
    batch: int = 128,
    rate: float = 2e-3,
    seed: int = 1,
    augment: float = 1.0,
) -> ReluNetwork:
    """A network for the images of ``data`` divided by its levels.

    Raises
    ------
    InvalidValue
        If the loss is no number any more.
    """
    rng = np.random.default_rng(seed)
    sizes = [data.pixels, *hidden, CLASSES]
    # He et al., arXiv:1502.01852, equation 10. Adam keeps weights as layers of neurons.
    layers = [
        Layer(Lif(tau_mem=np.inf, n=b), rng.normal(0.0, np.sqrt(2.0 / a), (b, a)), np.zeros(b))
        for a, b in itertools.pairwise(sizes)
    ]
    adam = Adam(rate)
    for epoch in range(epochs):
        adam.rate = rate * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        order = rng.permutation(len(data.train_labels))
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            images = distort(data.train_images[chosen], rng, augment)
            loss, gradients = _gradients(layers, images / data.levels, data.train_labels[chosen])
            require(bool(np.isfinite(loss)), "loss", loss, f"finite; in epoch {epoch + 1}")
            layers = adam.apply(layers, gradients)
    return ReluNetwork(tuple(Stage(a.weight, a.bias) for a in layers))


def _gradients(
    layers: Sequence[Layer], x: Array, labels: NDArray[np.int64]
) -> tuple[float, list[Gradient]]:
    inputs = [x]
    for layer in layers[:-1]:
        inputs.append(np.maximum(inputs[-1] @ layer.weight.T + layer.bias, 0.0))
    loss, d = cross_entropy(inputs[-1] @ layers[-1].weight.T + layers[-1].bias, labels)
    out: list[Gradient] = []
    for layer, a in zip(reversed(layers), reversed(inputs), strict=True):
        out.append(Gradient(d.T @ a, d.sum(axis=0), None))
        d = (d @ layer.weight) * (a > 0)
    return loss, out[::-1]


def main(argv: Sequence[str] | None = None) -> None:
    """Command line of the script."""
    from safetensors.numpy import save_file

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=DIGITS, help="digits, or a folder with IDX files")
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors to write")
    parser.add_argument("--hidden", type=int, nargs="+", default=[128])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    require(args.out.suffix == ".safetensors", "out", str(args.out), "a .safetensors file")
    data = load_dataset(args.data)
    net = train_relu(data, args.hidden, epochs=args.epochs, seed=args.seed)
    tensors = {}
    for k, stage in enumerate(net.stages):
        tensors[f"{k}.weight"] = np.asarray(stage.weight, dtype=np.float32)
        tensors[f"{k}.bias"] = np.asarray(stage.bias, dtype=np.float32)
    with whole_file(args.out) as temporary:
        save_file(tensors, str(temporary))
    right = float((net.classify(data.test_images / data.levels) == data.test_labels).mean())
    print(f"test accuracy {right:.4f}, written to {args.out}")


if __name__ == "__main__":
    main()
