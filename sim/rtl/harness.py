"""C++ around a Verilated design: streams in, streams and traces out, many steps a call.

The text is written for one design, from its manifest; the same source serves every stimulus.
"""

from __future__ import annotations

from typing import Any

from ...hdl import Design
from .loading import load_text

__all__ = ["Port", "harness_text", "ports_of", "words_of"]

Port = dict[str, Any]

CODES = {
    1: "stopped answering",
    2: "an event with an address out of range or out of order",
    3: "an event after the last step",
    4: "a trace beat out of order",
    5: "an event that changed while it waited",
    6: "a trace beat after the last step",
    7: "signals that never settle, or a $stop or $finish",
}
"""Return codes of the harness."""


def ports_of(design: Design) -> tuple[list[Port], list[Port], list[Port]]:
    """Inputs, outputs and traced populations of a design, in the order of the harness."""
    traced = [p for p in design.manifest["populations"] if design.manifest["trace"]]
    return list(design.manifest["inputs"]), list(design.manifest["outputs"]), traced


def words_of(port: Port) -> list[str]:
    """Words of state that a trace port of a population shows, in their order."""
    return [k for k in port["trace"]["fields"] if k not in ("index", "spike")]


def harness_text(design: Design, prefix: str, probe: str = "") -> str:
    """The C++ source; ``prefix`` is the name of the Verilated class.

    ``probe`` is C++ that defines ``static inline void probe(Top*, int64_t sample, int64_t clock)``;
    it is called before each clock, and with the clock -1 when a reset begins. It may reach into
    the design, and export functions that a caller of the library sets it up with.
    """
    inputs, outputs, traced = ports_of(design)
    parts = [_HEAD.replace("@TOP@", prefix)]
    sizes = (
        _array("IN_N", [p["n"] for p in inputs])
        + _array("OUT_N", [p["n"] for p in outputs])
        + _array("OUT_REPEATS", [int(p.get("repeats", False)) for p in outputs])
        + _array("POP_N", [p["n"] for p in traced])
        + _array("WORD_N", [len(words_of(p)) for p in traced])
        + _array(
            "WORD_FIRST", [sum(len(words_of(p)) for p in traced[:k]) for k in range(len(traced))]
        )
    )
    parts.append(_HEAD_BEAT.replace("@WORDS@", str(max([len(words_of(p)) for p in traced] + [1]))))
    parts.append(sizes)
    parts.append(_drive(inputs, outputs))
    parts.append(_sample(inputs, outputs, traced))
    parts.append((probe or _NO_PROBE).replace("@TOP@", prefix))
    parts.append(load_text(design))
    parts.append(_BODY.replace("@TOP@", prefix))
    return "\n".join(parts)


def _array(name: str, values: list[int]) -> str:
    body = ", ".join(str(v) for v in [*values, 0])
    return (
        f"static const int {name}[] = {{{body}}};\nstatic const int {name}_COUNT = {len(values)};\n"
    )


def _drive(inputs: list[Port], outputs: list[Port]) -> str:
    lines = ["static void drive(Top* t, const Source* in, const Sink* out) {"]
    for k, p in enumerate(inputs):
        port = p["port"]
        lines.append(
            f"  t->{port}_valid = in[{k}].valid; t->{port}_tick = in[{k}].tick; "
            f"t->{port}_address = in[{k}].address;"
        )
    lines += [f"  t->{p['port']}_ready = out[{k}].ready;" for k, p in enumerate(outputs)]
    return "\n".join([*lines, "}"])


def _sample(inputs: list[Port], outputs: list[Port], traced: list[Port]) -> str:
    lines = ["static void sample(Top* t, Source* in, Sink* out, Beat* beat) {"]
    lines += [f"  in[{k}].ready = t->{p['port']}_ready;" for k, p in enumerate(inputs)]
    for k, p in enumerate(outputs):
        port = p["port"]
        lines.append(
            f"  out[{k}].valid = t->{port}_valid; out[{k}].tick = t->{port}_tick; "
            f"out[{k}].address = t->{port}_address;"
        )
    for k, p in enumerate(traced):
        port, fields = p["trace"]["port"], p["trace"]["fields"]
        lines.append(
            f"  beat[{k}].valid = t->{port}_valid; beat[{k}].index = t->{port}_index; "
            f"beat[{k}].spike = t->{port}_spike;"
        )
        plain = p["trace"].get("unsigned", ())
        for at, word in enumerate(words_of(p)):
            value = f"t->{port}_{word}"
            value = value if word in plain else f"sign({value}, {fields[word]})"
            lines.append(f"  beat[{k}].word[{at}] = {value};")
    return "\n".join([*lines, "}"])


