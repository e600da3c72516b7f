"""MNIST on every body, with several seeds: ``python -m lifstone.sim.train_mnist --data FOLDER``.

A 784-128-10 network of neurons without leak, trained through the rounding of its weights to
eight bits. A pixel brighter than 60 of 255 spikes in the first step, one brighter than 180 in the
second as well; the other steps bring no input and let the network come to its answer. Training
saves a checkpoint after every epoch and goes on from it. Then all test images run in float, in
the contract and in the RTL, and the figures go into a JSON file for :mod:`.results_page`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..golden import Network, Widths, quantise
from ..golden.errors import require
from .dataset import Dataset, load_dataset
from .image_figures import measure
from .nir_read import read_nir
from .nir_write import write_nir
from .training import Run, Settings, begin, network, resume, train
from .whole_file import whole_file

__all__ = ["LANES", "RECIPE", "STEPS", "THRESHOLDS", "main"]

RECIPE = Settings(
    hidden=(128,),
    epochs=40,
    batch=256,
    rate=3e-3,
    slope=2.0,
    neuron="perfect",
    spike_score=1.0,
    spike_cost=3e-4,
    augment=1.0,
)
STEPS, THRESHOLDS = 16, (60, 180)
LANES = {"hidden": 16, "digit": 2}
ABOUT = (
    "`make train-mnist` trains and measures these (`sim/train_mnist.py`): 40 epochs, weights of "
    "eight bits, neurons without leak. A pixel brighter than 60 of 255 spikes in the first step, "
    "one brighter than 180 in the second as well. Clocks are of a design with 16 lanes in the "
    "hidden population and 2 in the last."
)


def main(argv: Sequence[str] | None = None) -> None:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder with the four IDX files")
    parser.add_argument("--out", type=Path, required=True, help="folder of networks, checkpoints")
    parser.add_argument("--figures", type=Path, required=True, help="the .json to write")
    parser.add_argument("--seeds", default="1,2,3", help="one network for each")
    parser.add_argument("--epochs", type=int, default=RECIPE.epochs)
    parser.add_argument("--networks", type=Path, nargs="+", help="measure these, train none")
    args = parser.parse_args(argv)
    data = load_dataset(args.data, STEPS, THRESHOLDS)
    args.out.mkdir(parents=True, exist_ok=True)
    if args.networks:
        rows = [
            _row(read_nir(path).network, data, {"network": path.name}) for path in args.networks
        ]
        _write(args.figures, rows)
        return
    rows = []
    for seed in _seeds(args.seeds):
        settings = replace(RECIPE, seed=seed, epochs=args.epochs)
        run = _trained(settings, data, args.out / f"seed{seed}.npz")
        net = network(train(run, data), settings)
        write_nir(net, args.out / f"mnist-seed{seed}.nir")
        about = {"seed": seed, "history": _history(run)}
        rows.append(_row(net, data, about))
        _write(args.figures, rows)


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    found = {
        "title": "MNIST, dense 784-128-10",
        "about": ABOUT,
        "settings": {k: v for k, v in asdict(RECIPE).items() if k != "seed"},
        "thresholds": THRESHOLDS,
        "lanes": LANES,
        "rows": rows,
    }
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _seeds(text: str) -> list[int]:
    good = all(part.strip().isdecimal() for part in text.split(","))
    require(good, "seeds", text, "whole numbers, comma separated")
    return [int(part) for part in text.split(",")]


def _trained(settings: Settings, data: Dataset, checkpoint: Path) -> Run:
    """A finished run, begun or gone on with."""
    run = begin(settings, data)
    if checkpoint.is_file():
        with np.load(checkpoint, allow_pickle=False) as archive:
            run = resume(settings, data, {k: np.asarray(archive[k]) for k in archive.files})

    def report(run: Run, done: float) -> None:
        if done < 1.0:
            return
        arrays: dict[str, Any] = dict(run.state())
        with whole_file(checkpoint) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)
        e = run.history[-1]
        print(f"seed {settings.seed}, epoch {e.number}: test accuracy {e.accuracy:.4f}", flush=True)

    train(run, data, report)
    return run


def _history(run: Run) -> list[dict[str, float]]:
    return [{k: round(v, 5) for k, v in asdict(e).items()} for e in run.history]


def _row(net: Network, data: Dataset, about: dict[str, Any]) -> dict[str, Any]:
    contract = quantise(net, Widths(weight=RECIPE.weight_bits)).contract
    found = asdict(measure(net, contract, data, LANES))
    share = found["right_rtl"] / found["images"]
    print(f"{about.get('seed', about.get('network'))}: RTL {share:.4f}, {found}", flush=True)
    return {**about, **found}


if __name__ == "__main__":
    main()
