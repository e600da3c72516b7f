r"""A population that learns, in integers: the specification of the plastic core.

``n`` neurons of one :class:`~..contract.Contract`; ``lines`` input lines with plastic weights,
further ones with fixed weights, and the lines of a learning signal. One step, in this order:

1. **sums**     of fixed weights and of plastic ones as they are felt, for this step's spikes
2. **presynaptic change**   (inhibitory rule) of every synapse whose line has a spike
3. **neurons**  the contract's step
4. **postsynaptic change**  (inhibitory rule) of every synapse whose neuron fired; or
   **three factors** for every synapse
5. **traces**   take in the step's spikes and decay; the generator goes one draw on

The sums never see a change of their own step. The rules are :mod:`.inhibitory_integer` and
:mod:`.three_factor_integer`; :mod:`.integer_update` says how a weight moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..contract import Contract, IntState, initial_state
from ..contract import step as neuron_step
from ..errors import InvalidValue, require
from ..fixed import Ints, limits
from ..lfsr import advance, draw, seeds
from .inhibitory_integer import InhibitoryInteger
from .integer_update import TraceWord, WeightWord
from .three_factor_integer import Mark, ThreeFactorInteger

__all__ = [
    "PlasticContract",
    "PlasticState",
    "plastic_start",
    "plastic_step",
    "plastic_steps",
    "side_by_side",
]


@dataclass(frozen=True, eq=False)
class PlasticContract:
    """A population that learns.

    Parameters
    ----------
    neurons
        The neurons, with a threshold.
    start
        Weights before the first step, int64 ``(n, lines)``.
    weight
        Word and limits of a plastic weight.
    rule
        How the weights change.
    fixed
        Weights of the lines that do not learn, int64 ``(n, fixed lines)``, in the unit that a
        plastic weight is felt in.
    seed
        Stream of the generator that rounds.

    Raises
    ------
    InvalidValue
        For a readout, weights outside their limits, or sums that could leave the accumulator.
    """

    neurons: Contract
    start: Ints
    weight: WeightWord
    rule: InhibitoryInteger | ThreeFactorInteger
    fixed: Ints
    seed: int = 0

    def __post_init__(self) -> None:
        c = self.neurons
        require(c.threshold is not None, "neurons.threshold", None, "a threshold")
        for name in ("start", "fixed"):
            value = getattr(self, name)
            good = value.ndim == 2 and value.shape[0] == c.n and value.dtype == np.int64
            require(good, name, list(value.shape), f"int64 of ({c.n}, lines)")
        require(self.lines >= 1, "start", list(self.start.shape), "at least one line")
        w = self.weight
        for j, i in np.argwhere((self.start < w.low) | (self.start > w.high)):
            raise InvalidValue(f"start[{j}, {i}]", int(self.start[j, i]), f"{w.low} to {w.high}")
        ends = np.sort(w.felt(np.array([w.low, w.high])))
        low = self.lines * min(int(ends[0]), 0) + self.fixed.clip(max=0).sum(axis=1)
        high = self.lines * max(int(ends[1]), 0) + self.fixed.clip(min=0).sum(axis=1)
        least, most = limits(c.acc_width)
        for sums in (low, high):
            for j in np.flatnonzero((sums < least) | (sums > most)):
                raise InvalidValue(f"sums[{j}]", int(sums[j]), f"{least} to {most}: acc_width")
        seeds(1, self.seed)

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.neurons.n

    @property
    def lines(self) -> int:
        """Plastic lines."""
        return int(self.start.shape[1])

    @property
    def sizes(self) -> dict[str, int]:
        """Lines of each kind of input, in the order of the core's addresses."""
        rule = self.rule
        signal = rule.lines(self.n) if isinstance(rule, ThreeFactorInteger) else 0
        sizes = {"plastic": self.lines, "fixed": int(self.fixed.shape[1]), "signal": signal}
        return {name: size for name, size in sizes.items() if size}

    @property
    def traces(self) -> dict[str, TraceWord]:
        """Words of the traces: ``x`` of lines, ``y`` of neurons, ``s`` of the signal's lines."""
        rule = self.rule
        if isinstance(rule, InhibitoryInteger):
            return {"x": rule.trace, "y": rule.trace}
        return {"x": rule.x, "y": rule.y, "s": rule.s}


@dataclass(frozen=True, eq=False)
class PlasticState:
    """All that a step leaves; arrays may have leading batch axes.

    ``weight`` and ``eligibility`` are ``(..., n, lines)``, ``x`` ``(..., lines)``, ``y``
    ``(..., n)``, ``s`` ``(..., signal lines)``, ``s0`` and ``s1`` ``(...)``.
    """

    neurons: IntState
    weight: Ints
    eligibility: Ints
    x: Ints
    y: Ints
    s: Ints
    s0: Ints
    s1: Ints


def plastic_start(c: PlasticContract, batch: tuple[int, ...] = ()) -> PlasticState:
    """The state before the first step."""

    def zeros(*shape: int) -> Ints:
        return np.zeros((*batch, *shape), dtype=np.int64)

    s0, s1 = (np.broadcast_to(a[0], batch).copy() for a in seeds(1, c.seed))
    return PlasticState(
        initial_state(c.neurons, batch),
        np.broadcast_to(c.start, (*batch, c.n, c.lines)).copy(),
        zeros(c.n, c.lines),
        zeros(c.lines),
        zeros(c.n),
        zeros(c.sizes.get("signal", 0)),
        s0,
        s1,
    )


