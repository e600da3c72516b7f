"""Invariants of a circuit with registers, by bounded search and induction over clocks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import z3

from .smt import Circuit
from .solve import ask

__all__ = ["Clocks", "Outcome", "prove_invariants"]

Clocks = tuple[Mapping[str, int], ...]
"""Value of every port and register in each clock of a counterexample."""


@dataclass(frozen=True)
class Outcome:
    """``unsat``: the promises hold in every clock of every run; ``sat``: ``trace`` breaks one.

    ``depth`` is the number of clocks of the induction, or of the trace, or of all runs that were
    searched in vain; ``broken`` the names of the promises that fail in the trace's last clock.
    """

    word: str
    depth: int
    seconds: float
    broken: tuple[str, ...] = ()
    trace: Clocks = ()


def prove_invariants(
    circuit: Circuit,
    assumed: z3.BoolRef,
    promises: Mapping[str, z3.BoolRef],
    links: Mapping[str, z3.BoolRef],
    *,
    depth: int,
    timeout: float,
) -> Outcome:
    """k-induction for k from 1 to ``depth``, over runs that never visit a state twice.

    Leaving out runs with a state twice loses nothing: what breaks a promise breaks it on a
    shorter run, too (Sheeran, Singh & Stalmarck, "Checking safety properties using induction
    and a SAT-solver", 2000).

    Parameters
    ----------
    assumed, promises
        Conditions on ``circuit.now``.
    links
        Further conditions that make the induction strong. They are proved with the promises; one
        that fails is no fault of the circuit, and all are dropped.
    timeout
        Seconds.
    """
    start = time.perf_counter()
    states = [z3.Const(f"clock_{k}", circuit.now.sort()) for k in range(depth + 1)]
    registers = [circuit.signals[n] for n in circuit.registers]

    def at(term: z3.ExprRef, k: int) -> z3.ExprRef:
        return z3.substitute(term, (circuit.now, states[k]))

    def answer(*conditions: z3.BoolRef) -> tuple[str, z3.ModelRef | None]:
        return ask([*run, *conditions], max(0.001, timeout - (time.perf_counter() - start)))

    begins = at(circuit.initial, 0)
    wanted, linked = z3.And(*promises.values()), z3.And(*links.values())
    run: list[z3.BoolRef] = []
    apart: list[z3.BoolRef] = []
    for k in range(depth + 1):
        run.append(at(assumed, k))
        word, model = answer(begins, z3.Not(at(wanted, k)))
        if model is not None:
            trace = tuple(_values(circuit, model, states[j]) for j in range(k + 1))
            broken = tuple(n for n, p in promises.items() if _false(model, at(p, k)))
            return Outcome("sat", k + 1, time.perf_counter() - start, broken, trace)
        if word == "unknown":
            break
        if answer(begins, z3.Not(at(linked, k)))[0] != "unsat":
            linked = z3.BoolVal(True)
        every = z3.And(wanted, linked)
        before = [at(every, j) for j in range(k)]
        if k > 0 and answer(*apart, *before, z3.Not(at(every, k)))[0] == "unsat":
            return Outcome("unsat", k, time.perf_counter() - start)
        if k < depth:
            both = ((circuit.now, states[k]), (circuit.then, states[k + 1]))
            run.append(z3.substitute(circuit.step, *both))
            differ = [[at(r, j) != at(r, k + 1) for r in registers] for j in range(k + 1)]
            apart += [z3.Or(*d) for d in differ]
    return Outcome("unknown", k, time.perf_counter() - start)


def _false(model: z3.ModelRef, term: z3.BoolRef) -> bool:
    return bool(z3.is_false(model.eval(term, model_completion=True)))


def _values(circuit: Circuit, model: z3.ModelRef, state: z3.ExprRef) -> dict[str, int]:
    return {
        name: model.eval(z3.substitute(term, (circuit.now, state)), model_completion=True).as_long()
        for name, term in circuit.signals.items()
    }
