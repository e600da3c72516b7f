"""Networks of rectified linear units, reduced to stages of one matrix and one bias each.

Whatever is linear between two rectifications is one matrix: convolutions are unrolled,
average pooling multiplies into what follows, and batch normalisation folds into weights and
biases (Ioffe & Szegedy, arXiv:1502.03167, algorithm 2)::

    y = gamma (W x + b - mean) / sqrt(variance + epsilon) + beta
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from ..errors import InvalidValue, require
from ..layers.convolution import Convolution

__all__ = ["ReluNetwork", "Stage", "fold_batch_norm", "from_convolution", "merge"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stage:
    """``z = weight x + bias`` with ``weight`` ``(n_out, n_in)`` and ``bias`` ``(n_out,)``.

    Raises
    ------
    InvalidValue
        For wrong shapes or numbers that are not finite.
    """

    weight: Array
    bias: Array

    def __init__(self, weight: ArrayLike, bias: ArrayLike | None = None) -> None:
        w = np.array(weight, dtype=np.float64)
        require(w.ndim == 2 and w.size > 0, "weight", list(w.shape), "two dimensions (out, in)")
        b = np.zeros(w.shape[0]) if bias is None else np.array(bias, dtype=np.float64)
        require(b.shape == (w.shape[0],), "bias", list(b.shape), f"{w.shape[0]} values")
        for name, a in (("weight", w), ("bias", b)):
            for at in np.argwhere(~np.isfinite(a)):
                raise InvalidValue(f"{name}{at.tolist()}", float(a[tuple(at)]), "finite numbers")
            a.setflags(write=False)
        object.__setattr__(self, "weight", w)
        object.__setattr__(self, "bias", b)


@dataclass(frozen=True, eq=False)
class ReluNetwork:
    """Stages with a rectification after each but the last, whose outputs are class scores."""

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        require(len(self.stages) > 0, "stages", 0, "at least one")
        for k in range(1, len(self.stages)):
            n, wanted = self.stages[k].weight.shape[1], self.stages[k - 1].weight.shape[0]
            require(n == wanted, f"stages[{k}].weight", list(self.stages[k].weight.shape),
                    f"{wanted} inputs, as the stage before has outputs")  # fmt: skip

    def pre_activations(self, x: ArrayLike) -> list[Array]:
        """``z`` of every stage, each ``(samples, n_out)``, for inputs ``(samples, n_in)``."""
        a = np.asarray(x, dtype=np.float64)
        n = self.stages[0].weight.shape[1]
        require(a.ndim == 2 and a.shape[1] == n, "x", list(a.shape), f"(samples, {n})")
        out: list[Array] = []
        for stage in self.stages:
            out.append(a @ stage.weight.T + stage.bias)
            a = np.maximum(out[-1], 0.0)
        return out

    def classify(self, x: ArrayLike) -> NDArray[np.int64]:
        """The class with the largest score, ``(samples,)``."""
        return np.asarray(self.pre_activations(x)[-1].argmax(axis=1), dtype=np.int64)


def fold_batch_norm(
    stage: Stage,
    gamma: ArrayLike,
    beta: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    epsilon: float = 1e-5,
) -> Stage:
    """The stage followed by batch normalisation in inference, as one stage.

    The four arrays have shape ``(n_out,)``; a convolution's channels are repeated by the caller.

    Raises
    ------
    InvalidValue
        For a negative variance, ``epsilon`` not above 0, or wrong shapes.
    """
    n = stage.bias.size
    values = {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance}
    arrays = {k: np.asarray(v, dtype=np.float64) for k, v in values.items()}
    for name, a in arrays.items():
        require(a.shape == (n,), name, list(a.shape), f"{n} values")
    require(epsilon > 0, "epsilon", epsilon, "above 0")
    for j in np.flatnonzero(arrays["variance"] < 0):
        raise InvalidValue(f"variance[{j}]", float(arrays["variance"][j]), "0 or greater")
    scale = arrays["gamma"] / np.sqrt(arrays["variance"] + epsilon)
    return Stage(
        scale[:, None] * stage.weight, scale * (stage.bias - arrays["mean"]) + arrays["beta"]
    )


def from_convolution(conv: Convolution, bias: ArrayLike | None = None) -> Stage:
    """A convolution with a bias for each output channel, unrolled."""
    channels = conv.out_shape[0]
    b = np.zeros(channels) if bias is None else np.asarray(bias, dtype=np.float64)
    require(b.shape == (channels,), "bias", list(b.shape), f"{channels} values")
    per_channel = conv.n_out // channels
    return Stage(conv.matrix().toarray(), np.repeat(b, per_channel))


def merge(first: Stage | sparse.csr_array, then: Stage) -> Stage:
    """Two linear maps without a rectification between them as one; ``first`` may be a pooling."""
    if isinstance(first, Stage):
        return Stage(then.weight @ first.weight, then.weight @ first.bias + then.bias)
    return Stage(np.asarray(then.weight @ first.astype(np.float64)), then.bias)
