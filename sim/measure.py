"""Speed of the network layer against the plain loop, both in one run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..golden import Connection, Lif, Network, quantise, run_contract, run_float
from ..golden.errors import require
from .simulate import Simulator

__all__ = ["LayerSpeed", "measure_layer"]


@dataclass(frozen=True)
class LayerSpeed:
    """Neuron updates a second: steps x samples x neurons / seconds, best of the rounds."""

    layer_float: float
    golden_float: float
    layer_integer: float
    golden_integer: float

    @property
    def ratio_float(self) -> float:
        """How many times faster than ``run_float``."""
        return self.layer_float / self.golden_float

    @property
    def ratio_integer(self) -> float:
        """How many times faster than ``run_contract``."""
        return self.layer_integer / self.golden_integer


def measure_layer(
    sizes: tuple[int, ...] = (64, 256, 256, 10),
    steps: int = 100,
    samples: int = 64,
    rounds: int = 3,
) -> LayerSpeed:
    """Time a feed-forward network of ``sizes`` (the first counts input lines).

    The plain loop runs one sample, the layer all of them at once. Spikes are checked equal
    before anything is timed.

    Raises
    ------
    InvalidValue
        For fewer than two sizes, or a count below 1.
    """
    require(len(sizes) >= 2 and min(sizes) >= 1, "sizes", sizes, "at least two, each at least 1")
    for name, value in (("steps", steps), ("samples", samples), ("rounds", rounds)):
        require(value >= 1, name, value, "at least 1")
    net = _network(sizes)
    contract = quantise(net).contract
    spikes = (np.random.default_rng(1).random((steps, samples, sizes[0])) < 0.2).astype(np.uint8)
    one = {"in": spikes[:, 0]}
    layers = Simulator(net), Simulator(contract)
    for layer, plain in zip(
        layers, (run_float(net, one), run_contract(contract, one)), strict=True
    ):
        got = layer.run({"in": spikes}, record=("spikes",))
        for name, trace in plain.items():
            assert np.array_equal(got[name].spikes[:, 0], trace.spikes), name
    updates = float(steps * sum(sizes[1:]))
    runs: list[tuple[float, Callable[[], object]]] = [
        (samples * updates, lambda: layers[0].run({"in": spikes}, record=("spikes",))),
        (updates, lambda: run_float(net, one)),
        (samples * updates, lambda: layers[1].run({"in": spikes}, record=("spikes",))),
        (updates, lambda: run_contract(contract, one)),
    ]
    best = [0.0] * len(runs)
    for _ in range(rounds):  # interleaved: a busy moment of the machine meets all alike
        for k, (work, run) in enumerate(runs):
            best[k] = max(best[k], work / _seconds(run))
    return LayerSpeed(*best)


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _network(sizes: tuple[int, ...]) -> Network:
    rng = np.random.default_rng(0)
    names = ["in", *(f"layer{k}" for k in range(1, len(sizes)))]
    populations = {
        n: Lif(tau_mem=10e-3, r=10.0, n=k) for n, k in zip(names[1:], sizes[1:], strict=True)
    }
    connections = tuple(
        Connection(a, b, rng.normal(0.1, 1.0, (populations[b].n, n)) / np.sqrt(n))
        for a, b, n in zip(names, names[1:], sizes, strict=False)
    )
    return Network(1e-3, {"in": sizes[0]}, populations, connections, (names[-1],))
