"""Networks of LIF neurons that stand for systems 5, 10, 12, 13 and 14, with their stimuli."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from ..golden import Connection, Lif, Network
from ..golden.conversion.convert import convert, even_spikes, scales
from ..golden.systems import conversion, convolution, fi, ota
from ..sim.digits import encode, load_digits
from ..sim.nir_read import read_nir
from ..sim.simulate import Simulator

__all__ = ["Subject", "subject"]

IMAGES = 24
"""Test images of the trained network."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A network, what is applied, and the neurons that SPICE simulates.

    ``spikes`` is 0/1 by input, ``(steps, samples, n)``; empty for a network without inputs.
    ``spice_steps`` is how many of the steps SPICE runs.
    """

    network: Network
    spikes: Mapping[str, NDArray[np.uint8]]
    steps: int
    stimulus: str
    neurons: tuple[tuple[str, int], ...]
    seed: int | None = None
    spice_steps: int = 200


@cache
def subject(system: str) -> Subject:
    """The network of a system."""
    made = {
        "fi": _fi,
        "ota": _ota,
        "convolution": _convolution,
        "conversion": _conversion,
        "surrogate": _surrogate,
    }
    return made[system]()


def _fi() -> Subject:
    p = fi.Parameters()
    currents = np.linspace(0.0, p.i_max, p.points)
    net = Network(p.dt, {}, {"p": p.neuron(p.points)}, (), ("p",), {"p": currents})
    some = tuple(("p", j) for j in (p.points // 4, p.points // 2, p.points - 1))
    return Subject(
        net, {}, 4000, f"{p.points} constant currents to {p.i_max:g} A, 0.4 s", some, None, 800
    )


def _ota() -> Subject:
    """Neurons with ``tau = C / g_m`` at three temperatures under one bias."""
    p = ota.Parameters()
    heat = np.array([p.t_low, p.temperature, p.t_high])
    tau = p.tau_mem * heat / p.temperature
    lif = Lif(tau_mem=tau, v_th=1.0, n=3)
    net = Network(1e-3, {"x": 3}, {"p": lif}, (Connection("x", "p", np.diag([8.0] * 3)),), ("p",))
    spikes = (np.random.default_rng(p.seed).random((600, 1, 3)) < 0.3).astype(np.uint8)
    return Subject(
        net, {"x": spikes}, 600, "random input at 300 Hz, three temperatures, 0.6 s",
        tuple(("p", j) for j in range(3)), p.seed,
    )  # fmt: skip


def _convolution() -> Subject:
    p = replace(convolution.Parameters(), size=8, steps=64)
    conv, spikes = convolution.kernels(p), convolution.bar(p)
    matrix = conv.matrix().toarray().astype(np.float64)
    gain = -np.expm1(-1e-3 / p.tau_mem)
    lif = Lif(tau_mem=p.tau_mem, r=1 / gain, v_th=96.0, n=conv.n_out)
    net = Network(1e-3, {"x": matrix.shape[1]}, {"c": lif}, (Connection("x", "c", matrix),), ("c",))
    return Subject(
        net, {"x": spikes[:, None]}, p.steps, "a bar that moves over 8 x 8 pixels, with noise",
        _busiest(net, {"x": spikes[:, None]}, "c"), p.seed,
    )  # fmt: skip


def _conversion() -> Subject:
    p = conversion.Parameters()
    relu, x, test, _ = conversion.classifier(p)
    made = convert(relu, scales(relu, x, p.percentile), v_init=p.v_init)
    steps, samples = 64, 12
    name = next(iter(made.network.inputs))
    spikes = even_spikes(np.clip(test[:samples] / made.scales[0], 0.0, 1.0), steps)
    first = next(iter(made.network.populations))
    return Subject(
        made.network, {name: spikes}, steps, f"{samples} test points, {steps} steps",
        _busiest(made.network, {name: spikes}, first), p.seed,
    )  # fmt: skip


def _busiest(
    net: Network, spikes: Mapping[str, NDArray[np.uint8]], name: str, count: int = 4
) -> tuple[tuple[str, int], ...]:
    """The neurons of a population that fire most: a silent one would show nothing."""
    fired = Simulator(net).run(spikes)[name].spikes
    total = fired.reshape(-1, fired.shape[-1]).sum(axis=0)
    return tuple((name, int(j)) for j in np.argsort(-total, kind="stable")[:count])


def _surrogate() -> Subject:
    with as_file(files("lifstone") / "data" / "digits.nir") as path:
        net = read_nir(path).network
    images = load_digits().test_images[:IMAGES]
    spikes = encode(images)
    name = next(iter(net.inputs))
    return Subject(
        net, {name: spikes}, len(spikes), f"{IMAGES} test images of handwritten digits",
        _busiest(net, {name: spikes}, "hidden"),
    )  # fmt: skip
