// One leaky neuron for a sensor front end. Own conventions: active-low reset, strobe, Q8.4 charge.
`timescale 1ns/1ps
module sprout #(
    parameter integer VW    = 12,
    parameter integer LEAK  = 4,
    parameter integer FIRE  = 600,
    parameter integer REST  = 40,
    parameter integer PAUSE = 3
) (
    input  wire                 ck,
    input  wire                 rstn,
    input  wire                 stb,
    input  wire signed [9:0]    isyn,
    output reg                  fire,
    output wire signed [VW-1:0] charge
);
  localparam signed [VW+1:0] TOP = (1 << (VW-1)) - 1;
  localparam signed [VW+1:0] BOT = -(1 << (VW-1));

  reg signed [VW-1:0] q;
  reg [3:0] pause;
  assign charge = q;

  wire signed [VW+1:0] leaked = q - (q >>> LEAK);
  wire signed [VW+1:0] raw = leaked + isyn;
  wire signed [VW-1:0] nxt = raw > TOP ? TOP[VW-1:0] : raw < BOT ? BOT[VW-1:0] : raw[VW-1:0];
  wire hit = nxt > FIRE;

  always @(posedge ck) begin
    if (!rstn) begin
      q <= 0;
      pause <= 0;
      fire <= 0;
    end else if (stb) begin
      fire <= 0;
      if (pause != 0) begin
        pause <= pause - 1;
      end else if (hit) begin
        fire <= 1;
        q <= REST;
        pause <= PAUSE;
      end else begin
        q <= nxt;
      end
    end
  end
endmodule
