"""The plain reading of a network: one step after the other, one population after the other.

Slow and obvious on purpose. The network layer in ``sim``, the RTL and the analog body are
compared with these two functions.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from . import contract as integer
from . import discrete
from .discrete import Trace
from .network import Network, check_inputs, in_time
from .quantise import NetworkContract

__all__ = ["input_current", "input_words", "run_contract", "run_float"]

Spikes = Mapping[str, NDArray[np.generic]]


def run_float(model: Network, inputs: Spikes, steps: int | None = None) -> dict[str, Trace]:
    """Run the float model on its time grid.

    ``inputs`` maps each input's name to 0/1 values of shape ``(steps, n)``; ``steps`` is
    needed only for a network without inputs. Returns a trace for every population.
    """
    lead = check_inputs(model.inputs, inputs)
    n_steps = lead[0] if lead else int(steps or 0)
    sources = _sources(model, inputs)
    coeffs = {
        k: discrete.discretise(p, model.dt, model.method) for k, p in model.populations.items()
    }
    states = {k: discrete.initial_state(p) for k, p in model.populations.items()}
    out = {k: _empty(n_steps, p.n, np.float64) for k, p in model.populations.items()}
    for k in range(n_steps):
        for name in model.order:
            x = np.array(model.bias.get(name, np.zeros(model.populations[name].n)))
            for c in model.into(name):
                x += c.weight @ _spikes_at(c.pre, k - c.delay, sources, out)
            states[name], fired = discrete.step(
                model.populations[name], coeffs[name], states[name], x
            )
            out[name].v[k], out[name].i[k] = states[name].v, states[name].i
            out[name].spikes[k] = fired
    return out


def run_contract(
    contract: NetworkContract, inputs: Spikes, steps: int | None = None
) -> dict[str, Trace]:
    """Run the integer contract; arguments and result as in :func:`run_float`, in integers."""
    lead = check_inputs(contract.inputs, inputs)
    n_steps = lead[0] if lead else int(steps or 0)
    sources = _sources(contract, inputs)
    states = {k: integer.initial_state(p) for k, p in contract.populations.items()}
    out = {k: _empty(n_steps, p.n, np.int64) for k, p in contract.populations.items()}
    for k in range(n_steps):
        for name in contract.order:
            total = np.zeros(contract.populations[name].n, dtype=np.int64)
            for c in contract.into(name):
                total += c.weight @ _spikes_at(c.pre, k - c.delay, sources, out)
            states[name], fired = integer.step(contract.populations[name], states[name], total)
            out[name].v[k], out[name].i[k] = states[name].u, states[name].i
            out[name].spikes[k] = fired
    return out


def input_current(
    model: Network, inputs: Spikes, traces: Mapping[str, Trace], name: str
) -> NDArray[np.float64]:
    """What population ``name`` received in each step of a run, amperes, ``(steps, n)``."""
    sources = _sources(model, inputs)
    n_steps = traces[name].spikes.shape[0]
    x = np.tile(model.bias.get(name, np.zeros(model.populations[name].n)), (n_steps, 1))
    for c in model.into(name):
        values = sources[c.pre] if c.pre in sources else traces[c.pre].spikes
        x[c.delay :] += in_time(values, c.delay).astype(np.float64) @ c.weight.T
    return x


def input_words(
    contract: NetworkContract, inputs: Spikes, traces: Mapping[str, Trace], name: str
) -> NDArray[np.int64]:
    """What :func:`input_current` gives, in the integers of step 1 of the contract."""
    sources = _sources(contract, inputs)
    c = contract.populations[name]
    total = np.zeros(traces[name].spikes.shape, dtype=np.int64)
    for k in contract.into(name):
        values = sources[k.pre] if k.pre in sources else traces[k.pre].spikes
        total[k.delay :] += in_time(values, k.delay).astype(np.int64) @ k.weight.T
    return np.asarray((total << c.weight_shift) + c.bias)


def _sources(net: Network | NetworkContract, inputs: Spikes) -> dict[str, NDArray[np.int64]]:
    return {name: np.asarray(inputs[name], dtype=np.int64) for name in net.inputs}


def _empty(steps: int, n: int, kind: type[np.float64] | type[np.int64]) -> Trace:
    shape = (steps, n)
    return Trace(np.zeros(shape, kind), np.zeros(shape, kind), np.zeros(shape, dtype=np.bool_))


def _spikes_at(
    pre: str, k: int, sources: dict[str, NDArray[np.int64]], out: dict[str, Trace]
) -> NDArray[np.int64]:
    """Spikes of ``pre`` in step ``k``; none before the first step."""
    values = sources[pre] if pre in sources else out[pre].spikes
    return values[k].astype(np.int64) if k >= 0 else np.zeros(values.shape[1], dtype=np.int64)
