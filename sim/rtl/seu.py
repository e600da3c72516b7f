"""Single-event upsets: bits of the memories flipped while a design runs.

A flip changes one stored bit of one memory between two clocks; what lies in the state and sum
memories is overwritten in the course of the run, what lies in the weight and parameter memories
stays until the memory is written anew, here at the reset that begins the next sample.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...golden.errors import require
from ...hdl import Design
from .bulk import BulkRtl, RtlRun

__all__ = ["Flips", "Memory", "Upsets", "memories_of"]

_MODULE = re.compile(r"^module (\w+) \(.*?^endmodule$", re.MULTILINE | re.DOTALL)
_MEMORY = re.compile(r"^  reg \[(\d+):0\] (\w+_memory) \[(\d+):0\];$", re.MULTILINE)


@dataclass(frozen=True)
class Memory:
    """A memory of a core: where it lies, bits of a word, words, and whether nothing writes it."""

    core: str
    name: str
    width: int
    depth: int

    @property
    def bits(self) -> int:
        """All that can flip."""
        return self.width * self.depth

    @property
    def fixed(self) -> bool:
        """Whether a flip stays."""
        return self.name in ("weight_memory", "parameter_memory")


def memories_of(design: Design) -> tuple[Memory, ...]:
    """The memories of every core of a design."""
    out = []
    for module in _MODULE.finditer(design.verilog):
        name = module[1]
        if not name.startswith(f"{design.name}_core_"):
            continue
        core = name.removeprefix(f"{design.name}_")
        for m in _MEMORY.finditer(module[0]):
            out.append(Memory(core, m[2], int(m[1]) + 1, int(m[3]) + 1))
    require(bool(out), "design", design.name, "a design whose cores have memories")
    return tuple(out)


@dataclass(frozen=True, eq=False)
class Flips:
    """Upsets of a run: sample, clock after its reset, memory, word and bit, ``(flips, 5)``."""

    table: NDArray[np.int64]

    @staticmethod
    def random(
        rng: np.random.Generator,
        memories: Sequence[Memory],
        samples: int,
        each: int,
        clocks: int,
        only: Sequence[str] = (),
    ) -> Flips:
        """``each`` flips in every sample, every bit of the chosen memories alike.

        Parameters
        ----------
        clocks
            Flips fall into the first so many clocks of a sample.
        only
            Names of the memories; all where empty.
        """
        sizes = np.array([m.bits if not only or m.name in only else 0 for m in memories])
        require(sizes.sum() > 0, "only", list(only), "names of memories of this design")
        require(each >= 0 and clocks >= 1, "flips", (each, clocks), "0 or more, in 1 clock or more")
        place = rng.integers(0, sizes.sum(), samples * each)
        ends = np.cumsum(sizes)
        memory = np.searchsorted(ends, place, side="right")
        offset = place - (ends - sizes)[memory]
        width = np.array([m.width for m in memories])[memory]
        sample = np.repeat(np.arange(samples), each)
        clock = rng.integers(0, clocks, samples * each)
        table = np.stack([sample, clock, memory, offset // width, offset % width], axis=1)
        return Flips(table[np.lexsort((clock, sample))].astype(np.int64))


class Upsets:
    """A design compiled so that its memories can be upset."""

    def __init__(self, design: Design, *, optimise: bool = True) -> None:
        self.memories = memories_of(design)
        opened = _MEMORY.sub(
            lambda m: f"  reg [{m[1]}:0] {m[2]} [{m[3]}:0] /*verilator public_flat_rw*/;",
            design.verilog,
        )
        open_design = replace(design, verilog=opened)
        self._rtl = BulkRtl(open_design, optimise=optimise, probe=_probe(design, self.memories))

    def run(self, inputs: Mapping[str, NDArray[np.generic]], flips: Flips) -> RtlRun:
        """Simulate ``(steps, samples, n)`` inputs while bits flip."""
        table = np.ascontiguousarray(flips.table, dtype=np.int64)
        self._rtl.library.lif_upset(
            table.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(len(table))
        )
        return self._rtl.run(inputs, patience=20_000)


def _probe(design: Design, memories: Sequence[Memory]) -> str:
    cases = []
    for k, m in enumerate(memories):
        place = f"t->rootp->{design.name}__DOT__{m.core}__DOT__{m.name}[word]"
        flip = (
            f"{place}[bit / 32] ^= 1u << (bit % 32)" if m.width > 64 else f"{place} ^= 1ull << bit"
        )
        cases.append(f"    case {k}: {flip}; break;")
    fixed = ", ".join(str(int(m.fixed)) for m in memories)
    root = "@TOP@___024root.h"
    return f'#include "{root}"\n' + _PROBE.replace("@CASES@", "\n".join(cases)).replace(
        "@FIXED@", fixed
    )


_PROBE = """
static const int64_t* upsets = nullptr;
static int64_t upset_count = 0, upset_next = 0, upset_first = 0;
static const int stays[] = {@FIXED@};
extern "C" __attribute__((visibility("default"))) void lif_upset(const int64_t* table, int64_t n) {
  upsets = table; upset_count = n; upset_next = upset_first = 0;
}
static inline void flip(Top* t, int64_t memory, int64_t word, int64_t bit) {
  switch (memory) {
@CASES@
  }
}
static inline void probe(Top* t, int64_t sample, int64_t clock) {
  if (clock < 0) {  // a new sample: what stayed is written anew
    for (int64_t k = upset_first; k < upset_next; ++k)
      if (stays[upsets[5 * k + 2]])
        flip(t, upsets[5 * k + 2], upsets[5 * k + 3], upsets[5 * k + 4]);
    while (upset_next < upset_count && upsets[5 * upset_next] < sample) ++upset_next;
    upset_first = upset_next;
  }
  for (; upset_next < upset_count; ++upset_next) {
    const int64_t* u = upsets + 5 * upset_next;
    if (u[0] != sample || u[1] > clock) break;
    flip(t, u[2], u[3], u[4]);
  }
}
"""
