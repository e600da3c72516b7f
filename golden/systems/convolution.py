"""System 12: spiking convolution with shared kernels, strides, padding, dilation and groups.

A moving bar of spikes goes through a convolution, a layer of LIF neurons and sum pooling. The
event-driven form, which stores each kernel once and visits only what a spike reaches, must
give the integer sums of the dense form exactly, and the neurons the spikes they have with the
unrolled weight matrix. What it saves is counted in synaptic operations.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from .. import discrete
from ..errors import require
from ..layers.convolution import Convolution
from ..layers.pooling import sum_pool
from ..lif import Lif
from .parameter import quantity, validate
from .system import Check, Figure, Panel, Result, Series, System

__all__ = ["SYSTEM", "Parameters", "bar", "kernels", "run"]

Bits = NDArray[np.uint8]


@dataclass(frozen=True)
class Parameters:
    """Sizes of the convolution, and the bar that moves over its input."""

    size: int = quantity(16, "1", "Input rows and columns.", low=3, high=64)
    channels_in: int = quantity(2, "1", "Input channels.", low=1, high=16)
    channels_out: int = quantity(4, "1", "Output channels.", low=1, high=32)
    kernel: int = quantity(3, "1", "Kernel rows and columns.", low=1, high=9)
    stride: int = quantity(1, "1", "Stride of both axes.", low=1, high=8)
    padding: int = quantity(1, "1", "Zeros around the input.", low=0, high=8)
    dilation: int = quantity(1, "1", "Distance of kernel taps.", low=1, high=4)
    groups: int = quantity(1, "1", "Separate groups of channels.", low=1, high=16)
    pool: int = quantity(2, "1", "Pooling window and stride.", low=1, high=8)
    steps: int = quantity(32, "1", "Time steps of 1 ms.", low=1, high=1000)
    noise: float = quantity(0.02, "1", "Probability of a noise spike.", low=0.0, high=1.0)
    tau_mem: float = quantity(10e-3, "s", "Membrane time constant.", above=0.0)
    seed: int = quantity(0, "1", "Seed of kernels and noise.", low=0)

    def __post_init__(self) -> None:
        validate(self)
        for name in ("channels_in", "channels_out"):
            n = getattr(self, name)
            require(n % self.groups == 0, name, n, f"a multiple of groups = {self.groups}")


def bar(p: Parameters) -> Bits:
    """Spikes ``(steps, channels_in * size * size)``: a bar that moves, and noise."""
    rng = np.random.default_rng([p.seed, 1])
    image = np.zeros((p.steps, p.channels_in, p.size, p.size), dtype=np.uint8)
    for k in range(p.steps):
        image[k, k % p.channels_in, :, k % p.size] = 1
    noisy = image | (rng.random(image.shape) < p.noise)
    return noisy.reshape(p.steps, -1).astype(np.uint8)


def kernels(p: Parameters) -> Convolution:
    """The convolution, its kernels drawn from the seed."""
    rng = np.random.default_rng([p.seed, 2])
    shape = (p.channels_out, p.channels_in // p.groups, p.kernel, p.kernel)
    return Convolution(
        rng.integers(-31, 64, shape),
        (p.channels_in, p.size, p.size),
        stride=p.stride,
        padding=p.padding,
        dilation=p.dilation,
        groups=p.groups,
    )


def _fire(p: Parameters, n: int, x: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Spikes of LIF neurons whose input gain is 1 and whose threshold is one large kernel."""
    dt = 1e-3
    gain = -np.expm1(-dt / p.tau_mem)
    lif = Lif(tau_mem=p.tau_mem, r=1 / gain, v_th=96.0, n=n)
    c = discrete.discretise(lif, dt)
    state = discrete.initial_state(lif)
    out = np.zeros(x.shape, dtype=np.bool_)
    for k, row in enumerate(x):
        state, out[k] = discrete.step(lif, c, state, row)
    return out


