"""A memory of which one word is kept, at an address that is fixed but free.

A map for Yosys' ``techmap``: what the memory answers at any other address may be anything.
"""

__all__ = ["WATCHED"]

WATCHED = r"""
(* techmap_celltype = "$mem_v2" *)
module watched (
    RD_CLK, RD_EN, RD_ARST, RD_SRST, RD_ADDR, RD_DATA, WR_CLK, WR_EN, WR_ADDR, WR_DATA
);
  // Those of $mem_v2.
  parameter MEMID = "";
  parameter SIZE = 256;
  parameter OFFSET = 0;
  parameter ABITS = 8;
  parameter WIDTH = 8;
  parameter RD_PORTS = 1;
  parameter RD_CLK_ENABLE = 1;
  parameter RD_CLK_POLARITY = 1;
  parameter RD_TRANSPARENCY_MASK = 0;
  parameter RD_COLLISION_X_MASK = 0;
  parameter RD_WIDE_CONTINUATION = 0;
  parameter RD_CE_OVER_SRST = 0;
  parameter RD_ARST_VALUE = 0;
  parameter RD_SRST_VALUE = 0;
  parameter RD_INIT_VALUE = 0;
  parameter INIT = 0;
  parameter WR_PORTS = 1;
  parameter WR_CLK_ENABLE = 1;
  parameter WR_CLK_POLARITY = 1;
  parameter WR_PRIORITY_MASK = 0;
  parameter WR_WIDE_CONTINUATION = 0;
  input [RD_PORTS-1:0] RD_CLK, RD_EN, RD_ARST, RD_SRST;
  input [RD_PORTS*ABITS-1:0] RD_ADDR;
  output [RD_PORTS*WIDTH-1:0] RD_DATA;
  input [WR_PORTS-1:0] WR_CLK;
  input [WR_PORTS*WIDTH-1:0] WR_EN, WR_DATA;
  input [WR_PORTS*ABITS-1:0] WR_ADDR;
  wire _TECHMAP_FAIL_ = RD_PORTS != 1 || WR_PORTS > 1 || !RD_CLK_ENABLE;
  (* keep *) reg [ABITS-1:0] at;
  (* keep *) reg [WIDTH-1:0] word;
  (* keep *) reg [WIDTH-1:0] answer;
  (* keep *) wire [WIDTH-1:0] following;
  wire [WIDTH-1:0] other;
  wire meets;
  assign RD_DATA = answer;
  \$anyseq #(.WIDTH(WIDTH)) free (.Y(other));
  always @(posedge RD_CLK[0]) begin
    at <= at;
    word <= following;
    if (RD_EN[0])
      answer <= RD_ADDR != at || meets && RD_COLLISION_X_MASK[0] ? other :
                RD_TRANSPARENCY_MASK[0] ? following : word;
  end
  generate if (WR_PORTS == 0) begin
    assign following = word;
    assign meets = 0;
  end else begin
    assign following = WR_ADDR == at ? (WR_EN & WR_DATA) | (~WR_EN & word) : word;
    assign meets = WR_ADDR == RD_ADDR && |WR_EN;
  end endgenerate
endmodule
"""
