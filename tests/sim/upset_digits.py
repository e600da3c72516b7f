"""Accuracy of the digits network while bits of its memories flip; the figure of the page."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifstone.demo import _case
from lifstone.hdl import generate
from lifstone.sim.digits import decode
from lifstone.sim.rtl.seu import Flips, Memory, Upsets

COUNTS = (0, 1, 3, 10, 30, 100, 300, 1000, 3000)
"""Flips in an image."""
KINDS = ("state_memory", "sum_memory", "weight_memory", "parameter_memory")


def run(
    images: int, counts: Sequence[int] = COUNTS, seed: int = 0
) -> tuple[list[dict[str, Any]], tuple[Memory, ...]]:
    """Accuracy, and share of images whose output differs, by memory and flips in an image."""
    case, labels, _ = _case(images)
    dut = Upsets(generate(case.quantised.contract, "digits"), optimise=images > 100)
    inputs, rng = case.stimulus.spikes, np.random.default_rng(seed)
    calm = dut.run(inputs, Flips(np.zeros((0, 5), dtype=np.int64)))
    if calm.failure:
        raise RuntimeError(calm.failure)
    right = calm.traces["digit"].spikes
    rows = []
    for kind in KINDS:
        for each in counts:
            clocks = min(calm.cycles)
            flips = Flips.random(rng, dut.memories, images, each, clocks, (kind,))
            found = dut.run(inputs, flips)
            rows.append({"memory": kind, "flips": each, **_row(found, right, labels)})
    return rows, dut.memories


def _row(found: Any, right: NDArray[np.bool_], labels: NDArray[np.int64]) -> dict[str, Any]:
    spikes = found.traces["digit"].spikes
    return {
        "accuracy": round(float(np.mean(decode(spikes) == labels)), 4),
        "changed": round(float(np.mean((spikes != right).any(axis=(0, 2)))), 4),
        "failure": found.failure,
    }


def table(rows: Sequence[dict[str, Any]], counts: Sequence[int]) -> list[str]:
    """Markdown: accuracy by memory and flips."""
    head = " | ".join(f"{n:,}" for n in counts)
    out = [f"| flips in an image | {head} |", "|---" * (len(counts) + 1) + "|"]
    for kind in KINDS:
        cells = [f"{r['accuracy']:.1%}" for r in rows if r["memory"] == kind]
        out.append(f"| {kind.replace('_', ' ')} | {' | '.join(cells)} |")
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=180)
    parser.add_argument("--out", type=Path, default=Path("out/seu.json"))
    parser.add_argument("--figure", type=Path, help="also draw accuracy against flips, an SVG")
    given = parser.parse_args()
    rows, memories = run(given.images)
    bits = {k: sum(m.bits for m in memories if m.name == k) for k in KINDS}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"images": given.images, "bits": bits, "rows": rows}, indent=2)
    given.out.write_text(text + "\n", encoding="utf-8")
    print(f"{given.images} images; bits: {bits}")
    print("\n".join(table(rows, COUNTS)))
    if given.figure is not None:
        _draw(rows, bits, given.figure)
    return 1 if any(r["failure"] for r in rows) else 0


def _draw(rows: Sequence[dict[str, Any]], bits: dict[str, int], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for kind in KINDS:
        chosen = [r for r in rows if r["memory"] == kind]
        label = f"{kind.replace('_', ' ')}, {bits[kind]:,} bits"
        flips = [max(r["flips"], 0.5) for r in chosen]
        axes.semilogx(flips, [100 * r["accuracy"] for r in chosen], "o-", label=label)
    axes.set(xlabel="flips in an image", ylabel="accuracy, %", ylim=(0, 100))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


if __name__ == "__main__":
    sys.exit(main())
