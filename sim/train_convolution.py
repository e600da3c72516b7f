"""A spiking convolutional network for MNIST: ``python -m lifstone.sim.train_convolution --help``.

Needs the extra ``torch``. The file it writes holds convolutions as such, so that hardware can
store each kernel once.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import nir
import numpy as np
import torch
from torch.nn import functional

from ..golden import quantise
from ..golden.errors import require
from .dataset import Dataset, load_dataset
from .distort import distort, side_of
from .image_figures import measure
from .nir_kernels import nir_kernels
from .nir_metadata import METADATA_KEY
from .nir_read import read_nir
from .torch_spiking import Stage, rounded, run
from .train_mnist import STEPS, THRESHOLDS
from .training import DT, Settings
from .whole_file import whole_file

__all__ = ["LAYERS", "RECIPE", "graph", "main", "stages", "train_convolution"]

LAYERS = "8c5s2-24c5s2"
RECIPE = Settings(
    epochs=20, batch=128, rate=4e-3, slope=2.0, neuron="perfect", spike_score=1.0,
    spike_cost=1e-4, augment=1.0,
)  # fmt: skip
CLASSES = 10
LANES = {"digit": 2}


def stages(text: str, side: int, seed: int) -> list[Stage]:
    """Latent weights of the convolutions that ``text`` names, and of the last, dense stage.

    ``8c5s2`` are eight channels with kernels of five pixels a side and a stride of two.

    Raises
    ------
    InvalidValue
        For another text, or a kernel larger than what is left of the image.
    """
    draw = torch.Generator().manual_seed(seed)
    out: list[Stage] = []
    channels = 1
    for part in text.split("-"):
        match = re.fullmatch(r"(\d{1,3})c(\d{1,2})s(\d)", part)
        require(match is not None, "layers", text, "such as 8c5s2-24c5s2")
        assert match is not None
        count, kernel, stride = (int(k) for k in match.groups())
        require(min(count, kernel, stride) >= 1 and kernel <= side, "layers", part, f"{side} left")
        out.append(_stage((count, channels, kernel, kernel), draw, stride))
        channels, side = count, (side - kernel) // stride + 1
    out.append(_stage((CLASSES, channels * side * side), draw))
    return out


def _stage(shape: tuple[int, ...], draw: torch.Generator, stride: int = 1) -> Stage:
    fan_in = int(np.prod(shape[1:]))
    weight = torch.randn(shape, generator=draw) * (1.8 / fan_in**0.5)
    return Stage(weight.requires_grad_(), torch.zeros(shape[0]).requires_grad_(), stride)


def train_convolution(data: Dataset, s: Settings, layers: str, report: Any = print) -> list[Stage]:
    """Train on ``data`` with Adam and a rate that falls along half a cosine.

    Raises
    ------
    InvalidValue
        If the loss is no number any more, or the images are not square.
    """
    rng = np.random.default_rng(s.seed)
    side = side_of(data.pixels)
    net = stages(layers, side, s.seed)
    weights = [t for stage in net for t in (stage.weight, stage.bias)]
    adam = torch.optim.Adam(weights, lr=s.rate)
    n = len(data.train_labels)
    for epoch in range(s.epochs):
        order, losses = rng.permutation(n), []
        for start in range(0, n, s.batch):
            done = (epoch + start / n) / s.epochs
            adam.param_groups[0]["lr"] = s.rate * 0.5 * (1 + np.cos(np.pi * done))
            chosen = order[start : start + s.batch]
            images = distort(data.train_images[chosen], rng, s.augment)
            loss = _loss(net, data, images, data.train_labels[chosen], s)
            require(bool(torch.isfinite(loss)), "loss", loss.item(), f"finite; epoch {epoch + 1}")
            adam.zero_grad()
            loss.backward()
            adam.step()
            losses.append(loss.item())
        accuracy, spikes = evaluate(net, data, s)
        report(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, test accuracy {accuracy:.4f}, "
               f"hidden spikes {spikes:.0f}")  # fmt: skip
    return net


def _inputs(data: Dataset, images: Any) -> torch.Tensor:
    side = side_of(data.pixels)
    spikes = torch.from_numpy(data.spikes(images)).to(torch.float32)
    return spikes.unflatten(2, (1, side, side))


def _loss(net: Sequence[Stage], data: Dataset, images: Any, labels: Any, s: Settings) -> Any:
    counts, hidden = run(net, _inputs(data, images), s.slope, s.weight_bits)
    loss = functional.cross_entropy(s.spike_score * counts, torch.from_numpy(labels))
    return loss + s.spike_cost / len(labels) * sum(h.sum() for h in hidden)


def evaluate(net: Sequence[Stage], data: Dataset, s: Settings) -> tuple[float, float]:
    """Test accuracy and hidden spikes an image; the first of equal counts is the answer."""
    right, fired = 0, 0.0
    with torch.no_grad():
        for start in range(0, len(data.test_labels), 500):
            part = slice(start, start + 500)
            inputs = _inputs(data, data.test_images[part])
            counts, hidden = run(net, inputs, s.slope, s.weight_bits)
            answers = np.argmax(counts.numpy(), axis=1)
            right += int((answers == data.test_labels[part]).sum())
            fired += float(sum(h.sum() for h in hidden))
    return right / len(data.test_labels), fired / len(data.test_labels)


def graph(net: Sequence[Stage], side: int, s: Settings) -> Any:
    """The network as a NIR graph: Conv2d nodes, IF neurons, a flattening, an Affine node."""
    nodes: dict[str, Any] = {"pixels": nir.Input(np.array([1, side, side]))}
    edges: list[tuple[str, str]] = []
    before = "pixels"
    shape: tuple[int, ...] = (1, side, side)
    names = [*(f"hidden{k}" for k in range(1, len(net))), "digit"]
    for name, stage in zip(names, net, strict=True):
        weight, bias = (rounded(t, s.weight_bits).detach().double().numpy()
                        for t in (stage.weight, stage.bias))  # fmt: skip
        via = f"to_{name}"
        if weight.ndim == 4:
            nodes[via] = nir.Conv2d(shape[1:], weight, stage.stride, 0, 1, 1, bias)
            left = (shape[1] - weight.shape[2]) // stage.stride + 1
            shape = (weight.shape[0], left, left)
        else:
            flat = f"flat_{name}"
            nodes[flat] = nir.Flatten({"input": np.array(shape)}, 0, -1)
            edges.append((before, flat))
            before, shape = flat, (weight.shape[0],)
            nodes[via] = nir.Affine(weight, bias)
        one = np.ones(shape)
        nodes[name] = nir.IF(one / DT, one, 0 * one)
        edges += [(before, via), (via, name)]
        before = name
    nodes["output"] = nir.Output(np.array([CLASSES]))
    edges.append(("digit", "output"))
    extra = {
        "dt": DT, "method": "exponential", "order": names, "inputs": ["pixels"],
        "outputs": ["digit"], "fraction": dict.fromkeys(names, s.weight_bits - 2),
        "populations": {n: {"reset": "subtract"} for n in names},
    }  # fmt: skip
    metadata = {METADATA_KEY: json.dumps(extra)}
    return nir.NIRGraph(nodes, edges, metadata=metadata, type_check=False)


def main(argv: Sequence[str] | None = None) -> None:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder with the four IDX files")
    parser.add_argument("--out", type=Path, required=True, help="the .nir to write")
    parser.add_argument("--layers", default=LAYERS)
    parser.add_argument("--epochs", type=int, default=RECIPE.epochs)
    parser.add_argument("--steps", type=int, default=STEPS // 2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--figures", type=Path, help="measure every body, write this .json")
    parser.add_argument("--measure", action="store_true", help="measure what is there, train none")
    args = parser.parse_args(argv)
    data = load_dataset(args.data, args.steps, THRESHOLDS)
    if not args.measure:
        _train(args, data)
    if args.figures is not None:
        about = {"seed": args.seed, "epochs": args.epochs}
        _measure(args.out, data, args.figures, args.layers, about)


def _train(args: argparse.Namespace, data: Dataset) -> None:
    s = replace(RECIPE, epochs=args.epochs, seed=args.seed)
    net = train_convolution(data, s, args.layers, lambda text: print(text, flush=True))
    with whole_file(args.out) as temporary:
        nir.write(temporary, graph(net, side_of(data.pixels), s))
    print(f"written to {args.out}")


def _measure(path: Path, data: Dataset, figures: Path, layers: str, about: dict[str, int]) -> None:
    """Every test image on every body, kernels stored once."""
    net = read_nir(path).network
    contract = quantise(net).contract
    kernels = nir_kernels(path, contract).kernels

    def report(done: int) -> None:
        print(f"{done} images", flush=True)

    row = measure(net, contract, data, LANES, kernels=kernels, report=report)
    found = {
        "title": f"MNIST, convolutional {layers}-10",
        "about": f"`python -m lifstone.sim.train_convolution --layers {layers} "
        f"--epochs {about['epochs']} --steps {data.steps}` trains and measures it; the input is "
        "coded as for the dense network. Kernels are stored once; a synaptic operation takes a "
        "clock.",
        "rows": [{**about, **asdict(row)}],
    }
    with whole_file(figures) as temporary:
        temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
