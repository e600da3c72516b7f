"""Proofs that a core takes the right words through its memories, and what they catch."""

from __future__ import annotations

import re

import numpy as np
import pytest
from amaranth.hdl import Const, Module, Value

from lifstone.golden import Drive, NetworkContract, Reset, Rounding
from lifstone.hdl import generate
from lifstone.hdl.core import Core, Phase
from lifstone.hdl.formal.contents import Contents
from lifstone.hdl.formal.induction import Outcome
from lifstone.hdl.formal.memories import MemoryWatch, prove_memories
from lifstone.hdl.formal.smt import circuits
from tests.hdl.contracts import lively, one_core, random_contract

SECONDS = 60.0


def core(net: NetworkContract, name: str, kind: type[Core] = Core) -> Core:
    matrices = [k.weight for k in net.connections if k.post == name]
    return kind(net.populations[name], matrices, sum(m.shape[1] for m in matrices))


def prove(dut: Core, depth: int = 3) -> Outcome:
    watch = MemoryWatch(dut)
    (circuit,) = circuits([watch.source()])
    return prove_memories(watch, circuit, depth, SECONDS)


def plain(n: int) -> NetworkContract:
    """Without multiplications and without parameters that differ."""
    options = (Rounding.FLOOR, "none", "none", Drive.NEW, Reset.SET)
    c = random_contract(np.random.default_rng(1), n, options)
    return one_core(c, np.arange(2 * n).reshape(n, 2) % 5 - 2)


@pytest.mark.parametrize("name", ["a", "b"])
def test_every_word_goes_where_it_belongs(name: str) -> None:
    outcome = prove(core(lively(), name))
    assert (outcome.word, outcome.broken) == ("unsat", ())


@pytest.mark.parametrize("n", [2, 64, 300])
def test_the_proof_does_not_grow_with_the_neurons(n: int) -> None:
    assert prove(core(plain(n), "p")).word == "unsat"


class AddsNext(Core):
    """Adds each weight to the sum of the neuron behind."""

    def _target(self, m: Module) -> Value:
        return self._next


class ForgetsNothing(Core):
    """Keeps the sum from step to step."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        with m.If(self._phase == Phase.FIRE):
            m.d.comb += self._acc_w.en.eq(0)
        return m


class WritesFirst(Core):
    """Stores every state as that of the first neuron."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        with m.If(self._phase == Phase.FIRE):
            m.d.comb += self._state_w.addr.eq(0)
        return m


class SkipsTheLast(Core):
    """Ends the sweep one neuron early."""

    def _advance(self, m: Module) -> None:
        last = self._last
        self._last = self._index >= self.contract.n - 2
        super()._advance(m)
        self._last = last


class ClearsToZero(Core):
    """Begins with zeros instead of the initial state."""

    def _clear(self, m: Module) -> None:
        held = self._values["u_init"]
        self._values["u_init"] = Const(0, 1)
        super()._clear(m)
        self._values["u_init"] = held


BROKEN = {
    "adds": AddsNext,
    "steps": WritesFirst,
    "sends": SkipsTheLast,
    "begins": ClearsToZero,
}


@pytest.mark.parametrize("promise", list(BROKEN))
def test_a_core_that_mixes_up_its_words_is_refuted(promise: str) -> None:
    outcome = prove(core(plain(2), "p", BROKEN[promise]), 16)
    assert outcome.word == "sat"
    assert promise in outcome.broken
    assert len(outcome.trace) == outcome.depth


def test_a_core_that_keeps_its_sums_is_not_proved() -> None:
    assert prove(core(plain(2), "p", ForgetsNothing)).word == "unknown"


def test_contents_are_compared_word_by_word() -> None:
    net = lively()
    design = generate(net)
    for name, lanes in (("a", 1), ("b", 1)):
        matrices = [k.weight for k in net.connections if k.post == name]
        known = Contents(net.populations[name], matrices, lanes)
        module = f"{design.name}_core_{name}"
        count, reason = known.compare(design.verilog, module)
        assert reason == ""
        assert count >= sum(m.size for m in matrices)
        changed = re.sub(r"(weight_memory\[1\] = \d+'h)[0-9a-f]+", r"\g<1>7b", design.verilog)
        assert known.compare(changed, module)[1].startswith("weight_memory[1] is 0x7b instead of")
        lost = re.sub(r"    weight_memory\[1\] = .*\n", "", design.verilog)
        assert "is missing" in known.compare(lost, module)[1]
