"""Train the digits network: surrogate gradient through time, in NumPy.

``python -m lifstone.sim.train_digits --out digits.nir`` reproduces the shipped weights.

Forward and backward pass are golden's (:mod:`lifstone.golden.learning.bptt`) with a fast
sigmoid's derivative in place of the spike's; the reset is treated as a constant. Weights pass
through their 8-bit rounding on the way forward (straight-through estimator; Bengio, Leonard
& Courville, arXiv:1308.3432), so that what is trained is what the hardware computes.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..golden import Connection, Lif, Network
from ..golden.learning.bptt import Layer, Rule, backward, forward
from ..golden.learning.surrogate import Surrogate
from .digits import PIXELS, decode, encode, load_digits

__all__ = ["Settings", "network", "train"]

Array = NDArray[np.float64]

DT = 1e-3
TAU = 10e-3
SLOPE = 5.0
RULE = Rule(Surrogate.FAST_SIGMOID, SLOPE)
LIMIT = 1.984375  # 127/64: the largest weight of a signed 8-bit word with six fraction bits
GRID = 64.0


@dataclass(frozen=True)
class Settings:
    """What determines a training run, seed included."""

    hidden: int = 64
    epochs: int = 60
    batch: int = 64
    rate: float = 4e-3
    seed: int = 1


def neurons(n: int) -> Lif:
    """LIF neurons whose input gain is 1, so that weights are in units of the threshold."""
    gain = -np.expm1(-DT / TAU)
    return Lif(tau_mem=TAU, r=1.0 / gain, v_th=1.0, v_reset=0.0, v_init=0.0, n=n)


def network(weights: dict[str, Array]) -> Network:
    """The 64-hidden-10 network with rounded weights."""
    hidden = weights["w1"].shape[0]
    return Network(
        dt=DT,
        inputs={"pixels": PIXELS},
        populations={"hidden": neurons(hidden), "digit": neurons(10)},
        connections=(
            Connection("pixels", "hidden", _rounded(weights["w1"])),
            Connection("hidden", "digit", _rounded(weights["w2"])),
        ),
        bias={"hidden": _rounded(weights["b1"]), "digit": _rounded(weights["b2"])},
        outputs=("digit",),
    )


def _rounded(w: Array) -> Array:
    return np.asarray(np.rint(np.clip(w, -LIMIT, LIMIT) * GRID) / GRID)


def train(settings: Settings, report: bool = False) -> dict[str, Array]:
    """Weights ``w1`` (hidden, 64), ``b1``, ``w2`` (10, hidden), ``b2`` in threshold units."""
    rng = np.random.default_rng(settings.seed)
    data = load_digits()
    spikes = encode(data.train_images).astype(np.float64)
    h = settings.hidden
    weights = {
        "w1": rng.normal(0.02, 0.6 / np.sqrt(PIXELS), (h, PIXELS)),
        "b1": np.zeros(h),
        "w2": rng.normal(0.05, 1.2 / np.sqrt(h), (10, h)),
        "b2": np.zeros(10),
    }
    moments = {k: (np.zeros_like(w), np.zeros_like(w)) for k, w in weights.items()}
    count = 0
    for epoch in range(settings.epochs):
        order = rng.permutation(spikes.shape[1])
        rate = settings.rate * 0.5 * (1 + np.cos(np.pi * epoch / settings.epochs))
        for start in range(0, len(order), settings.batch):
            chosen = order[start : start + settings.batch]
            grads = _gradients(weights, spikes[:, chosen], data.train_labels[chosen])
            count += 1
            for k, g in grads.items():
                m = moments[k]
                m[0][...] = 0.9 * m[0] + 0.1 * g
                m[1][...] = 0.999 * m[1] + 0.001 * g * g
                unbiased = m[0] / (1 - 0.9**count)
                weights[k] -= rate * unbiased / (np.sqrt(m[1] / (1 - 0.999**count)) + 1e-8)
        if report and epoch % 10 == 9:
            print(f"epoch {epoch + 1}: test accuracy {accuracy(weights):.4f}")
    return weights


def accuracy(weights: dict[str, Array]) -> float:
    """Share of test images that the rounded network classifies rightly."""
    data = load_digits()
    out = forward(_layers(weights), encode(data.test_images).astype(np.float64), DT, RULE)[-1]
    return float((decode(out.spikes > 0) == data.test_labels).mean())


def _layers(weights: dict[str, Array]) -> list[Layer]:
    """The network's layers with rounded weights."""
    return [
        Layer(
            neurons(len(weights["b" + k])), _rounded(weights["w" + k]), _rounded(weights["b" + k])
        )
        for k in "12"
    ]


def _gradients(
    weights: dict[str, Array], spikes: Array, labels: NDArray[np.int64]
) -> dict[str, Array]:
    layers = _layers(weights)
    tapes = forward(layers, spikes, DT, RULE)
    # Cross-entropy on spike counts; half a spike separates the classes by one nat.
    logits = 2.0 * tapes[-1].spikes.sum(axis=0)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(labels)), labels] -= 1.0
    d_out = np.broadcast_to(2.0 * p / len(labels), tapes[-1].spikes.shape)
    found = backward(layers, tapes, RULE, d_spikes=d_out)
    grads: dict[str, Array] = {}
    for k, g in zip("12", found, strict=True):
        grads["w" + k], grads["b" + k] = g.weight, g.bias
    return grads


def main() -> None:
    """Command line of the training script."""
    from .nir_write import write_nir

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, required=True, help="where to write the .nir file")
    parser.add_argument("--hidden", type=int, default=Settings.hidden)
    parser.add_argument("--epochs", type=int, default=Settings.epochs)
    parser.add_argument("--seed", type=int, default=Settings.seed)
    args = parser.parse_args()
    weights = train(Settings(args.hidden, args.epochs, seed=args.seed), report=True)
    write_nir(network(weights), args.out)
    print(f"test accuracy {accuracy(weights):.4f}, written to {args.out}")


if __name__ == "__main__":
    main()