def run(p: Parameters) -> Result:
    """The bar through convolution, neurons and pooling, in three forms."""
    conv, spikes = kernels(p), bar(p)
    dense = conv.dense(spikes)
    event, operations = conv.event_driven(spikes)
    unrolled = spikes.astype(np.int64) @ conv.matrix().T.toarray()
    fired = _fire(p, conv.n_out, event.astype(np.float64))
    wanted = _fire(p, conv.n_out, unrolled.astype(np.float64))
    pool = sum_pool(conv.out_shape, min(p.pool, *conv.out_shape[1:]))
    pooled, pool_operations = pool.event_driven(fired)
    by_window = _window_sums(fired.reshape(p.steps, *conv.out_shape), pool)
    counted = int((spikes.astype(np.int64) * conv.fan_out()).sum())
    all_macs = p.steps * conv.n_out * int(np.prod(conv.weight.shape[1:]))
    saved = operations / all_macs
    checks = tuple(
        Check.absolute(name, float(value), float(reference), 0.0, "1", against, "integers")
        for name, value, reference, against in (
            ("differing sums, event-driven", (event != dense).sum(), 0, "dense form"),
            ("differing sums, event-driven against unrolled", (event != unrolled).sum(), 0,
             "unrolled weight matrix"),
            ("differing spikes", (fired != wanted).sum(), 0, "LIF layer with unrolled weights"),
            ("differing pooled sums", (pooled != by_window).sum(), 0, "sums of plain windows"),
            ("operations", operations, counted, "spikes times fan-out"),
        )
    )  # fmt: skip
    return Result(
        "convolution",
        asdict(p),
        (
            Figure("operations a step", operations / p.steps, "1"),
            Figure("share of the dense operations", saved, "1"),
            Figure("output spikes", float(fired.sum()), "1"),
            Figure("pooling operations a step", pool_operations / p.steps, "1"),
        ),
        checks,
        _panels(p, conv, spikes, fired),
        ("Nothing is approximated: all forms are integer sums.",),
    )


def _window_sums(fired: NDArray[np.bool_], pool: Convolution) -> NDArray[np.int64]:
    """Plain sums over pooling windows, ``(steps, n_out)``."""
    k = pool.weight.shape[2]
    rows, columns = pool.out_shape[1:]
    cut = fired[:, :, : rows * k, : columns * k].astype(np.int64)
    shape = (*cut.shape[:2], rows, k, columns, k)
    return np.asarray(cut.reshape(shape).sum(axis=(3, 5)).reshape(fired.shape[0], -1))


def _panels(
    p: Parameters, conv: Convolution, spikes: Bits, fired: NDArray[np.bool_]
) -> tuple[Panel, ...]:
    density = np.linspace(0.0, 1.0, 11)
    rng = np.random.default_rng([p.seed, 3])
    share = []
    full = float(conv.fan_out().sum())
    for d in density:
        drawn = rng.random((8, conv.n_in)) < d
        share.append(float((drawn * conv.fan_out()).sum(axis=1).mean()))
    k, j = np.nonzero(fired)
    k_in, j_in = np.nonzero(spikes)
    dense_macs = float(conv.n_out * np.prod(conv.weight.shape[1:]))
    return (
        Panel(
            "Operations follow activity", "share of input lines that spike", "1",
            "operations a step", "1",
            (
                Series("expected: density times all connections", density, density * full,
                       "reference"),
                Series("event-driven", density, np.array(share), "model", "points"),
                Series("dense, padding included", density, np.full(11, dense_macs), "context"),
            ),
        ),
        Panel(
            "Spikes in: a moving bar and noise", "time", "s", "line", "",
            (Series("input", (k_in + 1) * 1e-3, j_in.astype(np.float64), "model", "spikes"),),
        ),
        Panel(
            "Spikes out", "time", "s", "line", "",
            (Series("output", (k + 1) * 1e-3, j.astype(np.float64), "model", "spikes"),),
        ),
    )  # fmt: skip


SYSTEM = System(
    key="convolution",
    number=12,
    title="Spiking convolution with shared kernels",
    question="Does an event-driven convolution give exactly the dense one, and what does it save?",
    equation="x[o, p] = sum over c, k of weight[o, c, k] s[c, stride p + dilation k - padding]",
    reference="dense form, unrolled weights and plain window sums; all integers, exact",
    sources=("Dumoulin & Visin, arXiv:1603.07285, relationship 14 (output size)",),
    stimulus="a bar that moves one column a step over 16 x 16 pixels, with 2 % noise spikes",
    parameters=Parameters,
    run=run,
    bodies={
        "network": "the unrolled matrix as sparse weights, or the event-driven form",
        "rtl": "an event-driven core that stores each kernel once and computes addresses",
        "spice": "one kernel position on analog neurons, its weights as currents",
    },
)
