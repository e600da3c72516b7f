"""Networks as NIR files.

What NIR has no word for (time step, method, refractory period, reset mode, delays, initial
potential, order of names) goes as JSON into the graph's metadata under ``lifstone``; other
readers ignore it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nir
import numpy as np

from ..golden import Lif, Network
from ..golden.errors import require
from .nir_metadata import METADATA_KEY, describe
from .whole_file import whole_file

__all__ = ["not_expressed", "write_nir"]


def write_nir(network: Network, path: Path) -> None:
    """Write ``network`` to ``path``, whole or not at all.

    Raises
    ------
    InvalidValue
        For a name that the file format cannot hold.
    """
    for name in (*network.inputs, *network.populations):
        good = name not in ("", ".", "..") and not set(name) & {"/", "\0"} and _encodes(name)
        require(good, "name", name, "a text that is not empty and has no '/'")
    nodes: dict[str, Any] = {n: nir.Input(np.array([k])) for n, k in network.inputs.items()}
    nodes |= {name: _neuron(lif) for name, lif in network.populations.items()}
    edges: list[tuple[str, str]] = []
    biased: set[str] = set()
    delays: dict[str, int] = {}
    taken = set(nodes)
    for k, c in enumerate(network.connections):
        via = _free(f"w{k}", taken)
        bias = network.bias.get(c.post) if c.post not in biased else None
        biased.add(c.post)
        weight = np.array(c.weight)
        nodes[via] = nir.Linear(weight) if bias is None else nir.Affine(weight, np.array(bias))
        edges += [(c.pre, via), (via, c.post)]
        delays[via] = c.delay
    for name in network.outputs:
        out = _free("output" if len(network.outputs) == 1 else f"output_{name}", taken)
        nodes[out] = nir.Output(np.array([network.populations[name].n]))
        edges.append((name, out))
    left = {k: v.tolist() for k, v in network.bias.items() if k not in biased}
    text = json.dumps(describe(network, delays, left), allow_nan=False)
    graph = nir.NIRGraph(nodes, edges, metadata={METADATA_KEY: text}, type_check=False)
    with whole_file(Path(path)) as temporary:
        nir.write(temporary, graph)


def not_expressed(network: Network) -> list[str]:
    """What a reader that ignores the metadata will not know, in words."""
    out = [f"the step of {network.dt:g} s and its method, {network.method}"]
    for name, lif in network.populations.items():
        if np.any(lif.t_ref > 0):
            out.append(f"{name}: refractory period")
        if str(lif.reset) != "set":
            out.append(f"{name}: reset by subtraction")
        if not np.isfinite(lif.tau_mem).all() and np.any(lif.v_leak != 0):
            out.append(f"{name}: resting potential of a neuron without leak")
        if np.any(lif.v_init != lif.v_leak):
            out.append(f"{name}: initial potential")
    for c in network.connections:
        if c.delay:
            steps = "one step" if c.delay == 1 else f"{c.delay} steps"
            out.append(f"{c.pre} to {c.post}: delay of {steps}")
    return out


def _encodes(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"{name}_"
    taken.add(name)
    return name


def _neuron(lif: Lif) -> Any:
    finite = np.isfinite(lif.v_th)
    leaky = np.isfinite(lif.tau_mem)
    mixed = finite.any() != finite.all() or leaky.any() != leaky.all()
    require(not mixed, "v_th, tau_mem", "some infinite", "all finite or all infinite")
    r, v_leak, v_th, v_reset = (np.array(a) for a in (lif.r, lif.v_leak, lif.v_th, lif.v_reset))
    if lif.tau_syn is not None:
        cuba = (np.array(lif.tau_syn), np.array(lif.tau_mem), r, v_leak)
        w_in = np.array(lif.w_in)
        if not lif.spiking:
            return nir.CubaLI(*cuba, w_in=w_in)
        return nir.CubaLIF(*cuba, v_threshold=v_th, v_reset=v_reset, w_in=w_in)
    if not leaky.all():
        if not lif.spiking:
            return nir.I(r)
        return nir.IF(r, v_th, v_reset)
    if not lif.spiking:
        return nir.LI(np.array(lif.tau_mem), r, v_leak)
    return nir.LIF(np.array(lif.tau_mem), r, v_leak, v_threshold=v_th, v_reset=v_reset)
