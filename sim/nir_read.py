"""NIR files as networks, with a list of everything the file did not say.

Nodes between two stateful ones fold into one weight matrix and one constant current:
``W2 (W1 s + b1) + b2``. Nodes and equations: Pedersen et al., "Neuromorphic intermediate
representation", Nature Communications 15, 8122 (2024), table 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..golden import Connection, InvalidValue, Lif, Method, Network, Reset
from ..golden.errors import require
from .nir_convolve import Shape
from .nir_file import Node, RawGraph, read_graph
from .nir_flat import STATEFUL, Flat, flatten
from .nir_fold import Branch, fold
from .nir_grid import grid, member
from .nir_metadata import METADATA_KEY, checked
from .nir_shape import infer, spread

__all__ = ["Imported", "read_nir"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Imported:
    """A network and, in plain sentences, what was assumed to read it."""

    network: Network
    assumptions: tuple[str, ...]


def read_nir(path: Path, *, dt: float | None = None, method: Method | None = None) -> Imported:
    """Read a ``.nir`` file.

    Parameters
    ----------
    dt, method
        Step in seconds and how it is taken; from the file's metadata, else inferred, unless
        given.

    Raises
    ------
    InvalidValue
        For a file that is missing, broken, or describes what is no network of LIF neurons:
        unknown nodes, a cycle without state, wrong shapes, values that are not finite, time
        constants that are not positive. The message names node, field and value.
    """
    raw = read_graph(path)
    flat = flatten(raw)
    extra = checked(raw.metadata.get(METADATA_KEY))
    _connected(flat, extra)
    notes: list[str] = _shapes(raw)
    shapes = infer(flat)
    notes += shapes.notes
    populations = {
        name: _population(flat.nodes[name], shapes.sent[name], extra, notes)
        for name in _ordered(flat, extra)
    }
    require(len(populations) > 0, "nodes", list(flat.nodes), f"one of {', '.join(STATEFUL)}")
    step, how, reasons = grid(flat, extra, dt, method)
    paths, bias = fold(flat, shapes, step)
    connections = _connections(flat, populations, paths, extra, notes)
    notes += reasons
    network = Network(
        step,
        {name: flat.inputs[name] for name in _sorted(flat.inputs, extra.get("inputs", []))},
        populations,
        tuple(connections),
        _outputs(flat, extra),
        {k: b for k, b in {**bias, **_bias(extra, populations)}.items() if np.any(b != 0)},
        how,
        {k: bits for k, bits in extra.get("fraction", {}).items() if k in populations},
    )
    return Imported(network, tuple(notes))


def _shapes(raw: RawGraph) -> list[str]:
    """Older exporters keep axes of batch and time in the shape of an Output."""
    out = []
    for name, node in raw.nodes.items():
        if node.kind in ("Input", "Output") and "shape" in node.values:
            shape = node.values["shape"].reshape(-1)
            if shape.size > 1:
                text = [int(k) if float(k).is_integer() else float(k) for k in shape]
                out.append(f"{name} has shape {text}: read as one axis, in C order")
    return out


def _connected(flat: Flat, extra: Mapping[str, Any]) -> None:
    """Refuse what nothing leads to or from, unless the file says that it is meant to be so."""
    meant = {*extra.get("order", []), *extra.get("inputs", [])}
    ends = {end for edge in flat.edges for end in edge}
    for name in flat.nodes:
        good = name in ends or name in meant
        require(good, name, "unconnected", "a node with an edge to another node")


def _sorted(names: Iterable[str], wanted: list[str]) -> list[str]:
    """``names``, those in ``wanted`` first and in its order."""
    have = list(names)
    return list(dict.fromkeys([*(n for n in wanted if n in have), *have]))


def _ordered(flat: Flat, extra: Mapping[str, Any]) -> list[str]:
    """Populations in the order of the metadata, else of the edges, else of the file."""
    stateful = [n for n, node in flat.nodes.items() if node.kind in STATEFUL]
    seen = [end for edge in flat.edges for end in edge if end in stateful]
    return _sorted([*seen, *stateful], extra.get("order", []))


def _parameters(node: Node, shape: Shape, notes: list[str]) -> dict[str, Array]:
    """Our fields, each one value or one a neuron of the population of ``shape``."""
    values: dict[str, Array] = {}
    size = max(1, math.prod(shape))
    for ours, theirs, default in STATEFUL[node.kind]:
        a = node.array(theirs, default)
        whole = spread(a, shape)
        values[ours] = a.reshape(-1) if whole is None else whole
        good = values[ours].size in (1, size)
        require(good, f"{node.name}.{ours}", list(a.shape), f"1 or {size} values")
    given = {k: node.values[k].shape for _, k, _ in STATEFUL[node.kind] if k in node.values}
    for axes in dict.fromkeys(axes for axes in given.values() if len(axes) > 1):
        keys = [key for key in given if given[key] == axes]
        text = f"{', '.join(keys)} {'has' if len(keys) == 1 else 'have'} shape {list(axes)}"
        notes.append(f"{node.name}.{text}: read in C order")
    few = {key: math.prod(axes) for key, axes in given.items() if math.prod(axes) != size}
    if few and (len(few) == len(given) or max(few.values()) > 1):
        text = f"{', '.join(few)}: one value for all or one a channel"
        notes.append(f"{node.name}.{text}, spread over the inferred shape {list(shape)}")
    return values


def _population(node: Node, shape: Shape, extra: Mapping[str, Any], notes: list[str]) -> Lif:
    own = extra.get("populations", {}).get(node.name, {})
    values: dict[str, Any] = dict(_parameters(node, shape, notes))
    size = max(1, math.prod(shape))
    spiking = node.kind in ("LIF", "CubaLIF", "IF")
    if spiking and "v_reset" not in node.values:
        notes.append(f"{node.name} names no v_reset: 0")
    if not own:
        reset = ", a reset sets v to v_reset" if spiking else ""
        notes.append(f"{node.name}: no refractory period, v starts from 0{reset}")
        values["v_init"] = 0.0
    values |= {k: v for k, v in own.items() if k in ("t_ref", "v_init")}
    # Where the kind of node has no such field.
    values |= {k: own[k] for k in ("v_leak", "v_reset", "w_in") if k in own and k not in values}
    if "reset" in own:
        values["reset"] = member(Reset, f"{node.name}.reset", own["reset"])
    if node.kind in ("IF", "I"):
        values["tau_mem"] = np.inf
    if not spiking:
        values["v_th"] = np.inf
    try:
        return Lif(**values, n=size)
    except InvalidValue as error:
        field = f"{node.name}.{error.field}"
        raise InvalidValue(field, error.value, error.allowed) from None


def _connections(
    flat: Flat,
    populations: Mapping[str, Lif],
    paths: list[Branch],
    extra: Mapping[str, Any],
    notes: list[str],
) -> list[Connection]:
    delays = extra.get("delays", {})
    rank = {name: k for k, name in enumerate([*flat.inputs, *_levels(flat, populations, paths)])}
    listed = {via: k for k, via in enumerate(delays)}
    out = []
    for p in sorted(paths, key=lambda p: listed.get(p.via, len(listed))):
        delay = delays.get(p.via, 0) or p.steps
        if p.via not in delays and not p.steps:
            delay = int(p.pre in populations and rank[p.pre] >= rank[p.post])
            if delay:
                notes.append(f"{p.pre} to {p.post} closes a loop: spikes arrive one step later")
        n_pre = flat.inputs.get(p.pre) or populations[p.pre].n
        shape = (populations[p.post].n, n_pre)
        label = p.via or f"{p.pre} to {p.post}"
        require(p.weight.shape == shape, f"{label}.weight", list(p.weight.shape), f"{list(shape)}")
        if p.pre in populations and not populations[p.pre].spiking:
            allowed = "a node that spikes: LIF, CubaLIF, IF"
            raise InvalidValue(f"{p.post} input", f"{p.pre} ({flat.nodes[p.pre].kind})", allowed)
        out.append(Connection(p.pre, p.post, p.weight, delay))
    return out


def _levels(flat: Flat, populations: Mapping[str, Lif], paths: list[Branch]) -> list[str]:
    """Populations by their distance from the inputs; a loop is cut where it comes back."""
    reached = list(flat.inputs)
    waiting = list(populations)
    order: list[str] = []
    while waiting:
        free = [n for n in waiting if any(p.post == n and p.pre in reached for p in paths)]
        name = (free or waiting)[0]
        order.append(name)
        reached.append(name)
        waiting.remove(name)
    # Distance alone would cut skip connections; prefer an order all of whose edges go forward.
    now = [p for p in paths if p.pre in populations and not p.steps]
    edges = {(p.pre, p.post) for p in now if p.pre != p.post}
    left, out = list(order), []
    while left:
        ready = [n for n in left if not any(b == n and a in left for a, b in edges)]
        out.append((ready or left)[0])
        left.remove(out[-1])
    return out


def _outputs(flat: Flat, extra: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(_sorted(flat.outputs, extra.get("outputs", [])))


def _bias(extra: Mapping[str, Any], populations: Mapping[str, Lif]) -> dict[str, Array]:
    """Currents of populations that no connection reaches."""
    found = extra.get("bias", {})
    return {k: np.asarray(v, dtype=np.float64) for k, v in found.items() if k in populations}
