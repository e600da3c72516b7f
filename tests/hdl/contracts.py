"""Contracts drawn at random, one per combination of the options that change the circuit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from lifstone.golden import (
    Connection,
    Contract,
    Decay,
    Drive,
    IntConnection,
    Lif,
    Network,
    NetworkContract,
    Reset,
    Rounding,
    Widths,
    quantise,
)
from lifstone.golden.fixed import limits, width_for

DECAYS = ("none", "multiply", "shift")
Options = tuple[Rounding, str, str, Drive, Reset | None]


def options() -> Iterator[Options]:
    """Rounding, decay of ``u``, decay of ``i``, drive and reset (``None``: a readout)."""
    for rounding, mem, syn in itertools.product(Rounding, DECAYS, DECAYS):
        drives = list(Drive) if syn != "none" else [Drive.NEW]
        for drive, reset in itertools.product(drives, [*Reset, None]):
            yield rounding, mem, syn, drive, reset


def random_contract(rng: np.random.Generator, n: int, chosen: Options) -> Contract:
    """A contract of ``n`` neurons; each parameter is uniform or not, by chance."""
    rounding, mem, syn, drive, reset = chosen
    width, fraction = int(rng.integers(6, 17)), int(rng.integers(2, 5))
    low, high = limits(width)

    def words(a: int, b: int) -> np.ndarray:
        uniform = rng.random() < 0.5
        values = rng.integers(a, b + 1, 1 if uniform else n)
        return np.broadcast_to(values, n).astype(np.int64)

    def decay(kind: str) -> Decay | None:
        if kind == "none":
            return None
        if kind == "shift":
            return Decay(shift=int(rng.integers(1, width + 3)))
        bits = int(rng.integers(1, 13))
        return Decay(words(0, 1 << bits), bits)

    couple_fraction = int(rng.integers(1, 9)) if drive is Drive.BLEND else 0
    share = 1 << couple_fraction
    syn_width = int(rng.integers(4, 17)) if syn != "none" else 0
    return Contract(
        n=n,
        width=width,
        fraction=fraction,
        syn_width=syn_width,
        weight_width=6,
        weight_shift=int(rng.integers(0, 4)),
        acc_width=int(rng.integers(5, 12)),
        decay_mem=decay(mem),
        decay_syn=decay(syn),
        drive=drive,
        couple=words(-share, share) if drive is Drive.BLEND else None,
        couple_fraction=couple_fraction,
        threshold=None if reset is None else words(low // 2, high - 1),
        reset=reset or Reset.SET,
        u_reset=words(low, high),
        u_drop=words(0, 2 * high + 1),
        u_init=words(low, high),
        hold=words(0, 3) if rng.random() < 0.7 else np.zeros(n, np.int64),
        bias=words(low // 2, high // 2),
        rounding=rounding,
        lsb=np.ones(n),
        i_lsb=np.ones(n),
        v_rest=np.zeros(n),
    )


def one_core(contract: Contract, weight: np.ndarray, name: str = "p") -> NetworkContract:
    """One input ``x`` and one population; ``acc_width`` is checked to hold all weights."""
    most, least = int(weight.clip(0).sum(1).max()), int(weight.clip(max=0).sum(1).min())
    assert width_for(least, most) <= contract.acc_width
    connection = IntConnection("x", name, weight.astype(np.int64), 0)
    return NetworkContract({"x": weight.shape[1]}, {name: contract}, (connection,), (name,))


def lively(seed: int = 0, **widths: object) -> NetworkContract:
    """A loop of two populations that spikes in most steps; output ``b``, one input ``x``."""
    rng = np.random.default_rng(seed)
    a = Lif(tau_mem=rng.uniform(5e-3, 15e-3, 4), v_th=1.0, v_reset=-0.1, n=4, tau_syn=4e-3)
    b = Lif(tau_mem=8e-3, v_th=rng.uniform(0.9, 1.1, 3), n=3, reset=Reset.SUBTRACT, t_ref=2e-3)
    connections = (
        Connection("x", "a", rng.normal(3.0, 2.0, (4, 5))),
        Connection("a", "b", rng.normal(6.0, 3.0, (3, 4))),
        Connection("b", "a", rng.normal(-1.0, 2.0, (4, 3)), 1),
    )
    bias = {"a": rng.uniform(0, 0.5, 4)}
    net = Network(1e-3, {"x": 5}, {"a": a, "b": b}, connections, ("b",), bias)
    return quantise(net, Widths(**{"state": 14, "weight": 8, "fraction": 8} | widths)).contract