_HEAD = """
#include <cstdint>
#include <cstring>
#include <vector>
#include "@TOP@.h"
#include "verilated.h"
#ifdef LIF_COVERAGE
#include "verilated_cov.h"
#endif
typedef @TOP@ Top;
struct Source { int valid, tick, ready; uint32_t address; int64_t step; int64_t line; };
struct Sink { int valid, tick, ready, waiting, was_tick; uint32_t address, was_address;
  int64_t step, last; };
struct GaveUp {};
void vl_fatal(const char*, int, const char*, const char*) { throw GaveUp(); }
void vl_finish(const char*, int, const char*) { throw GaveUp(); }
static inline int64_t sign(uint64_t value, int width) {
  return (int64_t)(value << (64 - width)) >> (64 - width);
}
"""

_NO_PROBE = "static inline void probe(Top*, int64_t, int64_t) {}"

_HEAD_BEAT = """
struct Beat { int valid, spike; uint32_t index; int64_t count, word[@WORDS@]; };
"""

_BODY = """
// eval() also takes locks for what this class of design never uses, twice the work of the
// design itself; the first evaluation goes through it.
static inline void evaluate(Top* t) { @TOP@___024root___eval(t->rootp); }

struct Random {
  uint64_t s;
  double next() {
    s ^= s << 13; s ^= s >> 7; s ^= s << 17;
    return (double)(s >> 11) * (1.0 / 9007199254740992.0);
  }
};

struct Job {
  int64_t samples, steps;
  double idle, pressure;
  uint64_t seed;
  int64_t reset_at, patience;
  const uint8_t* const* in;   /* per input: samples, steps, n */
  uint8_t* const* out;        /* per output: samples, steps, n */
  int64_t* const* word;       /* per word of each traced population: samples, steps, n */
  uint8_t* const* spike;      /* per traced population: samples, steps, n */
  int64_t* cycles;            /* samples */
  int64_t* where;             /* sample, step, port */
};

struct Run {
  Top* top; const Job& job; Random random;
  std::vector<Source> in; std::vector<Sink> out; std::vector<Beat> beat;
  int64_t sample; bool progress;

  Run(Top* t, const Job& j)
    : top(t), job(j), random{j.seed * 2654435761u + 88172645463325252ull},
      in(IN_N_COUNT + 1), out(OUT_N_COUNT + 1), beat(POP_N_COUNT + 1), sample(0),
      progress(false) {}

  // The clock falls together with the next change of the inputs: one evaluation serves both.
  void settle() { evaluate(top); }
  void clock() { top->clk = 1; evaluate(top); top->clk = 0; }

  void reset(int clocks) {
    for (auto& s : in) s = Source();
    for (auto& s : out) { s = Sink(); s.last = -1; }
    for (auto& b : beat) b = Beat();
    for (int k = 0; k < OUT_N_COUNT; ++k)
      memset(job.out[k] + sample * job.steps * OUT_N[k], 0, job.steps * OUT_N[k]);
    top->rst = 1;
    probe(top, sample, -1);
    drive(top, in.data(), out.data());
    for (int k = 0; k < clocks; ++k) { settle(); clock(); }
    top->rst = 0;
  }

  void offer(int k) {
    Source& s = in[k];
    if (s.valid || s.step >= job.steps) return;
    if (job.idle > 0 && random.next() < job.idle) return;
    const uint8_t* row = job.in[k] + (sample * job.steps + s.step) * IN_N[k];
    while (s.line < IN_N[k] && !row[s.line]) ++s.line;
    s.valid = 1;
    s.tick = s.line == IN_N[k];
    s.address = s.tick ? 0 : (uint32_t)s.line;
  }

  void sent(int k) {
    Source& s = in[k];
    if (!(s.valid && s.ready)) return;
    progress = true;
    s.valid = 0;
    if (s.tick) { ++s.step; s.line = 0; } else ++s.line;
  }

  int received(int k) {
    Sink& s = out[k];
    if (s.waiting && (!s.valid || s.tick != s.was_tick || s.address != s.was_address)) return 5;
    s.waiting = s.valid && !s.ready;
    s.was_tick = s.tick; s.was_address = s.address;
    if (!(s.valid && s.ready)) return 0;
    progress = true;
    if (s.step >= job.steps) return 3;
    if (s.tick) { ++s.step; s.last = -1; return 0; }
    if (s.address >= (uint32_t)OUT_N[k]) return 2;
    // Only cores whose neurons may fire more than once a step send an address again.
    if ((int64_t)s.address < s.last + 1 - OUT_REPEATS[k]) return 2;
    s.last = s.address;
    job.out[k][(sample * job.steps + s.step) * OUT_N[k] + s.address] += 1;
    return 0;
  }

  int traced(int k) {
    Beat& b = beat[k];
    if (!b.valid) return 0;
    progress = true;
    if (b.count >= job.steps * POP_N[k]) return 6;
    if ((int64_t)b.index != b.count % POP_N[k]) return 4;
    const int64_t at = sample * job.steps * POP_N[k] + b.count;
    for (int w = 0; w < WORD_N[k]; ++w) job.word[WORD_FIRST[k] + w][at] = b.word[w];
    job.spike[k][at] = (uint8_t)b.spike;
    ++b.count;
    return 0;
  }

  bool finished() const {
    for (int k = 0; k < IN_N_COUNT; ++k) if (in[k].step < job.steps) return false;
    for (int k = 0; k < OUT_N_COUNT; ++k) if (out[k].step < job.steps) return false;
    for (int k = 0; k < POP_N_COUNT; ++k)
      if (beat[k].count < job.steps * POP_N[k]) return false;
    return true;
  }

  int fail(int code, int64_t step, int port) {
    job.where[0] = sample; job.where[1] = step; job.where[2] = port;
    return code;
  }

  int64_t slowest() const {
    int64_t step = job.steps;
    for (int k = 0; k < OUT_N_COUNT; ++k) if (out[k].step < step) step = out[k].step;
    for (int k = 0; k < POP_N_COUNT; ++k) {
      const int64_t at = beat[k].count / POP_N[k];
      if (at < step) step = at;
    }
    return step;
  }

  int one() {
    int64_t cycle = 0, quiet = 0, after = 0;
    bool again = job.reset_at >= 0;
    reset(2);
    while (after < 64) {
      if (again && cycle == job.reset_at) { reset(1); again = false; }
      for (int k = 0; k < IN_N_COUNT; ++k) offer(k);
      for (int k = 0; k < OUT_N_COUNT; ++k)
        out[k].ready = job.pressure <= 0 || random.next() >= job.pressure;
      drive(top, in.data(), out.data());
      probe(top, sample, cycle);
      settle();
      sample_ports();
      for (int k = 0; k < IN_N_COUNT; ++k) sent(k);
      for (int k = 0; k < OUT_N_COUNT; ++k)
        if (int code = received(k)) return fail(code, out[k].step, k);
      for (int k = 0; k < POP_N_COUNT; ++k)
        if (int code = traced(k)) return fail(code, beat[k].count / POP_N[k], k);
      clock();
      ++cycle;
      quiet = progress ? 0 : quiet + 1;
      progress = false;
      if (!again && finished()) {
        if (after++ == 0) job.cycles[sample] = cycle;
      } else if (!again && quiet > job.patience) return fail(1, slowest(), 0);
    }
    return 0;
  }

  void sample_ports() { ::sample(top, in.data(), out.data(), beat.data()); }
};

extern "C" __attribute__((visibility("default"))) int lif_run(
    int64_t samples, int64_t steps, double idle, double pressure, uint64_t seed,
    int64_t reset_at, int64_t patience, const uint8_t* const* in, uint8_t* const* out,
    int64_t* const* word, uint8_t* const* spike, int64_t* cycles,
    int64_t* where, const char* coverage) {
  Job job{samples, steps, idle, pressure, seed, reset_at, patience, in, out, word, spike,
          cycles, where};
  VerilatedContext context;
#if VM_TRACE
  context.traceEverOn(true);
#endif
  Top top(&context, "top");
  Run run(&top, job);
  int code = 0;
  try {
    top.clk = 0; top.rst = 1; top.eval();
    load_weights(&top);
    for (; run.sample < samples && !code; ++run.sample) code = run.one();
    top.final();
  } catch (const GaveUp&) {
    code = run.fail(7, run.slowest(), 0);
  }
#ifdef LIF_COVERAGE
  if (coverage) context.coveragep()->write(coverage);
#endif
  return code;
}
"""
