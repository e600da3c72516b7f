"""Waves of the clocks around the place where a design goes wrong, and of no others.

The design is compiled once more, with Verilator's tracing. A first run finds the clock in which
the wrong state was shown or the wrong step ended; a second writes the window around it as FST,
with every signal, at ten time units a clock.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...golden import Difference
from ...golden.errors import MissingTool, require
from ...hdl import Design
from .bulk import BulkRtl
from .harness import ports_of
from .toolchain import run_tool

__all__ = ["AFTER", "BEFORE", "Window", "write_waves"]

Spikes = Mapping[str, NDArray[np.generic]]

BEFORE, AFTER = 400, 40
"""Clocks of a window before and after the clock in question."""


@dataclass(frozen=True)
class Window:
    """A file of waves: its first and last clock, and the clock in which the fault shows.

    Clocks count from the reset of the sample; ``fault`` is the last clock of a run that broke
    the protocol or hung.
    """

    path: Path
    sample: int
    first: int
    fault: int
    last: int

    @property
    def sentence(self) -> str:
        """The window in words."""
        return (
            f"waves of sample {self.sample}, clocks {self.first} to {self.last}: {self.path}; "
            f"the fault shows in clock {self.fault}, at {10 * self.fault} in the file"
        )


def write_waves(
    design: Design,
    inputs: Spikes,
    path: Path,
    difference: Difference | None = None,
    *,
    steps: int | None = None,
    before: int = BEFORE,
    after: int = AFTER,
    timing: Mapping[str, float] | None = None,
) -> Window:
    """Run ``design`` on the stimulus that it failed on, and write the window.

    Parameters
    ----------
    inputs, steps
        As for :meth:`~.bulk.BulkRtl.run`.
    difference
        What was found; without it, the window ends where the run does.
    timing
        ``idle``, ``backpressure``, ``seed`` of the run that failed.

    Raises
    ------
    MissingTool
        Without Verilator, or the libraries that compress waves.
    """
    require(before >= 1, "before", before, "at least 1 clock")
    _check_libraries(path.parent)
    rtl = BulkRtl(design, optimise=False, waves=True, probe=_probe(design))
    which, count = _watched(design, difference)
    options = dict(timing or {})
    library = rtl.library
    for name in ("lif_found", "lif_last", "lif_sample"):
        getattr(library, name).restype = ctypes.c_int64
    wanted = -1 if difference is None else difference.sample or 0
    library.lif_watch(ctypes.c_int64(wanted), ctypes.c_int(which), ctypes.c_int64(count))
    rtl.run(inputs, steps, **options)  # type: ignore[arg-type]
    sample, last, found = (
        int(f()) for f in (library.lif_sample, library.lif_last, library.lif_found)
    )
    fault = found if found >= 0 else last
    first, end = max(0, fault - before), min(fault + after, last)
    temporary = path.with_name(f".{path.name}.writing")
    library.lif_window(
        str(temporary).encode(), ctypes.c_int64(sample), ctypes.c_int64(first), ctypes.c_int64(end)
    )
    again = rtl.run(inputs, steps, **options)  # type: ignore[arg-type]
    if not temporary.is_file():
        raise RuntimeError(f"no waves were written: {again.failure or 'the window is empty'}")
    temporary.replace(path)
    return Window(path, sample, first, fault, end)


def _check_libraries(folder: Path) -> None:
    """The headers that Verilator's writer of FST includes."""
    for header, package in (("zlib.h", "zlib1g-dev"), ("lz4.h", "liblz4-dev")):
        try:
            run_tool(["g++", "-E", "-x", "c++", "-include", header, "/dev/null"], folder)
        except RuntimeError:
            raise MissingTool(header, f"apt-get install {package}") from None


def _watched(design: Design, difference: Difference | None) -> tuple[int, int]:
    """Number of what is counted, and the count at which the fault shows."""
    if difference is None:
        return -1, 0
    _, outputs, traced = ports_of(design)
    for k, p in enumerate(traced):
        if p["name"] == difference.population:
            return k, difference.step * p["n"] + difference.neuron + 1
    for k, p in enumerate(outputs):
        if p["name"] == difference.population:
            return len(traced) + k, difference.step + 1
    return -1, 0


def _probe(design: Design) -> str:
    _, outputs, traced = ports_of(design)
    happens = [f"t->{p['trace']['port']}_valid" for p in traced]
    happens += [
        f"t->{p['port']}_valid && t->{p['port']}_ready && t->{p['port']}_tick" for p in outputs
    ]
    cases = "".join(f"    case {k}: return {text};\n" for k, text in enumerate(happens))
    return _PROBE.replace("@CASES@", cases)


_PROBE = """
#include "verilated_fst_c.h"
#include <string>
static VerilatedFstC* waves; static std::string file;
// The sample that is watched, -1 for all; the sample and clock that were seen last.
static int64_t watched, wanted, count, found = -1, seen, last = -1, first = -1, end = -1;
static int which = -1;
#define EXPORT extern "C" __attribute__((visibility("default")))
EXPORT void lif_watch(int64_t sample, int k, int64_t events) {
  watched = sample; which = k; wanted = events; count = 0; found = last = first = end = -1;
}
EXPORT int64_t lif_found() { return found; }
EXPORT int64_t lif_last() { return last; }
EXPORT int64_t lif_sample() { return seen; }
EXPORT void lif_window(const char* name, int64_t sample, int64_t from, int64_t to) {
  file = name; watched = sample; which = -1; first = from; end = to;
}
static bool happens(Top* t) {
  switch (which) {
@CASES@    default: return false;
  }
}
static void dump(Top* t, int64_t clock) {
  if (!waves) {
    waves = new VerilatedFstC;
    t->trace(waves, 99);
    waves->open(file.c_str());
  }
  // The inputs change behind the rising edge, whose states are those before this call.
  t->clk = 1; t->eval(); waves->dump((uint64_t)clock * 10);
  t->clk = 0; t->eval(); waves->dump((uint64_t)clock * 10 + 5);
  if (clock == end) { waves->close(); delete waves; waves = nullptr; first = -1; }
}
static inline void probe(Top* t, int64_t sample, int64_t clock) {
  if (watched >= 0 && sample != watched) return;
  if (clock < 0) { count = 0; return; }
  seen = sample;
  last = clock;
  if (first >= 0 && clock >= first) dump(t, clock);
  if (which >= 0 && found < 0) {
    t->eval();
    if (happens(t) && ++count == wanted) found = clock;
  }
}
"""