def side_by_side(nets: Sequence[PlasticContract]) -> PlasticState:
    """States before the first step of networks that differ in weights and seed alone."""
    first = [plastic_start(net) for net in nets]
    return replace(
        plastic_start(nets[0], (len(nets),)),
        weight=np.stack([s.weight for s in first]),
        s0=np.stack([s.s0 for s in first]),
        s1=np.stack([s.s1 for s in first]),
    )


def plastic_step(
    c: PlasticContract, now: PlasticState, inputs: dict[str, Ints]
) -> tuple[PlasticState, NDArray[np.bool_]]:
    """One step; ``inputs`` are 0/1 by the names of :attr:`PlasticContract.sizes`."""
    pre = inputs["plastic"]
    total = np.einsum("...i,...ji->...j", pre, c.weight.felt(now.weight))
    if "fixed" in inputs:
        total = total + inputs["fixed"] @ c.fixed.T
    neurons, spikes = neuron_step(c.neurons, now.neurons, total)
    post = spikes.astype(np.int64)
    word = draw(now.s0, now.s1)
    e, s = now.eligibility, now.s
    if isinstance(c.rule, InhibitoryInteger):
        weight = _inhibitory(c, c.rule, now, pre, post, word)
    else:
        weight, e = _three_factor(c, c.rule, now, inputs, (neurons, post), word)
        s = c.rule.s.after(c.rule.s.seen(s, inputs["signal"]))
    x, y = c.traces["x"], c.traces["y"]
    s0, s1 = advance(now.s0, now.s1)
    return (
        PlasticState(
            neurons,
            weight,
            e,
            x.after(x.seen(now.x, pre)),
            y.after(y.seen(now.y, post)),
            s,
            s0,
            s1,
        ),
        spikes,
    )


def _inhibitory(
    c: PlasticContract,
    rule: InhibitoryInteger,
    now: PlasticState,
    pre: Ints,
    post: Ints,
    word: Ints,
) -> Ints:
    by_row = rule.update.offsets(word, c.n)[..., :, np.newaxis]
    by_column = rule.update.offsets(word, c.lines)[..., np.newaxis, :]
    delta = now.y[..., :, np.newaxis] - rule.alpha
    moved = rule.update.moved(c.weight, now.weight, delta, by_row)
    weight = np.where(pre[..., np.newaxis, :] != 0, moved, now.weight)
    moved = rule.update.moved(c.weight, weight, now.x[..., np.newaxis, :], by_column)
    return np.where(post[..., :, np.newaxis] != 0, moved, weight)


def _three_factor(
    c: PlasticContract,
    rule: ThreeFactorInteger,
    now: PlasticState,
    inputs: dict[str, Ints],
    after: tuple[IntState, Ints],
    word: Ints,
) -> tuple[Ints, Ints]:
    neurons, post = after
    pre = inputs["plastic"][..., np.newaxis, :]
    if rule.mark is Mark.PSEUDO:
        assert c.neurons.threshold is not None
        free = now.neurons.hold == 0
        psi = rule.psi(c.neurons.threshold, neurons.u, post, free)
        mark = psi[..., :, np.newaxis] * rule.x.seen(now.x[..., np.newaxis, :], pre)
    else:
        mark = rule.a_plus * post[..., :, np.newaxis] * now.x[..., np.newaxis, :]
        mark = mark - rule.a_minus * pre * now.y[..., :, np.newaxis]
    e = rule.eligible(now.eligibility, mark)
    signal = rule.level(rule.s.seen(now.s, inputs["signal"]), rule.y.seen(now.y, post))
    offset = rule.update.offsets(word, c.lines)[..., np.newaxis, :]
    return rule.update.moved(c.weight, now.weight, signal[..., :, np.newaxis] * e, offset), e


def plastic_steps(
    c: PlasticContract, inputs: dict[str, NDArray[np.generic]], state: PlasticState | None = None
) -> Iterator[tuple[PlasticState, NDArray[np.bool_]]]:
    """State and spikes after each step.

    Parameters
    ----------
    inputs
        0/1 by name of :attr:`PlasticContract.sizes`, ``(steps, ..., lines)``.
    state
        Where to go on; by default :func:`plastic_start`.

    Raises
    ------
    InvalidValue
        For an input that is missing, of another shape, or not of 0 and 1.
    """
    arrays = {name: np.asarray(inputs.get(name)) for name in c.sizes}
    lead = arrays["plastic"].shape[:-1]
    for name, size in c.sizes.items():
        a = arrays[name]
        require(a.shape == (*lead, size), f"inputs.{name}", list(a.shape), f"{[*lead, size]}")
        require(bool(((a == 0) | (a == 1)).all()), f"inputs.{name}", "other numbers", "0 and 1")
        arrays[name] = a.astype(np.int64)
    now = plastic_start(c, lead[1:]) if state is None else state
    for k in range(lead[0]):
        now, spikes = plastic_step(c, now, {name: a[k] for name, a in arrays.items()})
        yield now, spikes
