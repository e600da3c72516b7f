"""The page of platform results: ``python -m lifstone.compare_results --out docs``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from .compare_tables import choices_sheet, markdown, sheets
from .console import write_text
from .golden import InvalidValue, Network
from .golden.platforms.place import PLATFORMS
from .sim.compare import Comparison, Outcome, compare
from .sim.compare_choices import choices
from .sim.digits import encode, load_digits
from .sim.nir_read import read_nir

__all__ = ["main", "results_text"]

DIGITS = Path(__file__).parent / "data" / "digits.nir"
NAME = "results-platforms.md"
RATE, STEPS, SAMPLES = 0.1, 256, 20
"""Of the random input of a network for which there are no recordings here."""


def results_text(images: int, recurrent: Path | None) -> str:
    """The page as Markdown.

    Parameters
    ----------
    images
        Test images of the digits, 1 to 360.
    recurrent
        A recurrent ``.nir`` file, whose choices of discretisation are taken one by one.
    """
    data = load_digits()
    spikes = {"pixels": encode(data.test_images[:images])}
    labels = data.test_labels[:images]
    network = read_nir(DIGITS).network
    parts = [
        "# One network on five platforms\n",
        "Written by `make compare`; [compare.md](compare.md) says what the columns mean. Times of "
        "emulation depend on the machine and are left out.\n",
        f"## Digits: 64-{network.populations['hidden'].n}-10, {images} test images\n",
        markdown(sheets(_untimed(compare(network, spikes, list(PLATFORMS), labels)))),
        markdown([choices_sheet(choices(network, spikes, labels))]),
    ]
    if recurrent is not None:
        parts += _recurrent(recurrent)
    return "\n".join(parts)


def _recurrent(path: Path) -> list[str]:
    network = read_nir(path).network
    inputs = _random(network)
    return [
        f"## {path.name}: {SAMPLES} samples of random spikes\n",
        f"The recordings that this network was trained on are not at hand: the input is random, "
        f"with a probability of {RATE:g} a line and step (seed 0), and an answer is the output "
        "with most spikes. Shares of samples with another answer are therefore not accuracies.\n",
        markdown(sheets(_untimed(compare(network, inputs, list(PLATFORMS))))),
        markdown([choices_sheet(choices(network, inputs))]),
    ]


def _random(network: Network) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    rng = np.random.default_rng(0)
    return {
        name: (rng.random((STEPS, SAMPLES, n)) < RATE).astype(np.uint8)
        for name, n in network.inputs.items()
    }


def _untimed(result: Comparison) -> Comparison:
    """Without what differs from run to run, so that the page changes only with the results."""
    outcomes: list[Outcome] = [replace(o, wall_seconds=float("nan")) for o in result.outcomes]
    return replace(result, wall_seconds=float("nan"), outcomes=tuple(outcomes))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; 2 for bad input."""
    parser = argparse.ArgumentParser(description="Write the results on the platforms.")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of the page")
    parser.add_argument("--images", type=int, default=360, help="test images of the digits")
    parser.add_argument("--recurrent", type=Path, help="a recurrent .nir file")
    options = parser.parse_args(arguments)
    try:
        text = results_text(options.images, options.recurrent)
    except InvalidValue as error:
        print(error, file=sys.stderr)
        return 2
    write_text(options.out / NAME, text)
    print(f"written to {options.out / NAME}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
