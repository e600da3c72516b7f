"""The single-port RAM of the iCE40 UltraPlus: four blocks of 16,384 words of 16 bits.

A block answers in the clock after the question, as block RAM does, but a clock either reads or
writes, and nothing lies in it after configuration.

Source: Lattice FPGA-TN-02022, "iCE40 SPRAM Usage Guide".
"""

from __future__ import annotations

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal, Value

from .fixed import named

__all__ = ["BLOCKS", "SPRAM_CELL", "SPRAM_MODEL", "WORDS", "WORD_BITS", "spram_block"]

SPRAM_CELL = "SB_SPRAM256KA"
WORDS, WORD_BITS, BLOCKS = 16_384, 16, 4
"""Words of a block, bits of a word, and blocks of an UP5K."""

SPRAM_MODEL = f"""// Single-port RAM of the iCE40 UltraPlus, for simulation alone.
// After a clock that writes, what it answers means nothing; here the bits of the question.
module {SPRAM_CELL} (
  input [13:0] ADDRESS,
  input [15:0] DATAIN,
  input [3:0] MASKWREN,
  input WREN, CHIPSELECT, CLOCK, STANDBY, SLEEP, POWEROFF,
  output reg [15:0] DATAOUT
);
  reg [15:0] word [0:16383];
  wire [15:0] mask = {{
    {{4{{MASKWREN[3]}}}}, {{4{{MASKWREN[2]}}}}, {{4{{MASKWREN[1]}}}}, {{4{{MASKWREN[0]}}}}
  }};
  always @(posedge CLOCK)
    if (CHIPSELECT && POWEROFF && !SLEEP && !STANDBY) begin
      if (WREN) begin
        word[ADDRESS] <= (word[ADDRESS] & ~mask) | (DATAIN & mask);
        DATAOUT <= {{ADDRESS, 2'b10}};
      end else
        DATAOUT <= word[ADDRESS];
    end
endmodule
"""


def spram_block(
    m: Module, name: str, address: Value, *, select: Value, write: Value, mask: Value, into: Value
) -> Signal:
    """A block named ``name``; what it read in the clock before.

    Parameters
    ----------
    address
        At most 14 bits.
    select
        Read, or write with ``write``, in this clock.
    mask
        Which groups of four bits are written.
    into
        The word to write.
    """
    word = Signal(WORD_BITS, name=f"{name}_word")
    m.submodules[name] = Instance(
        SPRAM_CELL,
        i_ADDRESS=Cat(address, Const(0, 14))[:14],
        i_DATAIN=into,
        i_MASKWREN=mask,
        i_WREN=write,
        i_CHIPSELECT=named(m, f"{name}_select", select),
        i_CLOCK=ClockSignal(),
        i_STANDBY=Const(0, 1),
        i_SLEEP=Const(0, 1),
        i_POWEROFF=Const(1, 1),  # low switches it off
        o_DATAOUT=word,
    )
    return word
