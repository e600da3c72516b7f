"""The network layer: a network or its contract on many samples at once.

The neurons' step is golden's own; what is fast here is the order of work. Populations that
form no loop are run one after the other, so that the weighted input of all steps and samples
is a single matrix product; only loops are stepped together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..golden import Network, NetworkContract, Trace, discrete
from ..golden import contract as integer
from ..golden.errors import require
from ..golden.network import check_inputs, in_time, topological_order

__all__ = ["RECORD", "Simulator"]

Spikes = Mapping[str, NDArray[np.generic]]
RECORD = ("spikes", "v", "i")
DENSE_SHARE = 0.1
"""Matrices with a smaller share of non-zero weights are kept sparse in ``auto``."""


@dataclass(frozen=True, eq=False)
class _Weights:
    """A connection ready for ``spikes @ matrix``; integers as exact floats."""

    pre: str
    delay: int
    matrix: NDArray[np.float64] | sparse.csr_array

    def apply(self, spikes: NDArray[np.generic]) -> NDArray[np.float64]:
        """Weighted sums ``(..., n_post)`` of spikes ``(..., n_pre)``."""
        flat = np.asarray(spikes.reshape(-1, spikes.shape[-1]), dtype=np.float64)
        out = np.asarray(flat @ self.matrix)
        return out.reshape(*spikes.shape[:-1], out.shape[-1])


class Simulator:
    """Runs a float network on its grid, or a contract in integers.

    Parameters
    ----------
    net
        A :class:`Network` gives what ``run_float`` gives, to rounding; a
        :class:`NetworkContract` what ``run_contract`` gives, exactly.
    weights
        ``dense``, ``sparse``, or ``auto``: sparse below a tenth of non-zero weights.

    Raises
    ------
    InvalidValue
        For another value of ``weights``.
    """

    def __init__(self, net: Network | NetworkContract, weights: str = "auto") -> None:
        require(weights in ("auto", "dense", "sparse"), "weights", weights, "auto, dense, sparse")
        self.net = net
        self._into: dict[str, list[_Weights]] = {name: [] for name in net.populations}
        for c in net.connections:
            matrix = np.asarray(c.weight.T, dtype=np.float64)
            share = np.count_nonzero(matrix) / matrix.size
            thin = weights == "sparse" or (weights == "auto" and share < DENSE_SHARE)
            kept = sparse.csr_array(matrix) if thin else np.ascontiguousarray(matrix)
            self._into[c.post].append(_Weights(c.pre, c.delay, kept))
        self._groups = _groups(net)
        self._coefficients: dict[str, discrete.Coefficients] = {}
        if isinstance(net, Network):
            for name, lif in net.populations.items():
                self._coefficients[name] = discrete.discretise(lif, net.dt, net.method)

    def run(
        self, inputs: Spikes, steps: int | None = None, *, record: Sequence[str] = RECORD
    ) -> dict[str, Trace]:
        """Run from the initial state.

        Parameters
        ----------
        inputs
            0/1 by input name, ``(steps, n)`` or ``(steps, samples, n)``.
        steps
            Needed only for a network without inputs; else the inputs' own.
        record
            Some of ``spikes``, ``v``, ``i``; arrays of the others are empty. Spikes are
            always kept: later populations read them.

        Raises
        ------
        InvalidValue
            For inputs that are missing, unknown, of wrong shape or not binary, a number of
            steps that is not theirs, or an unknown record.
        """
        for name in record:
            require(name in RECORD, "record", name, ", ".join(RECORD))
        ndim = max((np.ndim(a) for a in inputs.values()), default=2)
        lead = check_inputs(self.net.inputs, inputs, 3 if ndim == 3 else 2)
        if not lead:
            require(steps is not None and steps >= 0, "steps", steps, "a number of steps")
            lead = (int(steps or 0),)
        require(steps in (None, lead[0]), "steps", steps, f"{lead[0]}, as the inputs have")
        known = {k: np.asarray(inputs[k], dtype=np.uint8) for k in self.net.inputs}
        out: dict[str, Trace] = {}
        for group in self._groups:
            self._run_group(group, known, out, lead, record)
        return {name: out[name] for name in self.net.populations}

    def operations(self, inputs: Spikes, traces: Mapping[str, Trace]) -> int:
        """Synaptic operations of a run: each spike times the non-zero weights it meets."""
        total = 0
        for c in self.net.connections:
            spikes = inputs[c.pre] if c.pre in self.net.inputs else traces[c.pre].spikes
            kept = in_time(np.asarray(spikes), c.delay)
            fan_out = np.count_nonzero(c.weight, axis=0)
            total += int((kept.reshape(-1, kept.shape[-1]).sum(axis=0) * fan_out).sum())
        return total

    def _run_group(
        self,
        group: list[str],
        known: dict[str, NDArray[np.uint8]],
        out: dict[str, Trace],
        lead: tuple[int, ...],
        record: Sequence[str],
    ) -> None:
        """Step the populations of a loop, or one population that is in none."""
        outside = {name: self._outside(name, group, known, lead) for name in group}
        states = {name: self._initial(name, lead[1:]) for name in group}
        traces = {name: self._empty(name, lead, record) for name in group}
        for k in range(lead[0]):
            for name in group:
                x = outside[name][k]
                for w in self._into[name]:
                    if w.pre in group and k >= w.delay:
                        x = x + self._typed(w.apply(traces[w.pre].spikes[k - w.delay]))
                states[name], fired = self._step(name, states[name], x)
                traces[name].spikes[k] = fired
                _keep(traces[name], k, states[name], record)
        for name in group:
            out[name] = traces[name]
            known[name] = traces[name].spikes.view(np.uint8)

    def _outside(
        self, name: str, group: list[str], known: Spikes, lead: tuple[int, ...]
    ) -> NDArray[np.generic]:
        """Input of all steps from sources that are already known."""
        n = self.net.populations[name].n
        x = np.zeros((*lead, n))
        if isinstance(self.net, Network):
            x += self.net.bias.get(name, np.zeros(n))
        for w in self._into[name]:
            if w.pre not in group:
                x[w.delay :] += w.apply(in_time(np.asarray(known[w.pre]), w.delay))
        return self._typed(x)

    def _typed(self, x: NDArray[np.float64]) -> NDArray[np.generic]:
        # Sums of integers stay far below 2^53: the floats are exact.
        return x if isinstance(self.net, Network) else x.astype(np.int64)

    def _initial(self, name: str, batch: tuple[int, ...]) -> discrete.FloatState | integer.IntState:
        if isinstance(self.net, Network):
            return discrete.initial_state(self.net.populations[name], batch)
        return integer.initial_state(self.net.populations[name], batch)

    def _step(
        self,
        name: str,
        state: discrete.FloatState | integer.IntState,
        x: NDArray[np.generic],
    ) -> tuple[discrete.FloatState | integer.IntState, NDArray[np.bool_]]:
        if isinstance(self.net, Network):
            assert isinstance(state, discrete.FloatState)
            model = self.net.populations[name]
            return discrete.step(model, self._coefficients[name], state, np.asarray(x, np.float64))
        assert isinstance(state, integer.IntState)
        return integer.step(self.net.populations[name], state, np.asarray(x, np.int64))

    def _empty(self, name: str, lead: tuple[int, ...], record: Sequence[str]) -> Trace:
        shape = (*lead, self.net.populations[name].n)
        kind: type[np.generic] = np.float64 if isinstance(self.net, Network) else np.int64
        none = np.zeros((0, *shape[1:]), dtype=kind)
        v = np.zeros(shape, dtype=kind) if "v" in record else none
        i = np.zeros(shape, dtype=kind) if "i" in record else none
        return Trace(v, i, np.zeros(shape, dtype=np.bool_))


def _keep(
    trace: Trace,
    k: int,
    state: discrete.FloatState | integer.IntState,
    record: Sequence[str],
) -> None:
    if "v" in record:
        trace.v[k] = state.v if isinstance(state, discrete.FloatState) else state.u
    if "i" in record:
        trace.i[k] = state.i


def _groups(net: Network | NetworkContract) -> list[list[str]]:
    """Loops of populations, and populations in none, every group after its sources."""
    names = list(net.populations)
    index = {name: k for k, name in enumerate(names)}
    links = np.zeros((len(names), len(names)), dtype=np.int8)
    for c in net.connections:
        if c.pre in index:
            links[index[c.pre], index[c.post]] = 1
    _, label = sparse.csgraph.connected_components(
        sparse.csr_array(links), directed=True, connection="strong"
    )
    edges = {(int(label[a]), int(label[b])) for a, b in np.argwhere(links)}
    labels = tuple(str(x) for x in dict.fromkeys(label.tolist()))
    forward = [(str(a), str(b)) for a, b in edges if a != b]
    order = topological_order(labels, forward)
    position = {name: k for k, name in enumerate(net.order)}
    return [
        sorted((n for n in names if str(label[index[n]]) == group), key=position.__getitem__)
        for group in order
    ]
