"""Faults in the RTL: the campaign's judgement, and the proofs of what nobody can notice."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from lifstone.golden import Drive, InvalidValue, NetworkContract, Reset, Rounding
from lifstone.hdl import Design, generate
from lifstone.sim.rtl.mutation import SELECT, Campaign, Mutant, campaign, mutants
from lifstone.sim.rtl.mutation_proof import Harmless
from tests.hdl.contracts import one_core, random_contract
from tests.sim.mutate_cores import stimuli

FAULTS = 20


def small() -> NetworkContract:
    """Two neurons without multiplications, whose words are narrow enough to saturate."""
    options = (Rounding.FLOOR, "none", "none", Drive.NEW, Reset.SUBTRACT)
    drawn = (random_contract(np.random.default_rng(k), 2, options) for k in range(200))
    c = next(c for c in drawn if c.width <= 7 and c.acc_width >= 7 and c.weight_shift > 0)
    return one_core(c, np.array([[20, -25], [-29, 12]]))


@pytest.fixture(scope="module")
def ran() -> tuple[Campaign, Design]:
    contract = small()
    return campaign(contract, generate(contract, trace=True), stimuli(contract), FAULTS)


def test_most_faults_are_noticed(ran: tuple[Campaign, Design]) -> None:
    result, _ = ran
    assert len(result.found) == FAULTS
    assert result.raw_rate >= 70
    assert {by for by in result.found.values() if by} <= {
        "hang",
        "protocol",
        "spikes",
        "state",
        "clocks",
    }
    data = result.to_dict()
    assert data["faults"] == data["killed"] + len(data["survivors"])


def test_every_fault_has_a_place_in_the_verilog(ran: tuple[Campaign, Design]) -> None:
    result, netlist = ran
    assert sorted(m.number for m in result.found) == sorted({m.number for m in result.found})
    assert SELECT in netlist.verilog
    assert all(m.line and m.mode for m in result.found)


def test_a_fault_that_nothing_reads_is_proved_harmless_and_a_stuck_spike_is_not() -> None:
    """A netlist by hand: fault 1 sits on a wire that is never taken, fault 2 on an output."""
    verilog = """
module hand (clk, rst, x, mutsel, y);
  input clk, rst, x;
  input [15:0] mutsel;
  output y;
  reg q = 0, unread = 0;
  always @(posedge clk) begin
    q <= x & ~rst;
    unread <= x ^ (mutsel == 1);
  end
  assign y = q ^ (mutsel == 2) ^ (unread & ~unread);
endmodule
"""
    proofs = Harmless(Design("hand", verilog, {}, {}), timeout=20)
    assert proofs.proves(Mutant(1, "inv", "unread", ""))
    assert not proofs.proves(Mutant(2, "inv", "y", ""))


def test_a_difference_that_is_gone_before_anyone_looks_is_harmless() -> None:
    """Fault 1 turns ``q`` where phase and index say that nobody reads it, fault 2 elsewhere."""
    verilog = """
module hand (clk, rst, x, mutsel, y);
  input clk, rst, x;
  input [15:0] mutsel;
  output y;
  reg q = 0;
  reg [1:0] phase = 0, index = 0;
  always @(posedge clk) begin
    phase <= phase + 1;
    if (phase == 3) index <= index + 1;
    if (phase == 2) q <= x;
    else if (phase == 1 & ((mutsel == 1 & index == 0) | (mutsel == 2 & index == 1))) q <= ~q;
  end
  assign y = q & ~(phase == 2 & index == 0);
endmodule
"""
    proofs = Harmless(Design("hand", verilog, {}, {}), timeout=20)
    assert proofs.proves(Mutant(1, "inv", "q", ""))
    assert not proofs.proves(Mutant(2, "inv", "q", ""))


def test_no_killed_fault_is_proved_harmless(ran: tuple[Campaign, Design]) -> None:
    result, netlist = ran
    proofs = Harmless(netlist, timeout=5)
    killed = [m for m, by in result.found.items() if by]
    assert not any(proofs.proves(m) for m in killed[:3])


def test_the_netlist_without_a_fault_must_be_right() -> None:
    contract = small()
    design = generate(contract, trace=True)
    wrong = re.sub(r"(weight_memory\[0\] = \d+'h)[0-9a-f]+", r"\g<1>1", design.verilog)
    assert wrong != design.verilog
    broken = replace(design, verilog=wrong)
    with pytest.raises(RuntimeError, match="without a fault deviates"):
        campaign(contract, broken, stimuli(contract), 1)


def test_bad_counts_are_refused() -> None:
    with pytest.raises(InvalidValue, match="count"):
        mutants(generate(small()), 0)
