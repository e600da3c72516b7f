// Three current-based neurons in one datapath. Select and go; the answer takes two clocks.
module cluster (
    input  wire       clock,
    input  wire       reset,
    input  wire       go,
    input  wire [1:0] who,
    input  wire [7:0] amount,
    output reg        answer
);
  reg [15:0] membrane[0:2];
  reg [15:0] synapse[0:2];
  reg [15:0] limit;
  reg        due;
  reg        decided;
  integer    k;

  function [15:0] clip(input signed [31:0] value);
    clip = value > 32767 ? 16'h7fff : value < -32768 ? 16'h8000 : value[15:0];
  endfunction

  // Decay by 230/256 with half added; synapse by an eighth, also with half added.
  wire signed [31:0] u = {{16{membrane[who][15]}}, membrane[who]};
  wire signed [31:0] i = {{16{synapse[who][15]}}, synapse[who]};
  wire signed [31:0] current = $signed({{16{amount[7]}}, amount, 8'b0}) >>> 6;
  wire [15:0] i_next = clip(i - ((i + 4) >>> 3) + current);
  wire [15:0] u_next = clip(((u * 230 + 128) >>> 8) + $signed({{16{i_next[15]}}, i_next}));
  wire over = $signed(u_next) > $signed(limit);

  always @* case (who)
    2'd0: limit = 16'd900;
    2'd1: limit = 16'd1200;
    default: limit = 16'd700;
  endcase

  always @(posedge clock) begin
    answer <= decided;
    if (reset) begin
      for (k = 0; k < 3; k = k + 1) begin
        membrane[k] <= 0;
        synapse[k] <= 0;
      end
      decided <= 0;
    end else if (go) begin
      synapse[who] <= i_next;
      membrane[who] <= over ? clip($signed({{16{u_next[15]}}, u_next}) - {16'b0, limit}) : u_next;
      decided <= over;
    end
  end
endmodule
