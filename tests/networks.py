"""Random networks that visit every option of the contract."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lifstone.golden import (
    Connection,
    DecayMode,
    InvalidValue,
    Lif,
    Method,
    Network,
    Quantised,
    Reset,
    Rounding,
    Widths,
    quantise,
)

DT = 1e-3


def random_lif(rng: np.random.Generator, n: int, readout: bool = False) -> Lif:
    """A population with parameters that are uniform or differ from neuron to neuron."""
    uniform = rng.random() < 0.5
    size = None if uniform else n
    return Lif(
        tau_mem=rng.uniform(3e-3, 30e-3, size),
        r=1.0,
        v_leak=0.0,
        v_th=np.inf if readout else rng.uniform(0.8, 1.2, size),
        v_reset=rng.uniform(-0.3, 0.1, size),
        t_ref=rng.integers(0, 4) * DT if uniform else rng.integers(0, 4, n) * DT,
        tau_syn=rng.uniform(2e-3, 8e-3) if rng.random() < 0.5 else None,
        reset=Reset.SUBTRACT if rng.random() < 0.5 else Reset.SET,
        n=n,
    )


def random_network(seed: int, inputs: int = 2, largest: int = 6) -> Network:
    """Up to three populations, fan-out, recurrence, delays, bias and a readout."""
    rng = np.random.default_rng(seed)
    sizes = [int(rng.integers(1, largest + 1)) for _ in range(3)]
    names = ["a", "b.x", "c"]
    populations = {
        name: random_lif(rng, n, readout=name == "c" and rng.random() < 0.3)
        for name, n in zip(names, sizes, strict=True)
    }
    sources = {f"in{k}": int(rng.integers(1, 6)) for k in range(inputs)}
    connections = []

    def connect(pre: str, post: str, delay: int) -> None:
        n_pre = sources.get(pre) or populations[pre].n
        weight = rng.normal(1.0, 2.5, (populations[post].n, n_pre))
        connections.append(Connection(pre, post, weight, delay))

    for k, name in enumerate(sources):
        connect(name, names[k % 2], 0)
        if rng.random() < 0.4:
            connect(name, "c", 1 + seed % 2)
    connect("a", "b.x", 0)
    connect("b.x", "c", 0)
    if rng.random() < 0.5:
        connect("a", "c", int(rng.integers(0, 2)))
    if rng.random() < 0.6:
        connect("b.x", "a", 1 + seed % 3)
    if rng.random() < 0.4:
        connect("a", "a", 1)
    bias = {"a": rng.uniform(0, 1.4, sizes[0])} if inputs == 0 or rng.random() < 0.5 else {}
    method = Method.EULER if rng.random() < 0.3 else Method.EXPONENTIAL
    return Network(DT, sources, populations, tuple(connections), ("b.x", "c"), bias, method)


def random_quantised(seed: int, inputs: int = 2, largest: int = 6) -> Quantised:
    """The contract of :func:`random_network` with widths drawn from the same seed."""
    rng = np.random.default_rng(seed + 10_000)
    network = random_network(seed, inputs, largest)
    shift = rng.random() < 0.25
    same_decay = all(np.ptp(p.tau_mem) == 0 for p in network.populations.values())
    widths = Widths(
        state=int(rng.integers(10, 21)),
        weight=int(rng.integers(7, 11)),
        decay=int(rng.integers(8, 14)),
        decay_mode=DecayMode.SHIFT if shift and same_decay else DecayMode.MULTIPLY,
        rounding=list(Rounding)[int(rng.integers(0, 4))],
    )
    return _widened(network, widths)


def _widened(network: Network, widths: Widths) -> Quantised:
    """Quantise with the narrowest weights, from those given on, that the network allows."""
    while True:
        try:
            return quantise(network, widths)
        except InvalidValue as refused:
            if not refused.field.endswith("widths.weight"):
                raise
            widths = replace(widths, weight=widths.weight + 1)


def random_inputs(quantised: Quantised, steps: int, seed: int) -> dict[str, np.ndarray]:
    """Spikes ``(steps, n)`` for every input."""
    rng = np.random.default_rng(seed)
    return {
        name: (rng.random((steps, n)) < rng.uniform(0.1, 0.7)).astype(np.uint8)
        for name, n in quantised.contract.inputs.items()
    }
