"""Weights written into a compiled design before its first sample, through its port for loads.

SPRAM is empty after configuration. Whatever lies there is written under reset, as a boot loader
does it, from the weights in the design's memory files.
"""

from __future__ import annotations

import numpy as np

from ...golden.fixed import Ints
from ...hdl import Design
from ...hdl.weights import Store

__all__ = ["design_loads", "load_text", "sources_text"]


def sources_text(design: Design) -> str:
    """The design and the device's cells that it instantiates, as one text."""
    return "\n".join([design.verilog, *design.models.values()])


def design_loads(design: Design) -> Ints:
    """Loads ``(weights, 3)`` of every population whose weights lie in SPRAM."""
    out = [np.zeros((0, 3), dtype=np.int64)]
    for index, p in enumerate(design.manifest["populations"]):
        if p.get("store") != Store.SPRAM:
            continue
        width, lanes = p["weight_width"], p["lanes"]
        word = p["core"].removeprefix("core_")
        text = design.memories.get(f"{design.name}_{word}_weight.hex", "")
        words = [int(line, 16) for line in text.split()]
        mask = (1 << width) - 1
        values = [(w >> (width * k)) & mask for w in words for k in range(lanes)]
        numbers = np.arange(len(values), dtype=np.int64)
        loads = np.stack([np.full_like(numbers, index), numbers, values], axis=-1)
        out.append(loads)
    return np.ascontiguousarray(np.concatenate(out))


def load_text(design: Design) -> str:
    """C++ of ``load_weights``, which takes what ``lif_load`` was given; empty without a port."""
    if not design.manifest.get("load"):
        return "static void load_weights(Top*) {}"
    return _LOAD


_LOAD = """
static const int64_t* loads; static int64_t load_count;
extern "C" __attribute__((visibility("default"))) void lif_load(const int64_t* a, int64_t n) {
  loads = a; load_count = n;
}
static void load_weights(Top* t) {
  t->rst = 1;
  for (int k = 0; k < 2; ++k) { t->clk = 1; t->eval(); t->clk = 0; t->eval(); }
  for (int64_t k = 0; k < load_count; ++k) {
    t->load_valid = 1;
    t->load_population = (uint32_t)loads[3 * k]; t->load_address = (uint32_t)loads[3 * k + 1];
    t->load_data = (uint32_t)loads[3 * k + 2];
    t->eval();
    while (!t->load_ready) { t->clk = 1; t->eval(); t->clk = 0; t->eval(); }
    t->clk = 1; t->eval(); t->clk = 0; t->eval();
  }
  t->load_valid = 0;
}
"""
