"""Why a core deviates: the mistakes people make, each replayed against what the core did.

Every alternative is the contract's own step, with other parameters or in another order. One
that gives all that the core gave, in every segment, is named as the cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...golden import Contract, Decay, Drive, InvalidValue, Reset, Rounding, Trace
from ...golden.contract import IntState, initial_state, step
from ...golden.fixed import Ints, limits
from .user_core_run import Answer, Bench
from .user_core_stimulus import Segment

__all__ = ["Alternative", "alternatives", "cause_of"]

Step = Callable[[IntState, Ints], tuple[IntState, NDArray[np.bool_]]]
KEPT = {
    "any state": ("u", "i", "hold"),
    "the potential": ("u",),
    "the synaptic state": ("i",),
    "the refractory count": ("hold",),
}
"""What a reset may forget."""
NAMED = 3
"""How many causes are named where several explain everything."""


@dataclass(frozen=True)
class Alternative:
    """A mistake in words, and the step that makes it.

    ``kept`` are the words of the state that a reset leaves as they are.
    """

    cause: str
    step: Step
    kept: tuple[str, ...] = ()


def alternatives(c: Contract, bits: int, signed: bool) -> Iterator[Alternative]:
    """The mistakes that are known, for one neuron; ``bits`` are those of the input port."""
    for cause, change in _changes(c):
        try:
            changed = replace(c, **change)
        except InvalidValue:
            continue  # no contract holds it, so no core was meant to
        yield Alternative(cause, lambda s, x, d=changed: step(d, s, x))  # type: ignore[misc]
    yield from _reordered(c)
    yield from _overflows(c)
    if signed:
        yield Alternative(
            "it reads its input as unsigned", lambda s, x: step(c, s, x & ((1 << bits) - 1))
        )
    else:
        half = 1 << (bits - 1)
        yield Alternative(
            "it reads its input as signed", lambda s, x: step(c, s, (x ^ half) - half)
        )
    for name, kept in KEPT.items():
        yield Alternative(f"a reset does not clear {name}", lambda s, x: step(c, s, x), kept)


def _changes(c: Contract) -> Iterator[tuple[str, dict[str, Any]]]:
    """Other parameters."""
    if c.threshold is not None:
        yield "it compares with >= where the contract says >", {"threshold": c.threshold - 1}
        if c.reset is Reset.SET:
            yield "it resets by subtraction, not to u_reset", {"reset": Reset.SUBTRACT}
            zero = np.zeros_like(c.u_reset)
            if c.u_reset.any():
                yield "it resets to 0, not to u_reset", {"u_reset": zero}
        else:
            yield "it resets to u_reset, not by subtraction", {"reset": Reset.SET}
        none = {"reset": Reset.SUBTRACT, "u_drop": np.zeros_like(c.u_drop)}
        yield "it never resets the potential", none
        held = int(c.hold[0])
        for other in dict.fromkeys((held + 1, held - 1, 0)):
            if other >= 0 and other != held:
                what = f"its refractory time is {other} steps, not {held}"
                yield what, {"hold": np.full_like(c.hold, other)}
    for mode in Rounding:
        if mode is not c.rounding:
            yield f"its leak rounds {mode}, not {c.rounding}", {"rounding": mode}
    yield from _leaks(c, "decay_mem", "membrane")
    yield from _leaks(c, "decay_syn", "synapse")
    if c.bias.any():
        yield "it adds no bias", {"bias": np.zeros_like(c.bias)}
    if c.weight_shift:
        yield "it does not shift its input by weight_shift", {"weight_shift": 0}
    if c.has_synapse:
        for drive in (Drive.NEW, Drive.OLD):
            if drive is not c.drive:
                what = f"the {drive} synaptic current reaches the membrane, not {c.drive}"
                yield what, {"drive": drive, "couple": None, "couple_fraction": 0}


def _leaks(c: Contract, field: str, of: str) -> Iterator[tuple[str, dict[str, Any]]]:
    decay: Decay | None = getattr(c, field)
    if decay is None:
        return
    if field == "decay_mem":
        yield "it has no leak", {field: None}
    if decay.shift is not None:
        for shift in (decay.shift - 1, decay.shift + 1):
            if 1 <= shift <= 31:
                what = f"the leak of its {of} shifts by {shift}, not {decay.shift}"
                yield what, {field: Decay(shift=shift)}
        return
    assert decay.coefficient is not None
    for more in (-1, 1):
        value = int(decay.coefficient[0]) + more
        if 0 <= value <= 1 << decay.fraction:
            what = f"the decay factor of its {of} is {value}, not {value - more}"
            yield what, {field: Decay(np.array([value]), decay.fraction)}


def _compare_only(c: Contract) -> Contract:
    """Steps 4 to 6 alone: with an input of 0 it leaves the potential as it is."""
    return replace(
        c,
        decay_mem=None,
        decay_syn=None,
        syn_width=0,
        drive=Drive.NEW,
        couple=None,
        couple_fraction=0,
        bias=np.zeros_like(c.bias),
        weight_shift=0,
    )


def _reordered(c: Contract) -> Iterator[Alternative]:
    nothing = np.zeros(1, np.int64)
    integrate, compare = replace(c, threshold=None), _compare_only(c)

    def while_refractory(s: IntState, x: Ints) -> tuple[IntState, NDArray[np.bool_]]:
        moved, _ = step(integrate, replace(s, hold=nothing), x)
        return step(compare, replace(moved, hold=s.hold), nothing)

    def compare_first(s: IntState, x: Ints) -> tuple[IntState, NDArray[np.bool_]]:
        after, spikes = step(compare, s, nothing)
        free = bool(s.hold[0] == 0) and not bool(spikes[0])
        moved, _ = step(integrate, replace(s, hold=nothing), x)
        return IntState(moved.u if free else after.u, moved.i, after.hold), spikes

    def leak_last(s: IntState, x: Ints) -> tuple[IntState, NDArray[np.bool_]]:
        moved, _ = step(replace(integrate, decay_mem=None), s, x)
        leak = replace(integrate, **_quiet(c))
        leaked, _ = step(leak, moved, nothing)
        return step(compare, replace(moved, u=leaked.u), nothing)

    if c.threshold is not None:
        yield Alternative(
            "it compares the potential before this step's input, one step late", compare_first
        )
    if c.hold.any():
        yield Alternative("it goes on integrating while refractory", while_refractory)
    if c.decay_mem is not None:
        yield Alternative("it leaks after adding the input, not before", leak_last)


def _quiet(c: Contract) -> dict[str, Any]:
    """What makes a contract leak and do nothing else."""
    rest = vars(_compare_only(c))
    names = ("decay_syn", "syn_width", "drive", "couple", "couple_fraction", "bias", "weight_shift")
    return {name: rest[name] for name in names}


def _overflows(c: Contract) -> Iterator[Alternative]:
    """The potential at the end of its word."""
    low, high = limits(c.width)
    span = high - low + 1
    wide, compare = replace(c, threshold=None, width=32), _compare_only(c)
    nothing = np.zeros(1, np.int64)

    def ended(end: Callable[[Ints], Ints], how: Contract) -> Step:
        def run(s: IntState, x: Ints) -> tuple[IntState, NDArray[np.bool_]]:
            moved, _ = step(wide, s, x)
            return step(how, replace(moved, u=end(moved.u)), nothing)

        return run

    if c.width < 32:
        yield Alternative(
            "its potential wraps where it must saturate",
            ended(lambda u: np.asarray((u - low) % span + low), compare),
        )
        yield Alternative(
            f"its potential does not saturate at {c.width} bits",
            ended(lambda u: u, replace(compare, width=32)),
        )
        yield Alternative(
            "its potential saturates above but wraps below",
            ended(lambda u: np.asarray(np.where(u > high, high, (u - low) % span + low)), compare),
        )
        yield Alternative(
            "its potential saturates below but wraps above",
            ended(lambda u: np.asarray(np.where(u < low, low, (u - low) % span + low)), compare),
        )
    yield Alternative(
        "its potential stops at 0 below", ended(lambda u: np.clip(u, 0, high), compare)
    )
    yield Alternative(
        f"its potential stops at {-high}, not {low}",
        ended(lambda u: np.clip(u, -high, high), compare),
    )


def cause_of(bench: Bench, segments: Sequence[Segment], got: Sequence[Answer], neuron: int) -> str:
    """A sentence on the likely cause, for one neuron; empty if none is known."""
    found = _timing(bench, segments, got)
    if not found:
        core = bench.core
        c = core.contract.neuron(neuron)
        known = [*alternatives(c, bench.built.bits["input"], core.ports.input_signed)]
        known += [_as_neuron(core.contract, k) for k in _neighbours(core.contract.n, neuron)]
        found = [a.cause for a in known if _explains(bench, c, a, segments, got, neuron)]
    return " or ".join(found[:NAMED])


def _neighbours(n: int, j: int) -> list[int]:
    return [k for k in dict.fromkeys(((j + 1) % n, (j - 1) % n)) if k != j]


def _as_neuron(c: Contract, k: int) -> Alternative:
    other = c.neuron(k)
    return Alternative(f"it has the parameters of neuron {k}", lambda s, x: step(other, s, x))


def _timing(bench: Bench, segments: Sequence[Segment], got: Sequence[Answer]) -> list[str]:
    """Causes that another way to drive or to read the core shows."""
    core = bench.core
    wanted = [bench.seen(s.expected) for s in segments]
    if core.ports.enable and bench.plan.idle and _same(wanted, bench.run(segments, idle=0.0)):
        return ["it acts in clocks in which enable is low"]
    for more in (1, -1, core.interval, -core.interval, 2, -2):
        other = core.latency + more
        if other >= 0 and _same(wanted, bench.run(segments, latency=other)):
            unit = "access" if core.contract.n > 1 else "step"
            step_off = f"one {unit} " if abs(more) == core.interval else ""
            how = "late" if more > 0 else "early"
            return [
                f"its answer comes {step_off}{how}: latency is {other} clocks, not {core.latency}"
            ]
    late = [_late(w) for w in wanted]
    if _same(late, got):
        return ["its spike comes one step after the potential that made it"]
    return []


def _late(a: Answer) -> Answer:
    spikes = np.zeros_like(a.spikes)
    spikes[1:] = a.spikes[:-1]
    return Answer(spikes, a.v)


def _same(wanted: Sequence[Answer], got: Sequence[Answer] | None) -> bool:
    return got is not None and not any(a.differs(b).any() for a, b in zip(wanted, got, strict=True))


def _explains(
    bench: Bench,
    c: Contract,
    a: Alternative,
    segments: Sequence[Segment],
    got: Sequence[Answer],
    j: int,
) -> bool:
    """Whether an alternative gives all that neuron ``j`` showed; the first miss ends it."""
    state = initial_state(c)
    for segment, answer in zip(segments, got, strict=True):
        fresh = initial_state(c)
        state = replace(fresh, **{name: getattr(state, name) for name in a.kept})
        for k, x in enumerate(segment.inputs[:, j : j + 1]):
            state, spikes = a.step(state, x)
            if spikes[0] != answer.spikes[k, j]:
                return False
            if answer.v is not None:
                shown = bench.seen(Trace(state.u, state.i, spikes)).v
                if shown is not None and shown[0] != answer.v[k, j]:
                    return False
    return True
