"""A user's Verilog, compiled with a harness of a few lines that drives its ports."""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...golden.errors import InvalidValue, require
from .toolchain import cache_folder, find_verilator
from .user_core import Ports, UserCore
from .verilate import shared_object, verilate

__all__ = ["Built", "build_core"]

WIDEST = 32


@dataclass(frozen=True, eq=False)
class Built:
    """A compiled core, the widths of its ports by field, and its source as one text in ``file``."""

    library: ctypes.CDLL
    bits: Mapping[str, int]
    source: str
    file: str


def build_core(core: UserCore, coverage: Sequence[str] = ()) -> Built:
    """Compile a core, or take it from the cache.

    Raises
    ------
    InvalidValue
        For Verilog that Verilator refuses, and ports that the core does not have like that.
    MissingTool
        Without Verilator or a C++ compiler.
    """
    tool = find_verilator()
    text = "\n".join(p.read_text(encoding="utf-8", errors="replace") for p in core.sources)
    ending = ".sv" if any(p.suffix == ".sv" for p in core.sources) else ".v"
    included = [(p.name, p.read_bytes()) for p in core.include]
    folder = cache_folder()
    with tempfile.TemporaryDirectory(prefix="building-", dir=folder) as name:
        source = Path(name) / f"core{ending}"
        for path in core.include:
            shutil.copyfile(path, source.parent / path.name)
        source.write_text(text, encoding="utf-8")
        try:
            verilate(source, core.top, tool, "Vports")
        except RuntimeError as error:
            reason = " ".join(str(error).replace(str(source.parent), "").split())[-200:]
            allowed = f"Verilog with a module {core.top} that Verilator takes (...{reason})"
            raise InvalidValue("core.sources", core.sources[0].name, allowed) from None
        header = (source.parent / "model" / "Vports.h").read_text(encoding="utf-8")
        bits = _checked(core, _ports(header))
        harness = _harness(core.ports)
        key = "\n".join([text, core.top, ending, str(included), harness, tool.version])
        digest = hashlib.sha256(f"{key}{tuple(coverage)}".encode()).hexdigest()[:24]
        target = folder / f"core-{digest}.so"
        if not target.is_file():
            shutil.rmtree(source.parent / "model")
            prefix = f"V{digest}"
            made = shared_object(
                source, core.top, tool, prefix, harness.replace("@TOP@", prefix), coverage
            )
            os.replace(made, target)
    return Built(ctypes.CDLL(str(target)), bits, text, f"core{ending}")


def _ports(header: str) -> dict[str, tuple[bool, int]]:
    """Name, whether it is an input, and bits, as Verilator's header declares them."""
    found = re.findall(r"VL_(IN|OUT|INOUT)(?:8|16|64|W)?\(&?(\w+),(\d+),(\d+)", header)
    return {name: (kind == "IN", int(high) - int(low) + 1) for kind, name, high, low in found}


def _checked(core: UserCore, there: Mapping[str, tuple[bool, int]]) -> dict[str, int]:
    ports, bits = core.ports, {}
    for field, name, reads in ports.named():
        kind = "input" if reads else "output"
        allowed = ", ".join(f"{n} ({b} bits)" for n, (i, b) in there.items() if i == reads)
        good = name in there and there[name][0] == reads
        require(good, f"ports.{field}", name, f"an {kind} of {core.top}: {allowed or 'none'}")
        bits[field] = there[name][1]
        top = WIDEST if field in ("input", "membrane", "index") else 1
        require(bits[field] <= top, f"ports.{field}", f"{name}, {bits[field]} bits", f"1 to {top}")
    for field in ("input", "membrane"):
        said = getattr(ports, f"{field}_bits")
        if said is not None:
            have = bits[field]
            require(said == have, f"ports.{field}_bits", said, f"{have}, as the core declares it")
    _check_words(core, bits)
    return bits


def _check_words(core: UserCore, bits: Mapping[str, int]) -> None:
    c = core.contract
    if "index" in bits:
        top = 1 << bits["index"]
        require(c.n <= top, "contract.n", c.n, f"at most {top}, what ports.index can name")
    if "membrane" in bits:
        fraction = core.ports.membrane_fraction
        shown = c.fraction if fraction is None else fraction
        require(0 <= shown <= 31, "ports.membrane_fraction", shown, "0 to 31")
        need = c.width - c.fraction + shown
        allowed = f"at least {need} bits for a word of {c.width} with {shown} behind the point"
        require(bits["membrane"] >= need, "ports.membrane", f"{bits['membrane']} bits", allowed)


