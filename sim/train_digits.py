"""Train the shipped digits network: ``python -m lifstone.sim.train_digits --out digits.nir``."""

from __future__ import annotations

import argparse
from pathlib import Path

from .dataset import DIGITS, load_dataset
from .nir_write import write_nir
from .training import Run, Settings, begin, network, train

__all__ = ["main"]


def _report(run: Run, done: float) -> None:
    if done == 1.0 and run.history[-1].number % 10 == 0:
        print(f"epoch {run.history[-1].number}: test accuracy {run.history[-1].accuracy:.4f}")


def main() -> None:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="where to write the .nir file")
    parser.add_argument("--hidden", type=int, default=Settings.hidden[0])
    parser.add_argument("--epochs", type=int, default=Settings.epochs)
    parser.add_argument("--seed", type=int, default=Settings.seed)
    args = parser.parse_args()
    data = load_dataset(DIGITS)
    run = begin(Settings((args.hidden,), args.epochs, seed=args.seed), data)
    write_nir(network(train(run, data, _report)), args.out)
    print(f"test accuracy {run.history[-1].accuracy:.4f}, written to {args.out}")


if __name__ == "__main__":
    main()
