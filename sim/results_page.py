"""Measured figures as a page: ``python -m lifstone.sim.results_page docs/results docs/results.md``.

Every ``.json`` of the folder is a table with a row for each seed, and a last one with the mean
and the standard deviation from seed to seed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .whole_file import whole_file

__all__ = ["main", "page", "table"]

HEAD = (
    "seed",
    "float",
    "contract",
    "RTL",
    "input spikes",
    "hidden spikes",
    "synaptic operations",
    "clocks: mean, worst",
)
PREFACE = """# Results

Accuracies are over every test image; spikes, operations and clocks are for one image. The RTL
ran in the compiled harness: with trace ports, where each state and spike of each neuron and step
is compared with the contract's, and without them for its clocks and the answers it sent. The
seed is of first weights, order and distortions. The test images decide nothing: settings were
chosen on the last 10,000 training images, and the network is that of the last epoch.
`make results` writes this page from the figures in `docs/results/`.
"""


def table(found: Mapping[str, Any]) -> str:
    """The rows of one file as Markdown, with what was compared below."""
    rows: Sequence[Mapping[str, Any]] = found["rows"]
    lines = [f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|"]
    lines += [f"| {r.get('seed', r.get('network'))} | {_cells(r)} |" for r in rows]
    if len(rows) > 1:
        lines.append(f"| mean, deviation | {_spread(rows)} |")
    steps, images = rows[0]["steps"], rows[0]["images"]
    compared, unequal = (sum(r[k] for r in rows) for k in ("compared", "unequal"))
    moved = sum(r["moved"] for r in rows)
    lines += [
        "",
        f"{images:,} test images, {steps} steps each. Of {compared:,} states and spikes of the RTL "
        f"{unequal:,} differ from the contract's; of the contract's spikes {moved:,} differ from "
        "the float model's.",
    ]
    return "\n".join(lines)


def _cells(row: Mapping[str, Any]) -> str:
    n = row["images"]
    cells = [f"{row[f'right_{body}'] / n:.2%}" for body in ("float", "contract", "rtl")]
    cells += [f"{row[k] / n:,.0f}" for k in ("input_spikes", "hidden_spikes", "operations")]
    cells.append(f"{row['clocks'] / n:,.0f}, {row['worst_clocks']:,}")
    return " | ".join(cells)


def _spread(rows: Sequence[Mapping[str, Any]]) -> str:
    def each(key: str) -> tuple[float, float]:
        values = np.array([r[key] / r["images"] for r in rows])
        return float(values.mean()), float(values.std(ddof=1))

    cells = ["{:.2%} ± {:.2%}".format(*each(f"right_{b}")) for b in ("float", "contract", "rtl")]
    keys = ("input_spikes", "hidden_spikes", "operations", "clocks")
    cells += ["{:,.0f} ± {:,.0f}".format(*each(k)) for k in keys]
    return " | ".join(cells)


def page(found: Sequence[Mapping[str, Any]]) -> str:
    """The whole page."""
    parts = [f"## {f['title']}\n\n{f.get('about', '')}\n\n{table(f)}\n" for f in found]
    return "\n".join([PREFACE, *parts]).replace("\n\n\n", "\n")


def main(argv: Sequence[str] | None = None) -> None:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("page", type=Path)
    args = parser.parse_args(argv)
    files = sorted(args.folder.glob("*.json"))
    found = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    with whole_file(args.page) as temporary:
        temporary.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