def _harness(ports: Ports) -> str:
    active = int(ports.reset_active == "high")
    lines = {
        "@CLOCK@": ports.clock,
        "@RESET@": f"t->{ports.reset} = on ? {active} : {1 - active};",
        "@ENABLE@": f"t->{ports.enable} = on;" if ports.enable else "",
        "@INDEX@": f"t->{ports.index} = (uint32_t)j;" if ports.index else "",
        "@INPUT@": f"t->{ports.input} = (uint32_t)(x & mask);",
        "@SPIKE@": f"*spike = t->{ports.spike};",
        "@MEMBRANE@": f"*v = (int64_t)t->{ports.membrane};" if ports.membrane else "*v = 0;",
    }
    text = _TEXT
    for mark, line in lines.items():
        text = text.replace(mark, line)
    return text


_TEXT = """
#include <cstdint>
#include "@TOP@.h"
#include "verilated.h"
#ifdef LIF_COVERAGE
#include "verilated_cov.h"
#endif
typedef @TOP@ Top;
struct GaveUp {};
void vl_fatal(const char*, int, const char*, const char*) { throw GaveUp(); }
void vl_finish(const char*, int, const char*) { throw GaveUp(); }
static inline void reset(Top* t, int on) { @RESET@ }
static inline void enable(Top* t, int on) { @ENABLE@ }
static inline void give(Top* t, int64_t j, int64_t x, uint64_t mask) { @INDEX@ @INPUT@ }
static inline void take(Top* t, uint8_t* spike, int64_t* v) { @SPIKE@ @MEMBRANE@ }
struct Job { int64_t count, n, latency, interval, reset_clocks; uint64_t mask;
  const int64_t* x; const int64_t* noise; const uint8_t* idle; const uint8_t* starts;
  uint8_t* spike; int64_t* v; };
struct Run {
  Top* t; const Job& job; int64_t edges = 0, asked = 0, answered = 0; int64_t* at;
  void collect() {
    while (answered < asked && at[answered] + job.latency == edges) {
      take(t, job.spike + answered, job.v + answered); ++answered;
    }
  }
  void clock() {
    t->eval(); t->@CLOCK@ = 1; t->eval(); t->@CLOCK@ = 0; t->eval(); ++edges; collect();
  }
  void restart() {
    enable(t, 0);
    while (answered < asked) clock();
    give(t, 0, 0, job.mask); reset(t, 1);
    for (int64_t k = 0; k < job.reset_clocks; ++k) clock();
    reset(t, 0);
  }
  void all() {
    for (int64_t a = 0; a < job.count; ++a) {
      if (job.starts[a]) restart();
      enable(t, 0);
      for (int k = 0; k < job.idle[a]; ++k) { give(t, 0, job.noise[a], job.mask); clock(); }
      enable(t, 1); give(t, a % job.n, job.x[a], job.mask); t->eval();
      at[asked++] = edges; collect();
      for (int64_t k = 0; k < job.interval; ++k) { clock(); enable(t, 0); }
    }
    while (answered < asked) clock();
  }
};
extern "C" __attribute__((visibility("default"))) int core_run(
    int64_t count, int64_t n, int64_t latency, int64_t interval, int64_t reset_clocks,
    uint64_t mask, const int64_t* x, const int64_t* noise, const uint8_t* idle,
    const uint8_t* starts, uint8_t* spike, int64_t* v, int64_t* at, const char* coverage) {
  Job job{count, n, latency, interval, reset_clocks, mask, x, noise, idle, starts, spike, v};
  VerilatedContext context;
  int code = 0;
  Top top(&context, "top");
  Run run{&top, job, 0, 0, 0, at};
  try {
    top.@CLOCK@ = 0; reset(&top, 0); enable(&top, 0); top.eval();
    run.all(); top.final();
  } catch (const GaveUp&) { code = 1; }
#ifdef LIF_COVERAGE
  if (coverage) context.coveragep()->write(coverage);
#endif
  return code;
}
"""
